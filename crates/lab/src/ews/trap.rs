//! The trap: what would have been sent to people, and what arrives at those who have a mailbox here.

use super::goid;
use super::item::{Item, Person};
use super::store::State;
use super::xml::{t, tt};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutgoingKind {
    /// An invitation, or a change of one.
    Request,
    Cancellation,
    Response,
    /// Ordinary mail.
    Message,
}

/// A message to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    pub from: String,
    pub to: Vec<String>,
    pub kind: OutgoingKind,
    pub subject: String,
    /// The operation that sent it.
    pub operation: String,
}

/// What is to be sent, and to whom.
pub struct Letter<'a> {
    pub kind: OutgoingKind,
    /// The operation that sends it.
    pub operation: &'a str,
    pub to: Vec<String>,
    /// A copy stays in Sent Items.
    pub saves_copy: bool,
}

impl State {
    /// Sends a message about an event, and leaves a copy with its sender where asked.
    pub fn send(&mut self, mailbox: u32, event: &Item, letter: Letter<'_>, now_s: i64) {
        let Letter { kind, operation, to, saves_copy } = letter;
        let Some(sender) = self.mailbox(mailbox) else { return };
        let person = Person { name: sender.user.name.clone(), address: sender.user.address.clone() };
        let sent_items = sender.standard_number("sentitems");
        let subject = event.part.text("Subject").unwrap_or_default().to_owned();
        let (class, word) = match kind {
            OutgoingKind::Request => ("IPM.Schedule.Meeting.Request", ""),
            OutgoingKind::Cancellation => ("IPM.Schedule.Meeting.Canceled", "Canceled: "),
            OutgoingKind::Response => (
                match event.my_response.as_str() {
                    "Tentative" => "IPM.Schedule.Meeting.Resp.Tent",
                    "Decline" => "IPM.Schedule.Meeting.Resp.Neg",
                    _ => "IPM.Schedule.Meeting.Resp.Pos",
                },
                "",
            ),
            OutgoingKind::Message => ("IPM.Note", ""),
        };
        let subject = format!("{word}{subject}");
        let mut message = Item { class: class.to_owned(), series: None, ..event.clone() };
        message.part.fields.insert("Subject", tt("Subject", &subject));
        message.part.attachments.clear();
        if saves_copy {
            message.folder = sent_items;
            self.put(mailbox, message.clone(), now_s);
        }
        for address in &to {
            let Some(receiver) = self.at(address) else { continue };
            let (number, inbox) = (receiver.number, receiver.standard_number("inbox"));
            message.folder = inbox;
            self.put(number, message.clone(), now_s);
            match kind {
                OutgoingKind::Request => self.deliver(number, event, &person, now_s),
                OutgoingKind::Cancellation => self.cancel(number, event, now_s),
                OutgoingKind::Response => self.answer(number, event, &person, now_s),
                OutgoingKind::Message => {}
            }
        }
        let operation = operation.to_owned();
        self.outgoing.push(Outgoing { from: person.address, to, kind, subject, operation });
    }

    /// The calendar attendant puts an invitation into the calendar, tentatively; a later one brings the event up to date.
    pub fn deliver(&mut self, mailbox: u32, event: &Item, organizer: &Person, now_s: i64) {
        let Some(place) = self.mailbox(mailbox) else { return };
        let calendar = place.standard_number("calendar");
        if let Some(number) = same(place.items.values(), event) {
            self.touch(mailbox, number, now_s, |item| {
                let reminders = ["ReminderIsSet", "ReminderMinutesBeforeStart", "LegacyFreeBusyStatus", "Categories"];
                let own: Vec<_> = reminders.iter().filter_map(|name| item.part.fields.remove_entry(name)).collect();
                item.part = event.part.clone();
                item.part.fields.extend(own);
                item.series.clone_from(&event.series);
                item.sequence = event.sequence;
                item.stamp_s = now_s;
            });
            return;
        }
        let mut copy = event.clone();
        copy.folder = calendar;
        copy.organizer = organizer.clone();
        copy.is_received = true;
        copy.request_was_sent = true;
        copy.replied_s = None;
        copy.my_response = "NoResponseReceived".to_owned();
        copy.part.fields.remove("Categories");
        copy.part.fields.insert("LegacyFreeBusyStatus", tt("LegacyFreeBusyStatus", "Tentative"));
        self.put(mailbox, copy, now_s);
    }

    fn cancel(&mut self, mailbox: u32, event: &Item, now_s: i64) {
        let Some(place) = self.mailbox(mailbox) else { return };
        let Some(number) = same(place.items.values(), event) else { return };
        self.touch(mailbox, number, now_s, |item| {
            item.is_cancelled = true;
            let subject = format!("Canceled: {}", item.part.text("Subject").unwrap_or_default());
            item.part.fields.insert("Subject", tt("Subject", subject));
            item.part.fields.insert("LegacyFreeBusyStatus", tt("LegacyFreeBusyStatus", "Free"));
        });
    }

    /// The organizer's event notes who answered what.
    fn answer(&mut self, mailbox: u32, event: &Item, who: &Person, now_s: i64) {
        let Some(place) = self.mailbox(mailbox) else { return };
        let Some(number) = same(place.items.values(), event) else { return };
        let response = event.my_response.clone();
        self.touch(mailbox, number, now_s, |item| {
            for list in ["RequiredAttendees", "OptionalAttendees", "Resources"] {
                let Some(list) = item.part.fields.get_mut(list) else { continue };
                for attendee in &mut list.children {
                    let mailbox = attendee.children.first().cloned();
                    let address = mailbox.as_ref().and_then(|mailbox| mailbox.text_of("EmailAddress"));
                    if address.is_some_and(|address| address.eq_ignore_ascii_case(&who.address)) {
                        *attendee = t("Attendee")
                            .with_all(mailbox)
                            .with(tt("ResponseType", &response))
                            .with(tt("LastResponseTime", super::time::written_utc(now_s)));
                    }
                }
            }
        });
    }
}

/// The event of the same GlobalObjectId.
fn same<'a>(mut items: impl Iterator<Item = &'a Item>, event: &Item) -> Option<u64> {
    debug_assert!(!event.goid.is_empty() && !goid::uid(&event.goid).is_empty());
    items
        .find(|item| item.is_event() && item.goid == event.goid && item.goid_day == event.goid_day)
        .map(|item| item.number)
}
