//! Puts the crates together: from the configuration and the sealed passwords to endpoints that can be worked with.
//!
//! This is the only place that knows which adapter serves which side.

mod calendars;
mod exchange;
mod replies;
mod rescue;
mod shared;

pub use calendars::{CalendarWiring, Door, Reached, SharedLanes};
pub use replies::ReplyWiring;
pub use shared::SharedMailboxes;

use crate::config::{Config, Excluded, ImapSide, MailDomain, PasswordFrom, Sasl, Switch, Words};
use async_trait::async_trait;
use parom_domain::endpoint::Endpoint;
use parom_domain::{Both, Code, Error, FolderPath, FolderSeen, Result, Retry, Role, Scope, Side};
use parom_engine::{Clock, Exclusions, SystemClock};
use parom_imap::{Deadlines, ImapEndpoint, Login, Mechanism, Overrides, ServerSettings};
use parom_net::{AllowList, Dialer, Rate, Secret};
use parom_service::{At, EndpointFactory, Gates, Offers, Place, Shared};
use parom_store::{Account, Refusal, SignIn, Store};
use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

/// The servers of all domains; shared by everything that is done in this process.
pub struct Wiring {
    servers: HashMap<String, Both<Arc<ServerSettings>>>,
    over_ews: ReplyWiring,
}

impl Wiring {
    /// Reads what has to be read once, such as certificates. Connects to nothing.
    pub fn new(config: &Config, lanes: &SharedLanes) -> Result<Wiring> {
        let mut servers = HashMap::new();
        let allowed = AllowList::of(&config.allow_hosts);
        for domain in &config.domains {
            let side = |side: Side| server(&domain.sides[side], &allowed).map(Arc::new);
            servers.insert(domain.name.clone(), Both::new(side(Side::Source)?, side(Side::Target)?));
        }
        Ok(Wiring { servers, over_ews: ReplyWiring::new(config, lanes)? })
    }

    /// A side that gives what it does not show, where there is another way to that.
    pub async fn rescued(
        &self,
        config: &Config,
        store: &Store,
        (account, side): (&Account, Side),
        endpoint: ImapEndpoint,
    ) -> Arc<dyn Endpoint> {
        rescue::rescued(&self.over_ews, (config, store), account, side, Arc::new(endpoint)).await
    }

    /// A side of an account with at most so many connections, signed in. As in a sync, a password that several accounts share is
    /// tried for one after the other until it has opened something, pauses are kept, and where one service account is
    /// refused the next one is tried.
    pub async fn signed_in(
        &self,
        config: &Config,
        store: &Store,
        gates: &Gates,
        (account, side): (&Account, Side),
        connections: usize,
    ) -> Result<ImapEndpoint> {
        let domain = domain(config, account)?;
        let mut places = places(domain, account, side);
        let turn = usize::try_from(account.id.0).unwrap_or(0) % places.len().max(1);
        places.rotate_left(turn);
        let mut refused = Error::internal("a side without a place");
        for (at, place) in places.iter().enumerate() {
            let who = Who::at(domain, account, At { side, place });
            let gates = gates.of(place);
            loop {
                let attempt = async {
                    let endpoint = self.endpoint_of(config, store, &who, connections).await?;
                    gates.through(endpoint.folders()).await?;
                    Ok::<_, Error>(endpoint)
                };
                match attempt.await {
                    Ok(endpoint) => return Ok(endpoint),
                    Err(error) if error.code() == Code::Throttled && at + 1 == places.len() => {
                        tracing::info!(account = %account.address, side = %side, error = ?error, "waiting");
                        tokio::time::sleep(gates.closed_for().max(Duration::from_millis(100))).await;
                    }
                    Err(error) => {
                        refused = match who.secret() {
                            Some(name) if error.code() == Code::SignInRefused => {
                                error.with("credential", "secret").with("name", name)
                            }
                            _ => error,
                        };
                        break;
                    }
                }
            }
        }
        Err(refused)
    }

    async fn endpoint_of(
        &self,
        config: &Config,
        store: &Store,
        who: &Who<'_>,
        connections: usize,
    ) -> Result<ImapEndpoint> {
        let servers = self.servers.get(&who.account.domain).ok_or_else(|| domain_is_gone(config, who.account))?;
        let login = who.login(store).await.map_err(|error| error.with("side", who.side))?;
        let refused = refuse_again(store, &who.sign_in(&login), &login.password, &login.user).await;
        refused.map_err(|error| error.with("side", who.side))?;
        Ok(ImapEndpoint::new(servers[who.side].clone(), login, connections))
    }
}

