//! `GetUserAvailability` ([MS-OXWAVLS] 3.1.4.1): when people are busy, as everybody in the company may see it.
//!
//! Who may open a mailbox sees what the events are about, others only when they are. Times are written by the clock of the
//! request, without an offset.

use crate::ews::item::Seen;
use crate::ews::site::Call;
use crate::ews::soap::{Fault, fault, ill_formed};
use crate::ews::store::Mailbox;
use crate::ews::time::{self, DAY_S};
use crate::ews::xml::{Element, m, mt, t, tt};
use crate::ews::zones::{Change, Rules, Zone};

/// What one question may span, and its smallest and largest pieces.
const LONGEST_S: i64 = 42 * DAY_S;
const PIECES_MIN: std::ops::RangeInclusive<i64> = 5..=1440;

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

struct Window {
    zone: Zone,
    from_s: i64,
    to_s: i64,
    piece_s: i64,
    view: String,
}

pub fn run(call: &mut Call<'_>, request: &Element) -> Result<Element, Fault> {
    let window = window(request)?;
    let answers = request.list("MailboxDataArray").iter().map(|wanted| {
        let address = wanted.child("Email").and_then(|email| email.text_of("Address")).unwrap_or_default().trim();
        let place = call.state.at(address).filter(|place| !place.user.has_no_mailbox);
        let Some(place) = place else {
            let refused = m("ResponseMessage")
                .set("ResponseClass", "Error")
                .with(mt("MessageText", "Unable to resolve e-mail address to an Active Directory object."))
                .with(mt("ResponseCode", "ErrorMailRecipientNotFound"))
                .with(mt("DescriptiveLinkKey", 0));
            let view = m("FreeBusyView").with(tt("FreeBusyViewType", "None"));
            return m("FreeBusyResponse").with(refused).with(view);
        };
        let fine = m("ResponseMessage").set("ResponseClass", "Success").with(mt("ResponseCode", "NoError"));
        m("FreeBusyResponse").with(fine).with(view(place, &window, call.may_open(place.number)))
    });
    let answers: Vec<Element> = answers.collect();
    Ok(m("GetUserAvailabilityResponse").with(m("FreeBusyResponseArray").with_all(answers)))
}

fn window(request: &Element) -> Result<Window, Fault> {
    let options = request.child("FreeBusyViewOptions").ok_or_else(|| ill_formed("FreeBusyViewOptions is missing."))?;
    let zone = request.child("TimeZone").and_then(zone);
    let zone = zone.ok_or_else(|| fault("ErrorTimeZone", "The specified time zone isn't valid."))?;
    let bound = |name: &str| options.child("TimeWindow")?.text_of(name).and_then(time::parse);
    let (Some(from), Some(to)) = (bound("StartTime"), bound("EndTime")) else {
        return Err(ill_formed("TimeWindow needs two times."));
    };
    let (from_s, to_s) = (zone.instant_of(from), zone.instant_of(to));
    if to_s <= from_s {
        return Err(fault("ErrorInvalidTimeInterval", "The time interval is invalid."));
    }
    if to_s - from_s > LONGEST_S {
        return Err(fault("ErrorTimeIntervalTooBig", "The requested time duration is too long: 42 days at most."));
    }
    let piece_min =
        options.text_of("MergedFreeBusyIntervalInMinutes").map_or(Some(30), |text| text.trim().parse().ok());
    let piece_min = piece_min.filter(|minutes| PIECES_MIN.contains(minutes));
    let too_odd = || fault("ErrorInvalidMergedFreeBusyInterval", "The interval must be 5 to 1440 minutes.");
    let piece_s = piece_min.ok_or_else(too_odd)? * 60;
    let view = options.text_of("RequestedView").unwrap_or("FreeBusy").trim().to_owned();
    Ok(Window { zone, from_s, to_s, piece_s, view })
}

/// A zone as `GetUserAvailability` alone writes it: minutes west of Greenwich, and two changes.
fn zone(element: &Element) -> Option<Zone> {
    let number = |element: &Element, name: &str| element.text_of(name)?.trim().parse::<i64>().ok();
    let bias = number(element, "Bias")?;
    let half = |name: &str| {
        let half = element.child(name)?;
        let mut clock = half.text_of("Time")?.trim().split(':').map(str::parse::<i64>);
        let minute = clock.next()?.ok()? * 60 + clock.next()?.ok()?;
        let day = half.text_of("DayOfWeek")?.trim();
        let change = Change {
            month: number(half, "Month")?,
            week: number(half, "DayOrder")?.clamp(1, 5),
            weekday: i64::try_from(DAYS.iter().position(|known| *known == day)?).ok()?,
            minute,
        };
        Some((-(bias + number(half, "Bias")?), change))
    };
    let (standard, summer) = (half("StandardTime")?, half("DaylightTime")?);
    let changes = standard.0 != summer.0 && (1..=12).contains(&standard.1.month);
    let rules = Rules { standard_min: standard.0, summer: changes.then_some((summer.0, summer.1, standard.1)) };
    Some(Zone::custom("Availability", rules))
}

