//! The folders that a mailbox is made with, in the language of its owner (row 32), and which of them IMAP lists.
//!
//! Names as Exchange and Outlook give them: English from MailKit #346, German from owncloud mail #1340, Russian from the
//! Russian products. Item folders among the mail folders: row 33.

use super::quirks::Quirks;
use crate::server::store::{Folder, Store};
use parom_domain::FolderPath;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    #[default]
    English,
    Russian,
    German,
}

/// A folder that every mailbox has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standard {
    Inbox,
    Calendar,
    Contacts,
    DeletedItems,
    Drafts,
    Journal,
    JunkEmail,
    Notes,
    Outbox,
    SentItems,
    SyncIssues,
    Tasks,
    /// Not for people; listed only if hidden folders are.
    Hidden,
}

/// Container classes, with names of our own where Exchange has the class of mail.
pub(super) const MAIL: &str = "IPF.Note";
pub(super) const APPOINTMENT: &str = "IPF.Appointment";
pub(super) const TRASH: &str = "IPF.Note.DeletedItems";
const OUTBOX: &str = "IPF.Note.Outbox";
const SYNC_ISSUES: &str = "IPF.Note.SyncIssues";
const HIDDEN: &str = "IPF.Configuration";

impl Standard {
    pub const ALL: [Standard; 13] = [
        Standard::Inbox,
        Standard::Calendar,
        Standard::Contacts,
        Standard::DeletedItems,
        Standard::Drafts,
        Standard::Journal,
        Standard::JunkEmail,
        Standard::Notes,
        Standard::Outbox,
        Standard::SentItems,
        Standard::SyncIssues,
        Standard::Tasks,
        Standard::Hidden,
    ];

    /// The inbox is INBOX over IMAP in every language.
    #[must_use]
    pub fn name(self, language: Language) -> &'static str {
        let [english, russian, german] = match self {
            Standard::Inbox => ["INBOX"; 3],
            Standard::Calendar => ["Calendar", "Календарь", "Kalender"],
            Standard::Contacts => ["Contacts", "Контакты", "Kontakte"],
            Standard::DeletedItems => ["Deleted Items", "Удаленные", "Gelöschte Elemente"],
            Standard::Drafts => ["Drafts", "Черновики", "Entwürfe"],
            Standard::Journal => ["Journal", "Дневник", "Journal"],
            Standard::JunkEmail => ["Junk Email", "Нежелательная почта", "Junk-E-Mail"],
            Standard::Notes => ["Notes", "Заметки", "Notizen"],
            Standard::Outbox => ["Outbox", "Исходящие", "Postausgang"],
            Standard::SentItems => ["Sent Items", "Отправленные", "Gesendete Elemente"],
            Standard::SyncIssues => ["Sync Issues", "Ошибки синхронизации", "Synchronisierungsprobleme"],
            Standard::Tasks => ["Tasks", "Задачи", "Aufgaben"],
            Standard::Hidden => ["Conversation Action Settings"; 3],
        };
        match language {
            Language::English => english,
            Language::Russian => russian,
            Language::German => german,
        }
    }

    /// Where it is. All stand at the root.
    #[must_use]
    pub fn path(self, language: Language) -> FolderPath {
        FolderPath::new([self.name(language)]).unwrap_or_else(FolderPath::inbox)
    }

    fn class(self) -> &'static str {
        match self {
            Standard::Inbox | Standard::Drafts | Standard::JunkEmail | Standard::SentItems => MAIL,
            Standard::Calendar => APPOINTMENT,
            Standard::Contacts => "IPF.Contact",
            Standard::DeletedItems => TRASH,
            Standard::Journal => "IPF.Journal",
            Standard::Notes => "IPF.StickyNote",
            Standard::Outbox => OUTBOX,
            Standard::SyncIssues => SYNC_ISSUES,
            Standard::Tasks => "IPF.Task",
            Standard::Hidden => HIDDEN,
        }
    }
}

/// Makes the default folders of a new mailbox.
pub(super) fn furnish(store: &mut Store, language: Language) {
    for folder in Standard::ALL {
        let path = folder.path(language);
        if store.id(&path).is_none() {
            store.make(path.clone(), None);
        }
        if let Some(made) = store.at_mut(&path) {
            made.class = folder.class();
        }
    }
}

/// Gives the default folders their names in another language, where no other folder has them.
pub(super) fn rename(store: &mut Store, from: Language, to: Language) {
    for folder in Standard::ALL {
        let (old, new) = (folder.path(from), folder.path(to));
        if old != new {
            let _ = store.rename(&old, &new);
        }
    }
}

/// Does this class hold items other than mail, of which IMAP shows at best a likeness?
pub(super) fn holds_items(class: &str) -> bool {
    !class.is_empty() && !class.starts_with(MAIL) && class != HIDDEN
}

pub(super) fn lists(quirks: &Quirks, path: &FolderPath, folder: Option<&Folder>) -> bool {
    let class = folder.map_or("", |folder| folder.class);
    let is_shown = match class {
        HIDDEN => quirks.lists_hidden_folders,
        OUTBOX | SYNC_ISSUES => quirks.lists_item_folders,
        class if holds_items(class) => quirks.lists_item_folders,
        _ => true,
    };
    is_shown && !(quirks.hides_slashes && path.segments().iter().any(|name| name.contains('/')))
}

/// Row 31: the folder that this name means, whatever its case.
pub(super) fn ignoring_case(path: FolderPath, store: &Store) -> FolderPath {
    if store.id(&path).is_some() {
        return path;
    }
    let same = |known: &&FolderPath| {
        known.depth() == path.depth()
            && known.segments().iter().zip(path.segments()).all(|(a, b)| a.to_lowercase() == b.to_lowercase())
    };
    if let Some(known) = store.paths.keys().find(same) {
        return known.clone();
    }
    match path.parent() {
        Some(above) => ignoring_case(above, store).child(path.name()),
        None => path,
    }
}

/// Row 7: a small number that depends on nothing but the name.
pub(super) fn sticky_validity(path: &FolderPath) -> u32 {
    if path.is_inbox() {
        return 14;
    }
    let hash = path.to_string().bytes().fold(0_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte)));
    15 + hash % 400
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::store::Mailbox;

    #[test]
    fn every_language_has_thirteen_folders_and_one_inbox() {
        for language in [Language::English, Language::Russian, Language::German] {
            let mailbox = Mailbox::new(14);
            furnish(&mut mailbox.lock(), language);
            let store = mailbox.lock();
            assert_eq!(store.paths.len(), Standard::ALL.len());
            assert_eq!(store.at(&FolderPath::inbox()).unwrap().validity, 14);
            assert_eq!(store.at(&Standard::Calendar.path(language)).unwrap().class, APPOINTMENT);
        }
    }

    #[test]
    fn names_are_found_in_any_case() {
        let mailbox = Mailbox::new(14);
        let mut store = mailbox.lock();
        let projects = FolderPath::new(["Проекты"]).unwrap();
        store.make(projects.clone(), None);
        store.make(projects.child("Alpha"), None);
        for (asked, meant) in [
            (["ПРОЕКТЫ", "alpha"], ["Проекты", "Alpha"]),
            (["проекты", "beta"], ["Проекты", "beta"]),
            (["Другие", "x"], ["Другие", "x"]),
        ] {
            assert_eq!(ignoring_case(FolderPath::new(asked).unwrap(), &store), FolderPath::new(meant).unwrap());
        }
    }
}
