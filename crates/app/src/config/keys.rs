//! The table of all keys: the reader, the commented file of `parom init` and the reference are made from it.

use crate::message::Message;

/// A part of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Root,
    Limits,
    Domain,
    /// `[domain.calendars]`.
    Calendars,
    /// `[domain.source]` and `[domain.target]`: they hold one table for each protocol.
    Source,
    Target,
    /// `[domain.source.imap]` and `[domain.target.imap]`: the same keys.
    Imap,
    /// `[domain.source.ews]`.
    Ews,
    /// `[domain.target.caldav]`.
    CalDav,
    /// `[domain.target.sieve]`.
    Sieve,
}

impl Part {
    /// The parts that have keys.
    pub const ALL: [Part; 8] =
        [Part::Root, Part::Limits, Part::Domain, Part::Calendars, Part::Imap, Part::Ews, Part::CalDav, Part::Sieve];

    /// The names of the tables that may stand in this part, besides its keys.
    #[must_use]
    pub fn tables(self) -> &'static [&'static str] {
        match self {
            Part::Root => &["limits", "domain"],
            Part::Domain => &["calendars", "source", "target"],
            Part::Source => &["imap", "ews"],
            Part::Target => &["imap", "caldav", "sieve"],
            Part::Limits | Part::Calendars | Part::Imap | Part::Ews | Part::CalDav | Part::Sieve => &[],
        }
    }

    /// The word in the keys of the locale files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Part::Root => "root",
            Part::Limits => "limits",
            Part::Domain => "domain",
            Part::Calendars => "calendars",
            Part::Source => "source",
            Part::Target => "target",
            Part::Imap => "imap",
            Part::Ews => "ews",
            Part::CalDav => "caldav",
            Part::Sieve => "sieve",
        }
    }

    pub fn keys(self) -> impl Iterator<Item = &'static Key> {
        KEYS.iter().filter(move |key| key.part == self)
    }
}

/// What a key may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// A text with `{variables}`.
    Template,
    Choice(&'static [&'static str]),
    Whole {
        min: u64,
        max: u64,
    },
    List,
    /// An inline table of names and `"auto"`, `"on"` or `"off"`.
    Switches(&'static [&'static str]),
    /// An inline table of names and whole numbers.
    Numbers(&'static [&'static str]),
}

