//! Versions of the server, and the level of the schema that a request asks for.

use crate::exchange::Version;

/// What `RequestServerVersion` may say, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    V2007,
    V2010,
    V2010Sp1,
    V2010Sp2,
    V2013,
    V2013Sp1,
    V2016,
}

const NAMES: &[(&str, Level)] = &[
    ("Exchange2007", Level::V2007),
    ("Exchange2007_SP1", Level::V2007),
    ("Exchange2010", Level::V2010),
    ("Exchange2010_SP1", Level::V2010Sp1),
    ("Exchange2010_SP2", Level::V2010Sp2),
    ("Exchange2013", Level::V2013),
    ("Exchange2013_SP1", Level::V2013Sp1),
    ("Exchange2015", Level::V2016),
    ("Exchange2016", Level::V2016),
];

impl Level {
    /// `None` for a name that this server does not know.
    pub fn read(name: &str, server: Version) -> Option<Level> {
        let (_, level) = NAMES.iter().find(|(known, _)| *known == name)?;
        (*level <= newest(server)).then_some(*level)
    }
}

/// The newest level of a server with its last service pack. 2019 has none of its own.
pub fn newest(server: Version) -> Level {
    match server {
        Version::E2010 => Level::V2010Sp2,
        Version::E2013 => Level::V2013Sp1,
        Version::E2016 | Version::E2019 => Level::V2016,
    }
}

/// Major, minor, build, revision: 2010 SP3, 2013 CU23, 2016 CU23, 2019 CU14, from Microsoft's list of build numbers.
pub fn build(server: Version) -> [u32; 4] {
    match server {
        Version::E2010 => [14, 3, 496, 0],
        Version::E2013 => [15, 0, 1497, 2],
        Version::E2016 => [15, 1, 2507, 6],
        Version::E2019 => [15, 2, 1544, 4],
    }
}

/// As the header says it.
pub fn schema_name(server: Version) -> &'static str {
    match server {
        Version::E2010 => "Exchange2010_SP2",
        Version::E2013 => "V2_23",
        Version::E2016 => "V2017_07_11",
        Version::E2019 => "V2018_01_08",
    }
}