/// A password that a server refused is not tried again for so long: no server counts failures over a longer time.
pub const HELD_MS: u64 = 60 * 60 * 1000;

/// Who signs in to a side of an account.
struct Who<'a> {
    domain: &'a MailDomain,
    account: &'a Account,
    side: Side,
    /// The service account, where there is one.
    service_login: &'a str,
}

impl<'a> Who<'a> {
    /// Where there are several service accounts, each mailbox has one that is tried first.
    fn of(domain: &'a MailDomain, account: &'a Account, side: Side) -> Who<'a> {
        let services: Vec<&str> = domain.sides[side].services().collect();
        let turn = usize::try_from(account.id.0).unwrap_or(0) % services.len().max(1);
        let service_login = pinned(account, side).or(services.get(turn).copied()).unwrap_or_default();
        Who { domain, account, side, service_login }
    }

    /// As the service has chosen.
    fn at(domain: &'a MailDomain, account: &'a Account, at: At<'a>) -> Who<'a> {
        let who = Who::of(domain, account, at.side);
        match (&domain.sides[at.side].password, &at.place.credential) {
            (PasswordFrom::ServiceLogin, Some(credential)) => Who { service_login: &credential.name, ..who },
            _ => who,
        }
    }

    fn settings(&self) -> &'a ImapSide {
        &self.domain.sides[self.side]
    }

    /// The name of the password, where it serves many accounts.
    fn secret(&self) -> Option<&'a str> {
        match (&self.settings().password, pinned(self.account, self.side)) {
            (PasswordFrom::Secret(name), None) => Some(name),
            (PasswordFrom::ServiceLogin, None) => Some(self.service_login),
            _ => None,
        }
    }

    /// As refusals are remembered.
    fn sign_in(&self, login: &Login) -> SignIn {
        SignIn {
            account: self.account.id,
            server: server_name(self.settings()),
            login: login_name(&login.user, &login.authzid),
            secret: self.secret().map(str::to_owned),
        }
    }

    /// What the variables of login templates stand for.
    fn words(&self) -> Words<'a> {
        Words {
            address: &self.account.address,
            source_login: &self.account.source_login,
            target_login: &self.account.target_login,
            service_login: self.service_login,
        }
    }

    async fn login(&self, store: &Store) -> Result<Login> {
        let (settings, words) = (self.settings(), self.words());
        if settings.takes_service_login() && words.service_login.is_empty() {
            let missing = Error::new(Code::AccountServiceLoginMissing, Scope::Account, Retry::WhenFixed);
            return Err(missing.with("account", &self.account.address).with("side", self.side));
        }
        Ok(Login {
            user: settings.login.fill(&words),
            authzid: settings.authzid.as_ref().map(|authzid| authzid.fill(&words)).unwrap_or_default(),
            password: self.password(store).await?,
            mechanism: match settings.sasl {
                Sasl::Auto => Mechanism::Auto,
                Sasl::Plain => Mechanism::Plain,
                Sasl::Login => Mechanism::Login,
                Sasl::XOAuth2 => Mechanism::XOAuth2,
                Sasl::Ntlm => Mechanism::Ntlm,
            },
        })
    }

    async fn password(&self, store: &Store) -> Result<Secret> {
        let password = match self.secret() {
            Some(name) => store.secret(name).await?,
            None => match store.password(self.account.id, self.side).await? {
                Some(own) => own,
                None => match &self.settings().password {
                    // One that was pinned without a password of its own has the common one.
                    PasswordFrom::Secret(name) => store.secret(name).await?,
                    PasswordFrom::ServiceLogin => store.secret(self.service_login).await?,
                    PasswordFrom::Account => {
                        let missing = Error::new(Code::AccountPasswordMissing, Scope::Account, Retry::WhenFixed);
                        return Err(missing.with("account", &self.account.address).with("side", self.side));
                    }
                },
            },
        };
        Ok(Secret::from(password.expose()))
    }
}

/// A server's name, equal for all accounts on it.
#[must_use]
pub fn server_name(side: &ImapSide) -> String {
    format!("{}:{}", side.host, side.port)
}

