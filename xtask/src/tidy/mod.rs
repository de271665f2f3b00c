//! `cargo xtask tidy`: the rules of the house that a machine can check.

mod arrows;
mod sources;

use crate::{Result, failure, paths};
use std::path::Path;

/// Documents that every clone has.
const DOCUMENTS: &[&str] = &["README.md", "README.ru.md", "ARCHITECTURE.md", "docs/STATUS.md", "docs/decisions"];

/// Fails with every finding, one to a line.
pub fn run() -> Result<()> {
    let found = findings(&paths::root())?;
    if found.is_empty() {
        return Ok(());
    }
    Err(failure(format!("tidy: {} findings\n{}", found.len(), found.join("\n"))))
}

/// What is not as it should be in the tree below `root`.
pub fn findings(root: &Path) -> Result<Vec<String>> {
    let mut found = arrows::findings(root)?;
    found.extend(sources::findings(root)?);
    for document in DOCUMENTS {
        if !root.join(document).exists() {
            found.push(format!("{document} is missing"));
        }
    }
    Ok(found)
}
