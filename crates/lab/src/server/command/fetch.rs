//! FETCH: flags, dates, sizes and exact bytes, whole or in part.

use super::select::vanished_since;
use crate::server::args::{Args, Bad, Set, set_to_wire};
use crate::server::dates;
use crate::server::manners::{Asked, Shown};
use crate::server::message::{Section, subject_contains};
use crate::server::selected::Target;
use crate::server::session::{Answer, Failure, Session};
use crate::server::store::{Flags, Message};
use crate::server::switches::Switches;
use bytes::Bytes;

#[derive(Clone, PartialEq, Eq)]
enum Item {
    Uid,
    Flags,
    InternalDate,
    Size,
    ModSeq,
    Body { label: String, section: Section, partial: Option<(u64, u64)>, peek: bool },
}

/// `(CHANGEDSINCE n [VANISHED])`, RFC 7162.
#[derive(Clone, Copy, Default)]
struct Since {
    modseq: Option<u64>,
    vanished: bool,
}

pub(super) async fn fetch(session: &mut Session, args: &mut Args, by_uid: bool) -> Answer {
    session.selected()?;
    args.space()?;
    let set = args.set()?;
    args.space()?;
    let mut items = items(args)?;
    let since = if args.eat(b' ') { since(args)? } else { Since::default() };
    args.end()?;
    if by_uid && !items.contains(&Item::Uid) {
        items.insert(0, Item::Uid);
    }
    session.enabled.condstore |= since.modseq.is_some() || items.contains(&Item::ModSeq);
    if since.modseq.is_some() && !items.contains(&Item::ModSeq) {
        items.push(Item::ModSeq);
    }

    let switches = session.lab.switches().clone();
    let targets = session.selected()?.targets(&set, by_uid)?;
    if since.vanished {
        tell_vanished(session, &set, since)?;
    }
    let omitted = omitted(session, &switches)?;
    let mut missing = false;
    for target in targets.into_iter().filter(|target| !omitted.contains(&target.uid)) {
        let Some((message, class)) = current(session, target, &items)? else {
            missing = true;
            continue;
        };
        if since.modseq.is_some_and(|modseq| message.modseq <= modseq) {
            continue;
        }
        let asked = Asked {
            class,
            body: items.iter().any(|item| matches!(item, Item::Body { .. })),
            reads: items.iter().any(|item| matches!(item, Item::Body { peek: false, .. })),
            size: items.contains(&Item::Size),
            wide: items.iter().any(|item| !matches!(item, Item::Uid | Item::Flags)),
        };
        if let Shown::As { bytes, size } = session.manners.shown(&message, &asked) {
            answer(session, target, &Sight { message, bytes, size }, &items, &switches).await?;
        }
    }
    // What is already expunged, but not known to be so to the client, is not an error when asked for by UID.
    if missing && !by_uid {
        return Err("[EXPUNGEISSUED] some of these messages are gone".into());
    }
    Ok("fetched".to_owned())
}

/// UIDs of the selected folder that the server does not show although EXISTS counts them.
pub(super) fn omitted(session: &mut Session, switches: &Switches) -> Result<Vec<u32>, Failure> {
    let mailbox = session.mailbox()?;
    let id = session.selected()?.folder;
    let store = mailbox.lock();
    let omitted = store.path_of(id).and_then(|path| switches.omitted.get(path)).filter(|omitted| !omitted.consistently);
    Ok(omitted.into_iter().flat_map(|omitted| omitted.uids.iter().copied()).collect())
}

/// The message as it is now, marked as seen if the client reads it without PEEK; `None` if it is gone.
/// With it comes the class of its folder.
fn current(session: &mut Session, target: Target, items: &[Item]) -> Result<Option<(Message, &'static str)>, Failure> {
    let mailbox = session.mailbox()?;
    let Session { selected: Some(selected), manners, .. } = session else { return Err(Failure::Drop) };
    let mut store = mailbox.lock();
    let folder = selected.folder_in(&mut store)?;
    let reads = items.iter().any(|item| matches!(item, Item::Body { peek: false, .. }));
    if reads && !selected.read_only {
        let before = folder.find(target.uid).map(|message| message.flags.clone()).unwrap_or_default();
        folder.reflag(target.uid, |flags| flags.add("\\Seen"));
        if let Some(message) = folder.find_mut(target.uid) {
            manners.stored(&before, message, &Flags::new(["\\Seen"]));
        }
    }
    Ok(folder.find(target.uid).cloned().map(|message| (message, folder.class)))
}

/// A message and how it shows itself.
struct Sight {
    message: Message,
    bytes: Bytes,
    size: u64,
}

