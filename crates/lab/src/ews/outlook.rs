//! A person at Outlook: who makes, changes and deletes events while a client of EWS looks on.

use super::draft::Draft;
use super::item::{Item, Seen};
use super::paths;
use super::recurrence::Recurrence;
use super::site::{Site, now_s};
use super::time::{self, Date};
use super::trap::{Letter, OutgoingKind};
use super::version::Level;
use super::xml::{Element, Ns, t, tt};
use super::zones::Zone;
use std::sync::Arc;

/// An event as a person sees it. Times are local in `zone`, as in `2024-03-01T12:00:00`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Given by the server when the event is made without.
    pub uid: String,
    pub subject: String,
    pub body: String,
    pub body_is_html: bool,
    pub location: String,
    pub start: String,
    pub end: String,
    /// A Windows id.
    pub zone: String,
    pub is_all_day: bool,
    /// `Free`, `Tentative`, `Busy`, `OOF`, `WorkingElsewhere`.
    pub busy: String,
    /// `Normal`, `Personal`, `Private`, `Confidential`.
    pub sensitivity: String,
    /// `Low`, `Normal`, `High`.
    pub importance: String,
    pub categories: Vec<String>,
    pub reminder_min: Option<u32>,
    pub required: Vec<String>,
    pub optional: Vec<String>,
    pub resources: Vec<String>,
    /// The pattern and the range, in EWS's XML without prefixes; see [`Event::daily`].
    pub recurrence: Option<String>,
    /// `Organizer`, `Accept`, ... Only read.
    pub my_response: String,
    /// The address. Only read.
    pub organizer: String,
    /// Names and contents in base64. Only read; see [`Outlook::attach`].
    pub attachments: Vec<(String, String)>,
    /// Of PublicStrings, names and values. Only read.
    pub strings: Vec<(String, String)>,
}

impl Event {
    /// A plain event in Moscow's time.
    #[must_use]
    pub fn at(subject: &str, start: &str, end: &str) -> Event {
        Event {
            subject: subject.to_owned(),
            start: start.to_owned(),
            end: end.to_owned(),
            zone: "Russian Standard Time".to_owned(),
            busy: "Busy".to_owned(),
            sensitivity: "Normal".to_owned(),
            importance: "Normal".to_owned(),
            ..Event::default()
        }
    }

    /// Every day, so many times.
    #[must_use]
    pub fn daily(mut self, count: u32) -> Event {
        let day = self.start.get(..10).unwrap_or_default();
        self.recurrence = Some(format!(
            "<DailyRecurrence><Interval>1</Interval></DailyRecurrence><NumberedRecurrence><StartDate>{day}</StartDate>\
             <NumberOfOccurrences>{count}</NumberOfOccurrences></NumberedRecurrence>"
        ));
        self
    }

    /// Every week on these days ("Monday Friday"), without end.
    #[must_use]
    pub fn weekly(mut self, days: &str) -> Event {
        let day = self.start.get(..10).unwrap_or_default();
        self.recurrence = Some(format!(
            "<WeeklyRecurrence><Interval>1</Interval><DaysOfWeek>{days}</DaysOfWeek><FirstDayOfWeek>Monday</FirstDayOfWeek>\
             </WeeklyRecurrence><NoEndRecurrence><StartDate>{day}</StartDate></NoEndRecurrence>"
        ));
        self
    }
}

/// An item of a mailbox. It is another after a move.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventId(u64);

/// The response code of what was refused.
pub type Refused = &'static str;

pub struct Outlook {
    pub(super) site: Arc<Site>,
    pub(super) mailbox: u32,
}

const GONE: Refused = "ErrorItemNotFound";
const NO_FOLDER: Refused = "ErrorFolderNotFound";

impl Outlook {
    /// Makes an event in the calendar. Nobody is invited; see `send`.
    pub fn add(&self, event: &Event) -> Result<EventId, Refused> {
        self.put("calendar", event)
    }

    /// Makes an event in the calendar of this name.
    pub fn add_to(&self, calendar: &str, event: &Event) -> Result<EventId, Refused> {
        self.put(calendar, event)
    }

