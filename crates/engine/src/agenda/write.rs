//! Writes the events of a batch and reads them back. What the account's state makes of it is said in `batch.rs`.

use super::looks::{self, Found, Place, Shown};
use super::pass::{AgendaPass, LANES, Run, stops_the_pass};
use super::plan::Task;
use futures_util::future::{BoxFuture, join};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use parom_domain::agenda::{CalendarId, EventRead, EventSeen, Form, Written};
use parom_domain::events::state::ArchivedEvent;
use parom_domain::events::{CalendarNumber, End, EventLink};
use parom_domain::{Both, Error, Result, Side};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Mutex;

/// Writes of one batch that are made ready at once: two more than may be under way, so that none of these has to wait for us.
const AT_ONCE: usize = LANES + 2;

/// One event, ready to be written.
pub struct Job {
    pub task: Task,
    /// The link as it was.
    pub link: Option<EventLink>,
    /// What each side has now.
    pub has: Both<Option<Shown>>,
    pub merged: Form,
    /// What both sides agree on from now on.
    pub base: Form,
    pub writes: Both<bool>,
    pub lost: Option<ArchivedEvent>,
    pub intents: Both<Option<u64>>,
    pub outcome: Both<Option<Result<Written>>>,
}

impl Job {
    pub fn is_changed(&self, side: Side) -> bool {
        is_changed(self.link.as_ref(), &self.has, side)
    }

    /// Where an event is written: where it is, else in its own calendar.
    pub fn place(&self, side: Side) -> CalendarNumber {
        self.has[side].as_ref().map_or(self.task.calendar, |shown| shown.calendar)
    }
}

/// The side shows something else than it did when both were settled.
pub fn is_changed(link: Option<&EventLink>, has: &Both<Option<Shown>>, side: Side) -> bool {
    let end = link.and_then(|link| link.ends[side].as_ref());
    has[side].as_ref().is_some_and(|shown| end.is_none_or(|end| end.hash != shown.hash))
}

/// Events as they were read, by their places.
pub type ReadBack = HashMap<Place, Shown>;

/// What became of a batch.
pub struct Done {
    pub jobs: Vec<Job>,
    pub read_back: Both<ReadBack>,
}

/// What writing needs to know of an account. None of it changes while events are written.
pub struct Writer<'a> {
    pass: &'a AgendaPass<'a>,
    ids: Both<HashMap<CalendarNumber, CalendarId>>,
    batch_items: Both<usize>,
    /// Who may begin writes on a side: one batch after the other, so that they do not all come to their end together.
    turns: Both<Mutex<()>>,
    stopped: AtomicBool,
}

