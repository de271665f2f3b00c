//! Passes over calendars between two servers in memory: every crash, the numbered scenarios, and storms.
#![cfg(test)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod batches;
mod book;
mod crashes;
mod emptied;
mod halves;
mod meanwhile;
mod numbered;
mod one_way;
mod safekeeping;
mod storm;
mod undeleted;
mod world;
