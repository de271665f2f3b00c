//! The other way to mail of Exchange that IMAP does not show, where the configuration knows EWS: messages that it cannot convert,
//! and folders that it hides.

use super::calendars::Door;
use super::replies::ReplyWiring;
use crate::config::Config;
use async_trait::async_trait;
use bytes::Bytes;
use parom_domain::endpoint::Endpoint;
use parom_domain::{Code, Error, Result, Retry, Scope, Side};
use parom_engine::{HiddenNames, Rescued, WithHidden};
use parom_exchange::classify::{About, classify_status};
use parom_exchange::{Client, HiddenFolders, HttpTransport, MailRescue, MailTree, Reply, Transport, hidden};
use parom_store::{Account, Store};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A server that cannot be reached is not asked again for so long: each time costs all the patience for it.
const UNREACHED: Duration = Duration::from_secs(60);

/// The names that IMAP hides, and with them all that is below.
const HIDDEN: HiddenNames = HiddenNames { hides: hidden::is_hidden, misread: hidden::misread };

/// The side, with the other way where there is one. What keeps it from being opened is no reason not to go the first way.
pub(super) async fn rescued(
    wiring: &ReplyWiring,
    (config, store): (&Config, &Store),
    account: &Account,
    side: Side,
    endpoint: Arc<dyn Endpoint>,
) -> Arc<dyn Endpoint> {
    if side == Side::Target || config.domain_of(&account.address).is_none_or(|domain| domain.calendars.ews.is_none()) {
        return endpoint;
    }
    let client = match wiring.opened(config, store, account).await {
        Ok(mailbox) => mailbox.client_over(|transport| {
            let over_ews =
                OverEws { transport, door: mailbox.door.clone(), store: store.clone(), shut: Mutex::default() };
            Way::Open(Box::new(over_ews))
        }),
        Err(error) => {
            tracing::warn!(account = %account.address, error = ?error, "what IMAP does not show cannot be fetched over EWS");
            Client::new(Way::Closed(error), &account.address, false)
        }
    };
    let tree = Arc::new(MailTree::new(client));
    let rescued = Arc::new(Rescued::new(endpoint, Arc::new(MailRescue::new(tree.clone()))));
    Arc::new(WithHidden::new(rescued, Arc::new(HiddenFolders::new(tree)), HIDDEN))
}

/// How one mailbox is asked over EWS.
enum Way {
    Open(Box<OverEws>),
    /// It could not even be opened, and why.
    Closed(Error),
}

/// Nothing is connected before something is asked.
struct OverEws {
    transport: HttpTransport,
    door: Door,
    store: Store,
    shut: Mutex<Option<Shut>>,
}

/// Why nothing is asked at present.
struct Shut {
    why: Error,
    /// `None`: for as long as this process works on the account.
    until: Option<Instant>,
}

/// The same once more: an error is told to each who meets it.
fn again(error: &Error) -> Error {
    let same = Error::new(error.code(), error.scope(), error.retry());
    error.args().iter().fold(same, |same, (name, value)| same.with(name, value))
}

impl OverEws {
    fn shut(&self) -> MutexGuard<'_, Option<Shut>> {
        self.shut.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers what makes it useless, or harmful, to ask again.
    async fn remember(&self, error: &Error) {
        match error.code() {
            // A refused password is not tried again.
            Code::SignInRefused => {
                let held = Error::new(Code::SignInHeld, Scope::Account, Retry::WhenFixed);
                let held =
                    held.with("host", self.transport.host()).with("answer", error.arg("answer").unwrap_or_default());
                let first =
                    self.shut().replace(Shut { why: held, until: None }).is_none_or(|shut| shut.until.is_some());
                if first {
                    self.door.refused(&self.store, self.door.place.credential.is_some(), error).await;
                }
            }
            Code::CannotConnect | Code::HostNotFound | Code::TlsFailed | Code::CertificateRefused | Code::TimedOut => {
                let until = Instant::now().checked_add(UNREACHED);
                self.shut().get_or_insert(Shut { why: again(error), until });
            }
            _ => {}
        }
    }
}

#[async_trait]
impl Transport for Way {
    async fn call(&self, headers: &[(&'static str, String)], body: Bytes, may_repeat: bool) -> Result<Reply> {
        let over_ews = match self {
            Way::Open(over_ews) => over_ews,
            Way::Closed(why) => return Err(again(why)),
        };
        {
            let mut shut = over_ews.shut();
            *shut = shut.take().filter(|shut| shut.until.is_none_or(|until| Instant::now() < until));
            if let Some(shut) = shut.as_ref() {
                return Err(again(&shut.why));
            }
        }
        let reply = over_ews.transport.call(headers, body, may_repeat).await;
        match &reply {
            Ok(reply) if reply.status == 401 => over_ews.remember(&classify_status(About::Account, 401, None)).await,
            Ok(_) => {}
            Err(error) => over_ews.remember(error).await,
        }
        reply
    }

    fn host(&self) -> &str {
        match self {
            Way::Open(over_ews) => over_ews.transport.host(),
            Way::Closed(why) => why.arg("host").unwrap_or("Exchange"),
        }
    }

    fn login(&self) -> &str {
        match self {
            Way::Open(over_ews) => over_ews.transport.login(),
            Way::Closed(_) => "",
        }
    }
}
