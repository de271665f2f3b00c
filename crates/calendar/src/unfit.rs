//! Why a calendar object cannot be carried as it is: a closed list.

use std::fmt;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// The reason for which an object is parked. Each is a key of a sentence in every language.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Unfit { $($(#[$doc])* $name,)* }

        impl Unfit {
            pub const ALL: &'static [Unfit] = &[$(Unfit::$name,)*];

            /// The stable name: in the state, in logs, in reports.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Unfit::$name => $text,)* }
            }
        }
    };
}

reasons! {
    // The text.
    /// Not UTF-8 after unfolding.
    NotUtf8 = "not-utf8",
    /// There is no VCALENDAR in it.
    NotICalendar = "not-icalendar",
    /// A line that is not `NAME;PARAM=VALUE:VALUE`.
    BrokenLine = "broken-line",
    /// BEGIN and END do not fit, or the text ends too early.
    BrokenStructure = "broken-structure",
    /// CALSCALE is not GREGORIAN.
    OtherScale = "other-scale",

    // What is in it.
    /// No VEVENT and nothing else that is known.
    NoEvent = "no-event",
    /// A task, a journal entry, free-busy time or availability.
    NotAnEvent = "not-an-event",
    /// An answer, a cancellation or another message of iTIP (RFC 5546), not a stored event.
    SchedulingMessage = "scheduling-message",
    /// More than one UID.
    SeveralObjects = "several-objects",
    NoUid = "no-uid",
    NoStart = "no-start",
    /// Two components without RECURRENCE-ID.
    TwoMasters = "two-masters",
    /// Two components with the same RECURRENCE-ID.
    TwiceTheSameOccurrence = "twice-the-same-occurrence",

    // Times.
    /// A date or a time that does not exist or is not written as RFC 5545 says.
    BadTime = "bad-time",
    BadDuration = "bad-duration",
    /// A date where the start is a time, or a time where it is a date.
    MixedTypes = "mixed-types",
    EndBeforeStart = "end-before-start",
    /// A TZID that no definition comes with, and whose name is not known.
    UnknownZone = "unknown-zone",
    /// A VTIMEZONE that cannot be followed.
    BadZone = "bad-zone",

    // Recurrence.
    /// An RRULE that is not written as RFC 5545 says.
    BadRule = "bad-rule",
    /// An RRULE with parts of later extensions (RSCALE and SKIP of RFC 7529).
    RuleExtension = "rule-extension",
    /// More than one RRULE.
    SeveralRules = "several-rules",
    /// EXRULE, which RFC 5545 has taken out.
    ExclusionRule = "exclusion-rule",
    /// RDATE with a period of its own length.
    PeriodDates = "period-dates",
    /// RECURRENCE-ID;RANGE=THISANDFUTURE.
    ThisAndFuture = "this-and-future",
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for Unfit {}
