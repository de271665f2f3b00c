//! Connections of all accounts to all servers. An account takes what it needs on both sides at once, so that no two
//! accounts hold what the other waits for; whoever came first to a server is served first.
//!
//! While a server's pause lasts, nobody who needs it is served, and everybody keeps the place in the queue.
//!
//! They are counted against whatever bears only so many: the server, the service account that signs in, the database in
//! which the mailbox is. Each of these goes at its own [`Pace`].

use crate::gate::SideGates;
use crate::pace::Pace;
use parom_domain::policy::Priority;
use parom_domain::{Code, Error, Retry, Scope};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// An account needs so many to each side: one lane, and one connection for the questions that it asks besides.
pub const LEAST_CONNECTIONS: usize = 2;

/// An urgent account is treated as if it had come so many places earlier than others that came with it, and one that can
/// wait so many later. So whoever waits is served in the end.
const PLACES: u64 = 1000;

/// Something that bears so many connections and no more.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bound {
    /// The server's name.
    pub server: Arc<str>,
    pub of: BoundOf,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BoundOf {
    Server,
    /// One who signs in for several accounts.
    Login(Arc<str>),
    /// A mailbox database.
    Database(Arc<str>),
}

/// One connection of a side is one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub bound: Bound,
    /// How many it is asked for by all accounts together.
    pub limit: usize,
}

/// Connections to both sides, as many to one as to the other.
#[derive(Clone)]
pub struct Need {
    /// Of both sides. What is named twice is taken twice.
    pub claims: Vec<Claim>,
    /// With fewer the work cannot be done; where fewer are allowed, so many are asked for all the same.
    pub least: usize,
    pub most: usize,
    pub priority: Priority,
    /// Before both sides. Those that claim the same stand before the same gates.
    pub gates: Vec<SideGates>,
    /// A place that was taken before; else the last one.
    pub ticket: Option<Ticket>,
}

/// A place in the queue: who has the smaller one is served first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

/// How many connections are free, and who waits for them. Clones share it.
#[derive(Clone)]
pub struct Connections(Arc<Mutex<Inner>>);

/// What one connection to each side takes, sorted.
type Claims = Arc<[(Bound, usize)]>;

struct Inner {
    /// How many more accounts may be worked on.
    accounts: usize,
    bounds: HashMap<Bound, State>,
    /// Requests that claim the same, in the order in which they are served.
    queues: BTreeMap<Claims, VecDeque<Request>>,
    next_ticket: u64,
}

struct State {
    in_use: usize,
    limit: usize,
    /// Connections that are waited for by so many requests.
    crowd: usize,
    pace: Pace,
}

struct Request {
    ticket: Ticket,
    least: usize,
    most: usize,
    gates: Vec<SideGates>,
    answer: oneshot::Sender<Grant>,
}

/// A place in the queue. Dropping it gives the place up.
pub struct Waiting {
    pub ticket: Ticket,
    pool: Connections,
    answer: oneshot::Receiver<Grant>,
}

/// Connections that are granted, given back when dropped.
pub struct Grant {
    /// To each side.
    pub connections: usize,
    claims: Claims,
    /// Of each claim, the round of its pace.
    rounds: Vec<u64>,
    /// Somebody was let in with it.
    went_well: AtomicBool,
    pool: Connections,
}

/// How fast something goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speed {
    pub allowed: usize,
    pub limit: usize,
}

impl Connections {
    /// For at most so many accounts at a time.
    #[must_use]
    pub fn new(accounts: usize) -> Connections {
        let inner =
            Inner { accounts: accounts.max(1), bounds: HashMap::new(), queues: BTreeMap::new(), next_ticket: PLACES };
        Connections(Arc::new(Mutex::new(inner)))
    }

    /// Joins the queue. Nothing is granted before somebody waits, so that requests which are made together share what
    /// is free between them.
    #[must_use]
    pub fn request(&self, need: &Need) -> Waiting {
        let (sender, answer) = oneshot::channel();
        let ticket = self.lock().enqueue(need, sender);
        Waiting { ticket, pool: self.clone(), answer }
    }

