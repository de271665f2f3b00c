//! Mailboxes that more than one account opens. Each account would carry what the other brought there once more, again and again,
//! and one person's mail into another's mailbox.

use super::Who;
use crate::config::{Config, MailDomain};
use parom_domain::state::AccountId;
use parom_domain::{Code, Error, Result, Retry, Scope, Side};
use parom_store::Account;
use std::collections::HashMap;

/// A mailbox, as far as it can be told without asking: where, and who signs in for whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Mailbox {
    host: String,
    port: u16,
    login: String,
    authzid: Option<String>,
}

impl Mailbox {
    fn of(domain: &MailDomain, account: &Account, side: Side) -> Mailbox {
        let (settings, words) = (&domain.sides[side], Who::of(domain, account, side).words());
        let authzid = settings.authzid.as_ref().map(|authzid| authzid.fill(&words).to_lowercase());
        let (host, login) = (settings.host.to_lowercase(), settings.login.fill(&words).to_lowercase());
        Mailbox { host, port: settings.port, login, authzid }
    }
}

/// The accounts that may not be worked on, because another one has their mailbox.
#[derive(Debug, Default)]
pub struct SharedMailboxes(HashMap<AccountId, (String, Mailbox)>);

impl SharedMailboxes {
    /// Of the accounts that open one mailbox, on whichever side, the one that was there first may go on.
    #[must_use]
    pub fn among<'a>(config: &Config, accounts: impl Iterator<Item = &'a Account>) -> SharedMailboxes {
        let mut accounts: Vec<&Account> = accounts.collect();
        accounts.sort_by_key(|account| account.id);
        let mut owners: HashMap<Mailbox, &Account> = HashMap::new();
        let mut shared = HashMap::new();
        for account in accounts {
            let Some(domain) = config.domains.iter().find(|domain| domain.name == account.domain) else { continue };
            let mailboxes = Side::ALL.map(|side| Mailbox::of(domain, account, side));
            let taken = mailboxes.iter().find_map(|mailbox| Some((*owners.get(mailbox)?, mailbox)));
            match taken {
                Some((owner, mailbox)) => _ = shared.insert(account.id, (owner.address.clone(), mailbox.clone())),
                None => owners.extend(mailboxes.map(|mailbox| (mailbox, account))),
            }
        }
        SharedMailboxes(shared)
    }

    /// # Errors
    /// `MailboxShared`.
    pub fn check(&self, account: &Account) -> Result<()> {
        let Some((other, mailbox)) = self.0.get(&account.id) else { return Ok(()) };
        let error = Error::new(Code::MailboxShared, Scope::Account, Retry::WhenFixed).with("account", &account.address);
        Err(error.with("other", other).with("host", &mailbox.host).with("login", &mailbox.login))
    }
}

/// One mailbox kept in step with itself would have its mail doubled again and again.
///
/// # Errors
/// `SameMailbox`.
pub(super) fn refuse_one_mailbox(domain: &MailDomain, account: &Account) -> Result<()> {
    let source = Mailbox::of(domain, account, Side::Source);
    if source != Mailbox::of(domain, account, Side::Target) {
        return Ok(());
    }
    let error = Error::new(Code::SameMailbox, Scope::Account, Retry::WhenFixed).with("account", &account.address);
    Err(error.with("host", source.host).with("login", source.login))
}
