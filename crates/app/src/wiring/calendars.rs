//! The calendars of accounts: from the configuration and the sealed passwords to agendas that can be worked with.

use super::{domain, pinned, refuse_again};
use crate::config::calendars::{Access, is_this_machine};
use crate::config::{CalDavSide, Calendars, Config, EwsAuth, EwsSide, PasswordFrom, Words};
use parom_caldav::{CalDavAgenda, ServerSettings};
use parom_domain::agenda::Agenda;
use parom_domain::{Both, Code, Error, Result, Retry, Scope, Side};
use parom_engine::{Clock, SystemClock};
use parom_exchange::{HttpTransport, Settings};
use parom_net::http::{Client, Identity, Patience, Target, Url, escape};
use parom_net::{AllowList, Dialer, Secret, TlsClient};
use parom_service::{Place, Shared};
use parom_store::{Account, Refusal, SignIn, Store};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// The calendar servers of all domains that have them.
pub struct CalendarWiring {
    servers: HashMap<String, Both<Server>>,
    at_once: usize,
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
        Ok(CalendarWiring { servers, at_once })
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
        let service = match side {
            Side::Source => "ews",
            Side::Target => "caldav",
        };
        let held = refuse_again(store, &sign_in, &password, &user).await;
        held.map_err(|error| error.with("side", side).with("service", service))?;
        let secret = password.clone();
        let agenda: Arc<dyn Agenda> = match side {
            Side::Source => exchange(server, ews, identity(ews.auth, user, secret), &who),
            Side::Target => Arc::new(CalDavAgenda::new(
                Arc::new(caldav_settings(server, caldav, &who.words())),
                Identity::Basic { user, password: secret },
                &account.target_login,
            )),
        };
        let max_connections = number(access.max_connections);
        let credential = who.shared().map(|name| Shared { name: name.into(), max_connections });
        let place = Place { server: name.into(), max_connections, credential, database: None };
        Ok(Reached { agenda, place, sign_in, password })
    }
}

impl Reached {
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

fn identity(auth: EwsAuth, user: String, password: Secret) -> Identity {
    match auth {
        EwsAuth::Auto => Identity::Offered { user, password },
        EwsAuth::Basic => Identity::Basic { user, password },
        EwsAuth::Ntlm => Identity::Ntlm { user, password },
        EwsAuth::OAuth2 => Identity::Bearer { user, token: password },
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
        false => {
            if !is_this_machine(&url.origin.host) {
                tracing::warn!(
                    host = %url.origin.host,
                    "passwords and calendars travel in the clear (tls = \"none\")"
                );
            }
            None
        }
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

fn exchange(server: &Server, side: &EwsSide, identity: Identity, who: &Who<'_>) -> Arc<dyn Agenda> {
    let client = Client::patient(server.dialer.clone(), server.target.clone(), identity, server.patience);
    let transport = HttpTransport::new(client, &side.url.path);
    let (mailbox, acts) = match &side.act_for {
        Some(act_for) => (act_for.fill(&who.words()), true),
        None => (who.account.address.clone(), false),
    };
    let settings = Settings { aliases: vec![who.account.address.clone()], ..Settings::default() };
    Arc::new(parom_exchange::Calendars::new(parom_exchange::Client::new(transport, &mailbox, acts), settings))
}
