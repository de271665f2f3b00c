//! Components of properties with parameters, and their lines (RFC 5545 section 3.1).

use std::fmt::Write as _;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    pub name: String,
    pub parameters: Vec<(String, String)>,
    /// As it stands, escapes and all.
    pub value: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Component {
    pub name: String,
    pub properties: Vec<Property>,
    pub children: Vec<Component>,
}

/// Octets of a line, its end not counted.
const LINE: usize = 75;

impl Property {
    pub fn new(name: &str, value: impl ToString) -> Property {
        Property { name: name.to_owned(), parameters: Vec::new(), value: value.to_string() }
    }

    /// A property that is text for people.
    pub fn text(name: &str, text: &str) -> Property {
        Property::new(name, escaped(text))
    }

    pub fn with(mut self, name: &str, value: &str) -> Property {
        self.parameters.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find_map(|(known, value)| known.eq_ignore_ascii_case(name).then_some(value.as_str()))
    }

    /// The value as people read it.
    pub fn plain(&self) -> String {
        unescaped(&self.value)
    }

    /// A list of texts.
    pub fn list(&self) -> Vec<String> {
        let (mut all, mut from, mut is_escaped) = (Vec::new(), 0, false);
        for (at, character) in self.value.char_indices() {
            if character == ',' && !is_escaped {
                all.push(unescaped(self.value.get(from..at).unwrap_or_default()));
                from = at + 1;
            }
            is_escaped = character == '\\' && !is_escaped;
        }
        all.push(unescaped(self.value.get(from..).unwrap_or_default()));
        all
    }

    fn parse(line: &str) -> Option<Property> {
        let (mut parts, mut from, mut is_quoted, mut end) = (Vec::new(), 0, false, None);
        for (at, character) in line.char_indices() {
            match character {
                '"' => is_quoted = !is_quoted,
                ';' | ':' if !is_quoted => {
                    parts.push(line.get(from..at)?);
                    from = at + 1;
                    if character == ':' {
                        end = Some(at + 1);
                        break;
                    }
                }
                _ => {}
            }
        }
        let value = line.get(end?..)?.to_owned();
        let (name, parameters) = parts.split_first()?;
        let parameter = |text: &&str| {
            let (name, value) = text.split_once('=').unwrap_or((*text, ""));
            (name.to_ascii_uppercase(), value.trim_matches('"').to_owned())
        };
        let parameters = parameters.iter().map(parameter).collect();
        Some(Property { name: name.to_ascii_uppercase(), parameters, value })
    }

    fn write(&self, out: &mut String) {
        let mut line = self.name.clone();
        for (name, value) in &self.parameters {
            let is_plain = !value.contains([':', ';', ',']);
            let _ = if is_plain { write!(line, ";{name}={value}") } else { write!(line, ";{name}=\"{value}\"") };
        }
        line.push(':');
        line.push_str(&self.value);
        let mut width = 0;
        for character in line.chars() {
            if width + character.len_utf8() > LINE {
                out.push_str("\r\n ");
                width = 1;
            }
            out.push(character);
            width += character.len_utf8();
        }
        out.push_str("\r\n");
    }
}

impl Component {
    pub fn new(name: &str) -> Component {
        Component { name: name.to_owned(), ..Component::default() }
    }

    pub fn add(&mut self, property: Property) {
        self.properties.push(property);
    }

    /// The first property of this name.
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Property> {
        self.properties.iter().filter(move |property| property.name == name)
    }

    pub fn value(&self, name: &str) -> Option<&str> {
        self.property(name).map(|property| property.value.as_str())
    }

    pub fn below<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Component> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// Reads the first component of a text; lines that are no properties are passed over.
    pub fn parse(text: &str) -> Option<Component> {
        let text = text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "");
        let mut open: Vec<Component> = Vec::new();
        for line in text.lines() {
            let Some(property) = Property::parse(line) else { continue };
            match property.name.as_str() {
                "BEGIN" => open.push(Component::new(&property.value.trim().to_ascii_uppercase())),
                "END" => {
                    let closed = open.pop()?;
                    match open.last_mut() {
                        Some(parent) => parent.children.push(closed),
                        None => return Some(closed),
                    }
                }
                _ => open.last_mut()?.add(property),
            }
        }
        None
    }

    pub fn written(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        let _ = write!(out, "BEGIN:{}\r\n", self.name);
        self.properties.iter().for_each(|property| property.write(out));
        self.children.iter().for_each(|child| child.write(out));
        let _ = write!(out, "END:{}\r\n", self.name);
    }
}

pub fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,");
    text.replace("\r\n", "\\n").replace('\n', "\\n")
}

fn unescaped(value: &str) -> String {
    let (mut text, mut is_escaped) = (String::new(), false);
    for character in value.chars() {
        match (is_escaped, character) {
            (false, '\\') => {
                is_escaped = true;
                continue;
            }
            (true, 'n' | 'N') => text.push('\n'),
            (_, other) => text.push(other),
        }
        is_escaped = false;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let mut event = Component::new("VEVENT");
        let long = "Совещание; \"о планах\", \\ и\nо прочем ".repeat(9);
        event.add(Property::text("SUMMARY", &long));
        event.add(Property::new("ATTENDEE", "mailto:a@b").with("CN", "B: the, \u{416}"));
        let mut calendar = Component::new("VCALENDAR");
        calendar.children.push(event);
        let text = calendar.written();
        assert!(text.split("\r\n").all(|line| line.len() <= LINE), "{text}");
        let read = Component::parse(&text).unwrap();
        assert_eq!(read, calendar);
        assert_eq!(read.children[0].property("SUMMARY").unwrap().plain(), long);
        assert_eq!(Property::new("CATEGORIES", "a\\,b,c").list(), ["a,b", "c"]);
        assert_eq!(Component::parse("BEGIN:VCALENDAR\r\n"), None, "without end");
    }
}
