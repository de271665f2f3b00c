//! From the text of the file to the configuration, with every mistake noted.

use super::calendars::calendars;
use super::keys::Part;
use super::pacing::pacing;
use super::sieve::sieve;
use super::template::{TemplateError, VARIABLES};
use super::toml_text::{Found, Section, Source};
use super::{Config, Excluded, ImapSide, Limits, MailDomain, PasswordFrom, Sasl, Switch, Template, Words};
use crate::message::{Message, Value};
use crate::near::nearest;
use parom_domain::policy::{Deletions, Mode};
use parom_domain::{Both, Role, Side};
use parom_net::sasl::{HAS_NTLM, WindowsAccount};
use parom_net::{MinTls, TlsMode, TlsPolicy, Trust};
use std::path::{Path, PathBuf};

/// Reads the text. `file` is for the messages, and paths in the text count from its folder.
pub fn read(text: &str, file: &Path) -> Result<Config, Vec<Message>> {
    let source = Source::new(text, file);
    let config = source.parse().map(|table| root(&Section::root(&source, &table), file));
    let problems = source.problems();
    match config {
        Some(config) if problems.is_empty() => Ok(config),
        _ => Err(problems),
    }
}

fn root(section: &Section<'_, '_>, file: &Path) -> Config {
    let folder = file.parent().unwrap_or(Path::new(""));
    let state = state_file(section, folder);
    let master_key = match section.gives("master_key") {
        true => folder.join(section.text("master_key").value),
        false => state.with_extension("key"),
    };
    let limits = limits(&section.table("limits", Part::Limits));
    let sections = section.tables("domain", Part::Domain);
    let mut domains: Vec<MailDomain> = Vec::new();
    for section in &sections {
        let found = section.text("name");
        let name = found.value.to_lowercase();
        if domains.iter().any(|known| known.name == name) {
            section.wrong("name", found.span, Message::new("config-domain-twice").with("found", name));
            continue;
        }
        domains.push(domain(section, found, folder));
    }
    if sections.is_empty() && !section.gives("domain") {
        section.problem(0..0, Message::new("config-no-domain"));
    }
    let allow_hosts = match section.gives("allow_hosts") {
        true => section.list("allow_hosts").into_iter().map(|host| host.value.to_lowercase()).collect(),
        false => configured_hosts(&domains),
    };
    Config { file: file.to_owned(), state, master_key, allow_hosts, limits, domains }
}

fn configured_hosts(domains: &[MailDomain]) -> Vec<String> {
    let mail = domains.iter().flat_map(|domain| domain.sides.iter().map(|(_, side)| side.host.to_lowercase()));
    let calendars = domains.iter().flat_map(|domain| domain.calendars.hosts());
    let sieve = domains.iter().filter_map(|domain| domain.sieve.as_ref()).map(|sieve| sieve.host.to_lowercase());
    let mut hosts: Vec<String> = mail.chain(calendars).chain(sieve).collect();
    hosts.sort();
    hosts.dedup();
    hosts
}

fn state_file(section: &Section<'_, '_>, folder: &Path) -> PathBuf {
    let Found { value, span } = section.text("state");
    match value.split_once(':') {
        Some(("sqlite", path)) if !path.is_empty() => return folder.join(path),
        Some(("postgres" | "postgresql", _)) => {
            section.wrong("state", span, Message::new("config-state-postgres"));
        }
        _ => section.wrong("state", span, Message::new("config-state-form").with("found", value)),
    }
    folder.join("parom.db")
}

fn limits(section: &Section<'_, '_>) -> Limits {
    Limits {
        accounts_at_once: section.whole_u32("accounts_at_once"),
        connections_per_account: section.whole_u32("connections_per_account"),
        body_budget_bytes: section.whole("body_budget_mb").saturating_mul(1 << 20),
        brake_deletions: section.whole_u32("brake_deletions"),
        brake_percent: section.whole_u32("brake_percent"),
        look_every_s: section.whole("look_every_s"),
    }
}

