//! Which calendars there are, and what changed in them.

use super::{Calendars, folder, handle, version};
use crate::classify::{About, is_forgotten};
use crate::client::Transport;
use crate::item::ItemId;
use crate::op::{
    Change, CreateFolder, FindFolder, FindItem, Folder, FolderKind, FolderRef, GetFolder, Look, SyncFolderItems,
};
use parom_calendar::{GlobalObjectId, canonical_uid};
use parom_domain::agenda::{AgendaLook, CalendarId, CalendarSeen, EventSeen, Token};
use parom_domain::{Code, Error, Result, Retry, Scope};
use std::collections::{BTreeMap, BTreeSet, HashMap};

impl<T: Transport> Calendars<T> {
    /// The default one first. Calendars in the deleted items are gone, and those of others are no folders of the mailbox.
    pub(super) async fn list(&self) -> Result<Vec<CalendarSeen>> {
        let known = GetFolder { folders: vec![FolderRef::Known("calendar"), FolderRef::Known("deleteditems")] };
        let nowhere = CalendarId("".into());
        let mut known = self.client.ask(&known).await?.into_iter();
        let short = || self.about(&nowhere, "", incomplete("folders"));
        let default = known.next().ok_or_else(short)?;
        let default = default.map_err(|refusal| self.refused(About::Account, &nowhere, "", &refusal))?;
        // INVARIANT: a mailbox whose trash is not known shows too many calendars; that is an error, no guess.
        let trash = known.next().ok_or_else(short)?;
        let trash = trash.map_err(|refusal| self.refused(About::Account, &nowhere, "", &refusal))?;
        let mut all: Vec<Folder> = Vec::new();
        let mut offset = 0;
        loop {
            let page = FindFolder { below: FolderRef::Known("msgfolderroot"), offset };
            let page = self.client.ask(&page).await?;
            let page = page.map_err(|refusal| self.refused(About::Account, &nowhere, "", &refusal))?;
            all.extend(page.folders);
            match page.next {
                Some(next) => offset = next,
                None => break,
            }
        }
        let parents: HashMap<&str, &str> =
            all.iter().map(|folder| (folder.id.as_str(), folder.parent.as_str())).collect();
        let mut calendars = vec![CalendarSeen {
            id: CalendarId(default.id.as_str().into()),
            name: default.name.clone(),
            is_default: true,
            writable: default.writable,
        }];
        for folder in all.iter().filter(|folder| folder.is_calendar() && folder.id != default.id) {
            if !is_below(&folder.id, &trash.id, &parents) {
                calendars.push(CalendarSeen {
                    id: CalendarId(folder.id.as_str().into()),
                    name: folder.name.clone(),
                    is_default: false,
                    writable: folder.writable,
                });
            }
        }
        let mut memory = self.memory();
        memory.calendar_names =
            calendars.iter().map(|calendar| (calendar.id.0.to_string(), calendar.name.clone())).collect();
        Ok(calendars)
    }

    pub(super) async fn make(&self, name: &str) -> Result<CalendarSeen> {
        let made = self
            .client
            .ask(&CreateFolder {
                below: FolderRef::Known("calendar"),
                name: name.to_owned(),
                kind: FolderKind::Calendar,
            })
            .await?;
        match made {
            Ok(id) => {
                self.memory().calendar_names.insert(id.clone(), name.to_owned());
                let id = CalendarId(id.into());
                Ok(CalendarSeen { id, name: name.to_owned(), is_default: false, writable: true })
            }
            Err(refusal) => {
                // Made before, by us or by the owner: as good as made now.
                if refusal.code == "ErrorFolderExists"
                    && let Some(there) = self.list().await?.into_iter().find(|calendar| calendar.name == name)
                {
                    return Ok(there);
                }
                Err(self.refused(About::Account, &CalendarId("".into()), "", &refusal).with("what", name))
            }
        }
    }

