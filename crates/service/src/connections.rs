//! Connections of all accounts to all servers. An account takes what it needs on both sides at once, so that no two
//! accounts hold what the other waits for; whoever came first to a server is served first.

use parom_domain::Both;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// An account needs so many to each side: one lane, and one connection for the questions that it asks besides.
pub const LEAST_CONNECTIONS: usize = 2;

/// Connections to a pair of servers, as many to one as to the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The server's name, and how many connections it is asked for by all accounts together.
    pub servers: Both<(Arc<str>, usize)>,
    /// With fewer the work cannot be done; a server that allows fewer is asked for so many all the same.
    pub least: usize,
    pub most: usize,
}

/// How many connections are free, and who waits for them. Clones share it.
#[derive(Clone)]
pub struct Connections(Arc<Mutex<Inner>>);

type Pair = (Arc<str>, Arc<str>);

struct Inner {
    /// How many more accounts may be worked on.
    accounts: usize,
    servers: HashMap<Arc<str>, Server>,
    /// Requests for the same pair of servers, oldest first.
    queues: BTreeMap<Pair, VecDeque<Request>>,
    next_ticket: u64,
}

struct Server {
    in_use: usize,
    limit: usize,
    /// Requests that wait for it.
    crowd: usize,
}

struct Request {
    ticket: u64,
    least: usize,
    most: usize,
    answer: oneshot::Sender<Grant>,
}

/// A place in the queue. Dropping it gives the place up.
pub struct Waiting {
    pool: Connections,
    answer: oneshot::Receiver<Grant>,
}

/// Connections that are granted, given back when dropped.
pub struct Grant {
    /// To each side.
    pub connections: usize,
    pair: Pair,
    pool: Connections,
}

impl Connections {
    /// For at most so many accounts at a time.
    #[must_use]
    pub fn new(accounts: usize) -> Connections {
        let inner =
            Inner { accounts: accounts.max(1), servers: HashMap::new(), queues: BTreeMap::new(), next_ticket: 0 };
        Connections(Arc::new(Mutex::new(inner)))
    }

    /// Joins the queue. Nothing is granted before somebody waits, so that requests which are made together share what
    /// is free between them.
    #[must_use]
    pub fn request(&self, need: &Need) -> Waiting {
        let (sender, answer) = oneshot::channel();
        self.lock().enqueue(need, sender);
        Waiting { pool: self.clone(), answer }
    }

    fn serve(&self) {
        loop {
            let Some((answer, connections, pair)) = self.lock().next_grant() else { return };
            // Whoever went away in this moment drops the grant, which serves the next.
            let _ = answer.send(Grant { connections, pair, pool: self.clone() });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Waits until there are connections.
    pub async fn granted(&mut self) -> Grant {
        self.pool.serve();
        match (&mut self.answer).await {
            Ok(grant) => grant,
            // The queue lives as long as the pool, which this holds; and each request is answered once.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        self.pool.lock().give_back(&self.pair, self.connections);
        self.pool.serve();
    }
}

impl Inner {
    fn enqueue(&mut self, need: &Need, answer: oneshot::Sender<Grant>) {
        let least = need.least.max(1);
        let pair = (need.servers.source.0.clone(), need.servers.target.0.clone());
        for (name, limit) in [&need.servers.source, &need.servers.target] {
            let limit = *limit;
            let server = self.servers.entry(name.clone()).or_insert(Server { in_use: 0, limit, crowd: 0 });
            // Where accounts disagree about a server, the smaller number is the safer.
            server.limit = server.limit.min(limit);
            server.crowd += 1;
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let request = Request { ticket, least, most: need.most.max(least), answer };
        self.queues.entry(pair).or_default().push_back(request);
    }

    /// The next request that can be granted, taken out of its queue. A pair of servers is passed over when one of them
    /// lacks connections, or is waited for by somebody who came earlier.
    fn next_grant(&mut self) -> Option<(oneshot::Sender<Grant>, usize, Pair)> {
        self.forget_the_gone();
        if self.accounts == 0 {
            return None;
        }
        let mut heads: Vec<(u64, Pair)> =
            self.queues.iter().filter_map(|(pair, queue)| Some((queue.front()?.ticket, pair.clone()))).collect();
        heads.sort_unstable();
        let mut waited_for: HashSet<Arc<str>> = HashSet::new();
        for (_, pair) in heads {
            let free = !waited_for.contains(&pair.0) && !waited_for.contains(&pair.1);
            if free && let Some((answer, connections)) = self.grant(&pair) {
                return Some((answer, connections, pair));
            }
            waited_for.extend([pair.0, pair.1]);
        }
        None
    }

    fn grant(&mut self, pair: &Pair) -> Option<(oneshot::Sender<Grant>, usize)> {
        let (mut free, mut share, mut idle) = (usize::MAX, usize::MAX, true);
        for name in [&pair.0, &pair.1] {
            let server = self.servers.get(name)?;
            let here = server.limit.saturating_sub(server.in_use) / weight(pair);
            free = free.min(here);
            share = share.min(here / (server.crowd / weight(pair)).max(1));
            idle &= server.in_use == 0;
        }
        let queue = self.queues.get_mut(pair)?;
        // What needs more than its server's limit gets it when nobody else is there.
        let request = queue.pop_front_if(|request| request.least <= free || idle)?;
        self.leave(pair);
        let connections = share.clamp(request.least, request.most);
        self.accounts -= 1;
        for name in [&pair.0, &pair.1] {
            if let Some(server) = self.servers.get_mut(name) {
                server.in_use += connections;
            }
        }
        Some((request.answer, connections))
    }

    fn forget_the_gone(&mut self) {
        let pairs: Vec<Pair> = self.queues.keys().cloned().collect();
        for pair in pairs {
            while self.queues.get_mut(&pair).and_then(|q| q.pop_front_if(|head| head.answer.is_closed())).is_some() {
                self.leave(&pair);
            }
        }
    }

    fn leave(&mut self, pair: &Pair) {
        for name in [&pair.0, &pair.1] {
            if let Some(server) = self.servers.get_mut(name) {
                server.crowd = server.crowd.saturating_sub(1);
            }
        }
        if self.queues.get(pair).is_some_and(VecDeque::is_empty) {
            self.queues.remove(pair);
        }
    }

    fn give_back(&mut self, pair: &Pair, connections: usize) {
        self.accounts += 1;
        for name in [&pair.0, &pair.1] {
            if let Some(server) = self.servers.get_mut(name) {
                server.in_use = server.in_use.saturating_sub(connections);
            }
        }
    }
}

/// How often a connection of each side counts on one server: twice when both sides are on it.
fn weight(pair: &Pair) -> usize {
    if pair.0 == pair.1 { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn need(source: (&str, usize), target: (&str, usize), least: usize, most: usize) -> Need {
        Need { servers: Both::new((source.0.into(), source.1), (target.0.into(), target.1)), least, most }
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
                let used: Vec<(usize, usize)> = pool.lock().servers.values().map(|s| (s.in_use, s.limit)).collect();
                drop(grant);
                used
            });
        }
        for used in tasks.join_all().await {
            // Both sides on one server, with three connections each, is more than the limit.
            assert!(used.iter().all(|(in_use, limit)| in_use <= limit || *in_use == 6), "{used:?}");
        }
        assert_eq!(pool.lock().accounts, 7);
        assert!(pool.lock().servers.values().all(|server| server.in_use == 0 && server.crowd == 0));
    }
}