    fn put(&self, folder: &str, event: &Event) -> Result<EventId, Refused> {
        let mut state = self.site.state();
        let folder = self.folder_in(&state, folder)?;
        let wanted = t("CalendarItem").with_all(parts(event).into_iter().filter_map(|(_, element)| element));
        let draft = Draft::of_new(&wanted, Level::V2016, &state.switches).map_err(|refused| refused.code)?;
        let made = state.new_event(self.mailbox, folder, draft, &zone(event)?, now_s());
        let number = state.put(self.mailbox, made.map_err(|refused| refused.code)?, now_s());
        drop(state);
        self.site.ring();
        Ok(EventId(number))
    }

    fn folder_in(&self, state: &super::store::State, name: &str) -> Result<u64, Refused> {
        let mailbox = state.mailbox(self.mailbox).ok_or(NO_FOLDER)?;
        let named = mailbox.folders.values().find(|folder| folder.name == name);
        mailbox.standard(name).or(named).map(|folder| folder.number).ok_or(NO_FOLDER)
    }

    pub fn read(&self, id: &EventId) -> Result<Event, Refused> {
        let state = self.site.state();
        let item = state.item(self.mailbox, id.0).ok_or(GONE)?;
        Ok(shown(&Seen::whole(item)))
    }

    /// The events and series of the calendar.
    #[must_use]
    pub fn events(&self) -> Vec<(EventId, Event)> {
        self.events_in("calendar")
    }

    /// Those in a folder, by its distinguished id (`deleteditems`) or its name.
    #[must_use]
    pub fn events_in(&self, folder: &str) -> Vec<(EventId, Event)> {
        let state = self.site.state();
        let Ok(number) = self.folder_in(&state, folder) else { return Vec::new() };
        let items = state.mailbox(self.mailbox).into_iter().flat_map(|mailbox| mailbox.items.values());
        let events = items.filter(|item| item.folder == number && item.is_event());
        events.map(|item| (EventId(item.number), shown(&Seen::whole(item)))).collect()
    }

    /// All items of a folder, whatever they are.
    #[must_use]
    pub fn count(&self, folder: &str) -> usize {
        let state = self.site.state();
        let Ok(number) = self.folder_in(&state, folder) else { return 0 };
        let items = state.mailbox(self.mailbox).into_iter().flat_map(|mailbox| mailbox.items.values());
        items.filter(|item| item.folder == number).count()
    }

    /// Changes what the closure changes.
    pub fn edit(&self, id: &EventId, change: impl FnOnce(&mut Event)) -> Result<(), Refused> {
        let mut state = self.site.state();
        let before = shown(&Seen::whole(state.item(self.mailbox, id.0).ok_or(GONE)?));
        let mut after = before.clone();
        change(&mut after);
        let draft = difference(&before, &after, &state.switches)?;
        let changed = state.change_event(self.mailbox, id.0, &draft, &zone(&after)?, now_s());
        drop(state);
        self.site.ring();
        changed.map_err(|refused| refused.code)
    }

    /// The occurrence that was meant for this local day ("2024-03-01").
    pub fn read_occurrence(&self, id: &EventId, day: &str) -> Result<Event, Refused> {
        let state = self.site.state();
        let item = state.item(self.mailbox, id.0).ok_or(GONE)?;
        let occurrence = item.occurrence(number(day)?).ok_or(GONE)?;
        Ok(shown(&Seen::one(item, occurrence)))
    }

    pub fn edit_occurrence(&self, id: &EventId, day: &str, change: impl FnOnce(&mut Event)) -> Result<(), Refused> {
        let before = self.read_occurrence(id, day)?;
        let mut after = before.clone();
        change(&mut after);
        let mut state = self.site.state();
        let draft = difference(&before, &after, &state.switches)?;
        let changed = state.change_occurrence(self.mailbox, id.0, number(day)?, &draft, &zone(&after)?, now_s());
        drop(state);
        self.site.ring();
        changed.map_err(|refused| refused.code)
    }

    /// Deletes an occurrence; with the last the series goes to Deleted Items.
    pub fn delete_occurrence(&self, id: &EventId, day: &str) -> Result<(), Refused> {
        let is_last = self.site.state().delete_occurrence(self.mailbox, id.0, number(day)?, now_s());
        self.site.ring();
        match is_last.map_err(|refused| refused.code)? {
            true => self.delete(id),
            false => Ok(()),
        }
    }