/// Who signs in as whom.
#[must_use]
pub fn login_name(user: &str, authzid: &str) -> String {
    if authzid.is_empty() { user.to_owned() } else { format!("{user} {authzid}") }
}

/// How the server of one side is reached.
pub fn settings(config: &Config, side: &ImapSide) -> Result<Arc<ServerSettings>> {
    server(side, &AllowList::of(&config.allow_hosts)).map(Arc::new)
}

async fn refuse_again(store: &Store, sign_in: &SignIn, password: &Secret, user: &str) -> Result<()> {
    let now_ms = SystemClock.now_ms();
    let host = sign_in.server.rsplit_once(':').map_or(sign_in.server.as_str(), |(host, _)| host);
    let Some(refusal) = store.refusal(sign_in, password.expose(), now_ms.saturating_sub(HELD_MS)).await? else {
        return Ok(());
    };
    let error = Error::new(Code::SignInHeld, Scope::Account, Retry::WhenFixed)
        .with("host", host)
        .with("login", user)
        .with("answer", refusal.answer)
        .with("since_ms", refusal.at_ms);
    Err(match &sign_in.secret {
        Some(name) => error.with("credential", "secret").with("name", name),
        None => error,
    })
}

/// Makes the service's endpoints.
pub struct Factory {
    pub wiring: Wiring,
    pub config: Config,
    pub store: Store,
    pub shared: SharedMailboxes,
}

#[async_trait]
impl EndpointFactory for Factory {
    fn offers(&self, account: &Account) -> Result<Offers> {
        let domain = domain(&self.config, account)?;
        shared::refuse_one_mailbox(domain, account)?;
        self.shared.check(account)?;
        let exclusions = Arc::new(exclusions(domain));
        let places = Both::from_fn(|side| places(domain, account, side));
        Ok(Offers { policy: domain.policy(&self.config.limits), exclusions, places })
    }

    async fn endpoint(&self, account: &Account, at: At<'_>, connections: usize) -> Result<Arc<dyn Endpoint>> {
        let who = Who::at(domain(&self.config, account)?, account, at);
        let endpoint = self.wiring.endpoint_of(&self.config, &self.store, &who, connections).await?;
        Ok(self.wiring.rescued(&self.config, &self.store, (account, at.side), endpoint).await)
    }

    async fn is_proved(&self, account: &Account, at: At<'_>) -> bool {
        let known = async {
            let (sign_in, login) = self.sign_in(account, at).await?;
            self.store.is_proved(&sign_in, login.password.expose()).await
        };
        // What keeps it from being known is told when the endpoint is made.
        known.await.unwrap_or(false)
    }

    async fn proved(&self, account: &Account, at: At<'_>) {
        let noted = async {
            let (sign_in, login) = self.sign_in(account, at).await?;
            self.store.note_proof(&sign_in, login.password.expose()).await
        };
        if let Err(error) = noted.await {
            tracing::warn!(account = %account.address, error = ?error, "a proved password could not be written down");
        }
    }

    async fn refused(&self, account: &Account, at: At<'_>, concerns_all: bool, error: &Error) {
        let noted = async {
            let (sign_in, login) = self.sign_in(account, at).await?;
            let answer = error.arg("answer").unwrap_or_default().to_owned();
            let refusal = Refusal { at_ms: SystemClock.now_ms(), answer };
            self.store.note_refusal(&sign_in, login.password.expose(), concerns_all, refusal).await
        };
        if let Err(error) = noted.await {
            tracing::warn!(account = %account.address, error = ?error, "the refusal could not be written down");
        }
    }
}

impl Factory {
    async fn sign_in(&self, account: &Account, at: At<'_>) -> Result<(SignIn, Login)> {
        let who = Who::at(domain(&self.config, account)?, account, at);
        let login = who.login(&self.store).await?;
        Ok((who.sign_in(&login), login))
    }
}

