//! Two servers of calendars, a book, and passes between them that can be made to die at any step.

use crate::book::MemoryBook;
use async_trait::async_trait;
use parom_domain::agenda::{Form, Label, Merge, Merged};
use parom_domain::events::policy::EventPolicy;
use parom_domain::events::state::{AgendaChange, AgendaState};
use parom_domain::events::{EventLink, EventNumber};
use parom_domain::state::{AccountId, Lease};
use parom_domain::{Both, Result, Side};
use parom_engine::Clock;
use parom_engine::agenda::{
    AgendaBook, AgendaEvent, AgendaObserver, AgendaPass, AgendaReport, LeasedAgendaBook, run_agenda_pass,
};
use parom_lab::memory::{AgendaSwitches, CalendarServer, MemoryAgenda, Steps, field, form};
use parom_store::{MasterKey, NewAccount, Store};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub struct TestClock(AtomicU64);

impl TestClock {
    pub fn new() -> TestClock {
        TestClock(AtomicU64::new(1_000_000))
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    async fn sleep_ms(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

/// Merges field by field. Where both changed the same, `wins` wins.
pub struct FieldMerge {
    pub wins: Side,
    /// A field that this side has no place for: what it says of it says nothing.
    pub blind: Both<Option<String>>,
}

impl Merge for FieldMerge {
    fn merge(&self, base: Option<&Form>, forms: Both<&Form>) -> Result<Merged> {
        let names = |text: &str| {
            text.lines().filter_map(|line| line.split_once('=')).map(|(key, _)| key.to_owned()).collect::<BTreeSet<_>>()
        };
        let mut all = names(&forms.source.text);
        all.extend(names(&forms.target.text));
        let mut lost = None;
        let mut fields: BTreeMap<String, String> = BTreeMap::new();
        for name in all {
            let was = base.and_then(|base| field(&base.text, &name));
            let says = Both::from_fn(|side| {
                let own = field(&forms[side].text, &name);
                if self.blind[side].as_ref() != Some(&name) {
                    own
                } else if base.is_some() {
                    was
                } else {
                    field(&forms[side.other()].text, &name)
                }
            });
            let now = if says.source == says.target || (base.is_some() && says.target == was) {
                says.source
            } else if base.is_some() && says.source == was || base.is_none() && says.source.is_none() {
                says.target
            } else if base.is_none() && says.target.is_none() {
                says.source
            } else {
                lost = Some(self.wins.other());
                says[self.wins]
            };
            if let Some(now) = now {
                fields.insert(name, now.to_owned());
            }
        }
        let text: String = fields.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        Ok(Merged { form: form(&text), lost })
    }

    fn whole(&self, half: &Form, was: Option<&Form>, wanted: &Form) -> Result<Form> {
        let all = fields(&half.text).chain(fields(&wanted.text)).map(|(name, _)| name).collect::<BTreeSet<_>>();
        let mut text = String::new();
        for name in all {
            let (shown, wanted) = (field(&half.text, name), field(&wanted.text, name));
            let is_reached = shown.is_some() && shown != was.and_then(|was| field(&was.text, name));
            if let Some(value) = if is_reached { shown } else { wanted } {
                text.push_str(&format!("{name}={value}\n"));
            }
        }
        Ok(form(&text))
    }

    fn label(&self, text: &str) -> Option<Label> {
        let label =
            Label { title: field(text, "title").map(str::to_owned), day: field(text, "day").map(str::to_owned) };
        Some(label).filter(|label| *label != Label::default())
    }
}

fn fields(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| line.split_once('='))
}

/// Stops a pass at a chosen moment.
#[derive(Default)]
pub struct Watch {
    pub stop: Arc<AtomicBool>,
}

impl AgendaObserver for Watch {
    fn event(&self, _: AgendaEvent) {}

    fn should_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// A store in a folder of its own, with one account.
pub struct Disk {
    pub store: Store,
    pub account: AccountId,
    _dir: tempfile::TempDir,
}

pub struct World {
    pub servers: Both<CalendarServer>,
    pub steps: Steps,
    pub clock: TestClock,
    pub policy: EventPolicy,
    /// A few, so that what is done in batches is done in several.
    pub batch: usize,
    pub merge: FieldMerge,
    pub watch: Watch,
    pub book: MemoryBook,
    pub disk: Option<Disk>,
}

/// A book each commit of which is a step: before it nothing is written, after it everything is.
struct SteppedBook<'a> {
    world: &'a World,
    lease: Option<Lease>,
}

#[async_trait]
impl AgendaBook for SteppedBook<'_> {
    async fn commit(&self, changes: Vec<AgendaChange>) -> Result<()> {
        // Others go on meanwhile.
        tokio::task::yield_now().await;
        self.world.steps.step("book commit")?;
        if let (Some(disk), Some(lease)) = (&self.world.disk, self.lease) {
            LeasedAgendaBook { store: &disk.store, lease }.commit(changes.clone()).await?;
        }
        self.world.book.apply(changes);
        self.world.steps.step("book committed")
    }

    async fn links(&self) -> Result<Vec<EventLink>> {
        self.world.book.links().await
    }

    async fn base(&self, event: EventNumber) -> Result<Option<Arc<str>>> {
        self.world.book.base(event).await
    }
}

impl World {
    pub fn new(source: AgendaSwitches, target: AgendaSwitches) -> World {
        World {
            servers: Both::new(CalendarServer::new(source), CalendarServer::new(target)),
            steps: Steps::new(),
            clock: TestClock::new(),
            policy: EventPolicy::default(),
            batch: 2,
            merge: FieldMerge { wins: Side::Source, blind: Both::default() },
            watch: Watch::default(),
            book: MemoryBook::default(),
            disk: None,
        }
    }

