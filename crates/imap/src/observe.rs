//! Looks at folders: what is there, what changed, what vanished, and whether the answer adds up.

use crate::classify::{Answer, Request, classify};
use crate::command::{Command, WireName};
use crate::fetch::Fetched;
use crate::pool::{Lent, again};
use crate::response::{Response, uid_set};
use crate::select::{Opening, ensure_open, select};
use crate::stamps;
use crate::tokens::{Token, Tokens};
use parom_domain::endpoint::{Cursor, LookAt, Looked, Sighting, Snapshot, Stamp};
use parom_domain::{Code, Error, Result, Retry, Scope, Uid, UidSet};
use std::collections::BTreeMap;

/// Opens each folder anew and lists what is new since its cursor, or everything. One result for each:
/// `FolderGone`, `FolderCannotOpen`, `ListingIncomplete`, or what broke the connection.
///
/// All of it is one flight where the server bears commands behind a SELECT whose answer is not there yet.
pub async fn observe_all(conn: &mut Lent, names: &[WireName], looks: &[LookAt]) -> Vec<Result<Looked>> {
    let mut visits: Vec<Visit<'_>> = names.iter().zip(looks).map(|(name, at)| Visit::new(conn, name, at)).collect();
    let at_once = if conn.quirks.pipelines_select { visits.len() } else { 1 };
    let mut lost = None;
    for visits in visits.chunks_mut(at_once.max(1)) {
        if let Err(error) = fly(conn, visits).await {
            lost = Some(error);
            break;
        }
    }
    let mut results = Vec::with_capacity(visits.len());
    for visit in visits {
        // Of a connection that was lost nothing more is asked: each question would wait as long as the first one.
        let result = match &lost {
            Some(error) => Err(again(error)),
            None => visit.finish(conn).await,
        };
        lost = lost.or_else(|| result.as_ref().err().filter(|_| !conn.is_reusable()).map(again));
        results.push(result);
    }
    results
}

/// How the state of a folder is asked for.
#[derive(Clone, Copy)]
enum Way<'a> {
    /// QRESYNC: SELECT itself tells what changed and what vanished since.
    Resync(&'a Cursor),
    /// CONDSTORE: what changed since, and a list of all UIDs.
    Changed(&'a Cursor),
    Everything,
}

/// What a command of a visit is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Opening,
    Reading,
    Asking,
}

/// One folder on the way.
struct Visit<'a> {
    name: &'a WireName,
    way: Way<'a>,
    ask: &'a UidSet,
    look: Look,
    stamps: BTreeMap<Uid, Stamp>,
    /// What was asked besides was refused: it is asked again with more care.
    ask_again: bool,
    failed: Option<Error>,
}

