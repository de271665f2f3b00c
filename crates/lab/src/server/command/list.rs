//! LIST with what LIST-EXTENDED and LIST-STATUS add to it, and LSUB.

use super::escaped;
use super::folders::status_line;
use crate::server::args::{Args, Bad};
use crate::server::names;
use crate::server::session::{Answer, Session};
use crate::server::store::{Folder, Store};
use parom_domain::FolderPath;
use std::collections::BTreeSet;

/// What the client wants to see.
#[derive(Default)]
struct Wanted {
    only_subscribed: bool,
    only_special: bool,
    tell_subscribed: bool,
    status: Vec<String>,
}

/// `LIST [(selection)] reference pattern|(patterns) [RETURN (options)]`, RFC 5258.
pub(super) fn list(session: &mut Session, args: &mut Args) -> Answer {
    let mailbox = session.mailbox()?;
    let on = session.extensions();
    let utf8 = session.enabled.utf8;
    let mut wanted = Wanted::default();
    args.space()?;
    if on.list_extended && args.peek() == Some(b'(') {
        for word in args.words()? {
            wanted.only_subscribed |= word == "SUBSCRIBED";
            wanted.only_special |= word == "SPECIAL-USE";
        }
        args.space()?;
    }
    let reference = args.pattern(utf8)?;
    args.space()?;
    let patterns = if on.list_extended && args.peek() == Some(b'(') {
        args.list(|args| args.pattern(utf8))?
    } else {
        vec![args.pattern(utf8)?]
    };
    if on.list_extended && args.eat(b' ') {
        returns(args, &mut wanted)?;
    }
    args.end()?;
    wanted.tell_subscribed |= wanted.only_subscribed;
    if !on.list_status && !wanted.status.is_empty() {
        return Err("LIST-STATUS is not offered".to_owned().into());
    }
    if patterns.iter().all(String::is_empty) {
        let line = session.manners.root(&escaped(session.lab.delimiter));
        session.out.line(&format!("* LIST {line}"));
        return Ok("that is the root".to_owned());
    }
    let patterns: Vec<String> = patterns.into_iter().map(|pattern| format!("{reference}{pattern}")).collect();
    let store = mailbox.lock();
    for (path, exists) in rows(session, &store, &wanted) {
        let name = names::name(&path, session.lab.delimiter);
        if patterns.iter().any(|pattern| covers(pattern, &name, session.lab.delimiter)) {
            let line = row(session, &store, &path, exists, &wanted, "LIST");
            session.out.line(&line);
            let opens = exists && !session.lab.switches().cannot_select.contains(&path);
            if !wanted.status.is_empty() && opens {
                let line = status_line(session, &store, &path, &wanted.status)?;
                session.out.line(&line);
            }
        }
    }
    Ok("listed".to_owned())
}

pub(super) fn lsub(session: &mut Session, args: &mut Args) -> Answer {
    let mailbox = session.mailbox()?;
    args.space()?;
    let reference = args.pattern(session.enabled.utf8)?;
    args.space()?;
    let pattern = format!("{reference}{}", args.pattern(session.enabled.utf8)?);
    args.end()?;
    let wanted = Wanted { only_subscribed: true, ..Wanted::default() };
    let store = mailbox.lock();
    for (path, exists) in rows(session, &store, &wanted) {
        if covers(&pattern, &names::name(&path, session.lab.delimiter), session.lab.delimiter) {
            let line = row(session, &store, &path, exists, &wanted, "LSUB");
            session.out.line(&line);
        }
    }
    Ok("listed".to_owned())
}

fn returns(args: &mut Args, wanted: &mut Wanted) -> Result<(), Bad> {
    if args.word()? != "RETURN" {
        return Err("expected RETURN".to_owned());
    }
    args.space()?;
    let options = args.list(|args| match args.word()?.as_str() {
        "STATUS" => {
            args.space()?;
            args.words().map(|items| (false, items))
        }
        word => Ok((word == "SUBSCRIBED", Vec::new())),
    })?;
    for (subscribed, status) in options {
        wanted.tell_subscribed |= subscribed;
        wanted.status.extend(status);
    }
    Ok(())
}

/// The folders to be considered, and whether each exists: a name may be there only as the parent of others, or only as a
/// subscription.
fn rows(session: &Session, store: &Store, wanted: &Wanted) -> Vec<(FolderPath, bool)> {
    let mut paths: BTreeSet<FolderPath> = BTreeSet::new();
    if wanted.only_subscribed {
        paths.extend(store.subscribed.iter().cloned());
    } else {
        for path in store.paths.keys() {
            let mut above = Some(path.clone());
            while let Some(next) = above {
                above = next.parent();
                paths.insert(next);
            }
        }
    }
    let special = |path: &FolderPath| store.at(path).is_some_and(|folder| folder.special_use.is_some());
    paths.retain(|path| !wanted.only_special || special(path));
    let switches = session.lab.switches();
    paths.retain(|path| !switches.unlisted.contains(path) && session.manners.lists(path, store.at(path)));
    paths.into_iter().map(|path| (store.id(&path).is_some(), path)).map(|(exists, path)| (path, exists)).collect()
}

fn row(session: &Session, store: &Store, path: &FolderPath, exists: bool, wanted: &Wanted, word: &str) -> String {
    let on = session.extensions();
    let mut attributes = Vec::new();
    let unread = |folder: &Folder| folder.messages.iter().any(|message| !message.flags.has("\\Seen"));
    if session.manners.marks_unread() && store.at(path).is_some_and(unread) {
        attributes.push("\\Marked");
    }
    if !exists {
        attributes.push(if on.list_extended { "\\NonExistent" } else { "\\Noselect" });
    }
    attributes.push(if store.has_children(path) { "\\HasChildren" } else { "\\HasNoChildren" });
    if wanted.tell_subscribed && store.subscribed.contains(path) {
        attributes.push("\\Subscribed");
    }
    let special = store.at(path).and_then(|folder| folder.special_use.as_deref()).filter(|_| on.special_use);
    attributes.extend(special);
    format!("* {word} ({}) \"{}\" {}", attributes.join(" "), escaped(session.lab.delimiter), session.wire_name(path))
}

/// The inbox is covered in any spelling.
fn covers(pattern: &str, name: &str, delimiter: char) -> bool {
    names::matches(pattern, name, delimiter)
        || (name == "INBOX" && names::matches(&pattern.to_ascii_uppercase(), name, delimiter))
}
