//! What every source file keeps to: a first line that tells its job, a size that can be read, no loose ends.

use crate::Result;
use std::fs;
use std::path::{Path, PathBuf};

/// Beyond so many lines a file is more than one idea.
const LONGEST: usize = 700;

/// Longer files, each with its reason.
const LONG_FOR_A_REASON: &[(&str, &str)] = &[];

/// Marks of unfinished work. Written in two pieces, so that this file does not find itself.
const LOOSE_ENDS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:"), concat!("todo", "!(")];

/// Beginnings of paths that exist on a developer's machine only.
const MACHINE_PATHS: &[&str] =
    &[concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/")];

/// What is read: sources and documents, in these places.
const PLACES: &[&str] = &[
    "crates",
    "xtask",
    "tests",
    "docs",
    ".ci",
    "Makefile",
    "README.md",
    "README.ru.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "Cargo.toml",
];
const ENDINGS: &[&str] = &["rs", "py", "md", "toml", "ftl", "sql", "sh", "txt"];

pub fn findings(root: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for place in PLACES {
        collect(&root.join(place), &mut files)?;
    }
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let name = file.strip_prefix(root).unwrap_or(&file).display().to_string();
        // A file that is not text (a captured message, say) has no lines to judge.
        if let Ok(text) = fs::read_to_string(&file) {
            found.extend(judge(&name, &text));
        }
    }
    for (name, _) in LONG_FOR_A_REASON {
        let lines = fs::read_to_string(root.join(name)).map_or(0, |text| text.lines().count());
        if lines <= LONGEST {
            found.push(format!("{name}: is not long any more; take it from the list in tidy/sources.rs"));
        }
    }
    Ok(found)
}

fn collect(place: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if place.is_file() {
        files.push(place.to_owned());
    } else if place.is_dir() {
        for entry in fs::read_dir(place)? {
            let path = entry?.path();
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            if path.is_dir() || ENDINGS.contains(&ending) {
                collect(&path, files)?;
            }
        }
    }
    Ok(())
}

/// The findings in one file.
fn judge(name: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if name.ends_with(".rs") && !text.starts_with("//! ") {
        found.push(format!("{name}: the first line must tell the job (`//! ...`)"));
    }
    if name.ends_with(".rs") || name.ends_with(".py") {
        let lines = text.lines().count();
        if lines > LONGEST && !LONG_FOR_A_REASON.iter().any(|(long, _)| *long == name) {
            found.push(format!("{name}: {lines} lines; split it, or say why not in tidy/sources.rs"));
        }
    }
    for (at, line) in text.lines().enumerate() {
        let number = at + 1;
        for mark in LOOSE_ENDS {
            if line.contains(mark) {
                found.push(format!("{name}:{number}: unfinished work is marked ({mark})"));
            }
        }
        for path in MACHINE_PATHS {
            if line.match_indices(path).any(|(start, _)| begins_a_path(line, start)) {
                found.push(format!("{name}:{number}: names a path of one machine ({path})"));
            }
        }
    }
    found
}

/// Does a path begin here, rather than go on, as in `docs` + this?
fn begins_a_path(line: &str, start: usize) -> bool {
    let before = line.get(..start).and_then(|before| before.chars().next_back());
    !before.is_some_and(|before| before.is_alphanumeric() || "._-}~/".contains(before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_file_passes() {
        assert_eq!(judge("a.rs", "//! Does one thing.\nfn a() {}\n// see docs/home/page\n"), Vec::<String>::new());
    }

    #[test]
    fn every_kind_of_finding_is_found() {
        for text in [
            "fn a() {}\n".to_owned(),
            format!("//! Job.\n// {}: later\n", LOOSE_ENDS[0]),
            format!("//! Job.\nlet a = \"{}me/x\";\n", MACHINE_PATHS[1]),
            format!("//! Job.\n{}", "\n".repeat(LONGEST)),
        ] {
            assert_eq!(judge("a.rs", &text).len(), 1, "{text}");
        }
    }
}