/// Where one side of an account can be reached: once for each service account that may sign in.
fn places(domain: &MailDomain, account: &Account, side: Side) -> Vec<Place> {
    let settings = &domain.sides[side];
    let allowance = settings.pacing.now();
    let number = |connections: u32| usize::try_from(connections).unwrap_or(usize::MAX);
    let shared = |name: &str, connections| Shared { name: name.into(), max_connections: number(connections) };
    let database = account.database.as_deref().filter(|_| side == Side::Source);
    let place = |credential: Option<&str>| Place {
        server: server_name(settings).into(),
        max_connections: number(allowance.connections),
        credential: credential.map(|name| shared(name, allowance.per_login)),
        database: database.map(|name| shared(name, allowance.per_database)),
    };
    match (pinned(account, side), &settings.password) {
        (Some(login), _) => vec![place(Some(login))],
        (None, PasswordFrom::Secret(name)) => vec![place(Some(name))],
        (None, PasswordFrom::ServiceLogin) if settings.services().next().is_some() => {
            settings.services().map(|login| place(Some(login))).collect()
        }
        (None, PasswordFrom::ServiceLogin | PasswordFrom::Account) => vec![place(None)],
    }
}

/// The account's domain in the configuration.
pub fn domain<'c>(config: &'c Config, account: &Account) -> Result<&'c MailDomain> {
    let found = config.domains.iter().find(|domain| domain.name == account.domain);
    found.ok_or_else(|| domain_is_gone(config, account))
}

/// The domain was there when the account was added, and has been taken out of the configuration since.
fn domain_is_gone(config: &Config, account: &Account) -> Error {
    let known: Vec<&str> = config.domains.iter().map(|domain| domain.name.as_str()).collect();
    Error::new(Code::AccountDomainMissing, Scope::Account, Retry::WhenFixed)
        .with("account", &account.address)
        .with("path", config.file.display())
        .with("known", known.join(", "))
}

fn server(side: &ImapSide, allowed: &AllowList) -> Result<ServerSettings> {
    let dialer = Dialer::new(allowed.clone(), Duration::from_secs(side.connect_timeout_s));
    let mut settings =
        ServerSettings::new(&side.host, side.port, side.tls, side.trust.clone(), side.tls_policy, dialer)?;
    let answer = Duration::from_secs(side.answer_timeout_s);
    settings.deadlines = Deadlines { sign_in: answer, command: answer };
    let switched = side.extensions.iter().filter_map(|(name, switch)| match switch {
        Switch::Auto => None,
        Switch::On => Some((name.clone(), true)),
        Switch::Off => Some((name.clone(), false)),
    });
    if side.pacing.limits_bytes() {
        let pacing = side.pacing.clone();
        settings.rate = Some(Rate::new(move || pacing.now().bytes_per_s.map(NonZeroU64::get)));
    }
    settings.overrides = Overrides {
        extensions: switched.collect(),
        receipts_are_stopped: side.receipts_are_suppressed,
        keeps_bytes: side.keeps_bytes,
        numbers: side.quirks.iter().map(|(name, number)| (name.clone(), *number)).collect(),
    };
    Ok(settings)
}

/// The password with which a side of the account is opened.
pub async fn password(store: &Store, domain: &MailDomain, account: &Account, side: Side) -> Result<Secret> {
    Who::of(domain, account, side).password(store).await
}

/// The service account that signs in for this one alone.
fn pinned(account: &Account, side: Side) -> Option<&str> {
    account.service_login.as_deref().filter(|_| side == Side::Source)
}

/// What the domain leaves out, as the engine takes it.
#[must_use]
pub fn exclusions(domain: &MailDomain) -> Exclusions {
    let mut exclusions = Exclusions::default();
    for excluded in &domain.exclude_folders {
        match excluded {
            Excluded::Role(role) => exclusions.roles.insert(*role),
            Excluded::Name(name) => exclusions.names.insert(name.to_lowercase()),
        };
    }
    exclusions
}

/// Which folders of a listing are left out: those the domain names, with all that is below them.
#[must_use]
pub fn excluded(domain: &MailDomain, folders: &[FolderSeen], roles: &[Option<Role>]) -> Vec<bool> {
    let exclusions = exclusions(domain);
    let covered = folders.iter().zip(roles).filter(|(folder, role)| exclusions.covers(&folder.path, **role));
    let roots: Vec<_> = covered.map(|(folder, _)| &folder.path).collect();
    let below = |folder: &FolderSeen, root: &FolderPath| folder.path.is_below(root) && !root.is_inbox();
    folders.iter().map(|folder| roots.iter().any(|root| folder.path == **root || below(folder, root))).collect()
}