    pub(super) async fn look(&self, calendar: &CalendarId, since: Option<&Token>) -> Result<AgendaLook> {
        if let Some(token) = since {
            if let Some(look) = self.changes(calendar, Some(&token.0)).await? {
                return Ok(look);
            }
            tracing::info!(
                mailbox = self.client.mailbox(),
                "the server has forgotten the SyncState, everything is listed"
            );
        }
        let look = self.changes(calendar, None).await?;
        look.ok_or_else(|| self.about(calendar, "", incomplete("SyncFolderItems")))
    }

    /// `None` where the state means nothing to the server any more.
    async fn changes(&self, calendar: &CalendarId, since: Option<&str>) -> Result<Option<AgendaLook>> {
        let mut state = since.map(ToOwned::to_owned);
        let mut present: BTreeMap<String, ItemId> = BTreeMap::new();
        let mut gone: BTreeSet<String> = BTreeSet::new();
        loop {
            let page = SyncFolderItems { folder: folder(calendar), state: state.clone() };
            let page = match self.client.ask(&page).await.map_err(|error| self.about(calendar, "", error))? {
                Ok(page) => page,
                Err(refusal) if state.is_some() && is_forgotten(&refusal.code) => return Ok(None),
                Err(refusal) => return Err(self.refused(About::Calendar, calendar, "", &refusal)),
            };
            let is_stuck = !page.is_last && page.changes.is_empty() && state.as_deref() == Some(&page.state);
            for change in page.changes {
                match change {
                    // Meeting messages, tasks and notes that somebody has put into a calendar are no events.
                    Change::Present { id, class } if is_appointment(&class) => {
                        gone.remove(&id.id);
                        present.insert(id.id.clone(), id);
                    }
                    Change::Present { .. } => {}
                    Change::Gone(id) => {
                        present.remove(&id);
                        gone.insert(id);
                    }
                }
            }
            state = Some(page.state);
            if page.is_last {
                break;
            }
            if is_stuck {
                return Err(self.about(calendar, "", incomplete("SyncFolderItems")));
            }
        }
        let complete = since.is_none();
        let present = present.values().map(|id| EventSeen { handle: handle(id), version: version(id) });
        Ok(Some(AgendaLook {
            present: present.collect(),
            gone: if complete {
                Vec::new()
            } else {
                gone.into_iter().map(|id| parom_domain::agenda::Handle(id.into())).collect()
            },
            complete,
            token: state.map(|state| Token(state.into())),
        }))
    }

    /// Items of that UID. `calendar:UID` cannot be searched for; the GlobalObjectId behind it can.
    pub(super) async fn with_uid(&self, calendar: &CalendarId, uid: &str) -> Result<Vec<ItemId>> {
        let bytes = GlobalObjectId::of_uid(&canonical_uid(uid), None).encode();
        let mut ids = vec![bytes];
        let wrapped = GlobalObjectId::of_uid(&canonical_uid(uid), None);
        // Of a UID from elsewhere: with a NUL at its end, as Outlook has it, or without.
        if let Some(data) = wrapped.data.strip_suffix(b"\0").filter(|data| data.starts_with(b"vCal-Uid")) {
            ids.push(GlobalObjectId { data: data.to_vec(), ..wrapped.clone() }.encode());
        }
        let ask = FindItem { folder: folder(calendar), look: Look::ObjectIds(ids) };
        let found = self.client.ask(&ask).await.map_err(|error| self.about(calendar, uid, error))?;
        let found = found.map_err(|refusal| self.refused(About::Calendar, calendar, uid, &refusal))?;
        Ok(found.items)
    }
}

fn is_appointment(class: &str) -> bool {
    let class = class.to_ascii_lowercase();
    class.is_empty() || class == "ipm.appointment" || class.starts_with("ipm.appointment.")
}

/// Somewhere below, or the folder itself.
fn is_below(id: &str, top: &str, parents: &HashMap<&str, &str>) -> bool {
    let mut at = id;
    for _ in 0..=parents.len() {
        if at == top {
            return true;
        }
        match parents.get(at) {
            Some(parent) => at = parent,
            None => return false,
        }
    }
    false
}

fn incomplete(what: &str) -> Error {
    Error::new(Code::ListingIncomplete, Scope::Folder, Retry::Soon).with("folder", what)
}
