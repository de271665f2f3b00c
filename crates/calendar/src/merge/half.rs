//! What an event says whose writing was stopped half way: as it was to be, with what people have changed of it since.
//!
//! A write goes from the master to its attachments and then from occurrence to occurrence, and a new rule takes every exception
//! away before the first of them is written again. So what a half event lacks says nothing; and what it shows as it was before
//! was not reached yet.

use super::details::merge_details;
use super::occurrences::{plain_occurrence, same_details};
use super::{Dispute, Judge, merge};
use crate::event::{Details, Event};
use jiff::civil::DateTime;
use parom_domain::{Both, Side};

/// `was`: what the event said before, if it was there.
#[must_use]
pub fn whole(half: &Event, was: Option<&Event>, wanted: &Event) -> Event {
    // Nobody but people has changed what is neither as it was nor as it was to be.
    let judge = Judge { organizer: None, later: Side::Source, blind: Both::default(), owner: &[] };
    let unwritten = unwritten(was, wanted);
    if half.master().is_none() || !is_same_series(half, wanted) {
        // Where the series is as it was, none of its occurrences was touched. Else a person has changed it.
        let untouched = was.filter(|was| is_same_series(half, was));
        return merge(untouched.or(Some(&unwritten)), Both::new(half, wanted), &judge).event;
    }
    let bare = |event: &Event| {
        let mut event = event.clone();
        (event.exceptions, event.deleted) = Default::default();
        event
    };
    let (base, source, target) = (bare(was.unwrap_or(&unwritten)), bare(half), bare(wanted));
    let mut event = merge(Some(&base), Both::new(&source, &target), &judge).event;
    let was = was.filter(|was| is_same_series(half, was));
    let mut keys: Vec<DateTime> =
        [half, wanted].into_iter().flat_map(|event| event.exceptions.keys().chain(&event.deleted).copied()).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let is_new = was.is_none_or(|was| !was.deleted.contains(&key));
        let plain = plain_occurrence(wanted, key);
        let before = was.map(|was| before(&judge, was, key, plain.as_ref())).unwrap_or_default();
        let is_untouched = |shown: &Details| before.iter().any(|before| same_details(shown, before));
        let shown = half.exceptions.get(&key).filter(|shown| !is_untouched(shown));
        match (shown, wanted.exceptions.get(&key)) {
            // Deleted by a person: it was not so before, and was not to be.
            _ if half.deleted.contains(&key) && is_new => _ = event.deleted.insert(key),
            (Some(shown), Some(wanted)) => {
                let bases = plain.iter().chain(&before);
                _ = event.exceptions.insert(key, occurrence(&judge, shown, bases, wanted));
            }
            (Some(shown), None) => _ = event.exceptions.insert(key, shown.clone()),
            (None, Some(wanted)) => _ = event.exceptions.insert(key, wanted.clone()),
            (None, None) if wanted.deleted.contains(&key) => _ = event.deleted.insert(key),
            (None, None) => {}
        }
    }
    event
}

/// An exception as it was, and as it is when what it had from its master is the new master's.
fn before(judge: &Judge<'_>, was: &Event, key: DateTime, plain: Option<&Details>) -> Vec<Details> {
    let Some(before) = was.exceptions.get(&key) else { return Vec::new() };
    let mut all = vec![before.clone()];
    if let (Some(old), Some(new)) = (plain_occurrence(was, key), plain) {
        all.push(merged(judge, &old, before, new));
        // Its files are its own on some servers.
        let new = Details { attachments: old.attachments.clone(), ..new.clone() };
        all.push(merged(judge, &old, before, &new));
    }
    all
}

/// Field by field: what is as it was, or as its master says, was not reached yet.
fn occurrence<'d>(
    judge: &Judge<'_>,
    shown: &Details,
    bases: impl Iterator<Item = &'d Details>,
    wanted: &Details,
) -> Details {
    if same_details(shown, wanted) {
        return wanted.clone();
    }
    bases.fold(shown.clone(), |details, base| merged(judge, base, &details, wanted))
}

fn merged(judge: &Judge<'_>, base: &Details, source: &Details, target: &Details) -> Details {
    let mut dispute = Dispute { judge, occurrence: None, lost: Vec::new() };
    merge_details(&mut dispute, Some(base), Both::new(source, target))
}

/// What was to be, before anything but the first step of it was written.
fn unwritten(was: Option<&Event>, wanted: &Event) -> Event {
    let mut event = wanted.clone();
    event.deleted.clear();
    if event.master().is_some() {
        event.exceptions.clear();
    }
    event.exceptions.values_mut().for_each(|details| details.attachments.clear());
    if let Some(master) = event.master_mut() {
        let before = was.and_then(Event::master).map(|master| master.attachments.clone());
        master.attachments = before.unwrap_or_default();
    }
    event
}

