//! Changes existing messages: marks, moves, removal.

use crate::append::expanded;
use crate::classify::{Answer, Request, classify};
use crate::command::{Command, WireName};
use crate::connection::ignore;
use crate::echo::Echo;
use crate::fetch::Fetched;
use crate::observe::esearch_all;
use crate::pool::Lent;
use crate::response::{Condition, Response, ranges};
use crate::stamps::{SET_BYTES, present};
use crate::tokens::Token;
use parom_domain::endpoint::{Cursor, MarkChange, Marked, Removed, Shifted, Unkept};
use parom_domain::{Code, Error, Marks, Result, Retry, Scope, Uid, UidSet};
use std::collections::BTreeSet;

/// A command names at most so many messages: large moves overtax some servers.
const ITEMS: u32 = 1000;

/// What has just been appended is not found before this, where the index lags behind (Exchange).
pub fn catch_up(conn: &mut Lent) {
    if conn.quirks.index_lag_ms > 0 {
        conn.push_silent(&Command::new("CHECK", Request::Account));
    }
}

/// Adds and removes marks, all changes in one flight; one result for each. Marks that the folder does not hold are left out
/// and told: servers say OK and forget them, or refuse the command (RFC 3501 section 7.1, PERMANENTFLAGS). A keyword that a
/// server refuses (its length, a letter, their number) is told in the same way, and takes no other mark along. A message that
/// went before we came gets OK too: what no answer shows is asked for.
///
/// # Errors
/// When the connection breaks: then nothing is known about any of them.
pub async fn mark(conn: &mut Lent, since: &Cursor, changes: &[MarkChange]) -> Result<Marked> {
    let (mut marked, refused) = mark_all(conn, since, changes).await?;
    // GNU imap4d 3.15 takes a set for a mistake whose last message is gone. That says nothing of the others, or of keywords.
    let has_gone = |change: &&MarkChange| change.uids.iter().any(|uid| marked.missing.contains(uid));
    let is_spoilt = |at: &usize| changes.get(*at).filter(has_gone).is_some();
    let spoilt: Vec<usize> = refused.into_iter().filter(is_spoilt).collect();
    if spoilt.is_empty() {
        return Ok(marked);
    }
    let left: Vec<MarkChange> =
        spoilt.iter().filter_map(|at| changes.get(*at)).map(|change| without(change, &marked.missing)).collect();
    let (again, _) = mark_all(conn, since, &left).await?;
    for (at, now) in spoilt.into_iter().zip(again.results) {
        if let Some(result) = marked.results.get_mut(at) {
            *result = now;
        }
    }
    marked.missing.extend(again.missing.iter());
    // It tells of the first flight only.
    marked.echo = None;
    Ok(marked)
}

fn without(change: &MarkChange, gone: &UidSet) -> MarkChange {
    MarkChange { uids: change.uids.iter().filter(|uid| !gone.contains(*uid)).collect(), ..change.clone() }
}

