//! Writes events, batch by batch: commit the intents, act, read back, settle. One batch begins before the last one is settled.

use super::book::AgendaEvent;
use super::halves;
use super::looks::{self, Shown};
use super::matching::parked;
use super::pass::{Run, stops_the_pass};
use super::plan::{Plan, Task};
use super::undeleted::may_pass;
use super::write::{Done, Job, Writer, end, index, is_changed};
use futures_util::future::{BoxFuture, Either, join, select};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use parom_domain::agenda::Form;
use parom_domain::events::decide::{Deed, writes};
use parom_domain::events::state::{AgendaChange, AgendaIntent, AgendaWork, ArchivedEvent};
use parom_domain::events::{End, EventLink, again, breaker};
use parom_domain::{Both, Code, Error, Result, Retry, Scope, Side};
use std::collections::VecDeque;
use std::iter::Peekable;
use std::pin::pin;
use std::sync::Arc;

/// Events of one batch, unless a pass says otherwise. Their intents are one commit.
pub const BATCH: usize = 200;
/// What the events of a batch show together, in bytes. A larger event is alone.
const BATCH_BYTES: usize = 4 << 20;
/// Batches whose texts are in memory together.
const MOST: usize = 2;

/// Events whose intents are one commit.
struct Batch {
    tasks: Vec<Task>,
    bytes: usize,
}

impl Batch {
    fn next(tasks: &mut Peekable<impl Iterator<Item = Task>>, most: usize) -> Option<Batch> {
        let shown = |task: &Task| -> usize {
            Side::ALL.into_iter().filter_map(|side| task.shown[side].as_ref()).map(|shown| shown.bytes).sum()
        };
        let mut batch = Batch { tasks: Vec::new(), bytes: 0 };
        while let Some(bytes) = tasks.peek().map(shown) {
            let is_full = batch.tasks.len() >= most || batch.bytes.saturating_add(bytes) > BATCH_BYTES;
            if is_full && !batch.tasks.is_empty() {
                break;
            }
            batch.bytes = batch.bytes.saturating_add(bytes);
            batch.tasks.extend(tasks.next());
        }
        (!batch.tasks.is_empty()).then_some(batch)
    }

    fn is_large(&self) -> bool {
        self.bytes > BATCH_BYTES
    }
}

/// Batches that are being written, while others are made ready or settled.
#[derive(Default)]
struct UnderWay<'w> {
    writes: FuturesUnordered<BoxFuture<'w, Result<Done>>>,
    done: VecDeque<Result<Done>>,
    is_large: bool,
}

impl UnderWay<'_> {
    /// There is room for a batch beside those under way. What is large is alone.
    fn takes(&self, batch: &Batch) -> bool {
        let count = self.writes.len() + self.done.len();
        count == 0 || count < MOST && !self.is_large && !batch.is_large()
    }

    /// Waits for something else, and lets the writes go on meanwhile.
    async fn beside<T>(&mut self, other: impl Future<Output = T>) -> T {
        let mut other = pin!(other);
        while !self.writes.is_empty() {
            match select(other, self.writes.next()).await {
                Either::Left((it, _)) => return it,
                Either::Right((done, still)) => {
                    self.done.extend(done);
                    other = still;
                }
            }
        }
        other.await
    }

    async fn next(&mut self) -> Option<Result<Done>> {
        match self.done.pop_front() {
            None => self.writes.next().await,
            done => done,
        }
    }
}

/// Writes everything. While one batch is written, the next one is made ready, and the last one read back and settled.
pub async fn write_all(run: &mut Run<'_>, plan: &mut Plan) -> Result<()> {
    let writer = Writer::of(run);
    let most = run.pass.batch.max(1);
    let mut tasks = std::mem::take(&mut plan.writes).into_iter().peekable();
    let mut next = Batch::next(&mut tasks, most);
    let mut under_way = UnderWay::default();
    let mut ended = Ok(());
    loop {
        while ended.is_ok()
            && let Some(batch) = next.take_if(|batch| under_way.takes(batch))
        {
            next = Batch::next(&mut tasks, most);
            let is_large = batch.is_large();
            match under_way.beside(begin(run, batch.tasks)).await {
                Ok(jobs) => {
                    under_way.is_large = is_large;
                    under_way.writes.push(Box::pin(writer.write(jobs)));
                }
                Err(error) => ended = Err(error),
            }
        }
        // What was begun is brought to its end and settled, whatever became of the others.
        if ended.is_err() {
            writer.stop();
        }
        let settled = match under_way.next().await {
            None => return ended,
            Some(Ok(done)) => under_way.beside(settle(run, done)).await,
            Some(Err(error)) => Err(error),
        };
        ended = ended.and(settled);
    }
}

