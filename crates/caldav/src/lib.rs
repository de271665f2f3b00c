//! The CalDAV client, and the agenda that the engine sees of it.

mod agenda;
mod answers;
pub mod classify;
mod create;
mod dav;
mod discover;
mod find;
pub mod folded;
mod form;
mod href;
mod make;
mod managed;
mod multistatus;
mod now;
mod observe;
pub mod quirks;
mod read;
mod request;
mod settings;
mod silence;
mod update;
pub mod xml;

pub use agenda::CalDavAgenda;
pub use create::ORGANIZER_LACKS_IT;
pub use folded::Folded;
pub use quirks::{Overrides, Product, Quirks};
pub use settings::ServerSettings;
pub use silence::WOULD_ANSWER;

/// Why this crate does not write an event: each is a key of a sentence in every language.
pub const REASONS: [&str; 5] =
    [silence::WOULD_WRITE, silence::WOULD_ANSWER, create::ORGANIZER_LACKS_IT, folded::MISLEADING, folded::DROPPED];
