//! A storm: random edits on both sides, between passes and in the middle of them, with random deaths and cuts. When it is
//! over, both sides come to rest, hold the same, and nothing is lost or doubled.
//!
//! Each storm follows from its seed alone, because the book is in memory and nothing waits. How to run one or many:
//! `parom_lab::storm`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod world;

use parom_domain::endpoint::Holds;
use parom_domain::{Both, FolderPath, Marks, Side, Uid, UidSet};
use parom_lab::memory::{BatchLanding, Fault, MemoryServer, Rewriting, Stored, Switches};
use parom_lab::sample::Random;
use parom_lab::storm::{self, Crowd, Deeds};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use world::verdict::{book_agrees, content, id_of, pages, sides_agree};
use world::{World, date, mail, path};

/// So many storms run where nothing else is asked for.
const COUNT: u64 = 500;
/// Few enough messages that no volume brake and no emptied folder holds the storm.
const MOST_BORN: usize = 40;
const NAMES: [&str; 8] = ["INBOX", "a", "b", "a/c", "a/c/d", "b/e", "f", "g"];

/// People at work on both servers.
#[derive(Clone)]
struct People {
    servers: parom_domain::Both<MemoryServer>,
    crowd: Crowd,
    marks: Arc<Mutex<Marked>>,
    /// The folders that their clients showed when the pass began.
    shown: Arc<Mutex<parom_domain::Both<Vec<FolderPath>>>>,
}

/// What people have done to marks, by message.
#[derive(Default)]
struct Marked {
    put: BTreeMap<String, Marks>,
    taken: BTreeMap<String, Marks>,
    /// Moved together with all that their folder held, which then ended: marks that come in between may go with it.
    swept: BTreeSet<String>,
    /// Our account could not write all marks for a while: what was put while it moved the message may have been dropped.
    withheld: bool,
}

impl Marked {
    fn note(&mut self, id: String, put: &Marks, taken: &Marks) {
        let both = [(&mut self.put, put), (&mut self.taken, taken)];
        for (noted, marks) in both {
            let known = noted.entry(id.clone()).or_default();
            *known = known.union(marks);
        }
    }
}

impl People {
    /// Between passes everybody's client lists its folders anew.
    fn refresh(&self) {
        *self.shown.lock().unwrap() = self.servers.as_ref().map(MemoryServer::folders);
    }

    /// Where somebody may do something now. A spare name, under which a folder stands for a few round trips while it is
    /// renamed or removed, is gone before any client shows it.
    fn folders(&self, side: Side) -> Vec<FolderPath> {
        let shown = self.shown.lock().unwrap();
        let is_spare = |folder: &FolderPath| {
            folder.segments().iter().any(|segment| segment.ends_with(')')) && !shown[side].contains(folder)
        };
        self.servers[side].folders().into_iter().filter(|folder| !is_spare(folder)).collect()
    }

    fn sweep(&self, messages: &[(Uid, Stored)]) {
        self.marks.lock().unwrap().swept.extend(messages.iter().map(|(_, stored)| id_of(&stored.bytes)));
    }

