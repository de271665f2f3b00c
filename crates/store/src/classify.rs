//! What a failure of the database or of its files means: the only place where their codes are read.

use crate::codec::Damage;
use parom_domain::{Code, Error, Retry, Scope};
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

/// SQLite's result codes (<https://www.sqlite.org/rescode.html>); the low byte of an extended code is its family.
mod sqlite {
    pub const BUSY: u32 = 5;
    pub const LOCKED: u32 = 6;
    pub const CORRUPT: u32 = 11;
    pub const FULL: u32 = 13;
    pub const CONSTRAINT: u32 = 19;
    pub const NOT_A_DATABASE: u32 = 26;
    /// The index of the log could not grow, which happens on a full disk only.
    pub const IOERR_SHMSIZE: u32 = 4874;
}

pub(crate) fn database(error: &sqlx::Error, path: &Path) -> Error {
    match error {
        sqlx::Error::Database(known) => {
            let code = known.code().and_then(|code| code.parse::<u32>().ok()).unwrap_or(0);
            result_code(code, known.message(), path)
        }
        sqlx::Error::Io(io) => file(io, path),
        // A column holds what no version of ours wrote there.
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) => {
            state(Code::StateDamaged, Retry::WhenFixed, path).with("detail", error)
        }
        _ => state(Code::StateUnavailable, Retry::After(Duration::from_secs(10)), path).with("detail", error),
    }
}

fn result_code(code: u32, message: &str, path: &Path) -> Error {
    let detail = format!("{message} (SQLite {code})");
    match (code & 0xff, code) {
        (sqlite::FULL, _) | (_, sqlite::IOERR_SHMSIZE) => full(path),
        (sqlite::CORRUPT | sqlite::NOT_A_DATABASE, _) => {
            state(Code::StateDamaged, Retry::WhenFixed, path).with("detail", detail)
        }
        (sqlite::BUSY | sqlite::LOCKED, _) => state(Code::StateUnavailable, Retry::Soon, path).with("detail", detail),
        // A row that refers to nothing: the caller asked for something impossible.
        (sqlite::CONSTRAINT, _) => Error::internal(detail).with("path", path.display()),
        _ => state(Code::StateUnavailable, Retry::After(Duration::from_secs(10)), path).with("detail", detail),
    }
}

pub(crate) fn file(error: &std::io::Error, path: &Path) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => full(path),
        _ => state(Code::StateUnavailable, Retry::WhenFixed, path).with("detail", error),
    }
}

/// Damage inside one account's rows: the others go on.
pub(crate) fn damage(damage: Damage, what: &str, path: &Path) -> Error {
    Error::new(Code::StateDamaged, Scope::Account, Retry::WhenFixed)
        .with("path", path.display())
        .with("detail", format!("{what}: {}", damage.0))
}

pub(crate) fn full(path: &Path) -> Error {
    state(Code::StateFull, Retry::After(Duration::from_secs(60)), path)
}

pub(crate) fn state(code: Code, retry: Retry, path: &Path) -> Error {
    Error::new(code, Scope::System, retry).with("path", path.display())
}

/// The same error once more: those who were in one transaction fail together.
pub(crate) fn copy(error: &Error) -> Error {
    let copy = Error::new(error.code(), error.scope(), error.retry());
    error.args().iter().fold(copy, |copy, (name, value)| copy.with(name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_of_failures_has_its_code() {
        for (code, expected) in [
            (13, Code::StateFull),
            (4874, Code::StateFull),
            (11, Code::StateDamaged),
            (267, Code::StateDamaged),
            (26, Code::StateDamaged),
            (5, Code::StateUnavailable),
            (8, Code::StateUnavailable),
            (10, Code::StateUnavailable),
            (14, Code::StateUnavailable),
            (787, Code::Internal),
        ] {
            assert_eq!(result_code(code, "", Path::new("x")).code(), expected, "{code}");
        }
        for (kind, expected) in [
            (ErrorKind::StorageFull, Code::StateFull),
            (ErrorKind::QuotaExceeded, Code::StateFull),
            (ErrorKind::PermissionDenied, Code::StateUnavailable),
        ] {
            assert_eq!(file(&kind.into(), Path::new("x")).code(), expected, "{kind}");
        }
    }

    #[test]
    fn a_copy_says_the_same() {
        let error = full(Path::new("x")).with("detail", "y");
        assert_eq!(format!("{error:?}"), format!("{:?}", copy(&error)));
    }
}
