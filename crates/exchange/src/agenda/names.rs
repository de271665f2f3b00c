//! Names of the directory to addresses that others understand.

use super::Calendars;
use crate::client::Transport;
use crate::item::{CalendarItem, Mailbox};
use crate::op::ResolveNames;
use parom_domain::Result;

impl<T: Transport> Calendars<T> {
    /// Gives everybody in the items an SMTP address. Who has left the directory keeps the name of it.
    pub(super) async fn resolve_people(&self, items: &mut [CalendarItem]) -> Result<()> {
        for item in items {
            for mailbox in mailboxes(item) {
                if mailbox.is_legacy()
                    && let Some(known) = self.resolved(&mailbox.address).await?
                {
                    mailbox.address = known.address;
                    mailbox.routing = "SMTP".into();
                    if mailbox.name.is_empty() {
                        mailbox.name = known.name;
                    }
                }
            }
        }
        Ok(())
    }

    async fn resolved(&self, legacy: &str) -> Result<Option<Mailbox>> {
        if let Some(known) = self.memory().people.get(legacy) {
            return Ok(known.clone());
        }
        // Nobody found is an answer too; who could not be asked is an error above.
        let found = self.client.ask(&ResolveNames { entry: legacy.to_owned() }).await?.unwrap_or_default();
        let only = match found.as_slice() {
            [only] if !only.is_legacy() && only.address.contains('@') => Some(only.clone()),
            _ => None,
        };
        self.memory().people.insert(legacy.to_owned(), only.clone());
        Ok(only)
    }
}

fn mailboxes(item: &mut CalendarItem) -> impl Iterator<Item = &mut Mailbox> {
    let attendees = item.required.iter_mut().chain(&mut item.optional).chain(&mut item.resources);
    item.organizer.iter_mut().chain(attendees.map(|attendee| &mut attendee.mailbox))
}
