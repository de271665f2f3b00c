//! Many accounts between memory servers: all get their turn, trouble stays where it is, and a watch hears its bells.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use async_trait::async_trait;
use parom_domain::endpoint::Endpoint;
use parom_domain::policy::Policy;
use parom_domain::{Both, Code, Error, FolderPath, InternalDate, Marks, Result, Retry, Scope, Side};
use parom_lab::memory::{Fault, MemoryEndpoint, MemoryServer, Steps, Switches};
use parom_service::{
    AccountOutcome, At, Ending, EndpointFactory, Listener, Mode, Notice, Offers, Place, Roster, Service, Settings,
    Shared, Stop, StopSwitch,
};
use parom_store::{Account, MasterKey, NewAccount, Store};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What went on in an account, as far as these tests ask.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Heard {
    InStep,
    Again(Code),
    /// Something was left; the pause until the next pass, if there is one.
    Left(Option<Duration>),
    Waits,
    Other,
}

struct Ear(UnboundedSender<(String, Heard)>);

impl Listener for Ear {
    fn on(&self, account: &Arc<str>, notice: Notice<'_>) {
        let heard = match notice {
            Notice::Waits { .. } => Heard::Waits,
            Notice::Ended { ending: Ending::InStep { .. }, .. } => Heard::InStep,
            Notice::Ended { ending: Ending::Failed(error), again: Some(_) } => Heard::Again(error.code()),
            Notice::Ended { ending: Ending::Unsettled { .. }, again } => Heard::Left(again),
            Notice::Ended { .. } => Heard::Other,
            _ => return,
        };
        // A test that has heard enough is over.
        let _ = self.0.send((account.to_string(), heard));
    }
}

/// One account's servers, and how its endpoints behave.
#[derive(Clone)]
struct Mailbox {
    servers: Both<MemoryServer>,
    steps: Steps,
    panics: bool,
    unknown: bool,
}

struct World {
    mailboxes: Mutex<HashMap<String, Mailbox>>,
    /// A permit for each side on which a bell hangs.
    bells: Semaphore,
    refusals: Mutex<Vec<(String, Side, bool)>>,
    /// Who signs in on the source for everybody, and the steps of each: what goes wrong there concerns all.
    logins: Mutex<Vec<(&'static str, Steps)>>,
}

impl World {
    fn mailbox(&self, account: &Account) -> Mailbox {
        self.mailboxes.lock().unwrap().get(&account.address).unwrap().clone()
    }
}

struct Factory(Arc<World>);

#[async_trait]
impl EndpointFactory for Factory {
    fn offers(&self, account: &Account) -> Result<Offers> {
        if self.0.mailbox(account).unknown {
            return Err(Error::new(Code::AccountDomainMissing, Scope::Account, Retry::WhenFixed));
        }
        let place =
            |name: &str, credential| Place { server: name.into(), max_connections: 8, credential, database: None };
        let shared = |login: &str| Shared { name: login.into(), max_connections: 4 };
        let logins = self.0.logins.lock().unwrap();
        let pool = logins.iter().map(|(login, _)| place("source", Some(shared(login)))).collect();
        let sources = if logins.is_empty() { vec![place("source", None)] } else { pool };
        Ok(Offers {
            policy: Policy { grace_ms: 0, ..Policy::default() },
            exclusions: Arc::default(),
            places: Both::new(sources, vec![place("target", None)]),
        })
    }

    async fn endpoint(
        &self,
        account: &Account,
        At { side, place }: At<'_>,
        connections: usize,
    ) -> Result<Arc<dyn Endpoint>> {
        let mailbox = self.0.mailbox(account);
        assert!(!mailbox.panics, "a defect that this test wants");
        let logins = self.0.logins.lock().unwrap().clone();
        let login =
            logins.into_iter().find(|(login, _)| place.credential.as_ref().is_some_and(|it| &*it.name == *login));
        let (name, steps) = match login {
            Some((_, steps)) => (account.address.as_str(), steps),
            None => (side.as_str(), mailbox.steps.clone()),
        };
        let endpoint = MemoryEndpoint::new(name, mailbox.servers[side].clone(), steps);
        if connections == 1 {
            // Of a bell. A memory endpoint rings for everything since it looked last.
            endpoint.observe(&FolderPath::inbox(), None).await?;
            self.0.bells.add_permits(1);
        }
        Ok(Arc::new(endpoint))
    }

