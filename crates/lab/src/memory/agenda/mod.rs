//! Calendars in memory behind the `Agenda` port, made to crash, lie and refuse at any chosen step.
//!
//! A [`CalendarServer`] is one person's calendars on one side and outlives a "crash" of the engine; a [`MemoryAgenda`] is one
//! pass's view of it. An event's text is a list of `name=value` lines, one of them its `uid`.

mod endpoint;
mod server;

pub use endpoint::MemoryAgenda;
pub use server::{AgendaSwitches, CalendarPicture, CalendarServer, field, form, with_field};

#[cfg(test)]
mod tests;
