//! Attachments that a server keeps beside its events (RFC 8607). The other side gets their contents; what nobody changed
//! stays where it is.

use crate::agenda::CalDavAgenda;
use crate::form::{event, form as form_of};
use crate::request::content;
use parom_calendar::event::{Attachment, Content};
use parom_calendar::{Event, label};
use parom_domain::agenda::{CalendarId, Form};
use parom_domain::{Code, Result, Retry, Scope};
use parom_net::http::Url;
use std::sync::Arc;

const MANAGED_ID: &str = "MANAGED-ID";
/// What the server says of what it keeps. It is not said of a copy.
const OF_SERVER: [&str; 2] = [MANAGED_ID, "SIZE"];

impl CalDavAgenda {
    /// The event with the contents of the attachments that its server keeps.
    ///
    /// # Errors
    /// Of this event alone, where one is not given: left out, it would look as if somebody had removed it.
    pub(crate) async fn with_contents(&self, calendar: &CalendarId, form: Form) -> Result<Form> {
        if !form.text.contains(MANAGED_ID) {
            return Ok(form);
        }
        let mut event = event(&form)?;
        let label = label::label(&event);
        for details in event.all_details_mut() {
            for attachment in &mut details.attachments {
                let copy = self.copy(calendar, &form.uid, attachment).await;
                if let Some(copy) = copy.map_err(|error| error.labelled(&label))? {
                    *attachment = copy;
                }
            }
        }
        Ok(form_of(event))
    }

    /// Puts back what the server keeps already, where the event still has it: by name and content.
    pub(crate) async fn keep_managed(&self, calendar: &CalendarId, event: &mut Event, now: &Form) -> Result<()> {
        if !now.text.contains(MANAGED_ID) {
            return Ok(());
        }
        let mut there = crate::form::event(now)?;
        let mut kept = Vec::new();
        for details in there.all_details_mut() {
            for attachment in &details.attachments {
                if let Some(copy) = self.copy(calendar, &event.uid, attachment).await? {
                    kept.push((copy, attachment.clone()));
                }
            }
        }
        for details in event.all_details_mut() {
            for attachment in &mut details.attachments {
                let same = |copy: &Attachment| (&copy.name, &copy.content) == (&attachment.name, &attachment.content);
                if let Some((_, original)) = kept.iter().find(|(copy, _)| same(copy)) {
                    *attachment = original.clone();
                }
            }
        }
        Ok(())
    }

    /// An attachment with its content. `None` for one that is kept elsewhere, or nowhere any more: it stays a link.
    async fn copy(&self, calendar: &CalendarId, uid: &str, attachment: &Attachment) -> Result<Option<Attachment>> {
        let is_managed = attachment.params.iter().any(|param| param.name.eq_ignore_ascii_case(MANAGED_ID));
        let (true, Content::Link(uri)) = (is_managed, &attachment.content) else { return Ok(None) };
        let own = self.dav.client.origin();
        // Only the calendars' own server gets to see who asks.
        let Some(url) = Url::parse(uri).filter(|url| url.origin.host == own.host) else { return Ok(None) };
        let content = match content(&self.dav, &url.path).await {
            Ok(Some(content)) => content,
            Ok(None) => return Ok(None),
            Err(error) if error.scope() >= Scope::Account => return Err(error),
            Err(error) => {
                let told = error.arg("answer").unwrap_or("an attachment is not given").to_owned();
                let error = self.event_error(Code::EventUnreadable, Retry::Soon, calendar, uid);
                return Err(error.with("answer", told));
            }
        };
        let params = attachment
            .params
            .iter()
            .filter(|param| !OF_SERVER.iter().any(|name| param.name.eq_ignore_ascii_case(name)));
        Ok(Some(Attachment {
            content: Content::Inline(Arc::from(&content[..])),
            params: params.cloned().collect(),
            ..attachment.clone()
        }))
    }
}
