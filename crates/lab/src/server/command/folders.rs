//! CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE and STATUS.

use crate::server::args::{Args, Bad};
use crate::server::session::{Answer, Failure, Session};
use crate::server::store::Store;
use parom_domain::FolderPath;
use std::time::Instant;

/// `CREATE name [(USE (\Sent))]`, RFC 6154 section 3.
pub(super) fn create(session: &mut Session, args: &mut Args) -> Answer {
    let mailbox = session.mailbox()?;
    args.space()?;
    let path = session.path(args)?;
    let mut special_use = None;
    if args.eat(b' ') {
        args.expect(b'(')?;
        if !args.eat_word("USE") || !session.extensions().special_use {
            return Err(Failure::Bad("this parameter of CREATE is not offered".to_owned()));
        }
        args.space()?;
        special_use = args.flags()?.into_iter().next();
        args.expect(b')')?;
    }
    args.end()?;
    session.manners.may_name(&path)?;
    let mut store = mailbox.lock();
    let id = store.create(path, special_use)?;
    mailbox.ring();
    match store.folders.get(&id) {
        Some(folder) if session.extensions().object_id => Ok(format!("[MAILBOXID ({})] created", folder.mailbox_id)),
        _ => Ok("created".to_owned()),
    }
}

pub(super) fn delete(session: &mut Session, args: &mut Args) -> Answer {
    let mailbox = session.mailbox()?;
    args.space()?;
    let path = session.path(args)?;
    args.end()?;
    let_go(session, &path)?;
    let gone = {
        let mut store = mailbox.lock();
        let gone = store.at_mut(&path).filter(|_| !path.is_inbox()).map(|folder| folder.take(|_| true));
        store.delete(&path)?;
        gone
    };
    session.manners.removed(&gone.unwrap_or_default());
    mailbox.ring();
    Ok("deleted".to_owned())
}

pub(super) fn rename(session: &mut Session, args: &mut Args) -> Answer {
    let mailbox = session.mailbox()?;
    args.space()?;
    let from = session.path(args)?;
    args.space()?;
    let to = session.path(args)?;
    args.end()?;
    session.manners.may_name(&to)?;
    let_go(session, &from)?;
    mailbox.lock().rename(&from, &to)?;
    mailbox.ring();
    Ok("renamed".to_owned())
}

/// May the mailbox lose its name while it is open here?
fn let_go(session: &Session, path: &FolderPath) -> Result<(), Failure> {
    let open = session.selected.as_ref().map(|selected| selected.folder);
    let is_open = open.is_some() && session.mailbox()?.lock().id(path) == open;
    if is_open && session.lab.switches().keeps_what_is_open {
        return Err("this is the mailbox that is open".into());
    }
    Ok(())
}

/// Names that do not exist may be subscribed too.
pub(super) fn subscribe(session: &mut Session, args: &mut Args, subscribed: bool) -> Answer {
    let mailbox = session.mailbox()?;
    args.space()?;
    let path = session.path(args)?;
    args.end()?;
    let mut store = mailbox.lock();
    if subscribed {
        store.subscribed.insert(path)
    } else {
        store.subscribed.remove(&path)
    };
    Ok("noted".to_owned())
}

pub(super) fn status(session: &mut Session, args: &mut Args) -> Answer {
    let mailbox = session.mailbox()?;
    args.space()?;
    let path = session.path(args)?;
    args.space()?;
    let items = args.words()?;
    args.end()?;
    let mut store = mailbox.lock();
    let folder = store.at_mut(&path).ok_or("[NONEXISTENT] no such mailbox")?;
    folder.show_due(Instant::now());
    if session.lab.switches().cannot_select.contains(&path) {
        return Err("this mailbox cannot be opened".into());
    }
    session.enabled.condstore |= items.iter().any(|item| item == "HIGHESTMODSEQ");
    let line = status_line(session, &store, &path, &items)?;
    session.out.line(&line);
    Ok("told".to_owned())
}

pub(super) fn status_line(
    session: &Session,
    store: &Store,
    path: &FolderPath,
    items: &[String],
) -> Result<String, Bad> {
    let on = session.extensions();
    let folder = store.at(path).ok_or("no such mailbox")?;
    let switches = session.lab.switches();
    let omitted = switches.omitted.get(path).filter(|omitted| omitted.consistently);
    let is_shown = |uid: u32| omitted.is_none_or(|omitted| !omitted.uids.contains(&uid));
    let shown = || folder.messages.iter().filter(|message| is_shown(message.uid));
    let value = |item: &String| {
        let value = match item.as_str() {
            "MESSAGES" => shown().count().to_string(),
            "RECENT" => "0".to_owned(),
            "UIDNEXT" => folder.uidnext.to_string(),
            "UIDVALIDITY" => folder.validity.to_string(),
            "UNSEEN" => shown().filter(|message| !message.flags.has("\\Seen")).count().to_string(),
            "SIZE" => shown().map(|message| message.bytes.len() as u64).sum::<u64>().to_string(),
            "HIGHESTMODSEQ" if on.condstore => folder.modseq.to_string(),
            "MAILBOXID" if on.object_id => format!("({})", folder.mailbox_id),
            _ => return Err(format!("unknown STATUS item {item}")),
        };
        Ok(format!("{item} {value}"))
    };
    let values: Vec<String> = items.iter().map(value).collect::<Result<_, Bad>>()?;
    Ok(format!("* STATUS {} ({})", session.wire_name(path), values.join(" ")))
}
