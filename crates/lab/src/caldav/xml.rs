//! The XML of WebDAV: elements of any namespaces.

use crate::xml::Space;

pub const DAV: &str = "DAV:";
pub const CALDAV: &str = "urn:ietf:params:xml:ns:caldav";
/// Where the CTag is at home.
pub const SERVER: &str = "http://calendarserver.org/ns/";

/// A namespace is its name.
pub type Element = crate::xml::Element<String>;

impl Space for String {
    const PREFIXES: &'static [(&'static str, &'static str)] = &[("d", DAV), ("c", CALDAV), ("cs", SERVER)];

    fn of(uri: Option<&str>) -> String {
        uri.unwrap_or_default().to_owned()
    }

    fn prefix(&self) -> &'static str {
        match self.as_str() {
            DAV => "d:",
            CALDAV => "c:",
            SERVER => "cs:",
            _ => "",
        }
    }

    fn own(&self) -> Option<&str> {
        self.prefix().is_empty().then_some(self.as_str())
    }
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
    pub fn is(&self, ns: &str, name: &str) -> bool {
        self.ns == ns && self.name == name
    }

    pub fn child(&self, ns: &str, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.is(ns, name))
    }

    pub fn all<'a>(&'a self, ns: &'a str, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.is(ns, name))
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
}
