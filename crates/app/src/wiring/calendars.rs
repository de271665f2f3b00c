//! The calendars of accounts: from the configuration and the sealed passwords to agendas that can be worked with.

use super::exchange::{Exchange, Hanging};
use super::{domain, login_name, pinned, refuse_again};
use crate::config::calendars::{Access, is_this_machine};
use crate::config::{CalDavSide, Calendars, Config, EwsSide, PasswordFrom, Words};
use parom_caldav::{CalDavAgenda, ServerSettings};
use parom_domain::agenda::Agenda;
use parom_domain::{Code, Error, Result, Retry, Scope, Side};
use parom_engine::{Clock, SystemClock};
use parom_net::http::{Identity, Lanes, Origin, Patience, Target, Url, escape};
use parom_net::{AllowList, Dialer, Secret, TlsClient};
use parom_service::{Place, Shared};
use parom_store::{Account, Refusal, SignIn, Store};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The calendar servers of all domains that have them.
pub struct CalendarWiring {
    servers: HashMap<String, (Exchange, Server)>,
    at_once: usize,
}

#[derive(Clone)]
pub(super) struct Server {
    pub dialer: Dialer,
    pub target: Target,
    pub patience: Patience,
    /// What all accounts' connections to it are counted by.
    pub lanes: Lanes,
}

/// The servers of a domain's calendars, and what the configuration says of them.
type Servers<'c> = (&'c (Exchange, Server), (&'c EwsSide, &'c CalDavSide));

/// One side of an account's calendars. Nothing is connected before the first call to it.
#[derive(Clone)]
pub struct Reached {
    pub agenda: Arc<dyn Agenda>,
    pub door: Door,
    /// How the side tells of changes by itself, where it does.
    pub hanging: Option<Hanging>,
}

/// Where and how a side of an account is signed in to.
#[derive(Clone)]
pub struct Door {
    /// As far as accounts share it.
    pub place: Place,
    sign_in: SignIn,
    password: Secret,
}

/// Requests of one account to one server under way at once, where the server's limit lets them.
pub(super) const LANES: usize = 4;

impl CalendarWiring {
    /// Reads what has to be read once, such as certificates. Connects to nothing.
    pub fn new(config: &Config, lanes: &SharedLanes) -> Result<CalendarWiring> {
        let sides = config.domains.iter().filter_map(|domain| both(&domain.calendars));
        let limits = sides.flat_map(|(ews, caldav)| [ews.access.max_connections, caldav.access.max_connections]);
        let at_once = limits.chain([config.limits.accounts_at_once]).min().map_or(1, number).max(1);
        let allowed = AllowList::of(&config.allow_hosts);
        let mut servers = HashMap::new();
        for domain in &config.domains {
            let Some((ews, caldav)) = both(&domain.calendars) else { continue };
            let source = Exchange::new(ews, &allowed, lanes.of(&ews.url, &ews.access))?;
            let target = server(&caldav.url, &caldav.access, &allowed, lanes.of(&caldav.url, &caldav.access))?;
            servers.insert(domain.name.clone(), (source, target));
        }
        Ok(CalendarWiring { servers, at_once })
    }

    /// How many accounts may be worked on at once, so that no server has more connections than it may.
    #[must_use]
    pub fn at_once(&self) -> usize {
        self.at_once
    }

    /// Where a side of an account's calendars is, as far as accounts share it. Where Autodiscover is asked, that one.
    ///
    /// # Errors
    /// `CalendarsNotConfigured`.
    pub fn place(&self, config: &Config, account: &Account, side: Side) -> Result<Place> {
        let ((exchange, target), (ews, caldav)) = self.servers(config, account)?;
        let (server, access) = match side {
            Side::Source => (exchange.server(), &ews.access),
            Side::Target => (target, &caldav.access),
        };
        Ok(Who { account, access, side }.place(server.name()))
    }

    fn servers<'c>(&'c self, config: &'c Config, account: &Account) -> Result<Servers<'c>> {
        let domain = domain(config, account)?;
        match (self.servers.get(&domain.name), both(&domain.calendars)) {
            (Some(servers), Some(sides)) => Ok((servers, sides)),
            _ => {
                let missing = Error::new(Code::CalendarsNotConfigured, Scope::Account, Retry::WhenFixed);
                Err(missing.with("account", &account.address).with("path", config.file.display()))
            }
        }
    }

    /// A side of an account's calendars.
    ///
    /// Errors: `CalendarsNotConfigured`, `AccountPasswordMissing`, `SecretMissing`, `SignInHeld` and the like.
    pub async fn reach(&self, config: &Config, store: &Store, account: &Account, side: Side) -> Result<Reached> {
        let ((exchange, server), (ews, caldav)) = self.servers(config, account)?;
        if side == Side::Source {
            let mailbox = exchange.mailbox(store, ews, &Who { account, access: &ews.access, side }).await?;
            let (agenda, hanging) = (mailbox.agenda(vec![account.address.clone()]), Some(mailbox.hanging()));
            return Ok(Reached { agenda, door: mailbox.door, hanging });
        }
        let who = Who { account, access: &caldav.access, side };
        let user = who.user();
        let door = who.door(store, server.name(), "caldav", (&user, "")).await?;
        let identity = Identity::Basic { user, password: door.password.clone() };
        let settings = Arc::new(caldav_settings(server, caldav, &who.words()));
        let agenda = Arc::new(CalDavAgenda::new(settings, identity, &account.target_login));
        Ok(Reached { agenda, door, hanging: None })
    }
}