impl<'a> Writer<'a> {
    pub fn of(run: &Run<'a>) -> Writer<'a> {
        let ids = |side: Side| {
            let numbers = run.state.calendars.iter().map(|pair| pair.number);
            numbers.filter_map(|number| Some((number, run.id(number, side)?))).collect()
        };
        Writer {
            pass: run.pass,
            ids: Both::from_fn(ids),
            batch_items: run.abilities.as_ref().map(|abilities| abilities.batch_items),
            turns: Both::from_fn(|_| Mutex::default()),
            stopped: AtomicBool::new(false),
        }
    }

    /// Nothing more is begun. What is under way goes on to its end.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Writes a batch whose intents are committed, and reads it back.
    ///
    /// # Errors
    /// What stops the pass. Then nobody knows what arrived, and recovery looks it up.
    pub async fn write(&self, mut jobs: Vec<Job>) -> Result<Done> {
        let (source, target) = join(self.perform(&jobs, Side::Source), self.perform(&jobs, Side::Target)).await;
        let mut fatal = None;
        for (side, outcomes) in [(Side::Source, source), (Side::Target, target)] {
            for (job, outcome) in jobs.iter_mut().zip(outcomes) {
                job.outcome[side] = outcome;
                if matches!(&job.outcome[side], Some(Err(error)) if stops_the_pass(error)) {
                    fatal = job.outcome[side].take().and_then(Result::err).or(fatal);
                }
            }
        }
        if let Some(fatal) = fatal {
            return Err(fatal);
        }
        let (source, target) = join(self.read_back(&jobs, Side::Source), self.read_back(&jobs, Side::Target)).await;
        let mut read_back = Both::new(index(source?), index(target?));
        // What was read is known by its hash. Its text is not kept beside that of the event while the links are committed.
        for side in Side::ALL {
            read_back[side].values_mut().for_each(|shown| shown.text = None);
        }
        Ok(Done { jobs, read_back })
    }

    /// One side's writes, a few at once. `None` where nothing was tried.
    async fn perform(&self, jobs: &[Job], side: Side) -> Vec<Option<Result<Written>>> {
        let mut outcomes: Vec<Option<Result<Written>>> = jobs.iter().map(|_| None).collect();
        let mut turn = Some(self.turns[side].lock().await);
        let mut waiting = jobs.iter().zip(&mut outcomes).filter(|(job, _)| job.writes[side]);
        let mut writes: FuturesUnordered<BoxFuture<'_, ()>> = FuturesUnordered::new();
        loop {
            while writes.len() < AT_ONCE {
                let Some((job, outcome)) = waiting.next() else {
                    turn = None;
                    break;
                };
                writes.push(Box::pin(async move { *outcome = self.perform_one(job, side).await }));
            }
            if writes.next().await.is_none() {
                break;
            }
        }
        drop((writes, waiting, turn));
        outcomes
    }

    async fn perform_one(&self, job: &Job, side: Side) -> Option<Result<Written>> {
        if self.stopped.load(Ordering::Relaxed) || self.pass.observer.should_stop() {
            return None;
        }
        let calendar = self.ids[side].get(&job.place(side))?;
        let outcome = self.put(job, side, calendar).await;
        if outcome.as_ref().is_err_and(stops_the_pass) {
            self.stop();
        }
        Some(outcome)
    }

    async fn put(&self, job: &Job, side: Side, calendar: &CalendarId) -> Result<Written> {
        let agenda = self.pass.sides[side];
        let Some(shown) = &job.has[side] else { return agenda.create(calendar, &job.merged).await };
        let there = shown.there.clone().or_else(|| shown.form(&job.task.uid));
        let base = there.ok_or_else(|| Error::internal("an event without its text"))?;
        let seen = EventSeen { handle: shown.handle.clone(), version: shown.version.clone() };
        agenda.update(calendar, &seen, &base, &job.merged).await
    }

    async fn read_back(&self, jobs: &[Job], side: Side) -> Result<Found> {
        let place = |job: &Job| match &job.outcome[side] {
            Some(Ok(written)) => Some((job.place(side), written.handle.clone())),
            _ => None,
        };
        let id = |calendar| self.ids[side].get(&calendar).cloned();
        looks::read_by(self.pass.sides[side], self.batch_items[side], id, jobs.iter().filter_map(place)).await
    }
}

pub fn index(found: Found) -> ReadBack {
    let shown = |(calendar, read): (CalendarNumber, EventRead)| {
        let form = read.form.ok()?;
        let shown = Shown::of(calendar, read.handle.clone(), read.version, &form).marked(read.half);
        Some(((calendar, read.handle), shown))
    };
    found.events.into_iter().filter_map(shown).collect()
}

/// The end of a link after a write: as it was read back, if what was read is what was written.
pub fn end(job: &Job, side: Side, read_back: &ReadBack) -> Option<End> {
    let Some(Ok(written)) = &job.outcome[side] else { return job.has[side].as_ref().map(Shown::end) };
    let calendar = job.place(side);
    let shown = read_back.get(&(calendar, written.handle.clone()));
    match (shown, &written.version) {
        (Some(shown), None) => Some(shown.end()),
        (Some(shown), Some(version)) if shown.version == *version => Some(shown.end()),
        // Somebody was faster: the next look reads it and compares it with what we wrote.
        _ => Some(End {
            calendar,
            handle: written.handle.clone(),
            version: written.version.clone(),
            hash: job.merged.hash,
        }),
    }
}