/// Makes a batch ready, and announces what will be written.
async fn begin(run: &mut Run<'_>, tasks: Vec<Task>) -> Result<Vec<Job>> {
    run.go_on()?;
    let mut jobs = prepare(run, tasks).await?;
    let mut intents = Vec::new();
    for job in &mut jobs {
        for side in Side::ALL {
            if job.writes[side] {
                let intent = announce(run, job, side);
                job.intents[side] = Some(intent.id);
                run.state.intents.push(intent.clone());
                intents.push(AgendaChange::OpenIntent(intent));
            }
        }
    }
    // INVARIANT: nothing of the batch is written before its intents are committed, which they are when this returns.
    run.commit(intents).await?;
    Ok(jobs)
}

/// Gets every text that is needed and merges. What cannot be written now is put aside or left for the next pass.
async fn prepare(run: &mut Run<'_>, tasks: Vec<Task>) -> Result<Vec<Job>> {
    let wanted = Both::from_fn(|side| {
        let place = |task: &Task| {
            let absent = matches!(task.deed, Deed::Create { into } if into == side);
            match &task.shown[side] {
                _ if absent => None,
                Some(shown) if shown.text.is_some() => None,
                Some(shown) => Some((shown.calendar, shown.handle.clone())),
                None => {
                    let end = run.links.get(task.event)?.ends[side].as_ref()?;
                    Some((end.calendar, end.handle.clone()))
                }
            }
        };
        tasks.iter().filter_map(place).collect::<Vec<_>>()
    });
    let ask = |side: Side| looks::read(run, side, wanted[side].iter().cloned());
    let (source, target) = join(ask(Side::Source), ask(Side::Target)).await;
    let read = Both::new(index(source?), index(target?));
    let mut jobs = Vec::new();
    let mut changes = Vec::new();
    for task in tasks {
        let link = run.links.get(task.event).cloned();
        let has = Both::from_fn(|side| {
            if matches!(task.deed, Deed::Create { into } if into == side) {
                return None;
            }
            let shown = task.shown[side].as_ref();
            let end = link.as_ref().and_then(|link| link.ends[side].as_ref());
            let place =
                shown.map(|it| (it.calendar, it.handle.clone())).or(end.map(|it| (it.calendar, it.handle.clone())));
            shown.filter(|shown| shown.text.is_some()).cloned().or_else(|| read[side].get(&place?).cloned())
        });
        let text = [&has.source, &has.target].into_iter().flatten().find_map(|shown| shown.text.clone());
        match job(run, task.clone(), link, has).await {
            Ok(Some(job)) => jobs.push(job),
            Ok(None) => leave(run, &task),
            Err(error) if stops_the_pass(&error) => return Err(error),
            Err(error) => changes.extend(put_aside(run, &task, text.as_deref(), &error, None)),
        }
    }
    let mut ready = Vec::new();
    for job in jobs {
        let now = run.now_ms();
        let ours = job.link.as_ref().map(|link| link.writes.clone()).unwrap_or_default();
        let is_written = job.writes.source || job.writes.target;
        let changed = Both::from_fn(|side| job.is_changed(side));
        match breaker::closed_until(&ours, changed, now).filter(|_| is_written) {
            Some(until) => {
                let error = Error::new(Code::EventRestless, Scope::Item, Retry::Soon).with("uid", &job.task.uid);
                changes.extend(put_aside(run, &job.task, Some(&job.merged.text), &error, Some(until)));
            }
            None => ready.push(job),
        }
    }
    run.commit(changes).await?;
    Ok(ready)
}

/// The event is looked at again by the next pass.
fn leave(run: &mut Run<'_>, task: &Task) {
    run.unfinished.insert(task.calendar);
    for side in Side::ALL {
        if let Some(shown) = &task.shown[side] {
            run.unfinished.insert(shown.calendar);
        }
    }
}

