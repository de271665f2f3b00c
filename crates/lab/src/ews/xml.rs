//! A small tree of XML: what a request says and what a response is made of.
//!
//! Strict where .NET's reader is: a character that XML 1.0 does not know ends the request, even as a reference. When
//! writing, the lab may say such characters, as Exchange does (ews-managed-api #77).

use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use std::fmt::Write as _;

pub const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
pub const TYPES: &str = "http://schemas.microsoft.com/exchange/services/2006/types";
pub const MESSAGES: &str = "http://schemas.microsoft.com/exchange/services/2006/messages";
const ERRORS: &str = "http://schemas.microsoft.com/exchange/services/2006/errors";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ns {
    Soap,
    Types,
    Messages,
    Errors,
    None,
    Other,
}

impl Ns {
    fn of(uri: &str) -> Ns {
        [(SOAP, Ns::Soap), (TYPES, Ns::Types), (MESSAGES, Ns::Messages), (ERRORS, Ns::Errors)]
            .into_iter()
            .find_map(|(known, ns)| (known == uri).then_some(ns))
            .unwrap_or(Ns::Other)
    }

    fn prefix(self) -> &'static str {
        match self {
            Ns::Soap => "s:",
            Ns::Types => "t:",
            Ns::Messages => "m:",
            Ns::Errors => "e:",
            Ns::None | Ns::Other => "",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    pub ns: Ns,
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub children: Vec<Element>,
    pub text: String,
}

/// An element of the types' namespace.
pub fn t(name: &str) -> Element {
    Element::new(Ns::Types, name)
}

/// An element of the messages' namespace.
pub fn m(name: &str) -> Element {
    Element::new(Ns::Messages, name)
}

/// A text element of the types' namespace.
pub fn tt(name: &str, text: impl ToString) -> Element {
    t(name).says(text)
}

/// A text element of the messages' namespace.
pub fn mt(name: &str, text: impl ToString) -> Element {
    m(name).says(text)
}

impl Element {
    pub fn new(ns: Ns, name: &str) -> Element {
        Element { ns, name: name.to_owned(), attributes: Vec::new(), children: Vec::new(), text: String::new() }
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

    pub fn set(mut self, name: &str, value: impl ToString) -> Element {
        self.attributes.push((name.to_owned(), value.to_string()));
        self
    }

    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The child of this name, else an empty element: for optional containers.
    pub fn list(&self, name: &str) -> &[Element] {
        self.child(name).map_or(&[], |child| &child.children)
    }

    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find_map(|(known, value)| (known == name).then_some(value.as_str()))
    }

    /// The text of a child.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }

    /// The document, with its declaration.
    pub fn document(&self) -> String {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>");
        self.write(&mut out, true);
        out
    }