    /// The days of the occurrences that are there, no more than so many: where each was meant for, and when it begins.
    pub fn occurrences(&self, id: &EventId, most: usize) -> Result<Vec<(String, String)>, Refused> {
        let state = self.site.state();
        let item = state.item(self.mailbox, id.0).ok_or(GONE)?;
        let all = item.occurrences().filter(|occurrence| !occurrence.is_deleted).take(most);
        let zone = &item.part.start_zone;
        let shown = |local_s: i64| time::written_local(local_s);
        Ok(all.map(|it| (Date::from_number(it.day).written(), shown(zone.local_s(it.start_s)))).collect())
    }

    /// To Deleted Items.
    pub fn delete(&self, id: &EventId) -> Result<(), Refused> {
        self.move_to(id, "deleteditems").map(|_| ())
    }

    /// Deletes for good.
    pub fn erase(&self, id: &EventId) -> Result<(), Refused> {
        let gone = self.site.state().remove(self.mailbox, id.0, now_s());
        self.site.ring();
        gone.map(|_| ()).ok_or(GONE)
    }

    pub fn move_to(&self, id: &EventId, folder: &str) -> Result<EventId, Refused> {
        let mut state = self.site.state();
        let folder = self.folder_in(&state, folder)?;
        let number = state.relocate(self.mailbox, id.0, folder, now_s()).ok_or(GONE)?;
        drop(state);
        self.site.ring();
        Ok(EventId(number))
    }

    /// Sends the invitations, which the trap sees, and which arrive at those who have a mailbox here.
    pub fn send(&self, id: &EventId) -> Result<(), Refused> {
        let mut state = self.site.state();
        state.touch(self.mailbox, id.0, now_s(), |item| item.request_was_sent = true).ok_or(GONE)?;
        let event = state.item(self.mailbox, id.0).cloned().ok_or(GONE)?;
        let to = event.part.attendees();
        state.send(
            self.mailbox,
            &event,
            Letter { kind: OutgoingKind::Request, operation: "Outlook", to, saves_copy: true },
            now_s(),
        );
        drop(state);
        self.site.ring();
        Ok(())
    }

    /// An invitation from somebody elsewhere arrives, and with it the event.
    pub fn receive(&self, event: &Event, organizer: &str) -> Result<EventId, Refused> {
        let made = self.put("calendar", event)?;
        let mut state = self.site.state();
        state.touch(self.mailbox, made.0, now_s(), |item| {
            item.is_received = true;
            item.request_was_sent = true;
            item.organizer = super::item::Person { name: organizer.to_owned(), address: organizer.to_owned() };
            item.my_response = "NoResponseReceived".to_owned();
            item.part.fields.insert("LegacyFreeBusyStatus", tt("LegacyFreeBusyStatus", "Tentative"));
        });
        drop(state);
        self.site.ring();
        Ok(made)
    }

    /// Answers an invitation, and tells nobody: `Accept`, `Tentative`, `Decline`.
    pub fn answer(&self, id: &EventId, response: &str) -> Result<(), Refused> {
        let mut state = self.site.state();
        let answered = state.touch(self.mailbox, id.0, now_s(), |item| response.clone_into(&mut item.my_response));
        drop(state);
        self.site.ring();
        answered.map(|_| ()).ok_or(GONE)
    }

    /// Attaches a file, its content in base64.
    pub fn attach(&self, id: &EventId, name: &str, base64: &str) -> Result<(), Refused> {
        let mut state = self.site.state();
        let file = t("FileAttachment").with(tt("Name", name)).with(tt("Content", base64));
        let mut attachment = super::draft::attachment(&file);
        (attachment.number, attachment.modified_s) = (state.number(), now_s());
        state.touch(self.mailbox, id.0, now_s(), |item| item.part.attachments.push(attachment)).ok_or(GONE)?;
        drop(state);
        self.site.ring();
        Ok(())
    }

    /// Calls an event's zone something else, with rules of its own, as foreign makers do ("Customized Time Zone").
    pub fn call_zone(&self, id: &EventId, zone: &str, name: &str) -> Result<(), Refused> {
        let mut state = self.site.state();
        let changed = state.touch(self.mailbox, id.0, now_s(), |item| {
            item.part.start_zone = item.part.start_zone.clone().called(zone, name);
            item.part.end_zone = item.part.start_zone.clone();
        });
        changed.map(|_| ()).ok_or(GONE)
    }

