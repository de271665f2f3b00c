//! The versions of Exchange, and what each says of itself on the wire.
//!
//! Capabilities are those of transcripts in public reports: 2010 from MailKit #333 and #1139, 2013 from MailKit #269, #483
//! and owncloud mail #1340, 2016 from a hoster's server in MailKit #791. For 2019 no transcript of a server in a company's
//! own rooms was found; it is taken to say what Exchange Online, built from the same source, said then (MailKit #849).
//! None has ever shown CONDSTORE, QRESYNC, ENABLE, MULTIAPPEND, ESEARCH, SPECIAL-USE or anything of LIST-EXTENDED.

use crate::server::Extensions;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    E2010,
    E2013,
    E2016,
    E2019,
}

impl Version {
    pub const ALL: [Version; 4] = [Version::E2010, Version::E2013, Version::E2016, Version::E2019];

    /// The year in the product's name.
    #[must_use]
    pub fn year(self) -> &'static str {
        match self {
            Version::E2010 => "2010",
            Version::E2013 => "2013",
            Version::E2016 => "2016",
            Version::E2019 => "2019",
        }
    }

    /// As ID tells it. 2010 does not offer ID.
    pub(super) fn number(self) -> &'static str {
        match self {
            Version::E2010 => "14.3",
            Version::E2013 => "15.0",
            Version::E2016 => "15.1",
            Version::E2019 => "15.2",
        }
    }

    /// What stands behind `* OK ` at the beginning (row 3): no version, and since 2013 the server's name in base64 of
    /// UTF-16. The banner is an admin's to change.
    pub(super) fn greeting(self, banner: Option<&str>, host: &str) -> String {
        let banner = banner.unwrap_or("The Microsoft Exchange IMAP4 service is ready.");
        if self == Version::E2010 {
            return format!("OK {banner}");
        }
        let name: Vec<u8> = host.encode_utf16().flat_map(u16::to_le_bytes).collect();
        format!("OK {banner} [{}]", STANDARD.encode(name))
    }

    /// The good-bye at LOGOUT, which is the only place that names the version (row 3).
    pub(super) fn farewell(self) -> String {
        format!("Microsoft Exchange Server {} IMAP4 server signing off.", self.year())
    }

    /// Row 1. `grown` adds what only shows after sign-in.
    pub(super) fn capability(self, grown: bool, ntlm: bool, needs_tls: bool) -> String {
        let sign_in = match (needs_tls, self, ntlm) {
            (true, ..) => "LOGINDISABLED STARTTLS",
            (false, Version::E2010, true) => "AUTH=NTLM AUTH=GSSAPI AUTH=PLAIN",
            (false, _, true) => "AUTH=PLAIN AUTH=NTLM AUTH=GSSAPI",
            (false, _, false) => "AUTH=PLAIN",
        };
        let more = match self {
            Version::E2010 => "UIDPLUS",
            Version::E2013 => "UIDPLUS MOVE ID",
            Version::E2016 | Version::E2019 => "SASL-IR UIDPLUS MOVE ID UNSELECT",
        };
        let after = match (grown, self) {
            (false, _) | (_, Version::E2010) => "",
            (true, Version::E2013) => " XPROXY3",
            (true, Version::E2016) => " CLIENTNETWORKPRESENCELOCATION",
            (true, Version::E2019) => " CLIENTACCESSRULES CLIENTNETWORKPRESENCELOCATION BACKENDAUTHENTICATE",
        };
        format!("IMAP4 IMAP4rev1 {sign_in} {more}{after} CHILDREN IDLE NAMESPACE LITERAL+")
    }

    /// What the engine does for this version; the same as it tells.
    pub(super) fn extensions(self) -> Extensions {
        Extensions {
            literal_plus: true,
            idle: true,
            namespace: true,
            uidplus: true,
            r#move: self >= Version::E2013,
            id: self >= Version::E2013,
            sasl_ir: self >= Version::E2016,
            unselect: self >= Version::E2016,
            ..Extensions::NONE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_what_is_done() {
        for version in Version::ALL {
            let told = version.capability(true, true, false);
            let on = version.extensions();
            for (name, done) in [
                (" MOVE ", on.r#move),
                (" ID ", on.id),
                (" SASL-IR ", on.sasl_ir),
                (" UNSELECT ", on.unselect),
                (" UIDPLUS ", on.uidplus),
            ] {
                assert_eq!(told.contains(name), done, "{version:?} {name}");
            }
            assert!(!told.contains("  "), "{told}");
        }
    }

    #[test]
    fn the_greeting_hides_the_version_and_the_good_bye_tells_it() {
        assert_eq!(Version::E2010.greeting(None, "mbx1"), "OK The Microsoft Exchange IMAP4 service is ready.");
        let greeting = Version::E2016.greeting(Some("Hello."), "mbx1");
        assert_eq!(greeting, "OK Hello. [bQBiAHgAMQA=]");
        assert!(Version::E2016.farewell().contains("2016"));
    }
}
