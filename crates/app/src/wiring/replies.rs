//! Automatic replies: from the configuration and the sealed passwords to a mailbox that can be asked and a server of scripts that
//! can be written to.

use super::calendars::{Door, SharedLanes, Who, number, tls_client};
use super::domain;
use super::exchange::{self, Exchange};
use crate::config::{Config, MailDomain, SieveSide};
use parom_domain::{Code, Error, Result, Retry, Scope, Side};
use parom_exchange::{Client, HttpTransport};
use parom_net::{AllowList, Dialer, TlsMode};
use parom_sieve::{Around, Login, Settings};
use parom_store::{Account, Store};
use std::collections::HashMap;
use std::time::Duration;

/// The servers of all domains that have any.
pub struct ReplyWiring {
    sources: HashMap<String, Exchange>,
    targets: HashMap<String, Settings>,
    at_once: usize,
}

/// The mailbox of an account on Exchange. Nothing is connected before the first question, but for Autodiscover.
pub struct Mailbox {
    pub client: Client<HttpTransport>,
    pub door: Door,
}

/// The scripts of an account on the target. Nothing is connected yet.
pub struct Scripts {
    pub settings: Settings,
    pub login: Login,
    pub door: Door,
    pub around: Around,
}

impl ReplyWiring {
    /// Reads what has to be read once, such as certificates. Connects to nothing.
    pub fn new(config: &Config, lanes: &SharedLanes) -> Result<ReplyWiring> {
        let limits = config.domains.iter().flat_map(|domain| {
            let ews = domain.calendars.ews.as_ref().map(|ews| ews.access.max_connections);
            [ews, domain.sieve.as_ref().map(|sieve| sieve.access.max_connections)]
        });
        let limits = limits.flatten().chain([config.limits.accounts_at_once]);
        let at_once = limits.min().map_or(1, number).max(1);
        let allowed = AllowList::of(&config.allow_hosts);
        let (mut sources, mut targets) = (HashMap::new(), HashMap::new());
        for domain in &config.domains {
            if let Some(ews) = &domain.calendars.ews {
                sources.insert(domain.name.clone(), Exchange::new(ews, &allowed, lanes.of(&ews.url, &ews.access))?);
            }
            if let Some(sieve) = &domain.sieve {
                targets.insert(domain.name.clone(), settings(sieve, &allowed)?);
            }
        }
        Ok(ReplyWiring { sources, targets, at_once })
    }

    /// How many accounts may be worked on at once, so that no server has more connections than it may.
    #[must_use]
    pub fn at_once(&self) -> usize {
        self.at_once
    }

    /// Errors: `CalendarsNotConfigured`, `AccountPasswordMissing`, `SecretMissing`, `SignInHeld` and the like.
    pub async fn mailbox(&self, config: &Config, store: &Store, account: &Account) -> Result<Mailbox> {
        let mailbox = self.opened(config, store, account).await?;
        Ok(Mailbox { client: mailbox.client(), door: mailbox.door })
    }

    /// The same, before anybody asks it anything.
    pub(super) async fn opened(&self, config: &Config, store: &Store, account: &Account) -> Result<exchange::Mailbox> {
        let domain = domain(config, account)?;
        let (Some(exchange), Some(ews)) = (self.sources.get(&domain.name), &domain.calendars.ews) else {
            return Err(missing(Code::CalendarsNotConfigured, config, account));
        };
        let who = Who { account, access: &ews.access, side: Side::Source };
        exchange.mailbox(store, ews, &who).await
    }

    /// Errors: `SieveNotConfigured`, and those of a password as above.
    pub async fn scripts(&self, config: &Config, store: &Store, account: &Account) -> Result<Scripts> {
        let domain = domain(config, account)?;
        let (Some(settings), Some(sieve)) = (self.targets.get(&domain.name), &domain.sieve) else {
            return Err(missing(Code::SieveNotConfigured, config, account));
        };
        let who = Who { account, access: &sieve.access, side: Side::Target };
        let user = who.user();
        let authzid = sieve.authzid.as_ref().map(|authzid| authzid.fill(&who.words())).unwrap_or_default();
        let door = who.door(store, format!("{}:{}", sieve.host, sieve.port), "sieve", (&user, &authzid)).await?;
        let login = Login { user, authzid, password: door.password().clone() };
        let around = around(config, domain, sieve, account);
        Ok(Scripts { settings: settings.clone(), login, door, around })
    }
}

fn missing(code: Code, config: &Config, account: &Account) -> Error {
    let error = Error::new(code, Scope::Account, Retry::WhenFixed);
    error.with("account", &account.address).with("path", config.file.display())
}

fn settings(sieve: &SieveSide, allowed: &AllowList) -> Result<Settings> {
    let tls_client = match sieve.tls {
        TlsMode::None => None,
        TlsMode::Implicit | TlsMode::StartTls => Some(tls_client(&sieve.access, &sieve.host, sieve.port)?),
    };
    Ok(Settings {
        host: sieve.host.as_str().into(),
        port: sieve.port,
        tls: sieve.tls,
        dialer: Dialer::new(allowed.clone(), Duration::from_secs(sieve.access.connect_timeout_s)),
        tls_client,
        patience: Duration::from_secs(sieve.access.answer_timeout_s),
    })
}

/// Who the person is, and who belongs to the organisation: everybody in a domain that is carried, and whom the file names.
fn around(config: &Config, domain: &MailDomain, sieve: &SieveSide, account: &Account) -> Around {
    let mut addresses = vec![account.address.clone()];
    // Where people sign in by address, mail to that one is theirs too.
    if account.target_login.contains('@') && !account.target_login.eq_ignore_ascii_case(&account.address) {
        addresses.push(account.target_login.clone());
    }
    let mut domains = vec![domain.name.clone()];
    let others = config.domains.iter().map(|domain| &domain.name).chain(&sieve.internal_domains);
    for other in others {
        if !domains.contains(other) {
            domains.push(other.clone());
        }
    }
    Around { addresses, domains, answers_strangers: sieve.answers_strangers }
}