/// Puts the event aside until that moment. Where none is given, what may pass is tried again by itself, and more and more seldom.
/// The text tells people which event it is.
fn put_aside(
    run: &mut Run<'_>,
    task: &Task,
    text: Option<&str>,
    error: &Error,
    until_ms: Option<u64>,
) -> Vec<AgendaChange> {
    let what = run.name(task.calendar).unwrap_or_default();
    let copy = Error::new(error.code(), error.scope(), error.retry());
    let copy = error.args().iter().fold(copy, |copy, (name, value)| copy.with(name, value));
    let copy = copy.with("what", what).with("uid", &task.uid);
    let now = run.now_ms();
    let mut changes = Vec::new();
    for side in Side::ALL {
        if let Some(shown) = &task.shown[side] {
            let since_ms = run.aside_since(shown.calendar, side, &shown.handle, error.code()).unwrap_or(now);
            let again = may_pass(error).then(|| again::at(since_ms, now));
            let parked = parked(run, side, &task.uid, shown, until_ms.or(again)).because(&copy);
            changes.push(run.park(parked, text));
        }
    }
    if changes.is_empty() {
        leave(run, task);
    }
    changes
}

/// `None`: something is not there any more, and the next pass looks again.
async fn job(run: &Run<'_>, task: Task, link: Option<EventLink>, mut has: Both<Option<Shown>>) -> Result<Option<Job>> {
    halves::complete_both(run, &task.uid, link.as_ref(), &mut has).await?;
    let mut policy = run.policy(task.calendar);
    for side in Side::ALL {
        if let Some(shown) = &has[side] {
            policy.writes[side] &= run.policy(shown.calendar).writes[side];
        }
    }
    let uid = task.uid.clone();
    let form = |side: Side| has[side].as_ref().and_then(|shown| shown.form(&uid));
    let base = match &link {
        Some(link) if link.ends.source.is_some() && link.ends.target.is_some() => {
            let text = run.pass.book.base(link.number).await?;
            text.map(|text| Form { uid: uid.clone(), hash: link.base, text })
        }
        _ => None,
    };
    // A side that did not change stands for what both agreed on, even where it cannot hold all of it.
    let changed = |side: Side| is_changed(link.as_ref(), &has, side);
    let only = policy.only();
    let speaks = |side: Side| match &base {
        Some(base) if !changed(side) && only != Some(side) => Some(base.clone()),
        _ => form(side),
    };
    let mut lost = None;
    let (merged, mut writes) = match task.deed {
        Deed::Create { into } => {
            let Some(own) = form(into.other()) else { return Ok(None) };
            let merged = match &base {
                Some(base) if own.hash != base.hash => {
                    let forms = Both::from_fn(|side| if side == into { base } else { &own });
                    run.pass.merge.merge(Some(base), forms)?.form
                }
                _ => own,
            };
            (merged, Both::from_fn(|side| side == into))
        }
        // What is not where it was may have moved.
        _ if has.source.is_none() || has.target.is_none() => return Ok(None),
        _ => {
            let (Some(source), Some(target)) = (speaks(Side::Source), speaks(Side::Target)) else { return Ok(None) };
            let merged = if source.hash == target.hash {
                source
            } else {
                let merged = run.pass.merge.merge(base.as_ref(), Both::new(&source, &target))?;
                lost = merged.lost.map(|side| ArchivedEvent {
                    at_ms: run.now_ms(),
                    uid: uid.clone(),
                    side,
                    text: if side == Side::Source { source.text.clone() } else { target.text.clone() },
                });
                merged.form
            };
            let shows = Both::from_fn(|side| {
                let tells = base.is_none() || changed(side) || only == Some(side);
                has[side].as_ref().filter(|_| tells).map(|shown| shown.hash)
            });
            let writes = writes(base.as_ref().map(|base| base.hash), shows, merged.hash, &policy);
            (merged, writes)
        }
    };
    for (side, shown) in has.iter() {
        writes[side] |= policy.writes[side] && shown.as_ref().is_some_and(|shown| shown.is_half);
    }
    // One way, what both agree on is what the leading side says: the rest is the other side's own.
    let leading = match (only, policy.writes.source) {
        (Some(only), _) => form(only.other()),
        (None, false) => form(Side::Source),
        (None, true) => None,
    };
    let base = leading.unwrap_or_else(|| merged.clone());
    let (intents, outcome) = (Both::new(None, None), Both::new(None, None));
    Ok(Some(Job { task, link, has, merged, base, writes, lost, intents, outcome }))
}