impl<'a> Visit<'a> {
    fn new(conn: &Lent, name: &'a WireName, at: &'a LookAt) -> Visit<'a> {
        let way = match at.since.as_ref().filter(|since| since.modseq > 0) {
            Some(since) if conn.ext.qresync => Way::Resync(since),
            Some(since) if conn.ext.condstore => Way::Changed(since),
            _ => Way::Everything,
        };
        Visit {
            name,
            way,
            ask: &at.ask,
            look: Look::default(),
            stamps: BTreeMap::new(),
            ask_again: false,
            failed: None,
        }
    }

    fn opening(&self, conn: &Lent) -> Command {
        match self.way {
            Way::Resync(since) => select(conn, self.name, &format!("(QRESYNC ({} {}))", since.validity, since.modseq)),
            _ => select(conn, self.name, ""),
        }
    }

    fn questions(&self, conn: &Lent) -> Vec<(Part, Command)> {
        let fetch = |what: &str| Command::new("UID FETCH", Request::Read).raw(what);
        let mut commands = match self.way {
            Way::Resync(_) => Vec::new(),
            Way::Changed(since) => {
                let search = if conn.ext.esearch { "RETURN (ALL) ALL" } else { "ALL" };
                vec![
                    (Part::Reading, fetch(&format!("1:* (UID FLAGS) (CHANGEDSINCE {})", since.modseq))),
                    (Part::Reading, Command::new("UID SEARCH", Request::Read).raw(search)),
                ]
            }
            Way::Everything => vec![(Part::Reading, fetch("1:* (UID FLAGS)"))],
        };
        let asked = stamps::commands(self.ask, conn.quirks.fetch_items);
        commands.extend(asked.into_iter().map(|command| (Part::Asking, command)));
        commands
    }

    fn note(&mut self, part: Part, response: &Response<'_>) {
        // Without QRESYNC a SELECT tells of no message: this is about the folder that was open before, and a server without
        // [CLOSED] does not say where that ends.
        let of_a_message = response.numbered("FETCH").is_some() || response.vanished().is_some();
        if part == Part::Opening && of_a_message && !matches!(self.way, Way::Resync(_)) {
            return;
        }
        match stamps::stamp(response).filter(|_| part == Part::Asking) {
            Some(stamp) => drop(self.stamps.insert(stamp.uid, stamp)),
            None => self.look.note(part != Part::Opening, response),
        }
    }

    fn answered(&mut self, conn: &mut Lent, part: Part, answer: Answer) {
        // What follows a SELECT that was refused is refused too, and says nothing.
        if self.failed.is_none() {
            self.failed = match part {
                Part::Opening => self.opened(conn, answer),
                // Some servers call `1:*` a mistake where there is no message at all.
                Part::Reading if self.look.opening.exists == 0 && self.look.rows.is_empty() => Ok(()),
                // Messages that went away meanwhile are missing, which is the answer.
                Part::Asking if answer.has_code("EXPUNGEISSUED") => Ok(()),
                Part::Asking if classify(Request::Read, &answer).scope() == Scope::Item => {
                    self.ask_again = true;
                    Ok(())
                }
                Part::Reading | Part::Asking => conn.checked(Request::Read, Some(answer)).map(drop),
            }
            .map_err(|error| if part == Part::Opening { error } else { error.widened(Scope::Folder) })
            .err();
        }
    }

    fn opened(&mut self, conn: &mut Lent, answer: Answer) -> Result<()> {
        conn.selected = None;
        let opened = conn.checked(Request::Open, Some(answer))?;
        self.look.opening.note_answer(&opened);
        if self.look.opening.validity.is_none() {
            return Err(conn.wire.nonsense("a folder without UIDVALIDITY").widened(Scope::Folder));
        }
        conn.selected = Some(self.look.opening.selected(self.name));
        Ok(())
    }

    async fn finish(mut self, conn: &mut Lent) -> Result<Looked> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let ask = self.ask;
        let (name, ask_again) = (self.name, self.ask_again);
        let stamps = std::mem::take(&mut self.stamps).into_values().filter(|stamp| ask.contains(stamp.uid)).collect();
        let snapshot = match self.way {
            Way::Everything => self.look.complete(conn)?,
            Way::Resync(since) => match self.look.delta(since) {
                Some(snapshot) => snapshot,
                None => listing(conn, self.name).await?,
            },
            Way::Changed(since) => {
                let listed = self.look.searched(conn)?;
                match self.look.delta(since) {
                    Some(snapshot) => Snapshot { listed: Some(listed), ..snapshot },
                    None => listing(conn, self.name).await?,
                }
            }
        };
        if !ask_again {
            return Ok(Looked { snapshot, stamps });
        }
        let asked = match ensure_open(conn, name, snapshot.cursor.validity).await {
            Ok(()) => stamps::stamps(conn, ask).await,
            Err(error) => Err(error),
        };
        Ok(Looked { snapshot, stamps: asked.map_err(|error| error.widened(Scope::Folder))? })
    }
}

/// Every message of the folder: the server cannot tell the changes since the cursor.
async fn listing(conn: &mut Lent, name: &WireName) -> Result<Snapshot> {
    let nothing = UidSet::new();
    let (way, look) = (Way::Everything, Look::default());
    let mut visit = Visit { name, way, ask: &nothing, look, stamps: BTreeMap::new(), ask_again: false, failed: None };
    fly(conn, std::slice::from_mut(&mut visit)).await?;
    match visit.failed {
        Some(error) => Err(error),
        None => visit.look.complete(conn),
    }
}

/// Sends the SELECTs and what follows each, and hands out the answers.
async fn fly(conn: &mut Lent, visits: &mut [Visit<'_>]) -> Result<()> {
    let (mut commands, mut owners) = (Vec::new(), Vec::new());
    for (at, visit) in visits.iter().enumerate() {
        commands.push(visit.opening(conn));
        owners.push((at, Part::Opening));
        for (part, command) in visit.questions(conn) {
            commands.push(command);
            owners.push((at, part));
        }
    }
    conn.selected = None;
    let first = if conn.quirks.pipelines_select { commands.len() } else { 1 };
    for range in [0..first, first..commands.len()] {
        let owners = owners.get(range.clone()).unwrap_or_default();
        let answers = conn
            .run(commands.get(range).unwrap_or_default(), &mut |at, response| {
                if let Some((owner, part)) = owners.get(at)
                    && let Some(visit) = visits.get_mut(*owner)
                {
                    visit.note(*part, response);
                }
                Ok(())
            })
            .await?;
        for ((owner, part), answer) in owners.iter().zip(answers) {
            if let Some(visit) = visits.get_mut(*owner) {
                visit.answered(conn, *part, answer);
            }
        }
        // Questions about a folder that could not be opened would only count as mistakes.
        if !conn.quirks.pipelines_select && visits.iter().any(|visit| visit.failed.is_some()) {
            break;
        }
    }
    Ok(())
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