    /// From now on the server answers with this code when the event is read; `None` mends it.
    pub fn spoil(&self, id: &EventId, code: Option<&'static str>) -> Result<(), Refused> {
        let mut state = self.site.state();
        state.touch(self.mailbox, id.0, now_s(), |item| item.broken = code).map(|_| ()).ok_or(GONE)
    }

    /// Makes a calendar below the calendar.
    pub fn make_calendar(&self, name: &str) -> Result<(), Refused> {
        let mut state = self.site.state();
        let parent = self.folder_in(&state, "calendar")?;
        let made = state.make_folder(self.mailbox, parent, name, "IPF.Appointment", now_s());
        drop(state);
        self.site.ring();
        made.map(|_| ()).ok_or(NO_FOLDER)
    }

    pub fn rename_calendar(&self, name: &str, new_name: &str) -> Result<(), Refused> {
        let mut state = self.site.state();
        let (number, change) = (self.folder_in(&state, name)?, state.next_change());
        let mailbox = state.mailbox_mut(self.mailbox).ok_or(NO_FOLDER)?;
        let folder = mailbox.folders.get_mut(&number).ok_or(NO_FOLDER)?;
        new_name.clone_into(&mut folder.name);
        folder.change = change;
        Ok(())
    }

    pub fn delete_calendar(&self, name: &str) -> Result<(), Refused> {
        let mut state = self.site.state();
        let number = self.folder_in(&state, name)?;
        state.remove_folder(self.mailbox, number, now_s());
        drop(state);
        self.site.ring();
        Ok(())
    }

    /// The names of all folders.
    #[must_use]
    pub fn folders(&self) -> Vec<String> {
        let state = self.site.state();
        let folders = state.mailbox(self.mailbox).into_iter().flat_map(|mailbox| mailbox.folders.values());
        folders.map(|folder| folder.name.clone()).collect()
    }
}

fn number(day: &str) -> Result<i64, Refused> {
    time::parse_date(day).map(Date::number).ok_or("ErrorInvalidRequest")
}

fn zone(event: &Event) -> Result<Zone, Refused> {
    if event.zone.is_empty() { Ok(Zone::utc()) } else { Zone::known(&event.zone).ok_or("ErrorCalendarInvalidTimeZone") }
}

/// What an event is made of, in the order of the schema; none for what it lacks.
fn parts(event: &Event) -> Vec<(&'static str, Option<Element>)> {
    let text = |name: &'static str, text: &str| (name, (!text.is_empty()).then(|| tt(name, text)));
    let attendees = |name: &'static str, list: &[String]| {
        let all = list.iter().map(|address| t("Attendee").with(t("Mailbox").with(tt("EmailAddress", address))));
        (name, (!list.is_empty()).then(|| t(name).with_all(all)))
    };
    let zone = |name: &'static str| (name, (!event.zone.is_empty()).then(|| t(name).set("Id", &event.zone)));
    let body = tt("Body", &event.body).set("BodyType", if event.body_is_html { "HTML" } else { "Text" });
    let categories = t("Categories").with_all(event.categories.iter().map(|category| tt("String", category)));
    let recurrence = event.recurrence.as_ref().and_then(|inner| {
        let mut recurrence = Element::parse(&format!("<Recurrence>{inner}</Recurrence>")).ok()?;
        recurrence.ns = Ns::Types;
        Some(recurrence)
    });
    let minutes = event.reminder_min.map(|minutes| tt("ReminderMinutesBeforeStart", minutes));
    vec![
        ("Subject", Some(tt("Subject", &event.subject))),
        text("Sensitivity", &event.sensitivity),
        ("Body", (!event.body.is_empty()).then_some(body)),
        ("Categories", (!event.categories.is_empty()).then_some(categories)),
        text("Importance", &event.importance),
        ("ReminderIsSet", Some(tt("ReminderIsSet", event.reminder_min.is_some()))),
        ("ReminderMinutesBeforeStart", minutes),
        text("UID", &event.uid),
        text("Start", &event.start),
        text("End", &event.end),
        ("IsAllDayEvent", Some(tt("IsAllDayEvent", event.is_all_day))),
        text("LegacyFreeBusyStatus", &event.busy),
        text("Location", &event.location),
        attendees("RequiredAttendees", &event.required),
        attendees("OptionalAttendees", &event.optional),
        attendees("Resources", &event.resources),
        ("Recurrence", recurrence),
        zone("StartTimeZone"),
        zone("EndTimeZone"),
    ]
}