/// What counts when the key is missing. All literals are TOML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// It must be given; `parom init` writes this.
    Required(&'static str),
    /// This value.
    Default(&'static str),
    /// A value that depends on other keys; `parom init` shows this as an example.
    Derived(&'static str),
}

impl Preset {
    #[must_use]
    pub fn literal(self) -> &'static str {
        match self {
            Preset::Required(literal) | Preset::Default(literal) | Preset::Derived(literal) => literal,
        }
    }

    #[must_use]
    pub fn is_required(self) -> bool {
        matches!(self, Preset::Required(_))
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Key {
    pub part: Part,
    pub name: &'static str,
    pub kind: Kind,
    pub preset: Preset,
}

/// The IMAP extensions that can be switched.
pub const EXTENSIONS: &[&str] = parom_imap::Extensions::NAMES;

/// What is known of a server and can be said better.
pub const QUIRKS: &[&str] = parom_imap::Quirks::NUMBERS;

pub const SWITCHES: &[&str] = &["auto", "on", "off"];

const TLS_POLICIES: &[&str] = &["modern", "legacy", "legacy-1.1", "legacy-1.2"];

/// Whether a URL without TLS is meant.
const TLS_OR_NOT: &[&str] = &["required", "none"];

/// What `product` may be: it is known by its signs, or said to be one of these.
pub const PRODUCTS: &[&str] = &[
    "auto",
    "vk-workspace",
    "radicale",
    "xandikos",
    "cyrus",
    "sogo",
    "stalwart",
    "nextcloud",
    "sabre",
    "davical",
    "zimbra",
    "other",
];

use Kind::{Choice, List, Numbers, Switches, Template, Text, Whole};
use Part::{CalDav, Calendars, Domain, Ews, Imap, Limits, Root, Sieve};
use Preset::{Default, Derived, Required};

/// In the order in which `parom init` writes them.
pub const KEYS: &[Key] = &[
    key(Root, "state", Text, Default("\"sqlite:parom.db\"")),
    key(Root, "master_key", Text, Derived("\"parom.key\"")),
    key(Root, "allow_hosts", List, Derived("[\"mail.new.example\", \"mail.old.example\"]")),
    key(Limits, "accounts_at_once", Whole { min: 1, max: 1000 }, Default("8")),
    key(Limits, "connections_per_account", Whole { min: 2, max: 16 }, Default("12")),
    key(Limits, "body_budget_mb", Whole { min: 4, max: 65_536 }, Default("32")),
    key(Limits, "brake_deletions", Whole { min: 0, max: 1_000_000_000 }, Default("50")),
    key(Limits, "brake_percent", Whole { min: 0, max: 100 }, Default("10")),
    key(Limits, "look_every_s", Whole { min: 1, max: 86_400 }, Default("60")),
    key(Domain, "name", Text, Required("\"corp.example\"")),
    key(Domain, "mode", Choice(&["two-way", "to-target"]), Default("\"two-way\"")),
    key(Domain, "home", Choice(&["source", "target"]), Default("\"source\"")),
    key(Domain, "deletions", Choice(&["trash", "expunge", "never"]), Default("\"trash\"")),
    key(Domain, "grace_s", Whole { min: 0, max: 86_400 }, Default("60")),
    key(
        Domain,
        "exclude_folders",
        List,
        Default(
            "[\"drafts\", \"contacts\", \"calendar\", \"tasks\", \"journal\", \"notes\", \"outbox\", \"sync-issues\", \"rss\"]",
        ),
    ),
    key(Calendars, "mode", Choice(&["off", "sync", "subscribe"]), Default("\"off\"")),
    key(Calendars, "write_back", Choice(&["all", "black", "white"]), Default("\"all\"")),
    key(Calendars, "write_back_list", List, Default("[]")),
    key(Calendars, "several", Choice(&["park", "first-with-category"]), Default("\"park\"")),
    key(Calendars, "several_category", Text, Default("\"Calendar: {name}\"")),
    key(Imap, "host", Text, Required("\"mail.example\"")),
    key(Imap, "port", Whole { min: 1, max: 65_535 }, Derived("993")),
    key(Imap, "tls", Choice(&["implicit", "starttls", "none"]), Default("\"implicit\"")),
    key(Imap, "tls_policy", Choice(TLS_POLICIES), Default("\"modern\"")),
    key(Imap, "trust", Text, Default("\"system\"")),
    key(Imap, "login", Template, Required("\"{source_login}\"")),
    key(Imap, "service_login", Text, Default("\"\"")),
    key(Imap, "service_logins", List, Default("[]")),
    key(Imap, "authzid", Template, Default("\"\"")),
    key(Imap, "sasl", Choice(&["auto", "plain", "login", "xoauth2", "ntlm"]), Default("\"auto\"")),
    key(Imap, "password", Text, Default("\"account\"")),
    key(Imap, "max_connections", Whole { min: 1, max: 10_000 }, Default("16")),
    key(Imap, "max_connections_per_service_login", Whole { min: 2, max: 10_000 }, Derived("16")),
    key(Imap, "max_connections_per_database", Whole { min: 2, max: 10_000 }, Derived("16")),
    key(Imap, "bandwidth_kib_s", Whole { min: 0, max: 10_000_000 }, Default("0")),
    key(Imap, "night", Text, Default("\"\"")),
    key(Imap, "night_max_connections", Whole { min: 1, max: 10_000 }, Derived("64")),
    key(Imap, "night_bandwidth_kib_s", Whole { min: 0, max: 10_000_000 }, Derived("0")),
    key(Imap, "connect_timeout_s", Whole { min: 1, max: 600 }, Default("30")),
    key(Imap, "answer_timeout_s", Whole { min: 1, max: 3600 }, Default("120")),
    key(Imap, "read_receipts", Choice(&["held", "suppressed"]), Default("\"held\"")),
    key(Imap, "keeps_bytes", Choice(&["auto", "yes", "no"]), Default("\"auto\"")),
    key(Imap, "extensions", Switches(EXTENSIONS), Default("{}")),
    key(Imap, "quirks", Numbers(QUIRKS), Default("{}")),
    key(Ews, "url", Text, Required("\"https://mail.old.example/EWS/Exchange.asmx\"")),
    key(Ews, "tls", Choice(TLS_OR_NOT), Default("\"required\"")),
    key(Ews, "tls_policy", Choice(TLS_POLICIES), Default("\"modern\"")),
    key(Ews, "trust", Text, Default("\"system\"")),
    key(Ews, "login", Template, Required("\"{source_login}\"")),
    key(Ews, "service_login", Text, Default("\"\"")),
    key(Ews, "auth", Choice(&["auto", "basic", "ntlm", "oauth2"]), Default("\"auto\"")),
    key(Ews, "act_for", Template, Derived("\"{address}\"")),
    key(Ews, "password", Text, Default("\"account\"")),
    key(Ews, "max_connections", Whole { min: 1, max: 10_000 }, Default("16")),
    key(Ews, "streams", Whole { min: 0, max: 100 }, Derived("3")),
    key(Ews, "connect_timeout_s", Whole { min: 1, max: 600 }, Default("30")),
    key(Ews, "answer_timeout_s", Whole { min: 1, max: 3600 }, Default("120")),
    key(CalDav, "url", Text, Required("\"https://calendar.new.example/\"")),
    key(CalDav, "tls", Choice(TLS_OR_NOT), Default("\"required\"")),
    key(CalDav, "tls_policy", Choice(TLS_POLICIES), Default("\"modern\"")),
    key(CalDav, "trust", Text, Default("\"system\"")),
    key(CalDav, "login", Template, Required("\"{target_login}\"")),
    key(CalDav, "service_login", Text, Default("\"\"")),
    key(CalDav, "home", Template, Default("\"\"")),
    key(CalDav, "password", Text, Default("\"account\"")),
    key(CalDav, "max_connections", Whole { min: 1, max: 10_000 }, Default("16")),
    key(CalDav, "glance_every_s", Whole { min: 1, max: 86_400 }, Default("15")),
    key(CalDav, "connect_timeout_s", Whole { min: 1, max: 600 }, Default("30")),
    key(CalDav, "answer_timeout_s", Whole { min: 1, max: 3600 }, Default("120")),
    key(CalDav, "product", Choice(PRODUCTS), Default("\"auto\"")),
    key(CalDav, "notifications", Choice(&["auto", "off"]), Default("\"auto\"")),
    key(Sieve, "host", Text, Required("\"mail.new.example\"")),
    key(Sieve, "port", Whole { min: 1, max: 65_535 }, Default("4190")),
    key(Sieve, "tls", Choice(&["implicit", "starttls", "none"]), Default("\"starttls\"")),
    key(Sieve, "tls_policy", Choice(TLS_POLICIES), Default("\"modern\"")),
    key(Sieve, "trust", Text, Default("\"system\"")),
    key(Sieve, "login", Template, Required("\"{target_login}\"")),
    key(Sieve, "service_login", Text, Default("\"\"")),
    key(Sieve, "authzid", Template, Default("\"\"")),
    key(Sieve, "password", Text, Default("\"account\"")),
    key(Sieve, "max_connections", Whole { min: 1, max: 10_000 }, Default("4")),
    key(Sieve, "connect_timeout_s", Whole { min: 1, max: 600 }, Default("30")),
    key(Sieve, "answer_timeout_s", Whole { min: 1, max: 3600 }, Default("60")),
    key(Sieve, "internal_domains", List, Default("[]")),
    key(Sieve, "known_senders", Choice(&["nobody", "everybody"]), Default("\"nobody\"")),
];

const fn key(part: Part, name: &'static str, kind: Kind, preset: Preset) -> Key {
    Key { part, name, kind, preset }
}

impl Key {
    /// What the key is for.
    #[must_use]
    pub fn doc(&self) -> Message {
        let doc = Message::new(format!("doc-{}-{}", self.part.as_str(), self.name));
        match self.kind {
            Switches(names) | Numbers(names) => doc.with("names", names.join(", ")),
            _ => doc,
        }
    }
}
