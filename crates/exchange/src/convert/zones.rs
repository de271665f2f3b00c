//! Zones of events and ids of Windows.

use super::{Context, NoPlace};
use crate::item::ZoneSeen;
use jiff::Timestamp;
use jiff::tz::Offset;
use parom_calendar::zone::{iana_of_windows, resolve, windows_of_iana};
use parom_calendar::{Frame, Zone};

const UTC: &str = "UTC";

/// The zone that an id means by itself, for this owner; the owner's own where that is one of those that share the id.
fn of_id(id: &str, context: &Context) -> Option<Zone> {
    let home = context.home.as_ref().filter(|home| windows_of_iana(home.label()) == Some(id));
    home.cloned().or_else(|| iana_of_windows(id).and_then(Zone::named))
}

/// The Windows id of a zone that the server knows, and the zone's name where the id alone would be read as another.
pub(super) fn id_of(zone: &Zone, context: &Context) -> Result<(&'static str, Option<String>), NoPlace> {
    let id = zone.is_iana().then(|| windows_of_iana(zone.label())).flatten().ok_or(NoPlace::Zone)?;
    // A server without updates does not know the zones that are newer than itself.
    if context.server_zones.as_ref().is_some_and(|known| !known.contains(id)) {
        return Err(NoPlace::ServersZone);
    }
    let is_clear = of_id(id, context).as_ref() == Some(zone);
    Ok((id, (!is_clear).then(|| zone.label().to_owned())))
}

/// The id of the zone whose midnight begins the owner's days.
pub(super) fn home(context: &Context) -> (Option<Zone>, &'static str) {
    match &context.home {
        Some(zone) => match id_of(zone, context) {
            Ok((id, _)) => (Some(zone.clone()), id),
            Err(_) => (None, UTC),
        },
        None => (None, UTC),
    }
}

/// The clock of an item. `name` is what we wrote beside the id. `None`: nobody knows that zone, and nothing defines it.
pub(super) fn frame(seen: &ZoneSeen, name: Option<&str>, at: Timestamp, context: &Context) -> Option<Frame> {
    let ours = name.filter(|name| windows_of_iana(name) == Some(seen.id.as_str())).and_then(Zone::named);
    if let Some(zone) = ours.or_else(|| of_id(&seen.id, context)) {
        // What somebody has defined otherwise under that id is looked into below.
        if seen.definition.is_none() {
            return Some(Frame::Zoned(zone));
        }
    }
    let year = Offset::UTC.to_datetime(at).year();
    let found = resolve(&seen.id, seen.definition.as_ref(), year..=year.saturating_add(3), context.home.as_ref())?;
    Some(match found.zone {
        None => Frame::Utc,
        Some(zone) => {
            let named = name
                .and_then(Zone::named)
                .filter(|named| windows_of_iana(named.label()) == windows_of_iana(zone.label()));
            Frame::Zoned(named.unwrap_or(zone))
        }
    })
}
