//! Every test that `docs/scenarios.md` names exists, and every number has its line.

use std::path::Path;

#[test]
fn the_list_of_scenarios_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let list = std::fs::read_to_string(root.join("docs/scenarios.md")).unwrap();
    let mut named = 0;
    for (file, test) in list.split('`').filter_map(|word| word.split_once(".rs::")) {
        let file = format!("{file}.rs");
        let text = std::fs::read_to_string(root.join(&file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        // Text scenarios are listed in a macro.
        let is_there = text.contains(&format!("fn {test}(")) || text.contains(&format!("\n    {test},\n"));
        assert!(is_there, "{file} has no test {test}");
        named += 1;
    }
    assert!(named > 60, "only {named} tests are named");
    for (letter, last) in [("L", 19), ("D", 14), ("C", 10), ("S", 20), ("E", 55)] {
        for number in 1..=last {
            let lines = list.lines().filter(|line| line.starts_with(&format!("| {letter}{number} |"))).count();
            assert_eq!(lines, 1, "{letter}{number}");
        }
    }
}
