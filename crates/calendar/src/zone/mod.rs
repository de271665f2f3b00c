//! Time zones: those of the IANA database, and those that only a definition tells.

mod definition;
mod resolve;
mod tzdb;
mod windows;

pub use definition::{Definition, Observance, YearDay};
pub use resolve::{How, Resolved, resolve};
pub use windows::{iana_of_windows, windows_of_iana};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A time zone. Names of the IANA database are in their primary form (`Europe/Kyiv`, not `Europe/Kiev`).
#[derive(Clone)]
pub enum Zone {
    Iana(Iana),
    Custom(Arc<Definition>),
}

/// A zone of the database that is built in.
#[derive(Clone)]
pub struct Iana {
    zone: TimeZone,
    name: Arc<str>,
}

impl Zone {
    /// By its name in the IANA database, without regard to case. UTC under any name is no zone but [`crate::When::Utc`].
    #[must_use]
    pub fn named(name: &str) -> Option<Zone> {
        tzdb::get(name).map(Zone::Iana)
    }

    /// The name in the database, or what the definition calls itself.
    #[must_use]
    pub fn label(&self) -> &str {
        match self {
            Zone::Iana(iana) => &iana.name,
            Zone::Custom(definition) => &definition.label,
        }
    }

    /// The Windows id that Exchange knows it by; `None` where only a definition can tell it.
    #[must_use]
    pub fn windows_id(&self) -> Option<&'static str> {
        windows_of_iana(self.label()).filter(|_| self.is_iana())
    }

    #[must_use]
    pub fn is_iana(&self) -> bool {
        matches!(self, Zone::Iana(_))
    }

    /// Seconds east of UTC at that moment.
    #[must_use]
    pub fn offset(&self, at: Timestamp) -> i32 {
        match self {
            Zone::Iana(iana) => iana.zone.to_offset(at).seconds(),
            Zone::Custom(definition) => definition.offset(at.as_second()),
        }
    }

    /// What a clock there shows.
    #[must_use]
    pub fn local(&self, at: Timestamp) -> DateTime {
        let offset = Offset::from_seconds(self.offset(at)).unwrap_or(Offset::UTC);
        offset.to_datetime(at)
    }

    /// When a clock there shows this: see [`crate::When::instant`]. `None` beyond the years that the machine can count.
    #[must_use]
    pub fn instant(&self, local: DateTime) -> Option<Timestamp> {
        match self {
            Zone::Iana(iana) => iana.zone.to_timestamp(local).ok(),
            Zone::Custom(definition) => definition.instant(local),
        }
    }

    pub(crate) fn utc_instant(at: DateTime) -> Option<Timestamp> {
        Offset::UTC.to_timestamp(at).ok()
    }

    pub(crate) fn utc_local(at: Timestamp) -> DateTime {
        Offset::UTC.to_datetime(at)
    }

    /// The rules of the zone from one year to another, for a VTIMEZONE. Without a last year, they go on for ever where the
    /// zone has rules that do, else as far as the database looks ahead.
    #[must_use]
    pub fn definition(&self, first_year: i16, last_year: Option<i16>) -> Arc<Definition> {
        match self {
            Zone::Iana(iana) => tzdb::known_definition(iana, first_year, last_year),
            Zone::Custom(definition) => Arc::clone(definition),
        }
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Zone) -> bool {
        match (self, other) {
            (Zone::Iana(one), Zone::Iana(two)) => one.name == two.name,
            (Zone::Custom(one), Zone::Custom(two)) => one == two,
            _ => false,
        }
    }
}

impl Eq for Zone {}

impl PartialOrd for Zone {
    fn partial_cmp(&self, other: &Zone) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Zone {
    fn cmp(&self, other: &Zone) -> Ordering {
        match (self, other) {
            (Zone::Iana(one), Zone::Iana(two)) => one.name.cmp(&two.name),
            (Zone::Custom(one), Zone::Custom(two)) if one == two => Ordering::Equal,
            (Zone::Custom(one), Zone::Custom(two)) => one.key().cmp(&two.key()),
            (Zone::Iana(_), Zone::Custom(_)) => Ordering::Less,
            (Zone::Custom(_), Zone::Iana(_)) => Ordering::Greater,
        }
    }
}

impl Hash for Zone {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.label().hash(state);
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({:?})", if self.is_iana() { "Iana" } else { "Custom" }, self.label())
    }
}
