//! Events as iCalendar, as `item:MimeContent` carries them both ways ([MS-OXCICAL]).
//!
//! The lab's own: what our client reads must not come from its own writer, nor be judged by its own reader.

pub mod export;
pub mod import;
mod rule;
mod tree;
mod zone;
