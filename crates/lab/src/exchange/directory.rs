//! Who is who: names, rights, databases.

use super::folders::{self, Language};
use super::quirks::Validities;
use crate::server::store::{self, Mailbox};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

/// A user with a mailbox.
#[derive(Clone, Debug)]
pub struct Person {
    /// `mailNickname`: what stands last in a delegate's login.
    pub alias: String,
    /// `sAMAccountName`: what stands behind a domain. Often the same as the alias, and then nobody learns the difference.
    pub account: String,
    /// The user principal name, and the address too.
    pub upn: String,
    pub password: String,
    /// The mailbox database, and with it the server, that the mailbox lives in.
    pub database: String,
    pub language: Language,
    /// IMAP is on for this mailbox.
    pub imap: bool,
    /// A built-in administrator (row 36).
    pub administrator: bool,
    /// There is a mailbox at all (row 36).
    pub has_mailbox: bool,
}

impl Person {
    /// `alice` is alice@corp.example, with `alice` for her password, on database DB1, in English.
    #[must_use]
    pub fn new(alias: &str) -> Person {
        Person {
            alias: alias.to_owned(),
            account: alias.to_owned(),
            upn: format!("{alias}@corp.example"),
            password: alias.to_owned(),
            database: "DB1".to_owned(),
            language: Language::English,
            imap: true,
            administrator: false,
            has_mailbox: true,
        }
    }

    #[must_use]
    pub fn speaking(self, language: Language) -> Person {
        Person { language, ..self }
    }

    #[must_use]
    pub fn on(self, database: &str) -> Person {
        Person { database: database.to_owned(), ..self }
    }
}

pub(super) struct Member {
    pub person: Person,
    pub mailbox: Arc<Mailbox>,
    pub connections: Arc<AtomicUsize>,
    /// Wrong passwords since the last right one.
    pub failures: u32,
    /// Wrong passwords since the start.
    pub wrong_passwords: u64,
    /// How often it has signed in, to its own mailbox or another.
    pub sign_ins: u64,
    /// How often somebody has signed in to its mailbox.
    pub openings: u64,
    /// How often the mailbox has moved.
    pub moves: u64,
}

pub(super) struct Directory {
    /// The NetBIOS name.
    pub domain: String,
    members: BTreeMap<String, Member>,
    /// (delegate, principal), both by alias: FullAccess.
    grants: BTreeSet<(String, String)>,
}

/// A name as a login gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name<'a> {
    /// Account name or alias.
    Delegate(&'a str),
    /// Alias only: the account name of somebody else does not do (row 35).
    Alias(&'a str),
    Upn(&'a str),
}

impl Directory {
    pub fn new(domain: &str) -> Directory {
        Directory { domain: domain.to_owned(), members: BTreeMap::new(), grants: BTreeSet::new() }
    }

    pub fn add(&mut self, person: Person, validities: Validities) {
        let number = match validities {
            // Mailboxes are far enough apart for a thousand folders each.
            Validities::Distinct => {
                let before = u32::try_from(self.members.len()).unwrap_or(0);
                store::Validities::From(before.saturating_mul(1000).saturating_add(1_400_000_000))
            }
            Validities::Small => store::Validities::From(14),
            Validities::Sticky => store::Validities::ByName(folders::sticky_validity),
        };
        let mailbox = Mailbox::numbered(number);
        folders::furnish(&mut mailbox.lock(), person.language);
        let member = Member {
            mailbox: Arc::new(mailbox),
            connections: Arc::default(),
            failures: 0,
            wrong_passwords: 0,
            sign_ins: 0,
            openings: 0,
            moves: 0,
            person,
        };
        self.members.insert(member.person.alias.to_lowercase(), member);
    }

    pub fn get(&self, alias: &str) -> Option<&Member> {
        self.members.get(&alias.to_lowercase())
    }

    pub fn get_mut(&mut self, alias: &str) -> Option<&mut Member> {
        self.members.get_mut(&alias.to_lowercase())
    }

    pub fn count_sign_in(&mut self, delegate: &str, principal: &str) {
        if let Some(member) = self.get_mut(delegate) {
            member.sign_ins += 1;
        }
        if let Some(member) = self.get_mut(principal) {
            member.openings += 1;
        }
    }

    pub fn databases(&self) -> BTreeSet<String> {
        self.members.values().map(|member| member.person.database.clone()).collect()
    }

    /// The alias of the one who is meant.
    pub fn find(&self, name: Name) -> Option<String> {
        let is = |known: &str, name: &str| known.to_lowercase() == name.to_lowercase();
        let meant = |person: &Person| match name {
            Name::Delegate(name) => is(&person.account, name) || is(&person.alias, name),
            Name::Alias(name) => is(&person.alias, name),
            Name::Upn(name) => is(&person.upn, name),
        };
        self.members.values().find(|member| meant(&member.person)).map(|member| member.person.alias.clone())
    }

    pub fn grant(&mut self, delegate: &str, principal: &str) {
        self.grants.insert((delegate.to_lowercase(), principal.to_lowercase()));
    }

    /// To every mailbox there is.
    pub fn grant_all(&mut self, delegate: &str) {
        let principals: Vec<String> = self.members.keys().cloned().collect();
        principals.iter().for_each(|principal| self.grant(delegate, principal));
    }

    pub fn revoke(&mut self, delegate: &str, principal: &str) {
        self.grants.remove(&(delegate.to_lowercase(), principal.to_lowercase()));
    }

    pub fn may_open(&self, delegate: &str, principal: &str) -> bool {
        let (delegate, principal) = (delegate.to_lowercase(), principal.to_lowercase());
        delegate == principal || self.grants.contains(&(delegate, principal))
    }

    pub fn connections(&self) -> usize {
        let each = self.members.values().map(|member| member.connections.load(std::sync::atomic::Ordering::Relaxed));
        each.sum()
    }
}
