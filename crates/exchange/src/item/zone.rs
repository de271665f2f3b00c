//! Time zones as Exchange defines them ([MS-OXWSGTZ] TimeZoneDefinitionType).

use super::read::time;
use crate::xml::{Element, Out};
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::Offset;
use parom_calendar::ical::values;
use parom_calendar::zone::{Definition, Observance};

/// A zone: an id of Windows, in the server's language or of somebody's own making, and its rules where they were told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ZoneSeen {
    pub id: String,
    pub definition: Option<Definition>,
}

/// A rule that a period begins by every year.
struct Yearly {
    to: i32,
    month: i8,
    /// A weekday and which of the month, or a day of the month.
    day: Day,
    seconds: i64,
}

enum Day {
    Nth(Weekday, i8),
    Date(i8),
}

impl ZoneSeen {
    #[must_use]
    pub fn known(id: &str) -> ZoneSeen {
        ZoneSeen { id: id.to_owned(), definition: None }
    }

    #[must_use]
    pub fn read(element: &Element) -> ZoneSeen {
        let id = element.attribute("Id").or_else(|| element.attribute("Name")).unwrap_or_default().trim();
        ZoneSeen { id: id.to_owned(), definition: definition(element, id) }
    }

    pub(super) fn write(&self, out: &mut Out, name: &str) {
        out.empty(name, &[("Id", &self.id)]);
    }
}

/// Where a definition is more than we follow, there is none, and the name has to do.
fn definition(element: &Element, label: &str) -> Option<Definition> {
    let offset_of = |id: &str| {
        let period = element.child("Periods")?.all("Period").find(|period| period.attribute("Id") == Some(id))?;
        // The bias is what is added to local time to get UTC.
        seconds(period.attribute("Bias")?).map(|bias| -bias).and_then(|offset| i32::try_from(offset).ok())
    };
    let group_of = |id: &str| {
        element.child("TransitionsGroups")?.all("TransitionsGroup").find(|group| group.attribute("Id") == Some(id))
    };
    // Which group holds from when on, in UTC.
    let mut eras: Vec<(Option<jiff::Timestamp>, &Element)> = Vec::new();
    for transition in &element.child("Transitions")?.children {
        let since = match transition.name.as_str() {
            "AbsoluteDateTransition" => Some(transition.text_of("DateTime").and_then(time)?),
            _ => None,
        };
        eras.push((since, group_of(transition.text_of("To")?.trim())?));
    }
    let mut observances = Vec::new();
    let mut before: Option<i32> = None;
    for (at, (since, group)) in eras.iter().enumerate() {
        let until = eras.get(at + 1).and_then(|(until, _)| *until);
        let yearly: Vec<Yearly> = group.children.iter().filter_map(|child| yearly(child, &offset_of)).collect();
        let [first, second] = yearly.as_slice() else {
            let only = group.children.first()?.text_of("To").and_then(|id| offset_of(id.trim()))?;
            let from = before.unwrap_or(only);
            let onset = since.map_or(BEGIN, |since| local(since, from));
            observances.push(Observance { daylight: false, onset, from, to: only, rule: None, dates: Vec::new() });
            before = Some(only);
            continue;
        };
        for (rule, other) in [(first, second), (second, first)] {
            let from = other.to;
            let begin = since.map_or(BEGIN, |since| local(since, from));
            let years =
                i16::checked_add(begin.year(), 2).map_or(begin.year()..=begin.year(), |last| begin.year()..=last);
            let onset = years.filter_map(|year| rule.onset(year)).find(|onset| *onset >= begin)?;
            let end = until.map(|until| format!(";UNTIL={}Z", values::print_datetime(local(until, 0))));
            let text = rule.text() + end.as_deref().unwrap_or_default();
            let observance =
                Observance { daylight: rule.to > from, onset, from, to: rule.to, rule: None, dates: Vec::new() };
            observances.push(observance.with_rule(&text).ok()?);
        }
        before = Some(if first.to < second.to { first.to } else { second.to });
    }
    (!observances.is_empty()).then(|| Definition::new(label, observances))
}

/// Before anything that is in a calendar.
const BEGIN: DateTime = DateTime::constant(1601, 1, 1, 0, 0, 0, 0);

fn local(at: jiff::Timestamp, offset: i32) -> DateTime {
    Offset::from_seconds(offset).unwrap_or(Offset::UTC).to_datetime(at)
}

fn yearly(element: &Element, offset_of: &impl Fn(&str) -> Option<i32>) -> Option<Yearly> {
    let number = |name: &str| element.text_of(name).and_then(|text| text.trim().parse::<i8>().ok());
    let day = match element.name.as_str() {
        "RecurringDayTransition" => {
            let days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
            let name = element.text_of("DayOfWeek")?.trim();
            let at = days.iter().position(|day| *day == name).and_then(|at| i8::try_from(at).ok())?;
            Day::Nth(Weekday::from_monday_zero_offset(at).ok()?, number("Occurrence")?)
        }
        "RecurringDateTransition" => Day::Date(number("Day")?),
        _ => return None,
    };
    Some(Yearly {
        to: offset_of(element.text_of("To")?.trim())?,
        month: number("Month")?,
        day,
        seconds: seconds(element.text_of("TimeOffset")?)?,
    })
}

