//! SELECT and EXAMINE, with quick resynchronisation (RFC 7162).

use crate::server::args::{Args, Bad, set_to_wire};
use crate::server::manners::Opening;
use crate::server::selected::{Selected, flags_line};
use crate::server::session::{Answer, Failure, Session};
use crate::server::store::Folder;

/// `QRESYNC (validity modseq [known-uids [(sequences uids)]])`. What the client says about sequence numbers only saves
/// bytes and is not used.
struct Resync {
    validity: u64,
    modseq: u64,
    known: Option<crate::server::args::Set>,
}

pub(super) fn select(session: &mut Session, args: &mut Args, read_only: bool) -> Answer {
    let mailbox = session.mailbox()?;
    let on = session.extensions();
    args.space()?;
    let path = session.path(args)?;
    let mut resync = None;
    if args.eat(b' ') {
        let mut parameters = args.list(|args| match args.word()?.as_str() {
            "CONDSTORE" if on.condstore => Ok(None),
            "QRESYNC" => quick(args).map(Some),
            _ => Err("this parameter of SELECT is not offered".to_owned()),
        })?;
        session.enabled.condstore = true;
        resync = parameters.iter_mut().find_map(Option::take);
    }
    args.end()?;
    if resync.is_some() && !session.enabled.qresync {
        return Err(Failure::Bad("QRESYNC was not enabled".to_owned()));
    }

    // Whatever becomes of this command, the mailbox selected before is not selected any more.
    if session.selected.take().is_some() && session.enabled.qresync {
        session.out.line("* OK [CLOSED] the mailbox selected before is closed");
    }
    session.manners.may_open(&path)?;
    let mut store = mailbox.lock();
    let switches = session.lab.switches().clone();
    if switches.cannot_select.contains(&path) {
        return Err("this mailbox cannot be opened".into());
    }
    let id = store.id(&path).ok_or("[NONEXISTENT] no such mailbox")?;
    let folder = store.at_mut(&path).ok_or("[NONEXISTENT] no such mailbox")?;
    let selected = Selected::new(id, &path, folder, read_only, &switches);

    let flags = folder.known_flags(&switches);
    let permanent = match (read_only, switches.any_keyword) {
        (true, _) => "()".to_owned(),
        (false, true) => format!("({} \\*)", flags.iter().collect::<Vec<_>>().join(" ")),
        (false, false) => {
            let system = flags.iter().filter(|name| name.starts_with('\\'));
            format!("({})", system.chain(switches.keywords.iter().map(String::as_str)).collect::<Vec<_>>().join(" "))
        }
    };
    let unseen = folder.messages.iter().find(|message| !message.flags.has("\\Seen"));
    let lines = session.manners.opening(&Opening {
        exists: selected.exists(),
        last_uid: selected.uids().last().copied().unwrap_or(0),
        first_unseen: unseen.and_then(|message| selected.seq_of(message.uid)),
        validity: folder.validity,
        uidnext: folder.uidnext,
        flags: flags.to_wire(),
        permanent,
    });
    let out = &mut session.out;
    lines.iter().for_each(|line| out.line(&format!("* {line}")));
    if on.condstore {
        out.line(&format!("* OK [HIGHESTMODSEQ {}] highest", folder.modseq));
    }
    if on.object_id {
        out.line(&format!("* OK [MAILBOXID ({})] its id", folder.mailbox_id));
    }
    if let Some(resync) = resync.filter(|resync| resync.validity == u64::from(folder.validity)) {
        catch_up(session, folder, &selected, &resync);
    }
    session.selected = Some(selected);
    Ok(if read_only { "[READ-ONLY] examined" } else { "[READ-WRITE] selected" }.to_owned())
}

fn quick(args: &mut Args) -> Result<Resync, Bad> {
    args.space()?;
    args.expect(b'(')?;
    let validity = args.number()?;
    args.space()?;
    let modseq = args.number()?;
    let mut known = None;
    if args.eat(b' ') {
        if args.peek() != Some(b'(') {
            known = Some(args.set()?);
        }
        if (known.is_none() || args.eat(b' ')) && args.eat(b'(') {
            args.set()?;
            args.space()?;
            args.set()?;
            args.expect(b')')?;
        }
    }
    args.expect(b')')?;
    Ok(Resync { validity, modseq, known })
}

/// Tells what vanished and what changed since the client last looked.
fn catch_up(session: &mut Session, folder: &Folder, selected: &Selected, resync: &Resync) {
    let known = resync.known.as_ref().map(|set| set.ranges(folder.uidnext.saturating_sub(1)));
    let was_known = |uid: u32| known.as_ref().is_none_or(|known| known.iter().any(|(a, b)| (*a..=*b).contains(&uid)));
    let gone = vanished_since(folder, resync.modseq).into_iter().filter(|uid| was_known(*uid));
    let gone = set_to_wire(gone);
    if !gone.is_empty() {
        session.out.line(&format!("* VANISHED (EARLIER) {gone}"));
    }
    let changed = folder.messages.iter().filter(|message| message.modseq > resync.modseq && was_known(message.uid));
    for message in changed {
        if let Some(seq) = selected.seq_of(message.uid) {
            session.out.line(&flags_line(seq, message, session.enabled, true));
        }
    }
}

/// The UIDs expunged after this mod-sequence, ascending.
pub(super) fn vanished_since(folder: &Folder, modseq: u64) -> Vec<u32> {
    let mut gone: Vec<u32> = folder.expunged.iter().filter(|(when, _)| *when > modseq).map(|(_, uid)| *uid).collect();
    gone.sort_unstable();
    gone
}
