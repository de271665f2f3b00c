//! Property by property.

use super::{Dispute, Field};
use crate::event::{Alarm, Body, Busy, Details, Person, Stamps};
use crate::hash::{is_ignored, plain_text};
use crate::time::When;
use jiff::Timestamp;
use parom_domain::{Both, Side};

pub(super) fn merge_details(dispute: &mut Dispute, base: Option<&Details>, both: Both<&Details>) -> Details {
    let (start, end) = time(dispute, base, both);
    let mut merged = Details::new(start, end);
    macro_rules! take {
        ($field:ident, $kind:ident, $same:expr) => {
            merged.$field =
                dispute.value(Field::$kind, base.map(|it| &it.$field), both.map(|it| &it.$field), $same).clone();
        };
    }
    take!(subject, Subject, same_text);
    take!(location, Location, same_text);
    take!(sensitivity, Sensitivity, PartialEq::eq);
    take!(importance, Importance, PartialEq::eq);
    take!(status, Status, PartialEq::eq);
    take!(organizer, Organizer, same_person);
    take!(alarms, Alarms, |one, two| same_alarms(one, two));
    take!(url, Url, PartialEq::eq);
    take!(online_meeting, OnlineMeeting, PartialEq::eq);
    take!(no_counter, Counter, PartialEq::eq);
    merged.body = body(dispute, base, both);
    merged.busy = busy(dispute, base, both);
    merged.categories = dispute.set_of(
        Field::Categories,
        base.map(|it| &it.categories),
        both.map(|it| &it.categories),
        |category: &String| category.to_lowercase(),
    );
    merged.attendees = dispute.attendees(base, both);
    merged.attachments = dispute.set_of(
        Field::Attachments,
        base.map(|it| &it.attachments),
        both.map(|it| &it.attachments),
        |attachment| (attachment.name.clone(), attachment.content.hash()),
    );
    merged.extras = match dispute.judge.blind {
        blind if blind.source.contains(Field::Extras) => both.target.extras.clone(),
        blind if blind.target.contains(Field::Extras) => both.source.extras.clone(),
        _ => dispute.lines(base.map(|it| &it.extras), both.map(|it| &it.extras)),
    };
    merged.extra_components = dispute.set_of(
        Field::Extras,
        base.map(|it| &it.extra_components),
        both.map(|it| &it.extra_components),
        Clone::clone,
    );
    merged.sequence = both.source.sequence.max(both.target.sequence);
    merged.stamps = stamps(both);
    // Only the iCalendar side spells, and that is the target.
    let spelling = [Some(both.target), Some(both.source), base].into_iter().flatten().map(|it| &it.spelling);
    merged.spelling = spelling.into_iter().find(|lines| !lines.is_empty()).cloned().unwrap_or_default();
    merged
}

fn time(dispute: &mut Dispute, base: Option<&Details>, both: Both<&Details>) -> (When, When) {
    let of = |details: &Details| (details.start.clone(), details.end.clone());
    let (base, both) = (base.map(of), both.map(of));
    dispute.value(Field::Time, base.as_ref(), both.as_ref(), PartialEq::eq).clone()
}

fn same_text(one: &String, two: &String) -> bool {
    one == two || plain_text(one).trim() == plain_text(two).trim()
}

/// HTML that a side has not is not taken away by it, as long as the text stays.
fn body(dispute: &mut Dispute, base: Option<&Details>, both: Both<&Details>) -> Body {
    let of_base = base.map(|base| &base.body);
    let seen = |mine: &Body, other: &Body| {
        let fuller = of_base.unwrap_or(other);
        let only_text = mine.html.is_empty() && plain_text(&mine.text) == plain_text(&fuller.text);
        if only_text { fuller.clone() } else { mine.clone() }
    };
    let (source, target) = (&both.source.body, &both.target.body);
    // Where both have no HTML any more, there is none.
    if source.html.is_empty() && target.html.is_empty() {
        return dispute.value(Field::Body, of_base, Both::new(source, target), same_words).clone();
    }
    let seen = Both::new(seen(source, target), seen(target, source));
    dispute.value(Field::Body, of_base, seen.as_ref(), same_body).clone()
}

fn same_words(one: &Body, two: &Body) -> bool {
    plain_text(&one.text) == plain_text(&two.text)
}

fn same_body(one: &Body, two: &Body) -> bool {
    same_words(one, two) && plain_text(&one.html) == plain_text(&two.html)
}

fn same_person(one: &Option<Person>, two: &Option<Person>) -> bool {
    match (one, two) {
        (Some(one), Some(two)) => one.is(two) && (one.name == two.name || one.name.is_empty() || two.name.is_empty()),
        (one, two) => one.is_none() == two.is_none(),
    }
}

/// Snoozing and dismissing change no alarm.
fn same_alarms(one: &[Alarm], two: &[Alarm]) -> bool {
    let plain = |alarms: &[Alarm]| -> Vec<Alarm> {
        let mut alarms = alarms.to_vec();
        alarms.iter_mut().for_each(|alarm| alarm.extras.retain(|line| !is_ignored(line)));
        alarms
    };
    plain(one) == plain(two)
}

/// A side that says no more than "not free" has not changed which kind of not free it is.
fn busy(dispute: &mut Dispute, base: Option<&Details>, both: Both<&Details>) -> Busy {
    let shown = |details: &Details, other: &Details| {
        let known = base.map(Details::shown_busy).or_else(|| {
            // Without a base, the side that knows more tells it.
            (other.busy != Busy::Opaque).then(|| other.shown_busy())
        });
        match (details.busy, known) {
            (Busy::Opaque, Some(known)) if known != Busy::Free => known,
            _ => details.shown_busy(),
        }
    };
    let told = Both::new(shown(both.source, both.target), shown(both.target, both.source));
    let of_base = base.map(Details::shown_busy);
    let side = dispute.side(Field::Busy, of_base.as_ref(), told.as_ref(), PartialEq::eq);
    let still_opaque = both[Side::Source].busy == Busy::Opaque && both[Side::Target].busy == Busy::Opaque;
    if still_opaque && base.is_none_or(|base| base.busy == Busy::Opaque) { Busy::Opaque } else { told[side] }
}

fn stamps(both: Both<&Details>) -> Stamps {
    let latest = |of: fn(&Stamps) -> Option<Timestamp>| of(&both.source.stamps).max(of(&both.target.stamps));
    let created = [both.source.stamps.created, both.target.stamps.created].into_iter().flatten().min();
    Stamps { stamped: latest(|stamps| stamps.stamped), created, modified: latest(|stamps| stamps.modified) }
}
