//! What the three people have planned: meetings, series with exceptions, whole days, in two languages and two time zones.

use crate::demo::failed;
use crate::failure::Failure;
use parom_lab::ews::{Event, Outlook};

pub struct Sample {
    pub owner: &'static str,
    event: Event,
    /// An occurrence that is moved to another time: for which day, and from when to when.
    moved: Option<(&'static str, &'static str, &'static str)>,
    /// An occurrence that does not take place.
    skipped: Option<&'static str>,
}

/// The titles that edits look for.
pub const PLANNING: &str = "Планёрка отдела";
pub const BUDGET: &str = "Обсуждение бюджета";
pub const STAND_UP: &str = "Stand-up";
pub const DENTIST: &str = "Dentist";
pub const REVIEW: &str = "Quarterly review";
pub const SHOWING: &str = "Показ заказчику";

const BERLIN: &str = "W. Europe Standard Time";

/// All that is there before the first transfer.
pub fn all() -> Vec<Sample> {
    let plain = |owner: &'static str, event: Event| Sample { owner, event, moved: None, skipped: None };
    let berlin = |event: Event| Event { zone: BERLIN.to_owned(), ..event };
    let day = |title: &str, from: &str, to: &str, busy: &str| Event {
        is_all_day: true,
        busy: busy.to_owned(),
        ..Event::at(title, &format!("{from}T00:00:00"), &format!("{to}T00:00:00"))
    };
    let with = |event: Event, place: &str, people: &[&str]| Event {
        location: place.to_owned(),
        required: people.iter().map(|person| (*person).to_owned()).collect(),
        ..event
    };
    vec![
        Sample {
            moved: Some(("2027-03-15", "2027-03-15T15:00:00", "2027-03-15T15:45:00")),
            skipped: Some("2027-03-08"),
            ..plain(
                "a.smirnova",
                with(
                    weekly(PLANNING, "2027-03-01T10:00:00", "2027-03-01T10:45:00", 12),
                    "Переговорная 2",
                    &["k.popov@corp.example"],
                ),
            )
        },
        plain(
            "a.smirnova",
            with(
                Event::at(BUDGET, "2027-03-03T14:00:00", "2027-03-03T15:30:00"),
                "Переговорная 3",
                &["j.miller@corp.example", "k.popov@corp.example", "buh@partner.example"],
            ),
        ),
        plain("a.smirnova", day("Отпуск", "2027-05-03", "2027-05-08", "OOF")),
        plain(
            "a.smirnova",
            Event {
                reminder_min: Some(30),
                categories: vec!["Личное".to_owned()],
                sensitivity: "Private".to_owned(),
                ..Event::at("Обед с поставщиком", "2027-03-04T13:00:00", "2027-03-04T14:00:00")
            },
        ),
        Sample {
            moved: Some(("2027-03-03", "2027-03-03T11:00:00", "2027-03-03T11:15:00")),
            skipped: Some("2027-03-05"),
            ..plain("j.miller", berlin(Event::at(STAND_UP, "2027-03-01T09:30:00", "2027-03-01T09:45:00").daily(10)))
        },
        plain(
            "j.miller",
            berlin(with(
                Event::at(REVIEW, "2027-03-29T15:00:00", "2027-03-29T17:00:00"),
                "Room 4",
                &["a.smirnova@corp.example", "auditor@elsewhere.example"],
            )),
        ),
        plain("j.miller", day("Public holiday", "2027-04-05", "2027-04-06", "Free")),
        plain(
            "j.miller",
            Event {
                sensitivity: "Private".to_owned(),
                ..berlin(Event::at(DENTIST, "2027-03-10T08:00:00", "2027-03-10T09:00:00"))
            },
        ),
        plain("k.popov", weekly("Дежурство: приём заявок", "2027-03-02T09:00:00", "2027-03-02T18:00:00", 8)),
        plain(
            "k.popov",
            with(
                Event::at(SHOWING, "2027-03-18T12:00:00", "2027-03-18T13:00:00"),
                "Online",
                &["customer@elsewhere.example", "a.smirnova@corp.example"],
            ),
        ),
        plain("k.popov", day("День рождения Ольги", "2027-06-12", "2027-06-13", "Free")),
    ]
}

fn weekly(title: &str, start: &str, end: &str, count: u32) -> Event {
    let weekly = Event::at(title, start, end);
    let (day, name) =
        (start.get(..10).unwrap_or_default(), if start.starts_with("2027-03-01") { "Monday" } else { "Tuesday" });
    let recurrence = format!(
        "<WeeklyRecurrence><Interval>1</Interval><DaysOfWeek>{name}</DaysOfWeek><FirstDayOfWeek>Monday</FirstDayOfWeek>\
         </WeeklyRecurrence><NumberedRecurrence><StartDate>{day}</StartDate>\
         <NumberOfOccurrences>{count}</NumberOfOccurrences></NumberedRecurrence>"
    );
    Event { recurrence: Some(recurrence), ..weekly }
}

/// Puts it into somebody's Outlook. Nobody is invited by that.
pub fn add(outlook: &Outlook, sample: &Sample) -> Result<(), Failure> {
    let id = outlook.add(&sample.event).map_err(failed)?;
    if let Some((day, start, end)) = sample.moved {
        let elsewhere = |event: &mut Event| (event.start, event.end) = (start.to_owned(), end.to_owned());
        outlook.edit_occurrence(&id, day, elsewhere).map_err(failed)?;
    }
    sample.skipped.map_or(Ok(()), |day| outlook.delete_occurrence(&id, day)).map_err(failed)
}
