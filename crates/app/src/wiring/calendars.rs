//! The calendars of accounts: from the configuration and the sealed passwords to agendas that can be worked with.

use super::{domain, pinned, refuse_again};
use crate::config::calendars::Access;
use crate::config::{CalDavSide, Calendars, Config, EwsSide, PasswordFrom, Words};
use parom_caldav::{CalDavAgenda, ServerSettings};
use parom_domain::agenda::Agenda;
use parom_domain::{Both, Code, Error, Result, Retry, Scope, Side};
use parom_engine::{Clock, SystemClock};
use parom_exchange::autodiscover::{self, Found};
use parom_exchange::{HttpTransport, Settings};
use parom_net::http::{Client, Identity, Patience, Target, Url, escape};
use parom_net::{AllowList, Dialer, Secret, TlsClient, srv};
use parom_service::{Place, Shared};
use parom_store::{Account, Refusal, SignIn, Store};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The calendar servers of all domains that have them.
pub struct CalendarWiring {
    servers: HashMap<String, Both<Server>>,
    at_once: usize,
    /// Where Autodiscover found mailboxes.
    found: Mutex<HashMap<String, Found>>,
}

#[derive(Clone)]
struct Server {
    dialer: Dialer,
    target: Target,
    patience: Patience,
}

/// One side of an account's calendars. Nothing is connected before the first call to it.
pub struct Reached {
    pub agenda: Arc<dyn Agenda>,
    /// As far as accounts share it.
    pub place: Place,
    sign_in: SignIn,
    password: Secret,
}

/// Requests of one account to one server under way at once, where the server's limit lets them.
const LANES: usize = 4;

/// What a name server may take to answer.
const NAMED_WITHIN: Duration = Duration::from_secs(3);

impl CalendarWiring {
    /// Reads what has to be read once, such as certificates. Connects to nothing.
    pub fn new(config: &Config) -> Result<CalendarWiring> {
        let sides = config.domains.iter().filter_map(|domain| both(&domain.calendars));
        let limits = sides.flat_map(|(ews, caldav)| [ews.access.max_connections, caldav.access.max_connections]);
        let at_once = limits.chain([config.limits.accounts_at_once]).min().map_or(1, number).max(1);
        let allowed = AllowList::of(&config.allow_hosts);
        let mut servers = HashMap::new();
        for domain in &config.domains {
            let Some((ews, caldav)) = both(&domain.calendars) else { continue };
            let source = server(&ews.url, &ews.access, &allowed, at_once)?;
            let target = server(&caldav.url, &caldav.access, &allowed, at_once)?;
            servers.insert(domain.name.clone(), Both::new(source, target));
        }
        Ok(CalendarWiring { servers, at_once, found: Mutex::default() })
    }

    /// How many accounts may be worked on at once, so that no server has more connections than it may.
    #[must_use]
    pub fn at_once(&self) -> usize {
        self.at_once
    }

    /// A side of an account's calendars.
    ///
    /// Errors: `CalendarsNotConfigured`, `AccountPasswordMissing`, `SecretMissing`, `SignInHeld` and the like.
    pub async fn reach(&self, config: &Config, store: &Store, account: &Account, side: Side) -> Result<Reached> {
        let domain = domain(config, account)?;
        let (Some(servers), Some((ews, caldav))) = (self.servers.get(&domain.name), both(&domain.calendars)) else {
            let missing = Error::new(Code::CalendarsNotConfigured, Scope::Account, Retry::WhenFixed);
            return Err(missing.with("account", &account.address).with("path", config.file.display()));
        };
        let access = match side {
            Side::Source => &ews.access,
            Side::Target => &caldav.access,
        };
        let who = Who { account, access, side };
        let user = who.user();
        let password = who.password(store).await.map_err(|error| error.with("side", side))?;
        let server = &servers[side];
        let name = format!("{}:{}", server.target.host, server.target.port);
        let sign_in = SignIn {
            account: account.id,
            server: name.clone(),
            login: user.clone(),
            secret: who.secret().map(str::to_owned),
        };
        refuse_again(store, &sign_in, &password, &user).await.map_err(|error| error.with("side", side))?;
        let identity = Identity::Basic { user, password: password.clone() };
        let mut name = name;
        let agenda: Arc<dyn Agenda> = match side {
            Side::Source => {
                let (mailbox, acts) = match &ews.act_for {
                    Some(act_for) => (act_for.fill(&who.words()), true),
                    None => (account.address.clone(), false),
                };
                let place = match ews.discovers.is_empty() {
                    true => Found { url: ews.url.clone(), address: mailbox, group: None },
                    false => match self.discover(server, ews, &identity, &mailbox).await {
                        Ok(found) => found,
                        Err(error) => {
                            if error.code() == Code::SignInRefused {
                                note(store, &sign_in, &password, false, &error).await;
                            }
                            return Err(error.with("side", side));
                        }
                    },
                };
                let server = server.at(&place.url);
                name = format!("{}:{}", server.target.host, server.target.port);
                exchange(&server, &place, identity, acts, &account.address)
            }
            Side::Target => Arc::new(CalDavAgenda::new(
                Arc::new(caldav_settings(server, caldav, &who.words())),
                identity,
                &account.target_login,
            )),
        };
        let max_connections = number(access.max_connections);
        let credential = who.shared().map(|name| Shared { name: name.into(), max_connections });
        let place = Place { server: name.into(), max_connections, credential, database: None };
        Ok(Reached { agenda, place, sign_in, password })
    }
}

