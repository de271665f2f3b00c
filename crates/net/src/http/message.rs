//! What is asked and what is answered.

use super::url::Url;
use bytes::Bytes;
use http::header::{DATE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use parom_domain::{Error, Result};
use std::fmt;
use std::time::Duration;

/// A request. Host, Content-Length and Authorization are the client's business.
#[derive(Clone)]
pub struct Request {
    pub method: Method,
    /// A path from the root on the client's own server, or the whole URL of a resource elsewhere.
    pub at: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// A kept connection may turn out to have been closed just when the request left; it is then sent once more. Only for
    /// what may come twice without harm.
    pub repeatable: bool,
    /// So many redirects are followed, and only to servers on the allow list; 0: a redirect is an answer like others.
    pub redirects: u8,
    /// A larger body of an answer is not read; `None`: the client's own limit.
    pub at_most_bytes: Option<u64>,
}

impl Request {
    pub fn new(method: Method, at: impl Into<String>) -> Request {
        Request {
            method,
            at: at.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            repeatable: false,
            redirects: 0,
            at_most_bytes: None,
        }
    }

    /// Adds a header.
    ///
    /// # Errors
    /// `Internal` for a value that no header can hold: the value is not told.
    pub fn with(mut self, name: HeaderName, value: &str) -> Result<Request> {
        let value = HeaderValue::from_str(value)
            .map_err(|_| Error::internal(format!("a value that the header {name} cannot hold")))?;
        self.headers.insert(name, value);
        Ok(self)
    }

    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Request {
        self.body = body.into();
        self
    }

    #[must_use]
    pub fn repeatable(mut self) -> Request {
        self.repeatable = true;
        self
    }

    #[must_use]
    pub fn following(mut self, redirects: u8) -> Request {
        self.redirects = redirects;
        self
    }

    #[must_use]
    pub fn at_most(mut self, bytes: u64) -> Request {
        self.at_most_bytes = Some(bytes);
        self
    }
}

/// For logs: no headers (they may hold secrets), no body.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({} bytes)", self.method, self.at, self.body.len())
    }
}

/// The beginning of an answer.
#[derive(Clone)]
pub struct Head {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// The resource that answered: another than the one asked when redirects were followed.
    pub url: Url,
}

impl Head {
    /// A header as text; `None` where it is missing or no text.
    #[must_use]
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
    }

    /// How long the server asks to be left alone (RFC 9110 section 10.2.3). A date counts from the server's own clock, so
    /// that ours does not matter; without that clock it tells nothing.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let told = self.header(&RETRY_AFTER)?;
        if let Ok(seconds) = told.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let until = httpdate::parse_http_date(told).ok()?;
        let now = httpdate::parse_http_date(self.header(&DATE)?).ok()?;
        Some(until.duration_since(now).unwrap_or_default())
    }

    /// Where the server sends us, if it does.
    #[must_use]
    pub fn redirect(&self) -> Option<Url> {
        // 303 asks for another method, which is no answer to what we asked.
        let moved = matches!(self.status.as_u16(), 301 | 302 | 307 | 308);
        moved.then(|| self.url.join(self.header(&LOCATION)?))?
    }
}

/// Header values may hold secrets (cookies).
impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {}", self.status, self.url)
    }
}

/// A whole answer.
#[derive(Clone)]
pub struct Response {
    pub head: Head,
    pub body: Bytes,
}

impl Response {
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.head.status
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ({} bytes)", self.head, self.body.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(status: u16, headers: &[(HeaderName, &'static str)]) -> Head {
        let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        let url = Url::parse("https://a/b/").unwrap();
        Head { status: StatusCode::from_u16(status).unwrap(), headers, url }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_on_the_servers_clock() {
        let told = |headers: &[(HeaderName, &'static str)]| head(503, headers).retry_after().map(|it| it.as_secs());
        assert_eq!(told(&[(RETRY_AFTER, "120")]), Some(120));
        let date = (RETRY_AFTER, "Fri, 31 Dec 1999 23:59:59 GMT");
        assert_eq!(told(&[date.clone(), (DATE, "Fri, 31 Dec 1999 23:58:59 GMT")]), Some(60));
        assert_eq!(told(&[date.clone(), (DATE, "Sat, 01 Jan 2000 00:00:00 GMT")]), Some(0));
        assert_eq!(told(std::slice::from_ref(&date)), None);
        assert_eq!(told(&[(RETRY_AFTER, "soon")]), None);
    }

    #[test]
    fn a_redirect_leads_somewhere() {
        let to = |status, place| head(status, &[(LOCATION, place)]).redirect().map(|url| url.to_string());
        assert_eq!(to(301, "/x"), Some("https://a/x".into()));
        assert_eq!(to(308, "https://c/"), Some("https://c/".into()));
        assert_eq!(to(303, "/x"), None);
        assert_eq!(to(201, "/x"), None);
    }
}