    fn write(&self, out: &mut String, is_root: bool) {
        let prefix = self.ns.prefix();
        let _ = write!(out, "<{prefix}{}", self.name);
        if is_root {
            let _ = write!(out, " xmlns:s=\"{SOAP}\" xmlns:t=\"{TYPES}\" xmlns:m=\"{MESSAGES}\" xmlns:e=\"{ERRORS}\"");
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

    /// Reads a document. The error is what .NET would complain of.
    pub fn parse(document: &str) -> Result<Element, String> {
        let mut reader = NsReader::from_str(document);
        let mut open: Vec<Element> = Vec::new();
        let mut root = None;
        loop {
            let (ns, event) = reader.read_resolved_event().map_err(|error| error.to_string())?;
            match event {
                Event::Start(start) => {
                    if open.is_empty() && root.is_some() {
                        return Err("There are multiple root elements.".to_owned());
                    }
                    let element = opened(ns, &start)?;
                    open.push(element);
                }
                Event::Empty(start) => {
                    let element = opened(ns, &start)?;
                    close(element, &mut open, &mut root)?;
                }
                Event::End(_) => {
                    let element = open.pop().ok_or("Unexpected end tag.")?;
                    close(element, &mut open, &mut root)?;
                }
                Event::Text(text) => add_text(&text.xml10_content(), &mut open)?,
                Event::CData(text) => add_text(&text.xml10_content(), &mut open)?,
                Event::GeneralRef(name) => {
                    let text = match name.resolve_char_ref().map_err(|error| error.to_string())? {
                        Some(character) => character.to_string(),
                        None => {
                            let name: &str = &name;
                            entity(name).ok_or_else(|| format!("Reference to undeclared entity '{name}'."))?.to_owned()
                        }
                    };
                    add_text(&text, &mut open)?;
                }
                Event::DocType(_) => {
                    return Err("For security reasons DTD is prohibited in this XML document.".to_owned());
                }
                Event::Eof => break,
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            }
        }
        if !open.is_empty() {
            return Err("Unexpected end of file has occurred.".to_owned());
        }
        root.ok_or_else(|| "Root element is missing.".to_owned())
    }
}

fn opened(ns: ResolveResult<'_>, start: &BytesStart<'_>) -> Result<Element, String> {
    let ns = match ns {
        ResolveResult::Bound(namespace) => Ns::of(namespace.as_ref()),
        ResolveResult::Unbound => Ns::None,
        ResolveResult::Unknown(_) => return Err("An undeclared prefix is used.".to_owned()),
    };
    let name = start.local_name().as_ref().to_owned();
    let mut element = Element::new(ns, &name);
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let name = attribute.key.local_name().as_ref().to_owned();
        if attribute.key.as_ref().starts_with("xmlns") {
            continue;
        }
        let value = quick_xml::escape::unescape(&attribute.value).map_err(|error| error.to_string())?.into_owned();
        known_characters(&value)?;
        element.attributes.push((name, value));
    }
    Ok(element)
}

fn close(mut element: Element, open: &mut [Element], root: &mut Option<Element>) -> Result<(), String> {
    if !element.children.is_empty() && element.text.trim().is_empty() {
        element.text.clear();
    }
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None if root.is_some() => return Err("There are multiple root elements.".to_owned()),
        None => *root = Some(element),
    }
    Ok(())
}

fn add_text(text: &str, open: &mut [Element]) -> Result<(), String> {
    known_characters(text)?;
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim_matches(['\u{feff}', ' ', '\r', '\n', '\t']).is_empty() => {}
        None => return Err("Data at the root level is invalid.".to_owned()),
    }
    Ok(())
}

fn known_characters(text: &str) -> Result<(), String> {
    match text.chars().find(|character| !is_known(*character)) {
        Some(strange) => {
            Err(format!("'{strange}', hexadecimal value 0x{:02X}, is an invalid character.", strange as u32))
        }
        None => Ok(()),
    }
}

fn is_known(character: char) -> bool {
    !matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

fn entity(name: &str) -> Option<&'static str> {
    Some(match name {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => return None,
    })
}

fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#xD;"),
            character if !is_known(character) => {
                let _ = write!(out, "&#x{:X};", character as u32);
            }
            character => out.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let tree = t("Item").set("Id", "a<\"&b").with(tt("Subject", " <Заказ> & \r\n№ 1 ")).with(m("Empty"));
        assert_eq!(Element::parse(&tree.document()), Ok(tree));
    }

    #[test]
    fn characters_that_xml_lacks_may_be_said_and_not_heard() {
        let tree = tt("Subject", "a\u{b}b");
        assert!(tree.document().contains("a&#xB;b"));
        assert!(Element::parse(&tree.document()).unwrap_err().contains("invalid character"));
    }

    #[test]
    fn broken_documents_are_refused() {
        for broken in ["", "<a>", "<a></b>", "<a/><b/>", "<x:a/>", "<!DOCTYPE a><a/>", "<a>&none;</a>", "x<a/>"] {
            assert!(Element::parse(broken).is_err(), "{broken}");
        }
    }
}