fn view(place: &Mailbox, window: &Window, may_open: bool) -> Element {
    let calendar = place.standard_number("calendar");
    let events = place.items.values().filter(|item| item.folder == calendar && item.is_event());
    let touches = |start_s: i64, end_s: i64| start_s < window.to_s && end_s > window.from_s;
    let mut found: Vec<Seen<'_>> = Vec::new();
    for item in events {
        if item.series.is_none() && touches(item.part.start_s, item.part.end_s) {
            found.push(Seen::whole(item));
        }
        let all = item.occurrences().take_while(|it| it.original_s < window.to_s + 366 * DAY_S);
        let all = all.filter(|it| !it.is_deleted && touches(it.start_s, it.end_s));
        found.extend(all.map(|occurrence| Seen::one(item, occurrence)));
    }
    found.retain(|seen| seen.part.text("LegacyFreeBusyStatus") != Some("Free"));
    found.sort_by_key(|seen| (seen.part.start_s, seen.item.number));
    let (is_merged, is_detailed) = (window.view.contains("Merged"), window.view.starts_with("Detailed") && may_open);
    let kind = match (is_detailed, is_merged, window.view.as_str()) {
        (true, true, _) => "DetailedMerged",
        (true, false, _) => "Detailed",
        (false, _, "MergedOnly") => "MergedOnly",
        (false, true, _) => "FreeBusyMerged",
        (false, false, _) => "FreeBusy",
    };
    let mut told = m("FreeBusyView").with(tt("FreeBusyViewType", kind));
    if is_merged {
        told.children.push(tt("MergedFreeBusy", merged(&found, window)));
    }
    if window.view != "MergedOnly" {
        let events = found.iter().map(|seen| event(seen, window, is_detailed));
        told.children.push(t("CalendarEventArray").with_all(events));
    }
    told
}

/// A figure for each piece: 0 free, 1 tentative, 2 busy, 3 away, 4 working elsewhere.
fn merged(found: &[Seen<'_>], window: &Window) -> String {
    let figure = |seen: &Seen<'_>| match seen.part.text("LegacyFreeBusyStatus").unwrap_or("Busy") {
        "Tentative" => '1',
        "OOF" => '3',
        "WorkingElsewhere" => '4',
        _ => '2',
    };
    let weight = |figure: &char| match figure {
        '3' => 3,
        '2' => 2,
        _ => 1,
    };
    let pieces = (0..).map(|at| window.from_s + at * window.piece_s).take_while(|from_s| *from_s < window.to_s);
    let pieces = pieces.map(|from_s| {
        let within = |seen: &&Seen<'_>| seen.part.start_s < from_s + window.piece_s && seen.part.end_s > from_s;
        found.iter().filter(within).map(figure).max_by_key(weight).unwrap_or('0')
    });
    pieces.collect()
}

fn event(seen: &Seen<'_>, window: &Window, is_detailed: bool) -> Element {
    let (item, part) = (seen.item, seen.part.as_ref());
    let local = |instant_s: i64| time::written_local(window.zone.local_s(instant_s));
    let told = t("CalendarEvent")
        .with(tt("StartTime", local(part.start_s)))
        .with(tt("EndTime", local(part.end_s)))
        .with(tt("BusyType", part.text("LegacyFreeBusyStatus").unwrap_or("Busy")));
    if !is_detailed {
        return told;
    }
    let is_exception = seen.occurrence.is_some_and(|occurrence| occurrence.is_exception);
    told.with(
        t("CalendarEventDetails")
            .with(tt("ID", crate::ews::goid::hex(&item.goid)))
            .with(tt("Subject", part.text("Subject").unwrap_or_default()))
            .with(tt("Location", part.text("Location").unwrap_or_default()))
            .with(tt("IsMeeting", item.is_meeting()))
            .with(tt("IsRecurring", item.series.is_some()))
            .with(tt("IsException", is_exception))
            .with(tt("IsReminderSet", part.is("ReminderIsSet", false)))
            .with(tt("IsPrivate", matches!(part.text("Sensitivity"), Some("Private" | "Confidential")))),
    )
}
