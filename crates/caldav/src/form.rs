//! Between what a CalDAV server stores and the normal form.

use parom_calendar::{Event, EventHash, Scheduling, Unfit, Zone, canonical_uid, from_ical, to_ical};
use parom_domain::agenda::Form;
use parom_domain::{Error, Result};

/// A stored event.
pub struct Stored {
    pub form: Form,
    /// The UID as the server has it: it must not change in an update.
    pub uid: String,
    pub sequence: u32,
}

/// Reads what a server stores. What concerns delivery (SCHEDULE-AGENT and the like) is not in the form.
pub fn stored(text: &[u8], home: Option<&Zone>) -> Result<Stored, Unfit> {
    from_ical(text, home).map(Stored::of)
}

impl Stored {
    pub fn of(event: Event) -> Stored {
        let sequence = event.all_details().map(|details| details.sequence).max().unwrap_or_default();
        Stored { uid: event.uid.clone(), sequence, form: form(event) }
    }
}

/// The form of an event, under the canonical spelling of its UID.
pub fn form(mut event: Event) -> Form {
    event.uid = canonical_uid(&event.uid);
    let hash = EventHash::of(&event).to_bytes();
    let text = to_ical(&event, Scheduling::Server);
    Form { uid: event.uid, hash, text: text.into() }
}

/// # Errors
/// `Internal` for a text that is no form.
pub fn event(form: &Form) -> Result<Event> {
    from_ical(form.text.as_bytes(), None)
        .map_err(|unfit| Error::internal(format!("a normal form that cannot be read: {unfit}")))
}

/// What is sent to the server: nobody may be mailed because of it.
pub fn outgoing(event: &Event) -> String {
    to_ical(event, Scheduling::Suppressed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEETING: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:m1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260101T100000Z\r\nDTEND:20260101T110000Z\r\nSUMMARY:Встреча\r\nSEQUENCE:3\r\nORGANIZER:mailto:anna@corp.example\r\nATTENDEE:mailto:boris@corp.example\r\nATTENDEE;SCHEDULE-STATUS=1.2:mailto:clara@corp.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

    #[test]
    fn what_goes_out_is_silent_and_what_comes_in_says_nothing_of_it() {
        let first = stored(MEETING.as_bytes(), None).unwrap();
        assert_eq!((first.form.uid.as_str(), first.sequence), ("m1", 3));
        let sent = outgoing(&event(&first.form).unwrap());
        assert_eq!(sent.matches("SCHEDULE-AGENT=CLIENT").count(), 3, "organizer and both attendees");
        let again = stored(sent.as_bytes(), None).unwrap();
        assert_eq!(again.form.hash, first.form.hash);
        assert!(!again.form.text.contains("SCHEDULE-AGENT") && !first.form.text.contains("SCHEDULE-STATUS"));
    }

    #[test]
    fn one_event_has_one_form_however_its_uid_is_spelled() {
        let native = "040000008200E00074C5B7101A82E0080000000010D0A3B1C2D4DA010000000000000000100000000123456789ABCDEF0123456789ABCDEF";
        let of = |uid: &str| stored(MEETING.replace("UID:m1", &format!("UID:{uid}")).as_bytes(), None).unwrap();
        let (upper, lower) = (of(native), of(&native.to_lowercase()));
        assert_eq!(upper.form, lower.form);
        assert_eq!(lower.uid, native.to_lowercase());
        assert_eq!(event(&lower.form).unwrap().uid, upper.uid);
    }
}
