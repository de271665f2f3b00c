//! The mailbox of an account on Exchange, over EWS: where it is, and who signs in to it. Calendars, automatic replies and the rescue
//! of mail begin here.

use super::calendars::{Door, LANES, Server, Who, server};
use crate::config::{EwsAuth, EwsSide};
use parom_domain::agenda::Agenda;
use parom_domain::{Code, Error, Result, Retry, Scope};
use parom_exchange::autodiscover::{self, Found};
use parom_exchange::{HttpTransport, Settings, Transport};
use parom_net::http::{Client, Identity, Lanes, Url};
use parom_net::{AllowList, Secret, srv};
use parom_store::Store;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What a name server may take to answer.
const NAMED_WITHIN: Duration = Duration::from_secs(3);

/// The Exchange of a domain.
pub(super) struct Exchange {
    server: Server,
    /// Where Autodiscover found mailboxes.
    found: Mutex<HashMap<String, Found>>,
}

/// A mailbox with the way in. Nothing is connected but for Autodiscover.
pub(super) struct Mailbox {
    pub door: Door,
    server: Server,
    identity: Identity,
    found: Found,
    impersonates: bool,
}

/// A mailbox that can be told of.
#[derive(Clone)]
pub struct Hanging {
    /// With connections of its own: one hangs for as long as it is listened to.
    pub transport: Arc<HttpTransport>,
    /// The primary address.
    pub mailbox: String,
    /// Who signs in, and where.
    pub login: Arc<str>,
    pub impersonates: bool,
    /// Mailboxes that may share a stream, where Autodiscover says so.
    pub group: Option<String>,
}

impl Exchange {
    pub fn new(side: &EwsSide, allowed: &AllowList, lanes: Lanes) -> Result<Exchange> {
        Ok(Exchange { server: server(&side.url, &side.access, allowed, lanes)?, found: Mutex::default() })
    }

    /// Where mailboxes are, or whoever is asked for it.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Errors: `AccountPasswordMissing`, `SecretMissing`, `SignInHeld` and the like, and those of Autodiscover.
    pub async fn mailbox(&self, store: &Store, side: &EwsSide, who: &Who<'_>) -> Result<Mailbox> {
        let user = who.user();
        let mut door = who.door(store, self.server.name(), "ews", (&user, "")).await?;
        let identity = identity(side.auth, user, door.password().clone());
        let (address, impersonates) = match &side.act_for {
            Some(act_for) => (act_for.fill(&who.words()), true),
            None => (who.account.address.clone(), false),
        };
        let found = match self.find(side, &identity, address).await {
            Ok(found) => found,
            Err(error) => {
                if error.code() == Code::SignInRefused {
                    door.refused(store, false, &error).await;
                }
                return Err(error.with("side", who.side));
            }
        };
        let server = self.server.at(&found.url);
        door.place = who.place(server.name());
        Ok(Mailbox { door, server, identity, found, impersonates })
    }

    /// Where a mailbox is. Autodiscover is asked once.
    async fn find(&self, side: &EwsSide, identity: &Identity, address: String) -> Result<Found> {
        if side.discovers.is_empty() {
            return Ok(Found { url: side.url.clone(), address, group: None });
        }
        let known = self.found.lock().unwrap_or_else(PoisonError::into_inner).get(&address).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let server = &self.server;
        let client = Client::patient(server.dialer.clone(), server.target.clone(), identity.clone(), server.patience);
        let found = match autodiscover::find(&client, &side.discovers, &address).await {
            // Nobody at the usual places: the domain may name another.
            Err(error) if autodiscover::is_nobody(error.code()) && side.discovers.len() > 1 => {
                let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
                let name = format!("_autodiscover._tcp.{domain}");
                let services = srv::services(&name, &srv::system_servers(), NAMED_WITHIN).await;
                let places = services.iter().filter_map(|it| Url::parse(&format!("https://{}:{}/", it.host, it.port)));
                match places.collect::<Vec<Url>>() {
                    none if none.is_empty() => return Err(error),
                    places => autodiscover::find(&client, &places, &address).await?,
                }
            }
            told => told?,
        };
        if found.url.origin.tls != server.target.tls.is_some() {
            let error = Error::new(Code::AnswerUnexpected, Scope::Server, Retry::WhenFixed);
            return Err(error
                .with("host", &server.target.host)
                .with("answer", format!("the service at {}", found.url)));
        }
        tracing::debug!(%address, url = %found.url, "found by Autodiscover");
        self.found.lock().unwrap_or_else(PoisonError::into_inner).insert(address, found.clone());
        Ok(found)
    }
}

impl Mailbox {
    pub fn client(&self) -> parom_exchange::Client<HttpTransport> {
        self.client_over(|transport| transport)
    }

    /// With something of one's own around what carries the requests.
    pub fn client_over<T: Transport>(&self, around: impl FnOnce(HttpTransport) -> T) -> parom_exchange::Client<T> {
        let transport = around(self.transport(self.server.lanes.clone()));
        parom_exchange::Client::new(transport, &self.found.address, self.impersonates)
    }

    /// The calendars of whoever is known under these addresses.
    pub fn agenda(&self, aliases: Vec<String>) -> Arc<dyn Agenda> {
        let settings = Settings { aliases, ..Settings::default() };
        Arc::new(parom_exchange::Calendars::new(self.client(), settings))
    }

    pub fn hanging(&self) -> Hanging {
        Hanging {
            transport: Arc::new(self.transport(Lanes::new(LANES))),
            mailbox: self.found.address.clone(),
            login: format!("{} {}", self.identity.user(), self.server.name()).into(),
            impersonates: self.impersonates,
            group: self.found.group.clone(),
        }
    }

    fn transport(&self, lanes: Lanes) -> HttpTransport {
        let Server { dialer, target, patience, .. } = self.server.clone();
        let client = Client::sharing(dialer, target, self.identity.clone(), patience, lanes);
        HttpTransport::new(client, &self.found.url.path)
    }
}

fn identity(auth: EwsAuth, user: String, password: Secret) -> Identity {
    match auth {
        EwsAuth::Auto => Identity::Offered { user, password },
        EwsAuth::Basic => Identity::Basic { user, password },
        EwsAuth::Ntlm => Identity::Ntlm { user, password },
        EwsAuth::OAuth2 => Identity::Bearer { user, token: password },
    }
}
