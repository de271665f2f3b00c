//! The only crate with SQL: accounts, links, cursors, intents, parked items, sealed secrets.
