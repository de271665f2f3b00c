//! Looks at a folder: what is there, what changed, what vanished, and whether the answer adds up.

use crate::classify::{Answer, Request};
use crate::command::{Command, WireName};
use crate::connection::Selected;
use crate::fetch::Fetched;
use crate::pool::Lent;
use crate::response::{Response, uid_set};
use crate::select::{Opening, select};
use crate::tokens::{Token, Tokens};
use parom_domain::endpoint::{Cursor, Sighting, Snapshot};
use parom_domain::{Code, Error, Result, Retry, Scope, Uid, UidSet};

/// Opens the folder anew and lists what is new since the cursor, or everything.
///
/// # Errors
/// `FolderGone`, `FolderCannotOpen`, `ListingIncomplete`.
pub async fn observe(conn: &mut Lent, name: &WireName, since: Option<&Cursor>) -> Result<Snapshot> {
    let since = since.filter(|since| since.modseq > 0);
    if let Some(since) = since
        && conn.ext.qresync
    {
        let how = format!("(QRESYNC ({} {}))", since.validity, since.modseq);
        let look = run(conn, name, Some(how), &[]).await?;
        return match look.delta(since) {
            Some(snapshot) => Ok(snapshot),
            None => listing(conn, name).await,
        };
    }
    if let Some(since) = since
        && conn.ext.condstore
    {
        let search = if conn.ext.esearch { "RETURN (ALL) ALL" } else { "ALL" };
        let commands = [
            fetch(&format!("1:* (UID FLAGS) (CHANGEDSINCE {})", since.modseq)),
            Command::new("UID SEARCH", Request::Read).raw(search),
        ];
        let look = run(conn, name, Some("(CONDSTORE)".to_owned()), &commands).await?;
        let listed = look.searched(conn)?;
        return match look.delta(since) {
            Some(snapshot) => Ok(Snapshot { listed: Some(listed), ..snapshot }),
            None => listing(conn, name).await,
        };
    }
    listing(conn, name).await
}

/// Every message of the folder.
async fn listing(conn: &mut Lent, name: &WireName) -> Result<Snapshot> {
    let how = (conn.ext.condstore && !conn.ext.qresync).then(|| "(CONDSTORE)".to_owned());
    let look = run(conn, name, how, &[fetch("1:* (UID FLAGS)")]).await?;
    look.complete(conn)
}

fn fetch(what: &str) -> Command {
    Command::new("UID FETCH", Request::Read).raw(what)
}

/// Sends SELECT and what follows it, in one flight where the server bears it.
async fn run(conn: &mut Lent, name: &WireName, how: Option<String>, commands: &[Command]) -> Result<Look> {
    let mut look = Look::default();
    conn.selected = None;
    let opening = select(conn, name, how.as_deref().unwrap_or_default());
    let together = conn.quirks.pipelines_select;
    let mut flight = vec![opening];
    if together {
        flight.extend_from_slice(commands);
    }
    let mut answers = conn
        .run(&flight, &mut |at, response| {
            look.note(at > 0, response);
            Ok(())
        })
        .await?
        .into_iter();
    let opened = conn.checked(Request::Open, answers.next())?;
    look.opening.note_answer(&opened);
    let Some(cursor) = look.opening.cursor() else {
        return Err(conn.wire.nonsense("a folder without UIDVALIDITY").widened(Scope::Folder));
    };
    conn.selected = Some(Selected { name: name.clone(), validity: cursor.validity });
    let rest: Vec<Answer> = if together {
        answers.collect()
    } else {
        conn.run(commands, &mut |_, response| {
            look.note(true, response);
            Ok(())
        })
        .await?
    };
    for answer in rest {
        // Some servers call `1:*` a mistake where there is no message at all.
        if !(cursor.exists == 0 && look.rows.is_empty()) {
            conn.checked(Request::Read, Some(answer)).map_err(|error| error.widened(Scope::Folder))?;
        }
    }
    Ok(look)
}

/// What was said between SELECT and the last answer.
#[derive(Default)]
struct Look {
    opening: Opening,
    rows: Vec<Row>,
    /// Rows did not come in ascending order of UID, each once.
    disordered: bool,
    search: Option<UidSet>,
    vanished_before: UidSet,
    vanished_now: UidSet,
    /// Messages of the opening that EXPUNGE has taken away since.
    expunged: u32,
    /// So many messages are in the folder now.
    exists: u32,
    confused: bool,
}

struct Row {
    number: u32,
    sighting: Sighting,
}

/// After so many EXPUNGEs in one look the folder is in somebody's hands; a later look is cheaper than following.
const EXPUNGES_MAX: u32 = 1000;

impl Look {
    fn note(&mut self, opened: bool, response: &Response<'_>) {
        if let Some((number, rest)) = response.numbered("FETCH") {
            self.note_row(number, rest);
        } else if let Some((uids, earlier)) = response.vanished() {
            let set = if earlier { &mut self.vanished_before } else { &mut self.vanished_now };
            uids.ranges().iter().for_each(|(first, last)| set.insert_range(*first, *last));
        } else if opened {
            self.note_event(response);
        } else {
            if closes(response) {
                // Until here everything was about the folder that was open before.
                *self = Look::default();
            }
            self.opening.note(response);
            self.exists = self.opening.exists;
        }
    }

    fn note_event(&mut self, response: &Response<'_>) {
        if let Some((exists, _)) = response.numbered("EXISTS") {
            self.exists = exists;
        } else if let Some((number, _)) = response.numbered("EXPUNGE") {
            self.note_expunge(number);
        } else if let Some(rest) = response.data("SEARCH") {
            let uids = rest.map_while(Token::number).filter_map(|uid| u32::try_from(uid).ok()).filter_map(Uid::new);
            self.search.get_or_insert_default().extend(uids);
        } else if let Some(rest) = response.data("ESEARCH") {
            self.search.get_or_insert_default();
            if let Some(set) = esearch_all(rest) {
                self.search = Some(uid_set(set));
            }
        }
    }