    /// The last place in the queue, for who is going to join it later.
    #[must_use]
    pub fn ticket(&self, priority: Priority) -> Ticket {
        self.lock().ticket(priority)
    }

    /// Where an earlier run left off.
    pub fn resume(&self, bound: Bound, speed: Speed) {
        let mut inner = self.lock();
        let state = inner.bounds.entry(bound).or_insert(State::unknown());
        state.pace.resume(speed.allowed, speed.limit);
    }

    /// How full it is, by those that work and those that wait: the share of its connections, in thousandths.
    #[must_use]
    pub fn load(&self, bound: &Bound) -> usize {
        let inner = self.lock();
        let Some(state) = inner.bounds.get(bound) else { return 0 };
        (state.in_use + state.crowd * LEAST_CONNECTIONS) * 1000 / state.pace.allowed(state.limit).max(1)
    }

    /// Somebody has asked for connections to it in this run.
    #[must_use]
    pub fn is_known(&self, bound: &Bound) -> bool {
        self.lock().bounds.get(bound).is_some_and(|state| state.limit != usize::MAX)
    }

    /// What is slower than it may be.
    #[must_use]
    pub fn slowed(&self) -> Vec<(Bound, Speed)> {
        let inner = self.lock();
        let speed = |state: &State| Speed { allowed: state.pace.allowed(state.limit), limit: state.limit };
        let all = inner.bounds.iter().map(|(bound, state)| (bound.clone(), speed(state)));
        all.filter(|(_, speed)| speed.allowed < speed.limit).collect()
    }

