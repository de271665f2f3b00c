//! The ways of servers, each to be had or not.

use std::time::Duration;

/// How a server writes to people because of what is stored (RFC 6638).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheduling {
    /// It does not.
    Off,
    /// It leaves alone whoever has SCHEDULE-AGENT=CLIENT or NONE (section 7.1). `Schedule-Reply: F` spares an organizer the
    /// answer of who removes an invitation (section 8.1), and nothing else. So Cyrus does it.
    ByAgent,
    /// It heeds no SCHEDULE-AGENT, but is silent for every request with `Schedule-Reply: F`. So sabre/dav does it.
    ByHeader,
    /// Nothing keeps it silent.
    Always,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ETags {
    Strong,
    /// As a proxy leaves them that compresses.
    Weak,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switches {
    /// MKCALENDAR.
    pub makes_calendars: bool,
    /// sync-collection. Without, it is a report that nobody knows (415).
    pub tells_changes: bool,
    /// There is a CTag.
    pub tells_ctags: bool,
    /// Every sync token that a client shows is taken for unknown.
    pub forgets_tokens: bool,
    /// So many members in a part of sync-collection; then there is more (RFC 6578 section 3.6).
    pub part_limit: Option<usize>,
    /// The calendars of this person list nothing and find nothing, as with a damaged index. Who asks for an object gets it.
    pub hides_objects_of: Option<&'static str>,
    /// calendar-query compares texts. Without, it finds nothing by them.
    pub finds_text: bool,
    /// Reports leave out the participants, which GET shows.
    pub reports_lack_attendees: bool,
    /// Unknown properties are dropped, PRODID is the server's own, and a PUT tells no ETag (RFC 4791 section 5.3.4).
    pub rewrites: bool,
    /// A UID may be in one calendar of a person only.
    pub unique_uids: bool,
    pub etags: ETags,
    pub scheduling: Scheduling,
    /// Largest object, in bytes.
    pub most_bytes: usize,
    /// How long every answer takes, as over a distance or from a server that has more to do.
    pub latency: Duration,
}

impl Switches {
    /// A server that does what the standards say, and leaves writing to people to others.
    #[must_use]
    pub fn plain() -> Switches {
        Switches {
            makes_calendars: true,
            tells_changes: true,
            tells_ctags: true,
            forgets_tokens: false,
            part_limit: None,
            hides_objects_of: None,
            finds_text: true,
            reports_lack_attendees: false,
            rewrites: false,
            unique_uids: false,
            etags: ETags::Strong,
            scheduling: Scheduling::Off,
            most_bytes: 10 << 20,
            latency: Duration::ZERO,
        }
    }

    /// The ways of calendar.mail.ru as python-caldav's list of compatibility hints knows them: no sync-collection (415), no
    /// MKCALENDAR since June 2024, no search for texts, unknown properties dropped, reports without attendees. Whether VK
    /// WorkSpace on premises is so too nobody has told.
    #[must_use]
    pub fn vk_workspace() -> Switches {
        Switches {
            makes_calendars: false,
            tells_changes: false,
            finds_text: false,
            reports_lack_attendees: true,
            rewrites: true,
            ..Switches::plain()
        }
    }
}
