//! Properties whose iCalendar form says more than the normal form: what each means, and the words for a meaning.

use super::lines::Line;
use super::values::{escape, has_no_stray, is_stray, unescape};
use crate::event::{Details, Importance, Sensitivity};

/// The marker beside CLASS:PRIVATE; Exchange tells personal from private.
pub const SENSITIVITY_MARK: &str = "X-PAROM-SENSITIVITY";

/// The properties that this is about.
pub const SPELLED: [&str; 7] = ["SUMMARY", "DESCRIPTION", "X-ALT-DESC", "LOCATION", "URL", "PRIORITY", "CLASS"];

/// TEXT in the normal form.
pub fn text(value: &str) -> String {
    let mut text = unescape(value);
    if !has_no_stray(&text) {
        text.retain(|c| c == '\n' || !is_stray(c));
    }
    text
}

/// What a line says, in the normal form's words; lines of one name that mean the same are interchangeable.
pub fn meaning(line: &Line) -> String {
    match line.name.as_str() {
        "PRIORITY" => format!("{:?}", importance(&line.value)),
        "CLASS" => format!("{:?}", sensitivity(&line.value)),
        "URL" => line.value.trim().to_owned(),
        _ => text(&line.value),
    }
}

/// The plainest line that says it; none where nothing needs to be said.
pub fn plain(name: &str, details: &Details) -> Option<Line> {
    let text = |text: &str| (!text.is_empty()).then(|| Line::new(name, escape(text)));
    match name {
        "SUMMARY" => text(&details.subject),
        "DESCRIPTION" => text(&details.body.text),
        "X-ALT-DESC" => text(&details.body.html).map(|line| line.with("FMTTYPE", "text/html")),
        "LOCATION" => text(&details.location),
        "URL" => (!details.url.is_empty()).then(|| Line::new(name, &*details.url)),
        "PRIORITY" => match details.importance {
            Importance::High => Some(Line::new(name, "1")),
            Importance::Normal => None,
            Importance::Low => Some(Line::new(name, "9")),
        },
        "CLASS" => match details.sensitivity {
            Sensitivity::Normal => None,
            Sensitivity::Personal | Sensitivity::Private => Some(Line::new(name, "PRIVATE")),
            Sensitivity::Confidential => Some(Line::new(name, "CONFIDENTIAL")),
        },
        _ => None,
    }
}

/// The UID that a line tells.
pub fn uid(line: &Line) -> String {
    text(line.value.trim())
}

/// Is it how we would write this UID?
pub fn is_plain_uid(line: &Line) -> bool {
    *line == Line::new("UID", escape(&uid(line)))
}

/// The line of a UID, as this component had it.
pub fn uid_line(wanted: &str, details: &Details) -> Line {
    let kept = details.spelling.iter().find(|line| line.name == "UID" && uid(line) == wanted);
    kept.cloned().unwrap_or_else(|| Line::new("UID", escape(wanted)))
}

/// The line to write: as it was spelled where that still means the same, else the plain one.
pub fn spelled(name: &str, details: &Details) -> Option<Line> {
    let plain = plain(name, details);
    if !details.spelling.iter().any(|line| line.name == name) {
        return plain;
    }
    let wanted = plain.as_ref().map_or_else(|| nothing(name), meaning);
    let kept = details.spelling.iter().find(|line| line.name == name && meaning(line) == wanted);
    kept.cloned().or(plain)
}

/// Is it worth keeping how this line was spelled?
pub fn is_worth_keeping(line: &Line, details: &Details) -> bool {
    match plain(&line.name, details) {
        Some(plain) => {
            plain.params != line.params || (plain.value != line.value && text(&plain.value) != text(&line.value))
        }
        None => true,
    }
}

/// What a missing line means.
fn nothing(name: &str) -> String {
    match name {
        "PRIORITY" => format!("{:?}", Importance::Normal),
        "CLASS" => format!("{:?}", Sensitivity::Normal),
        _ => String::new(),
    }
}

pub fn importance(priority: &str) -> Importance {
    match priority.trim().parse::<u8>() {
        Ok(1..=4) => Importance::High,
        Ok(6..=9) => Importance::Low,
        _ => Importance::Normal,
    }
}

/// RFC 5545 section 3.8.1.3: what is not known counts as private.
pub fn sensitivity(class: &str) -> Sensitivity {
    match class.trim().to_ascii_uppercase().as_str() {
        "" | "PUBLIC" => Sensitivity::Normal,
        "CONFIDENTIAL" => Sensitivity::Confidential,
        "PERSONAL" => Sensitivity::Personal,
        _ => Sensitivity::Private,
    }
}
