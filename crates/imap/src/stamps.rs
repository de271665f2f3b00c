//! Reads what identifies messages: their header fields, sizes and marks, without their bodies.

use crate::change::{catch_up, searched};
use crate::classify::{Answer, Request};
use crate::command::Command;
use crate::connection::Connection;
use crate::fetch::Fetched;
use crate::pool::Lent;
use crate::response::Response;
use crate::substitute::is_substituted;
use parom_domain::endpoint::Stamp;
use parom_domain::fingerprint::FIELDS;
use parom_domain::{Code, Error, Fingerprint, Result, Scope, Uid, UidSet};
use std::collections::BTreeMap;

/// Printed sets stay below the line length that every server takes (RFC 7162 section 4 asks for 8192).
pub const SET_BYTES: usize = 7_000;

/// The stamps of these messages in ascending order of UID; those that are gone are missing.
///
/// # Errors
/// When the server refuses to tell about the folder as a whole.
pub async fn stamps(conn: &mut Lent, uids: &UidSet) -> Result<Vec<Stamp>> {
    let mut found = BTreeMap::new();
    fetch(conn, uids, commands, &mut |response| note_stamp(&mut found, response)).await?;
    Ok(found.into_values().filter(|stamp| uids.contains(stamp.uid)).collect())
}

/// The stamps of all messages from `floor` on.
///
/// # Errors
/// As [`stamps`].
pub async fn stamps_from(conn: &mut Lent, floor: Uid) -> Result<Vec<Stamp>> {
    let mut found = BTreeMap::new();
    let answers = conn
        .run(&[command(&format!("{floor}:*"))], &mut |_, response| {
            note_stamp(&mut found, response);
            Ok(())
        })
        .await?;
    if let Some(error) = refusal(conn, answers) {
        return Err(error);
    }
    // `n:*` names the last message even when that is older than n (RFC 3501 section 9, `seq-range`).
    Ok(found.into_values().filter(|stamp| stamp.uid >= floor).collect())
}

/// Which of these messages are there.
///
/// # Errors
/// As [`stamps`].
pub async fn present(conn: &mut Lent, uids: &UidSet) -> Result<UidSet> {
    let mut found = UidSet::new();
    ask(conn, uids, "(UID FLAGS)", &mut |uid, _| found.insert(uid)).await?;
    Ok(found)
}

/// How long these messages are, without a look at their headers.
///
/// # Errors
/// As [`stamps`].
pub async fn sizes(conn: &mut Lent, uids: &UidSet) -> Result<Vec<(Uid, u64)>> {
    let mut found = BTreeMap::new();
    ask(conn, uids, "(UID RFC822.SIZE)", &mut |uid, told| found.extend(told.size.map(|size| (uid, size)))).await?;
    Ok(found.into_iter().collect())
}

/// The header fields by which a message asks for a receipt.
const RECEIPT_FIELDS: &str = "DISPOSITION-NOTIFICATION-TO RETURN-RECEIPT-TO";

/// Which of these messages are unread and ask for a receipt.
///
/// # Errors
/// As [`stamps`].
pub async fn asking_receipts(conn: &mut Lent, uids: &UidSet) -> Result<UidSet> {
    let mut found = UidSet::new();
    let what = format!("(UID FLAGS BODY.PEEK[HEADER.FIELDS ({RECEIPT_FIELDS})])");
    ask(conn, uids, &what, &mut |uid, told| {
        let is_read = told.marks().is_some_and(|marks| marks.seen());
        let asks = told.header.as_deref().is_some_and(|h| h.iter().any(|byte| !byte.is_ascii_whitespace()));
        if !is_read && asks {
            found.insert(uid);
        }
    })
    .await?;
    Ok(found)
}

