//! The only crate with SQL: accounts, links, cursors, intents, parked items, sealed secrets.
//!
//! [`Store::open`] takes the state for this process. An account's state is written by [`Store::commit`] alone: a list of
//! changes, under a lease, durable when it returns. All writes go through one task, which commits together whatever
//! waits (`writer.rs`); reads go past it, on connections of their own. `database.rs` is the place for everything that
//! depends on the kind of database; `codec` holds the binary forms.

mod account;
mod archive;
mod calendar_link;
mod change;
mod change_agenda;
mod classify;
mod codec;
mod commit;
mod database;
mod key;
mod lease;
mod lock;
mod pace;
mod person;
mod read;
mod read_agenda;
mod refusal;
mod schema;
mod secret;
mod store;
mod writer;

#[cfg(test)]
extern crate self as parom_store;
#[cfg(test)]
#[allow(dead_code)]
#[path = "../tests/state/samples.rs"]
mod samples;

pub use account::{Account, NewAccount};
pub use archive::{ArchiveEntry, ArchiveItem};
pub use key::{MASTER_KEY_VARIABLE, MasterKey};
pub use pace::PaceRecord;
pub use person::{PersonRecord, PersonWrite};
pub use read::FolderCounts;
pub use refusal::{Refusal, SignIn};
pub use secret::Secret;
pub use store::Store;
