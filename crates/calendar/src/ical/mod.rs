//! iCalendar text (RFC 5545) to events and back, without loss.

mod alarm;
pub mod lines;
mod people;
mod read;
pub(crate) mod spelling;
mod tree;
pub mod values;
mod write;
mod zones;

pub use lines::{Line, Param};
pub use read::{from_ical, objects};
pub use tree::{Component, parse};
pub use write::{Scheduling, to_ical};