    async fn is_proved(&self, _: &Account, _: At<'_>) -> bool {
        false
    }

    async fn proved(&self, _: &Account, _: At<'_>) {}

    async fn refused(&self, account: &Account, At { side, .. }: At<'_>, concerns_all: bool, _: &Error) {
        self.0.refusals.lock().unwrap().push((account.address.clone(), side, concerns_all));
    }
}

struct Stage {
    world: Arc<World>,
    store: Store,
    ear: Arc<Ear>,
    heard: UnboundedReceiver<(String, Heard)>,
    _folder: TempDir,
}

impl Stage {
    async fn new() -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let key = MasterKey::create(&folder.path().join("parom.key")).unwrap();
        let store = Store::open(&folder.path().join("parom.db"), key).await.unwrap();
        let (tell, heard) = unbounded_channel();
        let world = Arc::new(World {
            mailboxes: Mutex::default(),
            bells: Semaphore::new(0),
            refusals: Mutex::default(),
            logins: Mutex::default(),
        });
        Stage { world, store, ear: Arc::new(Ear(tell)), heard, _folder: folder }
    }

    /// A new account with so many messages on the source.
    async fn account(&self, name: &str, messages: usize) -> Account {
        let mailbox = Mailbox {
            servers: Both::from_fn(|_| MemoryServer::new(Switches::default())),
            steps: Steps::new(),
            panics: false,
            unknown: false,
        };
        for n in 0..messages {
            add(&mailbox, Side::Source, &format!("{name}-{n}"));
        }
        self.world.mailboxes.lock().unwrap().insert(name.to_owned(), mailbox);
        let new = NewAccount {
            address: name.to_owned(),
            source_login: name.to_owned(),
            target_login: name.to_owned(),
            domain: "corp.example".to_owned(),
        };
        self.store.add_account(new).await.unwrap().unwrap()
    }

    /// Somebody who signs in on the source for everybody.
    fn login(&self, name: &'static str) -> Steps {
        let steps = Steps::new();
        self.world.logins.lock().unwrap().push((name, steps.clone()));
        steps
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Mailbox)) {
        change(self.world.mailboxes.lock().unwrap().get_mut(name).unwrap());
    }

    fn count(&self, name: &str, side: Side) -> usize {
        let mailbox = self.world.mailboxes.lock().unwrap().get(name).unwrap().clone();
        mailbox.servers[side].messages(&FolderPath::inbox()).len()
    }

    fn service(&self, mode: Mode, accounts_at_once: usize) -> (Service, StopSwitch) {
        let (switch, stop) = Stop::new();
        let settings = Settings {
            mode,
            dry_run: false,
            owner: "this".to_owned(),
            accounts_at_once,
            connections_per_account: 4,
            body_budget_bytes: 1 << 20,
        };
        let factory = Arc::new(Factory(self.world.clone()));
        (Service::new(self.store.clone(), factory, self.ear.clone(), stop, settings), switch)
    }

    async fn until(&mut self, account: &str, wanted: &Heard) {
        loop {
            let (who, heard) = self.heard.recv().await.unwrap();
            if who == account && heard == *wanted {
                return;
            }
        }
    }
}

fn add(mailbox: &Mailbox, side: Side, text: &str) {
    let bytes = format!("Message-ID: <{text}@x>\r\nSubject: {text}\r\n\r\n{text}\r\n").into_bytes();
    let date = InternalDate { unix_s: 1_000_000_000, offset_min: 0 };
    mailbox.servers[side].add(&FolderPath::inbox(), bytes, Marks::default(), Some(date)).unwrap();
}

