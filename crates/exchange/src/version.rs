//! Versions of the service, and what each may be asked for.

use std::fmt;

/// What `RequestServerVersion` may say. Exchange 2019 has no word of its own and takes that of 2016.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    Exchange2010,
    Exchange2010Sp1,
    Exchange2010Sp2,
    Exchange2013,
    Exchange2013Sp1,
    Exchange2016,
}

/// What not every version knows ([MS-OXWSMTGS] and [MS-OXWSSYNC], appendices of product behaviour).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Feature {
    /// The header `DateTimePrecision`.
    Precision,
    /// `IsOrganizer`, `StartWallClock`, `JoinOnlineMeetingUrl`, `StartTimeZoneId` may be asked for.
    Properties2013,
    /// `LegacyFreeBusyStatus` takes `WorkingElsewhere`.
    WorkingElsewhere,
    /// UpdateItem and DeleteItem take `SuppressReadReceipts`.
    SuppressReadReceipts,
    /// ExportItems and UploadItems.
    Exports,
}

impl Version {
    pub const NEWEST: Version = Version::Exchange2016;
    pub const ALL: [Version; 6] = [
        Version::Exchange2010,
        Version::Exchange2010Sp1,
        Version::Exchange2010Sp2,
        Version::Exchange2013,
        Version::Exchange2013Sp1,
        Version::Exchange2016,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Version::Exchange2010 => "Exchange2010",
            Version::Exchange2010Sp1 => "Exchange2010_SP1",
            Version::Exchange2010Sp2 => "Exchange2010_SP2",
            Version::Exchange2013 => "Exchange2013",
            Version::Exchange2013Sp1 => "Exchange2013_SP1",
            Version::Exchange2016 => "Exchange2016",
        }
    }

    /// The one to try next where a server or a mailbox does not know this one.
    #[must_use]
    pub fn older(self) -> Option<Version> {
        Version::ALL.into_iter().rev().find(|other| *other < self)
    }

    #[must_use]
    pub fn knows(self, feature: Feature) -> bool {
        let since = match feature {
            Feature::Exports => Version::Exchange2010Sp1,
            Feature::Precision => Version::Exchange2010Sp2,
            Feature::Properties2013 | Feature::WorkingElsewhere => Version::Exchange2013,
            Feature::SuppressReadReceipts => Version::Exchange2013Sp1,
        };
        self >= since
    }

    /// The newest that a build speaks, from the numbers of `ServerVersionInfo`.
    #[must_use]
    pub fn of_build(major: u32, minor: u32, build: u32) -> Version {
        match (major, minor) {
            (..=14, 0) => Version::Exchange2010,
            (..=14, 1) => Version::Exchange2010Sp1,
            (..=14, _) => Version::Exchange2010Sp2,
            // 847 is the first build of Service Pack 1.
            (15, 0) if build < 847 => Version::Exchange2013,
            (15, 0) => Version::Exchange2013Sp1,
            _ => Version::Exchange2016,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_step_down_to_the_oldest() {
        let mut seen = vec![Version::NEWEST];
        while let Some(older) = seen.last().and_then(|version| version.older()) {
            seen.push(older);
        }
        seen.reverse();
        assert_eq!(seen, Version::ALL);
    }

    #[test]
    fn a_build_tells_its_version() {
        for (build, version) in [
            ((14, 3, 513), Version::Exchange2010Sp2),
            ((14, 0, 639), Version::Exchange2010),
            ((15, 0, 775), Version::Exchange2013),
            ((15, 0, 1497), Version::Exchange2013Sp1),
            ((15, 1, 2507), Version::Exchange2016),
            ((15, 2, 1544), Version::Exchange2016),
        ] {
            assert_eq!(Version::of_build(build.0, build.1, build.2), version);
        }
    }

    #[test]
    fn exchange_2010_is_not_asked_for_what_it_does_not_know() {
        let old = Version::Exchange2010Sp2;
        assert!(old.knows(Feature::Precision));
        assert!(!old.knows(Feature::Properties2013) && !old.knows(Feature::WorkingElsewhere));
        assert!(!Version::Exchange2013.knows(Feature::SuppressReadReceipts));
    }
}
