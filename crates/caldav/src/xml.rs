//! XML as servers of all kinds write it: any prefixes, bounded depth, nothing expanded. And what we write ourselves.

use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;
use std::fmt;

/// The namespaces whose names we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ns {
    /// `DAV:`
    Dav,
    /// `urn:ietf:params:xml:ns:caldav`
    CalDav,
    /// `http://calendarserver.org/ns/`
    CalendarServer,
    Other,
}

impl Ns {
    fn of(uri: &[u8]) -> Ns {
        match uri {
            b"DAV:" => Ns::Dav,
            b"urn:ietf:params:xml:ns:caldav" => Ns::CalDav,
            b"http://calendarserver.org/ns/" => Ns::CalendarServer,
            _ => Ns::Other,
        }
    }
}

/// An element with everything in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Element {
    pub ns: Ns,
    pub name: String,
    /// Without prefixes.
    pub attributes: Vec<(String, String)>,
    /// All text directly in it.
    pub text: String,
    pub children: Vec<Element>,
}

impl Element {
    #[must_use]
    pub fn is(&self, ns: Ns, name: &str) -> bool {
        self.ns == ns && self.name == name
    }

    #[must_use]
    pub fn child(&self, ns: Ns, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.is(ns, name))
    }

    #[must_use]
    pub fn has(&self, ns: Ns, name: &str) -> bool {
        self.child(ns, name).is_some()
    }

    pub fn all<'a>(&'a self, ns: Ns, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.is(ns, name))
    }

    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Its text without spaces around it.
    #[must_use]
    pub fn trimmed(&self) -> &str {
        self.text.trim()
    }
}

/// For logs: the name, nothing of what it says.
impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}:{}", self.ns, self.name)
    }
}

/// Why something is not XML that we can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken(pub &'static str);

/// Deeper nesting is no answer of a calendar server.
const DEEPEST: usize = 32;

/// Reads a document and gives each child of its root as soon as it is complete, so that a long answer is never in memory as
/// a tree. Returns the name of the root.
///
/// # Errors
/// Anything that is not one whole document.
pub fn read(bytes: &[u8], mut each: impl FnMut(Element) -> Result<(), Broken>) -> Result<(Ns, String), Broken> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| Broken("not UTF-8"))?;
    let mut reader = NsReader::from_str(text.trim_start());
    reader.config_mut().allow_dangling_amp = true;
    let mut root: Option<(Ns, String)> = None;
    let mut closed = false;
    let mut open: Vec<Element> = Vec::new();
    loop {
        let (resolved, event) = reader.read_resolved_event().map_err(|_| Broken("not well-formed"))?;
        let ns = match resolved {
            ResolveResult::Bound(namespace) => Ns::of(namespace.into_inner().as_ref()),
            ResolveResult::Unbound | ResolveResult::Unknown(_) => Ns::Other,
        };
        match event {
            Event::Start(start) => {
                if closed || open.len() >= DEEPEST {
                    return Err(Broken(if closed { "two roots" } else { "nested too deep" }));
                }
                let element = begun(ns, &start);
                if root.is_none() {
                    root = Some((element.ns, element.name));
                } else {
                    open.push(element);
                }
            }
            Event::Empty(start) => {
                let element = begun(ns, &start);
                match (&root, closed) {
                    (_, true) => return Err(Broken("two roots")),
                    (None, _) => (root, closed) = (Some((element.ns, element.name)), true),
                    (Some(_), _) => place(element, &mut open, &mut each)?,
                }
            }
            Event::End(_) => match open.pop() {
                Some(element) => place(element, &mut open, &mut each)?,
                None => closed = true,
            },
            Event::Text(text) => push(&mut open, &text.xml10_content()),
            Event::CData(text) => push(&mut open, &text.xml10_content()),
            Event::GeneralRef(name) => {
                let character = character(&name.xml10_content());
                push(&mut open, character.encode_utf8(&mut [0; 4]).trim_matches('\0'));
            }
            Event::Eof => break,
            Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Comment(_) => {}
        }
    }
    match root {
        Some(root) if closed => Ok(root),
        Some(_) => Err(Broken("it ends too early")),
        None => Err(Broken("no XML")),
    }
}

fn begun(ns: Ns, start: &BytesStart<'_>) -> Element {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut attributes = start.attributes();
    let attributes = attributes.with_checks(false).flatten().map(|attribute| {
        let name = text(attribute.key.local_name().into_inner().as_ref());
        let value: &str = attribute.value.as_ref();
        (name, value.to_owned())
    });
    let attributes = attributes.collect();
    let name = text(start.local_name().into_inner().as_ref());
    Element { ns, name, attributes, text: String::new(), children: Vec::new() }
}