    /// One edit by somebody on some side. Edits that the server would refuse are not tried.
    fn edit(&self, when: &str) {
        let mut random = self.crowd.random();
        let mut deeds = self.crowd.deeds();
        let side = if random.one_in(2) { Side::Source } else { Side::Target };
        let server = &self.servers[side];
        let folders = self.folders(side);
        let folder = random.choose(&folders).unwrap();
        let messages = server.messages(&folder);
        let message = random.choose(&messages);
        let did = match (random.index(24), message) {
            (0..=6, _) if deeds.born.len() < MOST_BORN => {
                let id = format!("m{}", deeds.born.len());
                let marks = ["\\Seen", "\\Flagged", "work"].into_iter().filter(|_| random.one_in(3));
                let marks = Marks::from_names(marks);
                self.marks.lock().unwrap().note(id.clone(), &marks, &Marks::default());
                server.add(&folder, mail(&id), marks, date(deeds.born.len() as i64)).unwrap();
                deeds.born.insert(id.clone());
                format!("adds {id} to {folder}")
            }
            (7..=10, Some((uid, stored))) => {
                let mark = Marks::from_names(random.choose(&["\\Seen", "\\Flagged", "\\Answered", "work"]));
                let none = Marks::default();
                let add = random.one_in(2);
                let (added, removed) = if add { (&mark, &none) } else { (&none, &mark) };
                server.mark(&folder, uid, added, removed).unwrap();
                self.marks.lock().unwrap().note(id_of(&stored.bytes), added, removed);
                let names = mark.names().collect::<Vec<_>>().join(" ");
                format!("{} {names} on uid {uid} of {folder}", if add { "puts" } else { "takes" })
            }
            (11..=14, Some((uid, stored))) => {
                let to = random.choose(&folders).filter(|to| *to != folder);
                let Some(to) = to else { return };
                server.shift(&folder, &UidSet::range(uid, uid), &to).unwrap();
                format!("moves {} from {folder} to {to}", id_of(&stored.bytes))
            }
            (15..=16, Some((uid, stored))) => {
                let id = id_of(&stored.bytes);
                server.expunge(&folder, &UidSet::range(uid, uid)).unwrap();
                deeds.deleted.insert(id.clone());
                format!("expunges {id} from {folder}")
            }
            (17, _) => {
                let name = path(NAMES[random.index(NAMES.len())]);
                server.create(&name).unwrap();
                format!("makes {name}")
            }
            (18, _) => {
                let to = path(NAMES[random.index(NAMES.len())]);
                if folder.is_inbox() || server.rename(&folder, &to).is_err() {
                    return;
                }
                format!("renames {folder} to {to}")
            }
            (19..=20 | 22..=23, _) if folder.is_inbox() || folders.iter().any(|other| other.is_below(&folder)) => {
                return;
            }
            (19, _) => {
                deeds.deleted.extend(messages.iter().map(|(_, stored)| id_of(&stored.bytes)));
                server.remove(&folder).unwrap();
                format!("removes {folder} with {} messages", messages.len())
            }
            (20, Some(_)) => {
                let to = random.choose(&folders).filter(|to| *to != folder);
                let Some(to) = to else { return };
                self.sweep(&messages);
                server.shift(&folder, &UidSet::range(Uid::MIN, Uid::MAX), &to).unwrap();
                server.remove(&folder).unwrap();
                format!("moves all {} messages from {folder} to {to} and removes it", messages.len())
            }
            (22, _) => {
                deeds.deleted.extend(messages.iter().map(|(_, stored)| id_of(&stored.bytes)));
                server.remove(&folder).unwrap();
                server.create(&folder).unwrap();
                format!("removes {folder} with {} messages and makes it anew", messages.len())
            }
            (23, Some(_)) => {
                let to = random.choose(&folders).filter(|to| *to != folder);
                let Some(to) = to else { return };
                self.sweep(&messages);
                server.shift(&folder, &UidSet::range(Uid::MIN, Uid::MAX), &to).unwrap();
                server.remove(&folder).unwrap();
                server.create(&folder).unwrap();
                format!("moves all {} messages from {folder} to {to}, removes it and makes it anew", messages.len())
            }
            (21, Some((uid, stored))) => {
                server.shift(&folder, &UidSet::range(uid, uid), &folder).unwrap();
                format!("gives {} a new uid in {folder}", id_of(&stored.bytes))
            }
            _ => return,
        };
        deeds.log.push(format!("{when}: somebody on {side} {did}"));
    }
}

/// Each message that came into being is on both sides once, unless somebody deleted it.
fn count(world: &World, deeds: &Deeds) -> Result<(), String> {
    for side in Side::ALL {
        let mut places: BTreeMap<String, Vec<FolderPath>> = BTreeMap::new();
        for folder in world.servers[side].folders() {
            for (_, stored) in world.servers[side].messages(&folder) {
                places.entry(id_of(&stored.bytes)).or_default().push(folder.clone());
            }
        }
        for id in &deeds.born {
            let there = places.get(id).map_or(&[][..], Vec::as_slice);
            if there.is_empty() && !deeds.deleted.contains(id) {
                return Err(format!("{id} is lost on {side}"));
            }
            if there.len() > 1 {
                return Err(format!("{id} is in {there:?} on {side}"));
            }
        }
    }
    Ok(())
}

/// A mark that somebody put and nobody ever took away is on both sides. What somebody deleted went with its marks, also where
/// the other side's copy lives on.
fn marks_are_kept(world: &World, marked: &Marked, deeds: &Deeds) -> Result<(), String> {
    for side in Side::ALL {
        for folder in world.servers[side].folders() {
            for (_, stored) in world.servers[side].messages(&folder) {
                let id = id_of(&stored.bytes);
                let [put, taken] =
                    [&marked.put, &marked.taken].map(|noted| noted.get(&id).cloned().unwrap_or_default());
                let lost = put.minus(&taken).minus(&stored.marks);
                let is_excused = marked.withheld || marked.swept.contains(&id) || deeds.deleted.contains(&id);
                if !lost.is_empty() && !is_excused {
                    return Err(format!("{id} lost {lost:?} on {side}"));
                }
            }
        }
    }
    Ok(())
}

