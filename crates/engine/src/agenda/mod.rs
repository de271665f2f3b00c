//! The calendars of one account, one pass: look at both sides, decide, write, settle. Knows ports, not protocols.

mod batch;
mod book;
mod calendars;
mod copies;
mod delete;
mod emptied;
mod halves;
mod held;
mod links;
mod looks;
mod matching;
mod pass;
mod plan;
mod recovery;
mod relocate;
mod safekeeping;
mod suspicion;
mod tokens;
mod undeleted;
mod write;

pub use batch::BATCH;
pub use book::{AgendaBook, AgendaEvent, AgendaObserver, LeasedAgendaBook, SilentAgenda};
pub use pass::{AgendaPass, AgendaReport, run_agenda_pass};
pub use plan::{AgendaPlan, PlannedEvent};
pub use safekeeping::{Safe, Safekeeping};
