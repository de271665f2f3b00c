//! The company of the demo: ten people with mail on an Exchange, and an empty target behind a proxy.

use super::failed;
use crate::failure::Failure;
use bytes::Bytes;
use parom_domain::{FolderPath, InternalDate, Side};
use parom_lab::exchange::{ExchangeConfig, ExchangeServer, Language, Person, Standard, Version};
use parom_lab::proxy::{Conditions, Direction, Held, Proxy, Spot};
use parom_lab::sample::{self, Shape};
use parom_lab::server::{Config, Hands, LabServer, Seen};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;
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
/// The service account that may open every mailbox of the Exchange, and its password.
pub const SERVICE: (&str, &str) = ("svc", "ferry-master");
const VERSION: Version = Version::E2016;
const MESSAGES_EACH: usize = 600;
const MORE_MESSAGES: usize = 400;
/// Whose message the Exchange cannot convert, and what is in its subject.
const UNSHOWN: (&str, &str) = ("i.sokolova", "Signed contract 4711");
/// What a mailbox of Exchange holds beside mail. Parom leaves it where it is.
const NO_MAIL: [Standard; 8] = [
    Standard::Calendar,
    Standard::Contacts,
    Standard::Journal,
    Standard::Notes,
    Standard::Outbox,
    Standard::SyncIssues,
    Standard::Tasks,
    Standard::Hidden,
];

pub struct Company {
    exchange: ExchangeServer,
    target: LabServer,
    /// In front of the target, to find the bytes at which Parom is throttled and killed.
    proxy: Proxy,
}

/// What a comparison of the two servers found, without Parom and without IMAP.
#[derive(Clone, Copy, Debug, Default)]
pub struct Compared {
    pub equal: u64,
    pub differences: u64,
    /// Messages that the Exchange cannot show to anybody, and that are not on the target.
    pub unshown: u64,
}

impl Company {
    pub async fn start() -> Result<Company, Failure> {
        let mut config = ExchangeConfig::new(VERSION);
        let person = |name: &str, password: String| Person { password, ..Person::new(name) };
        let people = PEOPLE.iter().map(|name| person(name, password(name)).speaking(Language::Russian));
        config.people.extend(people);
        config.people.push(person(SERVICE.0, SERVICE.1.to_owned()));
        config.quirks.substitutes.push(UNSHOWN.1.to_owned());
        let exchange = ExchangeServer::start(config).await.map_err(failed)?;
        exchange.grant_all(SERVICE.0);
        let accounts = PEOPLE.iter().map(|name| ((*name).to_owned(), password(name))).collect();
        let target = Config { accounts, first_validity: 7000, ..Config::default() };
        let target = LabServer::start(target).await.map_err(failed)?;
        let proxy = Proxy::start(target.addr(), Conditions::default()).await.map_err(failed)?;
        let company = Company { exchange, target, proxy };
        for (seed, name) in (1..).zip(PEOPLE) {
            let shape = Shape { owner: address(name), messages: MESSAGES_EACH, ..Shape::default() };
            company.fill(name, seed, &shape, |_| true)?;
        }
        let hands = company.hands(UNSHOWN.0, Side::Source)?;
        hands.add(&FolderPath::inbox(), letter(UNSHOWN.0, UNSHOWN.1), &["\\Seen"], DATE).map_err(failed)?;
        Ok(company)
    }

