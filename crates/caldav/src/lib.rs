//! The CalDAV client, and the agenda that the engine sees of it.

mod agenda;
pub mod classify;
mod create;
mod dav;
mod discover;
mod find;
mod form;
mod href;
mod make;
mod multistatus;
mod observe;
pub mod quirks;
mod read;
mod request;
mod settings;
mod silence;
mod update;
pub mod xml;

pub use agenda::CalDavAgenda;
pub use quirks::{Overrides, Product, Quirks};
pub use settings::ServerSettings;
