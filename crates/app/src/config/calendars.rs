//! What the file says about calendars: whose are carried and how, and the two servers.

use super::keys::Part;
use super::read::{password, template, tls_policy, trust};
use super::toml_text::Section;
use super::{PasswordFrom, Template};
use crate::message::Message;
use parom_caldav::Product;
use parom_domain::Both;
use parom_domain::events::policy::{CalendarMode, WriteBack};
use parom_net::http::Url;
use parom_net::{TlsPolicy, Trust};
use std::path::Path;

/// The calendars of a domain.
#[derive(Clone, Debug, PartialEq)]
pub struct Calendars {
    /// Of accounts for which nothing else was said.
    pub mode: CalendarMode,
    pub write_back: WriteBack,
    /// The category of folded calendars, with `{name}` in it, where several calendars go into the first one of a target that
    /// makes no more. `None`: their events are put aside.
    pub folded: Option<String>,
    /// `None` where the file does not say how the calendars are reached.
    pub ews: Option<EwsSide>,
    pub caldav: Option<CalDavSide>,
}

/// How an Exchange is asked for calendars.
#[derive(Clone, Debug, PartialEq)]
pub struct EwsSide {
    pub url: Url,
    pub access: Access,
    /// Whose mailbox is opened. `None`: that of the login itself.
    pub act_for: Option<Template>,
}

/// How the target is asked for calendars.
#[derive(Clone, Debug, PartialEq)]
pub struct CalDavSide {
    pub url: Url,
    pub access: Access,
    /// Where an account's calendars are. `None`: the server is asked.
    pub home: Option<Template>,
    /// `None`: it is known by its signs.
    pub product: Option<Product>,
}

/// What both have in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    pub tls_policy: TlsPolicy,
    pub trust: Trust,
    pub login: Template,
    pub service_login: String,
    pub password: PasswordFrom,
    pub max_connections: u32,
    pub connect_timeout_s: u64,
    pub answer_timeout_s: u64,
}

impl Calendars {
    /// The hosts that are to be reached.
    pub fn hosts(&self) -> impl Iterator<Item = String> {
        let urls = [self.ews.as_ref().map(|ews| &ews.url), self.caldav.as_ref().map(|caldav| &caldav.url)];
        urls.into_iter().flatten().map(|url| url.origin.host.to_string())
    }
}

/// Reads all that a domain says of them.
pub fn calendars(domain: &Section<'_, '_>, sides: Both<&Section<'_, '_>>, folder: &Path) -> Calendars {
    let section = domain.table("calendars", Part::Calendars);
    let ews = sides.source.gives("ews").then(|| ews(&sides.source.table("ews", Part::Ews), folder));
    let caldav = sides.target.gives("caldav").then(|| caldav(&sides.target.table("caldav", Part::CalDav), folder));
    let mode = section.text("mode");
    let wanted = CalendarMode::ALL.into_iter().find(|known| known.as_str() == mode.value).unwrap_or_default();
    if wanted != CalendarMode::Off && (ews.is_none() || caldav.is_none()) {
        section.wrong("mode", mode.span, Message::new("config-calendars-unreached").with("found", mode.value));
    }
    let folded = folded(&section);
    Calendars { mode: wanted, write_back: write_back(&section), folded, ews: ews.flatten(), caldav: caldav.flatten() }
}

fn folded(section: &Section<'_, '_>) -> Option<String> {
    let category = section.text("several_category");
    if !category.value.contains(parom_caldav::folded::NAME) {
        section.wrong("several_category", category.span, Message::new("config-several-category"));
    }
    (section.text("several").value == "first-with-category").then_some(category.value)
}

fn write_back(section: &Section<'_, '_>) -> WriteBack {
    let kind = section.text("write_back");
    let listed = section.list("write_back_list");
    if let Some(wrong) = listed.iter().find(|address| !address.value.contains('@')) {
        let message = Message::new("config-write-back-address").with("found", wrong.value.clone());
        section.wrong("write_back_list", wrong.span.clone(), message);
    }
    let addresses = listed.iter().map(|address| address.value.as_str());
    match kind.value.as_str() {
        "black" => WriteBack::black(addresses),
        "white" => WriteBack::white(addresses),
        _ => {
            if let Some(first) = listed.first() {
                section.wrong("write_back_list", first.span.clone(), Message::new("config-write-back-unused"));
            }
            WriteBack::default()
        }
    }
}

fn ews(section: &Section<'_, '_>, folder: &Path) -> Option<EwsSide> {
    let access = access(section, folder);
    // Whoever signs in with a login of their own opens their own mailbox.
    let is_own = |access: &Access| access.login.varies() && !access.login.takes_service_login();
    let act_for = match section.gives("act_for") || !access.as_ref().is_some_and(is_own) {
        true => template(section, "act_for", section.text("act_for")),
        false => Some(Template::default()),
    };
    if let (Some(access), Some(act_for)) = (&access, &act_for)
        && !access.login.varies()
        && !act_for.varies()
    {
        section.wrong("act_for", section.text("act_for").span, Message::new("config-act-for-same"));
    }
    Some(EwsSide { url: url(section)?, access: access?, act_for: act_for.filter(|it| !it.is_empty()) })
}

fn caldav(section: &Section<'_, '_>, folder: &Path) -> Option<CalDavSide> {
    let home = template(section, "home", section.text("home"));
    let access = access(section, folder);
    if let (Some(access), Some(home)) = (&access, &home)
        && !access.login.varies()
        && !home.varies()
    {
        section.wrong("login", section.text("login").span, Message::new("config-home-same"));
    }
    let product = section.text("product");
    Some(CalDavSide {
        url: url(section)?,
        access: access?,
        home: home.filter(|it| !it.is_empty()),
        product: Product::named(&product.value),
    })
}

fn access(section: &Section<'_, '_>, folder: &Path) -> Option<Access> {
    let found = section.text("login");
    let span = found.span.clone();
    let login = template(section, "login", found);
    if login.as_ref().is_some_and(Template::is_empty) {
        section.wrong("login", span, Message::new("config-login-empty"));
    }
    let service_login = section.text("service_login");
    let password = password(section);
    let takes = login.as_ref().is_some_and(Template::takes_service_login);
    match (takes, service_login.value.is_empty()) {
        (true, true) => section.wrong("service_login", service_login.span, Message::new("config-service-login-none")),
        (false, false) => {
            section.wrong("service_login", service_login.span, Message::new("config-service-login-unused"));
        }
        (false, true) if password == PasswordFrom::ServiceLogin => {
            section.wrong("password", section.text("password").span, Message::new("config-password-no-service"));
        }
        _ => {}
    }
    Some(Access {
        tls_policy: tls_policy(section),
        trust: trust(section, folder),
        login: login?,
        service_login: service_login.value,
        password,
        max_connections: section.whole_u32("max_connections"),
        connect_timeout_s: section.whole("connect_timeout_s"),
        answer_timeout_s: section.whole("answer_timeout_s"),
    })
}

fn url(section: &Section<'_, '_>) -> Option<Url> {
    let found = section.text("url");
    let url = Url::parse(&found.value);
    if url.is_none() {
        section.wrong("url", found.span, Message::new("config-url").with("found", found.value));
    }
    url
}