impl Yearly {
    /// When a clock that is not yet changed shows the change.
    fn onset(&self, year: i16) -> Option<DateTime> {
        let first = Date::new(year, self.month, 1).ok()?;
        let date = match self.day {
            // The fifth is the last, as Windows has it.
            Day::Nth(day, nth) => first.nth_weekday_of_month(if nth >= 5 { -1 } else { nth }, day).ok()?,
            Day::Date(day) => Date::new(year, self.month, day).ok()?,
        };
        Some(date.at(0, 0, 0, 0).saturating_add(jiff::SignedDuration::from_secs(self.seconds)))
    }

    fn text(&self) -> String {
        match self.day {
            Day::Nth(day, nth) => {
                let nth = if nth >= 5 { -1 } else { nth };
                let names = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
                let at = usize::try_from(day.to_monday_zero_offset()).unwrap_or(0);
                let day = names.get(at).copied().unwrap_or("MO");
                format!("FREQ=YEARLY;BYMONTH={};BYDAY={nth}{day}", self.month)
            }
            Day::Date(day) => format!("FREQ=YEARLY;BYMONTH={};BYMONTHDAY={day}", self.month),
        }
    }
}

/// An `xs:duration` of days, hours, minutes and seconds: `-PT180M`, `P0DT2H0M0.0S`.
fn seconds(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let mut total = 0i64;
    let mut number = String::new();
    for c in text.strip_prefix('P')?.chars() {
        let unit = match c {
            'T' => continue,
            'D' => 86_400,
            'H' => 3_600,
            'M' => 60,
            'S' => 1,
            digit => {
                number.push(digit);
                continue;
            }
        };
        let whole: i64 = number.split('.').next()?.parse().ok()?;
        total = total.checked_add(whole.checked_mul(unit)?)?;
        number.clear();
    }
    Some(sign * total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml;
    use parom_calendar::zone::{How, resolve};

    /// As Exchange 2010 SP2 tells it of a zone that somebody has made.
    const CENTRAL_EUROPE: &str = r#"<t:StartTimeZone xmlns:t="t" Id="{id}" Name="(UTC+01:00)"><t:Periods>
        <t:Period Bias="-PT60M" Name="Standard" Id="std"/><t:Period Bias="-PT2H0M0.0S" Name="Daylight" Id="dlt"/></t:Periods>
        <t:TransitionsGroups><t:TransitionsGroup Id="0"><t:RecurringDayTransition><t:To Kind="Period">dlt</t:To>
        <t:TimeOffset>PT2H</t:TimeOffset><t:Month>3</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek><t:Occurrence>-1</t:Occurrence>
        </t:RecurringDayTransition><t:RecurringDayTransition><t:To Kind="Period">std</t:To><t:TimeOffset>PT3H</t:TimeOffset>
        <t:Month>10</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek><t:Occurrence>-1</t:Occurrence></t:RecurringDayTransition>
        </t:TransitionsGroup></t:TransitionsGroups><t:Transitions><t:Transition><t:To Kind="Group">0</t:To></t:Transition>
        </t:Transitions></t:StartTimeZone>"#;

    #[test]
    fn a_zone_of_somebodys_own_is_found_by_how_it_behaves() {
        let text = CENTRAL_EUROPE.replace("{id}", "Customized Time Zone");
        let zone = ZoneSeen::read(&xml::read(text.as_bytes()).unwrap());
        let home = parom_calendar::Zone::named("Europe/Berlin");
        let found = resolve(&zone.id, zone.definition.as_ref(), 2020..=2026, home.as_ref()).unwrap();
        assert_eq!(found.how, How::Behaviour);
        assert_eq!(found.zone.unwrap().label(), "Europe/Berlin");
    }

    #[test]
    fn zones_change_their_rules() {
        // Moscow: summer time until 2010, +4 from 2011 on, +3 from 2014 on.
        let text = r#"<Z Id="x"><Periods><Period Bias="-PT3H" Id="w"/><Period Bias="-PT4H" Id="s"/></Periods>
            <TransitionsGroups><TransitionsGroup Id="0"><RecurringDayTransition><To>s</To><TimeOffset>PT2H</TimeOffset>
            <Month>3</Month><DayOfWeek>Sunday</DayOfWeek><Occurrence>-1</Occurrence></RecurringDayTransition>
            <RecurringDayTransition><To>w</To><TimeOffset>PT3H</TimeOffset><Month>10</Month><DayOfWeek>Sunday</DayOfWeek>
            <Occurrence>-1</Occurrence></RecurringDayTransition></TransitionsGroup><TransitionsGroup Id="1"><Transition>
            <To>s</To></Transition></TransitionsGroup><TransitionsGroup Id="2"><Transition><To>w</To></Transition>
            </TransitionsGroup></TransitionsGroups><Transitions><Transition><To>0</To></Transition><AbsoluteDateTransition>
            <To>1</To><DateTime>2011-03-26T23:00:00Z</DateTime></AbsoluteDateTransition><AbsoluteDateTransition><To>2</To>
            <DateTime>2014-10-25T22:00:00Z</DateTime></AbsoluteDateTransition></Transitions></Z>"#;
        let zone = ZoneSeen::read(&xml::read(text.as_bytes()).unwrap());
        let found = resolve("x", zone.definition.as_ref(), 2009..=2016, None).unwrap();
        assert_eq!(found.zone.unwrap().label(), "Europe/Moscow");
    }

    #[test]
    fn durations_of_every_spelling() {
        for (text, expected) in [
            ("-PT180M", Some(-10_800)),
            ("P0DT2H0M0.0S", Some(7_200)),
            ("PT0S", Some(0)),
            ("-PT3H30M", Some(-12_600)),
            ("PTxH", None),
            ("", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
