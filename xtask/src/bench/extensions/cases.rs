//! What is measured for which extension: where it can matter, and how the servers lie there.

use crate::bench::corpus::{Body, Shape};
use crate::bench::rig::Setting;
use std::time::Duration;

/// What Parom does while it is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Into an emptied target.
    FirstCopy,
    /// A pass that finds nothing to do.
    Unchanged,
    /// After 1 % new messages and 5 % changed flags.
    FewChanges,
    /// After some messages went into other folders.
    Moves,
}

impl Part {
    pub fn name(self) -> &'static str {
        match self {
            Part::FirstCopy => "first copy",
            Part::Unchanged => "nothing new",
            Part::FewChanges => "few changes",
            Part::Moves => "20 moves",
        }
    }
}

/// Where the servers are and what mail they hold.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub name: &'static str,
    pub round_trip: Duration,
    pub line_bytes_per_s: Option<u64>,
    pub shape: Shape,
}

impl Place {
    pub fn setting(&self) -> Setting {
        Setting { users: 1, shape: self.shape, round_trip: self.round_trip, tls: false }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// As the configuration spells it.
    pub extension: &'static str,
    pub place: Place,
    /// Off on both sides of the comparison, because they do the same better.
    pub without: &'static [&'static str],
    /// Further lines for the configuration of the servers.
    pub servers: &'static str,
    /// In this order; the first copy first.
    pub parts: &'static [Part],
}

const FAR: Duration = Duration::from_millis(40);

const fn shape(messages: u64, folders: u64, fixed_bytes: u64) -> Shape {
    Shape { messages, folders, big_one_in: 0, fixed_bytes, body: Body::Attachment }
}

/// 38 MB, the mailbox of the other benchmarks over a distance.
const ORDINARY: Shape = shape(2_000, 20, 0);
/// Where the number of messages weighs more than their bytes.
const MANY_MESSAGES: Shape = shape(10_000, 10, 600);
const MANY_FOLDERS: Shape = shape(400, 200, 600);

const fn near(shape: Shape, name: &'static str) -> Place {
    Place { name, round_trip: Duration::ZERO, line_bytes_per_s: None, shape }
}

const fn far(shape: Shape, name: &'static str) -> Place {
    Place { round_trip: FAR, ..near(shape, name) }
}

const NEAR_ORDINARY: Place = near(ORDINARY, "near");
const FAR_ORDINARY: Place = far(ORDINARY, "40 ms");
const NEAR_MESSAGES: Place = near(MANY_MESSAGES, "near, 10,000 messages");
const FAR_MESSAGES: Place = far(MANY_MESSAGES, "40 ms, 10,000 messages");
const NEAR_FOLDERS: Place = near(MANY_FOLDERS, "near, 200 folders");
const FAR_FOLDERS: Place = far(MANY_FOLDERS, "40 ms, 200 folders");

/// A line that carries so much. A limit of its own for each server, no delay.
const fn line(megabits_per_s: u64, messages: u64, body: Body, name: &'static str) -> Place {
    let shape = Shape { messages, folders: 5, big_one_in: 0, fixed_bytes: 0, body };
    Place { line_bytes_per_s: Some(megabits_per_s * 125_000), ..near(shape, name) }
}

const fn case(extension: &'static str, place: Place, parts: &'static [Part]) -> Case {
    Case { extension, place, without: &[], servers: "", parts }
}

use Part::{FewChanges, FirstCopy, Moves, Unchanged};

pub const CASES: &[Case] = &[
    case("compress", NEAR_ORDINARY, &[FirstCopy, Unchanged]),
    case("compress", FAR_ORDINARY, &[FirstCopy, Unchanged, FewChanges]),
    case("compress", line(2, 40, Body::Text, "2 Mbit/s, text"), &[FirstCopy]),
    case("compress", line(2, 40, Body::Attachment, "2 Mbit/s, attachments"), &[FirstCopy]),
    case("compress", line(10, 200, Body::Text, "10 Mbit/s, text"), &[FirstCopy]),
    case("compress", line(10, 200, Body::Attachment, "10 Mbit/s, attachments"), &[FirstCopy]),
    case("compress", line(100, 2_000, Body::Text, "100 Mbit/s, text"), &[FirstCopy]),
    case("compress", line(100, 2_000, Body::Attachment, "100 Mbit/s, attachments"), &[FirstCopy]),
    case("compress", line(400, 4_000, Body::Text, "400 Mbit/s, text"), &[FirstCopy]),
    case("compress", line(400, 4_000, Body::Attachment, "400 Mbit/s, attachments"), &[FirstCopy]),
    case("literal_plus", NEAR_ORDINARY, &[FirstCopy]),
    // Without it these take long enough.
    case("literal_plus", far(shape(100, 5, 12_000), "40 ms, 100 messages of 12 KB"), &[FirstCopy, FewChanges]),
    // Dovecot takes what LITERAL- allows; here it says so too.
    Case {
        without: &["literal_plus"],
        servers: "imap_capability = +LITERAL-\n",
        ..case("literal_minus", far(shape(100, 5, 2_000), "40 ms, 100 messages of 2 KB"), &[FirstCopy])
    },
    case("multiappend", NEAR_ORDINARY, &[FirstCopy]),
    case("multiappend", FAR_ORDINARY, &[FirstCopy, FewChanges]),
    Case { without: &["qresync"], ..case("condstore", NEAR_MESSAGES, &[Unchanged, FewChanges]) },
    Case { without: &["qresync"], ..case("condstore", FAR_MESSAGES, &[Unchanged, FewChanges]) },
    case("qresync", NEAR_MESSAGES, &[Unchanged, FewChanges]),
    case("qresync", FAR_MESSAGES, &[Unchanged, FewChanges]),
    case("uidplus", NEAR_ORDINARY, &[FirstCopy, FewChanges]),
    case("uidplus", FAR_ORDINARY, &[FirstCopy, FewChanges]),
    case("move_messages", NEAR_FOLDERS, &[Moves]),
    case("move_messages", FAR_FOLDERS, &[Moves]),
    Case { without: &["qresync"], ..case("esearch", NEAR_MESSAGES, &[FewChanges]) },
    Case { without: &["qresync"], ..case("esearch", FAR_MESSAGES, &[FewChanges]) },
    case("list_extended", NEAR_FOLDERS, &[Unchanged]),
    case("list_extended", FAR_FOLDERS, &[Unchanged]),
    case("list_status", NEAR_FOLDERS, &[Unchanged]),
    case("list_status", FAR_FOLDERS, &[Unchanged]),
    case("namespace", FAR_ORDINARY, &[Unchanged]),
    case("sasl_ir", FAR_ORDINARY, &[FirstCopy, Unchanged]),
    case("id", NEAR_ORDINARY, &[Unchanged]),
    case("id", FAR_ORDINARY, &[Unchanged]),
];

/// The place of a line in the table: as the cases stand here.
pub fn rank(extension: &str, scenario: &str) -> Option<(usize, usize)> {
    CASES.iter().enumerate().find_map(|(at, case)| {
        let part = scenario.strip_suffix(case.place.name)?.strip_suffix(", ")?;
        let part = case.parts.iter().position(|own| own.name() == part)?;
        (case.extension == extension).then_some((at, part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_lines_of_the_table_have_the_same_name() {
        for (at, case) in CASES.iter().enumerate() {
            for (number, part) in case.parts.iter().enumerate() {
                let scenario = format!("{}, {}", part.name(), case.place.name);
                assert_eq!(rank(case.extension, &scenario), Some((at, number)), "{} {scenario}", case.extension);
            }
        }
    }
}
