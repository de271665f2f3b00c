//! COPY, MOVE, EXPUNGE, CLOSE and UNSELECT.

use crate::server::args::{Args, set_to_wire};
use crate::server::session::{Answer, Failure, Session};
use crate::server::store::Message;
use crate::server::switches::IndexLag;

/// COPY and, with `moves`, MOVE (RFC 6851).
pub(super) fn copy(session: &mut Session, args: &mut Args, by_uid: bool, moves: bool) -> Answer {
    session.selected()?;
    if moves {
        session.manners.may_move()?;
        session.writable()?;
    }
    args.space()?;
    let set = args.set()?;
    args.space()?;
    let to = session.path(args)?;
    args.end()?;
    let switches = session.lab.switches().clone();
    let mailbox = session.mailbox()?;
    let selected = session.selected()?;
    let targets = selected.targets(&set, by_uid)?;
    let id = selected.folder;

    let mut store = mailbox.lock();
    if store.id(&to).is_none() {
        return Err("[TRYCREATE] no such mailbox".into());
    }
    let held = if switches.quota_bytes.is_some() { store.bytes_held() } else { 0 };
    let from = session.selected()?.folder_in(&mut store)?;
    let most = session.manners.copies_at_most();
    let breaks = targets.len() > most;
    let mut chosen: Vec<Message> =
        targets.iter().take(most).filter_map(|target| from.find(target.uid).cloned()).collect();
    let more: u64 = chosen.iter().map(|message| message.bytes.len() as u64).sum();
    if !moves && switches.quota_bytes.is_some_and(|quota| held.saturating_add(more) > quota) {
        return Err("[OVERQUOTA] the quota is exceeded".into());
    }
    if !by_uid && !breaks && chosen.len() < targets.len() {
        return Err("[EXPUNGEISSUED] some of these messages are gone".into());
    }
    let old: Vec<u32> = chosen.iter().map(|message| message.uid).collect();
    if moves {
        from.take(|message| old.binary_search(&message.uid).is_ok());
    }
    let folder = store.at_mut(&to).ok_or("[TRYCREATE] no such mailbox")?;
    let validity = folder.validity;
    if moves {
        session.manners.moved(&mut chosen, folder.class);
    }
    let new: Vec<u32> = chosen.into_iter().map(|message| folder.add(message, IndexLag::None)).collect();
    if !store.folders.contains_key(&id) || new.contains(&0) {
        return Err("[LIMIT] no UID is left".into());
    }
    mailbox.ring();
    if breaks {
        return Err(Failure::Drop);
    }
    let verb = if moves { "moved" } else { "copied" };
    let code = session.manners.copy_code(validity, &set_to_wire(old), &set_to_wire(new));
    let Some(code) = code.filter(|_| switches.extensions.uidplus) else { return Ok(verb.to_owned()) };
    if !moves {
        return Ok(format!("{code} {verb}"));
    }
    // MOVE tells the UIDs before the messages vanish (RFC 6851 section 4.3).
    session.out.line(&format!("* OK {code} {verb}"));
    Ok(verb.to_owned())
}

/// EXPUNGE and, with a set, UID EXPUNGE (RFC 4315).
pub(super) fn expunge(session: &mut Session, args: Option<&mut Args>) -> Answer {
    session.writable()?;
    let uids = match args {
        Some(args) => {
            args.space()?;
            let set = args.set()?;
            args.end()?;
            let targets = session.selected()?.targets(&set, true)?;
            Some(targets.into_iter().map(|target| target.uid).collect::<Vec<_>>())
        }
        None => None,
    };
    let mailbox = session.mailbox()?;
    let selected = session.selected()?;
    let mut store = mailbox.lock();
    let folder = selected.folder_in(&mut store)?;
    let is_chosen = |uid: u32| uids.as_ref().is_none_or(|uids| uids.binary_search(&uid).is_ok());
    let gone = folder.take(|message| message.flags.has("\\Deleted") && is_chosen(message.uid));
    let modseq = folder.modseq;
    session.manners.removed(&gone);
    mailbox.ring();
    if session.enabled.qresync { Ok(format!("[HIGHESTMODSEQ {modseq}] expunged")) } else { Ok("expunged".to_owned()) }
}

/// CLOSE expunges without telling; UNSELECT (RFC 3691) does not.
pub(super) fn close(session: &mut Session, expunges: bool) -> Answer {
    let mailbox = session.mailbox()?;
    session.selected()?;
    let Some(selected) = session.selected.take() else { return Err(Failure::Drop) };
    if expunges && !selected.read_only {
        let mut store = mailbox.lock();
        let gone = selected.folder_in(&mut store)?.take(|message| message.flags.has("\\Deleted"));
        session.manners.removed(&gone);
        mailbox.ring();
    }
    Ok("closed".to_owned())
}
