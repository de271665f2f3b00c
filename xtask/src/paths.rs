//! Where things are in the work tree.

use std::path::PathBuf;

/// The root of the workspace: the folder above this crate's.
#[must_use]
pub fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(PathBuf::from).unwrap_or(here)
}

/// Cargo's target folder.
#[must_use]
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Where `.ci/deps` unpacks the servers that Debian does not install side by side.
#[must_use]
pub fn peers() -> PathBuf {
    std::env::var_os("PAROM_PEERS").map_or_else(|| root().join("target/peers"), PathBuf::from)
}

/// The binary under test: `PAROM_BIN`, else the release build, else the debug build.
#[must_use]
pub fn parom() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("PAROM_BIN") {
        return Some(PathBuf::from(named));
    }
    ["release/parom", "debug/parom"].iter().map(|build| target().join(build)).find(|path| path.exists())
}

/// The first existing file among the system's copy and the unpacked one.
#[must_use]
pub fn peer_file(path: &str) -> Option<PathBuf> {
    let unpacked = peers().join(path.trim_start_matches('/'));
    [PathBuf::from(path), unpacked].into_iter().find(|path| path.exists())
}

/// A program on `PATH` or in the places where Debian keeps servers.
#[must_use]
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/bin", "/usr/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}
