//! SASL messages: PLAIN, LOGIN and XOAUTH2 as pure functions, NTLM as a conversation, ready for the wire in base64.

mod account;
#[cfg_attr(not(feature = "ntlm"), path = "sasl/no_ntlm.rs")]
mod ntlm;

pub use account::WindowsAccount;
pub use ntlm::Ntlm;

use crate::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// `PLAIN` (RFC 4616). An empty `authzid` means: act as the one who signs in.
#[must_use]
pub fn plain(authzid: &str, user: &str, password: &Secret) -> Secret {
    encoded(&[authzid.as_bytes(), b"\0", user.as_bytes(), b"\0", password.expose()])
}

/// The two answers of `LOGIN` (draft-murchison-sasl-login), in the order in which every server asks.
#[must_use]
pub fn login(user: &str, password: &Secret) -> [Secret; 2] {
    [encoded(&[user.as_bytes()]), encoded(&[password.expose()])]
}

/// `XOAUTH2`, as Google and Microsoft define it.
#[must_use]
pub fn xoauth2(user: &str, token: &Secret) -> Secret {
    encoded(&[b"user=", user.as_bytes(), b"\x01auth=Bearer ", token.expose(), b"\x01\x01"])
}

/// Was NTLM built in (Cargo feature `ntlm`)?
pub const HAS_NTLM: bool = cfg!(feature = "ntlm");

fn encoded(parts: &[&[u8]]) -> Secret {
    // The clear text lives in a Secret too, so that it is wiped.
    let clear = Secret::new(parts.concat());
    Secret::new(STANDARD.encode(clear.expose()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(secret: &Secret) -> String {
        String::from_utf8(secret.expose().to_vec()).unwrap()
    }

    #[test]
    fn the_messages_are_those_of_the_specifications() {
        // RFC 4616 section 4 without and with an authorization identity.
        assert_eq!(text(&plain("", "tim", &"tanstaaftanstaaf".into())), "AHRpbQB0YW5zdGFhZnRhbnN0YWFm");
        assert_eq!(
            STANDARD.decode(text(&plain("Ursel", "Kurt", &"xipj3plmq".into()))).unwrap(),
            b"Ursel\0Kurt\0xipj3plmq"
        );
        let [user, password] = login("tim", &"secret".into());
        assert_eq!((text(&user).as_str(), text(&password).as_str()), ("dGlt", "c2VjcmV0"));
        assert_eq!(
            STANDARD.decode(text(&xoauth2("a@example.org", &"vF9".into()))).unwrap(),
            b"user=a@example.org\x01auth=Bearer vF9\x01\x01"
        );
    }
}
