//! The lab's Exchange Web Services: its ways, and what clients and a schema that others wrote say of it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests may panic as tests do")]

mod ews_asked;
mod ews_mail;
mod ews_memory;
mod ews_oof;
mod ews_peers;
mod ews_ways;
mod said;
