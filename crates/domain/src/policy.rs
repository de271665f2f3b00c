//! What the administrator decided: directions, deletions, and whose word counts in a tie.

use crate::Side;

/// Which sides may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    TwoWay,
    /// Source to target only: the source is never written.
    ToTarget,
}

/// What a deletion on one side does to the copy on the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deletions {
    /// It goes into that side's trash; where the side has none, or from the trash itself, it is expunged.
    Trash,
    Expunge,
    /// It stays, and is never carried back.
    Never,
}

/// How soon an account is served where others wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Priority {
    High,
    #[default]
    Normal,
    Low,
}

impl Priority {
    pub const ALL: [Priority; 3] = [Priority::High, Priority::Normal, Priority::Low];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Priority::High => "high",
            Priority::Normal => "normal",
            Priority::Low => "low",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Policy {
    pub mode: Mode,
    pub deletions: Deletions,
    /// The side where the person works now: its move wins over a different one on the other side.
    pub home: Side,
    /// How long a complete listing must be old before a second one may confirm a deletion.
    pub grace_ms: u64,
    /// Irreversible deletions per account and day beyond the larger of these two hold the pass.
    pub brake_count: u32,
    pub brake_percent: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            mode: Mode::TwoWay,
            deletions: Deletions::Trash,
            home: Side::Source,
            grace_ms: 60_000,
            brake_count: 50,
            brake_percent: 10,
        }
    }
}

impl Policy {
    /// May this side be changed?
    #[must_use]
    pub fn writes(&self, side: Side) -> bool {
        match self.mode {
            Mode::TwoWay => true,
            Mode::ToTarget => side == Side::Target,
        }
    }
}
