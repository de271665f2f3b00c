//! The state as commands open it: configuration, master key, store and a runtime for them.

use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::message::Message;
use parom_domain::state::AccountId;
use parom_store::{Account, MasterKey, Store};
use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::runtime::{Builder, Runtime};

/// Who holds the leases. The lock on the state's folder admits one process, so an older one of this name is dead.
pub const OWNER: &str = "parom";

/// How a command needs the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Beside a process that works on it.
    Read,
    /// For this process alone.
    Write,
}

/// Opens the state, runs the work, and closes the state whatever the work came to. All of it on one thread: it waits more than it
/// works, and calendars, of which each event is a request, cost a quarter less where nothing is handed from thread to thread.
pub fn with<T>(
    config: &Config,
    access: Access,
    work: impl AsyncFnOnce(&Store) -> Result<T, Failure>,
) -> Result<T, Failure> {
    on(&single_thread()?, config, access, work)
}

/// The same for mail in bulk, which is worth two threads.
pub fn with_workers<T>(
    config: &Config,
    access: Access,
    work: impl AsyncFnOnce(&Store) -> Result<T, Failure>,
) -> Result<T, Failure> {
    on(&runtime()?, config, access, work)
}

fn on<T>(
    runtime: &Runtime,
    config: &Config,
    access: Access,
    work: impl AsyncFnOnce(&Store) -> Result<T, Failure>,
) -> Result<T, Failure> {
    if access == Access::Read && !config.state.exists() {
        let folder = config.state.parent().filter(|folder| !folder.as_os_str().is_empty());
        let message = match folder.filter(|folder| !folder.exists()) {
            Some(folder) => Message::new("state-no-folder").with("folder", folder.display().to_string()),
            None => Message::new("state-not-there"),
        };
        let message = message.with("file", config.state.display().to_string());
        return Err(Failure::new(Exit::State, message));
    }
    runtime.block_on(async {
        let key = master_key(config, access)?;
        let store = match access {
            Access::Read => Store::open_read(&config.state, key).await?,
            Access::Write => Store::open(&config.state, key).await?,
        };
        let done = work(&store).await;
        store.close().await;
        done
    })
}

/// The key that opens sealed passwords. A new state gets a new key; beside an old state a missing key is an error, because
/// what it sealed cannot be opened with another.
fn master_key(config: &Config, access: Access) -> Result<MasterKey, Failure> {
    let is_new = access == Access::Write && !config.state.exists() && !config.master_key.exists();
    if is_new && std::env::var_os(parom_store::MASTER_KEY_VARIABLE).is_none() {
        return Ok(MasterKey::create(&config.master_key)?);
    }
    Ok(MasterKey::find(&config.master_key)?)
}

/// Two threads are plenty, and each costs memory.
const WORKERS: usize = 2;

pub fn runtime() -> Result<Runtime, Failure> {
    built(Builder::new_multi_thread().worker_threads(WORKERS))
}

pub fn single_thread() -> Result<Runtime, Failure> {
    built(&mut Builder::new_current_thread())
}

fn built(builder: &mut Builder) -> Result<Runtime, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(Exit::Internal, Message::new("runtime-failed").with("detail", error.to_string()))
    };
    builder.enable_all().build().map_err(failed)
}

/// The accounts by their numbers.
pub async fn accounts_by_id(store: &Store) -> Result<HashMap<AccountId, Account>, Failure> {
    Ok(store.accounts().await?.into_iter().map(|account| (account.id, account)).collect())
}

/// Milliseconds since 1970.
#[must_use]
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
