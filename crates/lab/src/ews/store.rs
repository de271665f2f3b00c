//! Mailboxes with their folders, items and what happened to them.

use super::ids::{self, Id};
use super::item::{Item, Occurrence};
use super::mail::{Letter, Mail, SharedMail};
use super::oof::Oof;
use super::site::now_s;
use super::soap::{Refusal, refuse};
use super::switches::Switches;
use super::trap::Outgoing;
use super::xml::{Element, t};
use super::{Elsewhere, User, notify, sync};
use crate::exchange::{Language, Standard, Version};
use std::collections::{BTreeMap, HashMap};

pub struct Folder {
    pub number: u64,
    pub change: u64,
    /// None for the root.
    pub parent: Option<u64>,
    pub name: String,
    pub class: String,
    pub distinguished: Option<&'static str>,
    /// PR_LOCAL_COMMIT_TIME_MAX.
    pub commit_s: i64,
    /// PR_DELETED_COUNT_TOTAL.
    pub deleted_count: u64,
}

pub struct Mailbox {
    pub number: u32,
    pub user: User,
    pub folders: BTreeMap<u64, Folder>,
    pub items: BTreeMap<u64, Item>,
    pub events: Vec<notify::Event>,
}

/// What all connections share.
pub struct State {
    pub version: Version,
    pub switches: Switches,
    pub mailboxes: Vec<Mailbox>,
    pub service: Option<User>,
    /// Addresses that the service account may not impersonate.
    pub denied: Vec<String>,
    pub sync_states: HashMap<u64, sync::Known>,
    pub subscriptions: BTreeMap<String, notify::Subscription>,
    pub outgoing: Vec<Outgoing>,
    pub calls: BTreeMap<String, u64>,
    /// Automatic replies, of those who ever set any.
    pub oofs: BTreeMap<u32, Oof>,
    pub mail: Option<Mail>,
    pub shared_mail: Option<SharedMail>,
    /// The folders of shared mailboxes, by mailbox and by their own numbers there.
    pub shared_folders: BTreeMap<(u32, u64), u64>,
    /// The mail that was seen last.
    pub letters: Vec<Letter>,
    /// Where Autodiscover sends questions about these addresses.
    pub elsewhere: Vec<(String, Elsewhere)>,
    /// What was exported, by its ticket.
    pub exports: Vec<Item>,
    numbers: u64,
    changes: u64,
}

const TREE: &[(Standard, &str, &str)] = &[
    (Standard::Inbox, "inbox", "IPF.Note"),
    (Standard::Calendar, "calendar", "IPF.Appointment"),
    (Standard::Contacts, "contacts", "IPF.Contact"),
    (Standard::DeletedItems, "deleteditems", "IPF.Note"),
    (Standard::Drafts, "drafts", "IPF.Note"),
    (Standard::Journal, "journal", "IPF.Journal"),
    (Standard::JunkEmail, "junkemail", "IPF.Note"),
    (Standard::Notes, "notes", "IPF.StickyNote"),
    (Standard::Outbox, "outbox", "IPF.Note"),
    (Standard::SentItems, "sentitems", "IPF.Note"),
    (Standard::Tasks, "tasks", "IPF.Task"),
];

impl State {
    pub fn new(version: Version, switches: Switches, service: Option<User>) -> State {
        State {
            version,
            switches,
            mailboxes: Vec::new(),
            service,
            denied: Vec::new(),
            sync_states: HashMap::new(),
            subscriptions: BTreeMap::new(),
            outgoing: Vec::new(),
            calls: BTreeMap::new(),
            oofs: BTreeMap::new(),
            mail: None,
            shared_mail: None,
            shared_folders: BTreeMap::new(),
            letters: Vec::new(),
            elsewhere: Vec::new(),
            exports: Vec::new(),
            numbers: 1,
            changes: 1,
        }
    }

    pub fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub fn next_change(&mut self) -> u64 {
        self.changes += 1;
        self.changes
    }

