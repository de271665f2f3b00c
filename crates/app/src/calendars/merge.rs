//! The three-way merge of events, as the engine asks for it.

use parom_calendar::label::{label, of_broken};
use parom_calendar::merge::{Judge, merge, whole};
use parom_calendar::{Event, EventHash, Scheduling, from_ical, to_ical};
use parom_domain::agenda::{Form, Label, Merge, Merged};
use parom_domain::{Both, Error, Result, Side};
use std::collections::HashMap;

/// Merges the events of one domain's people.
pub struct EventMerge {
    /// Where people of other domains work, by domain.
    pub homes: HashMap<String, Side>,
    /// Where everybody else's changes come in: where the account works.
    pub home: Side,
    /// The addresses of the account, whose own answers are no business of an organizer's.
    pub owner: Vec<String>,
}

impl EventMerge {
    /// The side on which the organizer works. An invitation's changes come in by mail, so for a stranger it is the side that gets
    /// the owner's mail.
    fn organizer(&self, both: Both<&Event>) -> Option<Side> {
        let details = both.source.all_details().chain(both.target.all_details());
        let address = details.filter_map(|details| details.organizer.as_ref()).next()?.address.to_lowercase();
        let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
        Some(self.homes.get(domain).copied().unwrap_or(self.home))
    }
}

impl Merge for EventMerge {
    fn merge(&self, base: Option<&Form>, forms: Both<&Form>) -> Result<Merged> {
        let base = base.map(event).transpose()?;
        let events = Both::new(event(forms.source)?, event(forms.target)?);
        let judge = Judge::of(events.as_ref(), self.organizer(events.as_ref()));
        let judge = Judge { owner: &self.owner, ..judge };
        let merged = merge(base.as_ref(), events.as_ref(), &judge);
        Ok(Merged { form: form(&merged.event), lost: merged.lost.first().map(|loss| loss.side) })
    }

    fn whole(&self, half: &Form, was: Option<&Form>, wanted: &Form) -> Result<Form> {
        let was = was.map(event).transpose()?;
        Ok(form(&whole(&event(half)?, was.as_ref(), &event(wanted)?)))
    }

    fn label(&self, text: &str) -> Option<Label> {
        Some(label_of(text)).filter(|label| *label != Label::default())
    }
}

/// By what people know the event of a normal form.
pub fn label_of(text: &str) -> Label {
    from_ical(text.as_bytes(), None).map_or_else(|_| of_broken(text.as_bytes()), |event| label(&event))
}

fn form(event: &Event) -> Form {
    Form {
        uid: event.uid.clone(),
        hash: EventHash::of(event).to_bytes(),
        text: to_ical(event, Scheduling::Server).into(),
    }
}

fn event(form: &Form) -> Result<Event> {
    from_ical(form.text.as_bytes(), None)
        .map_err(|unfit| Error::internal(format!("a normal form that cannot be read: {unfit}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(change: &str, organizer: &str) -> Form {
        let text = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n\
             DTSTART:20260302T100000Z\r\nDTEND:20260302T113000Z\r\n{organizer}{change}END:VEVENT\r\nEND:VCALENDAR\r\n"
        );
        let event = from_ical(text.as_bytes(), None).unwrap();
        Form {
            uid: event.uid.clone(),
            hash: EventHash::of(&event).to_bytes(),
            text: to_ical(&event, Scheduling::Server).into(),
        }
    }

    #[test]
    fn different_fields_merge_and_the_organizers_side_wins_the_same_one() {
        let homes = HashMap::from([("new.example".to_owned(), Side::Target)]);
        let merge = EventMerge { homes, home: Side::Source, owner: Vec::new() };
        let base = form("SUMMARY:x\r\nLOCATION:1\r\n", "");
        let both = (form("SUMMARY:y\r\nLOCATION:1\r\n", ""), form("SUMMARY:x\r\nLOCATION:2\r\n", ""));
        let merged = merge.merge(Some(&base), Both::new(&both.0, &both.1)).unwrap();
        assert_eq!(merged.lost, None);
        assert_eq!(merged.form, form("SUMMARY:y\r\nLOCATION:2\r\n", ""));
        for (organizer, lost) in [("a@old.example", Side::Target), ("a@new.example", Side::Source)] {
            let organizer = format!("ORGANIZER:mailto:{organizer}\r\n");
            let of = |place: &str| form(&format!("LOCATION:{place}\r\n"), &organizer);
            let merged = merge.merge(Some(&of("1")), Both::new(&of("2"), &of("3"))).unwrap();
            assert_eq!(merged.lost, Some(lost), "{organizer}");
        }
    }

    #[test]
    fn who_answered_on_the_phone_has_answered_whatever_the_organizers_side_says() {
        let merge =
            EventMerge { homes: HashMap::new(), home: Side::Source, owner: vec!["anna@corp.example".to_owned()] };
        let answered = |answer: &str| {
            let attendee = format!("ATTENDEE;PARTSTAT={answer}:mailto:Anna@corp.example\r\n");
            form(&attendee, "ORGANIZER:mailto:boss@old.example\r\nLAST-MODIFIED:20260101T000000Z\r\n")
        };
        let (base, source, target) = (answered("NEEDS-ACTION"), answered("TENTATIVE"), answered("ACCEPTED"));
        let merged = merge.merge(Some(&base), Both::new(&base, &target)).unwrap();
        assert_eq!((merged.form, merged.lost), (target.clone(), None));
        // Nothing was agreed on yet: an answer is more than none.
        let merged = merge.merge(None, Both::new(&base, &target)).unwrap();
        assert_eq!((merged.form, merged.lost), (target.clone(), None));
        let merged = merge.merge(Some(&base), Both::new(&source, &target)).unwrap();
        assert_eq!(
            (merged.form, merged.lost),
            (source, Some(Side::Target)),
            "by equal clocks Exchange counts as later"
        );
    }
}
