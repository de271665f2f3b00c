//! SEARCH, answered as plain numbers or as ESEARCH (RFC 4731).

use super::fetch::omitted;
use crate::server::args::{Args, set_to_wire};
use crate::server::manners::Sought;
use crate::server::search::{Candidate, Key};
use crate::server::session::{Answer, Failure, Session};

pub(super) fn search(session: &mut Session, args: &mut Args, tag: &str, by_uid: bool) -> Answer {
    session.selected()?;
    let esearch = session.extensions().esearch;
    args.space()?;
    let mut returns = None;
    if args.eat_word("RETURN") {
        if !esearch {
            return Err(Failure::Bad("ESEARCH is not offered".to_owned()));
        }
        args.space()?;
        returns = Some(args.words()?);
        args.space()?;
    }
    if args.eat_word("CHARSET") {
        args.space()?;
        let charset = args.astring_utf8()?.to_ascii_uppercase();
        let known = session.manners.charsets();
        if !known.contains(&charset.as_str()) {
            return Err(Failure::No(format!("[BADCHARSET ({})] unknown charset", known.join(" "))));
        }
        args.space()?;
    }
    let mut keys = vec![Key::parse(args)?];
    while args.eat(b' ') {
        keys.push(Key::parse(args)?);
    }
    args.end()?;
    let key = Key::And(keys);
    session.manners.searching(&Sought { keywords: key.keywords() })?;
    let tells_modseq = key.asks_modseq();
    let by_header = key.asks_headers();
    session.enabled.condstore |= tells_modseq;

    let switches = session.lab.switches().clone();
    let hidden = omitted(session, &switches)?;
    let mailbox = session.mailbox()?;
    let Session { selected: Some(selected), manners, .. } = session else { return Err(Failure::Drop) };
    let mut store = mailbox.lock();
    let folder = selected.folder_in(&mut store)?;
    let last = (u32::try_from(selected.exists()).unwrap_or(u32::MAX), selected.uids().last().copied().unwrap_or(0));
    let mut found = Vec::new();
    let mut highest = 0;
    for (at, uid) in selected.uids().iter().enumerate() {
        let seq = u32::try_from(at + 1).unwrap_or(u32::MAX);
        let Some(message) = folder.find(*uid).filter(|_| !hidden.contains(uid)) else { continue };
        if by_header && !manners.finds_by_header(*uid) {
            continue;
        }
        if key.holds(&Candidate { seq, message, last }) {
            highest = message.modseq.max(highest);
            found.push(if by_uid { *uid } else { seq });
        }
    }
    drop(store);

    let modseq = if tells_modseq && !found.is_empty() { Some(highest) } else { None };
    let Some(returns) = returns else {
        let numbers: String = found.iter().map(|n| format!(" {n}")).collect();
        let modseq = modseq.map(|n| format!(" (MODSEQ {n})")).unwrap_or_default();
        session.out.line(&format!("* SEARCH{numbers}{modseq}"));
        return Ok("searched".to_owned());
    };
    let wants = |name: &str| returns.iter().any(|word| word == name);
    let mut line = format!("* ESEARCH (TAG \"{tag}\")");
    if by_uid {
        line.push_str(" UID");
    }
    for (name, value) in [("MIN", found.first()), ("MAX", found.last())] {
        if let Some(value) = value.filter(|_| wants(name)) {
            line.push_str(&format!(" {name} {value}"));
        }
    }
    if wants("COUNT") {
        line.push_str(&format!(" COUNT {}", found.len()));
    }
    if (wants("ALL") || returns.is_empty()) && !found.is_empty() {
        line.push_str(&format!(" ALL {}", set_to_wire(found)));
    }
    if let Some(modseq) = modseq {
        line.push_str(&format!(" MODSEQ {modseq}"));
    }
    session.out.line(&line);
    Ok("searched".to_owned())
}
