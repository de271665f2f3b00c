//! What the file says about automatic replies on the target: its ManageSieve server, and who belongs to the organisation.

use super::Template;
use super::calendars::{Access, access};
use super::keys::Part;
use super::read::{is_host_name, template};
use super::toml_text::Section;
use crate::message::Message;
use parom_net::TlsMode;
use std::path::Path;

/// How the scripts on the target are reached, and what they have to know.
#[derive(Clone, Debug, PartialEq)]
pub struct SieveSide {
    pub host: String,
    pub port: u16,
    pub tls: TlsMode,
    pub access: Access,
    pub authzid: Option<Template>,
    /// Domains of the organisation beyond those that are carried.
    pub internal_domains: Vec<String>,
    /// Where Exchange answers those in somebody's contacts: answer everybody on the target, or else nobody.
    pub answers_strangers: bool,
}

/// Reads it where it is given.
pub fn sieve(target: &Section<'_, '_>, folder: &Path) -> Option<SieveSide> {
    if !target.gives("sieve") {
        return None;
    }
    let section = &target.table("sieve", Part::Sieve);
    let host = section.text("host");
    if !is_host_name(&host.value) && host.value.parse::<std::net::IpAddr>().is_err() {
        section.wrong("host", host.span, Message::new("config-host").with("found", host.value.clone()));
    }
    let tls = match section.text("tls").value.as_str() {
        "implicit" => TlsMode::Implicit,
        "none" => TlsMode::None,
        _ => TlsMode::StartTls,
    };
    let domains = section.list("internal_domains");
    if let Some(wrong) = domains.iter().find(|domain| !is_host_name(&domain.value)) {
        let message = Message::new("config-domain-name").with("found", wrong.value.clone());
        section.wrong("internal_domains", wrong.span.clone(), message);
    }
    let authzid = template(section, "authzid", section.text("authzid"));
    let access = access(section, folder);
    if let (Some(access), Some(authzid)) = (&access, &authzid)
        && !access.login.varies()
        && !authzid.varies()
    {
        // Nothing says whose scripts are meant.
        let message = Message::new("config-login-same").with("variable", section.login_variable());
        section.wrong("login", section.text("login").span, message);
    }
    Some(SieveSide {
        host: host.value,
        port: u16::try_from(section.whole("port")).unwrap_or(4190),
        tls,
        access: access?,
        authzid: authzid.filter(|authzid| !authzid.is_empty()),
        internal_domains: domains.into_iter().map(|domain| domain.value.to_lowercase()).collect(),
        answers_strangers: section.text("known_senders").value == "everybody",
    })
}