    pub fn plain() -> World {
        World::new(AgendaSwitches::default(), AgendaSwitches::default())
    }

    /// Writes everything into a real store too.
    pub async fn with_disk(self) -> World {
        let dir = tempfile::tempdir().unwrap();
        let key = MasterKey::create(&dir.path().join("parom.key")).unwrap();
        let store = Store::open(&dir.path().join("parom.db"), key).await.unwrap();
        let account = NewAccount {
            address: "a@corp.example".into(),
            source_login: "a".into(),
            target_login: "a".into(),
            domain: "corp.example".into(),
        };
        let account = store.add_account(account).await.unwrap().unwrap().id;
        World { disk: Some(Disk { store, account, _dir: dir }), ..self }
    }

    /// The store says what the book in memory says.
    pub async fn assert_same_state(&self) {
        let disk = self.disk.as_ref().unwrap();
        let sorted = |mut state: AgendaState| {
            state.deleted.sort_by_key(|deleted| deleted.at_ms);
            state
        };
        assert_eq!(sorted(disk.store.load_agenda(disk.account).await.unwrap()), sorted(self.book.state()));
        assert_eq!(disk.store.event_links(disk.account).await.unwrap(), self.book.all());
        for link in self.book.all() {
            let base = disk.store.event_base(disk.account, link.number).await.unwrap();
            assert_eq!(base, self.book.base(link.number).await.unwrap());
        }
    }

    pub async fn pass(&self) -> Result<AgendaReport> {
        self.pass_with(false).await
    }

    pub async fn pass_with(&self, dry_run: bool) -> Result<AgendaReport> {
        let lease = match &self.disk {
            Some(disk) => disk.store.acquire(disk.account, "test", self.clock.now_ms(), 1_000_000_000).await.unwrap(),
            None => None,
        };
        let source = MemoryAgenda::new("source", self.servers.source.clone(), self.steps.clone());
        let target = MemoryAgenda::new("target", self.servers.target.clone(), self.steps.clone());
        let book = SteppedBook { world: self, lease };
        let pass = AgendaPass {
            sides: Both::new(&source, &target),
            book: &book,
            merge: &self.merge,
            clock: &self.clock,
            observer: &self.watch,
            policy: self.policy,
            batch: self.batch,
            dry_run,
        };
        run_agenda_pass(&pass, self.book.state()).await
    }

    pub async fn dry_run(&self) -> AgendaReport {
        let writes = || Both::from_fn(|side| self.servers[side].writes());
        let before = (writes(), self.book.state(), self.book.commits());
        let report = self.pass_with(true).await.unwrap();
        assert_eq!((writes(), self.book.state(), self.book.commits()), before);
        report
    }

    /// Passes until nothing is left to do, the clock moving past every grace.
    pub async fn settle(&self) -> AgendaReport {
        for _ in 0..16 {
            let report = self.pass().await.unwrap();
            if report.settled {
                return report;
            }
            self.wait_out_the_grace();
        }
        panic!("it does not come to rest: {:#?}\n{:#?}", self.pass().await, self.book.state());
    }

    pub fn wait_out_the_grace(&self) {
        self.wait_ms(self.policy.grace_ms + 1);
    }

    pub fn wait_ms(&self, ms: u64) {
        self.clock.0.fetch_add(ms, Ordering::Relaxed);
    }

    #[track_caller]
    pub fn assert_equal(&self) {
        assert_eq!(self.servers.source.picture(), self.servers.target.picture());
    }

    /// Another pass changes nothing on either server, reads no event, and writes nothing into the book.
    pub async fn assert_idle(&self) {
        let before = Both::from_fn(|side| (self.servers[side].writes(), self.servers[side].reads()));
        let commits = self.book.commits();
        let report = self.pass().await.unwrap();
        assert!(report.settled, "{report:?}");
        let after = Both::from_fn(|side| (self.servers[side].writes(), self.servers[side].reads()));
        assert_eq!(before, after);
        assert_eq!(self.book.commits(), commits, "an idle pass wrote: {:?}", self.book.last());
    }

    pub fn add(&self, side: Side, calendar: &str, uid: &str) {
        let text = format!("color=red\nnote=n{uid}\ntitle=t{uid}\nuid={uid}\n");
        assert!(self.servers[side].add(calendar, &text), "no calendar {calendar}");
    }

    pub fn edit(&self, side: Side, calendar: &str, uid: &str, name: &str, value: &str) {
        assert!(self.servers[side].edit(calendar, uid, name, Some(value)) > 0, "no {uid} in {calendar} on {side}");
    }

    pub fn get(&self, side: Side, uid: &str, name: &str) -> Option<String> {
        let calendars: Vec<String> = self.servers[side].picture().into_keys().collect();
        calendars.iter().find_map(|calendar| self.servers[side].get(calendar, uid, name))
    }
}