/// Tells also which of the changes were refused at first.
async fn mark_all(conn: &mut Lent, since: &Cursor, changes: &[MarkChange]) -> Result<(Marked, BTreeSet<usize>)> {
    let holds = conn.selected.as_ref().map(|selected| selected.holds.clone());
    let mut echo = Echo::of(conn, since);
    let mut results: Vec<Result<Unkept>> = Vec::with_capacity(changes.len());
    let mut stores = Vec::new();
    for (owner, change) in changes.iter().enumerate() {
        let unkept = holds.as_ref().map(|holds| holds.unkept(&change.add, &change.remove)).unwrap_or_default();
        let left_out = unkept.all();
        let (add, remove) = (change.add.minus(&left_out), change.remove.minus(&left_out));
        results.push(Ok(unkept));
        stores.extend(sent(owner, '+', add).into_iter().chain(sent(owner, '-', remove)));
    }
    catch_up(conn);
    let mut told = UidSet::new();
    let refused = run_stores(conn, changes, &stores, (&mut echo, &mut told)).await?;
    let at_first =
        refused.iter().filter(|(_, error)| error.scope() == Scope::Item).map(|(store, _)| store.owner).collect();
    let mut apart = Vec::new();
    for (store, error) in refused {
        let system = Marks::from_system(store.marks.system());
        if error.scope() == Scope::Item && store.marks != system {
            apart.extend(sent(store.owner, store.sign, system));
            let alone = |keyword| sent(store.owner, store.sign, Marks::from_names([keyword]));
            apart.extend(store.marks.keywords().filter_map(alone));
        } else if let Some(result) = results.get_mut(store.owner).filter(|result| result.is_ok()) {
            *result = Err(error);
        }
    }
    for (store, error) in run_stores(conn, changes, &apart, (&mut echo, &mut told)).await? {
        let Some(result) = results.get_mut(store.owner) else { continue };
        match result {
            Ok(unkept) if error.scope() == Scope::Item && store.marks.system() == 0 => {
                tracing::info!(keyword = ?store.marks, error = ?error, "the server does not take a keyword");
                unkept.never = unkept.never.union(&store.marks);
            }
            result => *result = Err(error),
        }
    }
    let written: BTreeSet<usize> = stores.iter().map(|store| store.owner).collect();
    let written = written.into_iter().filter_map(|owner| changes.get(owner));
    let untold: UidSet = written.flat_map(|change| change.uids.iter()).filter(|uid| !told.contains(*uid)).collect();
    let there = if untold.is_empty() { UidSet::new() } else { present(conn, &untold).await? };
    let missing = untold.iter().filter(|uid| !there.contains(*uid)).collect();
    Ok((Marked { results, missing, echo: echo.and_then(Echo::snapshot) }, at_first))
}

/// A part of a change: marks that are added to its messages, or taken from them.
struct Store {
    owner: usize,
    sign: char,
    marks: Marks,
}

fn sent(owner: usize, sign: char, marks: Marks) -> Option<Store> {
    (!marks.is_empty()).then_some(Store { owner, sign, marks })
}

/// Returns what was refused, and why, and notes the messages that the answers show.
async fn run_stores<'s>(
    conn: &mut Lent,
    changes: &[MarkChange],
    stores: &'s [Store],
    (echo, told): (&mut Option<Echo>, &mut UidSet),
) -> Result<Vec<(&'s Store, Error)>> {
    let (mut commands, mut of) = (Vec::new(), Vec::new());
    for part in stores {
        let Some(change) = changes.get(part.owner) else { continue };
        for set in change.uids.chunks(SET_BYTES, ITEMS) {
            commands.push(store(&set, part.sign, "FLAGS", &part.marks));
            of.push(part);
        }
    }
    if commands.is_empty() {
        return Ok(Vec::new());
    }
    let answers = conn
        .run(&commands, &mut |_, response| {
            echo.iter_mut().for_each(|echo| echo.note(response));
            told.extend(response.numbered("FETCH").and_then(|(_, rest)| Fetched::parse(rest)?.uid));
            Ok(())
        })
        .await?;
    let mut refused: Vec<(&Store, Error)> = Vec::new();
    for (part, mut answer) in of.into_iter().zip(answers) {
        if !answer.is_ok() {
            let names: Vec<&str> = part.marks.names().collect();
            answer.text = format!("{} ({})", answer.text.trim_end_matches('.'), names.join(" "));
        }
        if let Err(error) = accepted(conn, answer)
            && !refused.last().is_some_and(|(last, _)| std::ptr::eq(*last, part))
        {
            refused.push((part, error));
        }
    }
    Ok(refused)
}

fn store(set: &UidSet, sign: char, item: &str, marks: &Marks) -> Command {
    let names: Vec<&str> = marks.names().collect();
    Command::new("UID STORE", Request::Change).raw(&format!("{set} {sign}{item} ({})", names.join(" ")))
}

/// That a message is gone already is no failure.
fn accepted(conn: &Lent, answer: Answer) -> Result<()> {
    if answer.is_ok() || answer.has_code("EXPUNGEISSUED") {
        return Ok(());
    }
    Err(classify(Request::Change, &answer).with("host", &conn.host))
}

