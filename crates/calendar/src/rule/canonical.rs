//! One form for equal rules, so that a rule that went through the other system still compares equal.

use super::{ByDay, Ends, Freq, Rule};
use jiff::civil::{Date, DateTime, Weekday};

/// Writes out what the rule takes from its start, and chooses one of several ways to say the same. The occurrences stay
/// the same for every start that the rule meets.
#[must_use]
pub fn canonical(mut rule: Rule, start: DateTime) -> Rule {
    rule.interval = rule.interval.max(1);
    sort(&mut rule.by_month);
    sort(&mut rule.by_week_no);
    sort(&mut rule.by_year_day);
    sort(&mut rule.by_month_day);
    sort(&mut rule.by_set_pos);
    sort(&mut rule.by_hour);
    sort(&mut rule.by_minute);
    sort(&mut rule.by_second);
    rule.by_day.sort_unstable_by_key(|day| day.order());
    rule.by_day.dedup();
    forget_own_time(&mut rule, start);
    let days_of_weeks = !rule.by_day.is_empty() && rule.by_month_day.is_empty() && rule.by_set_pos.is_empty();
    if rule.freq == Freq::Daily && rule.interval == 1 && days_of_weeks {
        rule.freq = Freq::Weekly;
    }
    match rule.freq {
        Freq::Weekly => weekly(&mut rule, start),
        Freq::Monthly => monthly(&mut rule, start),
        Freq::Yearly => yearly(&mut rule, start),
        _ => {}
    }
    // The first day of the week matters where weeks are left out or numbered.
    let counts_weeks = (rule.freq == Freq::Weekly && (rule.interval > 1 || !rule.by_set_pos.is_empty()))
        || !rule.by_week_no.is_empty();
    if !counts_weeks {
        rule.week_start = Weekday::Monday;
    }
    match rule.ends {
        Ends::At(last) if rule.once_a_day() => {
            let day = if last.time() >= start.time() { Ok(last.date()) } else { last.date().yesterday() };
            rule.ends = day.map_or(rule.ends, Ends::On);
        }
        _ => {}
    }
    rule
}

fn sort<T: Ord>(list: &mut Vec<T>) {
    list.sort_unstable();
    list.dedup();
}

/// BYHOUR and its like say nothing where they name the start's own time.
fn forget_own_time(rule: &mut Rule, start: DateTime) {
    if rule.freq < Freq::Daily {
        return;
    }
    for (list, own) in [
        (&mut rule.by_hour, start.hour()),
        (&mut rule.by_minute, start.minute()),
        (&mut rule.by_second, start.second()),
    ] {
        if *list == [own] {
            list.clear();
        }
    }
}

fn has_no_days(rule: &Rule) -> bool {
    rule.by_day.is_empty() && rule.by_month_day.is_empty() && rule.by_year_day.is_empty() && rule.by_week_no.is_empty()
}

fn weekly(rule: &mut Rule, start: DateTime) {
    if has_no_days(rule) {
        rule.by_day = vec![ByDay::every(start.weekday())];
    }
    let all_week = rule.by_day.len() == 7 && rule.by_day.iter().all(|day| day.nth == 0);
    if all_week && rule.interval == 1 && rule.by_set_pos.is_empty() {
        rule.freq = Freq::Daily;
        rule.by_day.clear();
    }
}

fn monthly(rule: &mut Rule, start: DateTime) {
    if has_no_days(rule) {
        rule.by_month_day = vec![start.day()];
    }
    positions(rule);
}

fn yearly(rule: &mut Rule, start: DateTime) {
    if has_no_days(rule) {
        rule.by_month_day = vec![start.day()];
        if rule.by_month.is_empty() {
            rule.by_month = vec![start.month()];
        }
    }
    if !rule.by_week_no.is_empty() && rule.by_day.is_empty() {
        rule.by_day = vec![ByDay::every(start.weekday())];
    }
    if rule.by_month.len() == 1 && rule.by_year_day.is_empty() && rule.by_week_no.is_empty() {
        positions(rule);
    }
    // All months but February have their days in every year: none is counted from the end.
    if let &[month] = rule.by_month.as_slice()
        && month != 2
        && let Ok(first) = Date::new(start.year(), month, 1)
    {
        let length = first.days_in_month();
        for day in rule.by_month_day.iter_mut().filter(|day| (-length..0).contains(*day)) {
            *day += length + 1;
        }
        sort(&mut rule.by_month_day);
    }
}

/// One position in a month: of one weekday it is the nth, of all days it is a day of the month.
fn positions(rule: &mut Rule) {
    let plain = rule.once_a_day() && rule.by_month_day.is_empty() && rule.by_day.iter().all(|day| day.nth == 0);
    let (&[position], true) = (rule.by_set_pos.as_slice(), plain) else { return };
    let Ok(nth) = i8::try_from(position) else { return };
    match rule.by_day.as_slice() {
        &[ByDay { day, .. }] if (-5..=5).contains(&nth) => {
            rule.by_day = vec![ByDay { nth, day }];
            rule.by_set_pos.clear();
        }
        all if all.len() == 7 && (-31..=31).contains(&nth) => {
            rule.by_day.clear();
            rule.by_month_day = vec![nth];
            rule.by_set_pos.clear();
        }
        _ => {}
    }
}
