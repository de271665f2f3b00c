//! OPTIONS (RFC 9110 section 9.3.7): what the server says it can do.

use crate::classify::Asked;
use crate::dav::Dav;
use parom_domain::Result;
use parom_net::http::{HeaderMap, HeaderName, Method, Request, header};

/// What the headers of an answer tell.
#[derive(Clone, Debug, Default)]
pub struct Features {
    pub server: String,
    /// Of all DAV headers, joined.
    pub dav: String,
    pub sabre: bool,
    pub davical: bool,
}

impl Features {
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Features {
        let all = |name: HeaderName| {
            let values: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
            values.join(", ")
        };
        Features {
            server: all(header::SERVER),
            dav: all(HeaderName::from_static("dav")),
            sabre: headers.contains_key("x-sabre-version"),
            davical: headers.contains_key("x-davical-version"),
        }
    }

    /// A class of the DAV header.
    #[must_use]
    pub fn has(&self, class: &str) -> bool {
        self.dav.split(',').any(|known| known.trim().eq_ignore_ascii_case(class))
    }
}

/// # Errors
/// A refused sign-in, or a server that cannot be reached. Any other answer tells what its headers tell.
pub async fn options(dav: &Dav, at: &str) -> Result<Features> {
    let answer = dav.send(Request::new(Method::OPTIONS, at).repeatable()).await?;
    if matches!(answer.status(), 401 | 429 | 502..=504) {
        return Err(dav.refused(Asked::Home, &answer));
    }
    Ok(Features::of(&answer.head.headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_may_come_in_pieces() {
        let mut headers = HeaderMap::new();
        for value in ["1, 2, access-control", "calendar-access,Calendar-Auto-Schedule"] {
            headers.append("dav", value.parse().unwrap());
        }
        let features = Features::of(&headers);
        assert!(features.has("calendar-auto-schedule") && features.has("2") && !features.has("calendar"));
    }
}