fn is_same_series(one: &Event, two: &Event) -> bool {
    let series = |event: &Event| (event.master().map(|master| master.start.clone()), event.recurrence.clone());
    series(one) == series(two)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::EventHash;

    fn event(title: &str, master: &str, exceptions: &[(u32, &str)]) -> Event {
        let at = |day: u32, hour: u32| format!("202603{day:02}T{hour:02}0000Z");
        let one = |head: &str, title: &str, day: u32, hour: u32, lines: &str| {
            format!(
                "BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n{head}DTSTART:{}\r\nDTEND:{}\r\nSUMMARY:{title}\r\n\
                 {lines}END:VEVENT\r\n",
                at(day, hour),
                at(day, hour + 1)
            )
        };
        let mut text = one("", title, 2, 10, &format!("RRULE:FREQ=DAILY;COUNT=6\r\n{master}"));
        for (day, lines) in exceptions {
            text += &one(&format!("RECURRENCE-ID:{}\r\n", at(*day, 10)), title, *day, 15, lines);
        }
        let text = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{text}END:VCALENDAR\r\n");
        crate::from_ical(text.as_bytes(), None).unwrap()
    }

    #[track_caller]
    fn assert_whole(half: &Event, was: Option<&Event>, wanted: &Event, whole_is: &Event) {
        assert_eq!(EventHash::of(&whole(half, was, wanted)), EventHash::of(whole_is));
    }

    const FILE: &str = "ATTACH;ENCODING=BASE64;VALUE=BINARY;FILENAME=a.txt:aGVsbG8=\r\n";
    const DELETED: &str = "EXDATE:20260303T100000Z\r\n";

    fn wanted() -> Event {
        event("new", &format!("{FILE}{DELETED}"), &[(5, "LOCATION:Attic\r\n"), (6, "")])
    }

    /// Every state that a write goes through.
    #[test]
    fn what_nobody_has_touched_is_what_it_was_to_be() {
        let made = [
            event("new", "", &[]),
            event("new", FILE, &[]),
            event("new", FILE, &[(5, "LOCATION:Attic\r\n")]),
            event("new", FILE, &[(5, "LOCATION:Attic\r\n"), (6, "")]),
            wanted(),
        ];
        for half in made {
            assert_whole(&half, None, &wanted(), &wanted());
        }
        let was = event("old", DELETED, &[(4, "LOCATION:Roof\r\n"), (5, "LOCATION:Cellar\r\n")]);
        let changed = [
            was.clone(),
            event("new", DELETED, &[(4, "LOCATION:Roof\r\n"), (5, "LOCATION:Cellar\r\n")]),
            event("new", "", &[]),
            event("new", FILE, &[(5, "LOCATION:Cellar\r\n")]),
            event("new", FILE, &[(5, "LOCATION:Attic\r\n")]),
            wanted(),
        ];
        for half in changed {
            assert_whole(&half, Some(&was), &wanted(), &wanted());
        }
    }

    #[test]
    fn what_people_have_changed_since_stays() {
        // Before the files and occurrences were written.
        let edited = event("theirs", "LOCATION:Hall\r\n", &[(4, "LOCATION:Yard\r\n")]);
        let both = event(
            "theirs",
            &format!("LOCATION:Hall\r\n{FILE}{DELETED}"),
            &[(4, "LOCATION:Yard\r\n"), (5, "LOCATION:Attic\r\n"), (6, "")],
        );
        let mut both = both;
        // Those of ours have our title.
        for (at, details) in &mut both.exceptions {
            if at.day() > 4 {
                details.subject = "new".to_owned();
            }
        }
        assert_whole(&edited, None, &wanted(), &both);
        // One of ours was edited, and another one deleted.
        let edited = event("new", "EXDATE:20260306T100000Z\r\n", &[(5, "LOCATION:Theirs\r\n")]);
        let both = event("new", &format!("{FILE}{DELETED}EXDATE:20260306T100000Z\r\n"), &[(5, "LOCATION:Theirs\r\n")]);
        assert_whole(&edited, None, &wanted(), &both);
    }

    #[test]
    fn a_rule_that_people_have_changed_keeps_the_occurrences_that_it_has() {
        let mut edited = event("new", "", &[]);
        let shorter = event("new", "", &[]).recurrence.map(|mut recurrence| {
            recurrence.rule = event("new", "", &[]).recurrence.and_then(|other| other.rule).map(|mut rule| {
                rule.interval = 3;
                rule
            });
            recurrence
        });
        edited.recurrence = shorter;
        let whole = whole(&edited, None, &wanted());
        assert_eq!(whole.recurrence, edited.recurrence);
        assert_eq!(whole.exceptions.len(), 1, "the fifth is one of them");
        assert_eq!(whole.master().unwrap().attachments.len(), 1);
    }
}
