//! Says when something happened in a mailbox, so that it is looked at now: what happened is never taken from here.
//!
//! Mailboxes are told of together: so many on one stream, and so many streams of one login at a time as the server bears. The
//! others are asked for one after the other (GetEvents), and those that tell nothing by themselves are left to whoever looks
//! from time to time. A lost subscription or connection costs one look.

mod ask;
mod circle;
mod pull;
mod stream;

use crate::hanging::Hanging;
use crate::op::FolderRef;
use crate::version::Version;
use circle::{Circle, End};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// Hears of mailboxes, by the names that [`Guest`]s have.
pub trait Ear: Send + Sync {
    /// Something happened there, or may have happened unheard.
    fn look(&self, name: &Arc<str>);

    /// From now on what happens there is told, or is not told any more.
    fn attended(&self, name: &Arc<str>, is_attended: bool);
}

/// A mailbox that is to be told of.
pub struct Guest<T> {
    /// What it is called to the [`Ear`].
    pub name: Arc<str>,
    /// The primary address.
    pub mailbox: String,
    /// The ids of its calendars.
    pub folders: Vec<String>,
    /// Who signs in. Mailboxes of several logins are never on one stream.
    pub login: Arc<str>,
    /// Equal for mailboxes that the same server has (GroupingInformation, or the database where it is known): only these
    /// may share a stream.
    pub affinity: Arc<str>,
    /// The login is a service account and acts for the mailbox.
    pub impersonates: bool,
    pub transport: Arc<T>,
}

impl<T> Clone for Guest<T> {
    fn clone(&self) -> Guest<T> {
        Guest {
            name: self.name.clone(),
            mailbox: self.mailbox.clone(),
            folders: self.folders.clone(),
            login: self.login.clone(),
            affinity: self.affinity.clone(),
            impersonates: self.impersonates,
            transport: self.transport.clone(),
        }
    }
}

impl<T> Guest<T> {
    fn folders(&self) -> Vec<FolderRef> {
        self.folders.iter().cloned().map(FolderRef::Id).collect()
    }

    fn impersonated(&self) -> Option<&str> {
        self.impersonates.then_some(self.mailbox.as_str())
    }
}

/// What a server is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// Mailboxes on one stream, at most 200.
    pub per_stream: usize,
    /// Streams of one login (HangingConnectionLimit). `None`: what its version allows where nobody has changed it.
    pub streams: Option<usize>,
    /// How long one stream lasts, in minutes, 1..=30. One on which mailboxes wait to be taken lasts one.
    pub minutes: u32,
    /// What a minute of the server takes.
    pub minute: Duration,
    /// For how long after its end a stream may be silent before it is taken for broken.
    pub slack: Duration,
    /// How often mailboxes that are on no stream are asked for.
    pub pull_every: Duration,
}

impl Default for Manner {
    fn default() -> Manner {
        Manner {
            per_stream: 200,
            streams: None,
            minutes: 5,
            minute: Duration::from_secs(60),
            slack: Duration::from_secs(30),
            pull_every: Duration::from_secs(60),
        }
    }
}

/// What was refused is asked for again after so long.
const REFUSED_FOR: Duration = Duration::from_secs(3600);

/// All mailboxes of some servers that are told of. Dropping it ends all streams.
pub struct Notices<T: Hanging + 'static> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    ear: Arc<dyn Ear>,
    manner: Manner,
    book: Mutex<Book<T>>,
}

