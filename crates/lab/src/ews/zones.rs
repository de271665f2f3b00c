//! The time zones that a Windows server knows, and those that a client describes to it.
//!
//! Rules and names are those of the Windows registry as Microsoft publishes its changes. The lab has its own table, and
//! neither tzdb nor a library of zones: what our client makes of a zone must not come from the same source.
//! The shape of a definition: [MS-OXWSGTZ] 2.2.4.

use super::time::{self, DAY_S, Date, Stamp, weekday};
use super::xml::{Element, Ns, t, tt};

/// When clocks are changed, on the clock that then stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub month: i64,
    /// 1 to 4, or 5 for the last.
    pub week: i64,
    /// 0 is Sunday.
    pub weekday: i64,
    pub minute: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// East of Greenwich, in minutes.
    pub standard_min: i64,
    /// Minutes east in summer, when it begins and when it ends.
    pub summer: Option<(i64, Change, Change)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    pub id: String,
    pub name: String,
    /// Each with the first year (of local time) in which it holds; the first holds before too.
    eras: Vec<(i64, Rules)>,
    /// As the client gave it; none for a zone that the server knows.
    definition: Option<Box<Element>>,
}

const fn rules(standard_min: i64) -> Rules {
    Rules { standard_min, summer: None }
}

const fn summer(standard_min: i64, begin: [i64; 4], end: [i64; 4]) -> Rules {
    let [month, week, weekday, minute] = begin;
    let begin = Change { month, week, weekday, minute };
    let [month, week, weekday, minute] = end;
    let end = Change { month, week, weekday, minute };
    Rules { standard_min, summer: Some((standard_min + 60, begin, end)) }
}

/// Month, week, weekday, minute of the day.
const EUROPE: ([i64; 4], [i64; 4]) = ([3, 5, 0, 120], [10, 5, 0, 180]);
const AMERICA: ([i64; 4], [i64; 4]) = ([3, 2, 0, 120], [11, 1, 0, 120]);

const fn europe(standard_min: i64, shift_min: i64) -> Rules {
    let ([a, b, c, begin], [d, e, f, end]) = EUROPE;
    summer(standard_min, [a, b, c, begin + shift_min], [d, e, f, end + shift_min])
}

const fn america(standard_min: i64) -> Rules {
    summer(standard_min, AMERICA.0, AMERICA.1)
}

/// Russia moved its clocks until 2010, stayed at summer time from 2011 and went back in 2014. The registry knows only whole
/// years, so the changes of 2011 and 2014 are made there by rules for those years; here they happen on New Year's Day.
const fn russia(standard_min: i64) -> [(i64, Rules); 3] {
    [(1, europe(standard_min, 0)), (2011, rules(standard_min + 60)), (2015, rules(standard_min))]
}