    #[must_use]
    pub fn accounts(&self) -> Vec<&'static str> {
        PEOPLE.to_vec()
    }

    /// The year in the product's name.
    #[must_use]
    pub fn year(&self) -> &'static str {
        VERSION.year()
    }

    #[must_use]
    pub fn version(&self) -> Version {
        VERSION
    }

    /// Where Parom connects to.
    #[must_use]
    pub fn addr(&self, side: Side) -> SocketAddr {
        match side {
            Side::Source => self.exchange.addr(),
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
        let hands = PEOPLE.iter().flat_map(|name| Side::ALL.map(|side| self.hands(name, side)));
        hands.flatten().map(|hands| hands.changes()).sum()
    }

    /// Compares the messages of both servers: bytes, flags, date, folder, and as many of each. Keywords are left out, because
    /// an Exchange keeps none.
    #[must_use]
    pub fn compare(&self) -> Compared {
        let mut compared = Compared::default();
        for name in PEOPLE {
            self.compare_mailbox(name, &mut compared);
        }
        compared
    }

    fn compare_mailbox(&self, name: &str, compared: &mut Compared) {
        let mut source = self.snapshot(name, Side::Source);
        NO_MAIL.iter().for_each(|folder| drop(source.remove(&folder.path(Language::Russian))));
        let target = self.snapshot(name, Side::Target);
        let folders: BTreeSet<&FolderPath> = source.keys().chain(target.keys()).collect();
        for folder in folders {
            compared.differences += u64::from(source.contains_key(folder) != target.contains_key(folder));
            let mut there: BTreeMap<_, u64> = BTreeMap::new();
            for seen in target.get(folder).into_iter().flatten() {
                *there.entry(key(seen.bytes.clone(), seen)).or_default() += 1;
            }
            for seen in source.get(folder).into_iter().flatten() {
                // Mail that came from the target is there as it was given.
                let mut forms = [self.exchange.rendered(&seen.bytes), seen.bytes.clone()].into_iter();
                let is_there = forms.any(|bytes| take(&mut there, &key(bytes, seen)));
                match is_there {
                    true => compared.equal += 1,
                    false if is_unshown(seen) => compared.unshown += 1,
                    false => compared.differences += 1,
                }
            }
            compared.differences += there.values().sum::<u64>();
        }
    }

    /// Cuts the service account off for a while, as an Exchange does with one that has overdrawn its budget.
    pub fn throttle(&self, wait: Duration) {
        self.exchange.throttle(SERVICE.0, wait);
    }

    /// How many commands the Exchange has turned away because of that.
    #[must_use]
    pub fn throttled(&self) -> u64 {
        self.exchange.tally().throttled
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
        // Each edit takes a message of its own.
        let plain = |at: usize| {
            let mut plain = hands.messages(&inbox).into_iter().filter(|seen| is_plain(&hands, seen));
            plain.nth(at).ok_or_else(|| failed("the inbox is empty"))
        };
        let bytes = match what {
            What::Arrival => {
                let bytes = letter(name, side.as_str());
                hands.add(&inbox, bytes.clone(), &[], DATE).map_err(failed)?;
                bytes
            }
            What::Flag => {
                let Seen { uid, bytes, .. } = plain(0)?;
                hands.flag(&inbox, uid, &["\\Flagged"], &[]).map_err(failed)?;
                bytes
            }
            What::Move => {
                let Seen { uid, bytes, .. } = plain(5)?;
                let to = demo_folder()?;
                hands.create(&to, None).map_err(failed)?;
                hands.shift(&inbox, &[uid], &to).map_err(failed)?;
                bytes
            }
            What::Delete => {
                let Seen { uid, bytes, .. } = plain(2)?;
                hands.remove(&inbox, &[uid]).map_err(failed)?;
                bytes
            }
            What::Folder => {
                hands.create(&empty_folder()?, None).map_err(failed)?;
                Bytes::new()
            }
        };
        Ok(Edit { name, side, what, bytes })
    }

    /// Has the other side what was done?
    #[must_use]
    pub fn has_crossed(&self, edit: &Edit) -> bool {
        let there = self.snapshot(edit.name, edit.side.other());
        let is_it = |seen: &&Seen| match edit.side {
            Side::Source => seen.bytes == self.exchange.rendered(&edit.bytes),
            Side::Target => seen.bytes == edit.bytes || self.exchange.rendered(&seen.bytes) == edit.bytes,
        };
        let place = |folder: &FolderPath| there.get(folder).and_then(|messages| messages.iter().find(is_it));
        let inbox = place(&FolderPath::inbox());
        match edit.what {
            What::Arrival => inbox.is_some(),
            What::Flag => inbox.is_some_and(|seen| seen.flags.iter().any(|flag| flag == "\\Flagged")),
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

    /// Stands still when so many bytes more are on their way into the target.
    pub fn halt_after(&self, bytes: u64) -> oneshot::Receiver<Held> {
        let now = self.proxy.counters().up;
        self.proxy.hold_at(Spot::Total(Direction::Up, now.saturating_add(bytes)))
    }

    /// Forgets a place that was never reached.
    pub fn all_clear(&self) {
        self.proxy.disarm();
    }

    /// The bytes of the newest messages.
    #[must_use]
    pub fn newest_bytes(&self, newest: u64) -> u64 {
        let name = PEOPLE.last().copied().unwrap_or_default();
        let inbox = self.snapshot(name, Side::Source).remove(&FolderPath::inbox()).unwrap_or_default();
        let newest = inbox.iter().rev().take(usize::try_from(newest).unwrap_or(usize::MAX));
        newest.map(|seen| seen.bytes.len() as u64).sum()
    }

    fn hands(&self, name: &str, side: Side) -> Result<Hands, Failure> {
        let hands = match side {
            Side::Source => self.exchange.mailbox(name),
            Side::Target => self.target.mailbox(name),
        };
        hands.ok_or_else(|| failed(name))
    }

    fn snapshot(&self, name: &str, side: Side) -> BTreeMap<FolderPath, Vec<Seen>> {
        self.hands(name, side).map(|hands| hands.snapshot()).unwrap_or_default()
    }

    fn fill(&self, name: &str, seed: u64, shape: &Shape, wanted: impl Fn(&FolderPath) -> bool) -> Result<(), Failure> {
        let hands = self.hands(name, Side::Source)?;
        for folder in sample::folders(seed, shape).iter().filter(|folder| wanted(&folder.path)) {
            for message in folder.messages() {
                let flags: Vec<&str> = message.flags.into_iter().filter(|flag| is_system(flag)).collect();
                hands.add(&folder.path, message.bytes, &flags, message.date).map_err(failed)?;
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
    bytes: Bytes,
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

fn letter(to: &str, subject: &str) -> Bytes {
    format!(
        "From: partner@elsewhere.example\r\nTo: {}\r\nSubject: {subject}\r\nMessage-ID: <{to}.{}@demo>\r\n\r\n{subject}\r\n",
        address(to),
        subject.replace(' ', "-")
    )
    .into()
}

/// Not flagged yet, and no other message with the same bytes: an edit of a true duplicate could not be told from one of its
/// twin.
fn is_plain(hands: &Hands, seen: &Seen) -> bool {
    let same = hands.messages(&FolderPath::inbox());
    same.iter().filter(|other| other.bytes == seen.bytes).count() == 1
        && !seen.flags.iter().any(|flag| flag == "\\Flagged" || flag == "\\Deleted")
}

fn is_system(flag: &str) -> bool {
    flag.starts_with('\\')
}

fn is_unshown(seen: &Seen) -> bool {
    let subject = format!("Subject: {}\r\n", UNSHOWN.1);
    seen.bytes.windows(subject.len()).any(|window| window == subject.as_bytes())
}

/// A message with all that is compared of it.
type Key = (Bytes, Vec<String>, i64);

fn key(bytes: Bytes, seen: &Seen) -> Key {
    (bytes, seen.flags.iter().filter(|flag| is_system(flag)).cloned().collect(), seen.date.unix_s)
}

/// Takes one away, if there is one.
fn take(there: &mut BTreeMap<Key, u64>, key: &Key) -> bool {
    let left = there.get_mut(key).filter(|left| **left > 0);
    left.is_some_and(|left| {
        *left -= 1;
        true
    })
}