/// Who is where.
struct Book<T> {
    next: u64,
    circles: BTreeMap<u64, Seat<T>>,
    /// In which circle a mailbox is, and with which folders.
    places: HashMap<Arc<str>, (u64, Vec<String>)>,
    /// The newest version that each login was answered in.
    versions: HashMap<Arc<str>, Version>,
    /// Logins for which the server opened fewer streams than it should, or none: how many, and since when.
    narrow: HashMap<Arc<str>, (usize, Instant)>,
    /// Mailboxes that tell nothing in any way, or not by a stream.
    silent: HashMap<Arc<str>, (Silence, Instant)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Silence {
    NoStream,
    Nothing,
}

struct Seat<T> {
    login: Arc<str>,
    affinity: Arc<str>,
    kind: Kind,
    members: usize,
    words: mpsc::UnboundedSender<Word<T>>,
    task: AbortHandle,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Stream,
    Pull,
}

/// What is said to a circle.
enum Word<T> {
    /// Takes a mailbox, or its other folders.
    Take(Guest<T>),
    Leave(Arc<str>),
}

impl<T: Hanging + 'static> Notices<T> {
    /// Must be called within a tokio runtime, as everything here.
    #[must_use]
    pub fn new(ear: Arc<dyn Ear>, manner: Manner) -> Notices<T> {
        let book = Book {
            next: 0,
            circles: BTreeMap::new(),
            places: HashMap::new(),
            versions: HashMap::new(),
            narrow: HashMap::new(),
            silent: HashMap::new(),
        };
        Notices { shared: Arc::new(Shared { ear, manner, book: Mutex::new(book) }) }
    }

    /// Has a mailbox told of. For one that is told of already this costs nothing.
    pub fn attend(&self, guest: Guest<T>) {
        self.shared.attend(guest, Kind::Stream);
    }

    /// Lets a mailbox go.
    pub fn leave(&self, name: &Arc<str>) {
        let mut book = self.shared.book();
        if let Some((circle, _)) = book.places.remove(name)
            && let Some(seat) = book.circles.get_mut(&circle)
        {
            seat.members = seat.members.saturating_sub(1);
            // A circle that is over has let everybody go.
            let _ = seat.words.send(Word::Leave(name.clone()));
        }
    }
}

impl<T: Hanging + 'static> Drop for Notices<T> {
    fn drop(&mut self) {
        self.shared.book().circles.values().for_each(|seat| seat.task.abort());
    }
}