fn difference(before: &Event, after: &Event, switches: &super::Switches) -> Result<Draft, Refused> {
    let (old, new) = (parts(before), parts(after));
    let changed: Vec<_> = new.into_iter().filter(|part| !old.contains(part)).collect();
    let is_moved = changed.iter().any(|(name, _)| ["Start", "End", "IsAllDayEvent", "StartTimeZone"].contains(name));
    let mut wanted = t("CalendarItem");
    for (name, element) in parts(after) {
        let goes_along = is_moved && ["Start", "End", "StartTimeZone", "EndTimeZone", "IsAllDayEvent"].contains(&name);
        if goes_along || changed.iter().any(|(changed, _)| *changed == name) {
            wanted.children.extend(element);
        }
    }
    let mut draft = Draft::of_new(&wanted, Level::V2016, switches).map_err(|refused| refused.code)?;
    for (name, element) in changed {
        match (name, element) {
            ("Recurrence", None) => draft.recurrence = Some(None),
            (name, None) => {
                draft.fields.insert(name, None);
            }
            _ => {}
        }
    }
    Ok(draft)
}

fn shown(seen: &Seen<'_>) -> Event {
    let (item, part): (&Item, _) = (seen.item, seen.part.as_ref());
    let text = |name: &str| part.text(name).unwrap_or_default().to_owned();
    let or = |name: &str, default: &str| part.text(name).unwrap_or(default).to_owned();
    let list = |name: &str| {
        let list = part.fields.get(name).map_or(&[][..], |list| &list.children);
        let address = |attendee: &Element| Some(attendee.child("Mailbox")?.text_of("EmailAddress")?.to_owned());
        list.iter().filter_map(address).collect()
    };
    let minutes = || part.text("ReminderMinutesBeforeStart").and_then(|minutes| minutes.parse().ok()).unwrap_or(0);
    let categories = part.fields.get("Categories").map_or(&[][..], |list| &list.children);
    let whole = seen.occurrence.is_none();
    Event {
        uid: item.uid.clone(),
        subject: text("Subject"),
        body: text("Body"),
        body_is_html: part.fields.get("Body").is_some_and(|body| body.attribute("BodyType") == Some("HTML")),
        location: text("Location"),
        start: time::written_local(part.start_zone.local_s(part.start_s)),
        end: time::written_local(part.start_zone.local_s(part.end_s)),
        zone: part.start_zone.id.clone(),
        is_all_day: part.is_all_day(),
        busy: or("LegacyFreeBusyStatus", "Busy"),
        sensitivity: or("Sensitivity", "Normal"),
        importance: or("Importance", "Normal"),
        categories: categories.iter().map(|category| category.text.clone()).collect(),
        reminder_min: part.is("ReminderIsSet", false).then(minutes),
        required: list("RequiredAttendees"),
        optional: list("OptionalAttendees"),
        resources: list("Resources"),
        recurrence: item.series.as_ref().filter(|_| whole).map(|series| inner(&series.recurrence)),
        my_response: item.my_response.clone(),
        organizer: item.organizer.address.clone(),
        attachments: part
            .attachments
            .iter()
            .map(|attachment| match &attachment.content {
                super::item::Content::File(base64) => (attachment.name.clone(), base64.clone()),
                super::item::Content::Item(_) => (attachment.name.clone(), String::new()),
            })
            .collect(),
        strings: part
            .extended
            .iter()
            .filter(|(key, _)| paths::is_named(key, "PublicStrings"))
            .map(|(key, value)| (key.id.trim_start_matches('\'').to_owned(), value.text.clone()))
            .collect(),
    }
}

/// The pattern and the range without prefixes.
fn inner(recurrence: &Recurrence) -> String {
    fn write(element: &Element, out: &mut String) {
        *out += &format!("<{}>{}", element.name, element.text.trim_end_matches('Z'));
        element.children.iter().for_each(|child| write(child, out));
        *out += &format!("</{}>", element.name);
    }
    let mut out = String::new();
    recurrence.written().children.iter().for_each(|child| write(child, &mut out));
    out
}
