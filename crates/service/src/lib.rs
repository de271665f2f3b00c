//! Many accounts in one process: whose turn it is, with how many connections, and what comes after a pass.
//!
//! [`Service::run`] gives every account a task, and each task the same loop (`keep.rs`): wait for connections on both
//! sides (`connections.rs`), run one pass under a lease (`member.rs`), and ask the table in `next.rs` what comes next.
//! What one account finds out about a server or a service password spares the others the attempt (`gate.rs`). The service
//! knows no protocol: endpoints come from an [`EndpointFactory`].

mod bell;
mod budget;
mod calendars;
mod connections;
mod ending;
mod gate;
mod guarded;
pub mod import;
mod keep;
mod lease;
mod member;
mod next;
mod pace;
mod paces;
mod ports;
mod service;
mod stop;
mod summary;
mod turn;

pub use budget::Budget;
pub use calendars::{CalendarPassed, CalendarPasses, CalendarService, CalendarSettings, GuardedAgenda, Hands, Wakes};
pub use ending::{AccountOutcome, Ending, Totals};
pub use gate::{Gates, SideGates};
pub use lease::{Leases, Tenure};
pub use next::Mode;
pub use paces::keep_pauses;
pub use ports::{At, EndpointFactory, Listener, Notice, Offers, Place, Shared, Terms};
pub use service::{Roster, Service, Settings};
pub use stop::{Stop, StopSwitch};