impl CalendarWiring {
    /// Asks by Autodiscover where a mailbox is, once.
    async fn discover(&self, server: &Server, ews: &EwsSide, identity: &Identity, mailbox: &str) -> Result<Found> {
        let known = self.found.lock().unwrap_or_else(PoisonError::into_inner).get(mailbox).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let client = Client::patient(server.dialer.clone(), server.target.clone(), identity.clone(), server.patience);
        let found = match autodiscover::find(&client, &ews.discovers, mailbox).await {
            // Nobody at the usual places: the domain may name another.
            Err(error) if autodiscover::is_nobody(error.code()) && ews.discovers.len() > 1 => {
                let domain = mailbox.rsplit_once('@').map_or("", |(_, domain)| domain);
                let name = format!("_autodiscover._tcp.{domain}");
                let services = srv::services(&name, &srv::system_servers(), NAMED_WITHIN).await;
                let places = services.iter().filter_map(|it| Url::parse(&format!("https://{}:{}/", it.host, it.port)));
                match places.collect::<Vec<Url>>() {
                    none if none.is_empty() => return Err(error),
                    places => autodiscover::find(&client, &places, mailbox).await?,
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
        tracing::debug!(%mailbox, url = %found.url, "found by Autodiscover");
        self.found.lock().unwrap_or_else(PoisonError::into_inner).insert(mailbox.to_owned(), found.clone());
        Ok(found)
    }
}

impl Server {
    /// The same way to another server.
    fn at(&self, url: &Url) -> Server {
        let mut server = self.clone();
        (server.target.host, server.target.port) = (url.origin.host.clone(), url.origin.port);
        server
    }
}

impl Reached {
    /// Remembers that the sign-in was refused, so that later runs do not lock anybody out.
    pub async fn refused(&self, store: &Store, concerns_all: bool, error: &Error) {
        note(store, &self.sign_in, &self.password, concerns_all, error).await;
    }

    #[must_use]
    pub fn is_at(&self, host: &str) -> bool {
        self.place.server.rsplit_once(':').is_some_and(|(known, _)| known == host)
    }

    /// The error with the name of the password, where it is one that can be set anew.
    #[must_use]
    pub fn named(&self, error: Error) -> Error {
        match &self.sign_in.secret {
            Some(name) if error.code() == Code::SignInRefused => error.with("credential", "secret").with("name", name),
            _ => error,
        }
    }
}

async fn note(store: &Store, sign_in: &SignIn, password: &Secret, concerns_all: bool, error: &Error) {
    let answer = error.arg("answer").unwrap_or_default().to_owned();
    let refusal = Refusal { at_ms: SystemClock.now_ms(), answer };
    let noted = store.note_refusal(sign_in, password.expose(), concerns_all, refusal).await;
    if let Err(error) = noted {
        tracing::warn!(error = ?error, "the refusal could not be written down");
    }
}

/// Who signs in to a side of an account's calendars.
struct Who<'a> {
    account: &'a Account,
    access: &'a Access,
    side: Side,
}

impl<'a> Who<'a> {
    /// The service account that signs in for this one alone.
    fn own_service(&self) -> Option<&'a str> {
        pinned(self.account, self.side).filter(|_| self.access.login.takes_service_login())
    }

    fn words(&self) -> Words<'a> {
        Words {
            address: &self.account.address,
            source_login: &self.account.source_login,
            target_login: &self.account.target_login,
            service_login: self.own_service().unwrap_or(&self.access.service_login),
        }
    }

