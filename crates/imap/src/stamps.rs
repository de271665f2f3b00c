//! Reads what identifies messages: their header fields, sizes and marks, without their bodies.

use crate::classify::{Answer, Request};
use crate::command::Command;
use crate::fetch::Fetched;
use crate::pool::Lent;
use crate::response::Response;
use crate::substitute::is_substituted;
use parom_domain::endpoint::Stamp;
use parom_domain::fingerprint::FIELDS;
use parom_domain::{Fingerprint, Result, Uid, UidSet};
use std::collections::BTreeMap;

/// Printed sets stay below the line length that every server takes (RFC 7162 section 4 asks for 8192).
pub const SET_BYTES: usize = 7_000;

/// The stamps of these messages in ascending order of UID; those that are gone are missing.
///
/// # Errors
/// When the server refuses to tell about the folder as a whole.
pub async fn stamps(conn: &mut Lent, uids: &UidSet) -> Result<Vec<Stamp>> {
    let commands = commands(uids, conn.quirks.fetch_items);
    let found = run(conn, &commands).await?;
    Ok(found.into_values().filter(|stamp| uids.contains(stamp.uid)).collect())
}

/// The stamps of all messages from `floor` on.
///
/// # Errors
/// As [`stamps`].
pub async fn stamps_from(conn: &mut Lent, floor: Uid) -> Result<Vec<Stamp>> {
    let found = run(conn, &[command(&format!("{floor}:*"))]).await?;
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
    let mut found = Vec::new();
    ask(conn, uids, "(UID RFC822.SIZE)", &mut |uid, told| found.extend(told.size.map(|size| (uid, size)))).await?;
    Ok(found)
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

/// Asks `what` of these messages, and notes what is told of each.
async fn ask(conn: &mut Lent, uids: &UidSet, what: &str, note: &mut (dyn FnMut(Uid, &Fetched) + Send)) -> Result<()> {
    let sets = uids.chunks(SET_BYTES, conn.quirks.fetch_items);
    let ask = |set: &UidSet| Command::new("UID FETCH", Request::Read).raw(&format!("{set} {what}"));
    let commands: Vec<Command> = sets.iter().map(ask).collect();
    let answers = conn
        .run(&commands, &mut |_, response| {
            let told = response.numbered("FETCH").and_then(|(_, rest)| Fetched::parse(rest));
            if let Some((uid, told)) =
                told.and_then(|told| Some((told.uid?, told))).filter(|(uid, _)| uids.contains(*uid))
            {
                note(uid, &told);
            }
            Ok(())
        })
        .await?;
    all_answered(conn, answers)
}

/// The commands that ask for the stamps of these messages, at most `items` each.
pub fn commands(uids: &UidSet, items: u32) -> Vec<Command> {
    uids.chunks(SET_BYTES, items).iter().map(|set| command(&set.to_string())).collect()
}

fn command(set: &str) -> Command {
    let what = format!("{set} (UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS ({})])", FIELDS.join(" "));
    Command::new("UID FETCH", Request::Read).raw(&what)
}

async fn run(conn: &mut Lent, commands: &[Command]) -> Result<BTreeMap<Uid, Stamp>> {
    let mut found = BTreeMap::new();
    let answers = conn
        .run(commands, &mut |_, response| {
            if let Some(stamp) = stamp(response) {
                found.insert(stamp.uid, stamp);
            }
            Ok(())
        })
        .await?;
    all_answered(conn, answers)?;
    Ok(found)
}

/// Messages that went away meanwhile are missing, which is the answer.
fn all_answered(conn: &mut Lent, answers: Vec<Answer>) -> Result<()> {
    for answer in answers.into_iter().filter(|answer| !answer.has_code("EXPUNGEISSUED")) {
        conn.checked(Request::Read, Some(answer))?;
    }
    Ok(())
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
