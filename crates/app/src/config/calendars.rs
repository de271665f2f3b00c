//! What the file says about calendars: whose are carried and how, and the two servers.

use super::keys::Part;
use super::read::{password, template, tls_policy, trust};
use super::toml_text::Section;
use super::{PasswordFrom, Template, Words};
use crate::message::Message;
use parom_caldav::Product;
use parom_domain::Both;
use parom_domain::events::policy::{CalendarMode, WriteBack};
use parom_exchange::autodiscover::usual_places;
use parom_net::http::Url;
use parom_net::sasl::{HAS_NTLM, WindowsAccount};
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
    /// The service; where it is to be found, the first of those who are asked.
    pub url: Url,
    /// Who is asked by Autodiscover where the service of a mailbox is. Empty: it is at the URL.
    pub discovers: Vec<Url>,
    pub access: Access,
    pub auth: EwsAuth,
    /// Whose mailbox is opened. `None`: that of the login itself.
    pub act_for: Option<Template>,
    /// Streams of notifications that one login may have open. `None`: as many as the server's version allows by itself.
    pub streams: Option<u32>,
}

/// How one signs in to an Exchange for calendars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EwsAuth {
    /// Basic or NTLM, as the server offers.
    Auto,
    Basic,
    Ntlm,
    /// The password is an access token.
    OAuth2,
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
    /// The server may mail people about events. Not where an admin has switched that off.
    pub notifications: bool,
    /// With `--watch`: how often the server is asked whether anything has changed, after something has.
    pub glance_every_s: u64,
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
        let ews = self.ews.iter().flat_map(|ews| std::iter::once(&ews.url).chain(&ews.discovers));
        ews.chain(self.caldav.as_ref().map(|caldav| &caldav.url)).map(|url| url.origin.host.to_string())
    }
}

/// Reads all that a domain says of them.
pub fn calendars(domain: &Section<'_, '_>, sides: Both<&Section<'_, '_>>, folder: &Path) -> Calendars {
    let section = domain.table("calendars", Part::Calendars);
    let name = domain.text("name").value.to_lowercase();
    let ews = sides.source.gives("ews").then(|| ews(&sides.source.table("ews", Part::Ews), &name, folder));
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

fn ews(section: &Section<'_, '_>, domain: &str, folder: &Path) -> Option<EwsSide> {
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
    let streams = section.gives("streams").then(|| section.whole_u32("streams"));
    let discovers = discovers(section, domain);
    let url = match discovers.as_deref() {
        Some(places) => places.first().cloned()?,
        None => url(section)?,
    };
    let act_for = act_for.filter(|it| !it.is_empty());
    let auth = auth(section, access.as_ref());
    Some(EwsSide { url, discovers: discovers.unwrap_or_default(), access: access?, auth, act_for, streams })
}

/// `autodiscover`, or `autodiscover:` and whom to ask. `None`: the URL is that of the service.
fn discovers(section: &Section<'_, '_>, domain: &str) -> Option<Vec<Url>> {
    let found = section.text("url");
    let place = found.value.strip_prefix("autodiscover")?;
    if place.is_empty() {
        return Some(usual_places(domain));
    }
    let place = place.strip_prefix(':').and_then(Url::parse);
    if place.is_none() {
        section.wrong("url", found.span, Message::new("config-url").with("found", found.value));
    }
    Some(place.into_iter().collect())
}

/// NTLM has to be built in, and takes no name of a mailbox beside the one who signs in.
fn auth(section: &Section<'_, '_>, access: Option<&Access>) -> EwsAuth {
    let found = section.text("auth");
    match found.value.as_str() {
        "basic" => return EwsAuth::Basic,
        "oauth2" => return EwsAuth::OAuth2,
        "ntlm" => {}
        _ => return EwsAuth::Auto,
    }
    let example = Words { address: "a@b", source_login: "a", target_login: "a", service_login: "s" };
    if !HAS_NTLM {
        section.wrong("auth", found.span, Message::new("config-ews-ntlm-left-out"));
    } else if access.is_some_and(|access| WindowsAccount::parse(&access.login.fill(&example)).is_none()) {
        section.wrong("auth", found.span, Message::new("config-ews-ntlm-login"));
    }
    EwsAuth::Ntlm
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
        notifications: section.text("notifications").value != "off",
        glance_every_s: section.whole("glance_every_s"),
    })
}

/// What is the same for all servers but IMAP's.
pub fn access(section: &Section<'_, '_>, folder: &Path) -> Option<Access> {
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
    match &url {
        None => section.wrong("url", found.span, Message::new("config-url").with("found", found.value)),
        Some(url) if !url.origin.tls && !is_this_machine(&url.origin.host) && section.text("tls").value != "none" => {
            section.wrong("url", found.span, Message::new("config-url-clear").with("found", found.value));
        }
        Some(_) => {}
    }
    url
}

/// What goes there is heard by nobody else: a TLS forwarder, a demo.
#[must_use]
pub fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