fn place(
    element: Element,
    open: &mut [Element],
    each: &mut impl FnMut(Element) -> Result<(), Broken>,
) -> Result<(), Broken> {
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None => each(element)?,
    }
    Ok(())
}

fn push(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

/// The character of a reference; NUL for what stands for none, and for what XML 1.0 has no place for.
fn character(name: &str) -> char {
    let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let told = match name.strip_prefix('#') {
                Some(hex) if hex.starts_with(['x', 'X']) => hex.get(1..).and_then(|hex| number(hex, 16)),
                Some(digits) => number(digits, 10),
                None => None,
            };
            told.filter(|c| !c.is_control() || matches!(c, '\t' | '\r' | '\n')).unwrap_or('\0')
        }
    }
}

/// Text for the inside of an element or an attribute. What XML has no place for is left out.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' => out.push(c),
            '\r' => out.push_str("&#13;"),
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => {}
            c => out.push(c),
        }
    }
    out
}

/// Begins every document of ours: the prefixes that our elements use.
pub const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>";
pub const PREFIXES: &str =
    "xmlns:d=\"DAV:\" xmlns:c=\"urn:ietf:params:xml:ns:caldav\" xmlns:cs=\"http://calendarserver.org/ns/\"";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn children(text: &str) -> Result<Vec<Element>, Broken> {
        let mut all = Vec::new();
        read(text.as_bytes(), |element| {
            all.push(element);
            Ok(())
        })?;
        Ok(all)
    }

    #[test]
    fn any_prefix_will_do() {
        for text in [
            "<multistatus xmlns=\"DAV:\"><response><href>/a&amp;b</href></response></multistatus>",
            "<?xml version=\"1.0\"?>\n<X:multistatus xmlns:X='DAV:'><X:response ><X:href><![CDATA[/a&b]]></X:href></X:response></X:multistatus>\n",
            "<multistatus xmlns=\"urn:x\"><response xmlns=\"DAV:\"><y:href xmlns:y=\"DAV:\">/a&#38;<!-- no -->b</y:href></response></multistatus>",
        ] {
            let all = children(text).unwrap();
            assert_eq!(all.len(), 1, "{text}");
            assert!(all[0].is(Ns::Dav, "response"));
            assert_eq!(all[0].child(Ns::Dav, "href").unwrap().trimmed(), "/a&b", "{text}");
        }
    }

    #[test]
    fn attributes_and_empty_elements_are_read() {
        let all = children("<a xmlns:c=\"urn:ietf:params:xml:ns:caldav\"><c:comp name=\"VEVENT\"/></a>").unwrap();
        assert!(all[0].is(Ns::CalDav, "comp"));
        assert_eq!(all[0].attribute("name"), Some("VEVENT"));
        assert_eq!(read(b"<d:multistatus xmlns:d='DAV:'/>", |_| Ok(())), Ok((Ns::Dav, "multistatus".into())));
    }

    #[test]
    fn what_xml_has_no_place_for_is_left_out() {
        let all = children("<a><b>x&#x0;y&#11;z&nbsp;&#x41F;</b></a>").unwrap();
        assert_eq!(all[0].text, "xyz\u{41F}");
        assert_eq!(escaped("a<\u{b}>&\"\r"), "a&lt;&gt;&amp;&quot;&#13;");
    }

    #[test]
    fn what_is_no_whole_document_is_refused() {
        let deep = "<a>".repeat(40);
        for text in ["", "hello", "<a>", "<a><b></a>", "<a/><b/>", "<a></a><b></b>", "<html><p>x<br></html>", &deep] {
            assert!(children(text).is_err(), "{text}");
        }
        assert_eq!(read(b"<a>\xff</a>", |_| Ok(())), Err(Broken("not UTF-8")));
    }

    proptest! {
        #[test]
        fn what_is_escaped_is_read_back(text in "[^\\p{Cc}\u{FFFE}\u{FFFF}]{0,60}") {
            let all = children(&format!("<a><b>{}</b></a>", escaped(&text))).unwrap();
            prop_assert_eq!(&all[0].text, &text);
        }

        #[test]
        fn anything_may_come(bytes: Vec<u8>, text in "[<>a/&;#x=\"' !\\[\\]-]{0,40}") {
            let _ = read(&bytes, |_| Ok(()));
            let _ = read(text.as_bytes(), |_| Ok(()));
        }
    }
}
