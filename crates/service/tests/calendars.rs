//! When the calendars of an account are looked at: what rings, what waits, what a failure puts off.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use async_trait::async_trait;
use parom_domain::agenda::Token;
use parom_domain::state::AccountId;
use parom_domain::{Both, Code, Error, Result, Retry, Scope};
use parom_service::{
    CalendarPassed, CalendarPasses, CalendarService, CalendarSettings, Ending, Hands, Leases, Place, Stop, StopSwitch,
    Wakes,
};
use parom_store::{Account, MasterKey, NewAccount, Store};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

const HOUR: Duration = Duration::from_secs(3600);

/// What comes of the passes of each account, one after the other; then they are in step.
#[derive(Default)]
struct World {
    endings: Mutex<HashMap<String, VecDeque<Ending>>>,
    /// Where each target stands. `None`: it does not tell.
    signs: Mutex<HashMap<String, Option<String>>>,
    glances: Mutex<HashMap<String, usize>>,
    again: Mutex<HashMap<String, Option<Duration>>>,
}

impl World {
    fn sign(&self, account: &Account) -> Option<Token> {
        let signs = self.signs.lock().unwrap();
        signs.get(&account.address).cloned().flatten().map(|sign| Token(sign.into()))
    }

    fn set_sign(&self, account: &str, sign: Option<&str>) {
        self.signs.lock().unwrap().insert(account.to_owned(), sign.map(str::to_owned));
    }

    fn then(&self, account: &str, ending: Ending) {
        self.endings.lock().unwrap().entry(account.to_owned()).or_default().push_back(ending);
    }
}

struct Passes {
    world: Arc<World>,
    tell: UnboundedSender<(String, Instant, i64)>,
}

#[async_trait]
impl CalendarPasses for Passes {
    fn places(&self, _: &Account) -> Result<Both<Place>> {
        let place = |name: &str| Place { server: name.into(), max_connections: 2, credential: None, database: None };
        Ok(Both::new(place("ews:443"), place("dav:443")))
    }

    async fn pass(&self, account: &Account, hands: &Hands<'_>) -> CalendarPassed {
        let sign = self.world.sign(account);
        let next = self.world.endings.lock().unwrap().get_mut(&account.address).and_then(VecDeque::pop_front);
        self.tell.send((account.address.clone(), Instant::now(), hands.tenure.lease.epoch)).unwrap();
        let ending = next.unwrap_or(Ending::InStep { parked: 0 });
        CalendarPassed { ending, progressed: false, sign }
    }

    async fn glance(&self, account: &Account) -> Result<Option<Token>> {
        *self.world.glances.lock().unwrap().entry(account.address.clone()).or_default() += 1;
        Ok(self.world.sign(account))
    }

    fn glance_every(&self, _: &Account) -> Duration {
        Duration::from_millis(20)
    }

    fn ended(&self, account: &Account, _: &Ending, again: Option<Duration>) {
        self.world.again.lock().unwrap().insert(account.address.clone(), again);
    }

    fn waits(&self, _: &Account, _: &Error, _: Duration) {}
}

struct Stage {
    world: Arc<World>,
    store: Store,
    wakes: Wakes,
    leases: Arc<Leases>,
    heard: UnboundedReceiver<(String, Instant, i64)>,
    tell: UnboundedSender<(String, Instant, i64)>,
    _folder: TempDir,
}

type Running = JoinHandle<Vec<(Arc<str>, Ending)>>;

