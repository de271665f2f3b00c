//! What an agenda must be told: where the server is, how to trust it, where to begin.

use crate::quirks::Overrides;
use parom_calendar::Zone;
use parom_net::Dialer;
use parom_net::http::{Lanes, Patience, Target, escape};

/// One server, shared by all accounts on it.
#[derive(Clone)]
pub struct ServerSettings {
    pub dialer: Dialer,
    pub target: Target,
    /// The path of a principal, a calendar home or a calendar, or of a place that knows the way there; the whole URL where it
    /// is on another server. `{user}`, `{local}` and `{domain}` stand for the login of the calendars' owner and its parts.
    /// Empty: `/.well-known/caldav` (RFC 6764).
    pub start: String,
    /// The start is the owner's, whoever signs in, although it does not name them by a mark.
    pub start_is_theirs: bool,
    /// Where a time-zone definition fits several zones, this one is preferred.
    pub zone: Option<Zone>,
    pub overrides: Overrides,
    pub patience: Patience,
    /// What the accounts' connections are counted by; `None`: each account for itself.
    pub lanes: Option<Lanes>,
    /// A larger event is not read.
    pub most_event_bytes: u64,
}

/// Exchange takes no request of more than 64 MB, attachments in base64 and all; this is a good deal more.
const MOST_EVENT_BYTES: u64 = 96 << 20;

impl ServerSettings {
    #[must_use]
    pub fn new(dialer: Dialer, target: Target) -> ServerSettings {
        ServerSettings {
            dialer,
            target,
            start: String::new(),
            start_is_theirs: false,
            zone: None,
            overrides: Overrides::default(),
            patience: Patience::default(),
            lanes: None,
            most_event_bytes: MOST_EVENT_BYTES,
        }
    }

    /// Where the calendars of `owner` are looked for.
    #[must_use]
    pub fn start_of(&self, owner: &str) -> String {
        let (local, domain) = owner.split_once('@').unwrap_or((owner, ""));
        let start = if self.start.is_empty() { "/.well-known/caldav" } else { self.start.as_str() };
        let filled = [("{user}", owner), ("{local}", local), ("{domain}", domain)];
        filled.iter().fold(start.to_owned(), |start, (mark, value)| start.replace(mark, &escape(value)))
    }

    /// Does the start name the owner? Then it is theirs, whoever signs in.
    #[must_use]
    pub fn names_owner(&self) -> bool {
        self.start_is_theirs || ["{user}", "{local}"].iter().any(|mark| self.start.contains(mark))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parom_net::AllowList;
    use std::time::Duration;

    #[test]
    fn the_start_may_name_the_owner() {
        let dialer = Dialer::new(AllowList::default(), Duration::from_secs(1));
        let mut settings = ServerSettings::new(dialer, Target { host: "h".into(), port: 443, tls: None });
        assert_eq!(settings.start_of("anna@corp.example"), "/.well-known/caldav");
        assert!(!settings.names_owner());
        for (start, told) in [
            ("/principals/{domain}/{local}/", "/principals/corp.example/anna/"),
            ("/caldav.php/{user}/", "/caldav.php/anna%40corp.example/"),
        ] {
            settings.start = start.to_owned();
            assert_eq!(settings.start_of("anna@corp.example"), told);
            assert!(settings.names_owner());
        }
        (settings.start, settings.start_is_theirs) = ("/calendars/aivanova/".to_owned(), true);
        assert!(settings.names_owner());
    }
}
