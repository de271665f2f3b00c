//! The CalDAV server as others see it: by python3-caldav, and by plain requests for what no client shows.

#![allow(clippy::unwrap_used)]

mod peers;
mod said;
mod ways;