/// What an administrator or a full disk does to a server for a while.
fn trouble(random: &mut Random, server: &MemoryServer) -> String {
    let names: Vec<FolderPath> = NAMES.iter().map(|name| path(name)).collect();
    let kind = random.index(11);
    let mut some = || names.iter().filter(|_| random.one_in(3)).cloned().collect();
    server.switch(|switches| match kind {
        0 => switches.takes_no_moves = some(),
        1 => switches.no_room_in = some(),
        2 => switches.cannot_open = some(),
        3 => (switches.unlisted, switches.unlisted_opens) = (some(), true),
        4 => switches.may_expunge = false,
        5 => switches.quota_bytes = Some(700),
        6 => switches.holds = Holds { marks: Marks::default(), any_keyword: false },
        7 => switches.holds = Holds { marks: Marks::from_system(31 & !Marks::SEEN), any_keyword: true },
        8 => switches.holds = Holds { marks: Marks::from_system(Marks::SEEN), any_keyword: false },
        9 => {
            switches.holds_in =
                some().into_iter().map(|name| (name, Holds { marks: Marks::default(), any_keyword: false })).collect()
        }
        _ => {
            let only_seen = Holds { marks: Marks::from_system(Marks::SEEN), any_keyword: false };
            switches.holds_in = some().into_iter().map(|name| (name, only_seen.clone())).collect();
        }
    });
    let names =
        ["no moves", "no room", "cannot open", "unlisted", "no expunge", "quota", "no marks", "no seen", "only seen"];
    names.get(kind).copied().unwrap_or("no marks in some").to_owned()
}

fn end_troubles(server: &MemoryServer) {
    let calm = Switches::default();
    server.switch(|switches| {
        switches.takes_no_moves.clear();
        switches.no_room_in.clear();
        switches.cannot_open.clear();
        switches.unlisted.clear();
        (switches.may_expunge, switches.quota_bytes) = (true, None);
        switches.holds = calm.holds;
        switches.holds_in.clear();
    });
}

fn switches(random: &mut Random) -> Switches {
    let mut switches = if random.one_in(3) { Switches::plain() } else { Switches::default() };
    switches.has_mailbox_ids = random.one_in(3);
    switches.rename_keeps_validity = !random.one_in(4);
    switches.batch_landing = if random.one_in(2) { BatchLanding::OneByOne } else { BatchLanding::Atomic };
    switches.vanished_overtells = random.one_in(4);
    switches.moves_atomically &= !random.one_in(3);
    switches.abilities.batch_items = switches.abilities.batch_items.min(1 + random.index(5));
    // Some messages are streamed.
    switches.big_from = if random.one_in(3) { 100 } else { 1 << 20 };
    switches
}

async fn raise(seed: u64) -> Result<(), String> {
    rage(seed, false, |_| {}).await
}

/// The same, with troubles that come and go.
async fn raise_with_troubles(seed: u64) -> Result<(), String> {
    rage(seed, true, |_| {}).await
}

/// The same between servers of which one at least keeps other bytes than it is given.
async fn raise_with_rewriting(seed: u64) -> Result<(), String> {
    rage(seed, false, |world| {
        let both = seed.is_multiple_of(3);
        for side in Side::ALL.into_iter().filter(|side| both || (*side == Side::Source) == seed.is_multiple_of(2)) {
            world.servers[side]
                .switch(|switches| (switches.rewriting, switches.abilities.keeps_bytes) = (Rewriting::LineEnds, false));
        }
    })
    .await
}

