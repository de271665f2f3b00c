//! Compares the calendars of both sides event by event. The state is no evidence; it only explains what was found.

use parom_calendar::label;
use parom_domain::agenda::{Agenda, CalendarId, Handle, Label};
use parom_domain::events::EventLink;
use parom_domain::events::state::ParkedEvent;
use parom_domain::{Both, Result, Side};
use std::collections::{BTreeMap, HashMap};

/// What one side has.
#[derive(Debug, Default)]
pub struct Shelf {
    pub calendars: u64,
    pub events: u64,
    by_uid: BTreeMap<String, Vec<Seen>>,
    /// Events without a UID that we could read.
    unreadable: Vec<Unread>,
}

#[derive(Debug)]
struct Seen {
    calendar: String,
    handle: Handle,
    hash: [u8; 32],
    label: Label,
}

#[derive(Debug)]
struct Unread {
    calendar: String,
    handle: Handle,
    /// What the error calls it.
    uid: String,
    label: Label,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub kind: Kind,
    pub calendar: String,
    /// Empty where it is not known. Of what cannot be read it is what the side calls it.
    pub uid: String,
    pub label: Label,
    /// Parom knows of it: the event is parked, or the other side has no place for what differs.
    pub explained: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is missing on this side.
    Missing(Side),
    /// It is on this side several times.
    Doubled(Side),
    /// This side does not show it.
    Unreadable(Side),
    /// Both sides say something else.
    Differs,
}

#[derive(Debug, Default)]
pub struct Verdict {
    pub equal: u64,
    pub differences: Vec<Difference>,
}

impl Verdict {
    /// Those of which Parom does not know.
    pub fn unexplained(&self) -> impl Iterator<Item = &Difference> {
        self.differences.iter().filter(|difference| !difference.explained)
    }
}

/// Reads everything that a side has. `step` hears how many events were read.
pub async fn take(agenda: &dyn Agenda, step: &(dyn Fn(u64) + Sync)) -> Result<Shelf> {
    let (calendars, abilities) = agenda.calendars().await?;
    let mut shelf = Shelf { calendars: calendars.len() as u64, ..Shelf::default() };
    for calendar in calendars {
        let listed = agenda.observe(&calendar.id, None).await?.present;
        let handles: Vec<Handle> = listed.into_iter().map(|seen| seen.handle).collect();
        for some in handles.chunks(abilities.batch_items.max(1)) {
            read(agenda, (&calendar.id, &calendar.name), some, &mut shelf).await?;
            step(some.len() as u64);
        }
    }
    Ok(shelf)
}

async fn read(
    agenda: &dyn Agenda,
    (calendar, name): (&CalendarId, &str),
    handles: &[Handle],
    shelf: &mut Shelf,
) -> Result<()> {
    for read in agenda.read(calendar, handles).await? {
        shelf.events += 1;
        match read.form {
            Ok(form) => {
                // The text is not kept: there are many.
                let label = label::of_broken(form.text.as_bytes());
                let seen = Seen { calendar: name.to_owned(), handle: read.handle, hash: form.hash, label };
                shelf.by_uid.entry(form.uid).or_default().push(seen);
            }
            Err(error) => {
                let arg = |name: &str| error.arg(name).map(str::to_owned);
                let label = Label { title: arg(Label::TITLE), day: arg(Label::DAY) };
                let uid = arg("uid").unwrap_or_default();
                shelf.unreadable.push(Unread { calendar: name.to_owned(), handle: read.handle, uid, label });
            }
        }
    }
    Ok(())
}

