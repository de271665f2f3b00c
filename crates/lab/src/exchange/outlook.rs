//! Another client of the same mailbox, one that does not speak IMAP: Outlook, OWA, a phone.

use super::quirks::MailboxMove;
use super::site::Site;
use crate::server::Hands;
use crate::server::IndexLag;
use crate::server::store::{Flags, Folder, Mailbox, Message, Notes};
use bytes::Bytes;
use parom_domain::{FolderPath, InternalDate};
use std::sync::Arc;

/// Sees and edits a mailbox as its owner does. What the plain [`Hands`] can do, [`Outlook::hands`] do here too.
#[derive(Clone)]
pub struct Outlook {
    pub(super) site: Arc<Site>,
    pub(super) mailbox: Arc<Mailbox>,
}

/// Why an edit was not possible.
type Result<T> = std::result::Result<T, String>;

impl Outlook {
    #[must_use]
    pub fn hands(&self) -> Hands {
        Hands::new(Arc::clone(&self.mailbox))
    }

    /// Changes a message, and tells its UID from now on: a new one if `new_uid_on_edit` is on (row 16, [MS-STANXIMAP]
    /// 2.2.3).
    pub fn edit(&self, folder: &FolderPath, uid: u32, bytes: impl Into<Bytes>) -> Result<u32> {
        let is_renewed = self.site.quirks().new_uid_on_edit;
        let edited = self.in_folder(folder, |folder| {
            if !is_renewed {
                let message = folder.find_mut(uid)?;
                message.bytes = bytes.into();
                return Some(uid);
            }
            let old = folder.take(|message| message.uid == uid).pop()?;
            Some(folder.add(Message { bytes: bytes.into(), ..old }, IndexLag::None))
        })?;
        edited.ok_or_else(|| format!("there is no message {uid}"))
    }

    /// A new item that is no mail, such as an appointment: IMAP shows it as the quirks say.
    pub fn add_item(&self, folder: &FolderPath, subject: &str, date: InternalDate) -> Result<u32> {
        let bytes = format!(
            "From: owner@corp.example\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/calendar; charset=utf-8; method=REQUEST\r\n\r\n\
             BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nSUMMARY:{subject}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        );
        let notes = Notes::default();
        let message = Message { uid: 0, bytes: bytes.into(), date, flags: Flags::default(), modseq: 0, notes };
        self.in_folder(folder, |folder| folder.add(message, IndexLag::None))
    }

    /// The flags that clients other than IMAP's see (row 23).
    pub fn flags(&self, folder: &FolderPath, uid: u32) -> Result<Vec<String>> {
        let flags = self.in_folder(folder, |folder| {
            let message = folder.find(uid)?;
            let is_seen = |name: &&str| !(message.notes.flag_is_shallow && name.eq_ignore_ascii_case("\\Flagged"));
            Some(message.flags.iter().filter(is_seen).map(str::to_owned).collect())
        })?;
        flags.ok_or_else(|| format!("there is no message {uid}"))
    }

    /// What the move of the mailbox to another database does to its messages (row 25).
    pub(super) fn relocate(&self, how: MailboxMove) {
        let mut store = self.mailbox.lock();
        let next = store.folders.values().map(|folder| folder.validity).max().unwrap_or(0).saturating_add(1);
        for (validity, folder) in (next..).zip(store.folders.values_mut()) {
            match how {
                MailboxMove::KeepsUids => {}
                MailboxMove::NewUids => {
                    folder.show_all();
                    for message in folder.take(|_| true) {
                        folder.add(message, IndexLag::None);
                    }
                }
                MailboxMove::NewValidities => folder.renumber(validity),
            }
        }
        drop(store);
        self.mailbox.ring();
    }

    fn in_folder<T>(&self, folder: &FolderPath, change: impl FnOnce(&mut Folder) -> T) -> Result<T> {
        let done = self.mailbox.lock().at_mut(folder).map(change);
        self.mailbox.ring();
        done.ok_or_else(|| format!("there is no folder {folder}"))
    }
}
