//! Pure decisions: identity, links, reconcile, folder trees, recovery, brakes, and the ports the rest plugs into.
//!
//! Nothing here knows a socket, a clock, SQL or an async runtime. `now` is an argument everywhere.

pub mod absence;
pub mod agenda;
pub mod date;
pub mod decide;
pub mod endpoint;
pub mod error;
pub mod events;
pub mod fingerprint;
pub mod folder;
pub mod guard;
pub mod link;
pub mod look;
pub mod marks;
pub mod names;
pub mod pair;
pub mod policy;
pub mod recover;
pub mod roles;
pub mod side;
pub mod state;
pub mod tree;
pub mod uid;

pub use date::InternalDate;
pub use error::{Code, Error, Result, Retry, Scope};
pub use fingerprint::Fingerprint;
pub use folder::{FolderPath, FolderSeen, Role};
pub use marks::Marks;
pub use side::{Both, Side};
pub use uid::{Uid, UidSet};
