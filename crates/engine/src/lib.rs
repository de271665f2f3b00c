//! One account, one pass: look at both sides, decide, do it, write down what happened. Knows ports, not protocols.

pub mod agenda;
mod append;
mod echo;
mod execute;
mod folders;
mod foresee;
mod gather;
mod halves;
mod held;
mod identity;
mod lanes;
mod likeness;
mod looks;
mod missing;
mod moves;
mod origins;
mod overtaken;
mod pass;
mod plan;
mod ports;
mod read;
mod receipts;
mod recovery;
mod relink;
mod removal;
mod strays;
mod transfer;
mod warmth;
mod witness;
mod work;

pub use folders::Exclusions;
pub use foresee::FolderStep;
pub use likeness::{MOST_PARSED, essence};
pub use pass::{Pass, Report, Scars, run_pass};
pub use plan::{AccountPlan, FolderPlan};
pub use ports::{Book, Clock, Event, LeasedBook, Observer, Silent, SystemClock};
