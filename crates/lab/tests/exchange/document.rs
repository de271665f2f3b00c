//! The page about quirks names what there is.

use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The words that begin a line's code after this.
fn named(text: &str, before: &str) -> Vec<String> {
    let words = text.lines().filter_map(|line| line.trim_start().strip_prefix(before));
    words.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()).collect()
}

#[test]
fn the_page_names_every_switch_and_every_test_and_no_other() {
    let page = read("../../docs/exchange-quirks.md");
    let quirks = read("src/exchange/quirks.rs");
    let (_, fields) = quirks.split_once("pub struct Quirks {").unwrap();
    for field in named(fields.split_once("\n}").unwrap().0, "pub ") {
        assert!(page.contains(&format!("`{field}`")), "the switch {field} is not in the page");
    }
    let mut tests = Vec::new();
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exchange")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "rs") {
            tests.extend(named(&fs::read_to_string(path).unwrap(), "async fn "));
        }
    }
    let rows: Vec<&String> = tests.iter().filter(|name| name.starts_with("row_")).collect();
    assert!(rows.len() > 50);
    for test in rows {
        assert!(page.contains(&format!("`{test}`")), "the test {test} is not in the page");
    }
    for word in page.split('`').filter(|word| word.starts_with("row_")) {
        assert!(tests.iter().any(|test| test == word), "there is no test {word}");
    }
    for word in page.split('`').filter(|word| word.contains(".rs::")) {
        let (file, name) = word.split_once("::").unwrap();
        let tests = read(&format!("../app/tests/exchange/{file}"));
        assert!(tests.contains(&format!("fn {name}(")), "there is no test {word}");
    }
    for row in 1..=38 {
        assert!(page.contains(&format!("\n| {row} | ")), "row {row} is missing");
    } // Each is proven by a test of the client, but for three at most, which say why not.
    let cells = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| row |"));
    let rows: Vec<Vec<&str>> = cells.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect()).collect();
    let unproven = rows.iter().filter(|row| row.last() == Some(&"unproven"));
    let unproven: Vec<_> = unproven.inspect(|row| assert!(row[4].starts_with("unproven: "), "{row:?}")).collect();
    assert!(unproven.len() <= 3, "{unproven:?}");
    for row in rows.iter().filter(|row| row.last() != Some(&"unproven")) {
        assert!(row.len() == 6 && row[5].contains(".rs::"), "no test of the client proves {row:?}");
    }
}