    fn serve(&self) {
        loop {
            let Some((answer, grant)) = self.lock().next_grant(self) else { return };
            // Whoever went away in this moment drops the grant, which serves the next.
            let _ = answer.send(grant);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Waits until there are connections. Who learns that a gate has opened waits anew.
    pub async fn granted(&mut self) -> Grant {
        self.pool.serve();
        match (&mut self.answer).await {
            Ok(grant) => grant,
            // The queue lives as long as the pool, which this holds; and each request is answered once.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Grant {
    /// The servers have let us in: how the work goes says something about them.
    pub fn went_well(&self) {
        self.went_well.store(true, Ordering::Relaxed);
    }

    /// The work has met an error that says to go slower on `server`. Tells what goes slower for it, if that is news.
    /// `of_one`: throttles there are those of single mailboxes, whoever signs in.
    pub fn slow_down(&self, server: &str, error: &Error, of_one: bool) -> Option<(Bound, Speed)> {
        let is_too_much = matches!(error.code(), Code::Throttled | Code::ServerUnavailable);
        let is_scope = |scope: Scope| is_too_much && error.scope() == scope;
        let too_much = |of: &BoundOf| match of {
            BoundOf::Server => is_scope(Scope::Server),
            BoundOf::Login(_) => is_scope(Scope::Credential) && !of_one,
            BoundOf::Database(_) => is_scope(Scope::Credential) && of_one,
        };
        let pause = match error.retry() {
            Retry::After(pause) => pause,
            _ => Duration::ZERO,
        };
        let mut inner = self.pool.lock();
        for ((bound, _), round) in self.claims.iter().zip(&self.rounds) {
            if &*bound.server == server
                && too_much(&bound.of)
                && let Some(state) = inner.bounds.get_mut(bound)
                && state.pace.slow_down(*round, state.limit, pause)
            {
                return Some((bound.clone(), Speed { allowed: state.pace.allowed(state.limit), limit: state.limit }));
            }
        }
        None
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        self.pool.lock().give_back(self);
        self.pool.serve();
    }
}

impl Request {
    fn has_to_pause(&self) -> bool {
        self.gates.iter().any(|gates| !gates.pause().is_zero())
    }
}

impl State {
    /// Nobody has said yet how many it bears.
    fn unknown() -> State {
        State { in_use: 0, limit: usize::MAX, crowd: 0, pace: Pace::default() }
    }

    /// The latest word counts: by day and by night it may be another.
    fn limit_to(&mut self, limit: usize) {
        self.limit = limit;
    }

    fn free(&self) -> usize {
        self.pace.allowed(self.limit).saturating_sub(self.in_use)
    }
}

impl Inner {
    fn ticket(&mut self, priority: Priority) -> Ticket {
        let next = self.next_ticket;
        self.next_ticket += 1;
        Ticket(match priority {
            Priority::High => next.saturating_sub(PLACES),
            Priority::Normal => next,
            Priority::Low => next.saturating_add(PLACES),
        })
    }

    fn enqueue(&mut self, need: &Need, answer: oneshot::Sender<Grant>) -> Ticket {
        let least = need.least.max(1);
        let mut weights: BTreeMap<Bound, (usize, usize)> = BTreeMap::new();
        for claim in &need.claims {
            let (weight, limit) = weights.entry(claim.bound.clone()).or_insert((0, usize::MAX));
            *weight += 1;
            *limit = claim.limit.min(*limit);
        }
        for (bound, (weight, limit)) in &weights {
            let state = self.bounds.entry(bound.clone()).or_insert(State::unknown());
            state.limit_to(*limit);
            state.crowd += weight;
        }
        let ticket = need.ticket.unwrap_or_else(|| self.ticket(need.priority));
        let claims: Claims = weights.into_iter().map(|(bound, (weight, _))| (bound, weight)).collect();
        let queue = self.queues.entry(claims).or_default();
        let at = queue.partition_point(|waiting| waiting.ticket <= ticket);
        let request = Request { ticket, least, most: need.most.max(least), gates: need.gates.clone(), answer };
        queue.insert(at, request);
        ticket
    }

    /// The next request that can be granted, taken out of its queue. Where one has to be passed over, what it needs at
    /// least is kept for it: those that came later share the rest.
    fn next_grant(&mut self, pool: &Connections) -> Option<(oneshot::Sender<Grant>, Grant)> {
        self.forget_the_gone();
        if self.accounts == 0 {
            return None;
        }
        let mut heads: Vec<(Ticket, usize, Claims)> = Vec::new();
        // Who has to pause leaves to others what they share.
        let mut pausing: HashMap<Bound, usize> = HashMap::new();
        for (claims, queue) in &self.queues {
            match queue.front() {
                Some(head) if head.has_to_pause() => {
                    claims.iter().for_each(|(bound, weight)| {
                        *pausing.entry(bound.clone()).or_default() += weight * queue.len();
                    });
                }
                Some(head) => heads.push((head.ticket, head.least, claims.clone())),
                None => {}
            }
        }
        heads.sort_unstable();
        let mut kept: HashMap<Bound, usize> = HashMap::new();
        for (_, least, claims) in heads {
            if let Some((answer, connections)) = self.grant(&claims, &kept, &pausing) {
                let round = |(bound, _): &(Bound, usize)| self.bounds.get(bound).map_or(0, |state| state.pace.round());
                let rounds = claims.iter().map(round).collect();
                return Some((
                    answer,
                    Grant { connections, claims, rounds, went_well: AtomicBool::new(false), pool: pool.clone() },
                ));
            }
            for (bound, weight) in claims.iter() {
                *kept.entry(bound.clone()).or_default() += least * weight;
            }
        }
        None
    }

    fn grant(
        &mut self,
        claims: &Claims,
        kept: &HashMap<Bound, usize>,
        pausing: &HashMap<Bound, usize>,
    ) -> Option<(oneshot::Sender<Grant>, usize)> {
        let (mut free, mut share, mut idle) = (usize::MAX, usize::MAX, true);
        for (bound, weight) in claims.iter() {
            let state = self.bounds.get(bound)?;
            let [kept, pausing] = [kept, pausing].map(|counts| counts.get(bound).copied().unwrap_or(0));
            let here = state.free().saturating_sub(kept) / weight;
            free = free.min(here);
            share = share.min(here / (state.crowd.saturating_sub(pausing) / weight).max(1));
            idle &= state.in_use == 0 && kept == 0;
        }
        let queue = self.queues.get_mut(claims)?;
        // What needs more than is allowed gets it when nobody else is there.
        let request = queue.pop_front_if(|request| request.least <= free || idle)?;
        self.leave(claims);
        let connections = share.clamp(request.least, request.most);
        self.accounts -= 1;
        for (bound, weight) in claims.iter() {
            if let Some(state) = self.bounds.get_mut(bound) {
                state.in_use += connections * weight;
            }
        }
        Some((request.answer, connections))
    }

    fn forget_the_gone(&mut self) {
        let all: Vec<Claims> = self.queues.keys().cloned().collect();
        for claims in all {
            while self.queues.get_mut(&claims).and_then(|q| q.pop_front_if(|head| head.answer.is_closed())).is_some() {
                self.leave(&claims);
            }
        }
    }

    fn leave(&mut self, claims: &Claims) {
        for (bound, weight) in claims.iter() {
            if let Some(state) = self.bounds.get_mut(bound) {
                state.crowd = state.crowd.saturating_sub(*weight);
            }
        }
        if self.queues.get(claims).is_some_and(VecDeque::is_empty) {
            self.queues.remove(claims);
        }
    }

    fn give_back(&mut self, grant: &Grant) {
        self.accounts += 1;
        for ((bound, weight), round) in grant.claims.iter().zip(&grant.rounds) {
            if let Some(state) = self.bounds.get_mut(bound) {
                let connections = grant.connections * weight;
                state.in_use = state.in_use.saturating_sub(connections);
                if grant.went_well.load(Ordering::Relaxed) {
                    state.pace.came_back(connections, *round, state.limit);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn server((name, limit): (&str, usize)) -> Claim {
        Claim { bound: Bound { server: name.into(), of: BoundOf::Server }, limit }
    }

    fn need(source: (&str, usize), target: (&str, usize), least: usize, most: usize) -> Need {
        Need {
            claims: vec![server(source), server(target)],
            least,
            most,
            priority: Priority::Normal,
            gates: vec![],
            ticket: None,
        }
    }

    fn now(waiting: &mut Waiting) -> Option<Grant> {
        waiting.granted().now_or_never()
    }

    #[test]
    fn accounts_that_come_together_share_what_is_free() {
        let pool = Connections::new(100);
        let need = need(("s", 16), ("t", 12), 2, 8);
        let mut waiting: Vec<Waiting> = (0..3).map(|_| pool.request(&need)).collect();
        let grants: Vec<Grant> = waiting.iter_mut().filter_map(now).collect();
        assert_eq!(grants.iter().map(|grant| grant.connections).collect::<Vec<_>>(), [4, 4, 4]);
    }

    #[test]
    fn one_alone_gets_all_it_can_use_and_gives_it_back() {
        let pool = Connections::new(100);
        let need = need(("s", 16), ("t", 12), 2, 10);
        for _ in 0..3 {
            let grant = now(&mut pool.request(&need)).unwrap();
            assert_eq!(grant.connections, 10);
        }
    }

    #[test]
    fn the_first_in_the_queue_is_served_first_however_much_it_wants() {
        let pool = Connections::new(100);
        let (small, large) = (need(("s", 4), ("t", 4), 1, 1), need(("s", 4), ("t", 4), 4, 4));
        let held = now(&mut pool.request(&small)).unwrap();
        let mut first = pool.request(&large);
        let mut second = pool.request(&small);
        assert!(now(&mut first).is_none());
        assert!(now(&mut second).is_none(), "three are free, but somebody came earlier");
        drop(held);
        let first = now(&mut first).unwrap();
        assert!(now(&mut second).is_none());
        drop(first);
        assert!(now(&mut second).is_some());
    }

    #[test]
    fn a_busy_server_does_not_hold_up_another_domain() {
        let pool = Connections::new(100);
        let (one, other) = (need(("s", 2), ("t", 2), 2, 2), need(("u", 2), ("v", 2), 2, 2));
        let _held = now(&mut pool.request(&one)).unwrap();
        let mut waits = pool.request(&one);
        assert!(now(&mut waits).is_none());
        assert!(now(&mut pool.request(&other)).is_some());
        let shares_one = need(("s", 2), ("v", 2), 1, 1);
        assert!(now(&mut pool.request(&shares_one)).is_none(), "behind the one that waits for the same server");
    }

    #[test]
    fn who_goes_away_holds_nobody_up() {
        let pool = Connections::new(1);
        let need = need(("s", 2), ("t", 2), 2, 2);
        let held = now(&mut pool.request(&need)).unwrap();
        let gone = pool.request(&need);
        let mut waits = pool.request(&need);
        assert!(now(&mut waits).is_none());
        drop(gone);
        drop(held);
        assert!(now(&mut waits).is_some());
    }

    #[test]
    fn one_server_for_both_sides_counts_twice() {
        let pool = Connections::new(100);
        let need = need(("s", 8), ("s", 8), 2, 8);
        let grant = now(&mut pool.request(&need)).unwrap();
        assert_eq!(grant.connections, 4);
        assert!(now(&mut pool.request(&need)).is_none());
    }

    #[test]
    fn a_limit_below_what_is_needed_lets_one_work_at_a_time() {
        let pool = Connections::new(100);
        let need = need(("s", 1), ("t", 1), 3, 8);
        let grant = now(&mut pool.request(&need)).unwrap();
        assert_eq!(grant.connections, 3);
        assert!(now(&mut pool.request(&need)).is_none());
    }

    fn login(name: &str, limit: usize) -> Claim {
        Claim { bound: Bound { server: "s".into(), of: BoundOf::Login(name.into()) }, limit }
    }

    fn with_login(name: &str, priority: Priority) -> Need {
        let claims = vec![server(("s", 20)), login(name, 4), server(("t", 20))];
        Need { claims, least: 2, most: 2, priority, gates: vec![], ticket: None }
    }

    #[test]
    fn who_waits_for_one_service_account_does_not_hold_up_another() {
        let pool = Connections::new(100);
        let _held: Vec<Grant> =
            (0..2).map(|_| now(&mut pool.request(&with_login("a", Priority::Normal))).unwrap()).collect();
        let mut waits = pool.request(&with_login("a", Priority::Normal));
        assert!(now(&mut waits).is_none());
        assert!(now(&mut pool.request(&with_login("b", Priority::Normal))).is_some());
        let load = |name| pool.load(&login(name, 4).bound);
        assert_eq!((load("a"), load("b"), load("c")), (1500, 0, 0));
    }

    fn gates_of(gates: &crate::gate::Gates, login: &str) -> SideGates {
        let credential = Some(crate::ports::Shared { name: login.into(), max_connections: 4 });
        gates.of(&crate::ports::Place { server: "s".into(), max_connections: 20, credential, database: None })
    }

    #[tokio::test(start_paused = true)]
    async fn while_a_pause_lasts_everybody_keeps_the_place_and_others_go_on() {
        let (pool, gates) = (Connections::new(100), crate::gate::Gates::new(true));
        let need = |login: &str, ticket| Need {
            most: 8,
            gates: vec![gates_of(&gates, login)],
            ticket,
            ..with_login(login, Priority::Normal)
        };
        let mut first = pool.request(&need("a", None));
        let grant = now(&mut first).unwrap();
        let mut waits: Vec<Waiting> = (0..5).map(|_| pool.request(&need("a", None))).collect();
        let wish = Error::new(Code::Throttled, Scope::Credential, Retry::After(Duration::from_secs(40)));
        gates_of(&gates, "a").note(&wish);
        grant.slow_down("s", &wish, false).unwrap();
        drop(grant);
        // It was turned away, and comes again when all others are there.
        waits.push(pool.request(&need("a", Some(first.ticket))));
        assert!(waits.iter_mut().all(|waiting| now(waiting).is_none()));
        let other = now(&mut pool.request(&need("b", None))).unwrap();
        assert_eq!(other.connections, 4, "nobody shares with those who have to wait");
        tokio::time::advance(Duration::from_secs(40)).await;
        let mut waits: Vec<(usize, Waiting)> = waits.into_iter().enumerate().collect();
        let mut order = Vec::new();
        while !waits.is_empty() {
            let mut served = Vec::new();
            waits.retain_mut(|(n, waiting)| {
                let grant = now(waiting);
                let waits = grant.is_none();
                served.extend(grant.map(|grant| (*n, grant)));
                waits
            });
            assert_eq!(served.len(), 1, "as many as its pace allows, and not all at once");
            order.extend(served.iter().map(|(n, _)| *n));
        }
        assert_eq!(order, [5, 0, 1, 2, 3, 4]);
    }

    #[test]
    fn what_is_urgent_comes_first_and_what_can_wait_comes_all_the_same() {
        let pool = Connections::new(1);
        let held = now(&mut pool.request(&with_login("a", Priority::Normal))).unwrap();
        let mut waits = [Priority::Low, Priority::Normal, Priority::High]
            .map(|priority| (priority, pool.request(&with_login("a", priority))));
        drop(held);
        let mut served = Vec::new();
        while served.len() < 3 {
            let next = waits.iter_mut().find_map(|(priority, waiting)| Some((*priority, now(waiting)?))).unwrap();
            served.push(next.0);
            // A thousand that come later pass by the one that can wait, and no more.
            let later = if served.len() == 2 { PLACES } else { 0 };
            let mut later: Vec<Waiting> =
                (0..later).map(|_| pool.request(&with_login("b", Priority::Normal))).collect();
            drop(next);
            later.iter_mut().for_each(|waiting| drop(now(waiting)));
        }
        assert_eq!(served, [Priority::High, Priority::Normal, Priority::Low]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttle_halves_what_its_account_may_have_and_leaves_the_others_alone() {
        let pool = Connections::new(100);
        let throttled = Error::new(Code::Throttled, Scope::Credential, parom_domain::Retry::Soon);
        let grants: Vec<Grant> =
            (0..2).map(|_| now(&mut pool.request(&with_login("a", Priority::Normal))).unwrap()).collect();
        assert_eq!(grants[0].slow_down("t", &throttled, false), None, "the other side");
        let bound = login("a", 4).bound;
        assert_eq!(grants[0].slow_down("s", &throttled, false), Some((bound.clone(), Speed { allowed: 2, limit: 4 })));
        assert_eq!(grants[1].slow_down("s", &throttled, false), None, "told once");
        assert_eq!(pool.slowed(), [(bound.clone(), Speed { allowed: 2, limit: 4 })]);
        assert_eq!(grants[1].slow_down("s", &throttled, true), None, "of a mailbox whose database nobody has told");
        drop(grants);
        assert_eq!(pool.slowed().len(), 1, "nobody was let in");
        let one = now(&mut pool.request(&with_login("a", Priority::Normal))).unwrap();
        one.went_well();
        assert!(now(&mut pool.request(&with_login("a", Priority::Normal))).is_none());
        assert!(now(&mut pool.request(&with_login("b", Priority::Normal))).is_some());
        tokio::time::advance(Duration::from_secs(10)).await;
        drop(one);
        assert_eq!(pool.slowed(), [(bound.clone(), Speed { allowed: 3, limit: 4 })]);
        // A later run goes on from there.
        let pool = Connections::new(100);
        pool.resume(bound, Speed { allowed: 3, limit: 4 });
        let _one = now(&mut pool.request(&with_login("a", Priority::Normal))).unwrap();
        assert!(now(&mut pool.request(&with_login("a", Priority::Normal))).is_none());
    }

    /// Everybody works on servers that others want in the other order: all get done, and never too many at once.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn nobody_waits_for_ever() {
        let pool = Connections::new(7);
        let names = ["a", "b", "c"];
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..300usize {
            let at = |n: usize| (names.get(n % 3).copied().unwrap_or("a"), 5);
            let mut waiting = pool.request(&need(at(n), at(n / 3), 1 + n % 3, 3));
            let pool = pool.clone();
            tasks.spawn(async move {
                let grant = waiting.granted().await;
                tokio::task::yield_now().await;
                let used: Vec<(usize, usize)> = pool.lock().bounds.values().map(|s| (s.in_use, s.limit)).collect();
                drop(grant);
                used
            });
        }
        for used in tasks.join_all().await {
            // Both sides on one server, with three connections each, is more than the limit.
            assert!(used.iter().all(|(in_use, limit)| in_use <= limit || *in_use == 6), "{used:?}");
        }
        assert_eq!(pool.lock().accounts, 7);
        assert!(pool.lock().bounds.values().all(|state| state.in_use == 0 && state.crowd == 0));
    }
}
