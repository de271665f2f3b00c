//! A circle without a stream: each mailbox is asked for in its turn (GetEvents).

use super::Guest;
use super::circle::{Circle, End, pause};
use crate::classify::{About, classify, is_lost_subscription};
use crate::hanging::Hanging;
use crate::op::{Delivery, GetEvents, Subscribed};
use parom_domain::{Code, Result, Retry, Scope};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// So often in a row it is asked whether there is more.
const MOST_PARTS: u32 = 20;

impl<T: Hanging + 'static> Circle<T> {
    /// Asks for as long as anybody is in the circle.
    pub async fn pull(mut self) -> (End, Vec<Guest<T>>) {
        let every = self.shared.manner.pull_every;
        let mut failures = 0_u32;
        loop {
            if !self.hear().await {
                return (End::Unneeded, Vec::new());
            }
            match self.round(every).await {
                Ok(()) => failures = 0,
                Err(error) => {
                    failures = failures.saturating_add(1);
                    let everybody: Vec<Arc<str>> = self.members.keys().cloned().collect();
                    self.tell_attended(everybody.iter(), false);
                    tracing::info!(anchor = self.asker.anchor, failures, error = ?error, "what happened could not be asked for");
                    if matches!(error.retry(), Retry::WhenFixed | Retry::Never) {
                        return (End::Refused(error), Vec::new());
                    }
                    sleep(pause(&error, failures)).await;
                    continue;
                }
            }
            let due = self.members.values().map(|member| member.not_before).min();
            let word = tokio::select! {
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => None,
                word = self.words.recv() => word,
            };
            if let Some(word) = word {
                self.take(word).await;
            }
        }
    }

    /// Asks for those whose turn it is.
    async fn round(&mut self, every: Duration) -> Result<()> {
        let now = Instant::now();
        let due = self.members.iter().filter(|(_, member)| member.not_before <= now);
        let due: Vec<Arc<str>> = due.map(|(name, _)| name.clone()).collect();
        // The server has to remember for longer than it takes us to ask again.
        let minutes = u32::try_from(every.as_secs() / 20).unwrap_or(u32::MAX).clamp(10, 1440);
        for name in due {
            let subscription = self.members.get(&name).and_then(|member| member.subscription.clone());
            match subscription {
                Some(subscribed) => self.ask_for(&name, &subscribed).await?,
                None => self.subscribe(&name, Delivery::Pulled { timeout_minutes: minutes }).await?,
            }
            if let Some(member) = self.members.get_mut(&name)
                && member.subscription.is_some()
                && member.not_before <= now
            {
                member.not_before = now + every;
                self.tell_attended(std::iter::once(&name), true);
            }
        }
        Ok(())
    }

    async fn ask_for(&mut self, name: &Arc<str>, subscribed: &Subscribed) -> Result<()> {
        let Some(impersonated) = self.members.get(name).map(|it| it.guest.impersonated().map(str::to_owned)) else {
            return Ok(());
        };
        let mut watermark = subscribed.watermark.clone().unwrap_or_default();
        let mut any = false;
        for _ in 0..MOST_PARTS {
            let ask = GetEvents { subscription: subscribed.id.clone(), watermark };
            match self.asker.ask(&ask, impersonated.as_deref()).await?.and_then(|answer| answer) {
                Ok(told) => {
                    any |= told.any;
                    watermark = told.watermark;
                    if !told.more {
                        break;
                    }
                }
                Err(refusal) => {
                    let error = classify(About::Account, &refusal);
                    if is_lost_subscription(&refusal.code) {
                        self.lose(name);
                    } else if error.scope() >= Scope::Credential || error.code() == Code::Throttled {
                        return Err(error);
                    }
                    self.tell_attended(std::iter::once(name), false);
                    self.put_off(name, &error);
                    if any {
                        self.shared.ear.look(name);
                    }
                    return Ok(());
                }
            }
        }
        if any {
            self.shared.ear.look(name);
        }
        if let Some(member) = self.members.get_mut(name) {
            member.subscription = Some(Subscribed { id: subscribed.id.clone(), watermark: Some(watermark) });
            member.failures = 0;
        }
        Ok(())
    }
}
