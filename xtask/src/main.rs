//! Project chores: ci, tidy, live, bench, long.
fn main() {}
