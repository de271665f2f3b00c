//! XML as Exchange speaks it: a careful writer, and a tolerant reader of bounded depth and size.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::fmt;

/// Elements within elements; EWS itself needs some twenty.
const DEEPEST: usize = 64;
/// Elements of one answer.
const MOST_ELEMENTS: usize = 2_000_000;
/// Bytes of one answer. Attachments come in base64, one at a time.
pub const MOST_BYTES: usize = 256 << 20;

/// An element of an answer. Names are without their prefix: EWS has no two elements that differ only in that.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    /// All text directly in it, as one.
    pub text: String,
    pub children: Vec<Element>,
}

/// Why an answer is no XML that we take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    Malformed,
    TooDeep,
    TooLarge,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Broken::Malformed => "not well-formed XML",
            Broken::TooDeep => "XML nested too deeply",
            Broken::TooLarge => "an answer that is too large",
        })
    }
}

impl std::error::Error for Broken {}

impl Element {
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The first child of that name, apart from everything else.
    #[must_use]
    pub fn into_child(self, name: &str) -> Option<Element> {
        self.children.into_iter().find(|child| child.name == name)
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of a child; `None` where there is no such child.
    #[must_use]
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }

    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first element of that name, however deep.
    #[must_use]
    pub fn descendant(&self, name: &str) -> Option<&Element> {
        self.children.iter().find_map(|child| if child.name == name { Some(child) } else { child.descendant(name) })
    }

    /// What its text means in base64, with any spaces in it; `None` where it is none.
    #[must_use]
    pub fn octets(&self) -> Option<Vec<u8>> {
        if self.text.contains(char::is_whitespace) {
            let bare: String = self.text.split_whitespace().collect();
            return STANDARD.decode(bare).ok();
        }
        STANDARD.decode(&self.text).ok()
    }

    /// `true` and `1` (XML Schema part 2, section 3.2.2).
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.text_of(name).map(|text| matches!(text.trim(), "true" | "1"))
    }
}

impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names only: what stands in an answer is people's own.
        f.debug_tuple(&self.name).field(&self.children).finish()
    }
}

/// The root element of a document. Characters that XML 1.0 does not have, written as references (Exchange 2010-2019 do so
/// for what other programs left in a subject), are dropped; a reference to an entity that nobody defined stays as text.
///
/// # Errors
/// What is not well-formed, or larger or deeper than any answer of Exchange.
pub fn read(bytes: &[u8]) -> Result<Element, Broken> {
    if bytes.len() > MOST_BYTES {
        return Err(Broken::TooLarge);
    }
    let text = String::from_utf8_lossy(bytes);
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    reader.config_mut().allow_dangling_amp = true;
    let mut open: Vec<Element> = Vec::new();
    let mut count = 0usize;
    loop {
        match reader.read_event().map_err(|_| Broken::Malformed)? {
            Event::Start(start) => {
                count += 1;
                if open.len() >= DEEPEST {
                    return Err(Broken::TooDeep);
                }
                if count > MOST_ELEMENTS {
                    return Err(Broken::TooLarge);
                }
                open.push(element(&start));
            }
            Event::Empty(start) => {
                count += 1;
                if count > MOST_ELEMENTS {
                    return Err(Broken::TooLarge);
                }
                match open.last_mut() {
                    Some(parent) => parent.children.push(element(&start)),
                    None => return Ok(element(&start)),
                }
            }
            Event::End(_) => {
                let closed = open.pop().ok_or(Broken::Malformed)?;
                match open.last_mut() {
                    Some(parent) => parent.children.push(closed),
                    None => return Ok(closed),
                }
            }
            Event::Text(part) => {
                if let Some(element) = open.last_mut() {
                    push_clean(&mut element.text, &part);
                }
            }
            Event::CData(part) => {
                if let Some(element) = open.last_mut() {
                    push_clean(&mut element.text, &part);
                }
            }
            Event::GeneralRef(name) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&resolved(&name));
                }
            }
            Event::Eof => return Err(Broken::Malformed),
            Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Comment(_) => {}
        }
    }
}

fn local(name: &str) -> String {
    name.rsplit(':').next().unwrap_or(name).to_owned()
}

fn element(start: &BytesStart<'_>) -> Element {
    let mut attributes = start.attributes();
    let attributes = attributes.with_checks(false).flatten();
    Element {
        name: local(start.name().into_inner()),
        attributes: attributes
            .map(|attribute| (local(attribute.key.into_inner()), unescaped(&attribute.value)))
            .collect(),
        text: String::new(),
        children: Vec::new(),
    }
}

/// Line ends are one character (XML 1.0 section 2.11). A text may be an attachment: what is clean is taken in one piece.
fn push_clean(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some((clean, odd, after)) = split_at_odd(rest, |c| c == '\r' || !is_xml(c)) {
        out.push_str(clean);
        rest = after;
        if odd == '\r' {
            out.push('\n');
            rest = rest.strip_prefix('\n').unwrap_or(rest);
        }
    }
    out.push_str(rest);
}

