//! Where a resource is: scheme, host, port and a path, as much of RFC 3986 as HTTP needs.

use std::fmt;
use std::sync::Arc;

/// A server as a URL names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    pub tls: bool,
    /// Without the brackets that a URL puts around an IPv6 address.
    pub host: Arc<str>,
    pub port: u16,
}

impl Origin {
    /// As the Host header tells it.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.to_string() };
        let usual = if self.tls { 443 } else { 80 };
        if self.port == usual { host } else { format!("{host}:{}", self.port) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.tls { "https" } else { "http" }, self.authority())
    }
}

/// A resource on a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Url {
    pub origin: Origin,
    /// Begins with `/`, percent-encoded, with the query if there is one.
    pub path: String,
}

impl Url {
    /// `http` and `https` only. `None` for anything else, and for a URL that holds a password.
    #[must_use]
    pub fn parse(text: &str) -> Option<Url> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://")?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') {
            return None;
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']')?;
                (host, port.strip_prefix(':').unwrap_or(port))
            }
            None => authority.split_once(':').unwrap_or((authority, "")),
        };
        let port = if port.is_empty() { if tls { 443 } else { 80 } } else { port.parse().ok()? };
        let is_host = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if host.is_empty() || !host.chars().all(is_host) {
            return None;
        }
        let origin = Origin { tls, host: host.to_ascii_lowercase().into(), port };
        Some(Url { origin, path: rooted(path) })
    }

    /// What a reference in an answer about this resource means (RFC 3986 section 5).
    #[must_use]
    pub fn join(&self, reference: &str) -> Option<Url> {
        let reference = reference.trim();
        if let Some(rest) = reference.strip_prefix("//") {
            let scheme = if self.origin.tls { "https" } else { "http" };
            return Url::parse(&format!("{scheme}://{rest}"));
        }
        // A scheme ends with a colon before any slash; a relative path with a colon in it is written `./a:b`.
        let first = reference.split(['/', '?', '#']).next().unwrap_or_default();
        if first.contains(':') {
            return Url::parse(reference);
        }
        let here = self.path.split('?').next().unwrap_or_default();
        let path = if reference.starts_with('/') {
            rooted(reference)
        } else if reference.is_empty() || reference.starts_with(['?', '#']) {
            rooted(&format!("{here}{reference}"))
        } else {
            let folder = here.rfind('/').map_or("/", |at| here.get(..=at).unwrap_or("/"));
            rooted(&format!("{folder}{reference}"))
        };
        Some(Url { origin: self.origin.clone(), path })
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

/// A path from the root, without fragment and dot segments, with everything encoded that must be.
fn rooted(path: &str) -> String {
    let path = path.split('#').next().unwrap_or_default();
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').peekable();
    if path.starts_with('/') {
        segments.next();
    }
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." if is_last => kept.push(""),
            "." => {}
            ".." => {
                kept.pop();
                if is_last {
                    kept.push("");
                }
            }
            other => kept.push(other),
        }
    }
    let mut out = String::from("/");
    out.push_str(&encoded(&kept.join("/")));
    if let Some(query) = query {
        out.push('?');
        out.push_str(&encoded(query));
    }
    out
}

/// Encodes what a path or query must not hold, and leaves what is encoded already.
fn encoded(text: &str) -> String {
    percent(text, |byte| {
        byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
    })
}

/// Encodes one segment of a path: everything but the unreserved characters of RFC 3986 section 2.3.
#[must_use]
pub fn escape(segment: &str) -> String {
    percent(segment, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
}

fn percent(text: &str, stays: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if stays(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_and_told() {
        for (text, told) in [
            ("https://mail.example.org", "https://mail.example.org/"),
            ("HTTPS://Mail.Example.org:443/a/./b/../c/#d", "https://mail.example.org/a/c/"),
            ("http://127.0.0.1:5232/x?y=z 1", "http://127.0.0.1:5232/x?y=z%201"),
            ("http://[::1]:80/Календарь", "http://[::1]/%D0%9A%D0%B0%D0%BB%D0%B5%D0%BD%D0%B4%D0%B0%D1%80%D1%8C"),
            ("https://a//b%2fc", "https://a//b%2fc"),
        ] {
            assert_eq!(Url::parse(text).unwrap().to_string(), told, "{text}");
        }
        for text in ["", "mailto:a@b", "ftp://a/", "https://", "https://a:b@c/", "https://a b/", "https://a:99999/"] {
            assert_eq!(Url::parse(text), None, "{text}");
        }
    }

    #[test]
    fn references_are_read_from_where_they_stand() {
        let base = Url::parse("https://a/b/c?d").unwrap();
        for (reference, told) in [
            ("/x/", "https://a/x/"),
            ("x", "https://a/b/x"),
            ("../x", "https://a/x"),
            ("../../../x", "https://a/x"),
            ("", "https://a/b/c"),
            ("?x", "https://a/b/c?x"),
            ("//h:8443/y", "https://h:8443/y"),
            ("http://h/y", "http://h/y"),
            ("./a:b", "https://a/b/a:b"),
            ("/a:b", "https://a/a:b"),
            (" /x y\n", "https://a/x%20y"),
        ] {
            assert_eq!(base.join(reference).unwrap().to_string(), told, "{reference}");
        }
        assert_eq!(base.join("mailto:a@b"), None);
    }

    #[test]
    fn a_segment_holds_anything() {
        assert_eq!(escape("a/b?c#d e%ё@x"), "a%2Fb%3Fc%23d%20e%25%D1%91%40x");
    }
}
