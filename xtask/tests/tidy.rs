//! The rules of the house hold, also for whoever runs only `cargo test`.

#[test]
fn the_tree_is_tidy() {
    let found = xtask::tidy::findings(&xtask::paths::root()).unwrap();
    assert!(found.is_empty(), "{}", found.join("\n"));
}
