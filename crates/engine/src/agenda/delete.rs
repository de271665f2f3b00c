//! Deletes, last of all: what is gone on one side, with evidence, goes on the other.

use super::book::AgendaEvent;
use super::held::count_deleted;
use super::pass::{Run, stops_the_pass};
use super::plan::{Plan, Task};
use super::undeleted;
use parom_domain::agenda::EventSeen;
use parom_domain::events::CalendarNumber;
use parom_domain::events::decide::Deed;
use parom_domain::events::state::AgendaChange;
use parom_domain::{Code, Error, Result, Scope, Side};

/// So many deletions are settled in one commit.
const BATCH: usize = 25;

pub async fn delete_all(run: &mut Run<'_>, plan: &mut Plan) -> Result<()> {
    let tasks = std::mem::take(&mut plan.deletes);
    for batch in tasks.chunks(BATCH) {
        let mut changes = Vec::new();
        let mut deleted = 0;
        for task in batch {
            // What was deleted is settled first.
            if run.pass.observer.should_stop() {
                break;
            }
            let ends = run.links.get(task.event).map(|link| link.ends.clone()).unwrap_or_default();
            match delete(run, task).await? {
                Outcome::Deleted => {
                    deleted += 1;
                    changes.extend(run.unpark_ends(&ends));
                    changes.push(run.forget(task.event));
                }
                Outcome::Stays(noted) => changes.extend(noted),
            }
        }
        changes.extend(count_deleted(run, deleted));
        run.commit(changes).await?;
        run.go_on()?;
    }
    Ok(())
}

enum Outcome {
    Deleted,
    /// With what is written down about it.
    Stays(Vec<AgendaChange>),
}

async fn delete(run: &mut Run<'_>, task: &Task) -> Result<Outcome> {
    let Deed::Delete { on } = task.deed else { return Ok(Outcome::Stays(Vec::new())) };
    let Some(end) = run.links.get(task.event).and_then(|link| link.ends[on].clone()) else {
        return Ok(Outcome::Stays(Vec::new()));
    };
    let shown =
        task.shown[on].as_ref().map(|shown| (shown.calendar, shown.handle.clone(), Some(shown.version.clone())));
    let (calendar, handle, version) = shown.unwrap_or((end.calendar, end.handle, end.version));
    let (Some(id), Some(version)) = (run.id(calendar, on), version) else {
        run.unfinished.insert(task.calendar);
        return Ok(Outcome::Stays(Vec::new()));
    };
    let seen = EventSeen { handle, version };
    match run.pass.sides[on].remove(&id, &seen).await {
        Ok(()) => {
            run.wrote.insert((calendar, on));
            run.report.deleted[on] += 1;
            run.pass.observer.event(AgendaEvent::Deleted { on });
            Ok(Outcome::Deleted)
        }
        Err(error) if stops_the_pass(&error) => Err(error),
        Err(error) => refused(run, task, on, (calendar, seen), error).await,
    }
}

/// What a refusal means: look again, wait for the calendar, or put aside.
async fn refused(
    run: &mut Run<'_>,
    task: &Task,
    on: Side,
    (calendar, seen): (CalendarNumber, EventSeen),
    error: Error,
) -> Result<Outcome> {
    let is_about_all = error.scope() >= Scope::Folder && undeleted::may_pass(&error);
    if error.code() != Code::EventChanged && !is_about_all {
        return Ok(Outcome::Stays(vec![undeleted::put_aside(run, task, on, (calendar, seen), &error).await?]));
    }
    run.unfinished.extend([task.calendar, calendar]);
    if error.code() == Code::EventChanged {
        // An edit beats a delete: the next pass sees it, even if the looks have spoken of it already.
        let change = run.look_at_all(calendar, on);
        run.findings.push(change);
    } else {
        run.trouble_once(calendar, error);
    }
    Ok(Outcome::Stays(Vec::new()))
}