impl<T: Hanging + 'static> Shared<T> {
    fn attend(self: &Arc<Self>, guest: Guest<T>, wanted: Kind) {
        let mut book = self.book();
        if guest.folders.is_empty() {
            return;
        }
        if let Some((circle, folders)) = book.places.get_mut(&guest.name) {
            let is_news = *folders != guest.folders;
            folders.clone_from(&guest.folders);
            let circle = *circle;
            if is_news && let Some(seat) = book.circles.get(&circle) {
                let _ = seat.words.send(Word::Take(guest));
            }
            return;
        }
        let Some(kind) = book.kind(&guest, wanted, &self.manner) else { return };
        let most = if kind == Kind::Stream { self.manner.per_stream.clamp(1, 200) } else { usize::MAX };
        let fits = |seat: &Seat<T>| {
            (seat.kind, &seat.login, &seat.affinity) == (kind, &guest.login, &guest.affinity) && seat.members < most
        };
        let found = book.circles.iter().find(|(_, seat)| fits(seat)).map(|(number, _)| *number);
        let number = found.unwrap_or_else(|| self.found(&mut book, &guest, kind));
        let folders = guest.folders.clone();
        if let Some(seat) = book.circles.get_mut(&number) {
            seat.members += 1;
            let name = guest.name.clone();
            let _ = seat.words.send(Word::Take(guest));
            book.places.insert(name, (number, folders));
        }
    }

    /// Begins a circle.
    fn found(self: &Arc<Self>, book: &mut Book<T>, first: &Guest<T>, kind: Kind) -> u64 {
        let number = book.next;
        book.next += 1;
        let (sender, words) = mpsc::unbounded_channel();
        let version = book.versions.get(&first.login).copied().unwrap_or(Version::NEWEST);
        let circle = Circle::new(first, version, words, self.clone());
        let shared = self.clone();
        let task = tokio::spawn(async move {
            let (end, guests) = match kind {
                Kind::Stream => circle.stream().await,
                Kind::Pull => circle.pull().await,
            };
            shared.over(number, &end, guests);
        });
        let (login, affinity) = (first.login.clone(), first.affinity.clone());
        let seat = Seat { login, affinity, kind, members: 0, words: sender, task: task.abort_handle() };
        book.circles.insert(number, seat);
        number
    }

    /// A circle is over: its mailboxes are told of in another way, or by nobody until somebody has them told of again.
    fn over(self: &Arc<Self>, number: u64, end: &End, guests: Vec<Guest<T>>) {
        if let End::Refused(error) = end {
            tracing::info!(error = ?error, "notifications end until the next good pass");
        }
        let mut book = self.book();
        let login = book.circles.remove(&number).map(|seat| seat.login);
        let gone: Vec<Arc<str>> =
            book.places.iter().filter(|(_, (circle, _))| *circle == number).map(|(name, _)| name.clone()).collect();
        gone.iter().for_each(|name| drop(book.places.remove(name)));
        if let (End::NoStream, Some(login)) = (end, &login) {
            let left = book.circles.values().filter(|it| it.kind == Kind::Stream && it.login == *login).count();
            book.narrow.insert(login.clone(), (left, Instant::now()));
        }
        drop(book);
        gone.iter().for_each(|name| self.ear.attended(name, false));
        if matches!(end, End::NoStream) {
            guests.into_iter().for_each(|guest| self.attend(guest, Kind::Pull));
        }
    }

    /// A mailbox cannot be told of in that way.
    fn is_silent(self: &Arc<Self>, guest: Guest<T>, kind: Kind) {
        let silence = if kind == Kind::Stream { Silence::NoStream } else { Silence::Nothing };
        {
            let mut book = self.book();
            book.let_go(&guest.name);
            book.silent.insert(guest.name.clone(), (silence, Instant::now()));
        }
        self.ear.attended(&guest.name, false);
        if kind == Kind::Stream {
            self.attend(guest, Kind::Pull);
        }
    }

    /// A mailbox cannot be told of now. It may be tried again whenever somebody wants.
    fn drops(&self, name: &Arc<str>) {
        self.book().let_go(name);
        self.ear.attended(name, false);
    }

    fn learn_version(&self, login: &Arc<str>, version: Version) {
        self.book().versions.insert(login.clone(), version);
    }

    fn book(&self) -> MutexGuard<'_, Book<T>> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Book<T> {
    /// In which way a mailbox can be told of; `None`: in none.
    fn kind(&self, guest: &Guest<T>, wanted: Kind, manner: &Manner) -> Option<Kind> {
        let is_young = |since: &Instant| since.elapsed() < REFUSED_FOR;
        let silence = self.silent.get(&guest.name).filter(|(_, since)| is_young(since)).map(|(silence, _)| *silence);
        match (silence, wanted) {
            (Some(Silence::Nothing), _) => return None,
            (Some(Silence::NoStream), _) | (None, Kind::Pull) => return Some(Kind::Pull),
            (None, Kind::Stream) => {}
        }
        let is_stream = |seat: &&Seat<T>| seat.kind == Kind::Stream && seat.login == guest.login;
        let streams: Vec<&Seat<T>> = self.circles.values().filter(is_stream).collect();
        let has_room =
            |seat: &&Seat<T>| seat.affinity == guest.affinity && seat.members < manner.per_stream.clamp(1, 200);
        let narrow = self.narrow.get(&guest.login).filter(|(_, since)| is_young(since)).map(|(limit, _)| *limit);
        let usual = hanging_limit(self.versions.get(&guest.login).copied());
        let limit = narrow.or(manner.streams).unwrap_or(usual);
        let fits = streams.iter().any(has_room) || streams.len() < limit;
        Some(if fits { Kind::Stream } else { Kind::Pull })
    }

    fn let_go(&mut self, name: &Arc<str>) {
        if let Some((circle, _)) = self.places.remove(name)
            && let Some(seat) = self.circles.get_mut(&circle)
        {
            seat.members = seat.members.saturating_sub(1);
        }
    }
}

/// Streams of one account, as each version allows where nobody has changed it (HangingConnectionLimit).
fn hanging_limit(version: Option<Version>) -> usize {
    match version {
        Some(version) if version >= Version::Exchange2016 => 10,
        _ => 3,
    }
}
