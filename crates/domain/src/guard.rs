//! Brakes: rules that hold a pass before it does harm on implausible evidence.
//!
//! Evidence brakes trip whatever the count. The volume brake counts only deletions that cannot be undone, not moves whose
//! destination was seen, not what is in Trash or Junk.

use crate::policy::Policy;
use crate::state::{FolderId, Held};
use crate::{Code, Role, Side};

/// A folder in which everything vanished at once counts as implausible from this size on: below, it is tidying.
const EMPTIED_FROM: u32 = 20;

/// What one folder pair is about to lose, and what became of it on the side that lost it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderLoss {
    pub folder: FolderId,
    pub role: Option<Role>,
    /// The side where things are gone.
    pub side: Side,
    /// Messages linked before.
    pub linked: u32,
    /// Of these, gone without a move that explains them.
    pub gone: u32,
    /// Deletions on the other side that nothing can undo (no trash there, or the folder is the trash).
    pub irreversible: u32,
    /// The folder itself is gone from that side.
    pub vanished: bool,
    /// That side does not show every folder it has: this one may still be there, under a name that it does not show.
    pub may_be_hidden: bool,
    /// The folder's UIDVALIDITY changed, and what is in it now is not what was there.
    pub replaced: bool,
    /// UIDNEXT went back: the server was restored from a backup, or it is another mailbox.
    pub went_back: bool,
}

/// A brake that trips, and on what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brake {
    pub name: BrakeName,
    pub side: Side,
    pub folder: Option<FolderId>,
    pub count: u32,
    pub total: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BrakeName {
    EmptiedFolder,
    VanishedFolder,
    OtherMailbox,
    RestoredServer,
    ManyDeletions,
    /// What is to be done would send receipts to people.
    Receipts,
}

impl BrakeName {
    /// The error of an account that it holds.
    #[must_use]
    pub fn code(self) -> Code {
        if self == BrakeName::Receipts { Code::ReceiptsHeld } else { Code::Braked }
    }

    pub const ALL: [BrakeName; 6] = [
        BrakeName::EmptiedFolder,
        BrakeName::VanishedFolder,
        BrakeName::OtherMailbox,
        BrakeName::RestoredServer,
        BrakeName::ManyDeletions,
        BrakeName::Receipts,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            BrakeName::EmptiedFolder => "emptied-folder",
            BrakeName::VanishedFolder => "vanished-folder",
            BrakeName::OtherMailbox => "other-mailbox",
            BrakeName::RestoredServer => "restored-server",
            BrakeName::ManyDeletions => "many-deletions",
            BrakeName::Receipts => "receipts",
        }
    }
}

impl Brake {
    /// The key under which it is held and released.
    #[must_use]
    pub fn key(&self) -> String {
        match self.folder {
            Some(folder) => format!("{}:{}:{}", self.name.as_str(), self.side, folder.0),
            None => format!("{}:{}", self.name.as_str(), self.side),
        }
    }
}

/// Nobody misses what is deleted from trash or junk.
#[must_use]
pub fn is_harmless(role: Option<Role>) -> bool {
    matches!(role, Some(Role::Trash | Role::Junk))
}