/// What differs, in the order of the UIDs; what cannot be read comes last.
#[must_use]
pub fn compare(shelves: &Both<Shelf>, parked: &[ParkedEvent], links: &[EventLink]) -> Verdict {
    let mut verdict = Verdict::default();
    let is_parked = |side: Side, handle: &Handle| parked.iter().any(|it| it.side == side && it.handle == *handle);
    let links: HashMap<&str, &EventLink> = links.iter().map(|link| (link.uid.as_str(), link)).collect();
    let uids = shelves.source.by_uid.keys().chain(shelves.target.by_uid.keys());
    for uid in uids.collect::<std::collections::BTreeSet<_>>() {
        let seen = shelves.as_ref().map(|shelf| shelf.by_uid.get(uid).map_or(&[][..], Vec::as_slice));
        let note = |kind, at: &Seen, explained| Difference {
            kind,
            calendar: at.calendar.clone(),
            uid: uid.clone(),
            label: at.label.clone(),
            explained,
        };
        let link = links.get(uid.as_str());
        // As it was when both agreed, or changed where that is not carried.
        let is_known = |side: Side, seen: &Seen| {
            let end = link.and_then(|link| link.ends[side].as_ref()).filter(|end| end.handle == seen.handle);
            end.is_some_and(|end| end.hash == seen.hash || end.is_own())
        };
        // Put aside, or deleted on the other side where deletions are not carried.
        let stays = |side: Side, seen: &Seen| {
            let is_asleep = link.is_some_and(|link| link.asleep == Some(side.other()));
            is_parked(side, &seen.handle) || is_asleep && is_known(side, seen)
        };
        let mut found = Vec::new();
        for side in Side::ALL {
            for more in seen[side].iter().skip(1) {
                let explained = seen[side].iter().any(|one| is_parked(side, &one.handle));
                found.push(note(Kind::Doubled(side), more, explained));
            }
        }
        match (seen.source.first(), seen.target.first()) {
            (Some(source), Some(target)) if source.hash == target.hash => {}
            (Some(source), Some(target)) => {
                let parked = is_parked(Side::Source, &source.handle) || is_parked(Side::Target, &target.handle);
                let is_known = is_known(Side::Source, source) && is_known(Side::Target, target);
                found.push(note(Kind::Differs, source, parked || is_known));
            }
            (Some(one), None) => found.push(note(Kind::Missing(Side::Target), one, stays(Side::Source, one))),
            (None, Some(one)) => found.push(note(Kind::Missing(Side::Source), one, stays(Side::Target, one))),
            (None, None) => {}
        }
        verdict.equal += u64::from(found.is_empty());
        verdict.differences.append(&mut found);
    }
    for side in Side::ALL {
        verdict.differences.extend(shelves[side].unreadable.iter().map(|one| Difference {
            kind: Kind::Unreadable(side),
            calendar: one.calendar.clone(),
            uid: one.uid.clone(),
            label: one.label.clone(),
            explained: is_parked(side, &one.handle),
        }));
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
    use parom_domain::events::{CalendarNumber, End, EventNumber};

    fn shelf(events: &[(&str, &str, u8)]) -> Shelf {
        let mut shelf = Shelf::default();
        for (uid, handle, hash) in events {
            let label = Label { title: Some(format!("title of {handle}")), day: None };
            let (calendar, handle) = ("Work".to_owned(), Handle((*handle).into()));
            let seen = Seen { calendar, handle, hash: [*hash; 32], label };
            shelf.by_uid.entry((*uid).to_owned()).or_default().push(seen);
        }
        shelf
    }

    #[test]
    fn every_kind_of_difference_is_found_and_explained_by_what_is_known() {
        let mut shelves = Both::new(
            shelf(&[("a", "a", 1), ("b", "b", 1), ("c", "c", 1), ("d", "d", 1), ("e", "e", 1), ("e", "e2", 1)]),
            shelf(&[("a", "/a", 1), ("b", "/b", 2), ("c", "/c", 2), ("e", "/e", 1), ("f", "/f", 1)]),
        );
        let unread = (String::new(), Label { title: Some("title of /x".to_owned()), day: None });
        let (calendar, handle) = ("Work".to_owned(), Handle("/x".into()));
        shelves.target.unreadable.push(Unread { calendar, handle, uid: unread.0, label: unread.1 });
        let parked = |side, handle: &str| ParkedEvent {
            calendar: CalendarNumber(0),
            side,
            handle: Handle(handle.into()),
            version: None,
            uid: None,
            code: String::new(),
            args: Vec::new(),
            since_ms: 0,
            until_ms: None,
        };
        let end = |handle: &str, hash| End {
            calendar: CalendarNumber(0),
            handle: Handle(handle.into()),
            version: None,
            hash: [hash; 32],
        };
        let link = EventLink {
            number: EventNumber(0),
            uid: "c".to_owned(),
            calendar: CalendarNumber(0),
            ends: Both::new(Some(end("c", 1)), Some(end("/c", 2))),
            base: [0; 32],
            brought: None,
            asleep: None,
            writes: Vec::new(),
        };
        let own = End { hash: End::OWN, ..end("/b", 0) };
        let changed = EventLink { uid: "b".to_owned(), ends: Both::new(Some(end("b", 1)), Some(own)), ..link.clone() };
        let asleep = EventLink {
            uid: "f".to_owned(),
            ends: Both::new(None, Some(end("/f", 1))),
            asleep: Some(Side::Source),
            ..link.clone()
        };
        let known = compare(&shelves, &[], &[changed, asleep]);
        let known = known.differences.iter().filter(|it| it.explained).map(|it| it.uid.as_str());
        assert_eq!(known.collect::<Vec<_>>(), ["b", "f"]);
        let verdict = compare(&shelves, &[parked(Side::Source, "d"), parked(Side::Target, "/x")], &[link]);
        let told: Vec<_> = verdict.differences.iter().map(|it| (it.uid.as_str(), it.kind, it.explained)).collect();
        assert_eq!(
            told,
            [
                ("b", Kind::Differs, false),
                ("c", Kind::Differs, true),
                ("d", Kind::Missing(Side::Target), true),
                ("e", Kind::Doubled(Side::Source), false),
                ("f", Kind::Missing(Side::Source), false),
                ("", Kind::Unreadable(Side::Target), true),
            ]
        );
        assert_eq!((verdict.equal, verdict.unexplained().count()), (1, 3));
        let titles: Vec<_> = verdict.differences.iter().filter_map(|it| it.label.title.as_deref()).collect();
        assert_eq!(titles, ["b", "c", "d", "e2", "/f", "/x"].map(|handle| format!("title of {handle}")));
    }
}