fn domain(section: &Section<'_, '_>, name: Found<String>, folder: &Path) -> MailDomain {
    if !is_host_name(&name.value) {
        section.wrong("name", name.span, Message::new("config-domain-name").with("found", name.value.clone()));
    }
    let above = Both::new(section.table("source", Part::Source), section.table("target", Part::Target));
    let side = |side: Side| imap_side(&above[side].table("imap", Part::Imap), folder);
    MailDomain {
        name: name.value.to_lowercase(),
        mode: match section.text("mode").value.as_str() {
            "to-target" => Mode::ToTarget,
            _ => Mode::TwoWay,
        },
        home: match section.text("home").value.as_str() {
            "target" => Side::Target,
            _ => Side::Source,
        },
        deletions: match section.text("deletions").value.as_str() {
            "expunge" => Deletions::Expunge,
            "never" => Deletions::Never,
            _ => Deletions::Trash,
        },
        grace_s: section.whole("grace_s"),
        exclude_folders: section.list("exclude_folders").into_iter().map(|folder| excluded(&folder.value)).collect(),
        sides: Both::from_fn(side),
        calendars: calendars(section, above.as_ref(), folder),
        sieve: sieve(&above.target, folder),
    }
}

/// A word that names a role means every folder with that role, whatever it is called there.
fn excluded(text: &str) -> Excluded {
    match Role::from_name(text) {
        Some(role) => Excluded::Role(role),
        None => Excluded::Name(text.to_owned()),
    }
}

fn imap_side(section: &Section<'_, '_>, folder: &Path) -> ImapSide {
    let host = section.text("host");
    if !is_host_name(&host.value) && host.value.parse::<std::net::IpAddr>().is_err() {
        section.wrong("host", host.span, Message::new("config-host").with("found", host.value.clone()));
    }
    let tls = match section.text("tls").value.as_str() {
        "starttls" => TlsMode::StartTls,
        "none" => TlsMode::None,
        _ => TlsMode::Implicit,
    };
    let port = match (section.gives("port"), tls) {
        (true, _) => u16::try_from(section.whole("port")).unwrap_or(993),
        (false, TlsMode::Implicit) => 993,
        (false, TlsMode::StartTls | TlsMode::None) => 143,
    };
    let (login, authzid) = login(section);
    let sasl = sasl(section, &login, authzid.as_ref());
    ImapSide {
        host: host.value,
        port,
        tls,
        tls_policy: tls_policy(section),
        trust: trust(section, folder),
        login,
        authzid,
        service_login: section.text("service_login").value,
        service_logins: service_logins(section),
        sasl,
        password: password(section),
        pacing: pacing(section),
        connect_timeout_s: section.whole("connect_timeout_s"),
        answer_timeout_s: section.whole("answer_timeout_s"),
        receipts_are_suppressed: section.text("read_receipts").value == "suppressed",
        keeps_bytes: match section.text("keeps_bytes").value.as_str() {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        },
        quirks: section.numbers("quirks"),
        extensions: section
            .switches("extensions")
            .into_iter()
            .map(|(name, switch)| (name, switched(&switch)))
            .collect(),
    }
}

pub fn tls_policy(section: &Section<'_, '_>) -> TlsPolicy {
    match section.text("tls_policy").value.as_str() {
        "legacy" => TlsPolicy::Legacy { min: MinTls::V1_0 },
        "legacy-1.1" => TlsPolicy::Legacy { min: MinTls::V1_1 },
        "legacy-1.2" => TlsPolicy::Legacy { min: MinTls::V1_2 },
        _ => TlsPolicy::Modern,
    }
}

/// The templates of the login and, where it is not empty, of the authorization identity.
fn login(section: &Section<'_, '_>) -> (Template, Option<Template>) {
    let found = section.text("login");
    let span = found.span.clone();
    let login = template(section, "login", found);
    let authzid = template(section, "authzid", section.text("authzid"));
    if let (Some(login), Some(authzid)) = (&login, &authzid) {
        if login.is_empty() {
            section.wrong("login", span, Message::new("config-login-empty"));
        } else if !login.varies() && !authzid.varies() {
            // Nothing says whose mailbox is meant: every account would open the same one.
            let message = Message::new("config-login-same").with("variable", section.login_variable());
            section.wrong("login", span, message);
        }
    }
    (login.unwrap_or_default(), authzid.filter(|authzid| !authzid.is_empty()))
}

