//! Automatic replies of a mailbox ([MS-OXWOOF] 2.2.4), and the person who sets them.

use super::outlook::{Outlook, Refused};
use super::time;

/// What a mailbox answers by itself, as `UserOofSettings` says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oof {
    /// `Disabled`, `Enabled`, `Scheduled`.
    pub state: String,
    /// `None`, `Known`, `All`.
    pub audience: String,
    /// Seconds since 1970; with a beginning and an end whatever the state.
    pub from_s: i64,
    pub until_s: i64,
    /// As its writer wrote it: Outlook writes HTML.
    pub internal: String,
    pub external: String,
    /// What the policy of the mailbox allows, in the words of `audience`.
    pub allowed: String,
}

impl Oof {
    /// As a new mailbox has it: switched off, scheduled for the day to come.
    #[must_use]
    pub fn off(now_s: i64) -> Oof {
        let from_s = now_s - now_s.rem_euclid(3600);
        Oof {
            state: "Disabled".to_owned(),
            audience: "All".to_owned(),
            from_s,
            until_s: from_s + time::DAY_S,
            internal: String::new(),
            external: String::new(),
            allowed: "All".to_owned(),
        }
    }
}

impl Outlook {
    /// What the mailbox answers now.
    pub fn oof(&self) -> Result<Oof, Refused> {
        self.site.state().oof(self.mailbox).ok_or("ErrorNonExistentMailbox")
    }

    /// Sets the automatic replies; the policy, which is the administrator's, along with them.
    pub fn set_oof(&self, change: impl FnOnce(&mut Oof)) -> Result<(), Refused> {
        let mut oof = self.oof()?;
        change(&mut oof);
        self.site.state().oofs.insert(self.mailbox, oof);
        Ok(())
    }
}
