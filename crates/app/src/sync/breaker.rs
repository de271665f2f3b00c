//! Breakers: what one account has found out about a server or a service password, the others need not find out again.

use parom_domain::endpoint::Endpoint;
use parom_domain::{Code, Error, Result, Retry, Scope, Side};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a server that failed is left alone by all accounts, unless it said so itself.
const PAUSE: Duration = Duration::from_secs(20);

/// A refusal may concern one mailbox (its name is mistyped) or the service password. Two mailboxes in a row, and none ever
/// opened: it is the password.
const REFUSALS: u32 = 2;

/// One side of one domain.
type Key = (String, Side);

pub struct Breakers {
    /// With one account there is nobody to spare anything.
    useful: bool,
    gates: Mutex<HashMap<Key, Arc<tokio::sync::Mutex<Gate>>>>,
}

#[derive(Default)]
struct Gate {
    /// Somebody has signed in here.
    proved: bool,
    refusals: u32,
    broken: Option<Broken>,
}

struct Broken {
    error: Known,
    /// `None`: until the process is started anew.
    until: Option<Instant>,
}

/// An error that can be told again.
struct Known {
    code: Code,
    scope: Scope,
    retry: Retry,
    args: Vec<(&'static str, String)>,
}

impl Breakers {
    #[must_use]
    pub fn new(useful: bool) -> Breakers {
        Breakers { useful, gates: Mutex::default() }
    }

    /// Passes when the server may be asked. Until somebody has got in, one account after the other tries, so that a wrong
    /// service password is not refused as many times as there are connections.
    pub async fn pass(&self, domain: &str, side: Side, shared_password: bool, endpoint: &dyn Endpoint) -> Result<()> {
        if !self.useful {
            return Ok(());
        }
        let gate = self.gate(domain, side);
        let mut gate = gate.lock().await;
        if let Some(broken) = &gate.broken {
            if broken.until.is_none_or(|until| Instant::now() < until) {
                return Err(broken.error.again());
            }
            gate.broken = None;
        }
        if gate.proved || !shared_password {
            return Ok(());
        }
        let listed = endpoint.folders().await;
        match &listed {
            Ok(_) => gate.proved = true,
            Err(error) => gate.note(error),
        }
        listed.map(drop)
    }

    /// Notes an error that a pass met.
    pub async fn note(&self, domain: &str, side: Side, error: &Error) {
        if self.useful && error.scope() == Scope::Server {
            self.gate(domain, side).lock().await.note(error);
        }
    }

    fn gate(&self, domain: &str, side: Side) -> Arc<tokio::sync::Mutex<Gate>> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates.entry((domain.to_owned(), side)).or_default().clone()
    }
}

impl Gate {
    fn note(&mut self, error: &Error) {
        let until = match (error.scope(), error.retry()) {
            (Scope::Server, Retry::WhenFixed | Retry::Never) => None,
            (Scope::Server, Retry::After(pause)) => Instant::now().checked_add(pause),
            (Scope::Server, Retry::Soon) => Instant::now().checked_add(PAUSE),
            (Scope::Credential, _) => {
                self.refusals = self.refusals.saturating_add(1);
                if self.refusals < REFUSALS {
                    return;
                }
                None
            }
            _ => return,
        };
        self.broken = Some(Broken { error: Known::of(error), until });
    }
}

impl Known {
    fn of(error: &Error) -> Known {
        Known { code: error.code(), scope: error.scope(), retry: error.retry(), args: error.args().to_vec() }
    }

    fn again(&self) -> Error {
        let error = Error::new(self.code, self.scope, self.retry);
        self.args.iter().fold(error, |error, (name, value)| error.with(name, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parom_lab::memory::{MemoryEndpoint, MemoryServer, Steps};

    fn refused() -> Error {
        let error = Error::new(Code::SignInRefused, Scope::Credential, Retry::WhenFixed);
        error.with("host", "h").with("login", "svc")
    }

    #[tokio::test]
    async fn a_refused_service_password_opens_the_breaker_and_tells_the_same_error() {
        let breakers = Breakers::new(true);
        let steps = Steps::new();
        let endpoint = MemoryEndpoint::new("memory", MemoryServer::default(), steps.clone());
        let gate = breakers.gate("d", Side::Source);
        gate.lock().await.note(&refused());
        assert!(breakers.pass("d", Side::Source, false, &endpoint).await.is_ok(), "one mailbox is not all");
        gate.lock().await.note(&refused());
        let error = breakers.pass("d", Side::Source, true, &endpoint).await.unwrap_err();
        assert_eq!((error.code(), error.arg("login")), (Code::SignInRefused, Some("svc")));
        assert_eq!(steps.taken(), 0, "the server was not asked");
        assert!(breakers.pass("d", Side::Target, true, &endpoint).await.is_ok(), "the other side is another server");
        assert!(steps.taken() > 0);
    }

    #[tokio::test]
    async fn a_server_that_is_down_is_asked_by_one_account_only() {
        let breakers = Breakers::new(true);
        let steps = Steps::new();
        let endpoint = MemoryEndpoint::new("memory", MemoryServer::default(), steps.clone());
        breakers.note("d", Side::Source, &Error::new(Code::CannotConnect, Scope::Server, Retry::Soon)).await;
        for _ in 0..3 {
            let error = breakers.pass("d", Side::Source, true, &endpoint).await.unwrap_err();
            assert_eq!(error.code(), Code::CannotConnect);
        }
        assert_eq!(steps.taken(), 0);
    }

    #[tokio::test]
    async fn with_one_account_nothing_is_asked_twice() {
        let steps = Steps::new();
        let endpoint = MemoryEndpoint::new("memory", MemoryServer::default(), steps.clone());
        Breakers::new(false).pass("d", Side::Source, true, &endpoint).await.unwrap();
        assert_eq!(steps.taken(), 0);
    }
}
