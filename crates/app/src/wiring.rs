//! Puts the crates together: from the configuration and the sealed passwords to endpoints that can be worked with.
//!
//! This is the only place that knows which adapter serves which side.

use crate::config::{Config, Excluded, ImapSide, MailDomain, PasswordFrom, Sasl, Switch, Tls, TlsPolicy, Trust, Words};
use crate::failure::Failure;
use crate::message::Message;
use parom_domain::{Both, FolderSeen, Role, Side};
use parom_imap::{Deadlines, ImapEndpoint, Login, Mechanism, Overrides, ServerSettings};
use parom_net::{AllowList, Dialer, MinTls, Secret, TlsMode};
use parom_store::{Account, Store};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// The servers of all domains; shared by everything that is done in this process.
pub struct Wiring {
    servers: HashMap<String, Both<Arc<ServerSettings>>>,
    lanes: usize,
}

impl Wiring {
    /// Reads what has to be read once, such as certificates. Connects to nothing.
    pub fn new(config: &Config) -> Result<Wiring, Failure> {
        let mut servers = HashMap::new();
        let allowed = AllowList::of(&config.allow_hosts);
        for domain in &config.domains {
            let side = |side: Side| server(&domain.sides[side], &allowed).map(Arc::new);
            servers.insert(domain.name.clone(), Both::new(side(Side::Source)?, side(Side::Target)?));
        }
        let lanes = usize::try_from(config.limits.connections_per_account).unwrap_or(usize::MAX);
        Ok(Wiring { servers, lanes })
    }

    /// Both sides of an account. Nothing is connected before the first call to them.
    pub async fn endpoints(
        &self,
        config: &Config,
        store: &Store,
        account: &Account,
    ) -> Result<Both<ImapEndpoint>, Failure> {
        let unknown = || domain_is_gone(config, account);
        let domain = config.domains.iter().find(|domain| domain.name == account.domain).ok_or_else(unknown)?;
        let servers = self.servers.get(&account.domain).ok_or_else(unknown)?;
        let endpoint = async |side: Side| -> Result<ImapEndpoint, Failure> {
            let login = login(store, domain, account, side).await?;
            Ok(ImapEndpoint::new(servers[side].clone(), login, self.lanes))
        };
        Ok(Both::new(endpoint(Side::Source).await?, endpoint(Side::Target).await?))
    }
}

/// The domain was there when the account was added, and has been taken out of the configuration since.
fn domain_is_gone(config: &Config, account: &Account) -> Failure {
    let known = config.domains.iter().map(|domain| domain.name.as_str()).collect::<crate::message::Value>();
    let message = Message::new("account-domain").with("account", account.address.clone()).with("known", known);
    Failure::usage(message.with("file", config.file.display().to_string()))
}

fn server(side: &ImapSide, allowed: &AllowList) -> Result<ServerSettings, Failure> {
    let dialer = Dialer::new(allowed.clone(), Duration::from_secs(side.connect_timeout_s));
    let tls = match side.tls {
        Tls::Implicit => TlsMode::Implicit,
        Tls::StartTls => TlsMode::StartTls,
        Tls::None => TlsMode::None,
    };
    let trust = match &side.trust {
        Trust::System => parom_net::Trust::System,
        Trust::CaFile(file) => parom_net::Trust::CaFile(file.clone()),
        Trust::Pin(sha256) => parom_net::Trust::Pin(*sha256),
        Trust::Insecure => parom_net::Trust::Insecure,
    };
    let policy = match side.tls_policy {
        TlsPolicy::Modern => parom_net::TlsPolicy::Modern,
        TlsPolicy::Legacy => parom_net::TlsPolicy::Legacy { min: MinTls::V1_0 },
    };
    let mut settings = ServerSettings::new(&side.host, side.port, tls, trust, policy, dialer)?;
    let answer = Duration::from_secs(side.answer_timeout_s);
    settings.deadlines = Deadlines { sign_in: answer, command: answer };
    let switched = side.extensions.iter().filter_map(|(name, switch)| match switch {
        Switch::Auto => None,
        Switch::On => Some((name.clone(), true)),
        Switch::Off => Some((name.clone(), false)),
    });
    settings.overrides = Overrides { extensions: switched.collect(), ..Overrides::default() };
    Ok(settings)
}

async fn login(store: &Store, domain: &MailDomain, account: &Account, side: Side) -> Result<Login, Failure> {
    let settings = &domain.sides[side];
    let words =
        Words { address: &account.address, source_login: &account.source_login, target_login: &account.target_login };
    let password = match &settings.password {
        PasswordFrom::Secret(name) => store.secret(name).await?,
        PasswordFrom::Account => store.password(account.id, side).await?.ok_or_else(|| {
            let key = match side {
                Side::Source => "account-lacks-source",
                Side::Target => "account-lacks-target",
            };
            Failure::usage(Message::new(key).with("account", account.address.clone()))
        })?,
    };
    Ok(Login {
        user: settings.login.fill(&words),
        authzid: settings.authzid.as_ref().map(|authzid| authzid.fill(&words)).unwrap_or_default(),
        password: Secret::from(password.expose()),
        mechanism: match settings.sasl {
            Sasl::Auto => Mechanism::Auto,
            Sasl::Plain => Mechanism::Plain,
            Sasl::Login => Mechanism::Login,
            Sasl::XOAuth2 => Mechanism::XOAuth2,
        },
    })
}

/// Which folders of a listing the domain leaves out: the named ones with all that is below them.
#[must_use]
pub fn excluded(domain: &MailDomain, folders: &[FolderSeen], roles: &[Option<Role>]) -> Vec<bool> {
    let named = |folder: &FolderSeen, role: &Option<Role>| {
        *role == Some(Role::Virtual)
            || domain.exclude_folders.iter().any(|excluded| match excluded {
                Excluded::Role(excluded) => *role == Some(*excluded),
                Excluded::Name(name) => {
                    let name = name.to_lowercase();
                    folder.path.to_string().to_lowercase() == name
                        || folder.path.segments().iter().any(|segment| segment.to_lowercase() == name)
                }
            })
    };
    let roots: Vec<_> = folders
        .iter()
        .zip(roles)
        .filter(|(folder, role)| named(folder, role))
        .map(|(folder, _)| &folder.path)
        .collect();
    let covered = |folder: &FolderSeen| roots.iter().any(|root| folder.path == **root || folder.path.is_below(root));
    folders.iter().map(covered).collect()
}
