//! A circle on a stream: GetStreamingEvents again and again.
//!
//! Who comes meanwhile is taken when the server ends the stream, and it is asked to do so soon: a stream that we ended
//! ourselves might take with it what was under way.

use super::circle::{Circle, End, pause};
use super::{Guest, Word};
use crate::classify::{About, classify, is_lost_subscription};
use crate::hanging::Hanging;
use crate::op::{Delivery, GetStreamingEvents, Streamed};
use parom_domain::{Code, Error, Result, Retry, Scope};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

/// Before the first stream, and whenever somebody may still come, those who come together are waited for.
const GATHERS: Duration = Duration::from_millis(500);
/// A circle into which nobody has come for so long is taken for complete.
const GROWS_FOR: Duration = Duration::from_secs(600);
/// So often in a row the server may say that there are too many streams, before one less is opened.
const TOO_MANY: u32 = 3;

/// How a stream ended.
enum Ended {
    /// As it should, or because somebody is to be subscribed.
    Well,
    /// Subscriptions are gone.
    Lost,
    TooManyStreams,
}

impl<T: Hanging + 'static> Circle<T> {
    /// Listens for as long as anybody is in the circle. With those who are left over.
    pub async fn stream(mut self) -> (End, Vec<Guest<T>>) {
        let mut failures = 0_u32;
        let mut grew = Instant::now();
        loop {
            let before = self.members.len();
            if !self.hear().await {
                return (End::Unneeded, Vec::new());
            }
            if self.members.len() != before {
                grew = Instant::now();
                sleep(GATHERS).await;
                self.hear().await;
            }
            let listened = match self.subscribe_due().await {
                Ok(()) => self.listen(grew.elapsed() < GROWS_FOR).await,
                Err(error) => Err(error),
            };
            let error = match listened {
                Ok(Ended::Well) => {
                    failures = 0;
                    continue;
                }
                Ok(Ended::Lost) => Error::new(Code::ServerUnavailable, Scope::Account, Retry::Soon),
                Ok(Ended::TooManyStreams) if failures + 1 >= TOO_MANY => return (End::NoStream, self.guests()),
                Ok(Ended::TooManyStreams) => Error::new(Code::Throttled, Scope::Account, Retry::Soon),
                Err(error) => error,
            };
            failures = failures.saturating_add(1);
            let everybody: Vec<Arc<str>> = self.members.keys().cloned().collect();
            self.tell_attended(everybody.iter(), false);
            tracing::info!(anchor = self.asker.anchor, failures, error = ?error, "a stream of notifications ended");
            if matches!(error.retry(), Retry::WhenFixed | Retry::Never) {
                return (End::Refused(error), self.guests());
            }
            sleep(pause(&error, failures)).await;
        }
    }

    async fn subscribe_due(&mut self) -> Result<()> {
        let holds = |circle: &Self| circle.members.values().any(|member| member.subscription.is_some());
        let is_anchored = self.members.values().any(|member| member.guest.mailbox == self.asker.anchor);
        if !is_anchored {
            self.members.values_mut().for_each(|member| member.subscription = None);
        }
        if !holds(self)
            && let Some(first) = self.members.values().map(|member| member.guest.mailbox.clone()).min()
        {
            self.asker.anchor_at(&first);
        }
        let due = self.due();
        for name in &due {
            match self.subscribe(name, Delivery::Streamed).await {
                Err(error) if error.code() == Code::Throttled => {
                    self.due().iter().for_each(|name| self.put_off(name, &error));
                    return Ok(());
                }
                done => done?,
            }
        }
        Ok(())
    }

    /// One stream from its beginning to its end.
    async fn listen(&mut self, grows: bool) -> Result<Ended> {
        let known: HashMap<String, Arc<str>> = self
            .members
            .iter()
            .filter_map(|(name, member)| Some((member.subscription.as_ref()?.id.clone(), name.clone())))
            .collect();
        if known.is_empty() {
            self.wait().await;
            return Ok(Ended::Well);
        }
        let manner = self.shared.manner;
        let waits = self.members.len() > known.len();
        let minutes = if grows || waits { 1 } else { manner.minutes.clamp(1, 30) };
        let mut subscriptions: Vec<String> = known.keys().cloned().collect();
        subscriptions.sort_unstable();
        let ask = GetStreamingEvents { subscriptions, minutes };
        let patience = manner.minute.saturating_mul(minutes).saturating_add(manner.slack);
        let until = Instant::now() + patience;
        let listener = self.members.values().find(|member| member.guest.mailbox == self.asker.anchor);
        let impersonated = listener.and_then(|member| member.guest.impersonated()).map(str::to_owned);
        let opened = timeout_at(until, self.asker.open(&ask, impersonated.as_deref(), patience)).await;
        let mut stream = opened.map_err(|_| timed_out(patience))??;
        let mut is_heard = false;
        loop {
            let next = timeout_at(until, stream.next()).await.map_err(|_| timed_out(patience));
            let document = match next.and_then(|next| next) {
                Ok(Some(document)) => document,
                ended => {
                    // What was under way is not known.
                    if is_heard {
                        known.values().for_each(|name| self.shared.ear.look(name));
                    }
                    let lost = Error::new(Code::ConnectionLost, Scope::Account, Retry::Soon);
                    return Err(ended.err().unwrap_or_else(|| lost.with("detail", "the stream ended before its time")));
                }
            };
            let told = match self.asker.read(&ask, &document)? {
                Ok(told) => told,
                Err(refusal) => Streamed { refusal: Some(refusal), closed: true, ..Streamed::default() },
            };
            if let Some(ended) = self.refused(&told, &known)? {
                return Ok(ended);
            }
            if !is_heard {
                is_heard = true;
                self.tell_attended(known.values(), true);
            }
            told.stirred.iter().filter_map(|id| known.get(id)).for_each(|name| self.shared.ear.look(name));
            if told.closed {
                return Ok(Ended::Well);
            }
        }
    }

    /// What a document that is none of what happened means.
    fn refused(&mut self, told: &Streamed, known: &HashMap<String, Arc<str>>) -> Result<Option<Ended>> {
        for id in &told.lost {
            if let Some(name) = known.get(id) {
                self.lose(name);
            }
        }
        let Some(refusal) = &told.refusal else {
            return Ok((!told.lost.is_empty()).then_some(Ended::Lost));
        };
        if refusal.code == "ErrorExceededConnectionCount" {
            return Ok(Some(Ended::TooManyStreams));
        }
        if is_lost_subscription(&refusal.code) {
            // One that is lost silences all; where nobody says which, it may be any.
            if told.lost.is_empty() {
                known.values().for_each(|name| self.lose(name));
            }
            return Ok(Some(Ended::Lost));
        }
        if !told.lost.is_empty() {
            return Ok(Some(Ended::Lost));
        }
        Err(classify(About::Account, refusal))
    }

    /// Until somebody comes or may be tried again.
    async fn wait(&mut self) {
        let Some(due) = self.members.values().map(|member| member.not_before).min() else { return };
        let word: Option<Word<T>> = tokio::select! {
            () = sleep_until(due) => None,
            word = self.words.recv() => word,
        };
        if let Some(word) = word {
            self.take(word).await;
        }
    }
}

fn timed_out(patience: Duration) -> Error {
    Error::new(Code::TimedOut, Scope::Account, Retry::Soon).with("seconds", patience.as_secs())
}