/// What stands before the first of such characters, that one, and what stands behind it.
fn split_at_odd(text: &str, is_odd: impl Fn(char) -> bool) -> Option<(&str, char, &str)> {
    let (at, odd) = text.char_indices().find(|(_, c)| is_odd(*c))?;
    Some((text.get(..at)?, odd, text.get(at + odd.len_utf8()..)?))
}

/// What a reference between `&` and `;` stands for.
fn resolved(name: &str) -> String {
    match name {
        "amp" => "&".into(),
        "lt" => "<".into(),
        "gt" => ">".into(),
        "quot" => "\"".into(),
        "apos" => "'".into(),
        _ => {
            let Some(number) = name.strip_prefix('#') else { return format!("&{name};") };
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            let known = code.ok().and_then(char::from_u32).filter(|c| is_xml(*c));
            known.map(String::from).unwrap_or_default()
        }
    }
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        push_clean(&mut out, before);
        match after.split_once(';') {
            Some((name, after)) if name.len() <= 10 => {
                out.push_str(&resolved(name));
                rest = after;
            }
            _ => {
                out.push('&');
                rest = after;
            }
        }
    }
    push_clean(&mut out, rest);
    out
}

/// The characters of XML 1.0 (section 2.2).
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Writes elements one after the other. Names come with their prefix; text and values may be anything.
#[derive(Debug, Default)]
pub struct Out {
    text: String,
}

impl Out {
    #[must_use]
    pub fn new() -> Out {
        Out::default()
    }

    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }

    /// An element with others in it.
    pub fn within(&mut self, name: &str, attributes: &[(&str, &str)], inner: impl FnOnce(&mut Out)) {
        self.start(name, attributes);
        self.text.push('>');
        inner(self);
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push('>');
    }

    pub fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.start(name, attributes);
        self.text.push_str("/>");
    }

    /// An element with text in it.
    pub fn leaf(&mut self, name: &str, text: &str) {
        self.leaf_with(name, &[], text);
    }

    pub fn leaf_with(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.within(name, attributes, |out| escape(&mut out.text, text));
    }

    /// An element with octets in it, in base64.
    pub fn octets(&mut self, name: &str, octets: &[u8]) {
        self.within(name, &[], |out| {
            // With room for what comes behind them: it may be an attachment, which shall not be moved about.
            out.text.reserve(octets.len() / 3 * 4 + 1024);
            STANDARD.encode_string(octets, &mut out.text);
        });
    }

    /// What another writer has written.
    pub fn raw(&mut self, xml: &str) {
        self.text.push_str(xml);
    }

    fn start(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.text.push('<');
        self.text.push_str(name);
        for (name, value) in attributes {
            self.text.push(' ');
            self.text.push_str(name);
            self.text.push_str("=\"");
            escape(&mut self.text, value);
            self.text.push('"');
        }
    }
}

/// What XML cannot hold is left out: Exchange refuses the whole request for it.
fn escape(out: &mut String, text: &str) {
    let is_odd = |c| matches!(c, '&' | '<' | '>' | '"' | '\r') || !is_xml(c);
    let mut rest = text;
    while let Some((clean, odd, after)) = split_at_odd(rest, is_odd) {
        out.push_str(clean);
        out.push_str(match odd {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' => "&quot;",
            '\r' => "&#xD;",
            _ => "",
        });
        rest = after;
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn illegal_references_are_dropped_and_the_rest_stays() {
        let root =
            read(b"<t:A xmlns:t='x' Id=\"1&amp;2&#x0;\">a&#x0;b&#x1F;c&amp;&lt;&#1076;&nbsp; & d</t:A>").unwrap();
        assert_eq!(root.name, "A");
        assert_eq!(root.text, "abc&<д&nbsp; & d");
        assert_eq!(root.attribute("Id"), Some("1&2"));
    }

    #[test]
    fn an_answer_has_bounds() {
        let deep = "<a>".repeat(100) + &"</a>".repeat(100);
        assert_eq!(read(deep.as_bytes()), Err(Broken::TooDeep));
        for broken in ["", "text", "<a>", "<a></b>", "<a"] {
            assert_eq!(read(broken.as_bytes()), Err(Broken::Malformed), "{broken}");
        }
    }

    #[test]
    fn a_document_type_brings_no_entities() {
        let bomb = b"<!DOCTYPE a [<!ENTITY x \"boom\">]><a>&x;</a>";
        assert_eq!(read(bomb).map(|root| root.text), Ok("&x;".to_owned()));
    }

    proptest! {
        #[test]
        fn text_comes_back(text in "[^\\p{C}]{0,40}|([a-z<>&\"'\r\n\t;#]){0,40}", value in "[^\\p{C}]{0,20}") {
            let mut out = Out::new();
            out.within("t:A", &[("V", &value)], |out| out.leaf("t:B", &text));
            let root = read(out.finish().as_bytes()).unwrap();
            prop_assert_eq!(root.text_of("B"), Some(&*text));
            prop_assert_eq!(root.attribute("V"), Some(&*value));
        }

        #[test]
        fn anything_may_come(bytes: Vec<u8>, text in "[<>/a&;#x0-9 ='\"!-]{0,60}") {
            let _ = read(&bytes);
            let _ = read(text.as_bytes());
        }
    }
}