fn announce(run: &mut Run<'_>, job: &Job, side: Side) -> AgendaIntent {
    let work = match job.has[side] {
        None => AgendaWork::Create { calendar: job.task.calendar },
        Some(_) => AgendaWork::Update,
    };
    // Where a write may end half way, what was there before is needed to tell. The base is kept beside the link.
    let was = job.has[side].as_ref().filter(|_| run.abilities[side].writes_in_steps).and_then(|shown| {
        let is_base = job.link.as_ref().is_some_and(|link| link.base == shown.hash) && shown.there.is_none();
        let there = shown.there.as_ref().map(|form| form.text.clone()).or_else(|| shown.text.clone());
        there.filter(|_| !is_base)
    });
    AgendaIntent {
        id: run.intent_id(),
        at_ms: run.now_ms(),
        event: job.task.event,
        uid: job.task.uid.clone(),
        side,
        work,
        hash: job.merged.hash,
        text: job.merged.text.clone(),
        was,
        ends: job.has.as_ref().map(|shown| shown.as_ref().map(Shown::end)),
    }
}

async fn settle(run: &mut Run<'_>, done: Done) -> Result<()> {
    let Done { jobs, read_back } = done;
    let now = run.now_ms();
    let mut changes = Vec::new();
    let mut stopped = false;
    for job in jobs {
        // INVARIANT: what was written half stays announced until it is known to be whole.
        let is_half =
            job.outcome.iter().any(|(_, outcome)| matches!(outcome, Some(Err(error)) if halves::is_half(error)));
        if is_half {
            run.announced.insert(job.task.uid.clone());
        } else {
            for id in [job.intents.source, job.intents.target].into_iter().flatten() {
                changes.push(AgendaChange::CloseIntent(id));
                run.state.intents.retain(|intent| intent.id != id);
            }
        }
        let mut ours = job.link.as_ref().map(|it| breaker::recent(&it.writes, now)).unwrap_or_default();
        let done = job.outcome.iter().filter(|(_, outcome)| matches!(outcome, Some(Ok(_))));
        ours.extend(done.map(|(side, _)| breaker::Write { side, at_ms: now }));
        let mut failed = false;
        for side in Side::ALL.into_iter().filter(|side| job.writes[*side]) {
            match &job.outcome[side] {
                Some(Ok(_)) => {
                    run.wrote.insert((job.place(side), side));
                    let is_new = job.has[side].is_none();
                    let event =
                        if is_new { AgendaEvent::Created { into: side } } else { AgendaEvent::Updated { on: side } };
                    run.pass.observer.event(event);
                    let count = if is_new { &mut run.report.created } else { &mut run.report.updated };
                    count[side] += 1;
                }
                Some(Err(error)) => {
                    failed = true;
                    changes.extend(refused(run, &job, side, error));
                }
                None => {
                    failed = true;
                    stopped |= run.pass.observer.should_stop();
                    leave(run, &job.task);
                }
            }
        }
        if failed {
            // INVARIANT: a link is settled when all that belongs to it was written. What was written of it is merged again
            // by the next pass, from the base that still holds.
            if let Some(mut link) = run.links.get(job.task.event).cloned().filter(|link| link.writes != ours) {
                link.writes = ours;
                changes.extend(run.remember(link, None));
            }
            continue;
        }
        // What is one side's own stays it, whatever the other changed meanwhile.
        let ends = Both::from_fn(|side| {
            let end = end(&job, side, &read_back[side])?;
            let says_more = job.merged.hash != job.base.hash
                && job.has[side].as_ref().is_some_and(|shown| shown.hash != job.base.hash);
            Some(if says_more && job.is_changed(side) { End { hash: End::OWN, ..end } } else { end })
        });
        changes.extend(halves::forget(run, job.task.event, &job.writes));
        changes.extend(run.unpark_ends(&ends));
        let waited = job.link.as_ref().is_some_and(EventLink::waits);
        let brought = match job.task.deed {
            Deed::Create { into } if job.link.is_none() => Some(into),
            _ => job.link.as_ref().and_then(|link| link.brought),
        };
        if job.task.deed == Deed::Adopt {
            run.report.adopted += 1;
        }
        if let Some(lost) = job.lost {
            run.report.archived += 1;
            changes.push(AgendaChange::Archive(lost));
        }
        let link = EventLink {
            number: job.task.event,
            uid: job.task.uid,
            calendar: job.task.calendar,
            ends,
            base: job.base.hash,
            brought,
            asleep: None,
            writes: ours,
        };
        run.state.left = run.state.left.saturating_sub(u64::from(waited && !link.waits()));
        changes.extend(run.remember(link, Some(job.base.text)));
    }
    run.commit(changes).await?;
    if stopped { Err(crate::ports::cancelled()) } else { Ok(()) }
}