    fn note_row(&mut self, number: u32, rest: Tokens<'_>) {
        let Some(fetched) = Fetched::parse(rest) else {
            self.confused = true;
            return;
        };
        // A change of flags that the server tells unasked has no UID, unless QRESYNC is enabled; the next look sees it.
        let (Some(uid), Some(marks)) = (fetched.uid, fetched.marks()) else { return };
        self.disordered |= self.rows.last().is_some_and(|last| last.sighting.uid >= uid);
        self.rows.push(Row { number, sighting: Sighting { uid, marks } });
    }

    /// A message went away while we were reading, and those behind it moved up.
    fn note_expunge(&mut self, number: u32) {
        self.exists = self.exists.saturating_sub(1);
        if number <= self.opening.exists.saturating_sub(self.expunged) {
            self.expunged += 1;
        }
        if self.expunged > EXPUNGES_MAX {
            self.confused = true;
            return;
        }
        self.rows.retain(|row| row.number != number);
        for row in self.rows.iter_mut().filter(|row| row.number > number) {
            row.number -= 1;
        }
    }

    /// The changes since the cursor, if the server could tell them.
    fn delta(mut self, since: &Cursor) -> Option<Snapshot> {
        let cursor = self.opening.cursor()?;
        // A smaller HIGHESTMODSEQ: the server went back in time, and so its changes are not those since our cursor.
        if self.confused || cursor.validity != since.validity || cursor.modseq < since.modseq {
            return None;
        }
        self.tidy();
        let mut vanished = self.vanished_before;
        self.vanished_now.ranges().iter().for_each(|(first, last)| vanished.insert_range(*first, *last));
        Some(Snapshot {
            cursor,
            holds: self.opening.holds(),
            present: self.rows.into_iter().map(|row| row.sighting).collect(),
            listed: None,
            vanished,
        })
    }

    /// The result of the search, if it is as long as it must be.
    fn searched(&self, conn: &Lent) -> Result<UidSet> {
        let mut listed = UidSet::new();
        for (first, last) in self.search.iter().flat_map(UidSet::ranges) {
            listed.insert_range(*first, *last);
        }
        self.verify(conn, listed.ranges())?;
        Ok(listed)
    }

    /// Everything, if it is everything.
    fn complete(mut self, conn: &Lent) -> Result<Snapshot> {
        let cursor = self.opening.cursor().ok_or_else(|| Error::internal("a look without a cursor"))?;
        self.tidy();
        let listed: UidSet = self.rows.iter().map(|row| row.sighting.uid).collect();
        self.verify(conn, listed.ranges())?;
        Ok(Snapshot {
            cursor,
            holds: self.opening.holds(),
            present: self.rows.into_iter().map(|row| row.sighting).collect(),
            listed: Some(listed),
            vanished: UidSet::new(),
        })
    }

    /// Sorts the rows, keeps the last word on each UID, and drops what has vanished since.
    fn tidy(&mut self) {
        if self.disordered {
            self.rows.sort_by_key(|row| row.sighting.uid);
            self.rows.dedup_by(|later, earlier| {
                let same = later.sighting.uid == earlier.sighting.uid;
                if same {
                    std::mem::swap(later, earlier);
                }
                same
            });
            self.disordered = false;
        }
        if !self.vanished_now.is_empty() {
            self.rows.retain(|row| !self.vanished_now.contains(row.sighting.uid));
        }
    }

    /// INVARIANT: only a listing that adds up may be taken as evidence that a message is gone. The messages of the
    /// opening, less those that went away since, must all be there; those that came since do not count.
    fn verify(&self, conn: &Lent, listed: &[(Uid, Uid)]) -> Result<()> {
        let uidnext = self.opening.uidnext;
        let (found, expected) = if uidnext > 0 {
            let gone = below(self.vanished_now.ranges(), uidnext);
            let expected = u64::from(self.opening.exists).saturating_sub(gone + u64::from(self.expunged));
            (below(listed, uidnext), expected)
        } else {
            // Without UIDNEXT old and new cannot be told apart; what came meanwhile makes the look void.
            (below(listed, u32::MAX), u64::from(self.exists))
        };
        if found == expected && !self.confused {
            return Ok(());
        }
        Err(Error::new(Code::ListingIncomplete, Scope::Folder, Retry::Soon)
            .with("host", &conn.host)
            .with("listed", found)
            .with("exists", expected))
    }
}

/// How many UIDs of these ranges are smaller than `bound`?
fn below(ranges: &[(Uid, Uid)], bound: u32) -> u64 {
    let count = |(first, last): &(Uid, Uid)| {
        u64::from(last.get().saturating_add(1).min(bound)).saturating_sub(u64::from(first.get()))
    };
    ranges.iter().map(count).sum()
}

fn closes(response: &Response<'_>) -> bool {
    matches!(response, Response::Untagged(condition) if condition.code("CLOSED").is_some())
}

/// The set behind `ALL` in `(TAG "a3") UID ALL 1:5,7`; `None` when nothing was found.
pub fn esearch_all(mut rest: Tokens<'_>) -> Option<&[u8]> {
    while let Some(token) = rest.next() {
        match token {
            Token::Open => while !matches!(rest.next(), Some(Token::Close) | None) {},
            token if token.is("ALL") => match rest.next()? {
                Token::Atom(set) => return Some(set),
                _ => return None,
            },
            _ => {}
        }
    }
    None
}
