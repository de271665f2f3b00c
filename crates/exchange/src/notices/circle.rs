//! Mailboxes that are told of together: who is in, and their subscriptions.

use super::ask::Asker;
use super::{Guest, Kind, Shared, Word};
use crate::classify::{About, classify, tells_nothing};
use crate::hanging::Hanging;
use crate::op::{Delivery, Subscribe, Subscribed, Unsubscribe};
use crate::version::Version;
use parom_domain::{Code, Error, Result, Retry, Scope};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

pub struct Circle<T> {
    pub asker: Asker<T>,
    /// By name.
    pub members: BTreeMap<Arc<str>, Member<T>>,
    pub words: mpsc::UnboundedReceiver<Word<T>>,
    pub shared: Arc<Shared<T>>,
    login: Arc<str>,
}

pub struct Member<T> {
    pub guest: Guest<T>,
    pub subscription: Option<Subscribed>,
    /// Nothing is tried before.
    pub not_before: Instant,
    pub failures: u32,
    pub is_attended: bool,
}

/// Why a circle is over.
pub enum End {
    /// Nobody needs it any more.
    Unneeded,
    /// The server does not open (so many) streams for this login.
    NoStream,
    /// A person has to put something right first.
    Refused(Error),
}

impl<T: Hanging + 'static> Circle<T> {
    pub fn new(
        first: &Guest<T>,
        version: Version,
        words: mpsc::UnboundedReceiver<Word<T>>,
        shared: Arc<Shared<T>>,
    ) -> Circle<T> {
        let asker = Asker::new(first, version);
        Circle { asker, members: BTreeMap::new(), words, shared, login: first.login.clone() }
    }

    /// Takes in what was said until now. Where nobody is left, waits for somebody; `false` where nobody can come any more.
    pub async fn hear(&mut self) -> bool {
        while let Ok(word) = self.words.try_recv() {
            self.take(word).await;
        }
        while self.members.is_empty() {
            let Some(word) = self.words.recv().await else { return false };
            self.take(word).await;
        }
        true
    }

    pub async fn take(&mut self, word: Word<T>) {
        let (old, new) = match word {
            Word::Take(guest) => (self.members.remove(&guest.name), Some(guest)),
            Word::Leave(name) => (self.members.remove(&name), None),
        };
        if let Some(Member { guest, subscription: Some(Subscribed { id, .. }), .. }) = &old {
            // What is not ended here ends by itself.
            let ended = self.asker.ask(&Unsubscribe { subscription: id.clone() }, guest.impersonated()).await;
            if let Err(error) = ended {
                tracing::debug!(mailbox = guest.mailbox, error = ?error, "a subscription was not ended");
            }
        }
        if let Some(guest) = new {
            let is_attended = old.is_some_and(|old| old.is_attended);
            let member = Member {
                subscription: None,
                not_before: Instant::now(),
                failures: 0,
                is_attended,
                guest: guest.clone(),
            };
            self.members.insert(guest.name, member);
        }
    }

    /// Subscribes a mailbox. Something may have happened since it was last looked at, so it is looked at once more.
    ///
    /// # Errors
    /// What is not the fault of this mailbox, and `Throttled`: whoever asks on while throttled is throttled for longer.
    pub async fn subscribe(&mut self, name: &Arc<str>, how: Delivery) -> Result<()> {
        let Some(member) = self.members.get(name) else { return Ok(()) };
        let ask = Subscribe { folders: member.guest.folders(), how };
        let impersonated = member.guest.impersonated().map(str::to_owned);
        let answer = self.asker.ask(&ask, impersonated.as_deref()).await?;
        self.shared.learn_version(&self.login, self.asker.version);
        let refusal = match answer.and_then(|answer| answer) {
            Ok(subscribed) => {
                if let Some(member) = self.members.get_mut(name) {
                    (member.subscription, member.failures) = (Some(subscribed), 0);
                }
                self.shared.ear.look(name);
                return Ok(());
            }
            Err(refusal) => refusal,
        };
        tracing::info!(mailbox = impersonated, code = refusal.code, "a mailbox could not be subscribed");
        let kind = if how == Delivery::Streamed { Kind::Stream } else { Kind::Pull };
        if tells_nothing(&refusal.code) {
            if let Some(member) = self.members.remove(name) {
                self.shared.is_silent(member.guest, kind);
            }
            return Ok(());
        }
        let error = classify(About::Account, &refusal);
        if error.scope() >= Scope::Credential || error.code() == Code::Throttled {
            return Err(error);
        }
        match error.retry() {
            Retry::Soon | Retry::After(_) => self.put_off(name, &error),
            Retry::WhenFixed | Retry::Never => {
                self.members.remove(name);
                self.shared.drops(name);
            }
        }
        Ok(())
    }

    /// Leaves a mailbox alone for a while.
    pub fn put_off(&mut self, name: &Arc<str>, error: &Error) {
        if let Some(member) = self.members.get_mut(name) {
            member.failures = member.failures.saturating_add(1);
            member.not_before = Instant::now() + pause(error, member.failures);
        }
    }

    /// The server does not know this mailbox's subscription any more.
    pub fn lose(&mut self, name: &Arc<str>) {
        if let Some(member) = self.members.get_mut(name) {
            member.subscription = None;
        }
    }

    /// Tells whether what happens in these mailboxes is heard.
    pub fn tell_attended<'n>(&mut self, names: impl Iterator<Item = &'n Arc<str>>, is_attended: bool) {
        for name in names {
            if let Some(member) = self.members.get_mut(name)
                && member.is_attended != is_attended
            {
                member.is_attended = is_attended;
                self.shared.ear.attended(name, is_attended);
            }
        }
    }

    /// Those that have no subscription and may be tried at this time.
    pub fn due(&self) -> Vec<Arc<str>> {
        let now = Instant::now();
        let is_due = |member: &Member<T>| member.subscription.is_none() && member.not_before <= now;
        self.members.iter().filter(|(_, member)| is_due(member)).map(|(name, _)| name.clone()).collect()
    }

    /// All its mailboxes, for another circle.
    pub fn guests(self) -> Vec<Guest<T>> {
        self.members.into_values().map(|member| member.guest).collect()
    }
}

/// How long to wait after the n-th failure in a row, at least as long as the server asks for.
pub fn pause(error: &Error, failures: u32) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST_PAUSE);
    match error.retry() {
        // A server that knows how long is believed, to the millisecond.
        Retry::After(pause) if error.code() == Code::Throttled => pause.max(FIRST_PAUSE),
        Retry::After(pause) => pause.max(doubled),
        _ => doubled,
    }
}