impl Server {
    pub fn name(&self) -> String {
        format!("{}:{}", self.target.host, self.target.port)
    }

    /// The same way to another server.
    pub fn at(&self, url: &Url) -> Server {
        let mut server = self.clone();
        (server.target.host, server.target.port) = (url.origin.host.clone(), url.origin.port);
        server
    }
}

impl Door {
    /// Remembers that the sign-in was refused, so that later runs do not lock anybody out.
    pub async fn refused(&self, store: &Store, concerns_all: bool, error: &Error) {
        let answer = error.arg("answer").unwrap_or_default().to_owned();
        let refusal = Refusal { at_ms: SystemClock.now_ms(), answer };
        let noted = store.note_refusal(&self.sign_in, self.password.expose(), concerns_all, refusal).await;
        if let Err(error) = noted {
            tracing::warn!(error = ?error, "the refusal could not be written down");
        }
    }

    #[must_use]
    pub fn password(&self) -> &Secret {
        &self.password
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

/// Who signs in to a side of an account, by another protocol than IMAP.
pub(super) struct Who<'a> {
    pub account: &'a Account,
    pub access: &'a Access,
    pub side: Side,
}

impl<'a> Who<'a> {
    /// The service account that signs in for this one alone.
    fn own_service(&self) -> Option<&'a str> {
        pinned(self.account, self.side).filter(|_| self.access.login.takes_service_login())
    }

    pub fn words(&self) -> Words<'a> {
        Words {
            address: &self.account.address,
            source_login: &self.account.source_login,
            target_login: &self.account.target_login,
            service_login: self.own_service().unwrap_or(&self.access.service_login),
        }
    }

    pub fn user(&self) -> String {
        self.access.login.fill(&self.words())
    }

    /// The way in. A password that was refused a while ago is not tried again yet.
    ///
    /// `service` is the protocol, as errors tell it.
    pub async fn door(
        &self,
        store: &Store,
        server: String,
        service: &'static str,
        (user, authzid): (&str, &str),
    ) -> Result<Door> {
        let told = |error: Error| error.with("side", self.side).with("service", service);
        let password = self.password(store).await.map_err(told)?;
        let sign_in = SignIn {
            account: self.account.id,
            server: server.clone(),
            login: login_name(user, authzid),
            secret: self.secret().map(str::to_owned),
        };
        refuse_again(store, &sign_in, &password, user).await.map_err(told)?;
        Ok(Door { place: self.place(server), sign_in, password })
    }

    /// Where it is, as far as accounts share it.
    pub fn place(&self, server: String) -> Place {
        let max_connections = number(self.access.max_connections);
        let credential = self.shared().map(|name| Shared { name: name.into(), max_connections });
        Place { server: server.into(), max_connections, credential, database: None }
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

pub(super) fn number(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// What reads the certificates to trust, once for all connections.
pub(super) fn tls_client(access: &Access, host: &str, port: u16) -> Result<Arc<TlsClient>> {
    let within = Duration::from_secs(access.connect_timeout_s);
    let client = TlsClient::new(access.trust.clone(), access.tls_policy, within);
    client.map(Arc::new).map_err(|error| error.with("host", host).with("port", port))
}

/// One count of connections for each server, whatever domains are on it, and whether they are for calendars, for mail or for
/// replies. Clones share it.
#[derive(Clone, Default)]
pub struct SharedLanes(Arc<Mutex<BTreeMap<Origin, Lanes>>>);

impl SharedLanes {
    pub(super) fn of(&self, url: &Url, access: &Access) -> Lanes {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(url.origin.clone()).or_insert_with(|| Lanes::new(number(access.max_connections))).clone()
    }
}

pub(super) fn server(url: &Url, access: &Access, allowed: &AllowList, lanes: Lanes) -> Result<Server> {
    let within = Duration::from_secs(access.connect_timeout_s);
    let tls = match url.origin.tls {
        true => Some(tls_client(access, &url.origin.host, url.origin.port)?),
        false => {
            if !is_this_machine(&url.origin.host) {
                tracing::warn!(host = %url.origin.host, "passwords and calendars travel in the clear (tls = \"none\")");
            }
            None
        }
    };
    let patience = Patience {
        answer: Duration::from_secs(access.answer_timeout_s),
        connections: number(access.max_connections).clamp(1, LANES),
        ..Patience::default()
    };
    let target = Target { host: url.origin.host.clone(), port: url.origin.port, tls };
    Ok(Server { dialer: Dialer::new(allowed.clone(), within), target, patience, lanes })
}

fn caldav_settings(server: &Server, side: &CalDavSide, words: &Words<'_>) -> ServerSettings {
    let mut settings = ServerSettings::new(server.dialer.clone(), server.target.clone());
    settings.patience = server.patience;
    settings.lanes = Some(server.lanes.clone());
    settings.overrides.product = side.product;
    if !side.notifications {
        settings.overrides.switches.push(("mails_answers".to_owned(), false));
    }
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
