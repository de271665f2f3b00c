//! Deletions that a side refused. The event is put aside where it still is, and rests there until somebody has it tried again,
//! or until it is gone there too or comes back on the other side.

use super::pass::Run;
use super::plan::Task;
use parom_domain::agenda::EventSeen;
use parom_domain::events::state::{AgendaChange, ParkedEvent};
use parom_domain::events::{CalendarNumber, EventNumber, again};
use parom_domain::{Code, Error, Result, Retry, Scope, Side};

/// It was to be removed here.
pub fn is_undeleted(parked: &ParkedEvent) -> bool {
    parked.code == Code::EventNotRemoved.as_str()
}

/// Puts the event aside that could not be removed from `on`, with the reason. What may pass is tried again by itself.
pub async fn put_aside(
    run: &mut Run<'_>,
    task: &Task,
    on: Side,
    (calendar, seen): (CalendarNumber, EventSeen),
    error: &Error,
) -> Result<AgendaChange> {
    let now = run.now_ms();
    let EventSeen { handle, version } = seen;
    let since_ms = run.aside_since(calendar, on, &handle, Code::EventNotRemoved).unwrap_or(now);
    let why = Error::new(Code::EventNotRemoved, Scope::Item, error.retry());
    let why = why.with("what", run.name(calendar).unwrap_or_default()).with("uid", &task.uid).with("side", on.other());
    let why = error.args().iter().fold(why, |why, (name, value)| why.with(name, value));
    let parked = ParkedEvent {
        calendar,
        side: on,
        handle,
        version: Some(version),
        uid: Some(task.uid.clone()),
        code: String::new(),
        args: Vec::new(),
        since_ms,
        until_ms: may_pass(error).then(|| again::at(since_ms, now)),
    };
    let shown = task.shown[on].as_ref().and_then(|shown| shown.text.clone());
    let text = match shown {
        None => run.pass.book.base(task.event).await?,
        text => text,
    };
    Ok(run.park(parked.because(&why), text.as_deref()))
}

/// The server may take it another time, without anybody doing something about it.
pub fn may_pass(error: &Error) -> bool {
    matches!(error.retry(), Retry::Soon | Retry::After(_))
}

/// The event is gone from this side, and its deletion on the other one has been put aside. Nobody has to be asked for it again.
pub fn rests(run: &Run<'_>, event: EventNumber, gone: Side) -> bool {
    let on = gone.other();
    let Some(end) = run.links.get(event).and_then(|link| link.ends[on].as_ref()) else { return false };
    let now = run.now_ms();
    run.state.parked.iter().any(|parked| {
        is_undeleted(parked)
            && (parked.side, parked.calendar, &parked.handle) == (on, end.calendar, &end.handle)
            && parked.until_ms.is_none_or(|until| until > now)
    })
}

/// What came back where it was deleted is not to be removed any more.
pub fn forget_what_is_back(run: &mut Run<'_>) {
    let is_over = |parked: &&ParkedEvent| {
        let event = run.links.at(parked.side, parked.calendar, &parked.handle);
        is_undeleted(parked) && event.is_none_or(|event| !run.missing.contains(&(event, parked.side.other())))
    };
    let over: Vec<_> = run.state.parked.iter().filter(is_over).cloned().collect();
    for ParkedEvent { calendar, side, handle, .. } in over {
        let change = run.unpark(calendar, side, &handle);
        run.findings.extend(change);
    }
}