/// Moves messages into another folder.
///
/// Their new UIDs are those of a folder with this UIDVALIDITY. What is in another, because somebody has made the folder anew,
/// has none.
///
/// # Errors
/// As the server refuses. What was moved before stays moved, which the next look sees.
pub async fn shift(conn: &mut Lent, uids: &UidSet, to: &WireName, validity: u32) -> Result<Vec<Shifted>> {
    let mut moved = Vec::new();
    for set in uids.chunks(SET_BYTES, ITEMS) {
        if conn.ext.move_messages {
            let (pairs, answer) = transport(conn, "UID MOVE", &set, (to, validity)).await?;
            // Exchange 2013 offers MOVE and refuses it. What it has moved all the same is told, and not there to be copied.
            let refused = !answer.is_ok() && !answer.has_code("EXPUNGEISSUED");
            let lacks_rights = answer.has_code("NOPERM");
            if !refused || lacks_rights || classify(Request::Change, &answer).code() != Code::ChangeRefused {
                accepted(conn, answer)?;
                moved.extend(pairs.into_iter().map(in_one_step));
                continue;
            }
            moved.extend(pairs.into_iter().map(in_one_step));
            conn.ext.move_messages = false;
        }
        may_delete(conn).await?;
        if !conn.ext.uidplus {
            only_these_wait(conn, &set).await?;
        }
        catch_up(conn);
        let (pairs, answer) = transport(conn, "UID COPY", &set, (to, validity)).await?;
        accepted(conn, answer)?;
        if conn.ext.uidplus && pairs.iter().all(|(_, new)| new.is_none()) {
            // It ought to have told, and did not: what cannot be found there is not removed here.
            moved.extend(pairs.into_iter().map(|pair| Shifted { kept: true, ..in_one_step(pair) }));
            continue;
        }
        let old: UidSet = pairs.iter().map(|(old, _)| *old).collect();
        let Removed { there, spared, doubted } = expunge(conn, &old).await?;
        moved.extend(pairs.into_iter().map(|pair| Shifted {
            overtaken: !there.contains(pair.0) && !spared.contains(pair.0),
            kept: spared.contains(pair.0),
            doubted,
            ..in_one_step(pair)
        }));
    }
    Ok(moved)
}

/// Nothing is copied that could not be removed afterwards: each new try would leave one copy more. Whoever may not expunge
/// hears OK from some servers, so that the rights are asked for (RFC 4314 section 3.5). The `d` of RFC 2086 counts where none
/// of the rights is told into which it was split (section 2.1.1): servers show it beside any of them.
async fn may_delete(conn: &mut Lent) -> Result<()> {
    let deleted = Marks::from_system(Marks::DELETED);
    let refused = |conn: &Lent, answer: &str| {
        let error = Error::new(Code::ChangeRefused, Scope::Folder, Retry::WhenFixed).with("host", &conn.host);
        Err(error.with("answer", answer))
    };
    let Some(selected) = &conn.selected else { return Ok(()) };
    if selected.holds.of(&deleted).is_empty() {
        return refused(conn, "the folder does not keep \\Deleted for this account");
    }
    if !conn.caps.has("ACL") {
        return Ok(());
    }
    let ask = Command::new("MYRIGHTS", Request::Folder).string(&selected.name.clone(), conn.literals());
    let mut lacks = false;
    // A server that does not answer this has nothing to say about it.
    let mut note = |_: usize, response: &Response<'_>| {
        let told = response.data("MYRIGHTS").and_then(|mut rest| rest.nth(1)?.string());
        let has = |told: &[u8], wanted: &[u8]| told.iter().any(|right| wanted.contains(right));
        lacks |= told.is_some_and(|told| !(has(&told, b"e") || has(&told, b"d") && !has(&told, b"xt")));
        Ok(())
    };
    conn.run(&[ask], &mut note).await?;
    if lacks { refused(conn, "the account has no right to expunge there") } else { Ok(()) }
}

fn in_one_step((old, new): (Uid, Option<Uid>)) -> Shifted {
    Shifted { old, new, overtaken: false, kept: false, doubted: false }
}

