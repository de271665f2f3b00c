//! Components within components.

use super::lines::{Line, unfold};
use crate::Unfit;

/// `BEGIN:NAME` to `END:NAME`. The name is in capitals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Component {
    pub name: String,
    pub lines: Vec<Line>,
    pub children: Vec<Component>,
}

/// Deeper nesting is nobody's calendar.
const DEEPEST: usize = 20;

impl Component {
    #[must_use]
    pub fn new(name: &str) -> Component {
        Component { name: name.into(), ..Component::default() }
    }

    /// The first line of that name.
    #[must_use]
    pub fn line(&self, name: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.name == name)
    }

    /// About as much as is written of it, so that a large text is not moved about while it grows.
    pub fn octets(&self) -> usize {
        let lines: usize = self.lines.iter().map(Line::octets).sum();
        let children: usize = self.children.iter().map(Component::octets).sum();
        2 * (self.name.len() + "BEGIN:\r\n".len()) + lines + children
    }

    pub fn write(&self, out: &mut String) {
        Line::new("BEGIN", &*self.name).write(out);
        self.lines.iter().for_each(|line| line.write(out));
        self.children.iter().for_each(|child| child.write(out));
        Line::new("END", &*self.name).write(out);
    }
}

/// The outermost components of a text. An END:VCALENDAR that is missing at the very end is forgiven (Exchange 2016 leaves it
/// out where a detached instance comes last).
pub fn parse(bytes: &[u8]) -> Result<Vec<Component>, Unfit> {
    let mut roots = Vec::new();
    let mut open: Vec<Component> = Vec::new();
    for text in unfold(bytes)? {
        let line = Line::read(text)?;
        match line.name.as_str() {
            "BEGIN" => {
                if open.len() >= DEEPEST {
                    return Err(Unfit::BrokenStructure);
                }
                open.push(Component::new(&line.value.trim().to_ascii_uppercase()));
            }
            "END" => {
                let closed = open.pop().ok_or(Unfit::BrokenStructure)?;
                if !closed.name.eq_ignore_ascii_case(line.value.trim()) {
                    return Err(Unfit::BrokenStructure);
                }
                place(closed, &mut open, &mut roots);
            }
            _ => open.last_mut().ok_or(Unfit::BrokenStructure)?.lines.push(line),
        }
    }
    match open.pop() {
        Some(last) if open.is_empty() && last.name == "VCALENDAR" && !last.children.is_empty() => roots.push(last),
        Some(_) => return Err(Unfit::BrokenStructure),
        None => {}
    }
    Ok(roots)
}

fn place(closed: Component, open: &mut [Component], roots: &mut Vec<Component>) {
    match open.last_mut() {
        Some(parent) => parent.children.push(closed),
        None => roots.push(closed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nBEGIN:VALARM\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        let roots = parse(text.as_bytes()).unwrap();
        let mut out = String::new();
        roots[0].write(&mut out);
        assert_eq!(out, text);
    }

    #[test]
    fn only_the_last_end_may_be_missing() {
        let inner = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nEND:VEVENT\n";
        assert!(parse(inner.as_bytes()).is_ok());
        for text in ["BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\n", "BEGIN:A\nEND:B\n", "END:A\n", "UID:1\n"] {
            assert_eq!(parse(text.as_bytes()), Err(Unfit::BrokenStructure), "{text}");
        }
    }
}
