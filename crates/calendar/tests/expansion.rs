//! Our expansion against that of the crate `rrule`, which shares nothing with ours.
#![allow(clippy::unwrap_used)]

mod common;

use jiff::civil::DateTime;
use parom_calendar::rule::{canonical, parse, print};
use proptest::prelude::*;

/// What `rrule` makes of it, in UTC; `None` where it refuses the rule.
fn theirs(start: DateTime, rule: &str, count: u16) -> Option<Vec<String>> {
    let text = format!("DTSTART:{}Z\nRRULE:{rule}", start.strftime("%Y%m%dT%H%M%S"));
    let set: rrule::RRuleSet = text.parse().ok()?;
    Some(set.all(count).dates.iter().map(|at| at.format("%Y-%m-%dT%H:%M:%S").to_string()).collect())
}

fn list<T: ToString + Clone + std::fmt::Debug>(
    name: &'static str,
    values: impl Strategy<Value = T>,
) -> impl Strategy<Value = String> {
    prop::collection::vec(values, 0..3).prop_map(move |values| {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        if values.is_empty() { String::new() } else { format!(";{name}={}", values.join(",")) }
    })
}

fn nonzero(most: i16) -> impl Strategy<Value = i16> {
    prop_oneof![1..=most, -most..=-1]
}

/// Rules of all kinds, also such as nobody writes.
fn rule() -> impl Strategy<Value = String> {
    let freq = prop::sample::select(vec!["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]);
    let days = vec!["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
    let nth = (prop_oneof![1i8..=5, -5i8..=-1], prop::sample::select(days.clone()));
    let ordinal = nth.prop_map(|(nth, day)| format!("{nth}{day}"));
    // Of ordinal and plain days in one rule, theirs takes those that are both, RFC 5545 those that are one of them.
    let by_day = prop_oneof![list("BYDAY", prop::sample::select(days.clone())), list("BYDAY", ordinal)];
    let parts = (
        list("BYMONTH", 1i8..=12),
        list("BYMONTHDAY", nonzero(31)),
        list("BYYEARDAY", nonzero(366)),
        list("BYWEEKNO", nonzero(53)),
        by_day,
        list("BYHOUR", 0i8..24),
        list("BYSETPOS", nonzero(4)),
    );
    (freq, 1u8..4, parts, prop::sample::select(days), 0u16..256).prop_map(
        |(freq, interval, parts, week_start, chosen)| {
            let mut text = format!("FREQ={freq};INTERVAL={interval};WKST={week_start}");
            let (month, month_day, year_day, week, day, hour, position) = parts;
            // Each part in one rule of some, and only where RFC 5545 allows it.
            let on = |bit: u16, allowed: bool, part: &str| {
                if allowed && chosen & (1 << bit) != 0 { part.to_owned() } else { String::new() }
            };
            let plain_day = matches!(freq, "DAILY" | "WEEKLY");
            let day = if plain_day { day.replace(|c: char| c.is_ascii_digit() || c == '-', "") } else { day };
            let week = on(2, freq == "YEARLY" && !day.contains(|c: char| c.is_ascii_digit()), &week);
            text += &on(0, true, &month);
            text += &on(1, freq != "WEEKLY", &month_day);
            text += &week;
            text += &on(3, freq == "YEARLY" && week.is_empty(), &year_day);
            // Without a day, BYWEEKNO means the start's (RFC 5545), or all seven (theirs).
            let day = if !week.is_empty() && day.is_empty() { ";BYDAY=TU".to_owned() } else { day };
            text += &on(if week.is_empty() { 4 } else { 2 }, true, &day);
            text += &on(5, true, &hour);
            let has_parts = text.matches("BY").count() > 0;
            // In the first week theirs counts from the start on, RFC 5545 the whole week.
            text += &on(6, has_parts && freq != "WEEKLY", &position);
            text
        },
    )
}

/// Compares from the first occurrence on: what a start that the rule does not meet means is not said by RFC 5545.
fn compare(from: DateTime, text: &str) -> Result<(), TestCaseError> {
    let (parsed, _) = parse(text).unwrap();
    // What the rule leaves open is taken from the start, so the start is looked for with the rule itself.
    let Some(first) = parsed.occurrences(from).take(3).find(|at| parsed.meets(*at)) else { return Ok(()) };
    // Theirs goes through every day up to the end of its calendar where little comes.
    if parsed.occurrences(first).nth(24).is_none_or(|last| last.year() > 2200) {
        return Ok(());
    }
    let Some(theirs) = theirs(first, text, 25) else { return Ok(()) };
    let ours: Vec<String> = parsed.occurrences(first).take(theirs.len()).map(|at| at.to_string()).collect();
    // Theirs gives up early in rules with few occurrences.
    prop_assert_eq!(&ours, &theirs, "{} from {}", text, first);
    let rewritten = canonical(parsed.clone(), first);
    let again: Vec<String> = rewritten.occurrences(first).take(theirs.len()).map(|at| at.to_string()).collect();
    prop_assert_eq!(&again, &theirs, "{} written as {} from {}", text, print(&rewritten, None), first);
    prop_assert_eq!(canonical(rewritten.clone(), first), rewritten);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn rules_of_all_kinds_have_the_same_occurrences(from in common::local(), text in rule()) {
        compare(from, &text)?;
    }

    #[test]
    fn usual_rules_have_the_same_occurrences(from in common::local(), text in prop::sample::select(&common::RULES[..])) {
        compare(from, text)?;
    }
}
