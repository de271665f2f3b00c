//! VALARM.

use super::lines::Line;
use super::tree::Component;
use super::values::{Duration, parse_datetime, print_datetime};
use crate::event::{Alarm, Trigger};

/// `None` where it does not say what rings and when: such an alarm is kept as it is.
pub fn alarm(component: &Component) -> Option<Alarm> {
    let action = component.line("ACTION")?;
    let trigger = component.line("TRIGGER")?;
    let once = |name: &str| component.lines.iter().filter(|line| line.name == name).count() == 1;
    if !once("ACTION") || !once("TRIGGER") {
        return None;
    }
    let extras = component.lines.iter().filter(|line| !matches!(line.name.as_str(), "ACTION" | "TRIGGER"));
    Some(Alarm {
        action: action.value.trim().to_ascii_uppercase(),
        trigger: parse_trigger(trigger)?,
        extras: extras.cloned().collect(),
        extra_components: component.children.clone(),
    })
}

fn parse_trigger(line: &Line) -> Option<Trigger> {
    if let Ok(duration) = Duration::parse(&line.value) {
        let from_end = line.param("RELATED").is_some_and(|related| related.eq_ignore_ascii_case("END"));
        return Some(if from_end { Trigger::FromEnd(duration) } else { Trigger::FromStart(duration) });
    }
    match parse_datetime(&line.value) {
        Ok((at, true)) => Some(Trigger::At(at)),
        _ => None,
    }
}

pub fn component(alarm: &Alarm) -> Component {
    let mut component = Component::new("VALARM");
    component.lines.push(Line::new("ACTION", &*alarm.action));
    component.lines.push(match alarm.trigger {
        // Without the sign some clients do not show an alarm at the start (Evolution).
        Trigger::FromStart(duration) if duration == Duration::default() => Line::new("TRIGGER", "-PT0M"),
        Trigger::FromStart(duration) => Line::new("TRIGGER", duration.print()),
        Trigger::FromEnd(duration) => Line::new("TRIGGER", duration.print()).with("RELATED", "END"),
        Trigger::At(at) => Line::new("TRIGGER", format!("{}Z", print_datetime(at))).with("VALUE", "DATE-TIME"),
    });
    component.lines.extend(alarm.extras.iter().cloned());
    component.children = alarm.extra_components.clone();
    component
}
