//! The company of the demo: ten people with mail on the source, and an empty target behind a proxy.

use super::failed;
use crate::failure::Failure;
use parom_domain::{Both, FolderPath, InternalDate, Side};
use parom_lab::proxy::{Conditions, Direction, Held, Proxy, Spot};
use parom_lab::sample::{self, Shape};
use parom_lab::server::{Config, Hands, LabServer, Seen};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use tokio::sync::oneshot;

const PEOPLE: [&str; 10] = [
    "a.smirnova",
    "b.ivanov",
    "d.orlova",
    "e.petrov",
    "i.sokolova",
    "j.miller",
    "k.popov",
    "m.garcia",
    "n.volkova",
    "s.lebedev",
];
pub const DOMAIN: &str = "corp.example";
/// The service account that may open every mailbox of the target.
pub const SERVICE: (&str, &str) = ("svc", "ferry-master");
const MESSAGES_EACH: usize = 600;
const MORE_MESSAGES: usize = 400;

pub struct Company {
    servers: Both<LabServer>,
    /// In front of the target, to find the byte at which Parom is killed.
    proxy: Proxy,
}

impl Company {
    pub async fn start() -> Result<Company, Failure> {
        let people = || PEOPLE.iter().map(|name| ((*name).to_owned(), password(name))).collect();
        let source = Config { accounts: people(), first_validity: 1000, ..Config::default() };
        let master = Some((SERVICE.0.to_owned(), SERVICE.1.to_owned()));
        let target = Config { accounts: people(), master, first_validity: 7000, ..Config::default() };
        let source = LabServer::start(source).await.map_err(failed)?;
        let target = LabServer::start(target).await.map_err(failed)?;
        let proxy = Proxy::start(target.addr(), Conditions::default()).await.map_err(failed)?;
        let company = Company { servers: Both::new(source, target), proxy };
        for (seed, name) in (1..).zip(PEOPLE) {
            let shape = Shape { owner: address(name), messages: MESSAGES_EACH, ..Shape::default() };
            company.fill(name, seed, &shape, |_| true)?;
        }
        Ok(company)
    }

    #[must_use]
    pub fn accounts(&self) -> Vec<&'static str> {
        PEOPLE.to_vec()
    }

    /// Where Parom connects to.
    #[must_use]
    pub fn addr(&self, side: Side) -> SocketAddr {
        match side {
            Side::Source => self.servers.source.addr(),
            Side::Target => self.proxy.addr(),
        }
    }

    /// How many messages and bytes a side holds.
    #[must_use]
    pub fn size(&self, side: Side) -> (u64, u64) {
        let all = PEOPLE.iter().flat_map(|name| self.snapshot(name, side).into_values().flatten());
        all.fold((0, 0), |(count, bytes), seen| (count + 1, bytes + seen.bytes.len() as u64))
    }

    /// Equal before and after means that nothing was written on either side.
    #[must_use]
    pub fn changes(&self) -> u64 {
        let hands = PEOPLE.iter().flat_map(|name| Side::ALL.map(|side| self.servers[side].mailbox(name)));
        hands.flatten().map(|hands| hands.changes()).sum()
    }

    /// How many messages are not the same on both sides: bytes, flags, keywords, date, folder, and as many of each.
    #[must_use]
    pub fn differences(&self) -> u64 {
        PEOPLE
            .iter()
            .map(|name| differences(&self.snapshot(name, Side::Source), &self.snapshot(name, Side::Target)))
            .sum()
    }

    /// What people do on both sides.
    pub fn edit(&self) -> Result<Vec<Edit>, Failure> {
        let mut edits = Vec::new();
        for (name, side) in [("a.smirnova", Side::Source), ("b.ivanov", Side::Target)] {
            for what in [What::Arrival, What::Flag, What::Move, What::Delete, What::Folder] {
                edits.push(self.one_edit(name, side, what)?);
            }
        }
        Ok(edits)
    }

    fn one_edit(&self, name: &'static str, side: Side, what: What) -> Result<Edit, Failure> {
        let hands = self.hands(name, side)?;
        let inbox = FolderPath::inbox();
        let first = hands.messages(&inbox).into_iter().find(|seen| unique(&hands, seen));
        let first = first.ok_or_else(|| failed("the inbox is empty"))?;
        let mut bytes = first.bytes.clone();
        match what {
            What::Arrival => {
                bytes = format!(
                    "From: partner@elsewhere.example\r\nTo: {}\r\nSubject: {side}\r\nMessage-ID: <{name}.{side}@demo>\r\n\r\n{side}\r\n",
                    address(name)
                )
                .into();
                hands.add(&inbox, bytes.clone(), &[], DATE).map_err(failed)?;
            }
            What::Flag => hands.flag(&inbox, first.uid, &["\\Flagged", "demo"], &[]).map_err(failed)?,
            What::Move => {
                let to = demo_folder()?;
                hands.create(&to, None).map_err(failed)?;
                // Another one than the flagged one, so that each edit is seen by itself.
                let other = hands.messages(&inbox).into_iter().filter(|seen| unique(&hands, seen)).nth(5);
                let other = other.ok_or_else(|| failed("the inbox is empty"))?;
                bytes = other.bytes.clone();
                hands.shift(&inbox, &[other.uid], &to).map_err(failed)?;
            }
            What::Delete => {
                let mut plain = hands.messages(&inbox).into_iter().filter(|seen| unique(&hands, seen));
                let victim = plain.nth(2).ok_or_else(|| failed("the inbox is empty"))?;
                bytes = victim.bytes.clone();
                hands.remove(&inbox, &[victim.uid]).map_err(failed)?;
            }
            What::Folder => hands.create(&empty_folder()?, None).map_err(failed)?,
        }
        Ok(Edit { name, side, what, bytes })
    }

    /// Has the other side what was done?
    #[must_use]
    pub fn has_crossed(&self, edit: &Edit) -> bool {
        let there = self.snapshot(edit.name, edit.side.other());
        let place = |folder: &FolderPath| {
            there.get(folder).and_then(|messages| messages.iter().find(|seen| seen.bytes == edit.bytes))
        };
        let inbox = place(&FolderPath::inbox());
        match edit.what {
            What::Arrival => inbox.is_some(),
            What::Flag => inbox.is_some_and(|seen| seen.flags.iter().any(|flag| flag == "demo")),
            What::Move => inbox.is_none() && demo_folder().is_ok_and(|folder| place(&folder).is_some()),
            What::Delete => inbox.is_none(),
            What::Folder => empty_folder().is_ok_and(|folder| there.contains_key(&folder)),
        }
    }

    /// Mail that arrives on the source before the kill. Tells how many messages.
    pub fn more_mail(&self) -> Result<u64, Failure> {
        let (before, _) = self.size(Side::Source);
        let name = PEOPLE.last().copied().unwrap_or_default();
        let shape = Shape { owner: address(name), messages: MORE_MESSAGES, ..Shape::default() };
        self.fill(name, 4242, &shape, FolderPath::is_inbox)?;
        Ok(self.size(Side::Source).0.saturating_sub(before))
    }

    /// Stands still when half of the bytes of the newest messages are on their way into the target.
    pub fn halfway(&self, newest: u64) -> oneshot::Receiver<Held> {
        let name = PEOPLE.last().copied().unwrap_or_default();
        let inbox = self.snapshot(name, Side::Source).remove(&FolderPath::inbox()).unwrap_or_default();
        let newest = inbox.iter().rev().take(usize::try_from(newest).unwrap_or(usize::MAX));
        let bytes: u64 = newest.map(|seen| seen.bytes.len() as u64).sum();
        let now = self.proxy.counters().up;
        self.proxy.hold_at(Spot::Total(Direction::Up, now.saturating_add(bytes / 2)))
    }

    /// Forgets a place that was never reached.
    pub fn all_clear(&self) {
        self.proxy.disarm();
    }

    fn hands(&self, name: &str, side: Side) -> Result<Hands, Failure> {
        self.servers[side].mailbox(name).ok_or_else(|| failed(name))
    }

    fn snapshot(&self, name: &str, side: Side) -> BTreeMap<FolderPath, Vec<Seen>> {
        self.servers[side].mailbox(name).map(|hands| hands.snapshot()).unwrap_or_default()
    }

    fn fill(&self, name: &str, seed: u64, shape: &Shape, wanted: impl Fn(&FolderPath) -> bool) -> Result<(), Failure> {
        let hands = self.hands(name, Side::Source)?;
        for folder in sample::folders(seed, shape).iter().filter(|folder| wanted(&folder.path)) {
            for message in folder.messages() {
                hands.add(&folder.path, message.bytes, &message.flags, message.date).map_err(failed)?;
            }
        }
        Ok(())
    }
}

