//! One process on one state: an exclusive lock on a file beside the database, which tells who holds it.

use crate::classify;
use parom_domain::{Code, Result, Retry};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Held as long as it lives. The operating system gives it up with the process, however that ends.
pub(crate) struct StateLock {
    _file: File,
}

impl StateLock {
    pub(crate) fn take(database: &Path) -> Result<StateLock> {
        let failed = |error: std::io::Error| classify::file(&error, database);
        // The file is neither truncated before the lock is ours nor ever removed: both would pull it away from its holder.
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(beside(database)).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let known = file.read_to_string(&mut pid).is_ok() && !pid.trim().is_empty();
                let error = classify::state(Code::StateLocked, Retry::WhenFixed, database);
                return Err(error.with("pid", if known { pid.trim() } else { "?" }));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        file.set_len(0).map_err(failed)?;
        file.rewind().map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(StateLock { _file: file })
    }
}

/// `parom.db` is guarded by `parom.db.lock`.
fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_taker_learns_who_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        let lock = StateLock::take(&database).unwrap();
        let error = StateLock::take(&database).err().unwrap();
        assert_eq!(error.code(), Code::StateLocked);
        assert_eq!(error.arg("pid"), Some(std::process::id().to_string().as_str()));
        drop(lock);
        StateLock::take(&database).unwrap();
    }
}
