//! A mailbox in memory behind the `Endpoint` port, made to crash, lie and refuse at any chosen step.
//!
//! A [`MemoryServer`] is one account on one side. It lives as long as the test and so survives the "crash" of the engine;
//! a [`MemoryEndpoint`] is one pass's view of it. Everything a server would do is deterministic: UIDs, UIDVALIDITY and
//! mod-sequences depend on the order of calls only, and no call waits for anything but [`Endpoint::wait`].
//!
//! [`Steps`] numbers every effect on a server and every answer from one. A runner counts the steps of a scenario once and
//! then repeats it with a fault at each of them: before an effect, or after it but before its answer arrived.
//!
//! [`Endpoint::wait`]: parom_domain::endpoint::Endpoint::wait

mod agenda;
mod endpoint;
mod read;
mod refusal;
mod server;
mod steps;
mod switches;
mod world;
mod write;

pub use agenda::{AgendaSwitches, CalendarPicture, CalendarServer, MemoryAgenda, field, form, with_field};
pub use endpoint::MemoryEndpoint;
pub use server::{MemoryServer, Picture};
pub use steps::{Fault, Steps};
pub use switches::{BatchLanding, Omission, ReadFault, RefusedBatch, Rewriting, Switches};
pub use world::Stored;

#[cfg(test)]
mod tests;