/// Something that one person did on one side.
pub struct Edit {
    name: &'static str,
    side: Side,
    what: What,
    /// The message it was done to.
    bytes: bytes::Bytes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Arrival,
    Flag,
    Move,
    Delete,
    Folder,
}

impl Edit {
    #[must_use]
    pub fn side(&self) -> Side {
        self.side
    }

    #[must_use]
    pub fn account(&self) -> String {
        address(self.name)
    }

    /// The key of its sentence.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self.what {
            What::Arrival => "demo-edit-arrival",
            What::Flag => "demo-edit-flag",
            What::Move => "demo-edit-move",
            What::Delete => "demo-edit-delete",
            What::Folder => "demo-edit-folder",
        }
    }
}

const DATE: InternalDate = InternalDate { unix_s: 1_750_000_000, offset_min: 180 };

#[must_use]
pub fn address(name: &str) -> String {
    format!("{name}@{DOMAIN}")
}

#[must_use]
pub fn password(name: &str) -> String {
    format!("{name}-password")
}

fn demo_folder() -> Result<FolderPath, Failure> {
    FolderPath::new(["Паром", "Moved"]).ok_or_else(|| failed("folder"))
}

fn empty_folder() -> Result<FolderPath, Failure> {
    FolderPath::new(["Паром", "Новая папка"]).ok_or_else(|| failed("folder"))
}

/// Is there no other message with the same bytes? An edit of a true duplicate could not be told from one of its twin.
fn unique(hands: &Hands, seen: &Seen) -> bool {
    let same = hands.messages(&FolderPath::inbox());
    same.iter().filter(|other| other.bytes == seen.bytes).count() == 1
        && !seen.flags.iter().any(|flag| flag == "demo" || flag == "\\Deleted")
}

fn differences(source: &BTreeMap<FolderPath, Vec<Seen>>, target: &BTreeMap<FolderPath, Vec<Seen>>) -> u64 {
    let folders: std::collections::BTreeSet<&FolderPath> = source.keys().chain(target.keys()).collect();
    let mut count = 0u64;
    for folder in folders {
        count += u64::from(source.contains_key(folder) != target.contains_key(folder));
        let mut balance: BTreeMap<_, i64> = BTreeMap::new();
        for (messages, step) in [(source.get(folder), 1), (target.get(folder), -1)] {
            for seen in messages.into_iter().flatten() {
                *balance.entry((&seen.bytes, &seen.flags, seen.date.unix_s)).or_default() += step;
            }
        }
        count += balance.values().map(|balance| balance.unsigned_abs()).sum::<u64>();
    }
    count
}