    fn user(&self) -> String {
        self.access.login.fill(&self.words())
    }

    /// The name of the password, where it serves many accounts.
    fn secret(&self) -> Option<&'a str> {
        match (&self.access.password, self.own_service()) {
            (PasswordFrom::Secret(name), None) => Some(name),
            (PasswordFrom::ServiceLogin, None) => Some(&self.access.service_login),
            _ => None,
        }
    }

    /// Who signs in for several accounts.
    fn shared(&self) -> Option<&'a str> {
        self.own_service().or(self.secret())
    }

    async fn password(&self, store: &Store) -> Result<Secret> {
        let password = match self.secret() {
            Some(name) => store.secret(name).await?,
            None => match self.own_password(store).await? {
                Some(own) => own,
                None => match &self.access.password {
                    PasswordFrom::Secret(name) => store.secret(name).await?,
                    PasswordFrom::ServiceLogin => store.secret(&self.access.service_login).await?,
                    PasswordFrom::Account => {
                        let missing = Error::new(Code::AccountPasswordMissing, Scope::Account, Retry::WhenFixed);
                        return Err(missing.with("account", &self.account.address).with("side", self.side));
                    }
                },
            },
        };
        Ok(Secret::from(password.expose()))
    }

    /// The password that was given with the account. Where a service account is pinned, it is that one's and opens nothing else.
    async fn own_password(&self, store: &Store) -> Result<Option<parom_store::Secret>> {
        if pinned(self.account, self.side).is_some() && self.own_service().is_none() {
            return Ok(None);
        }
        store.password(self.account.id, self.side).await
    }
}

fn both(calendars: &Calendars) -> Option<(&EwsSide, &CalDavSide)> {
    Some((calendars.ews.as_ref()?, calendars.caldav.as_ref()?))
}

fn number(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

fn server(url: &Url, access: &Access, allowed: &AllowList, at_once: usize) -> Result<Server> {
    let within = Duration::from_secs(access.connect_timeout_s);
    let tls = match url.origin.tls {
        true => Some(Arc::new(
            TlsClient::new(access.trust.clone(), access.tls_policy, within)
                .map_err(|error| error.with("host", &url.origin.host).with("port", url.origin.port))?,
        )),
        false => None,
    };
    let patience = Patience {
        answer: Duration::from_secs(access.answer_timeout_s),
        connections: number(access.max_connections).checked_div(at_once).unwrap_or(1).clamp(1, LANES),
        ..Patience::default()
    };
    let target = Target { host: url.origin.host.clone(), port: url.origin.port, tls };
    Ok(Server { dialer: Dialer::new(allowed.clone(), within), target, patience })
}

fn caldav_settings(server: &Server, side: &CalDavSide, words: &Words<'_>) -> ServerSettings {
    let mut settings = ServerSettings::new(server.dialer.clone(), server.target.clone());
    settings.patience = server.patience;
    settings.overrides.product = side.product;
    match &side.home {
        Some(home) => {
            let escaped = [words.address, words.source_login, words.target_login, words.service_login].map(escape);
            let [address, source_login, target_login, service_login] = &escaped;
            // `%40`: the parts of an address are told apart before they are escaped.
            let address = address.replace("%40", "@");
            let words = Words { address: &address, source_login, target_login, service_login };
            settings.start = home.fill(&words);
            settings.start_is_theirs = home.varies();
        }
        // The root knows the way no better than the well-known place, which is asked first.
        None if side.url.path == "/" => {}
        None => settings.start.clone_from(&side.url.path),
    }
    settings
}

fn exchange(server: &Server, place: &Found, identity: Identity, acts: bool, address: &str) -> Arc<dyn Agenda> {
    let client = Client::patient(server.dialer.clone(), server.target.clone(), identity, server.patience);
    let transport = HttpTransport::new(client, &place.url.path);
    let settings = Settings { aliases: vec![address.to_owned()], ..Settings::default() };
    Arc::new(parom_exchange::Calendars::new(parom_exchange::Client::new(transport, &place.address, acts), settings))
}
