//! STORE, also conditional (RFC 7162).

use super::append::kept;
use crate::server::args::{Args, set_to_wire};
use crate::server::manners::Storing;
use crate::server::selected::flags_line;
use crate::server::session::{Answer, Failure, Session};
use crate::server::store::Flags;

#[derive(Clone, Copy)]
enum Change {
    Replace,
    Add,
    Remove,
}

pub(super) fn store(session: &mut Session, args: &mut Args, by_uid: bool) -> Answer {
    session.writable()?;
    args.space()?;
    let set = args.set()?;
    args.space()?;
    let mut unchanged_since = None;
    if args.eat(b'(') {
        if !args.eat_word("UNCHANGEDSINCE") {
            return Err(Failure::Bad("unknown modifier of STORE".to_owned()));
        }
        args.space()?;
        unchanged_since = Some(args.number()?);
        args.expect(b')')?;
        args.space()?;
        session.enabled.condstore = true;
    }
    let change = match args.peek() {
        Some(b'+') => Change::Add,
        Some(b'-') => Change::Remove,
        _ => Change::Replace,
    };
    if !matches!(change, Change::Replace) {
        args.eat(b'+');
        args.eat(b'-');
    }
    let silent = match args.word()?.as_str() {
        "FLAGS" => false,
        "FLAGS.SILENT" => true,
        _ => return Err(Failure::Bad("STORE changes flags only".to_owned())),
    };
    args.space()?;
    let names = if args.peek() == Some(b'(') || !args.at_end() { args.flags()? } else { Vec::new() };
    args.end()?;
    let replaces = matches!(change, Change::Replace);
    for warning in session.manners.storing(&Storing { by_uid, silent, replaces, names: &names })? {
        session.out.line(&format!("* {warning}"));
    }
    let flags = kept(&names, &session.lab.switches());

    let mailbox = session.mailbox()?;
    let Session { selected: Some(selected), out, enabled, manners, .. } = session else { return Err(Failure::Drop) };
    let targets = selected.targets(&set, by_uid)?;
    let mut store = mailbox.lock();
    let folder = selected.folder_in(&mut store)?;
    // What others did is told first, so that what follows is the client's own doing only.
    selected.sync(folder, false, *enabled, out);
    let mut modified = Vec::new();
    for target in targets {
        let Some(message) = folder.find(target.uid) else { continue };
        if unchanged_since.is_some_and(|modseq| message.modseq > modseq) {
            modified.push(if by_uid { target.uid } else { u32::try_from(target.seq).unwrap_or(u32::MAX) });
            continue;
        }
        let before = message.flags.clone();
        folder.reflag(target.uid, |now| apply(now, &flags, change));
        let Some(message) = folder.find_mut(target.uid) else { continue };
        if !matches!(change, Change::Remove) {
            manners.stored(&before, message, &flags);
        }
        if !silent {
            out.line(&flags_line(target.seq, message, *enabled, by_uid));
        } else if enabled.condstore {
            // The new mod-sequence is told even to those who asked for silence (RFC 7162 section 3.1.3).
            out.line(&format!("* {} FETCH (UID {} MODSEQ ({}))", target.seq, target.uid, message.modseq));
        }
    }
    selected.known(folder);
    drop(store);
    mailbox.ring();
    match modified.is_empty() {
        true => Ok("stored".to_owned()),
        false => Ok(format!("[MODIFIED {}] some had changed", set_to_wire(modified))),
    }
}

fn apply(now: &mut Flags, flags: &Flags, change: Change) {
    match change {
        Change::Replace => *now = flags.clone(),
        Change::Add => flags.iter().for_each(|name| now.add(name)),
        Change::Remove => flags.iter().for_each(|name| now.remove(name)),
    }
}