/// What a refusal means: look again, put aside, or stop for this calendar.
fn refused(run: &mut Run<'_>, job: &Job, side: Side, error: &Error) -> Vec<AgendaChange> {
    let was_half = job.has[side].as_ref().is_some_and(|shown| shown.is_half);
    match (error.code(), error.scope()) {
        // The next pass goes on from what is there. When that is refused too, a person has to know.
        (Code::EventHalf, _) if !was_half => {
            run.wake(run.now_ms());
            leave(run, &job.task);
            Vec::new()
        }
        (Code::EventHalf, _) => put_aside_until(run, job, error),
        (Code::EventChanged | Code::EventExists, _) => {
            let is_hidden = error.code() == Code::EventExists && run.abilities[side].unique_uids;
            // Where a UID is in one calendar only, the one in the way may be where nobody looks: in another calendar that
            // is not carried, or in the trash.
            if is_hidden {
                return put_aside_until(run, job, error);
            }
            leave(run, &job.task);
            Vec::new()
        }
        // That it is too large was guessed from a server that hung up.
        (_, Scope::Item) if was_half => put_aside_until(run, job, &halves::still(error)),
        (Code::EventTooLarge, Scope::Item) if error.retry() == Retry::Soon => put_aside_until(run, job, error),
        (_, Scope::Item) => put_aside(run, &job.task, Some(&job.merged.text), error, None),
        _ => {
            let calendar = job.place(side);
            let copy = Error::new(error.code(), error.scope(), error.retry());
            let copy = error.args().iter().fold(copy, |copy, (name, value)| copy.with(name, value));
            run.trouble_once(calendar, copy);
            leave(run, &job.task);
            Vec::new()
        }
    }
}

/// It is tried again after a while, because what is in the way may go away without a sign.
fn put_aside_until(run: &mut Run<'_>, job: &Job, error: &Error) -> Vec<AgendaChange> {
    let until = run.now_ms().saturating_add(breaker::WINDOW_MS);
    put_aside(run, &job.task, Some(&job.merged.text), error, Some(until))
}

/// The text of a form, for intents that are taken up again.
pub fn form_of(uid: &str, hash: [u8; 32], text: &Arc<str>) -> Form {
    Form { uid: uid.to_owned(), hash, text: text.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parom_domain::agenda::{Handle, Version};
    use parom_domain::events::{CalendarNumber, EventNumber};

    fn task(bytes: usize) -> Task {
        let shown = Shown {
            calendar: CalendarNumber(1),
            handle: Handle("h".into()),
            version: Version("v".into()),
            hash: [0; 32],
            bytes,
            text: None,
            is_half: false,
            there: None,
        };
        Task {
            event: EventNumber(1),
            uid: "u".to_owned(),
            calendar: CalendarNumber(1),
            shown: Both::new(Some(shown), None),
            deed: Deed::Create { into: Side::Target },
        }
    }

    #[test]
    fn a_batch_ends_where_its_texts_would_be_too_much_together() {
        let sizes = |sizes: &[usize]| {
            let mut tasks = sizes.iter().map(|bytes| task(*bytes)).peekable();
            std::iter::from_fn(|| Batch::next(&mut tasks, BATCH).map(|batch| batch.tasks.len())).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&[1; 2 * BATCH + 20]), [BATCH, BATCH, 20]);
        let large = BATCH_BYTES + 1;
        assert_eq!(sizes(&[1, large, 1, 1, large, large]), [1, 1, 2, 1, 1]);
        assert_eq!(sizes(&[BATCH_BYTES / 2; 5]), [2, 2, 1]);
    }
}