type Known = (&'static str, &'static str, &'static [(i64, Rules)]);

const KNOWN: &[Known] = &[
    ("Dateline Standard Time", "(UTC-12:00) International Date Line West", &[(1, rules(-720))]),
    ("Hawaiian Standard Time", "(UTC-10:00) Hawaii", &[(1, rules(-600))]),
    ("Alaskan Standard Time", "(UTC-09:00) Alaska", &[(1, america(-540))]),
    ("Pacific Standard Time", "(UTC-08:00) Pacific Time (US & Canada)", &[(1, america(-480))]),
    ("US Mountain Standard Time", "(UTC-07:00) Arizona", &[(1, rules(-420))]),
    ("Mountain Standard Time", "(UTC-07:00) Mountain Time (US & Canada)", &[(1, america(-420))]),
    ("Central Standard Time", "(UTC-06:00) Central Time (US & Canada)", &[(1, america(-360))]),
    ("SA Pacific Standard Time", "(UTC-05:00) Bogota, Lima, Quito, Rio Branco", &[(1, rules(-300))]),
    ("Eastern Standard Time", "(UTC-05:00) Eastern Time (US & Canada)", &[(1, america(-300))]),
    ("Atlantic Standard Time", "(UTC-04:00) Atlantic Time (Canada)", &[(1, america(-240))]),
    ("Newfoundland Standard Time", "(UTC-03:30) Newfoundland", &[(1, america(-210))]),
    ("Argentina Standard Time", "(UTC-03:00) City of Buenos Aires", &[(1, rules(-180))]),
    ("Azores Standard Time", "(UTC-01:00) Azores", &[(1, europe(-60, -120))]),
    ("UTC", "(UTC) Coordinated Universal Time", &[(1, rules(0))]),
    ("GMT Standard Time", "(UTC+00:00) Dublin, Edinburgh, Lisbon, London", &[(1, europe(0, -60))]),
    ("Greenwich Standard Time", "(UTC+00:00) Monrovia, Reykjavik", &[(1, rules(0))]),
    ("W. Europe Standard Time", "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", &[(1, europe(60, 0))]),
    (
        "Central Europe Standard Time",
        "(UTC+01:00) Belgrade, Bratislava, Budapest, Ljubljana, Prague",
        &[(1, europe(60, 0))],
    ),
    ("Romance Standard Time", "(UTC+01:00) Brussels, Copenhagen, Madrid, Paris", &[(1, europe(60, 0))]),
    ("Central European Standard Time", "(UTC+01:00) Sarajevo, Skopje, Warsaw, Zagreb", &[(1, europe(60, 0))]),
    ("GTB Standard Time", "(UTC+02:00) Athens, Bucharest", &[(1, europe(120, 60))]),
    ("FLE Standard Time", "(UTC+02:00) Helsinki, Kyiv, Riga, Sofia, Tallinn, Vilnius", &[(1, europe(120, 60))]),
    ("South Africa Standard Time", "(UTC+02:00) Harare, Pretoria", &[(1, rules(120))]),
    ("Kaliningrad Standard Time", "(UTC+02:00) Kaliningrad", &russia(120)),
    ("Turkey Standard Time", "(UTC+03:00) Istanbul", &[(1, europe(120, 60)), (2017, rules(180))]),
    ("Belarus Standard Time", "(UTC+03:00) Minsk", &[(1, europe(120, 0)), (2011, rules(180))]),
    ("Arab Standard Time", "(UTC+03:00) Kuwait, Riyadh", &[(1, rules(180))]),
    ("Russian Standard Time", "(UTC+03:00) Moscow, St. Petersburg", &russia(180)),
    ("Arabian Standard Time", "(UTC+04:00) Abu Dhabi, Muscat", &[(1, rules(240))]),
    ("Azerbaijan Standard Time", "(UTC+04:00) Baku", &[(1, rules(240))]),
    ("Caucasus Standard Time", "(UTC+04:00) Yerevan", &[(1, rules(240))]),
    ("Georgian Standard Time", "(UTC+04:00) Tbilisi", &[(1, rules(240))]),
    ("Russia Time Zone 3", "(UTC+04:00) Izhevsk, Samara", &[(1, rules(240))]),
    ("West Asia Standard Time", "(UTC+05:00) Ashgabat, Tashkent", &[(1, rules(300))]),
    ("Ekaterinburg Standard Time", "(UTC+05:00) Ekaterinburg", &russia(300)),
    ("India Standard Time", "(UTC+05:30) Chennai, Kolkata, Mumbai, New Delhi", &[(1, rules(330))]),
    ("Nepal Standard Time", "(UTC+05:45) Kathmandu", &[(1, rules(345))]),
    ("Central Asia Standard Time", "(UTC+06:00) Astana", &[(1, rules(360))]),
    ("Omsk Standard Time", "(UTC+06:00) Omsk", &russia(360)),
    ("N. Central Asia Standard Time", "(UTC+07:00) Novosibirsk", &[(1, rules(360)), (2017, rules(420))]),
    ("North Asia Standard Time", "(UTC+07:00) Krasnoyarsk", &russia(420)),
    ("North Asia East Standard Time", "(UTC+08:00) Irkutsk", &russia(480)),
    ("China Standard Time", "(UTC+08:00) Beijing, Chongqing, Hong Kong, Urumqi", &[(1, rules(480))]),
    ("Yakutsk Standard Time", "(UTC+09:00) Yakutsk", &russia(540)),
    ("Tokyo Standard Time", "(UTC+09:00) Osaka, Sapporo, Tokyo", &[(1, rules(540))]),
    ("Vladivostok Standard Time", "(UTC+10:00) Vladivostok", &russia(600)),
    (
        "AUS Eastern Standard Time",
        "(UTC+10:00) Canberra, Melbourne, Sydney",
        &[(1, summer(600, [10, 1, 0, 120], [4, 1, 0, 180]))],
    ),
    ("Magadan Standard Time", "(UTC+11:00) Magadan", &[(1, rules(600)), (2017, rules(660))]),
    ("Russia Time Zone 11", "(UTC+12:00) Anadyr, Petropavlovsk-Kamchatsky", &[(1, rules(720))]),
    (
        "New Zealand Standard Time",
        "(UTC+12:00) Auckland, Wellington",
        &[(1, summer(720, [9, 5, 0, 120], [4, 1, 0, 180]))],
    ),
];

const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// What a custom zone is called on items.
const CUSTOM: &str = "tzone://Microsoft/Custom";

impl Zone {
    pub fn utc() -> Zone {
        Zone {
            id: "UTC".to_owned(),
            name: "(UTC) Coordinated Universal Time".to_owned(),
            eras: vec![(1, rules(0))],
            definition: None,
        }
    }

    /// A zone that the server knows, by its id in any case.
    pub fn known(id: &str) -> Option<Zone> {
        let id = if id.eq_ignore_ascii_case("tzone://Microsoft/Utc") { "UTC" } else { id };
        let (id, name, eras) = KNOWN.iter().find(|(known, ..)| known.eq_ignore_ascii_case(id))?;
        Some(Zone { id: (*id).to_owned(), name: (*name).to_owned(), eras: eras.to_vec(), definition: None })
    }

    pub fn all() -> impl Iterator<Item = Zone> {
        KNOWN.iter().filter_map(|(id, ..)| Zone::known(id))
    }

    /// A zone that a client described by one rule, under a name of its own.
    pub fn custom(name: &str, rules: Rules) -> Zone {
        let plain = Zone { id: CUSTOM.to_owned(), name: name.to_owned(), eras: vec![(1, rules)], definition: None };
        let definition = Some(Box::new(plain.definition("StartTimeZone")));
        Zone { definition, ..plain }
    }

    /// The same rules under another id and name, as on items of foreign make.
    pub fn called(mut self, id: &str, name: &str) -> Zone {
        if self.definition.is_none() {
            self.definition = Some(Box::new(self.definition("StartTimeZone")));
        }
        self.id = id.to_owned();
        self.name = name.to_owned();
        self
    }

    /// Reads a `TimeZoneDefinition`, `StartTimeZone` or `EndTimeZone`: by its id if it is known and no definition
    /// comes with it, else by the definition.
    pub fn read(element: &Element) -> Option<Zone> {
        let id = element.attribute("Id").unwrap_or_default();
        if let Some(known) = Zone::known(id) {
            return Some(known);
        }
        let eras = read_eras(element)?;
        let name = element.attribute("Name").unwrap_or("Customized Time Zone");
        let id = if id.is_empty() { CUSTOM } else { id };
        let definition = Some(Box::new(element.clone()));
        Some(Zone { id: id.to_owned(), name: name.to_owned(), eras, definition })
    }

    pub fn is_custom(&self) -> bool {
        self.definition.is_some()
    }

    pub fn rules(&self, year: i64) -> Rules {
        let holding = self.eras.iter().rev().find(|(from, _)| *from <= year).or(self.eras.first());
        holding.map_or(rules(0), |(_, rules)| *rules)
    }

    /// Seconds to add to an instant for local time.
    pub fn offset_s(&self, instant_s: i64) -> i64 {
        // The year is that of standard time; no zone changes its clocks at New Year.
        let first = self.rules(Date::from_number(instant_s.div_euclid(DAY_S)).year);
        let year = Date::from_number((instant_s + first.standard_min * 60).div_euclid(DAY_S)).year;
        let rules = self.rules(year);
        let Some((summer_min, begin, end)) = rules.summer else { return rules.standard_min * 60 };
        let begins = begin.local_s(year) - rules.standard_min * 60;
        let ends = end.local_s(year) - summer_min * 60;
        let is_summer =
            if begins < ends { (begins..ends).contains(&instant_s) } else { !(ends..begins).contains(&instant_s) };
        60 * if is_summer { summer_min } else { rules.standard_min }
    }

    pub fn local_s(&self, instant_s: i64) -> i64 {
        instant_s + self.offset_s(instant_s)
    }

    /// The instant of a local time: the earlier of two, and for a time that is left out as if the clock had not moved.
    pub fn instant_s(&self, local_s: i64) -> i64 {
        let before = self.offset_s(local_s - DAY_S);
        let after = self.offset_s(local_s + DAY_S);
        for offset_s in [before, after] {
            if self.offset_s(local_s - offset_s) == offset_s {
                return local_s - offset_s;
            }
        }
        local_s - before
    }

    pub fn instant_of(&self, stamp: Stamp) -> i64 {
        match stamp.offset_s {
            Some(offset_s) => stamp.local_s - offset_s,
            None => self.instant_s(stamp.local_s),
        }
    }

    /// As responses show an instant to a client that lives in this zone.
    pub fn written(&self, instant_s: i64) -> String {
        if self.id == "UTC" {
            return time::written_utc(instant_s);
        }
        let offset_s = self.offset_s(instant_s);
        time::written_local(instant_s + offset_s) + &time::written_offset(offset_s)
    }

    /// Only Id and Name.
    pub fn short(&self, element: &str) -> Element {
        t(element).set("Name", &self.name).set("Id", &self.id)
    }

    /// Id, Name and the rules.
    pub fn definition(&self, element: &str) -> Element {
        let definition = t(element).set("Name", &self.name).set("Id", &self.id);
        if let Some(given) = &self.definition {
            return definition.with_all(given.children.iter().cloned());
        }
        let (mut periods, mut groups, mut transitions) = (t("Periods"), t("TransitionsGroups"), t("Transitions"));
        for (at, (from, rules)) in self.eras.iter().enumerate() {
            let period_id = |kind: &str| format!("trule:Microsoft/Registry/{}/{from}-{kind}", self.id);
            let period = |kind: &str, minutes: i64| {
                t("Period")
                    .set("Bias", time::written_minutes(-minutes * 60))
                    .set("Name", kind)
                    .set("Id", period_id(kind))
            };
            periods.children.push(period("Standard", rules.standard_min));
            let mut group = t("TransitionsGroup").set("Id", at);
            match rules.summer {
                None => {
                    let to = tt("To", period_id("Standard")).set("Kind", "Period");
                    group.children.push(t("Transition").with(to));
                }
                Some((summer_min, begin, end)) => {
                    periods.children.push(period("Daylight", summer_min));
                    group.children.push(begin.transition(&period_id("Daylight")));
                    group.children.push(end.transition(&period_id("Standard")));
                }
            }
            groups.children.push(group);
            let to = tt("To", at).set("Kind", "Group");
            transitions.children.push(if at == 0 {
                t("Transition").with(to)
            } else {
                let begins = Date::new(*from, 1, 1).number() * DAY_S;
                let before = self.rules(from - 1).standard_min * 60;
                t("AbsoluteDateTransition").with(to).with(tt("DateTime", time::written_utc(begins - before)))
            });
        }
        definition.with_all([periods, groups, transitions])
    }
}

impl Change {
    fn local_s(self, year: i64) -> i64 {
        let first = Date::new(year, self.month, 1).number();
        let mut day = first + (self.weekday - weekday(first)).rem_euclid(7) + 7 * (self.week - 1).min(3);
        if self.week == 5 && day + 7 < first + Date::days_in_month(year, self.month) {
            day += 7;
        }
        day * DAY_S + self.minute * 60
    }

    fn transition(self, to: &str) -> Element {
        let occurrence = if self.week == 5 { -1 } else { self.week };
        t("RecurringDayTransition")
            .with(tt("To", to).set("Kind", "Period"))
            .with(tt("TimeOffset", time::written_minutes(self.minute * 60)))
            .with(tt("Month", self.month))
            .with(tt(
                "DayOfWeek",
                WEEKDAYS.get(usize::try_from(self.weekday).unwrap_or(0)).copied().unwrap_or_default(),
            ))
            .with(tt("Occurrence", occurrence))
    }

    fn read(transition: &Element) -> Option<Change> {
        let day = transition.text_of("DayOfWeek")?;
        let weekday = WEEKDAYS.iter().position(|known| *known == day)?;
        let occurrence: i64 = transition.text_of("Occurrence")?.trim().parse().ok()?;
        Some(Change {
            month: transition.text_of("Month")?.trim().parse().ok().filter(|month| (1..=12).contains(month))?,
            week: if occurrence == -1 { 5 } else { occurrence.clamp(1, 5) },
            weekday: i64::try_from(weekday).ok()?,
            minute: time::parse_duration(transition.text_of("TimeOffset")?)? / 60,
        })
    }
}

fn read_eras(element: &Element) -> Option<Vec<(i64, Rules)>> {
    let bias_min = |id: &str| {
        let period = element.list("Periods").iter().find(|period| period.attribute("Id") == Some(id))?;
        Some((period.attribute("Name")?, -time::parse_duration(period.attribute("Bias")?)? / 60))
    };
    let group_rules = |id: &str| -> Option<Rules> {
        let group = element.list("TransitionsGroups").iter().find(|group| group.attribute("Id") == Some(id))?;
        let mut changes = Vec::new();
        for transition in &group.children {
            let (name, minutes) = bias_min(transition.text_of("To")?)?;
            if transition.name == "Transition" {
                return Some(rules(minutes));
            }
            changes.push((name, minutes, Change::read(transition)?));
        }
        let begin = changes.iter().max_by_key(|(_, minutes, _)| *minutes)?;
        let end = changes.iter().min_by_key(|(_, minutes, _)| *minutes)?;
        Some(Rules { standard_min: end.1, summer: Some((begin.1, begin.2, end.2)) })
    };
    let mut eras = Vec::new();
    for transition in element.list("Transitions") {
        let to = transition.child("To")?;
        let rules = match to.attribute("Kind") {
            Some("Group") => group_rules(&to.text)?,
            _ => rules(bias_min(&to.text)?.1),
        };
        let from = match transition.text_of("DateTime").and_then(time::parse) {
            Some(stamp) => Date::from_number((stamp.local_s + DAY_S).div_euclid(DAY_S)).year,
            None => 1,
        };
        eras.push((from, rules));
    }
    if eras.is_empty() {
        // Two periods without transitions say nothing; one says all.
        let period = element.list("Periods").first()?;
        eras.push((1, rules(-time::parse_duration(period.attribute("Bias")?)? / 60)));
    }
    Some(eras)
}

/// `GetServerTimeZones` tells all, or those that were asked for and are known.
pub fn told(ids: &[Element], is_full: bool) -> Vec<Element> {
    let wanted: Vec<Zone> = if ids.is_empty() {
        Zone::all().collect()
    } else {
        ids.iter().filter_map(|id| Zone::known(id.text.trim())).collect()
    };
    let show =
        |zone: Zone| if is_full { zone.definition("TimeZoneDefinition") } else { zone.short("TimeZoneDefinition") };
    wanted.into_iter().map(show).inspect(|zone| debug_assert_eq!(zone.ns, Ns::Types)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        Zone::utc().instant_of(time::parse(text).unwrap())
    }

    #[test]
    fn clocks_change_when_they_should() {
        for (zone, instant, shown) in [
            ("W. Europe Standard Time", "2024-03-31T00:59:59Z", "2024-03-31T01:59:59+01:00"),
            ("W. Europe Standard Time", "2024-03-31T01:00:00Z", "2024-03-31T03:00:00+02:00"),
            ("W. Europe Standard Time", "2024-10-27T00:59:59Z", "2024-10-27T02:59:59+02:00"),
            ("W. Europe Standard Time", "2024-10-27T01:00:00Z", "2024-10-27T02:00:00+01:00"),
            ("FLE Standard Time", "2024-03-31T01:00:00Z", "2024-03-31T04:00:00+03:00"),
            ("GMT Standard Time", "2024-10-27T01:00:00Z", "2024-10-27T01:00:00+00:00"),
            ("Pacific Standard Time", "2024-03-10T10:00:00Z", "2024-03-10T03:00:00-07:00"),
            ("Russian Standard Time", "2010-07-01T00:00:00Z", "2010-07-01T04:00:00+04:00"),
            ("Russian Standard Time", "2012-01-01T00:00:00Z", "2012-01-01T04:00:00+04:00"),
            ("Russian Standard Time", "2024-07-01T00:00:00Z", "2024-07-01T03:00:00+03:00"),
            ("AUS Eastern Standard Time", "2024-01-01T00:00:00Z", "2024-01-01T11:00:00+11:00"),
            ("AUS Eastern Standard Time", "2024-07-01T00:00:00Z", "2024-07-01T10:00:00+10:00"),
            ("UTC", "2024-07-01T00:00:00Z", "2024-07-01T00:00:00Z"),
        ] {
            let zone = Zone::known(zone).unwrap();
            assert_eq!(zone.written(at(instant)), shown);
            let local_s = zone.local_s(at(instant));
            let again = zone.instant_s(local_s);
            assert!(again == at(instant) || zone.local_s(again) == local_s, "{shown}");
        }
    }

    #[test]
    fn a_definition_tells_the_whole_zone() {
        for zone in Zone::all() {
            let described = zone.definition("StartTimeZone");
            let mut unknown = described.clone();
            unknown.attributes.retain(|(name, _)| name != "Id");
            let read = Zone::read(&unknown).unwrap();
            assert_eq!(read.eras, zone.eras, "{}", zone.id);
            assert_eq!(Zone::read(&described).unwrap(), zone);
        }
    }
}
