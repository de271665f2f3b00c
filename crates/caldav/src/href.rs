//! What servers call their resources, brought to one spelling: the same resource must be the same handle in every answer.

use parom_net::http::{Origin, Url, escape};

/// The name of a resource that an answer from `at` tells: a path on the client's own server, the whole URL elsewhere.
/// `None` for what is no name of a resource.
#[must_use]
pub fn place(own: &Origin, at: &Url, href: &str) -> Option<String> {
    let told = at.join(href)?;
    // A server behind a proxy knows its own host, but neither its scheme nor its port.
    let origin = if told.origin.host == at.origin.host { &at.origin } else { &told.origin };
    let path = canonical(&told.path);
    Some(if origin == own { path } else { format!("{origin}{path}") })
}

/// One spelling of a path. A slash that is encoded stays so: it separates nothing.
#[must_use]
pub fn canonical(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let segments: Vec<String> = path.split('/').map(recoded).collect();
    segments.join("/")
}

fn recoded(segment: &str) -> String {
    match decoded(segment) {
        Some(text) => escape(&text),
        // Not UTF-8: it is the server's, and stays as it is.
        None => segment.to_owned(),
    }
}

/// A segment without its encoding; `None` if it is not UTF-8.
#[must_use]
pub fn decoded(segment: &str) -> Option<String> {
    let mut out = Vec::with_capacity(segment.len());
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        let digits: Vec<u8> = bytes.clone().take(2).collect();
        let number = match (byte, std::str::from_utf8(&digits)) {
            (b'%', Ok(digits)) if digits.len() == 2 && !digits.starts_with('+') => u8::from_str_radix(digits, 16).ok(),
            _ => None,
        };
        match number {
            Some(number) => {
                out.push(number);
                bytes.nth(1);
            }
            None => out.push(byte),
        }
    }
    String::from_utf8(out).ok()
}

/// A collection's name ends with a slash.
#[must_use]
pub fn collection(mut path: String) -> String {
    if !path.ends_with('/') {
        path.push('/');
    }
    path
}

/// The name of a resource right in a collection; `None` for the collection itself and everything else.
#[must_use]
pub fn child<'a>(collection: &str, place: &'a str) -> Option<&'a str> {
    place.strip_prefix(collection).filter(|name| !name.is_empty() && !name.contains('/'))
}

/// The last segment, for people.
#[must_use]
pub fn last(path: &str) -> String {
    let segment = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    decoded(segment).unwrap_or_else(|| segment.to_owned())
}

/// Longer names are refused by file systems below some servers.
const LONGEST: usize = 255;

/// The file name that an event gets, always the same for its UID, encoded; `turn` gives another when something else has it.
#[must_use]
pub fn of_uid(uid: &str, turn: u32) -> String {
    let plain = format!("{}.ics", escape(uid));
    // Anything else is some server's or some file system's trouble: Cyrus 3.6 fails over quotation marks, names that begin with
    // a dot are hidden, slashes lead elsewhere.
    let is_harmless = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | '@' | '+' | '=' | '{' | '}');
    let is_plain = turn == 0 && plain.len() <= LONGEST && !uid.starts_with('.') && uid.chars().all(is_harmless);
    if is_plain {
        return plain;
    }
    let hash = blake3::hash(uid.as_bytes()).to_hex();
    let more = if turn == 0 { String::new() } else { format!("-{turn}") };
    format!("{}{more}.ics", hash.get(..40).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_resource_has_one_spelling() {
        let at = Url::parse("https://dav.example.org:8443/dav/anna/").unwrap();
        for href in [
            "/dav/anna/%D0%9A/a@b.ics",
            "/dav/anna/%d0%9a/a%40b.ics",
            "/dav/anna/К/a@b.ics",
            "К/a@b.ics",
            "https://dav.example.org:8443/dav/anna/К/a@b.ics",
            "http://dav.example.org/dav/anna/К/a@b.ics",
        ] {
            assert_eq!(place(&at.origin, &at, href).as_deref(), Some("/dav/anna/%D0%9A/a%40b.ics"), "{href}");
        }
        let elsewhere = "https://p01.example.org/cal/";
        assert_eq!(place(&at.origin, &at, elsewhere).as_deref(), Some(elsewhere));
        assert_eq!(place(&at.origin, &at, "mailto:a@b"), None);
    }

    #[test]
    fn an_encoded_slash_separates_nothing() {
        assert_eq!(canonical("/a/b%2fc%25/d"), "/a/b%2Fc%25/d");
        assert_eq!(canonical("/a/%zz%/%ff"), "/a/%25zz%25/%ff");
    }

    #[test]
    fn children_are_right_in_their_collection() {
        assert_eq!(child("/c/", "/c/1.ics"), Some("1.ics"));
        for place in ["/c/", "/c", "/c/d/1.ics", "/other/1.ics"] {
            assert_eq!(child("/c/", place), None, "{place}");
        }
    }

    #[test]
    fn every_uid_has_a_name() {
        assert_eq!(of_uid("AbC-1@x", 0), "AbC-1%40x.ics");
        assert_eq!(of_uid("встреча", 0), "%D0%B2%D1%81%D1%82%D1%80%D0%B5%D1%87%D0%B0.ics");
        for uid in ["a/b", "..", "a\\b", "\"a\"", "a b", &"x".repeat(300), ""] {
            let name = of_uid(uid, 0);
            assert!(name.len() <= LONGEST && name.ends_with(".ics") && !name.contains(['/', '%']), "{name}");
        }
        assert_ne!(of_uid("a", 0), of_uid("a", 1));
        assert_ne!(of_uid("a", 1), of_uid("a", 2));
    }
}
