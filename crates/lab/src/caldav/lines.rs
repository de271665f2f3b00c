//! iCalendar text as lines and components (RFC 5545 section 3.1), read by the lab's own hand.

/// More than a calendar object may have.
const MOST_LINES: usize = 200_000;

/// A property. Names are in upper case; values are as they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub name: String,
    pub params: Vec<(String, String)>,
    pub value: String,
    /// The whole line, unfolded.
    pub raw: String,
}

impl Line {
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find_map(|(known, value)| (known == name).then_some(value.as_str()))
    }

    fn read(raw: &str) -> Result<Line, String> {
        let bad = || format!("a line that is none: {}", raw.chars().take(60).collect::<String>());
        let (mut quoted, mut parts, mut from, mut colon) = (false, Vec::new(), 0, None);
        for (at, character) in raw.char_indices() {
            match character {
                '"' => quoted = !quoted,
                ';' | ':' if !quoted => {
                    parts.push(raw.get(from..at).unwrap_or_default());
                    from = at + 1;
                    if character == ':' {
                        colon = Some(at);
                        break;
                    }
                }
                _ => {}
            }
        }
        let value = raw.get(colon.ok_or_else(bad)? + 1..).unwrap_or_default();
        let mut parts = parts.into_iter();
        let name = parts.next().filter(|name| is_name(name)).ok_or_else(bad)?;
        let mut params = Vec::new();
        for part in parts {
            let (name, value) = part.split_once('=').filter(|(name, _)| is_name(name)).ok_or_else(bad)?;
            let bare = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
            params.push((name.to_ascii_uppercase(), bare.to_owned()));
        }
        Ok(Line { name: name.to_ascii_uppercase(), params, value: value.to_owned(), raw: raw.to_owned() })
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|character| character.is_ascii_alphanumeric() || character == '-')
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Component {
    pub name: String,
    pub lines: Vec<Line>,
    pub children: Vec<Component>,
}

impl Component {
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Line> {
        self.lines.iter().filter(move |line| line.name == name)
    }

    pub fn line(&self, name: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.name == name)
    }

    pub fn value(&self, name: &str) -> Option<&str> {
        self.line(name).map(|line| line.value.as_str())
    }

    /// Reads a text that is one component.
    pub fn parse(text: &str) -> Result<Component, String> {
        let mut open: Vec<Component> = Vec::new();
        let mut root = None;
        for raw in unfolded(text)? {
            if raw.is_empty() {
                continue;
            }
            if root.is_some() {
                return Err("something after the end".to_owned());
            }
            let line = Line::read(&raw)?;
            match (line.name.as_str(), open.last_mut()) {
                ("BEGIN", _) => open.push(Component { name: line.value.to_ascii_uppercase(), ..Component::default() }),
                ("END", _) => {
                    let done = open.pop().filter(|done| done.name.eq_ignore_ascii_case(&line.value));
                    let done = done.ok_or_else(|| format!("END:{} without its beginning", line.value))?;
                    match open.last_mut() {
                        Some(parent) => parent.children.push(done),
                        None => root = Some(done),
                    }
                }
                (_, Some(component)) => component.lines.push(line),
                (_, None) => return Err("a line outside of any component".to_owned()),
            }
        }
        root.filter(|_| open.is_empty()).ok_or_else(|| "a component without end".to_owned())
    }

    /// The text, with lines folded at 75 octets.
    pub fn written(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        fold(&format!("BEGIN:{}", self.name), out);
        self.lines.iter().for_each(|line| fold(&line.raw, out));
        self.children.iter().for_each(|child| child.write(out));
        fold(&format!("END:{}", self.name), out);
    }
}

/// Servers take bare line feeds too; other control characters have no place in a text.
fn unfolded(text: &str) -> Result<Vec<String>, String> {
    let mut lines: Vec<String> = Vec::new();
    for physical in text.split('\n') {
        let physical = physical.strip_suffix('\r').unwrap_or(physical);
        if physical.chars().any(|character| character.is_control() && character != '\t') {
            return Err("a control character".to_owned());
        }
        match (physical.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(more), Some(last)) => last.push_str(more),
            (Some(_), None) => return Err("the first line goes on".to_owned()),
            (None, _) => lines.push(physical.to_owned()),
        }
        if lines.len() > MOST_LINES {
            return Err("too many lines".to_owned());
        }
    }
    Ok(lines)
}

fn fold(line: &str, out: &mut String) {
    let mut bytes = 0;
    for character in line.chars() {
        if bytes + character.len_utf8() > 75 {
            out.push_str("\r\n ");
            bytes = 1;
        }
        out.push(character);
        bytes += character.len_utf8();
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_again() {
        let long = "Совещание ".repeat(20);
        let text = format!(
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nATTENDEE;CN=\"a;b:c\":mailto:a@b\nSUMMARY:{long}\nEND:VEVENT\nEND:VCALENDAR"
        );
        let read = Component::parse(&text).unwrap();
        assert_eq!(read.children[0].lines[0].param("CN"), Some("a;b:c"));
        assert_eq!(read.children[0].value("SUMMARY"), Some(long.as_str()));
        let written = read.written();
        assert!(written.lines().all(|line| line.len() <= 75));
        assert_eq!(Component::parse(&written), Ok(read));
    }

    #[test]
    fn what_is_no_component_is_refused() {
        for text in [
            "",
            "SUMMARY:x",
            "BEGIN:A",
            "BEGIN:A\nEND:B",
            "BEGIN:A\nx\nEND:A",
            "BEGIN:A\nEND:A\nBEGIN:A\nEND:A",
            "BEGIN:A\nX:\u{1}\nEND:A",
            " BEGIN:A\nEND:A",
        ] {
            assert!(Component::parse(text).is_err(), "{text}");
        }
    }
}
