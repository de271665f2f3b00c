//! Events as Exchange itself keeps them, out and back.

use super::{Calendars, item_id, written};
use crate::classify::{About, classify, is_gone};
use crate::client::Transport;
use crate::op::{ExportItems, UploadItems};
use crate::version::Feature;
use parom_domain::agenda::{CalendarId, EventSeen, Written};
use parom_domain::{Code, Result};
use std::sync::Arc;

impl<T: Transport> Calendars<T> {
    /// `None` where the server does not know how (before 2010 SP1), and where the item is gone: whoever is about to overwrite it
    /// will be told so.
    pub(super) async fn export_event(&self, seen: &EventSeen) -> Result<Option<Arc<str>>> {
        if !self.client.version().knows(Feature::Exports) || self.memory().exports_nothing {
            return Ok(None);
        }
        match self.client.ask(&ExportItems { items: vec![item_id(seen)] }).await {
            Ok(outcomes) => match outcomes.into_iter().next() {
                Some(Ok(data)) => Ok(Some(data)),
                Some(Err(refusal)) if is_gone(&refusal.code) => Ok(None),
                Some(Err(refusal)) => Err(classify(About::Read, &refusal)),
                None => Ok(None),
            },
            // Too large for one answer: the others may be smaller.
            Err(error) if error.code() == Code::AnswerUnexpected && error.arg("limit").is_some() => Ok(None),
            Err(error) if error.code() == Code::AnswerUnexpected => {
                tracing::info!(error = ?error, "this Exchange exports nothing");
                self.memory().exports_nothing = true;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn restore_event(&self, calendar: &CalendarId, export: &str) -> Result<Written> {
        let upload = UploadItems { folder: calendar.0.to_string(), data: export.into() };
        let made = self.client.ask(&upload).await?;
        Ok(written(&made.map_err(|refusal| classify(About::Write, &refusal))?))
    }
}
