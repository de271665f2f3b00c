//! Pure: what an event is on both systems, its hash and merge, time zones, recurrence, UIDs, iCalendar text.
//!
//! Knows no EWS, no HTTP, no clock: `now` never matters here, and the zones are those that are built in.

pub mod event;
pub mod goid;
pub mod hash;
pub mod ical;
pub mod label;
pub mod ladder;
pub mod merge;
pub mod pattern;
pub mod rule;
pub mod time;
pub mod unfit;
pub mod zone;

pub use event::{Details, Event, Head, Recurrence};
pub use goid::{GlobalObjectId, canonical_uid};
pub use hash::EventHash;
pub use ical::{Scheduling, from_ical, to_ical};
pub use rule::Rule;
pub use time::{Frame, When};
pub use unfit::Unfit;
pub use zone::Zone;
