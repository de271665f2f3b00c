//! The one binary: CLI, configuration, languages, wiring.
fn main() {}
