//! A small tree of XML: what a request to one of our servers says and what an answer is made of.
//!
//! Strict where .NET's reader is: a character that XML 1.0 does not know ends the request, even as a reference. When
//! writing, the lab may say such characters, as Exchange does (ews-managed-api #77).

use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use std::fmt::Write as _;

/// Elements may be so deep, and no deeper.
const DEEPEST: usize = 64;

/// How a server tells its namespaces apart.
pub trait Space: Sized {
    /// The prefixes of the namespaces that every document of the server begins with.
    const PREFIXES: &'static [(&'static str, &'static str)];

    /// `None`: an element without a namespace.
    fn of(uri: Option<&str>) -> Self;

    /// One of the prefixes above with its colon, or nothing.
    fn prefix(&self) -> &'static str;

    /// What an element without a prefix names as its own namespace.
    fn own(&self) -> Option<&str> {
        None
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element<N> {
    pub ns: N,
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub children: Vec<Element<N>>,
    pub text: String,
}

impl<N: Space> Element<N> {
    pub fn new(ns: impl Into<N>, name: &str) -> Element<N> {
        let (ns, name) = (ns.into(), name.to_owned());
        Element { ns, name, attributes: Vec::new(), children: Vec::new(), text: String::new() }
    }

    pub fn says(mut self, text: impl ToString) -> Element<N> {
        self.text = text.to_string();
        self
    }

    pub fn with(mut self, child: Element<N>) -> Element<N> {
        self.children.push(child);
        self
    }

    pub fn with_all(mut self, children: impl IntoIterator<Item = Element<N>>) -> Element<N> {
        self.children.extend(children);
        self
    }

    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find_map(|(known, value)| (known == name).then_some(value.as_str()))
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
            for (prefix, uri) in N::PREFIXES {
                let _ = write!(out, " xmlns:{prefix}=\"{uri}\"");
            }
        }
        if let Some(own) = self.ns.own() {
            out.push_str(" xmlns=\"");
            escape(own, out);
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

    /// Reads a document. The error is what .NET would complain of.
    pub fn parse(document: &str) -> Result<Element<N>, String> {
        let mut reader = NsReader::from_str(document);
        let mut open: Vec<Element<N>> = Vec::new();
        let mut root = None;
        loop {
            let (ns, event) = reader.read_resolved_event().map_err(|error| error.to_string())?;
            match event {
                Event::Start(start) => {
                    if open.is_empty() && root.is_some() {
                        return Err("There are multiple root elements.".to_owned());
                    }
                    if open.len() >= DEEPEST {
                        return Err("The maximum read depth has been exceeded.".to_owned());
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
                            let known = quick_xml::escape::resolve_predefined_entity(name);
                            known.ok_or_else(|| format!("Reference to undeclared entity '{name}'."))?.to_owned()
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

fn opened<N: Space>(ns: ResolveResult<'_>, start: &BytesStart<'_>) -> Result<Element<N>, String> {
    let ns = match ns {
        ResolveResult::Bound(namespace) => N::of(Some(namespace.as_ref())),
        ResolveResult::Unbound => N::of(None),
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

fn close<N>(mut element: Element<N>, open: &mut [Element<N>], root: &mut Option<Element<N>>) -> Result<(), String> {
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

fn add_text<N>(text: &str, open: &mut [Element<N>]) -> Result<(), String> {
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

fn escape(text: &str, out: &mut String) {
    let mut rest = text;
    let is_odd = |(_, c): &(usize, char)| matches!(c, '&' | '<' | '>' | '"' | '\r') || !is_known(*c);
    while let Some((at, odd)) = rest.char_indices().find(is_odd) {
        // A text may be an attachment: what is clean is written in one piece.
        let (clean, after) = rest.split_at(at);
        out.push_str(clean);
        match odd {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Bare, a reader would take it for a line's end.
            odd => {
                let _ = write!(out, "&#x{:X};", u32::from(odd));
            }
        }
        rest = after.strip_prefix(odd).unwrap_or_default();
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Plain;

    impl Space for Plain {
        const PREFIXES: &'static [(&'static str, &'static str)] = &[];

        fn of(_: Option<&str>) -> Plain {
            Plain
        }

        fn prefix(&self) -> &'static str {
            ""
        }
    }

    #[test]
    fn characters_that_xml_lacks_may_be_said_and_not_heard() {
        let tree = Element::<Plain>::new(Plain, "Subject").says("a\u{b}b\r<");
        assert!(tree.document().contains("a&#xB;b&#xD;&lt;"));
        assert!(Element::<Plain>::parse(&tree.document()).unwrap_err().contains("invalid character"));
    }

    #[test]
    fn broken_documents_are_refused() {
        let deep = "<a>".repeat(100) + &"</a>".repeat(100);
        for broken in ["", "<a>", "<a></b>", "<a/><b/>", "<x:a/>", "<!DOCTYPE a><a/>", "<a>&none;</a>", "x<a/>", &deep]
        {
            assert!(Element::<Plain>::parse(broken).is_err(), "{broken}");
        }
    }
}
