//! DELETE: an event is removed, and nobody is told.

use super::put::Condition;
use crate::classify::Refusal;
use crate::dav::{Dav, SCHEDULE_REPLY};
use parom_domain::Result;
use parom_net::http::{Method, Request};

/// What became of it.
pub enum Deleted {
    /// It is not there (any more).
    Gone,
    Refused(Refusal),
}

/// # Errors
/// Those of the connection.
pub async fn delete(dav: &Dav, place: &str, condition: &Condition) -> Result<Deleted> {
    // INVARIANT: nobody is mailed because of us (RFC 6638 section 8.1).
    let request = Request::new(Method::DELETE, place).with(SCHEDULE_REPLY, "F")?.repeatable();
    let answer = dav.send(condition.set(request)?).await?;
    if matches!(answer.status(), 200 | 202 | 204) {
        return Ok(Deleted::Gone);
    }
    let refusal = answer.refusal();
    Ok(if matches!(refusal.status, 404 | 410) { Deleted::Gone } else { Deleted::Refused(refusal) })
}