async fn answer(
    session: &mut Session,
    target: Target,
    sight: &Sight,
    items: &[Item],
    switches: &Switches,
) -> Result<(), Failure> {
    let message = &sight.message;
    let has_body = items.iter().any(|item| matches!(item, Item::Body { .. }));
    let is_chosen = |texts: &[String]| texts.iter().any(|text| subject_contains(&message.bytes, text));
    if has_body && is_chosen(&switches.unfetchable) {
        return Ok(());
    }
    let seq = session.manners.numbered(target.seq, target.uid);
    session.out.text(&format!("* {seq} FETCH ("));
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            session.out.text(" ");
        }
        match item {
            Item::Uid => session.out.text(&format!("UID {}", message.uid)),
            Item::Flags => session.out.text(&format!("FLAGS {}", message.flags.to_wire())),
            Item::InternalDate if is_chosen(&switches.bad_dates) => {
                session.out.text("INTERNALDATE \"00-Jan-0000 00:00:00 +0000\"");
            }
            Item::InternalDate => session.out.text(&format!("INTERNALDATE \"{}\"", dates::to_wire(message.date))),
            Item::Size => session.out.text(&format!("RFC822.SIZE {}", sight.size)),
            Item::ModSeq => session.out.text(&format!("MODSEQ ({})", message.modseq)),
            Item::Body { label, section, partial, .. } => {
                let mut bytes = section.of(&sight.bytes);
                if let Some((start, len)) = *partial {
                    let start = usize::try_from(start).unwrap_or(usize::MAX).min(bytes.len());
                    let end = start.saturating_add(usize::try_from(len).unwrap_or(usize::MAX)).min(bytes.len());
                    bytes = bytes.slice(start..end);
                }
                let lie = switches.lying_literals.iter().find(|(text, _)| subject_contains(&message.bytes, text));
                let told = (bytes.len() as u64).saturating_add_signed(lie.map_or(0, |(_, delta)| *delta));
                session.out.text(&format!("{label} {{{told}}}\r\n"));
                if matches!(section, Section::Whole | Section::Text) {
                    session.lab.count("BODY");
                    if is_chosen(&switches.poison) {
                        session.out.body(bytes.get(..bytes.len() / 2).unwrap_or_default()).await?;
                        session.out.flush().await?;
                        return Err(Failure::Drop);
                    }
                }
                session.out.body(&bytes).await?;
            }
        }
    }
    session.out.line(")");
    session.out.ease().await?;
    Ok(())
}

fn tell_vanished(session: &mut Session, set: &Set, since: Since) -> Result<(), Failure> {
    if !session.enabled.qresync {
        return Err(Failure::Bad("QRESYNC was not enabled".to_owned()));
    }
    let mailbox = session.mailbox()?;
    let selected = session.selected()?;
    let mut store = mailbox.lock();
    let folder = selected.folder_in(&mut store)?;
    let ranges = set.ranges(folder.uidnext.saturating_sub(1).max(1));
    let gone = vanished_since(folder, since.modseq.unwrap_or(0));
    let gone = set_to_wire(gone.into_iter().filter(|uid| ranges.iter().any(|(a, b)| (*a..=*b).contains(uid))));
    if !gone.is_empty() {
        session.out.line(&format!("* VANISHED (EARLIER) {gone}"));
    }
    Ok(())
}

fn items(args: &mut Args) -> Result<Vec<Item>, Bad> {
    if args.peek() == Some(b'(') {
        return args.list(item).map(|items| items.into_iter().flatten().collect());
    }
    item(args)
}

/// One item, or those that a macro stands for.
fn item(args: &mut Args) -> Result<Vec<Item>, Bad> {
    let name = args.word()?;
    let body = |label: &str, section, peek| Item::Body { label: label.to_owned(), section, partial: None, peek };
    Ok(match name.as_str() {
        "UID" => vec![Item::Uid],
        "FLAGS" => vec![Item::Flags],
        "INTERNALDATE" => vec![Item::InternalDate],
        "RFC822.SIZE" => vec![Item::Size],
        "MODSEQ" => vec![Item::ModSeq],
        "FAST" => vec![Item::Flags, Item::InternalDate, Item::Size],
        "RFC822" => vec![body("RFC822", Section::Whole, false)],
        "RFC822.HEADER" => vec![body("RFC822.HEADER", Section::Header, true)],
        "RFC822.TEXT" => vec![body("RFC822.TEXT", Section::Text, false)],
        "BODY" | "BODY.PEEK" if args.peek() == Some(b'[') => vec![section(args, name == "BODY.PEEK")?],
        _ => return Err(format!("{name} is not offered")),
    })
}

/// `[HEADER.FIELDS (From To)]<0.1024>`
fn section(args: &mut Args, peek: bool) -> Result<Item, Bad> {
    args.expect(b'[')?;
    let section = if args.peek() == Some(b']') {
        Section::Whole
    } else {
        match args.word()?.as_str() {
            "HEADER" => Section::Header,
            "TEXT" => Section::Text,
            name @ ("HEADER.FIELDS" | "HEADER.FIELDS.NOT") => {
                args.space()?;
                let names = args.list(Args::astring_utf8)?;
                Section::Fields { names, inverted: name == "HEADER.FIELDS.NOT" }
            }
            name => return Err(format!("section {name} is not offered")),
        }
    };
    args.expect(b']')?;
    let mut label = format!("BODY[{}]", section.to_wire());
    let mut partial = None;
    if args.eat(b'<') {
        let start = args.number()?;
        args.expect(b'.')?;
        let len = args.number()?;
        args.expect(b'>')?;
        label = format!("{label}<{start}>");
        partial = Some((start, len));
    }
    Ok(Item::Body { label, section, partial, peek })
}

fn since(args: &mut Args) -> Result<Since, Bad> {
    let mut since = Since::default();
    args.expect(b'(')?;
    loop {
        match args.word()?.as_str() {
            "CHANGEDSINCE" => {
                args.space()?;
                since.modseq = Some(args.number()?);
            }
            "VANISHED" => since.vanished = true,
            name => return Err(format!("{name} is no modifier of FETCH")),
        }
        if args.eat(b')') {
            return Ok(since);
        }
        args.space()?;
    }
}
