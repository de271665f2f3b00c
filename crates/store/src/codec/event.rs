//! Events: the forms of what was agreed on or given up, and announced writes.

use super::{Damage, Form, Read, Reader, Writer};
use parom_domain::agenda::{Handle, Version};
use parom_domain::events::breaker::Write;
use parom_domain::events::state::{AgendaIntent, AgendaWork};
use parom_domain::events::{CalendarNumber, End, EventNumber};
use parom_domain::{Both, Side};
use std::sync::Arc;

const CREATE: u8 = 1;
const UPDATE: u8 = 2;
const MOVE: u8 = 3;
const HALF: u8 = 4;

pub(crate) fn write_event_text(text: &str) -> Vec<u8> {
    let mut writer = Writer::new(Form::EventText, text.len() + 4);
    writer.text(text);
    writer.finish()
}

pub(crate) fn read_event_text(blob: &[u8]) -> Read<Arc<str>> {
    let mut reader = Reader::open(blob, Form::EventText)?;
    let text = reader.text()?.into();
    reader.end()?;
    Ok(text)
}

pub(crate) fn read_hash(blob: &[u8]) -> Read<[u8; 32]> {
    blob.try_into().map_err(|_| Damage("not a hash"))
}

/// Id, moment and what was there before have columns of their own.
pub(crate) fn write_event_intent(intent: &AgendaIntent) -> Vec<u8> {
    let mut writer = Writer::new(Form::EventIntent, intent.text.len() + 300);
    writer.number(intent.event.0);
    writer.text(&intent.uid);
    writer.side(intent.side);
    let (kind, calendar) = match intent.work {
        AgendaWork::Create { calendar } => (CREATE, calendar.0),
        AgendaWork::Update => (UPDATE, 0),
        AgendaWork::Move { to } => (MOVE, to.0),
        AgendaWork::Half => (HALF, 0),
    };
    writer.byte(kind);
    writer.number(u64::from(calendar));
    writer.fixed(&intent.hash);
    writer.text(&intent.text);
    for side in Side::ALL {
        let Some(end) = &intent.ends[side] else {
            writer.byte(0);
            continue;
        };
        writer.byte(if end.version.is_some() { 2 } else { 1 });
        writer.number(u64::from(end.calendar.0));
        writer.text(&end.handle.0);
        if let Some(version) = &end.version {
            writer.text(&version.0);
        }
        writer.fixed(&end.hash);
    }
    writer.finish()
}

pub(crate) fn read_event_intent(blob: &[u8], id: u64, at_ms: u64) -> Read<AgendaIntent> {
    let mut reader = Reader::open(blob, Form::EventIntent)?;
    let event = EventNumber(reader.number()?);
    let uid = reader.text()?.to_owned();
    let side = reader.side()?;
    let (kind, calendar) = (reader.byte()?, CalendarNumber(reader.u32()?));
    let work = match kind {
        CREATE => AgendaWork::Create { calendar },
        UPDATE => AgendaWork::Update,
        MOVE => AgendaWork::Move { to: calendar },
        HALF => AgendaWork::Half,
        _ => return Err(Damage("unknown work")),
    };
    let (hash, text) = (reader.fixed()?, reader.text()?.into());
    let mut ends = Both::new(None, None);
    for side in Side::ALL {
        let kind = reader.byte()?;
        ends[side] = match kind {
            0 => None,
            1 | 2 => Some(End {
                calendar: CalendarNumber(reader.u32()?),
                handle: Handle(reader.text()?.into()),
                version: if kind == 2 { Some(Version(reader.text()?.into())) } else { None },
                hash: reader.fixed()?,
            }),
            _ => return Err(Damage("unknown end")),
        };
    }
    reader.end()?;
    Ok(AgendaIntent { id, at_ms, event, uid, side, work, hash, text, was: None, ends })
}

/// Our writes of an event as one text: the side's letter and the moment of each.
pub(crate) fn write_deeds(writes: &[Write]) -> String {
    let deed = |write: &Write| match write.side {
        Side::Source => format!("s{}", write.at_ms),
        Side::Target => format!("t{}", write.at_ms),
    };
    writes.iter().map(deed).collect::<Vec<_>>().join(" ")
}

/// Earlier versions did not say on which side a write was; such are of no use any more.
pub(crate) fn read_deeds(text: &str) -> Read<Vec<Write>> {
    let is_old = |deed: &&str| deed.starts_with(|first: char| first.is_ascii_digit());
    let deed = |deed: &str| {
        let source = deed.strip_prefix('s').map(|at| (Side::Source, at));
        let (side, at) = source.or_else(|| Some((Side::Target, deed.strip_prefix('t')?)))?;
        Some(Write { side, at_ms: at.parse().ok()? })
    };
    let deeds = text.split_whitespace().filter(|deed| !is_old(deed)).map(deed);
    deeds.collect::<Option<Vec<_>>>().ok_or(Damage("not a moment"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{any_side, no_damage_passes};
    use super::*;
    use proptest::prelude::*;

    fn any_end() -> impl Strategy<Value = Option<End>> {
        let end = (any::<u32>(), "\\PC{0,9}", proptest::option::of("\\PC{0,9}"), any::<[u8; 32]>());
        proptest::option::of(end.prop_map(|(calendar, handle, version, hash)| End {
            calendar: CalendarNumber(calendar),
            handle: Handle(handle.into()),
            version: version.map(|version| Version(version.into())),
            hash,
        }))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn announced_writes_go_both_ways(
            (id, at_ms, event, calendar, kind) in any::<(u64, u64, u64, u32, u8)>(),
            (uid, text) in ("\\PC{0,9}", "\\PC{0,30}"),
            side in any_side(),
            hash in any::<[u8; 32]>(),
            (source, target) in (any_end(), any_end()),
        ) {
            let calendar = CalendarNumber(calendar);
            let work = match kind % 4 {
                0 => AgendaWork::Create { calendar },
                1 => AgendaWork::Update,
                2 => AgendaWork::Half,
                _ => AgendaWork::Move { to: calendar },
            };
            let ends = Both::new(source, target);
            let event = EventNumber(event);
            let text_of = text.as_str().into();
            let intent = AgendaIntent { id, at_ms, event, uid, side, work, hash, text: text_of, was: None, ends };
            let blob = write_event_intent(&intent);
            prop_assert_eq!(read_event_intent(&blob, id, at_ms), Ok(intent));
            no_damage_passes(&blob, |blob| read_event_intent(blob, 1, 1));
            let blob = write_event_text(&text);
            prop_assert_eq!(read_event_text(&blob), Ok(text.as_str().into()));
            no_damage_passes(&blob, read_event_text);
        }
    }
}
