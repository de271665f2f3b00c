//! The configuration: what `parom.toml` says, read, checked and filled up with defaults.

pub mod calendars;
pub mod keys;
pub mod pacing;
pub mod read;
pub mod sieve;
pub mod template;
mod toml_text;

pub use calendars::{CalDavSide, Calendars, EwsAuth, EwsSide};
pub use pacing::Pacing;
pub use sieve::SieveSide;
pub use template::{Template, Words};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::message::Message;
use parom_domain::events::policy::{CalendarMode, EventPolicy};
use parom_domain::policy::{Deletions, Mode, Policy};
use parom_domain::{Both, Role, Side};
use parom_net::{TlsMode, TlsPolicy, Trust};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Everything that the file says. Paths are as they count from the working directory.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub file: PathBuf,
    /// The SQLite file of the state.
    pub state: PathBuf,
    /// The file with the key that opens the sealed secrets.
    pub master_key: PathBuf,
    /// The hosts that Parom may connect to, and no others.
    pub allow_hosts: Vec<String>,
    pub limits: Limits,
    pub domains: Vec<MailDomain>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    pub accounts_at_once: u32,
    /// Connections of one account to one side.
    pub connections_per_account: u32,
    pub body_budget_bytes: u64,
    /// More irreversible deletions than the greater of the two, per account and day, and the brake holds them.
    pub brake_deletions: u32,
    pub brake_percent: u32,
    /// With `--watch`: how often an account is looked at when nothing rings before.
    pub look_every_s: u64,
}

/// One mail domain: its accounts live on both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct MailDomain {
    pub name: String,
    pub mode: Mode,
    /// Where people work now: it wins where both sides did something different.
    pub home: Side,
    pub deletions: Deletions,
    pub grace_s: u64,
    pub exclude_folders: Vec<Excluded>,
    pub sides: Both<ImapSide>,
    pub calendars: Calendars,
    /// `None` where the file does not say how the target's scripts are reached.
    pub sieve: Option<SieveSide>,
}

/// A folder that is not carried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Excluded {
    Role(Role),
    Name(String),
}

/// How one side is reached.
#[derive(Clone, Debug, PartialEq)]
pub struct ImapSide {
    pub host: String,
    pub port: u16,
    pub tls: TlsMode,
    pub tls_policy: TlsPolicy,
    pub trust: Trust,
    pub login: Template,
    pub authzid: Option<Template>,
    /// What `{service_login}` stands for, unless an account has its own.
    pub service_login: String,
    /// Service accounts that share the work: `{service_login}` stands for one of them.
    pub service_logins: Vec<String>,
    pub sasl: Sasl,
    pub password: PasswordFrom,
    pub pacing: Pacing,
    pub connect_timeout_s: u64,
    pub answer_timeout_s: u64,
    /// The server's admin has stopped its read receipts.
    pub receipts_are_suppressed: bool,
    /// `None`: as the product is known to do.
    pub keeps_bytes: Option<bool>,
    /// Only those named in the file.
    pub extensions: BTreeMap<String, Switch>,
    /// The same.
    pub quirks: BTreeMap<String, u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sasl {
    Auto,
    Plain,
    Login,
    XOAuth2,
    Ntlm,
}

/// Where the password comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordFrom {
    /// One for all accounts, sealed under this name.
    Secret(String),
    /// That of the service account that signs in, sealed under its login.
    ServiceLogin,
    /// Each account has its own.
    Account,
}

/// Whether an IMAP extension is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    Auto,
    On,
    Off,
}

impl ImapSide {
    /// Is there a place for a service account in what is sent to sign in?
    #[must_use]
    pub fn takes_service_login(&self) -> bool {
        self.login.takes_service_login() || self.authzid.as_ref().is_some_and(Template::takes_service_login)
    }

    /// The service accounts of which any may sign in.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        let one = (self.service_logins.is_empty() && !self.service_login.is_empty()).then_some(&self.service_login);
        self.service_logins.iter().chain(one).map(String::as_str)
    }
}

impl MailDomain {
    /// What the pure decisions need of all this.
    #[must_use]
    pub fn policy(&self, limits: &Limits) -> Policy {
        Policy {
            mode: self.mode,
            deletions: self.deletions,
            home: self.home,
            grace_ms: self.grace_s.saturating_mul(1000),
            brake_count: limits.brake_deletions,
            brake_percent: limits.brake_percent,
        }
    }
}

impl MailDomain {
    /// What the decisions about an account's calendars need. `None` where they are left alone.
    #[must_use]
    pub fn event_policy(&self, mode: CalendarMode, address: &str, limits: &Limits) -> Option<EventPolicy> {
        let policy = EventPolicy::of(mode, self.calendars.write_back.allows(address))?;
        Some(EventPolicy {
            home: self.home,
            grace_ms: self.grace_s.saturating_mul(1000),
            brake_count: limits.brake_deletions,
            brake_percent: limits.brake_percent,
            ..policy
        })
    }
}

impl Config {
    /// Reads the file. The failure names every mistake in it, not only the first.
    pub fn load(file: &Path) -> Result<Config, Failure> {
        let text = std::fs::read_to_string(file).map_err(|error| {
            let key = match error.kind() {
                std::io::ErrorKind::NotFound => "config-missing",
                _ => "config-unreadable",
            };
            let message = Message::new(key).with("file", file.display().to_string());
            Failure::usage(message.with("detail", error.to_string()))
        })?;
        read::read(&text, file).map_err(|messages| Failure { exit: Exit::Usage, messages })
    }

    /// The domain that an address belongs to.
    #[must_use]
    pub fn domain_of(&self, address: &str) -> Option<&MailDomain> {
        let (_, name) = address.rsplit_once('@')?;
        self.domains.iter().find(|domain| domain.name.eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
#[path = "config/tests.rs"]
mod tests;