async fn rage(seed: u64, with_troubles: bool, prepare: impl Fn(&World)) -> Result<(), String> {
    let mut random = Random::new(seed);
    let mut world = World::in_memory(switches(&mut random), switches(&mut random));
    prepare(&world);
    let people = People {
        servers: world.servers.clone(),
        crowd: Crowd::new(Random::new(random.number())),
        marks: Arc::default(),
        shown: Arc::default(),
    };
    for _ in 0..random.index(12) {
        people.edit("before");
    }
    let mut limited = Both::new(false, false);
    let passes = 2 + random.index(6);
    for number in 1..=passes {
        world.revive();
        // That a connection breaks twice at one message is no fault of the message here, and it is not to be parked for it.
        world.scars = parom_engine::Scars::default();
        for side in Side::ALL.into_iter().filter(|_| with_troubles) {
            if random.one_in(2) {
                let what = trouble(&mut random, &world.servers[side]);
                limited[side] |= what.contains("seen") || what.contains("marks");
                people.crowd.note(format!("trouble on {side}: {what}"));
            } else if random.one_in(2) {
                end_troubles(&world.servers[side]);
                limited[side] = false;
                people.crowd.note(format!("no trouble on {side} any more"));
            }
        }
        let somebody = people.clone();
        let faults = [(3, Fault::Death), (4, Fault::Cut), (8, Fault::Cut)];
        people.crowd.gather(&mut random, (number, &world.steps), &faults, 80, move |when| somebody.edit(when));
        people.refresh();
        let outcome = world.pass().await;
        people.refresh();
        // What a folder did not keep of a message is seen by the look that follows. Where that look does not come before the
        // folder keeps everything again, nobody can tell it from what somebody took away.
        people.marks.lock().unwrap().withheld |= outcome.is_err() && (limited.source || limited.target);
        let ending = outcome.map_or_else(|e| e.to_string(), |_| "well".into());
        note_pass(&world, &people, &format!("pass {number}"), &ending);
        for _ in 0..random.index(6) {
            people.edit("between");
        }
        if random.one_in(6) {
            people.crowd.note("somebody releases the brakes".to_owned());
            world.book.release();
        }
        if random.one_in(2) {
            world.wait_out_the_grace();
        }
    }
    world.revive();
    Side::ALL.iter().for_each(|side| end_troubles(&world.servers[*side]));
    let verdict = judge(&world, &people).await;
    people.crowd.tell(&verdict);
    verdict
}

/// How a pass ended, what it did, and what both sides and the book show then.
fn note_pass(world: &World, people: &People, name: &str, ending: &str) {
    let trail = world.steps.trail();
    people.crowd.note(format!("{name} ends after {} steps: {ending}", trail.len()));
    if storm::is_alone() {
        people.crowd.note(format!("    did: {}", trail.join(", ")));
        people.crowd.note(format!("    source: {}", content(&world.servers.source)));
        people.crowd.note(format!("    target: {}", content(&world.servers.target)));
        people.crowd.note(format!("    book: {}", pages(world)));
    }
}

async fn judge(world: &World, people: &People) -> Result<(), String> {
    let mut last = None;
    for number in 1..=16 {
        world.revive();
        let report = world.pass().await.map_err(|error| format!("the pass after the storm fails: {error:?}"))?;
        note_pass(world, people, &format!("calm pass {number}"), if report.settled { "settled" } else { "unsettled" });
        if report.settled {
            last = None;
            break;
        }
        // A folder that somebody deleted and made anew waits for a person, who confirms it.
        world.book.release();
        last = Some(report);
        world.wait_out_the_grace();
    }
    if let Some(report) = last {
        let trail = world.steps.trail().join(", ");
        return Err(format!("it does not come to rest: {report:#?}\n{:#?}\n{trail}", world.book.state()));
    }
    count(world, &people.crowd.deeds())?;
    marks_are_kept(world, &people.marks.lock().unwrap(), &people.crowd.deeds())?;
    sides_agree(world)?;
    book_agrees(world)?;
    let before = (world.commits(), world.servers.source.writes(), world.servers.target.writes());
    world.pass().await.map_err(|error| format!("{error:?}"))?;
    let after = (world.commits(), world.servers.source.writes(), world.servers.target.writes());
    if before == after { Ok(()) } else { Err(format!("an idle pass writes: {:?}", world.book.last())) }
}

#[tokio::test]
async fn whatever_happens_both_sides_end_equal_and_nothing_is_lost_or_doubled() {
    let failed = storm::raise(COUNT, raise).await;
    assert!(failed.is_empty(), "these storms ended badly (PAROM_STORM_SEED=n runs one): {failed:?}");
}

#[tokio::test]
async fn so_they_do_where_rights_room_and_folders_come_and_go() {
    let failed = storm::raise(COUNT, raise_with_troubles).await;
    assert!(failed.is_empty(), "these storms ended badly (PAROM_STORM_SEED=n runs one): {failed:?}");
}

#[tokio::test]
async fn and_so_they_do_where_servers_keep_other_bytes() {
    let failed = storm::raise(COUNT, raise_with_rewriting).await;
    assert!(failed.is_empty(), "these storms ended badly (PAROM_STORM_SEED=n runs one): {failed:?}");
}
