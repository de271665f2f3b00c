//! Deletes, last of all: what is gone on one side, with evidence, goes on the other.

use super::book::AgendaEvent;
use super::held::count_deleted;
use super::pass::{Run, stops_the_pass};
use super::plan::{Plan, Task};
use parom_domain::agenda::EventSeen;
use parom_domain::events::decide::Deed;
use parom_domain::{Code, Result};

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
            if delete(run, task).await? {
                deleted += 1;
                changes.extend(run.unpark_ends(&ends));
                changes.push(run.forget(task.event));
            }
        }
        changes.extend(count_deleted(run, deleted));
        run.commit(changes).await?;
        run.go_on()?;
    }
    Ok(())
}

async fn delete(run: &mut Run<'_>, task: &Task) -> Result<bool> {
    let Deed::Delete { on } = task.deed else { return Ok(false) };
    let Some(end) = run.links.get(task.event).and_then(|link| link.ends[on].clone()) else { return Ok(false) };
    let shown =
        task.shown[on].as_ref().map(|shown| (shown.calendar, shown.handle.clone(), Some(shown.version.clone())));
    let (calendar, handle, version) = shown.unwrap_or((end.calendar, end.handle, end.version));
    let (Some(id), Some(version)) = (run.id(calendar, on), version) else {
        run.unfinished.insert(task.calendar);
        return Ok(false);
    };
    match run.pass.sides[on].remove(&id, &EventSeen { handle, version }).await {
        Ok(()) => {
            run.wrote.insert((calendar, on));
            run.report.deleted[on] += 1;
            run.pass.observer.event(AgendaEvent::Deleted { on });
            Ok(true)
        }
        Err(error) if stops_the_pass(&error) => Err(error),
        Err(error) => {
            // An edit beats a delete: the next pass sees it, even if the looks have spoken of it already.
            run.unfinished.insert(task.calendar);
            run.unfinished.insert(calendar);
            if error.code() == Code::EventChanged {
                let change = run.look_at_all(calendar, on);
                run.findings.push(change);
            } else {
                run.trouble(calendar, error);
            }
            Ok(false)
        }
    }
}
