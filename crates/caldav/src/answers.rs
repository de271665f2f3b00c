//! Would an invited person be heard answering, where the server answers by itself whatever is asked of it?
//!
//! SOGo 5.8 heeds SCHEDULE-AGENT of an organizer and of a new event only. Whatever else changes the answer of the calendars'
//! owner, there or for one occurrence, or takes an event or an occurrence away that they have not declined, it mails to the
//! organizer (measured; `SOGoAppointmentSendEMailNotifications = YES`).

use crate::silence::plain;
use parom_calendar::Event;
use parom_calendar::event::{Answer, Details};
use std::collections::BTreeMap;

/// The organizer who would hear it if `now` were replaced by `after`, or removed for `None`. `addresses` are the owner's; where
/// they are not known, everybody may be the owner.
#[must_use]
pub fn heard_by(addresses: &[String], now: &Event, after: Option<&Event>) -> Option<String> {
    let own = Own { addresses };
    let organizer = now.all_details().chain(after.into_iter().flat_map(Event::all_details));
    let organizer = organizer.filter(|details| !own.answers(details).is_empty());
    let organizer = organizer.filter_map(|details| details.organizer.as_ref()).map(|it| it.address.clone()).next()?;
    let is_silent = match after {
        // The server looks at the series, not at its occurrences.
        None => now.master().map_or_else(|| own.declined(now), |master| own.declines(master)),
        Some(after) => own.declined(now) && own.declined(after) || own.says_the_same(now, after),
    };
    (!is_silent).then_some(organizer)
}

struct Own<'a> {
    addresses: &'a [String],
}

impl Own<'_> {
    /// What the owner says as somebody who was invited.
    fn answers(&self, details: &Details) -> BTreeMap<String, Answer> {
        let Some(organizer) = details.organizer.as_ref().map(|it| plain(&it.address)) else { return BTreeMap::new() };
        if self.addresses.contains(&organizer) {
            return BTreeMap::new();
        }
        let answers = details.attendees.iter().map(|it| (plain(&it.person.address), it.answer));
        let is_own =
            |address: &String| self.addresses.contains(address) || self.addresses.is_empty() && *address != organizer;
        answers.filter(|(address, _)| is_own(address)).collect()
    }

    fn declines(&self, details: &Details) -> bool {
        let answers = self.answers(details);
        !answers.is_empty() && answers.values().all(|answer| *answer == Answer::Declined)
    }

    /// All of it is declined.
    fn declined(&self, event: &Event) -> bool {
        event.all_details().all(|details| self.declines(details))
    }

    /// No answer is another one, and no occurrence goes or comes back.
    fn says_the_same(&self, now: &Event, after: &Event) -> bool {
        let master = |event: &Event| event.master().map(|details| self.answers(details)).unwrap_or_default();
        let said = master(now);
        let same = |(at, details): (_, &Details)| {
            let before = now.exceptions.get(at).map_or_else(|| said.clone(), |before| self.answers(before));
            before == self.answers(details)
        };
        said == master(after)
            && now.deleted == after.deleted
            && now.exceptions.keys().all(|at| after.exceptions.contains_key(at))
            && after.exceptions.iter().all(same)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parom_calendar::from_ical;

    fn invited(lines: &str, answer: &str, more: &str) -> Event {
        let people = |answer: &str| {
            format!("ORGANIZER:mailto:Out@x\r\nATTENDEE;PARTSTAT={answer}:mailto:Anna@x\r\nATTENDEE:mailto:boris@x\r\n")
        };
        let text = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20260105T100000Z\r\n{lines}{}END:VEVENT\r\n{}\
             END:VCALENDAR\r\n",
            people(answer),
            if more.is_empty() {
                String::new()
            } else {
                format!(
                    "BEGIN:VEVENT\r\nUID:1\r\nRECURRENCE-ID:20260112T100000Z\r\nDTSTART:20260112T120000Z\r\n{}END:VEVENT\r\n",
                    people(more)
                )
            }
        );
        from_ical(text.as_bytes(), None).unwrap()
    }

    /// Each line was measured at SOGo 5.8: no mail, or one to the organizer.
    #[test]
    fn an_organizer_hears_of_other_answers_and_of_what_goes() {
        let rule = "RRULE:FREQ=WEEKLY;COUNT=4\r\n";
        let without = "RRULE:FREQ=WEEKLY;COUNT=4\r\nEXDATE:20260112T100000Z\r\n";
        let one = |answer| invited("", answer, "");
        let all = |lines, answer, more| invited(lines, answer, more);
        let table: [(&str, Event, Option<Event>, bool); 19] = [
            ("another title", one("ACCEPTED"), Some(invited("SUMMARY:b\r\n", "ACCEPTED", "")), false),
            ("accepts", one("NEEDS-ACTION"), Some(one("ACCEPTED")), true),
            ("declines", one("NEEDS-ACTION"), Some(one("DECLINED")), true),
            ("takes it back", one("ACCEPTED"), Some(one("NEEDS-ACTION")), true),
            ("deletes", one("ACCEPTED"), None, true),
            ("deletes unanswered", one("NEEDS-ACTION"), None, true),
            ("deletes what was declined", one("DECLINED"), None, false),
            ("one is another", all(rule, "ACCEPTED", ""), Some(all(rule, "ACCEPTED", "ACCEPTED")), false),
            ("one is another still", all(rule, "ACCEPTED", "ACCEPTED"), Some(all(rule, "ACCEPTED", "ACCEPTED")), false),
            ("declines one", all(rule, "ACCEPTED", ""), Some(all(rule, "ACCEPTED", "DECLINED")), true),
            ("accepts one", all(rule, "DECLINED", ""), Some(all(rule, "DECLINED", "ACCEPTED")), true),
            ("one is as all", all(rule, "ACCEPTED", "DECLINED"), Some(all(rule, "ACCEPTED", "")), true),
            ("deletes one", all(rule, "ACCEPTED", ""), Some(all(without, "ACCEPTED", "")), true),
            ("one comes back", all(without, "ACCEPTED", ""), Some(all(rule, "ACCEPTED", "")), true),
            ("fewer", all(rule, "ACCEPTED", ""), Some(all("RRULE:FREQ=WEEKLY;COUNT=2\r\n", "ACCEPTED", "")), false),
            ("deletes one of declined", all(rule, "DECLINED", ""), Some(all(without, "DECLINED", "")), false),
            ("one as all, declined", all(rule, "DECLINED", "DECLINED"), Some(all(rule, "DECLINED", "")), false),
            ("deletes all", all(rule, "ACCEPTED", "DECLINED"), None, true),
            ("deletes all declined", all(rule, "DECLINED", "DECLINED"), None, false),
        ];
        let owner = ["anna@x".to_owned()];
        for (name, now, after, heard) in table {
            let told = heard_by(&owner, &now, after.as_ref());
            assert_eq!(told.as_deref(), heard.then_some("Out@x"), "{name}");
        }
    }

    #[test]
    fn nobody_answers_an_own_meeting_or_one_of_others() {
        let now = invited("", "NEEDS-ACTION", "");
        assert_eq!(heard_by(&["out@x".to_owned()], &now, None), None);
        assert_eq!(heard_by(&["clara@x".to_owned()], &now, None), None);
        assert_eq!(heard_by(&[], &now, None).as_deref(), Some("Out@x"));
    }
}
