//! The events with a UID, wherever in a calendar they are.

use crate::agenda::CalDavAgenda;
use crate::classify::{Asked, classify, report_is_unknown};
use crate::href;
use crate::observe::handle;
use crate::request::query_uid;
use parom_calendar::{GlobalObjectId, canonical_uid};
use parom_domain::Result;
use parom_domain::agenda::{CalendarId, EventRead, Handle};
use std::collections::BTreeSet;

impl CalDavAgenda {
    pub(crate) async fn search(&self, calendar: &CalendarId, uid: &str) -> Result<Vec<EventRead>> {
        let uid = canonical_uid(uid);
        let way = self.way().await?;
        let mut handles = BTreeSet::new();
        let mut everything = !way.quirks.finds_uids;
        if !everything {
            for spelling in spellings(&uid) {
                match query_uid(&self.dav, &calendar.0, &spelling).await? {
                    Ok((url, found)) => {
                        let members = found.members.iter().filter(|it| !matches!(it.status, Some(404 | 410)));
                        handles.extend(members.filter_map(|it| handle(self, &url, &it.href)));
                    }
                    Err(refusal) if report_is_unknown(&refusal) => everything = true,
                    Err(refusal) => return Err(self.dav.named(classify(Asked::Look, &refusal))),
                }
            }
        }
        if everything {
            handles.extend(self.look(calendar, None).await?.present.into_iter().map(|event| event.handle));
        }
        // Where we would have put it: an index may lag behind.
        let ours = Handle(format!("{}{}", calendar.0, href::of_uid(&uid, 0)).into());
        handles.insert(ours);
        handles.retain(|handle| href::child(&calendar.0, &handle.0).is_some());
        let handles: Vec<Handle> = handles.into_iter().collect();
        let mut events = self.fetch(calendar, &handles).await?;
        // What matches as a text may be another UID; what cannot be read has none that we know.
        events.retain(|event| event.form.as_ref().is_ok_and(|form| form.uid == uid));
        Ok(events)
    }
}

/// How a UID may be written: as it is, and wrapped as Exchange hands out those that it did not make.
fn spellings(uid: &str) -> Vec<String> {
    let wrapped: String = GlobalObjectId::of_uid(uid, None).encode().iter().map(|byte| format!("{byte:02X}")).collect();
    if wrapped.eq_ignore_ascii_case(uid) { vec![wrapped] } else { vec![uid.to_owned(), wrapped] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_is_looked_for_in_all_its_spellings() {
        let all = spellings("встреча@x");
        assert_eq!(all.len(), 2);
        assert_eq!(canonical_uid(&all[1]), "встреча@x");
        assert_eq!(spellings(&all[1].to_lowercase()).len(), 1);
    }
}