/// Old and new UIDs of messages.
type Pairs = Vec<(Uid, Option<Uid>)>;

/// Copies or moves, and tells what went where.
async fn transport(
    conn: &mut Lent,
    name: &'static str,
    set: &UidSet,
    (to, validity): (&WireName, u32),
) -> Result<(Pairs, Answer)> {
    let command = Command::new(name, Request::Change).raw(&set.to_string()).string(to, conn.literals());
    let mut pairs = Vec::new();
    let mut note = |condition: &Condition<'_>| pairs.extend(copied(condition, validity).unwrap_or_default());
    let answers = conn
        .run(&[command], &mut |_, response| {
            // MOVE tells before its EXPUNGEs (RFC 6851 section 4.3), COPY with its answer.
            if let Response::Untagged(condition) = response {
                note(condition);
            }
            Ok(())
        })
        .await?;
    let answer = answers.into_iter().next().ok_or_else(|| Error::internal("a command without an answer"))?;
    note(&condition(&answer));
    pairs.retain(|(old, _)| set.contains(*old));
    // Without UIDPLUS, or where the destination has no lasting UIDs, nothing says which of them existed. Nor do the empty
    // sets of Exchange, which may come whether anything was there or not.
    if answer.is_ok() && (pairs.is_empty() || !conn.ext.uidplus) {
        pairs = set.iter().map(|uid| (uid, None)).collect();
    }
    Ok((pairs, answer))
}

fn condition(answer: &Answer) -> Condition<'_> {
    Condition { status: answer.status, code: answer.code.as_bytes(), text: answer.text.as_bytes() }
}

/// The pairs of `[COPYUID validity old new]` in their order (RFC 4315 section 3), without new ones where the folder has
/// another UIDVALIDITY than this. Exchange 2010-2019 send empty sets when
/// nothing was there to copy.
fn copied(condition: &Condition<'_>, validity: u32) -> Option<Pairs> {
    let mut code = condition.code("COPYUID")?;
    let is_known = code.next()?.number()? == u64::from(validity);
    let (Token::Atom(old), Token::Atom(new)) = (code.next()?, code.next()?) else { return None };
    let count = ranges(old).map(|(first, last)| u64::from(last.get().abs_diff(first.get())) + 1).sum::<u64>();
    // A set that is larger than what one command may ask for is not to be believed.
    let count = usize::try_from(count).ok().filter(|count| *count <= ITEMS as usize)?;
    let old = expanded(old, count)?;
    let new = match expanded(new, count).filter(|_| is_known) {
        Some(new) => new.into_iter().map(Some).collect(),
        None => vec![None; count],
    };
    Some(old.into_iter().zip(new).collect())
}

/// Removes exactly these messages, and answers which of them were still there, and which still are.
///
/// What is marked as deleted is searched for before and after. A message that somebody edits in between has a new UID on some
/// servers (Exchange), and bears our mark: it is there the second time. One that somebody moves to another folder in between
/// leaves no trace: the server tells its removal like ours. Who lacks the right to expunge hears OK and nothing is done
/// (Dovecot 2.3: "Expunge ignored"), so that in the end they are asked for once more. That goes in a flight of its own: a
/// server may tell what a later command found before it answers an earlier one (Dovecot, behind STORE and EXPUNGE).
///
/// # Errors
/// `ChangeRefused`. `OthersMarkedDeleted` where the server has no UIDPLUS and other messages wait for their removal: plain
/// EXPUNGE would take them too. That is asked before anything is marked, and once more behind it; what we have marked by then is
/// unmarked, so that nothing of ours waits in turn.
pub async fn expunge(conn: &mut Lent, uids: &UidSet) -> Result<Removed> {
    match expunge_these(conn, uids).await {
        // Some of them may have gone before, see `mark`.
        Err(error) if error.code() == Code::ChangeRefused && error.scope() == Scope::Item => {
            let there = present(conn, uids).await?;
            if there.count() < uids.count() { expunge_these(conn, &there).await } else { Err(error) }
        }
        removed => removed,
    }
}

