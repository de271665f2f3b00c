//! What a path names.

use super::store::INBOX;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Root,
    /// `/principals/` and `/calendars/`.
    Shelf(&'static str),
    Principal(String),
    Home(String),
    Inbox(String),
    /// Something in the inbox.
    Letter(String, String),
    Calendar(String, String),
    Object(String, String, String),
    Nowhere,
}

impl Place {
    /// Reads the path of a request, or of a whole URL, which may be said where a path is wanted.
    pub fn read(path: &str) -> Place {
        let path = match path.split_once("://") {
            Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
            None => path,
        };
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let segments: Option<Vec<String>> =
            path.split('/').filter(|segment| !segment.is_empty()).map(decoded).collect();
        let Some(segments) = segments else { return Place::Nowhere };
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let own = |text: &str| text.to_owned();
        match segments.as_slice() {
            [] => Place::Root,
            ["principals"] => Place::Shelf("principals"),
            ["calendars"] => Place::Shelf("calendars"),
            ["principals", login] => Place::Principal(own(login)),
            ["calendars", login] => Place::Home(own(login)),
            ["calendars", login, INBOX] => Place::Inbox(own(login)),
            ["calendars", login, INBOX, name] => Place::Letter(own(login), own(name)),
            ["calendars", login, calendar] => Place::Calendar(own(login), own(calendar)),
            ["calendars", login, calendar, name] => Place::Object(own(login), own(calendar), own(name)),
            _ => Place::Nowhere,
        }
    }

    /// Whose it is; `None` for what is everybody's.
    pub fn owner(&self) -> Option<&str> {
        match self {
            Place::Root | Place::Shelf(_) | Place::Nowhere => None,
            Place::Principal(login) | Place::Home(login) | Place::Inbox(login) => Some(login),
            Place::Letter(login, _) | Place::Calendar(login, _) | Place::Object(login, ..) => Some(login),
        }
    }

    /// How the server writes it.
    pub fn path(&self) -> String {
        match self {
            Place::Root | Place::Nowhere => "/".to_owned(),
            Place::Shelf(name) => format!("/{name}/"),
            Place::Principal(login) => format!("/principals/{}/", encoded(login)),
            Place::Home(login) => format!("/calendars/{}/", encoded(login)),
            Place::Inbox(login) => format!("/calendars/{}/{INBOX}/", encoded(login)),
            Place::Letter(login, name) => format!("/calendars/{}/{INBOX}/{}", encoded(login), encoded(name)),
            Place::Calendar(login, calendar) => format!("/calendars/{}/{}/", encoded(login), encoded(calendar)),
            Place::Object(login, calendar, name) => {
                format!("/calendars/{}/{}/{}", encoded(login), encoded(calendar), encoded(name))
            }
        }
    }
}

/// A segment without its encoding; `None` if it is no text.
fn decoded(segment: &str) -> Option<String> {
    let mut out = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        rest = more;
        if *first != b'%' {
            out.push(*first);
            continue;
        }
        let (digits, more) = rest.split_at_checked(2)?;
        out.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = more;
    }
    String::from_utf8(out).ok()
}

fn encoded(segment: &str) -> String {
    let mut out = String::new();
    for byte in segment.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_as_it_is_written() {
        let own = str::to_owned;
        for place in [
            Place::Root,
            Place::Shelf("calendars"),
            Place::Principal(own("anna")),
            Place::Home(own("anna@corp.example")),
            Place::Inbox(own("anna")),
            Place::Calendar(own("anna"), own("Рабочий")),
            Place::Object(own("anna"), own("calendar"), own("a/b?c %.ics")),
        ] {
            assert_eq!(Place::read(&place.path()), place);
            assert_eq!(Place::read(&format!("https://dav.example:8443{}", place.path())), place);
        }
        assert_eq!(Place::read("/calendars/anna/c/d/e"), Place::Nowhere);
        assert_eq!(Place::read("/calendars/%ff/"), Place::Nowhere);
    }
}