impl Stage {
    async fn new() -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let key = MasterKey::create(&folder.path().join("parom.key")).unwrap();
        let store = Store::open(&folder.path().join("parom.db"), key).await.unwrap();
        let (tell, heard) = unbounded_channel();
        let (world, wakes, leases) = (Arc::default(), Wakes::default(), Arc::default());
        Stage { world, store, wakes, leases, heard, tell, _folder: folder }
    }

    async fn account(&self, name: &str) -> Account {
        let new = NewAccount {
            address: name.to_owned(),
            source_login: name.to_owned(),
            target_login: name.to_owned(),
            domain: "corp.example".to_owned(),
        };
        self.world.set_sign(name, Some("at first"));
        self.store.add_account(new).await.unwrap().unwrap()
    }

    fn run(&self, accounts: Vec<Account>, every: Duration) -> (Running, StopSwitch) {
        let (switch, stop) = Stop::new();
        let passes = Arc::new(Passes { world: self.world.clone(), tell: self.tell.clone() });
        let settings = CalendarSettings { owner: "this".to_owned(), accounts_at_once: 8, every, calm: HOUR };
        let (store, wakes, leases) = (self.store.clone(), self.wakes.clone(), self.leases.clone());
        let service = CalendarService::new(store, passes, wakes, stop, leases, settings);
        (tokio::spawn(async move { service.run(accounts).await.unwrap() }), switch)
    }

    /// The next pass over this account.
    async fn next(&mut self, account: &str) -> (Instant, i64) {
        loop {
            let (who, at, epoch) = self.heard.recv().await.unwrap();
            if who == account {
                return (at, epoch);
            }
        }
    }

    /// There was no further pass over anybody until now.
    fn is_quiet(&mut self) -> bool {
        self.heard.try_recv().is_err()
    }

    async fn glances(&self, account: &str, more: usize) {
        let seen = || self.world.glances.lock().unwrap().get(account).copied().unwrap_or_default();
        let before = seen();
        while seen() < before + more {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn throttled(pause: Duration) -> Ending {
    Ending::Failed(Error::new(Code::Throttled, Scope::Account, Retry::After(pause)).with("host", "ews"))
}

#[tokio::test]
async fn what_rings_is_looked_at_and_nobody_else() {
    let mut stage = Stage::new().await;
    let (anna, boris) = (stage.account("anna").await, stage.account("boris").await);
    let (running, switch) = stage.run(vec![anna.clone(), boris], HOUR);
    stage.next("anna").await;
    // Boris's came before or comes now, too.
    stage.glances("boris", 1).await;
    while !stage.is_quiet() {}
    for _ in 0..5 {
        stage.wakes.ring(anna.id);
    }
    stage.next("anna").await;
    stage.glances("boris", 1).await;
    assert!(stage.is_quiet(), "a burst is one look");
    switch.stop();
    let ended = running.await.unwrap();
    assert!(ended.iter().all(|(_, ending)| matches!(ending, Ending::Interrupted)) && ended.len() == 2);
    // Nobody keeps a lease.
    assert!(stage.store.acquire(anna.id, "another", 1, 1000).await.unwrap().is_some());
}

#[tokio::test]
async fn a_target_that_is_another_than_before_is_looked_at() {
    let mut stage = Stage::new().await;
    let anna = stage.account("anna").await;
    let (_running, switch) = stage.run(vec![anna], HOUR);
    stage.next("anna").await;
    stage.glances("anna", 3).await;
    assert!(stage.is_quiet(), "nothing has changed");
    stage.world.set_sign("anna", Some("later"));
    stage.next("anna").await;
    stage.glances("anna", 2).await;
    assert!(stage.is_quiet());
    switch.stop();
}

#[tokio::test]
async fn where_not_everything_rings_an_account_is_looked_at_from_time_to_time() {
    let mut stage = Stage::new().await;
    let anna = stage.account("anna").await;
    let (_running, switch) = stage.run(vec![anna.clone()], Duration::from_millis(50));
    for _ in 0..4 {
        stage.next("anna").await;
    }
    // From here everything does.
    stage.wakes.attend(anna.id, true);
    while tokio::time::timeout(Duration::from_millis(500), stage.next("anna")).await.is_ok() {}
    // The notifications are lost.
    stage.wakes.attend(anna.id, false);
    stage.next("anna").await;
    stage.next("anna").await;
    // A target that does not tell is no better.
    stage.wakes.attend(anna.id, true);
    stage.world.set_sign("anna", None);
    for _ in 0..4 {
        stage.next("anna").await;
    }
    switch.stop();
}

#[tokio::test]
async fn a_pause_that_was_asked_for_is_kept_to_the_millisecond_whoever_rings() {
    let mut stage = Stage::new().await;
    let (anna, boris) = (stage.account("anna").await, stage.account("boris").await);
    let pause = Duration::from_millis(4321);
    stage.world.then("anna", throttled(pause));
    let (_running, switch) = stage.run(vec![anna.clone(), boris.clone()], HOUR);
    let (refused, _) = stage.next("anna").await;
    stage.wakes.ring(anna.id);
    stage.wakes.ring(boris.id);
    // It is her own mailbox that has to wait: the others go on, and are heard.
    let (heard, _) = stage.next("boris").await;
    assert!(heard < refused + pause);
    let (again, _) = stage.next("anna").await;
    assert!(again - refused >= pause, "{:?}", again - refused);
    switch.stop();
}

#[tokio::test]
async fn one_who_cannot_be_helped_stops_nobody() {
    let mut stage = Stage::new().await;
    let (anna, boris) = (stage.account("anna").await, stage.account("boris").await);
    let denied = Error::new(Code::ImpersonationDenied, Scope::Account, Retry::WhenFixed).with("host", "ews");
    stage.world.then("boris", Ending::Failed(denied));
    let (running, switch) = stage.run(vec![anna.clone(), boris], Duration::from_millis(50));
    for _ in 0..3 {
        stage.next("anna").await;
    }
    // A person has to do something first.
    let again = stage.world.again.lock().unwrap().get("boris").copied();
    assert_eq!(again, Some(Some(Duration::from_secs(300))));
    switch.stop();
    running.await.unwrap();
}

/// The mail of the account may be under way at the same time.
#[tokio::test]
async fn passes_of_one_account_have_one_lease() {
    let mut stage = Stage::new().await;
    let anna = stage.account("anna").await;
    stage.leases.join();
    let ours = stage.leases.of(&stage.store, anna.id, "this").await.unwrap().lease;
    let (running, switch) = stage.run(vec![anna.clone()], Duration::from_millis(50));
    for _ in 0..3 {
        assert_eq!(stage.next("anna").await.1, ours.epoch);
    }
    switch.stop();
    running.await.unwrap();
    let taken = async || stage.store.acquire(anna.id, "another", 1, 1000).await.unwrap();
    assert!(taken().await.is_none(), "somebody else works with it yet");
    stage.leases.done(&stage.store).await;
    assert!(taken().await.is_some());
    assert_eq!(ours.account, AccountId(anna.id.0));
}