    pub fn add_user(&mut self, user: User, now_s: i64) {
        let number = u32::try_from(self.mailboxes.len()).unwrap_or(u32::MAX);
        let language = user.language;
        let mut mailbox =
            Mailbox { number, user, folders: BTreeMap::new(), items: BTreeMap::new(), events: Vec::new() };
        let root = self.furnish(&mut mailbox, None, "", "", Some("root"), now_s);
        let top = match language {
            Language::English => "Top of Information Store",
            Language::Russian => "Корневой уровень хранилища",
            Language::German => "Oberste Ebene des Informationsspeichers",
        };
        let top = self.furnish(&mut mailbox, Some(root), top, "IPF.Note", Some("msgfolderroot"), now_s);
        for (standard, distinguished, class) in TREE {
            let name = match (standard, language) {
                (Standard::Inbox, Language::English) => "Inbox",
                (Standard::Inbox, Language::Russian) => "Входящие",
                (Standard::Inbox, Language::German) => "Posteingang",
                _ => standard.name(language),
            };
            self.furnish(&mut mailbox, Some(top), name, class, Some(distinguished), now_s);
        }
        self.mailboxes.push(mailbox);
    }

    fn furnish(
        &mut self,
        mailbox: &mut Mailbox,
        parent: Option<u64>,
        name: &str,
        class: &str,
        distinguished: Option<&'static str>,
        now_s: i64,
    ) -> u64 {
        let (number, change) = (self.number(), self.next_change());
        let (name, class) = (name.to_owned(), class.to_owned());
        let folder = Folder { number, change, parent, name, class, distinguished, commit_s: now_s, deleted_count: 0 };
        mailbox.folders.insert(number, folder);
        number
    }

    /// By primary address, or any other the person has.
    pub fn at(&self, address: &str) -> Option<&Mailbox> {
        self.mailboxes.iter().find(|mailbox| mailbox.user.has(address))
    }

    pub fn mailbox(&self, number: u32) -> Option<&Mailbox> {
        self.mailboxes.get(usize::try_from(number).ok()?)
    }

    pub fn mailbox_mut(&mut self, number: u32) -> Option<&mut Mailbox> {
        self.mailboxes.get_mut(usize::try_from(number).ok()?)
    }

    /// The automatic replies of a mailbox that is there.
    pub fn oof(&self, mailbox: u32) -> Option<Oof> {
        self.mailbox(mailbox)?;
        Some(self.oofs.get(&mailbox).cloned().unwrap_or_else(|| Oof::off(now_s())))
    }

    pub fn item(&self, mailbox: u32, number: u64) -> Option<&Item> {
        self.mailbox(mailbox)?.items.get(&number)
    }

    /// Makes a folder and tells of it.
    pub fn make_folder(&mut self, mailbox: u32, parent: u64, name: &str, class: &str, now_s: i64) -> Option<u64> {
        let (number, change) = (self.number(), self.next_change());
        let place = self.mailbox_mut(mailbox)?;
        let folder = Folder {
            number,
            change,
            parent: Some(parent),
            name: name.to_owned(),
            class: class.to_owned(),
            distinguished: None,
            commit_s: now_s,
            deleted_count: 0,
        };
        place.folders.insert(number, folder);
        place.tell(notify::Kind::Created, Id::Folder(number), parent, None, change, now_s);
        Some(number)
    }

    /// Deletes a folder with all that is in it.
    pub fn remove_folder(&mut self, mailbox: u32, number: u64, now_s: i64) {
        let change = self.next_change();
        let Some(place) = self.mailbox_mut(mailbox) else { return };
        let below: Vec<u64> =
            place.folders.values().filter(|folder| folder.parent == Some(number)).map(|folder| folder.number).collect();
        if let Some(folder) = place.folders.remove(&number) {
            place.items.retain(|_, item| item.folder != number);
            place.tell(notify::Kind::Deleted, Id::Folder(number), folder.parent.unwrap_or(0), None, change, now_s);
        }
        below.into_iter().for_each(|child| self.remove_folder(mailbox, child, now_s));
    }

    /// Puts a new item into its folder and tells of it.
    pub fn put(&mut self, mailbox: u32, mut item: Item, now_s: i64) -> u64 {
        item.number = self.number();
        item.change = self.next_change();
        let (number, folder, change) = (item.number, item.folder, item.change);
        let tells_twice = self.switches.tells_saves_twice;
        if let Some(place) = self.mailbox_mut(mailbox) {
            place.items.insert(number, item);
            place.commit(folder, now_s, false);
            place.tell(notify::Kind::Created, Id::Item(number), folder, None, change, now_s);
            if tells_twice {
                place.tell(notify::Kind::Modified, Id::Item(number), folder, None, change, now_s);
            }
        }
        number
    }

