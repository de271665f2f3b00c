//! The lines of an event on the target, as a phone changes them.

/// The lines of a text, each whole.
pub fn unfolded(text: &str) -> Vec<String> {
    text.replace("\r\n", "\n").replace("\n ", "").lines().map(str::to_owned).collect()
}

pub fn is_of(line: &str, name: &str) -> bool {
    line.strip_prefix(name).is_some_and(|rest| rest.starts_with([':', ';']))
}

/// What comes after the colon. No parameter of the demo's events has one.
pub fn value_of(line: &str) -> &str {
    line.split_once(':').map_or("", |(_, value)| value)
}
