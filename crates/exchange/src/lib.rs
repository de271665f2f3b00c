//! Exchange Web Services: every operation that Parom uses, the conversion between its items and events, and the
//! calendars of one mailbox as an [`Agenda`](parom_domain::Agenda).
//!
//! INVARIANT: nobody is mailed because of us. The only values of `SendMeetingInvitations` and its relatives that this crate
//! can write are `SendToNone` and `SaveOnly`: they are constants of the operations that need them, and no argument.

pub mod agenda;
pub mod autodiscover;
pub mod classify;
pub mod client;
pub mod convert;
pub mod envelope;
pub mod hanging;
pub mod hidden;
pub mod http;
pub mod item;
mod mail_tree;
pub mod notices;
pub mod oof;
pub mod op;
pub mod rescue;
pub mod version;
pub mod xml;

pub use agenda::{Calendars, Settings};
pub use client::{Client, Reply, Transport};
pub use hidden::HiddenFolders;
pub use http::HttpTransport;
pub use mail_tree::MailTree;
pub use notices::Notices;
pub use rescue::MailRescue;
pub use version::Version;
