//! Who may know whom: the manifests against the table of DESIGN 2, dev-dependencies included.

use crate::{Result, failure};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A crate of the workspace and what its manifest may name.
struct Rule {
    name: &'static str,
    /// Crates of the workspace, in any of its dependency tables.
    knows: &'static [&'static str],
    /// Further ones that only its tests may know.
    tests_know: &'static [&'static str],
}

const fn rule(name: &'static str, knows: &'static [&'static str], tests_know: &'static [&'static str]) -> Rule {
    Rule { name, knows, tests_know }
}

/// The only place where an arrow between crates is allowed.
const RULES: &[Rule] = &[
    rule("parom-domain", &[], &[]),
    rule("parom-calendar", &["parom-domain"], &[]),
    rule("parom-net", &["parom-domain"], &[]),
    rule("parom-imap", &["parom-domain", "parom-net"], &[]),
    rule("parom-caldav", &["parom-domain", "parom-calendar", "parom-net"], &["parom-lab"]),
    rule("parom-exchange", &["parom-domain", "parom-calendar", "parom-net"], &[]),
    rule("parom-sieve", &["parom-domain", "parom-net"], &[]),
    rule("parom-store", &["parom-domain"], &[]),
    // The engine's tests run it over MemoryEndpoint; the lab never knows the engine, so that nothing goes in circles.
    rule("parom-engine", &["parom-domain", "parom-store"], &["parom-lab"]),
    rule("parom-service", &["parom-domain", "parom-store", "parom-engine", "parom-net"], &["parom-lab"]),
    // The lab must not share our clients' codecs, or errors would cancel out.
    rule("parom-lab", &["parom-domain"], &[]),
    rule(
        "parom-app",
        &[
            "parom-domain",
            "parom-calendar",
            "parom-net",
            "parom-imap",
            "parom-caldav",
            "parom-exchange",
            "parom-sieve",
            "parom-store",
            "parom-engine",
            "parom-service",
            "parom-lab",
        ],
        &[],
    ),
    rule("xtask", &["parom-lab"], &[]),
];

/// What keeps a crate pure: it may name these crates from outside and no other, in its tests the second ones too.
const PURE: &[(&str, &[&str], &[&str])] = &[
    ("parom-domain", &["async-trait", "blake3", "bytes"], &["proptest", "insta"]),
    (
        "parom-calendar",
        &["base64", "blake3", "jiff"],
        // Readers and oracles that share nothing with it.
        &["calcard", "chrono", "proptest", "rrule", "windows-timezones"],
    ),
];

/// Crates that only one of ours may name: SQL in `store`, TLS in `net`, what people see in `app`.
const OWNED: &[(&str, &[&str])] = &[
    ("sqlx", &["parom-store"]),
    ("openssl", &["parom-net"]),
    ("tokio-openssl", &["parom-net"]),
    ("hyper", &["parom-net"]),
    ("clap", &["parom-app"]),
    ("fluent-bundle", &["parom-app"]),
    ("indicatif", &["parom-app"]),
];

pub fn findings(root: &Path) -> Result<Vec<String>> {
    let mut folders = vec![root.join("xtask")];
    for entry in fs::read_dir(root.join("crates"))? {
        folders.push(entry?.path());
    }
    let mut found = Vec::new();
    for folder in folders {
        let file = folder.join("Cargo.toml");
        if file.exists() {
            let text = fs::read_to_string(&file)?;
            found.extend(judge(&text).map_err(|error| failure(format!("{}: {error}", file.display())))?);
        }
    }
    Ok(found)
}

/// The findings in one manifest.
fn judge(text: &str) -> Result<Vec<String>> {
    let manifest: toml::Table = text.parse()?;
    let name = manifest.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str);
    let name = name.ok_or_else(|| failure("the package has no name"))?;
    let Some(rule) = RULES.iter().find(|rule| rule.name == name) else {
        return Ok(vec![format!("{name}: no rule says whom it may know (xtask/src/tidy/arrows.rs)")]);
    };
    let ours: BTreeSet<&str> = RULES.iter().map(|rule| rule.name).collect();
    let mut found = Vec::new();
    for (table, dependency) in dependencies(&manifest) {
        let dependency = dependency.as_str();
        let for_tests = table == "dev-dependencies";
        let allowed = if ours.contains(dependency) {
            rule.knows.contains(&dependency) || (for_tests && rule.tests_know.contains(&dependency))
        } else if let Some((_, pure, pure_tests)) = PURE.iter().find(|(pure, ..)| *pure == name) {
            pure.contains(&dependency) || (for_tests && pure_tests.contains(&dependency))
        } else {
            for_tests || OWNED.iter().all(|(owned, owners)| *owned != dependency || owners.contains(&name))
        };
        if !allowed {
            found.push(format!("{name}: must not know {dependency} ({table})"));
        }
    }
    if manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool) != Some(true) {
        found.push(format!("{name}: does not take the lints of the workspace"));
    }
    Ok(found)
}

/// Every dependency with the kind of table that names it; tables for single platforms count too.
fn dependencies(manifest: &toml::Table) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    let platforms = manifest.get("target").and_then(toml::Value::as_table);
    let tables = platforms.into_iter().flat_map(toml::Table::values).filter_map(toml::Value::as_table);
    for table in tables.chain([manifest]) {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(listed) = table.get(kind).and_then(toml::Value::as_table) else { continue };
            for (key, value) in listed {
                // A renamed dependency is judged by its real name.
                let real = value.get("package").and_then(toml::Value::as_str).unwrap_or(key);
                all.push((kind, real.to_owned()));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(name: &str, dependencies: &str) -> Vec<String> {
        judge(&format!("[package]\nname = \"{name}\"\n[lints]\nworkspace = true\n{dependencies}\n")).unwrap()
    }

    #[test]
    fn the_allowed_arrows_pass() {
        assert!(judged("parom-imap", "[dependencies]\nparom-net.workspace = true\ntokio.workspace = true").is_empty());
        assert!(judged("parom-engine", "[dev-dependencies]\nparom-lab.workspace = true").is_empty());
    }

    #[test]
    fn every_other_arrow_is_found() {
        for (name, dependencies) in [
            ("parom-engine", "[dependencies]\nparom-imap.workspace = true"),
            ("parom-engine", "[dependencies]\nparom-lab.workspace = true"),
            ("parom-lab", "[dev-dependencies]\nparom-imap.workspace = true"),
            ("parom-domain", "[dependencies]\ntokio.workspace = true"),
            ("parom-domain", "[dev-dependencies]\ntokio.workspace = true"),
            ("parom-calendar", "[dependencies]\nparom-imap.workspace = true"),
            ("parom-calendar", "[dependencies]\ntokio.workspace = true"),
            ("parom-calendar", "[dependencies]\ncalcard.workspace = true"),
            ("parom-service", "[dependencies]\nsqlx.workspace = true"),
            ("parom-imap", "[dependencies]\nnet = { package = \"parom-store\", path = \"../store\" }"),
            ("parom-imap", "[target.'cfg(unix)'.dependencies]\nparom-store.workspace = true"),
            ("parom-unknown", ""),
        ] {
            assert_eq!(judged(name, dependencies).len(), 1, "{name} {dependencies}");
        }
    }

    #[test]
    fn a_crate_without_the_common_lints_is_found() {
        assert_eq!(judge("[package]\nname = \"parom-net\"\n").unwrap().len(), 1);
    }
}