/// Several service accounts have a password each.
fn service_logins(section: &Section<'_, '_>) -> Vec<String> {
    let logins = section.list("service_logins");
    let takes_service_login =
        ["login", "authzid"].iter().any(|name| section.text(name).value.contains("{service_login}"));
    let Some(first) = logins.first() else {
        let password = section.text("password");
        let is_named = !section.text("service_login").value.is_empty() && takes_service_login;
        if password.value == "secret:{service_login}" && !is_named {
            section.wrong("password", password.span, Message::new("config-password-no-service"));
        }
        return Vec::new();
    };
    if section.gives("service_login") {
        section.wrong("service_logins", first.span.clone(), Message::new("config-service-logins-both"));
    }
    let mut seen = std::collections::BTreeSet::new();
    if let Some(twice) = logins.iter().find(|login| !seen.insert(login.value.to_lowercase())) {
        let message = Message::new("config-service-login-twice").with("found", twice.value.clone());
        section.wrong("service_logins", twice.span.clone(), message);
    }
    if section.text("password").value != "secret:{service_login}" {
        section.wrong("service_logins", first.span.clone(), Message::new("config-service-logins-password"));
    }
    if !takes_service_login {
        section.wrong("service_logins", first.span.clone(), Message::new("config-service-logins-template"));
    }
    if let Some(wrong) = logins.iter().find(|login| !is_secret_name(&login.value)) {
        let message = Message::new("config-service-login-name").with("found", wrong.value.clone());
        section.wrong("service_logins", wrong.span.clone(), message);
    }
    logins.into_iter().map(|login| login.value).collect()
}

/// NTLM has to be built in, and opens nobody's mailbox but the own one.
fn sasl(section: &Section<'_, '_>, login: &Template, authzid: Option<&Template>) -> Sasl {
    let Found { value, span } = section.text("sasl");
    match value.as_str() {
        "plain" => return Sasl::Plain,
        "login" => return Sasl::Login,
        "xoauth2" => return Sasl::XOAuth2,
        "ntlm" => {}
        _ => return Sasl::Auto,
    }
    let example = Words { address: "a@b", source_login: "a", target_login: "a", service_login: "s" };
    let names_one = authzid.is_none() && !login.takes_service_login();
    if !HAS_NTLM {
        section.wrong("sasl", span, Message::new("config-ntlm-left-out"));
    } else if !names_one || WindowsAccount::parse(&login.fill(&example)).is_none() {
        section.wrong("sasl", span, Message::new("config-ntlm-delegate"));
    }
    Sasl::Ntlm
}

fn switched(word: &str) -> Switch {
    match word {
        "on" => Switch::On,
        "off" => Switch::Off,
        _ => Switch::Auto,
    }
}

pub fn template(section: &Section<'_, '_>, name: &'static str, found: Found<String>) -> Option<Template> {
    let error = match Template::parse(&found.value) {
        Ok(template) => return Some(template),
        Err(error) => error,
    };
    let message = match error {
        TemplateError::LoneBrace => Message::new("config-template-brace").with("found", found.value),
        TemplateError::UnknownVariable(variable) => match nearest(&variable, VARIABLES) {
            Some(near) => Message::new("config-template-near").with("variable", variable).with("near", near),
            None => {
                let message = Message::new("config-template-unknown").with("variable", variable);
                message.with("allowed", VARIABLES.into_iter().collect::<Value>())
            }
        },
    };
    section.wrong(name, found.span, message);
    None
}

pub fn trust(section: &Section<'_, '_>, folder: &Path) -> Trust {
    let Found { value, span } = section.text("trust");
    match value.as_str() {
        "system" => Trust::System,
        "insecure" => Trust::Insecure,
        _ => match value.strip_prefix("pin:") {
            Some(hex) => match Trust::pin(hex) {
                Some(pin) => pin,
                None => {
                    section.wrong("trust", span, Message::new("config-pin").with("found", value));
                    Trust::System
                }
            },
            None => {
                let file = folder.join(&value);
                if !file.is_file() {
                    let message = Message::new("config-trust").with("found", value);
                    section.wrong("trust", span, message.with("path", file.display().to_string()));
                }
                Trust::CaFile(file)
            }
        },
    }
}

pub fn password(section: &Section<'_, '_>) -> PasswordFrom {
    let Found { value, span } = section.text("password");
    if value == "account" {
        return PasswordFrom::Account;
    }
    match value.strip_prefix("secret:") {
        Some("{service_login}") => PasswordFrom::ServiceLogin,
        Some(name) if is_secret_name(name) => PasswordFrom::Secret(name.to_owned()),
        Some(name) => {
            section.wrong("password", span, Message::new("config-secret-name").with("found", name));
            PasswordFrom::Account
        }
        None => {
            // The value is not repeated: it may well be the password itself.
            section.wrong("password", span, Message::new("config-password"));
            PasswordFrom::Account
        }
    }
}

/// The names under which secrets may be sealed.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 64 && name.chars().all(|c| c.is_alphanumeric() || "-_.@\\/".contains(c))
}

/// Letters (of any script), digits and hyphens between dots.
pub fn is_host_name(name: &str) -> bool {
    let label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
    name.len() <= 253 && name.split('.').all(label)
}
