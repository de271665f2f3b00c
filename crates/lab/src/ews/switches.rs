//! The ways of the server that reports tell of, each to be had or not.

use crate::exchange::{Budget, Version};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switches {
    /// A new event has a reminder when its maker said nothing of one, this many minutes before. [MS-OXWSCORE]: 15.
    pub default_reminder_min: Option<u32>,
    /// A body of text is made into HTML, and HTML is given a head of Exchange's own.
    pub wraps_bodies: bool,
    /// Blanks at the end of a subject and around a location are dropped.
    pub trims: bool,
    /// The server writes to an item again after it was saved, so that the change key that a client was told is old at once.
    pub touches_saved_items: bool,
    /// A save is told as Created and Modified (ews-managed-api #130 and others).
    pub tells_saves_twice: bool,
    /// Every sync state that a client shows is taken for broken.
    pub forgets_sync_states: bool,
    /// Every subscription that a client names is not there.
    pub forgets_subscriptions: bool,
    /// Who asks for events without the cookie of the subscription comes to another server, which has none.
    pub wants_affinity: bool,
    /// A response to an invitation makes the event anew, with another id (ews-managed-api #255).
    pub responses_make_anew: bool,
    /// Zones of events are told with all their rules, not by id and name alone.
    pub tells_whole_zones: bool,
    /// Local times without offset, where a request gave a zone.
    pub tells_naive_times: bool,
    /// Own people are called by `/o=...` with the routing type EX.
    pub tells_ex_addresses: bool,
    /// An event that says of itself that it was received (PidLidAppointmentStateFlags 3) is taken for that when it is made.
    pub takes_received_events: bool,
    /// A property of a later version is unknown to the schema, which refuses the whole request; else to the item alone.
    pub refuses_unknown_paths_whole: bool,
    /// The UID of an event from elsewhere is told as the hexadecimal of its GlobalObjectId, not as its maker wrote it.
    pub tells_foreign_uids_in_hex: bool,
    /// `MimeContent` of a meeting names who is invited. Without, as DavMail must have seen it, which adds them itself.
    pub mime_names_attendees: bool,
    /// Nobody may write `IsOnlineMeeting` (2016 and later).
    pub fixes_online_meetings: bool,
    /// A change of a series' time drops its exceptions; without, they stay where their days were.
    pub drops_exceptions: bool,
    /// Autodiscover answers as SOAP too (2010 and later).
    pub knows_soap_autodiscover: bool,
    /// Messages have the numbers by which IMAP knows them (PidTagInternetArticleNumber).
    pub numbers_mail: bool,
    /// `ExportItems` and `UploadItems` are there (2010 SP1 and later).
    pub exports: bool,
    /// Most of what one `FindItem` gives (EWSFindCountLimit).
    pub find_limit: usize,
    /// Subscriptions that one `GetStreamingEvents` may name.
    pub stream_limit: usize,
    /// Streams open at a time for each account (HangingConnectionLimit).
    pub hanging_limit: usize,
    /// Longest content of an attachment, in bytes of base64; over it ErrorMessageSizeExceeded.
    pub attachment_limit: usize,
    /// What an account may use up; `None` for no throttle.
    pub budget: Option<Budget>,
    /// What passes for a minute of `ConnectionTimeout`.
    pub minute: Duration,
    /// How often a stream says that it lives.
    pub heartbeat: Duration,
    /// How long every answer takes, as over a distance or from a server that has more to do.
    pub latency: Duration,
}

impl Switches {
    /// The ways of a version as far as they are known.
    #[must_use]
    pub fn of(version: Version) -> Switches {
        Switches {
            default_reminder_min: Some(15),
            wraps_bodies: true,
            trims: true,
            touches_saved_items: true,
            tells_saves_twice: true,
            responses_make_anew: true,
            tells_whole_zones: version == Version::E2010,
            fixes_online_meetings: version >= Version::E2016,
            hanging_limit: if version <= Version::E2013 { 3 } else { 10 },
            ..Switches::none()
        }
    }

    /// A server without oddities.
    #[must_use]
    pub fn none() -> Switches {
        Switches {
            default_reminder_min: None,
            wraps_bodies: false,
            trims: false,
            touches_saved_items: false,
            tells_saves_twice: false,
            forgets_sync_states: false,
            forgets_subscriptions: false,
            wants_affinity: false,
            responses_make_anew: false,
            tells_whole_zones: false,
            tells_naive_times: false,
            tells_ex_addresses: false,
            takes_received_events: true,
            refuses_unknown_paths_whole: false,
            tells_foreign_uids_in_hex: false,
            mime_names_attendees: false,
            fixes_online_meetings: false,
            drops_exceptions: true,
            knows_soap_autodiscover: true,
            exports: true,
            numbers_mail: true,
            find_limit: 1000,
            stream_limit: 200,
            hanging_limit: 10,
            attachment_limit: 48 << 20,
            budget: None,
            minute: Duration::from_secs(60),
            heartbeat: Duration::from_secs(30),
            latency: Duration::ZERO,
        }
    }
}