/// Asks `what` of these messages, and notes what is told of each; twice of one that is asked for twice.
async fn ask(conn: &mut Lent, uids: &UidSet, what: &str, note: &mut (dyn FnMut(Uid, &Fetched) + Send)) -> Result<()> {
    let commands = |uids: &UidSet, items: u32| -> Vec<Command> {
        let ask = |set: &UidSet| Command::new("UID FETCH", Request::Read).raw(&format!("{set} {what}"));
        uids.chunks(SET_BYTES, items).iter().map(ask).collect()
    };
    fetch(conn, uids, commands, &mut |response| {
        let told = response.numbered("FETCH").and_then(|(_, rest)| Fetched::parse(rest));
        if let Some((uid, told)) = told.and_then(|told| Some((told.uid?, told))).filter(|(uid, _)| uids.contains(*uid))
        {
            note(uid, &told);
        }
    })
    .await
}

/// Sends the commands that ask for these messages. A UID that is no more is no mistake (RFC 3501 section 6.4.8), and yet GNU
/// imap4d 3.15 calls a set BAD whose last one is gone: whoever is refused asks what is there, and once more for that.
async fn fetch(
    conn: &mut Lent,
    uids: &UidSet,
    commands: impl Fn(&UidSet, u32) -> Vec<Command>,
    note: &mut (dyn FnMut(&Response<'_>) + Send),
) -> Result<()> {
    let mut on = |_: usize, response: &Response<'_>| {
        note(response);
        Ok(())
    };
    let items = conn.quirks.fetch_items;
    let answers = conn.run(&commands(uids, items), &mut on).await?;
    let Some(refused) = refusal(conn, answers) else { return Ok(()) };
    if refused.code() != Code::MessageUnreadable || refused.scope() != Scope::Item {
        return Err(refused);
    }
    // All of them are asked for: the same server names others than it is asked for by UID.
    catch_up(conn);
    let all = Command::new("UID SEARCH", Request::Read).raw("ALL");
    let Ok(there) = searched(conn, &[all]).await else { return Err(refused) };
    let left: UidSet = uids.iter().filter(|uid| there.contains(*uid)).collect();
    if left.count() == uids.count() {
        return Err(refused);
    }
    tracing::info!(host = %conn.host, asked = %uids, %left, error = ?refused, "a FETCH of what is gone was refused");
    let answers = conn.run(&commands(&left, items), &mut on).await?;
    refusal(conn, answers).map_or(Ok(()), Err)
}

/// The commands that ask for the stamps of these messages, at most `items` each.
pub fn commands(uids: &UidSet, items: u32) -> Vec<Command> {
    uids.chunks(SET_BYTES, items).iter().map(|set| command(&set.to_string())).collect()
}

fn command(set: &str) -> Command {
    let what = format!("{set} (UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS ({})])", FIELDS.join(" "));
    Command::new("UID FETCH", Request::Read).raw(&what)
}

fn note_stamp(found: &mut BTreeMap<Uid, Stamp>, response: &Response<'_>) {
    if let Some(stamp) = stamp(response) {
        found.insert(stamp.uid, stamp);
    }
}

/// Why the first of these was refused. Messages that went away meanwhile are missing, which is the answer.
fn refusal(conn: &Connection, answers: Vec<Answer>) -> Option<Error> {
    let mut answers = answers.into_iter().filter(|answer| !answer.has_code("EXPUNGEISSUED"));
    answers.find_map(|answer| conn.checked(Request::Read, Some(answer)).err())
}

/// `None` for a FETCH that tells something else: flags that changed, for example.
pub fn stamp(response: &Response<'_>) -> Option<Stamp> {
    let (_, rest) = response.numbered("FETCH")?;
    let fetched = Fetched::parse(rest)?;
    let marks = fetched.marks().unwrap_or_default();
    let (uid, header) = (fetched.uid?, fetched.header.as_deref()?);
    let fingerprint = Fingerprint::of_headers(header);
    Some(Stamp { uid, fingerprint, size: fetched.size?, marks, substituted: is_substituted(header, uid) })
}
