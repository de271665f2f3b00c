//! When something is: a date, a time of nowhere, a time in UTC, a time of a zone.

use crate::zone::Zone;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};

/// A point in a calendar. What was written as UTC stays UTC, what was floating stays floating.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum When {
    /// A whole day, wherever one is.
    Date(Date),
    /// The local time of whoever looks.
    Floating(DateTime),
    Utc(DateTime),
    Zoned(DateTime, Zone),
}

/// What kind of time a [`When`] is, without the time. The occurrences of a series share the frame of its start.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Frame {
    Date,
    Floating,
    Utc,
    Zoned(Zone),
}

impl When {
    #[must_use]
    pub fn frame(&self) -> Frame {
        match self {
            When::Date(_) => Frame::Date,
            When::Floating(_) => Frame::Floating,
            When::Utc(_) => Frame::Utc,
            When::Zoned(_, zone) => Frame::Zoned(zone.clone()),
        }
    }

    /// What a clock in the frame shows; midnight for a date.
    #[must_use]
    pub fn local(&self) -> DateTime {
        match self {
            When::Date(date) => date.to_datetime(Time::midnight()),
            When::Floating(at) | When::Utc(at) | When::Zoned(at, _) => *at,
        }
    }

    #[must_use]
    pub fn is_date(&self) -> bool {
        matches!(self, When::Date(_))
    }

    #[must_use]
    pub fn zone(&self) -> Option<&Zone> {
        match self {
            When::Zoned(_, zone) => Some(zone),
            _ => None,
        }
    }

    /// The moment, where there is one. A local time that a change of clocks leaves out is taken as if the clocks had not
    /// changed; of one that comes twice, the first is meant (RFC 5545 section 3.3.5).
    #[must_use]
    pub fn instant(&self) -> Option<Timestamp> {
        match self {
            When::Date(_) | When::Floating(_) => None,
            When::Utc(at) => Zone::utc_instant(*at),
            When::Zoned(at, zone) => zone.instant(*at),
        }
    }

    /// What a clock in that frame shows then. Between frames without a common clock the local time is kept.
    #[must_use]
    pub fn local_in(&self, frame: &Frame) -> DateTime {
        if self.frame() == *frame {
            return self.local();
        }
        let moved = match (self.instant(), frame) {
            (Some(instant), Frame::Utc) => Some(Zone::utc_local(instant)),
            (Some(instant), Frame::Zoned(zone)) => Some(zone.local(instant)),
            _ => None,
        };
        moved.unwrap_or_else(|| self.local())
    }
}

impl Frame {
    /// The time that this clock shows as `local`; a date loses its time of day.
    #[must_use]
    pub fn at(&self, local: DateTime) -> When {
        match self {
            Frame::Date => When::Date(local.date()),
            Frame::Floating => When::Floating(local),
            Frame::Utc => When::Utc(local),
            Frame::Zoned(zone) => When::Zoned(local, zone.clone()),
        }
    }
}
