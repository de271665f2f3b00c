//! A small tree of XML with any namespaces: what a request says and what an answer is made of.

use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use std::fmt::Write as _;

pub const DAV: &str = "DAV:";
pub const CALDAV: &str = "urn:ietf:params:xml:ns:caldav";
/// Where the CTag is at home.
pub const SERVER: &str = "http://calendarserver.org/ns/";

/// Elements may be so deep, and no deeper.
const DEEPEST: usize = 32;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    pub ns: String,
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub children: Vec<Element>,
    pub text: String,
}

/// An element of WebDAV.
pub fn d(name: &str) -> Element {
    Element::new(DAV, name)
}

/// An element of CalDAV.
pub fn c(name: &str) -> Element {
    Element::new(CALDAV, name)
}

/// A `DAV:href`.
pub fn href(path: &str) -> Element {
    d("href").says(path)
}

impl Element {
    pub fn new(ns: &str, name: &str) -> Element {
        let (ns, name) = (ns.to_owned(), name.to_owned());
        Element { ns, name, attributes: Vec::new(), children: Vec::new(), text: String::new() }
    }

    pub fn says(mut self, text: impl ToString) -> Element {
        self.text = text.to_string();
        self
    }

    pub fn with(mut self, child: Element) -> Element {
        self.children.push(child);
        self
    }

    pub fn with_all(mut self, children: impl IntoIterator<Item = Element>) -> Element {
        self.children.extend(children);
        self
    }

    pub fn is(&self, ns: &str, name: &str) -> bool {
        self.ns == ns && self.name == name
    }

    pub fn child(&self, ns: &str, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.is(ns, name))
    }

    pub fn all<'a>(&'a self, ns: &'a str, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.is(ns, name))
    }

    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find_map(|(known, value)| (known == name).then_some(value.as_str()))
    }

    /// The document, with its declaration.
    pub fn document(&self) -> String {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
        self.write(&mut out, true);
        out
    }

    fn write(&self, out: &mut String, is_root: bool) {
        let prefix = match self.ns.as_str() {
            DAV => "d:",
            CALDAV => "c:",
            SERVER => "cs:",
            _ => "",
        };
        let _ = write!(out, "<{prefix}{}", self.name);
        if is_root {
            let _ = write!(out, " xmlns:d=\"{DAV}\" xmlns:c=\"{CALDAV}\" xmlns:cs=\"{SERVER}\"");
        }
        if prefix.is_empty() {
            out.push_str(" xmlns=\"");
            escape(&self.ns, out);
            out.push('"');
        }
        for (name, value) in &self.attributes {
            let _ = write!(out, " {name}=\"");
            escape(value, out);
            out.push('"');
        }
        if self.children.is_empty() && self.text.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        escape(&self.text, out);
        self.children.iter().for_each(|child| child.write(out, false));
        let _ = write!(out, "</{prefix}{}>", self.name);
    }

    /// Reads a document.
    pub fn parse(document: &str) -> Result<Element, String> {
        let mut reader = NsReader::from_str(document);
        let mut open: Vec<Element> = Vec::new();
        let mut root = None;
        loop {
            let (ns, event) = reader.read_resolved_event().map_err(|error| error.to_string())?;
            match event {
                Event::Start(start) => {
                    if open.len() > DEEPEST {
                        return Err("elements too deep".to_owned());
                    }
                    let element = opened(ns, &start)?;
                    open.push(element);
                }
                Event::Empty(start) => {
                    let element = opened(ns, &start)?;
                    close(element, &mut open, &mut root)?;
                }
                Event::End(_) => {
                    let element = open.pop().ok_or("an end without a start")?;
                    close(element, &mut open, &mut root)?;
                }
                Event::Text(text) => add_text(&text.xml10_content(), &mut open)?,
                Event::CData(text) => add_text(&text.xml10_content(), &mut open)?,
                Event::GeneralRef(name) => {
                    let text = match name.resolve_char_ref().map_err(|error| error.to_string())? {
                        Some(character) => character.to_string(),
                        None => {
                            let name: &str = &name;
                            let known = quick_xml::escape::resolve_predefined_entity(name);
                            known.ok_or_else(|| format!("an unknown entity {name}"))?.to_owned()
                        }
                    };
                    add_text(&text, &mut open)?;
                }
                Event::DocType(_) => return Err("a document type".to_owned()),
                Event::Eof => break,
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            }
        }
        if !open.is_empty() {
            return Err("the document ends too early".to_owned());
        }
        root.ok_or_else(|| "no element at all".to_owned())
    }
}

fn opened(ns: ResolveResult<'_>, start: &BytesStart<'_>) -> Result<Element, String> {
    let ns = match ns {
        ResolveResult::Bound(namespace) => namespace.as_ref().to_owned(),
        ResolveResult::Unbound => String::new(),
        ResolveResult::Unknown(_) => return Err("an undeclared prefix".to_owned()),
    };
    let mut element = Element::new(&ns, start.local_name().as_ref());
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        if attribute.key.as_ref().starts_with("xmlns") {
            continue;
        }
        let value = quick_xml::escape::unescape(&attribute.value).map_err(|error| error.to_string())?.into_owned();
        element.attributes.push((attribute.key.local_name().as_ref().to_owned(), value));
    }
    Ok(element)
}

fn close(mut element: Element, open: &mut [Element], root: &mut Option<Element>) -> Result<(), String> {
    if !element.children.is_empty() && element.text.trim().is_empty() {
        element.text.clear();
    }
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None if root.is_some() => return Err("two roots".to_owned()),
        None => *root = Some(element),
    }
    Ok(())
}

fn add_text(text: &str, open: &mut [Element]) -> Result<(), String> {
    if text.chars().any(is_forbidden) {
        return Err("a character that XML does not know".to_owned());
    }
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim_matches(['\u{feff}', ' ', '\r', '\n', '\t']).is_empty() => {}
        None => return Err("text outside of the root".to_owned()),
    }
    Ok(())
}

/// XML 1.0 section 2.2.
fn is_forbidden(character: char) -> bool {
    matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Bare, a reader would take it for a line's end.
            '\r' => out.push_str("&#13;"),
            character => out.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let tree = d("prop").with(c("calendar-data").says("BEGIN:VCALENDAR\r\nSUMMARY:<R&D> \"№ 1\"\r\n"));
        let tree = tree.with(Element::new("urn:x", "colour").says("#fff")).with(Element::new(SERVER, "getctag"));
        assert_eq!(Element::parse(&tree.document()), Ok(tree));
    }

    #[test]
    fn broken_documents_are_refused() {
        let deep = "<a>".repeat(100) + &"</a>".repeat(100);
        for broken in ["", "<a>", "<a></b>", "<a/><b/>", "<x:a/>", "<!DOCTYPE a><a/>", "<a>&none;</a>", "x<a/>", &deep]
        {
            assert!(Element::parse(broken).is_err(), "{broken}");
        }
    }
}
