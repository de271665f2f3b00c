//! Who asks: what goes into the Authorization header of every request.

use crate::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use parom_domain::{Error, Result};
use std::fmt;

/// Whose requests they are. The connections of a client carry one identity's requests and no other's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    Anonymous,
    /// RFC 7617, in UTF-8, sent without being asked for.
    Basic {
        user: String,
        password: Secret,
    },
    /// RFC 6750.
    Bearer {
        user: String,
        token: Secret,
    },
    /// [MS-NTHT]: proved once for each connection, and bound to it where it is a TLS connection.
    Ntlm {
        user: String,
        password: Secret,
    },
    /// Basic or NTLM, by what the server offers to one who says nothing of himself. What was refused once is not tried in
    /// another way: it would be the same password.
    Offered {
        user: String,
        password: Secret,
    },
}

impl Identity {
    /// Who it is, for sentences.
    #[must_use]
    pub fn user(&self) -> &str {
        match self {
            Identity::Anonymous => "",
            Identity::Basic { user, .. }
            | Identity::Bearer { user, .. }
            | Identity::Ntlm { user, .. }
            | Identity::Offered { user, .. } => user,
        }
    }

    /// The value of the Authorization header that goes with every request. `None` where there is none, or where it is another
    /// each time.
    pub(super) fn authorization(&self) -> Result<Option<HeaderValue>> {
        match self {
            Identity::Anonymous | Identity::Ntlm { .. } | Identity::Offered { .. } => Ok(None),
            Identity::Basic { user, password } => basic(user, password).map(Some),
            Identity::Bearer { token, .. } => header("Bearer", token).map(Some),
        }
    }
}

pub(super) fn basic(user: &str, password: &Secret) -> Result<HeaderValue> {
    let clear = Secret::new([user.as_bytes(), b":", password.expose()].concat());
    header("Basic", &Secret::new(STANDARD.encode(clear.expose())))
}

/// The value of an Authorization header; marked, so that no Debug shows it.
pub(super) fn header(scheme: &str, secret: &Secret) -> Result<HeaderValue> {
    let whole = Secret::new([scheme.as_bytes(), b" ", secret.expose()].concat());
    // The error would show nothing of the value, but it is not told all the same.
    let mut value = HeaderValue::from_bytes(whole.expose())
        .map_err(|_| Error::internal("a token that no header can hold was kept"))?;
    value.set_sensitive(true);
    Ok(value)
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.user())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_are_those_of_the_specifications() {
        let value = |identity: Identity| identity.authorization().unwrap().unwrap();
        // RFC 7617 section 2 and, for UTF-8, 2.1.
        let basic = |user: &str, password: &str| Identity::Basic { user: user.into(), password: password.into() };
        assert_eq!(value(basic("Aladdin", "open sesame")), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(value(basic("test", "123\u{a3}")), "Basic dGVzdDoxMjPCow==");
        let bearer = Identity::Bearer { user: "anna".into(), token: "mF_9.B5f-4.1JqM".into() };
        assert_eq!(value(bearer.clone()), "Bearer mF_9.B5f-4.1JqM");
        assert_eq!(format!("{:?}", value(bearer.clone())), "Sensitive");
        assert!(!format!("{bearer:?}").contains("mF_9"));
        assert_eq!(Identity::Anonymous.authorization().unwrap(), None);
    }

    #[test]
    fn a_token_of_two_lines_is_refused_without_being_told() {
        let identity = Identity::Bearer { user: "anna".into(), token: "one\r\nHost: two".into() };
        let error = identity.authorization().err().unwrap();
        assert!(!format!("{error:?}").contains("two"));
    }
}
