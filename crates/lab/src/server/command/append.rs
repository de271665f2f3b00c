//! APPEND of one message or several (RFC 3502), all or none.

use crate::server::args::{Args, set_to_wire};
use crate::server::dates;
use crate::server::message::subject_contains;
use crate::server::session::{Answer, Failure, Session};
use crate::server::store::{Flags, Message, Notes};
use crate::server::switches::Switches;

pub(super) fn append(session: &mut Session, args: &mut Args) -> Answer {
    let mailbox = session.mailbox()?;
    args.space()?;
    let path = session.path(args)?;
    let switches = session.lab.switches().clone();
    let mut messages = Vec::new();
    while args.eat(b' ') {
        let (mut message, flags) = message(args, &switches)?;
        for warning in session.manners.appending(&mut message, &flags)? {
            session.out.line(&format!("* {warning}"));
        }
        messages.push(message);
    }
    args.end()?;
    if messages.is_empty() || (messages.len() > 1 && !switches.extensions.multiappend) {
        return Err(Failure::Bad("APPEND takes one message here".to_owned()));
    }

    let mut store = mailbox.lock();
    if store.id(&path).is_none() {
        return Err("[TRYCREATE] no such mailbox".into());
    }
    // Summed up only where it matters, because it takes a look at every message.
    let mut held = if switches.quota_bytes.is_some() { store.bytes_held() } else { 0 };
    for message in &messages {
        let bytes = message.bytes.len() as u64;
        held = held.saturating_add(bytes);
        if switches.append_limit.is_some_and(|limit| bytes > limit) {
            return Err("[TOOBIG] this message is too large".into());
        }
        if switches.quota_bytes.is_some_and(|quota| held > quota) {
            return Err("[OVERQUOTA] the quota is exceeded".into());
        }
        if switches.refuses.iter().any(|text| subject_contains(&message.bytes, text)) {
            return Err("this message is refused".into());
        }
    }
    let folder = store.at_mut(&path).ok_or("[TRYCREATE] no such mailbox")?;
    let uids: Vec<u32> = messages.into_iter().map(|message| folder.add(message, switches.index_lag)).collect();
    mailbox.ring();
    if uids.contains(&0) {
        return Err("[LIMIT] no UID is left".into());
    }
    if switches.extensions.uidplus {
        return Ok(format!("[APPENDUID {} {}] appended", folder.validity, set_to_wire(uids)));
    }
    Ok("appended".to_owned())
}

/// `[(flags)] ["date"] literal`, where UTF8 (RFC 6855) may wrap the literal.
/// The second half are the flags that the client named.
fn message(args: &mut Args, switches: &Switches) -> Result<(Message, Vec<String>), Failure> {
    let mut named = Vec::new();
    if args.peek() == Some(b'(') {
        named = args.flags()?;
        args.space()?;
    }
    let mut date = dates::now();
    if args.peek() == Some(b'"') {
        let text = args.astring_utf8()?;
        date = dates::from_wire(&text).ok_or_else(|| Failure::Bad(format!("{text:?} is no date-time")))?;
        args.space()?;
    }
    let wrapped = args.eat_word("UTF8");
    if wrapped {
        args.space()?;
        args.expect(b'(')?;
    }
    let bytes = args.literal()?;
    if wrapped {
        args.expect(b')')?;
    }
    let flags = kept(&named, switches);
    Ok((Message { uid: 0, bytes, date, flags, modseq: 0, notes: Notes::default() }, named))
}

/// The flags that a folder keeps.
pub(super) fn kept(names: &[String], switches: &Switches) -> Flags {
    let keeps = |name: &str| match name.starts_with('\\') {
        true => {
            ["\\answered", "\\flagged", "\\deleted", "\\seen", "\\draft"].contains(&name.to_ascii_lowercase().as_str())
        }
        false => switches.any_keyword || switches.keywords.iter().any(|known| known.eq_ignore_ascii_case(name)),
    };
    Flags::new(names.iter().map(String::as_str).filter(|name| keeps(name)))
}
