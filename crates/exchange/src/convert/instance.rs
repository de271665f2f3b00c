//! An occurrence of a series that is nowhere: somebody was invited to it alone. On Exchange it is a single event, and a line
//! beside it says which occurrence it is.

use jiff::civil::DateTime;
use parom_calendar::event::{Event, Head};
use parom_calendar::ical::Line;
use parom_calendar::{Frame, Zone};
use std::collections::BTreeMap;

/// Names the line. Its value is the original start, as a clock in the frame shows it.
const INSTANCE: &str = "X-PAROM-INSTANCE";
const FRAME: &str = "FRAME";
const ZONE: &str = "ZONE";

/// The single event that stands for a lone occurrence; every other event as it is.
pub(crate) fn stand_in(event: Event) -> Event {
    let Head::Instances(frame) = &event.head else { return event };
    let is_alone = event.exceptions.len() == 1 && event.recurrence.is_none() && event.deleted.is_empty();
    let Some((original, details)) = event.exceptions.first_key_value().filter(|_| is_alone) else { return event };
    let Some(line) = written(frame, *original) else { return event };
    let mut single = Event::single(&event.uid, details.clone());
    single.extras.clone_from(&event.extras);
    single.extras.push(line);
    single.extra_components.clone_from(&event.extra_components);
    single
}

/// The lone occurrence that a single event stands for. Whoever has made a series of it since meant a series.
pub(super) fn stood_for(mut event: Event) -> Event {
    let Some(at) = event.extras.iter().position(|line| line.name == INSTANCE) else { return event };
    let line = event.extras.remove(at);
    let Some((frame, original)) = read(&line).filter(|_| event.recurrence.is_none()) else { return event };
    match event.head {
        Head::Master(details) => {
            Event { head: Head::Instances(frame), exceptions: BTreeMap::from([(original, *details)]), ..event }
        }
        Head::Instances(_) => event,
    }
}

/// `None` for a zone that has no name of its own.
fn written(frame: &Frame, original: DateTime) -> Option<Line> {
    let line = Line::new(INSTANCE, original.to_string());
    Some(match frame {
        Frame::Date => line.with(FRAME, "DATE"),
        Frame::Floating => line.with(FRAME, "FLOATING"),
        Frame::Utc => line.with(FRAME, "UTC"),
        Frame::Zoned(zone) if Zone::named(zone.label()).as_ref() == Some(zone) => line.with(ZONE, zone.label()),
        Frame::Zoned(_) => return None,
    })
}

fn read(line: &Line) -> Option<(Frame, DateTime)> {
    let frame = match (line.param(FRAME), line.param(ZONE)) {
        (Some("DATE"), _) => Frame::Date,
        (Some("FLOATING"), _) => Frame::Floating,
        (Some("UTC"), _) => Frame::Utc,
        (_, Some(name)) => Frame::Zoned(Zone::named(name)?),
        _ => return None,
    };
    Some((frame, line.value.parse().ok()?))
}
