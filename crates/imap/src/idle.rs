//! Waits for something to happen in a folder, on a connection of its own.

use crate::classify::Request;
use crate::command::{Command, WireName};
use crate::connection::{Connection, ignore};
use crate::pool::Pool;
use crate::response::Response;
use crate::select::{Opening, select};
use parom_domain::Result;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until, timeout_at};

/// IDLE must be renewed before the server thinks that nobody is there (RFC 2177: 29 minutes).
const RENEW_AFTER: Duration = Duration::from_secs(25 * 60);
/// How often to ask a server that has no IDLE.
const ASK_EVERY: Duration = Duration::from_secs(60);

/// The connection that waits. It keeps its folder open between calls, so that what happens in between is told by the
/// next IDLE at once.
#[derive(Default)]
pub struct Bell(Mutex<Option<Connection>>);

impl Bell {
    /// Returns when something seems to have happened or the time is over.
    ///
    /// # Errors
    /// Those of connecting and opening.
    pub async fn wait(&self, pool: &Pool, name: &WireName, limit_ms: u64) -> Result<()> {
        let until = Instant::now() + Duration::from_millis(limit_ms.min(7 * 86_400_000));
        let mut slot = self.0.lock().await;
        // Taken out while in use: a call that is cancelled in between leaves no half-spoken connection behind.
        let mut conn = match slot.take() {
            Some(conn) => conn,
            // A connection that is left over from a listing serves as well as a new one.
            None => match pool.spare() {
                Some(conn) => conn,
                None => pool.open().await?,
            },
        };
        if conn.selected.as_ref().is_none_or(|selected| selected.name != *name) {
            let command = select(&conn, name, "");
            conn.selected = None;
            conn.done(command, &mut ignore).await?;
            conn.selected = Some(Opening::default().selected(name));
        }
        while Instant::now() < until {
            let rang = if conn.ext.idle {
                idle(&mut conn, until.min(Instant::now() + RENEW_AFTER)).await?
            } else {
                sleep_until(until.min(Instant::now() + ASK_EVERY)).await;
                ask(&mut conn).await?
            };
            if rang {
                break;
            }
        }
        *slot = Some(conn);
        Ok(())
    }

    pub async fn close(&self) {
        if let Some(conn) = self.0.lock().await.take() {
            conn.log_out().await;
        }
    }
}

/// One IDLE. `true`: something happened.
async fn idle(conn: &mut Connection, until: Instant) -> Result<bool> {
    conn.set_busy(true);
    let tag = conn.push(&Command::new("IDLE", Request::Account));
    conn.wire.set_patience(RENEW_AFTER * 2);
    let mut rang = false;
    // `advance` may be given up at any time: it keeps what it has read.
    while !rang && timeout_at(until, conn.advance()).await.is_ok_and(|step| step.is_ok()) {
        let response = conn.current()?;
        if let Response::Tagged(..) = response {
            // Refused, or ended by the server: the next command will show what is the matter.
            conn.set_busy(false);
            return Ok(true);
        }
        rang = is_news(&response);
    }
    conn.wire.set_patience(ANSWER_WITHIN);
    conn.wire.push(b"DONE\r\n");
    loop {
        conn.advance().await?;
        match conn.current()? {
            Response::Tagged(answered, _) if answered == tag => break,
            response => rang |= is_news(&response),
        }
    }
    conn.set_busy(false);
    Ok(rang)
}

/// The answer to DONE needs no work.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

async fn ask(conn: &mut Connection) -> Result<bool> {
    let mut rang = false;
    conn.done(Command::new("NOOP", Request::Account), &mut |_, response| {
        rang |= is_news(response);
        Ok(())
    })
    .await?;
    Ok(rang)
}

fn is_news(response: &Response<'_>) -> bool {
    let about = ["EXISTS", "EXPUNGE", "FETCH"];
    about.iter().any(|kind| response.numbered(kind).is_some()) || response.data("VANISHED").is_some()
}