fn by_address(outcomes: Vec<AccountOutcome>) -> HashMap<String, AccountOutcome> {
    outcomes.into_iter().map(|outcome| (outcome.address.to_string(), outcome)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_accounts_get_their_turn_over_few_connections() {
    let stage = Stage::new().await;
    let mut accounts = Vec::new();
    for n in 0..30 {
        accounts.push(stage.account(&format!("u{n}"), 3).await);
    }
    let (service, _switch) = stage.service(Mode::Once, 1000);
    let outcomes = service.run(Roster::Enabled).await.unwrap();
    assert_eq!(outcomes.len(), 30);
    for outcome in &outcomes {
        assert!(matches!(outcome.ending, Ending::InStep { parked: 0 }), "{outcome:?}");
        assert_eq!(outcome.totals.carried.target, 3);
        assert_eq!(stage.count(&outcome.address, Side::Target), 3);
    }
    for account in accounts {
        let lease = stage.store.acquire(account.id, "another", 1, 1000).await.unwrap();
        assert!(lease.is_some(), "the lease was not given back");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trouble_stays_where_it_is() {
    let stage = Stage::new().await;
    for name in ["good", "cut", "defective", "unknown"] {
        stage.account(name, 5).await;
    }
    stage.change("cut", |mailbox| (6..9).for_each(|step| mailbox.steps.fail_at(step, Fault::Cut)));
    stage.change("defective", |mailbox| mailbox.panics = true);
    stage.change("unknown", |mailbox| mailbox.unknown = true);
    let (service, _switch) = stage.service(Mode::Once, 4);
    let outcomes = by_address(service.run(Roster::Enabled).await.unwrap());
    assert!(matches!(outcomes["good"].ending, Ending::InStep { .. }));
    assert_eq!(outcomes["good"].totals.passes, 1);
    assert!(matches!(outcomes["cut"].ending, Ending::InStep { .. }), "{:?}", outcomes["cut"]);
    assert!(outcomes["cut"].totals.passes > 1);
    assert_eq!(stage.count("cut", Side::Target), 5);
    let code = |name: &str| match &outcomes[name].ending {
        Ending::Failed(error) => error.code(),
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!((code("defective"), code("unknown")), (Code::Internal, Code::AccountDomainMissing));
    let told = stage.store.summaries().await.unwrap().into_iter().filter_map(|(_, summary)| summary.error).count();
    assert_eq!(told, 2, "both are told by `parom status`");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bell_makes_a_change_cross_at_once() {
    let mut stage = Stage::new().await;
    stage.account("anna", 1).await;
    // Nobody waits an hour here.
    let (service, switch) = stage.service(Mode::Watch { every_ms: 3_600_000 }, 4);
    let run = tokio::spawn(service.run(Roster::Enabled));
    stage.until("anna", &Heard::InStep).await;
    let world = stage.world.clone();
    let _bells = world.bells.acquire_many(2).await.unwrap();
    for (n, side) in Side::ALL.into_iter().enumerate() {
        stage.change("anna", |mailbox| add(mailbox, side, &format!("late-{n}")));
        while stage.count("anna", side.other()) < n + 2 {
            stage.until("anna", &Heard::InStep).await;
        }
    }
    switch.stop();
    let outcomes = run.await.unwrap().unwrap();
    assert!(matches!(outcomes.first().unwrap().ending, Ending::Interrupted));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_notices_new_accounts_and_those_switched_off() {
    let mut stage = Stage::new().await;
    let anna = stage.account("anna", 1).await;
    let (service, switch) = stage.service(Mode::Watch { every_ms: 30 }, 4);
    let run = tokio::spawn(service.run(Roster::Enabled));
    stage.until("anna", &Heard::InStep).await;
    stage.store.set_enabled(anna.id, false).await.unwrap();
    stage.account("boris", 2).await;
    stage.until("boris", &Heard::InStep).await;
    assert_eq!(stage.count("boris", Side::Target), 2);
    stage.until("boris", &Heard::InStep).await;
    switch.stop();
    let outcomes = by_address(run.await.unwrap().unwrap());
    assert_eq!(outcomes.keys().collect::<Vec<_>>(), ["boris"], "the other one has left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_goes_on_after_lost_connections() {
    let mut stage = Stage::new().await;
    stage.account("anna", 3).await;
    stage.change("anna", |mailbox| (1..40).for_each(|step| mailbox.steps.fail_at(step, Fault::Cut)));
    let (service, switch) = stage.service(Mode::Watch { every_ms: 20 }, 4);
    let run = tokio::spawn(service.run(Roster::Enabled));
    stage.until("anna", &Heard::Again(Code::ConnectionLost)).await;
    stage.change("anna", |mailbox| mailbox.steps.revive());
    stage.until("anna", &Heard::InStep).await;
    assert_eq!(stage.count("anna", Side::Target), 3);
    switch.stop();
    run.await.unwrap().unwrap();
}

/// The refusal is tried again by the next run, or when it is time to look: not at once, however often it comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_folder_is_not_tried_again_at_once() {
    let folder = FolderPath::new(["odd"]).unwrap();
    let hour = Duration::from_secs(3600);
    for mode in [Mode::Once, Mode::UntilSettled, Mode::Watch { every_ms: 3_600_000 }] {
        let mut stage = Stage::new().await;
        stage.account("anna", 3).await;
        stage.change("anna", |mailbox| {
            mailbox.servers.source.create(&folder).unwrap();
            mailbox.servers.source.subscribe(&folder, true);
            mailbox.servers.target.switch(|switches| _ = switches.refuses_names.insert(folder.clone()));
        });
        let (service, switch) = stage.service(mode, 4);
        let run = tokio::spawn(service.run(Roster::Enabled));
        // The first pass has carried the mail, so that another follows; that one brings nothing forward.
        stage.until("anna", &Heard::Left(Some(Duration::ZERO))).await;
        let rests = matches!(mode, Mode::Watch { .. }).then_some(hour);
        assert_eq!(stage.heard.recv().await.unwrap(), ("anna".to_owned(), Heard::Left(rests)), "{mode:?}");
        switch.stop();
        run.await.unwrap().unwrap();
        assert_eq!(stage.count("anna", Side::Target), 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_starves_behind_a_service_account_that_is_throttled_again_and_again() {
    let mut stage = Stage::new().await;
    let mut turns: HashMap<String, usize> = HashMap::new();
    for n in 0..30 {
        turns.insert(stage.account(&format!("u{n}"), 1).await.address, 0);
    }
    let steps = stage.login("svc");
    let (service, _switch) = stage.service(Mode::Once, 1000);
    service.run(Roster::Enabled).await.unwrap();
    while stage.heard.try_recv().is_ok() {}
    steps.revive();
    (1..1000).for_each(|n| steps.fail_at(n * 12, Fault::Throttle { pause_ms: 300 }));
    // Whoever is in step is there again at once.
    let (service, switch) = stage.service(Mode::Watch { every_ms: 1 }, 1000);
    let run = tokio::spawn(service.run(Roster::Enabled));
    while turns.values().all(|count| *count < 5) {
        let (account, heard) = stage.heard.recv().await.unwrap();
        *turns.entry(account).or_default() += usize::from(heard == Heard::InStep);
    }
    switch.stop();
    run.await.unwrap().unwrap();
    assert!(turns.values().all(|count| *count >= 3), "{turns:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_the_end_of_a_pause_can_be_stopped() {
    let mut stage = Stage::new().await;
    for n in 0..6 {
        stage.account(&format!("u{n}"), 1).await;
    }
    stage.login("svc").fail_at(1, Fault::Throttle { pause_ms: 3_600_000 });
    let (service, switch) = stage.service(Mode::UntilSettled, 1000);
    let run = tokio::spawn(service.run(Roster::Enabled));
    // Those that had to wait for connections are told too, and once. One that was on its way was told to come again.
    let mut waiting = 0;
    while waiting < 4 {
        waiting += usize::from(stage.heard.recv().await.unwrap().1 == Heard::Waits);
    }
    switch.stop();
    let outcomes = run.await.unwrap().unwrap();
    assert_eq!(outcomes.len(), 6);
    assert!(outcomes.iter().all(|outcome| matches!(outcome.ending, Ending::Interrupted)), "{outcomes:?}");
    assert!((0..6).all(|n| stage.count(&format!("u{n}"), Side::Target) == 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_a_throttled_service_account_goes_to_one_that_is_open() {
    let stage = Stage::new().await;
    for n in 0..12 {
        stage.account(&format!("u{n}"), 1).await;
    }
    let (throttled, open) = (stage.login("svc"), stage.login("svc2"));
    throttled.fail_at(1, Fault::Throttle { pause_ms: 3_600_000 });
    let (service, _switch) = stage.service(Mode::Once, 1000);
    let outcomes = service.run(Roster::Enabled).await.unwrap();
    assert!(outcomes.iter().all(|outcome| matches!(outcome.ending, Ending::InStep { .. })), "{outcomes:?}");
    assert!(open.taken() > 12);
    assert!(throttled.taken() <= 2, "nobody asks it but those that were on their way: {:?}", throttled.trail());
}