/// Which brakes trip. `held` are those that tripped before, some of them released by a person. `done_today` are
/// irreversible deletions of the account during the last 24 hours.
#[must_use]
pub fn brakes(losses: &[FolderLoss], total: u32, done_today: u32, policy: &Policy, held: &[Held]) -> Vec<Brake> {
    let mut brakes = Vec::new();
    let is = |brake: &Brake, released: bool| held.iter().any(|it| it.released == released && it.key == brake.key());
    for loss in losses {
        let harmless = is_harmless(loss.role);
        let on =
            |name| Brake { name, side: loss.side, folder: Some(loss.folder), count: loss.gone, total: loss.linked };
        let name = if loss.replaced {
            BrakeName::OtherMailbox
        } else if loss.went_back {
            BrakeName::RestoredServer
        } else if harmless || loss.gone < EMPTIED_FROM && !(loss.vanished && loss.may_be_hidden) {
            continue;
        } else if loss.vanished {
            BrakeName::VanishedFolder
        } else if loss.gone >= loss.linked || is(&on(BrakeName::EmptiedFolder), false) {
            // New mail in an emptied folder explains nothing: what is held stays held.
            BrakeName::EmptiedFolder
        } else {
            continue;
        };
        brakes.push(on(name));
    }
    for side in Side::ALL {
        let counted = losses.iter().filter(|loss| loss.side == side && !is_harmless(loss.role));
        let count: u32 = counted.map(|loss| loss.irreversible).sum();
        let limit = policy
            .brake_count
            .max(u32::try_from(u64::from(total) * u64::from(policy.brake_percent) / 100).unwrap_or(u32::MAX));
        if count > 0 && count.saturating_add(done_today) > limit {
            brakes.push(Brake { name: BrakeName::ManyDeletions, side, folder: None, count, total });
        }
    }
    brakes.retain(|brake| !is(brake, true));
    brakes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss() -> FolderLoss {
        FolderLoss {
            folder: FolderId(3),
            role: None,
            side: Side::Source,
            linked: 1000,
            gone: 0,
            irreversible: 0,
            vanished: false,
            may_be_hidden: false,
            replaced: false,
            went_back: false,
        }
    }

    fn held(brake: &Brake, released: bool) -> Held {
        Held { key: brake.key(), brake: brake.name.as_str().to_owned(), args: vec![], since_ms: 0, released }
    }

    fn tripped(loss: FolderLoss, total: u32) -> Vec<BrakeName> {
        brakes(&[loss], total, 0, &Policy::default(), &[]).into_iter().map(|brake| brake.name).collect()
    }

    #[test]
    fn an_emptied_folder_trips_and_an_emptied_trash_does_not() {
        let emptied = FolderLoss { gone: 1000, irreversible: 1000, ..loss() };
        assert_eq!(tripped(emptied, 100_000), [BrakeName::EmptiedFolder]);
        assert_eq!(tripped(FolderLoss { role: Some(Role::Trash), ..emptied }, 100_000), []);
        assert_eq!(tripped(FolderLoss { linked: 5, gone: 5, irreversible: 5, ..loss() }, 100_000), [], "tidying");
    }

    #[test]
    fn a_small_folder_that_may_only_be_hidden_trips_too() {
        let small = FolderLoss { linked: 2, gone: 2, irreversible: 0, vanished: true, ..loss() };
        assert_eq!(tripped(small, 100), []);
        assert_eq!(tripped(FolderLoss { may_be_hidden: true, ..small }, 100), [BrakeName::VanishedFolder]);
        assert_eq!(tripped(FolderLoss { may_be_hidden: true, vanished: false, ..small }, 100), []);
    }

    #[test]
    fn volume_counts_only_what_cannot_be_undone() {
        let many = FolderLoss { gone: 500, irreversible: 500, ..loss() };
        assert_eq!(tripped(many, 1000), [BrakeName::ManyDeletions]);
        assert_eq!(tripped(many, 6000), [], "below ten per cent");
        assert_eq!(tripped(FolderLoss { irreversible: 0, ..many }, 1000), [], "they went to the trash");
    }

    #[test]
    fn a_released_brake_lets_go() {
        let replaced = FolderLoss { replaced: true, ..loss() };
        let brake = brakes(&[replaced], 1000, 0, &Policy::default(), &[]);
        assert_eq!(brake.len(), 1);
        assert!(brakes(&[replaced], 1000, 0, &Policy::default(), &[held(&brake[0], true)]).is_empty());
    }

    #[test]
    fn new_mail_does_not_release_an_emptied_folder() {
        let emptied = FolderLoss { linked: 30, gone: 30, ..loss() };
        let brake = brakes(&[emptied], 100_000, 0, &Policy::default(), &[]);
        let after_new_mail = FolderLoss { linked: 31, ..emptied };
        assert!(brakes(&[after_new_mail], 100_000, 0, &Policy::default(), &[]).is_empty());
        let again = brakes(&[after_new_mail], 100_000, 0, &Policy::default(), &[held(&brake[0], false)]);
        assert_eq!(again[0].name, BrakeName::EmptiedFolder);
    }

    #[test]
    fn what_was_done_today_counts() {
        let few = FolderLoss { gone: 30, irreversible: 30, ..loss() };
        assert!(brakes(&[few], 100, 0, &Policy::default(), &[]).is_empty());
        assert_eq!(brakes(&[few], 100, 30, &Policy::default(), &[]).len(), 1);
    }
}
