//! What must hold once both sides have come to rest: they hold the same under the same names, and the book says so.

use super::World;
use parom_domain::state::{FolderId, FolderPair};
use parom_domain::{FolderPath, Side, Uid};
use parom_lab::memory::{MemoryServer, Rewriting};
use std::collections::{BTreeMap, BTreeSet};

/// Both sides have the same folders, and in each the same messages with the same marks and dates.
pub fn sides_agree(world: &World) -> Result<(), String> {
    let mut pictures = world.servers.as_ref().map(MemoryServer::picture);
    let rewrites = |side: Side| world.servers[side].rewriting() != Rewriting::Nothing;
    if Side::ALL.into_iter().any(rewrites) {
        for side in Side::ALL {
            let bodies = pictures[side].values_mut().flatten();
            bodies.for_each(|(bytes, ..)| *bytes = Rewriting::LineEnds.of(std::mem::take(bytes)));
            pictures[side].values_mut().for_each(|messages| messages.sort());
        }
    }
    if pictures.source == pictures.target {
        return Ok(());
    }
    let [source, target] = Side::ALL.map(|side| content(&world.servers[side]));
    let pairs: Vec<_> = world.book.state().folders.into_iter().map(|pair| pair.paths).collect();
    Err(format!("the sides differ\nsource: {source}\ntarget: {target}\n{pairs:?}"))
}

/// The book names every folder of each side once and every message in it once, with both its ends; the base of a link is
/// what both sides show, and nothing is left open.
pub fn book_agrees(world: &World) -> Result<(), String> {
    let state = world.book.state();
    if !(state.intents.is_empty() && state.suspected.is_empty() && state.parked.is_empty()) {
        return Err(format!("something is left open: {state:?}"));
    }
    for side in Side::ALL {
        let mut named = BTreeSet::new();
        for pair in &state.folders {
            let Some(path) = &pair.paths[side] else { return Err(format!("{pair:?} has no folder on {side}")) };
            if !named.insert(path.clone()) {
                return Err(format!("two pairs name {path} on {side}: {:?}", state.folders));
            }
        }
        let there: BTreeSet<FolderPath> = world.servers[side].folders().into_iter().collect();
        if named != there {
            return Err(format!("the book names {named:?} on {side}, where there is {there:?}"));
        }
    }
    state.folders.iter().try_for_each(|pair| links_agree(world, pair))
}

fn links_agree(world: &World, pair: &FolderPair) -> Result<(), String> {
    let links = linked(world, pair.id);
    for side in Side::ALL {
        let Some(path) = &pair.paths[side] else { continue };
        let there: BTreeMap<Uid, _> = world.servers[side].messages(path).into_iter().collect();
        let mut seen = BTreeSet::new();
        for (uids, base) in &links {
            let Some(uid) = uids[side] else { return Err(format!("{uids:?} has no end on {side} in {path}")) };
            let Some(stored) = there.get(&uid) else {
                return Err(format!("{uid} is linked and not in {path} on {side}"));
            };
            if !seen.insert(uid) {
                return Err(format!("two links name {uid} of {path} on {side}"));
            }
            if stored.marks != *base {
                return Err(format!("the base of {uid} in {path} is {base:?}, and {side} shows {:?}", stored.marks));
            }
        }
        if let Some(uid) = there.keys().find(|uid| !seen.contains(uid)) {
            return Err(format!("{uid} of {path} on {side} has no link"));
        }
    }
    Ok(())
}

type Linked = Vec<(parom_domain::Both<Option<Uid>>, parom_domain::Marks)>;

fn linked(world: &World, folder: FolderId) -> Linked {
    world.book.table(folder).iter().map(|(_, link)| (link.uids, link.base.clone())).collect()
}

/// Folders, ids and marks on one line.
pub fn content(server: &MemoryServer) -> String {
    let folders = server.folders().into_iter().map(|folder| {
        let messages = server.messages(&folder).into_iter();
        let messages = messages.map(|(uid, stored)| {
            let date = stored.date.map(|date| date.unix_s % 1000);
            let marks = stored.marks.names().collect::<Vec<_>>().join(" ");
            format!("{uid}={} {date:?} {marks}", id_of(&stored.bytes))
        });
        format!("{folder}({}) [{}]", server.validity(&folder).unwrap_or(0), messages.collect::<Vec<_>>().join(", "))
    });
    folders.collect::<Vec<_>>().join("; ")
}

/// The pairs of the book and what is linked in each, on one line.
pub fn pages(world: &World) -> String {
    let pairs = world.book.state().folders.into_iter().map(|pair| {
        let links = linked(world, pair.id).into_iter().map(|(uids, _)| {
            let end = |uid: Option<Uid>| uid.map_or_else(|| "-".to_owned(), |uid| uid.to_string());
            format!("{}={}", end(uids.source), end(uids.target))
        });
        let missing = if pair.missing_since_ms.iter().any(|(_, since)| since.is_some()) { " missing" } else { "" };
        let cursors = Side::ALL.map(|side| {
            let at = pair.cursors[side].as_ref().map(|cursor| format!("{}:{}", cursor.validity, cursor.uidnext));
            at.unwrap_or_else(|| "-".to_owned())
        });
        let names = pair.paths.map(|path| path.map_or_else(|| "-".to_owned(), |path| path.to_string()));
        let links = links.collect::<Vec<_>>().join(" ");
        format!("#{} {}={} at {}{missing} [{links}]", pair.id.0, names.source, names.target, cursors.join("="))
    });
    pairs.collect::<Vec<_>>().join("; ")
}

/// What a message of these tests calls itself.
pub fn id_of(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.split('<').nth(1).and_then(|rest| rest.split('@').next()).unwrap_or("?").to_owned()
}
