//! What the service is given: a maker of endpoints, and somebody who listens.

use crate::connections::{Bound, BoundOf, Claim};
use crate::ending::Ending;
use async_trait::async_trait;
use parom_domain::endpoint::Endpoint;
use parom_domain::policy::Policy;
use parom_domain::{Both, Error, FolderPath, Result, Side};
use parom_engine::{Event, Exclusions};
use parom_store::Account;
use std::sync::Arc;
use std::time::Duration;

/// Makes endpoints; the only thing here that knows which protocol a side speaks.
#[async_trait]
pub trait EndpointFactory: Send + Sync {
    /// Under which rules an account is worked on, and where its sides are.
    fn offers(&self, account: &Account) -> Result<Offers>;

    /// A side of the account with at most so many connections. Nothing is connected before the first call to it.
    async fn endpoint(&self, account: &Account, at: At<'_>, connections: usize) -> Result<Arc<dyn Endpoint>>;

    /// Has the password that several accounts share let in one of them, in this run or an earlier one?
    async fn is_proved(&self, account: &Account, at: At<'_>) -> bool;

    /// Told when it has, once in a run.
    async fn proved(&self, account: &Account, at: At<'_>);

    /// Told when a pass ended because the side refused the sign-in; an endpoint of later runs need not ask again.
    /// `concerns_all`: the password serves several accounts and has opened none of them yet.
    async fn refused(&self, account: &Account, at: At<'_>, concerns_all: bool, error: &Error);
}

/// A side of an account, and how it is signed in to.
#[derive(Clone, Copy)]
pub struct At<'a> {
    pub side: Side,
    pub place: &'a Place,
}

#[derive(Clone)]
pub struct Offers {
    pub policy: Policy,
    pub exclusions: Arc<Exclusions>,
    /// Any of them will do; there is at least one.
    pub places: Both<Vec<Place>>,
}

#[derive(Clone)]
pub struct Terms {
    pub policy: Policy,
    pub exclusions: Arc<Exclusions>,
    pub places: Both<Place>,
}

impl Terms {
    #[must_use]
    pub fn at(&self, side: Side) -> At<'_> {
        At { side, place: &self.places[side] }
    }
}

/// One side of an account, as far as accounts share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The server's name; equal for all accounts on it.
    pub server: Arc<str>,
    /// How many connections the server is asked for at most, by all accounts together.
    pub max_connections: usize,
    /// Who signs in for several accounts.
    pub credential: Option<Shared>,
    /// The mailbox database, where it is known.
    pub database: Option<Shared>,
}

/// Something on a server that accounts share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    pub name: Arc<str>,
    /// By all that share it together.
    pub max_connections: usize,
}

impl Place {
    /// What one connection there takes.
    #[must_use]
    pub fn claims(&self) -> Vec<Claim> {
        let claim = |of, limit| Claim { bound: Bound { server: self.server.clone(), of }, limit };
        let mut claims = vec![claim(BoundOf::Server, self.max_connections)];
        claims.extend(self.credential.iter().map(|it| claim(BoundOf::Login(it.name.clone()), it.max_connections)));
        claims.extend(self.database.iter().map(|it| claim(BoundOf::Database(it.name.clone()), it.max_connections)));
        claims
    }
}

/// Hears what happens. Called from any thread, interleaved between accounts.
pub trait Listener: Send + Sync {
    fn on(&self, account: &Arc<str>, notice: Notice<'_>);
}

#[derive(Debug)]
pub enum Notice<'a> {
    /// A server has asked for a pause, and the account waits for so long before its pass begins.
    Waits { error: &'a Error, pause: Duration },
    /// A pass begins: its connections are granted.
    Began,
    /// Both sides are about to be looked at.
    Looking,
    /// Something happened in the pass.
    Pass(Event),
    /// Something went wrong that stops less than the account.
    Trouble { folder: Option<&'a FolderPath>, error: &'a Error },
    /// The pass is over. `again` is the pause after which the next one follows, if one does.
    Ended { ending: &'a Ending, again: Option<Duration> },
}