    /// Changes an item: it gets a new change key, and whoever listens hears of it.
    pub fn touch(&mut self, mailbox: u32, number: u64, now_s: i64, change_it: impl FnOnce(&mut Item)) -> Option<u64> {
        let change = self.next_change();
        let place = self.mailbox_mut(mailbox)?;
        let item = place.items.get_mut(&number)?;
        change_it(item);
        item.change = change;
        item.modified_s = now_s;
        let folder = item.folder;
        place.commit(folder, now_s, false);
        place.tell(notify::Kind::Modified, Id::Item(number), folder, None, change, now_s);
        Some(change)
    }

    /// The server's own hand on what was just saved: a new change key that nobody was told (a switch).
    pub fn touch_later(&mut self, mailbox: u32, number: u64, now_s: i64) {
        if self.switches.touches_saved_items {
            self.touch(mailbox, number, now_s, |_| {});
        }
    }

    /// Moves an item, which gets a new id.
    pub fn relocate(&mut self, mailbox: u32, number: u64, folder: u64, now_s: i64) -> Option<u64> {
        let (new_number, change) = (self.number(), self.next_change());
        let place = self.mailbox_mut(mailbox)?;
        let mut item = place.items.remove(&number)?;
        let old_folder = item.folder;
        (item.number, item.folder, item.change) = (new_number, folder, change);
        place.items.insert(new_number, item);
        place.commit(old_folder, now_s, true);
        place.commit(folder, now_s, false);
        place.tell(
            notify::Kind::Moved,
            Id::Item(new_number),
            folder,
            Some((Id::Item(number), old_folder)),
            change,
            now_s,
        );
        Some(new_number)
    }

    pub fn remove(&mut self, mailbox: u32, number: u64, now_s: i64) -> Option<Item> {
        let change = self.next_change();
        let place = self.mailbox_mut(mailbox)?;
        let item = place.items.remove(&number)?;
        place.commit(item.folder, now_s, true);
        place.tell(notify::Kind::Deleted, Id::Item(number), item.folder, None, change, now_s);
        Some(item)
    }
}

impl Mailbox {
    pub fn standard(&self, distinguished: &str) -> Option<&Folder> {
        self.folders.values().find(|folder| folder.distinguished == Some(distinguished))
    }

    pub fn standard_number(&self, distinguished: &str) -> u64 {
        self.standard(distinguished).map_or(0, |folder| folder.number)
    }

    pub fn is_below(&self, folder: u64, ancestor: u64) -> bool {
        let mut at = self.folders.get(&folder).and_then(|folder| folder.parent);
        while let Some(number) = at {
            if number == ancestor {
                return true;
            }
            at = self.folders.get(&number).and_then(|folder| folder.parent);
        }
        false
    }

    fn commit(&mut self, folder: u64, now_s: i64, is_removal: bool) {
        if let Some(folder) = self.folders.get_mut(&folder) {
            folder.commit_s = now_s;
            folder.deleted_count += u64::from(is_removal);
        }
    }

    pub fn tell(&mut self, kind: notify::Kind, what: Id, folder: u64, old: Option<(Id, u64)>, change: u64, now_s: i64) {
        self.events.push(notify::Event { kind, what, folder, old, change, at_s: now_s });
    }

    pub fn folder_id(&self, element: &str, number: u64) -> Element {
        let change = self.folders.get(&number).map_or(1, |folder| folder.change);
        t(element).set("Id", Id::Folder(number).written(self.number)).set("ChangeKey", ids::change_key(change))
    }

    pub fn item_id(&self, element: &str, item: &Item, occurrence: Option<&Occurrence>) -> Element {
        let id = match occurrence {
            Some(occurrence) => Id::Occurrence(item.number, occurrence.day),
            None => Id::Item(item.number),
        };
        t(element).set("Id", id.written(self.number)).set("ChangeKey", ids::change_key(item.change))
    }
}

pub fn no_item() -> Refusal {
    refuse("ErrorItemNotFound", "The specified object was not found in the store.")
}

pub fn no_folder() -> Refusal {
    refuse("ErrorFolderNotFound", "The specified folder could not be found in the store.")
}