async fn expunge_these(conn: &mut Lent, uids: &UidSet) -> Result<Removed> {
    if uids.is_empty() {
        return Ok(Removed::default());
    }
    catch_up(conn);
    let before = if conn.ext.uidplus { UidSet::new() } else { only_these_wait(conn, uids).await? };
    let deleted = Marks::from_system(Marks::DELETED);
    let sets = uids.chunks(SET_BYTES, ITEMS);
    let mut commands: Vec<Command> = sets.iter().map(|set| store(set, '+', "FLAGS.SILENT", &deleted)).collect();
    let search = Command::new("UID SEARCH", Request::Read).raw("DELETED");
    commands.push(search.clone());
    if conn.ext.uidplus {
        let expunge = |set: &UidSet| Command::new("UID EXPUNGE", Request::Change).raw(&set.to_string());
        commands.extend(sets.iter().map(expunge));
    }
    let waiting = searched(conn, &commands).await?;
    let there: UidSet = uids.iter().filter(|uid| waiting.contains(*uid)).collect();
    if !conn.ext.uidplus {
        if others_wait(&waiting, uids) {
            let ours: UidSet = there.iter().filter(|uid| !before.contains(*uid)).collect();
            let sets = ours.chunks(SET_BYTES, ITEMS);
            let unmark: Vec<Command> = sets.iter().map(|set| store(set, '-', "FLAGS.SILENT", &deleted)).collect();
            searched(conn, &unmark).await?;
            return Err(others_marked(conn));
        }
        conn.done(Command::new("EXPUNGE", Request::Change), &mut ignore).await?;
    }
    let mut doubted = false;
    // Where messages are moved in one step, nobody needs to know.
    if conn.ext.uidplus && !conn.ext.move_messages {
        let still = searched(conn, &[search]).await?;
        doubted = still.iter().any(|uid| !waiting.contains(uid) && !uids.contains(uid));
    }
    let mut spared = present(conn, uids).await?;
    if conn.ext.uidplus && !spared.is_empty() {
        // Once, of one message on Cyrus 3.6, for a reason that is not known. Who lacks the right hears OK again.
        let sets = spared.chunks(SET_BYTES, ITEMS);
        let again = sets.iter().flat_map(|set| {
            let expunge = Command::new("UID EXPUNGE", Request::Change).raw(&set.to_string());
            [store(set, '+', "FLAGS.SILENT", &deleted), expunge]
        });
        searched(conn, &again.collect::<Vec<_>>()).await?;
        spared = present(conn, &spared).await?;
    }
    Ok(Removed { there, spared, doubted })
}

/// Which of these messages are marked as deleted, where no others are.
async fn only_these_wait(conn: &mut Lent, uids: &UidSet) -> Result<UidSet> {
    let waiting = searched(conn, &[Command::new("UID SEARCH", Request::Read).raw("DELETED")]).await?;
    if others_wait(&waiting, uids) { Err(others_marked(conn)) } else { Ok(waiting) }
}

fn others_wait(waiting: &UidSet, uids: &UidSet) -> bool {
    waiting
        .ranges()
        .iter()
        .any(|(first, last)| (first.get()..=last.get()).filter_map(Uid::new).any(|uid| !uids.contains(uid)))
}

fn others_marked(conn: &Lent) -> Error {
    Error::new(Code::OthersMarkedDeleted, Scope::Folder, Retry::WhenFixed).with("host", &conn.host)
}

/// What the one search among these commands finds.
pub async fn searched(conn: &mut Lent, commands: &[Command]) -> Result<UidSet> {
    let mut found = UidSet::new();
    let answers = conn
        .run(commands, &mut |_, response| {
            if let Some(rest) = response.data("SEARCH") {
                let numbers = rest.map_while(Token::number);
                found.extend(numbers.filter_map(|uid| u32::try_from(uid).ok()).filter_map(Uid::new));
            } else if let Some(set) = response.data("ESEARCH").and_then(esearch_all) {
                ranges(set).for_each(|(first, last)| found.insert_range(first, last));
            }
            Ok(())
        })
        .await?;
    answers.into_iter().try_for_each(|answer| accepted(conn, answer))?;
    Ok(found)
}
