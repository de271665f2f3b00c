//! The store from outside, one promise after another. One binary, because each would link SQLite again.
#![cfg(test)]

mod agenda;
mod commit;
mod full;
mod kill;
mod open;
mod samples;
mod secrets;
