//! What an event says beyond what Exchange can hold: iCalendar, packed into one property beside the item.
//!
//! What Exchange holds well is left out of it and marked. When it is read, it is only as true as Exchange has not changed since:
//! a three-way merge, with what Exchange showed when the residue was written as its base, takes what was changed there and keeps
//! the rest.

use super::Context;
use super::to_ews::{plain, shown};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use parom_calendar::event::{Attachment, Body, Content, Details, Event};
use parom_calendar::ical::Line;
use parom_calendar::merge::{Judge, merge};
use parom_calendar::{EventHash, Scheduling, When, from_ical, to_ical};
use parom_domain::{Both, Side};
use std::io::{Read, Write};

/// The most that is put beside an item, in characters.
const MOST: usize = 32_000;
/// The most that it may unpack to.
const MOST_UNPACKED: u64 = 4 << 20;

/// Names what Exchange holds.
const HELD: &str = "X-PAROM-HELD";
const SERIES: &str = "SERIES";
const ALL: &str = "ALL";
const BODY: &str = "BODY";
/// Stands for an attachment that Exchange has, by its hash.
const HELD_ATTACHMENT: &str = "parom-held:";

/// `None` where it is too much.
pub(super) fn packed(event: &Event, seen: &Event) -> Option<String> {
    let mut rest = event.clone();
    rest.exceptions.retain(|original, details| !seen.exceptions.get(original).is_some_and(|held| same(details, held)));
    for (original, details) in &mut rest.exceptions {
        if let Some(held) = seen.exceptions.get(original) {
            trim(details, held);
        }
    }
    if let (Some(master), Some(held)) = (rest.master_mut(), seen.master()) {
        trim(master, held);
    }
    if event.recurrence == seen.recurrence && event.deleted == seen.deleted {
        rest.recurrence = None;
        rest.deleted.clear();
        rest.extras.push(Line::new(HELD, SERIES));
    }
    let text = to_ical(&rest, Scheduling::Server);
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::best());
    packer.write_all(text.as_bytes()).ok()?;
    let packed = STANDARD.encode(packer.finish().ok()?);
    (packed.len() <= MOST).then_some(packed)
}

/// Leaves out what Exchange holds.
fn trim(details: &mut Details, held: &Details) {
    if same(details, held) {
        *details = Details::new(details.start.clone(), details.end.clone());
        details.extras.push(Line::new(HELD, ALL));
        return;
    }
    if details.body == held.body && details.body != Body::default() {
        details.body = Body::default();
        details.spelling.retain(|line| !matches!(line.name.as_str(), "DESCRIPTION" | "X-ALT-DESC"));
        details.extras.push(Line::new(HELD, BODY));
    }
    for attachment in &mut details.attachments {
        let hash = attachment.content.hash();
        if held.attachments.iter().any(|other| other.content.hash() == hash) {
            attachment.content = Content::Link(format!("{HELD_ATTACHMENT}{hash}"));
        }
    }
}

fn same(one: &Details, two: &Details) -> bool {
    let hash = |details: &Details| EventHash::of(&Event::single("", details.clone()));
    one == two || hash(one) == hash(two)
}

/// The event that Exchange shows, with what the residue knows beyond it. `None` for a residue that is none.
pub(super) fn completed(packed: &str, seen: &Event, context: &Context) -> Option<Event> {
    let kept = filled(unpacked(packed)?, seen);
    let mut base = shown(&plain(&kept, context).ok()?, &kept, context)?;
    // Where both differ from the base, Exchange is what people have worked with since.
    let judge = Judge { organizer: None, later: Side::Source, blind: Both::default(), owner: &[] };
    let mut source = seen.clone();
    source.uid.clone_from(&kept.uid);
    for shown in [&mut base, &mut source] {
        put_on_own_clocks(shown, &kept);
    }
    let mut event = merge(Some(&base), Both::new(&source, &kept), &judge).event;
    event.uid.clone_from(&seen.uid);
    Some(event)
}

/// Exchange shows in UTC what its Windows had no zone for, and floating times on the owner's clock. Neither is an edit.
///
/// INVARIANT: this does not ask which zones the server has. It may not be known yet, and Windows learns new ones meanwhile.
fn put_on_own_clocks(shown: &mut Event, kept: &Event) {
    // A series repeats on its own clock, and is never written on another.
    let is_series = shown.recurrence.is_some() || kept.recurrence.is_some();
    let put = |details: &mut Details, kept: &Details| {
        if !is_series || matches!(kept.start, When::Floating(_)) {
            put_on_own_clock(&mut details.start, &kept.start);
        }
        put_on_own_clock(&mut details.end, &kept.end);
    };
    if let (Some(master), Some(kept)) = (shown.master_mut(), kept.master()) {
        put(master, kept);
    }
    for (original, details) in &mut shown.exceptions {
        if let Some(kept) = kept.exceptions.get(original) {
            put(details, kept);
        }
    }
}

/// Who sets a clock to UTC in Outlook is not told from this: the moment is theirs, and the clock stays that of the event.
fn put_on_own_clock(shown: &mut When, kept: &When) {
    match (&*shown, kept) {
        (When::Utc(_), When::Zoned(_, zone)) => {
            if let Some(at) = shown.instant() {
                *shown = When::Zoned(zone.local(at), zone.clone());
            }
        }
        (When::Utc(local) | When::Zoned(local, _), When::Floating(floating)) if local == floating => {
            *shown = kept.clone();
        }
        _ => {}
    }
}

fn unpacked(packed: &str) -> Option<Event> {
    let bytes = STANDARD.decode(packed).ok()?;
    let mut text = Vec::new();
    ZlibDecoder::new(&*bytes).take(MOST_UNPACKED).read_to_end(&mut text).ok()?;
    from_ical(&text, None).ok()
}

/// Puts in what was left out.
fn filled(mut rest: Event, seen: &Event) -> Event {
    if marked(&mut rest.extras, SERIES) {
        rest.recurrence.clone_from(&seen.recurrence);
        rest.deleted.clone_from(&seen.deleted);
    }
    if let (Some(master), Some(held)) = (rest.master_mut(), seen.master()) {
        fill(master, held);
    }
    let mut kept = std::mem::take(&mut rest.exceptions);
    for (original, held) in &seen.exceptions {
        let details = match kept.remove(original) {
            Some(mut details) => {
                fill(&mut details, held);
                details
            }
            None => held.clone(),
        };
        rest.exceptions.insert(*original, details);
    }
    rest
}

fn fill(details: &mut Details, held: &Details) {
    if marked(&mut details.extras, ALL) {
        *details = held.clone();
        return;
    }
    if marked(&mut details.extras, BODY) {
        details.body = held.body.clone();
    }
    let restored = std::mem::take(&mut details.attachments).into_iter().filter_map(|attachment| {
        let Content::Link(uri) = &attachment.content else { return Some(attachment) };
        let Some(hash) = uri.strip_prefix(HELD_ATTACHMENT) else { return Some(attachment) };
        let there = held.attachments.iter().find(|other| other.content.hash().to_hex().as_str() == hash)?;
        Some(Attachment { content: there.content.clone(), ..attachment })
    });
    details.attachments = restored.collect();
}

/// Is the mark there? It is taken away.
fn marked(extras: &mut Vec<Line>, mark: &str) -> bool {
    let before = extras.len();
    extras.retain(|line| line.name != HELD || line.value != mark);
    extras.len() != before
}
