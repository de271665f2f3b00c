//! The page of measurements tells what the program does.

#![allow(clippy::unwrap_used)]

use parom_imap::Extensions;
use parom_imap::quirks::{Decision, Quirks, Use};
use std::path::Path;

/// `PAROM_WRITE_REFERENCE=1 cargo test -p parom-imap` writes the decisions anew.
#[test]
fn the_page_of_measurements_ends_with_the_decisions_of_this_program() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/extensions.md");
    let there = std::fs::read_to_string(&file).unwrap();
    let (measurements, _) = there.split_once("\n## Decisions").unwrap();
    let made = format!("{measurements}\n{}", decisions());
    if std::env::var_os("PAROM_WRITE_REFERENCE").is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    assert!(std::fs::read_to_string(&file).unwrap() == made, "{} is not up to date", file.display());
}

#[test]
fn an_extension_is_on_exactly_where_the_decision_says_so() {
    for Decision { name, used, .. } in Extensions::DECISIONS {
        let mut on = Quirks::default().extensions;
        assert!(on.set(name, *used == Use::Always));
        assert_eq!(on, Quirks::default().extensions, "{name}");
    }
}

fn decisions() -> String {
    let mut text =
        "## Decisions\n\nWhere the server offers it and the configuration leaves the choice to Parom:\n\n".to_owned();
    for Decision { name, capability, used, why } in Extensions::DECISIONS {
        let used = match used {
            Use::Always => "always",
            Use::WhenAsked => "never unless asked",
        };
        text.push_str(&format!("- `{name}` ({capability}): **{used}.** {why}\n"));
    }
    text
}
