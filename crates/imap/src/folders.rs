//! Lists the account's folders, in one round trip where the server can tell everything at once.

use crate::classify::{Request, missing};
use crate::command::{Command, WireName};
use crate::connection::{Connection, ignore};
use crate::names::{Names, Namespace};
use crate::quirks::Product;
use crate::response::Response;
use crate::tokens::{Token, Tokens};
use bytes::Bytes;
use parom_domain::endpoint::{Abilities, Cursor, Listing};
use parom_domain::{Code, Error, FolderSeen, Result, Retry, Role, Scope};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Asks for everything and makes one listing of it. A complete answer or an error, never a short list.
///
/// # Errors
/// `ServerUnavailable`, `ListingIncomplete`.
pub async fn list(conn: &mut Connection, known: Option<Namespace>) -> Result<(Listing, Names)> {
    let mut found = Found { namespace: known, ..Found::default() };
    let mut commands = Vec::new();
    if found.namespace.is_none() && conn.ext.namespace {
        commands.push(Command::new("NAMESPACE", Request::Account));
    }
    let options = options(conn);
    let all = Command::new("LIST", Request::Account).raw("\"\" \"*\"");
    commands.push(if options.is_empty() { all } else { all.raw(&format!("RETURN ({options})")) });
    if !conn.ext.list_extended {
        commands.push(Command::new("LSUB", Request::Account).raw("\"\" \"*\""));
    }
    let answers = conn
        .run(&commands, &mut |_, response| {
            found.note(response);
            Ok(())
        })
        .await?;
    for answer in answers {
        conn.checked(Request::Account, Some(answer))?;
    }
    found.ask_the_silent(conn).await?;
    found.into_listing(conn)
}

/// What LIST may tell along with the names.
fn options(conn: &Connection) -> String {
    let mut options = Vec::new();
    if conn.ext.list_extended {
        options.push("SUBSCRIBED".to_owned());
        // Elsewhere the attributes come unasked (RFC 6154 section 2).
        if conn.ext.special_use {
            options.push("SPECIAL-USE".to_owned());
        }
    }
    if conn.ext.list_status {
        let modseq = if conn.ext.condstore { " HIGHESTMODSEQ" } else { "" };
        let id = if conn.ext.object_id && !conn.quirks.ids_only_when_opened { " MAILBOXID" } else { "" };
        options.push(format!("STATUS (MESSAGES UIDNEXT UIDVALIDITY{modseq}{id})"));
    }
    options.join(" ")
}

#[derive(Default)]
struct Found {
    namespace: Option<Namespace>,
    /// By wire name, in its order: the same listing always gives the same paths.
    folders: BTreeMap<WireName, Attributes>,
    delimiter: Option<u8>,
    subscribed: HashSet<WireName>,
    status: HashMap<WireName, (Cursor, Option<String>)>,
    /// Folders with a status, also one that cannot be read.
    spoken_of: HashSet<WireName>,
}

#[derive(Default)]
struct Attributes {
    delimiter: Option<u8>,
    role: Option<Role>,
    unselectable: bool,
    childless: bool,
    has_children: bool,
}

impl Found {
    fn note(&mut self, response: &Response<'_>) {
        if let Some(rest) = response.data("LIST") {
            self.note_folder(rest);
        } else if let Some(rest) = response.data("LSUB") {
            if let Some((attributes, _, name)) = listed(rest)
                && !attributes.clone().any(|attribute| attribute.is("\\Noselect"))
            {
                self.subscribed.insert(name);
            }
        } else if let Some(rest) = response.data("STATUS") {
            self.note_status(rest);
        } else if let Some(rest) = response.data("NAMESPACE") {
            self.namespace = Some(Namespace::parse(rest));
        }
    }

    fn note_folder(&mut self, rest: Tokens<'_>) {
        let Some((attributes, delimiter, name)) = listed(rest) else { return };
        self.delimiter = self.delimiter.or(delimiter);
        let mut folder = Attributes { delimiter, ..Attributes::default() };
        for attribute in attributes {
            let Token::Atom(attribute) = attribute else { continue };
            match attribute.to_ascii_lowercase().as_slice() {
                b"\\noselect" | b"\\nonexistent" => folder.unselectable = true,
                b"\\noinferiors" => folder.childless = true,
                b"\\haschildren" => folder.has_children = true,
                b"\\subscribed" => {
                    self.subscribed.insert(name.clone());
                }
                b"\\sent" => folder.role = folder.role.or(Some(Role::Sent)),
                b"\\drafts" => folder.role = folder.role.or(Some(Role::Drafts)),
                b"\\trash" => folder.role = folder.role.or(Some(Role::Trash)),
                b"\\junk" => folder.role = folder.role.or(Some(Role::Junk)),
                b"\\archive" => folder.role = folder.role.or(Some(Role::Archive)),
                b"\\all" | b"\\flagged" | b"\\important" => folder.role = Some(Role::Virtual),
                _ => {}
            }
        }
        self.folders.insert(name, folder);
    }

    fn note_status(&mut self, rest: Tokens<'_>) {
        self.spoken_of.extend(name(&mut rest.clone()));
        if let Some((name, cursor, id)) = status(rest) {
            self.status.insert(name, (cursor, id));
        }
    }

    /// Dovecot lists a name that was deleted and has others below it without saying that it cannot be opened; it only tells
    /// no status of it. Whoever took it for a folder would look for it for ever. Where LIST tells no status of any, those are
    /// asked below which others stand, in one flight. Exchange deletes these along.
    async fn ask_the_silent(&mut self, conn: &mut Connection) -> Result<()> {
        let tells_all = conn.ext.list_status;
        if !tells_all && conn.quirks.product == Product::Exchange {
            return Ok(());
        }
        let may_be_none = |name: &WireName| !self.spoken_of.contains(name) && !name.eq_ignore_ascii_case(b"INBOX");
        let silent = self.folders.iter().filter(|(name, folder)| {
            let suspect = tells_all || lists_below(&self.folders, name, folder.delimiter);
            suspect && !folder.unselectable && may_be_none(name)
        });
        let silent: Vec<WireName> = silent.map(|(name, _)| name.clone()).collect();
        if silent.is_empty() {
            return Ok(());
        }
        let literals = conn.literals();
        let ask = |name: &WireName| {
            Command::new("STATUS", Request::Open).string(name, literals).raw("(MESSAGES UIDNEXT UIDVALIDITY)")
        };
        let commands: Vec<Command> = silent.iter().map(ask).collect();
        let answers = conn.run(&commands, &mut ignore).await?;
        for (name, answer) in silent.iter().zip(answers) {
            // Any other refusal is told when the folder is opened.
            if let Some(folder) = self.folders.get_mut(name).filter(|_| !answer.is_ok() && missing(&answer)) {
                folder.unselectable = true;
            }
        }
        Ok(())
    }

    fn into_listing(self, conn: &Connection) -> Result<(Listing, Names)> {
        let mut namespace = self.namespace.unwrap_or_default();
        namespace.delimiter = namespace.delimiter.or(self.delimiter);
        namespace.utf8 = conn.ext.utf8_accept && conn.ext.enable;
        namespace.any_case = !conn.quirks.case_sensitive;
        let shared = shared_ids(self.status.values().filter_map(|(_, id)| id.as_ref()));
        let mut names = Names::new(namespace);
        names.ids_when_opened = conn.ext.object_id && conn.quirks.ids_only_when_opened;
        let mut folders = Vec::with_capacity(self.folders.len());
        // Where two read alike, the one beside the inbox has the plain path.
        let personal = self.folders.iter().filter(|(name, _)| names.namespace.is_personal(name));
        let (mut personal, further): (Vec<_>, Vec<_>) = personal.partition(|(name, _)| names.namespace.is_home(name));
        personal.extend(further);
        for (name, attributes) in personal {
            let Some(path) = names.take_up(name) else {
                return Err(conn.wire.nonsense("two folders have names that cannot be told apart"));
            };
            let status = self.status.get(name);
            if let Some((cursor, _)) = status {
                names.set_validity(name, cursor.validity);
            }
            folders.push(FolderSeen {
                role: if path.is_inbox() { Some(Role::Inbox) } else { attributes.role },
                selectable: !attributes.unselectable,
                may_have_children: !attributes.childless && names.namespace.delimiter_of(name).is_some(),
                // Elsewhere the folders below may be another person's, or have another delimiter.
                hides_children: conn.quirks.product == Product::Exchange
                    && attributes.has_children
                    && !lists_below(&self.folders, name, names.namespace.delimiter),
                subscribed: self.subscribed.contains(name),
                subscribable: true,
                status: status.map(|(cursor, _)| *cursor).filter(|_| !attributes.unselectable),
                mailbox_id: status.and_then(|(_, id)| id.clone()).filter(|id| !shared.contains(id)),
                path,
            });
        }
        // Every account has an inbox (RFC 3501 section 5.1). A listing without it is cut short.
        if !folders.iter().any(|folder| folder.path.is_inbox()) {
            return Err(Error::new(Code::ListingIncomplete, Scope::Account, Retry::Soon)
                .with("host", &conn.host)
                .with("folder", "INBOX")
                .with("listed", folders.len())
                .with("exists", "?"));
        }
        let abilities = abilities(conn, &names.namespace);
        Ok((Listing { folders, abilities, withheld: None }, names))
    }
}

/// Is any name below this one listed, be it a folder or not?
fn lists_below(folders: &BTreeMap<WireName, Attributes>, name: &WireName, delimiter: Option<u8>) -> bool {
    let prefix: WireName = name.iter().copied().chain(delimiter).collect();
    folders.range(prefix.clone()..).next().is_some_and(|(first, _)| first.starts_with(&prefix) && *first != prefix)
}

/// Reads `(attributes) delimiter name`.
fn listed(mut rest: Tokens<'_>) -> Option<(Tokens<'_>, Option<u8>, WireName)> {
    let mut attributes = rest;
    if !attributes.open() || !rest.skip_value() {
        return None;
    }
    let delimiter = rest.next()?.string().and_then(|delimiter| delimiter.first().copied());
    let name = name(&mut rest)?;
    // The list of attributes ends where its parenthesis closes.
    Some((Tokens::new(until_close(attributes)), delimiter, name))
}

fn until_close(list: Tokens<'_>) -> &[u8] {
    let whole = list.rest();
    let end = whole.iter().position(|byte| *byte == b')').unwrap_or(whole.len());
    whole.get(..end).unwrap_or_default()
}

/// A mailbox name; one that is spelled `NIL` is a name too.
fn name(rest: &mut Tokens<'_>) -> Option<WireName> {
    match rest.next()? {
        Token::Atom(name) => Some(Bytes::copy_from_slice(name)),
        other => other.string().map(|name| Bytes::copy_from_slice(&name)),
    }
}

/// Asks for the UIDVALIDITY of one folder; 0 where the server does not tell.
///
/// # Errors
/// `FolderGone`, `FolderCannotOpen`.
pub async fn validity(conn: &mut Connection, name: &WireName) -> Result<u32> {
    let command = Command::new("STATUS", Request::Open).string(name, conn.literals()).raw("(UIDVALIDITY)");
    let mut validity = 0;
    conn.done(command, &mut |_, response| {
        if let Some((_, cursor, _)) = response.data("STATUS").and_then(status) {
            validity = cursor.validity;
        }
        Ok(())
    })
    .await?;
    Ok(validity)
}

/// Reads `name (MESSAGES 1 UIDNEXT 2 ...)`; `None` without a UIDVALIDITY, and for a line that is not whole: what stands
/// in its other half is not known.
#[must_use]
pub fn status(mut rest: Tokens<'_>) -> Option<(WireName, Cursor, Option<String>)> {
    let name = name(&mut rest)?;
    let (mut cursor, mut id) = (Cursor::covering_nothing(0), None);
    if !rest.open() {
        return None;
    }
    loop {
        let item = match rest.next()? {
            Token::Atom(item) => item,
            Token::Close if rest.next().is_none() => break,
            _ => return None,
        };
        let value = rest;
        if !rest.skip_value() {
            return None;
        }
        let number = |mut value: Tokens<'_>| value.next().and_then(Token::number).unwrap_or(0);
        let short = |value| u32::try_from(number(value)).unwrap_or(0);
        match item.to_ascii_uppercase().as_slice() {
            b"MESSAGES" => cursor.exists = short(value),
            b"UIDNEXT" => cursor.uidnext = short(value),
            b"UIDVALIDITY" => cursor.validity = short(value),
            b"HIGHESTMODSEQ" => cursor.modseq = number(value),
            b"MAILBOXID" => id = object_id(value),
            _ => {}
        }
    }
    (cursor.validity > 0).then_some((name, cursor, id))
}

/// Reads `(id)`. What is no objectid (RFC 8474 section 7) identifies nothing: Cyrus 3.6 tells whatever bytes lie in its
/// memory.
pub fn object_id(mut value: Tokens<'_>) -> Option<String> {
    if !value.open() {
        return None;
    }
    let id = value.next()?.string()?;
    let plain = id.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    let whole = matches!(value.next(), Some(Token::Close));
    (plain && whole && (1..=255).contains(&id.len())).then(|| String::from_utf8_lossy(&id).into_owned())
}

/// Ids that several folders have: they tell nothing about any of them.
fn shared_ids<'a>(ids: impl Iterator<Item = &'a String>) -> HashSet<String> {
    let mut seen = HashSet::new();
    ids.filter(|id| !seen.insert(*id)).cloned().collect()
}

fn abilities(conn: &Connection, namespace: &Namespace) -> Abilities {
    let quirks = &conn.quirks;
    let mut forbidden = quirks.forbidden_in_names.clone();
    forbidden.extend(
        namespace.delimiters().map(char::from).filter(|delimiter| !quirks.forbidden_in_names.contains(delimiter)),
    );
    Abilities {
        tells_vanished: conn.ext.qresync,
        moves_in_one_step: conn.ext.move_messages,
        tells_new_uids: conn.ext.uidplus,
        keeps_bytes: quirks.keeps_bytes,
        lists_every_folder: quirks.product != Product::Exchange,
        case_sensitive: quirks.case_sensitive,
        forbidden_in_names: forbidden,
        batch_items: if conn.ext.multiappend { quirks.batch_items } else { 1 },
        batch_bytes: quirks.batch_bytes,
        batches_under_way: quirks.depth,
        append_limit: conn.caps.append_limit(),
        renames_roles: quirks.product == Product::Exchange,
        sends_receipts: quirks.sends_receipts,
        shallow_flags: quirks.shallow_flags,
        recovery_grace_ms: quirks.recovery_grace_ms,
        index_lag_ms: quirks.index_lag_ms,
        round_trip_ms: u32::try_from(conn.round_trip.as_millis()).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_opened_is_listed_all_the_same() {
        let names = ["a", "a b", "a-b/c", "d", "d/e", "f", "f/g/h"];
        let unselectable = || Attributes { unselectable: true, ..Attributes::default() };
        let listed = names.map(|name| (WireName::from_static(name.as_bytes()), unselectable())).into_iter().collect();
        let below = |name: &'static str| lists_below(&listed, &WireName::from_static(name.as_bytes()), Some(b'/'));
        assert_eq!(["a", "d", "f", "f/g"].map(below), [false, true, true, true]);
    }

    fn told(line: &[u8]) -> Option<(Cursor, Option<String>)> {
        status(Tokens::new(line)).map(|(_, cursor, id)| (cursor, id))
    }

    #[test]
    fn only_a_plain_id_is_believed() {
        let cursor = Cursor { validity: 7, uidnext: 4, modseq: 9, exists: 3 };
        let line = |id: &[u8]| {
            [&b"INBOX (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 7 MAILBOXID "[..], id, b" HIGHESTMODSEQ 9)"].concat()
        };
        let longest = "x".repeat(255);
        for id in ["F-1_a", "paxaawqprwfg07qbws2elk11", &longest] {
            assert_eq!(told(&line(format!("({id})").as_bytes())), Some((cursor, Some(id.to_owned()))));
        }
        let too_long = format!("({longest}x)");
        let garbage: [&[u8]; 9] = [
            b"(\xb0\xc5\xe5\x87\xdfU)",
            b"(\x00\x01)",
            b"()",
            b"NIL",
            b"(a b)",
            b"(a+b)",
            b"(\"a\\\"b\")",
            b"\xff",
            too_long.as_bytes(),
        ];
        for id in garbage {
            assert_eq!(told(&line(id)), Some((cursor, None)), "{}", id.escape_ascii());
        }
    }

    #[test]
    fn half_a_line_is_not_believed() {
        for line in [
            &b"INBOX (UIDVALIDITY 7 MAILBOXID (\xb0(\xd9) HIGHESTMODSEQ 9)"[..],
            b"INBOX (UIDVALIDITY 7 MAILBOXID (a)\xb0) HIGHESTMODSEQ 9)",
            b"INBOX (UIDVALIDITY 7 MAILBOXID (a\"b) HIGHESTMODSEQ 9)",
            b"INBOX (UIDVALIDITY 7 MAILBOXID (a",
            b"INBOX (UIDVALIDITY 7",
            b"INBOX",
            b"INBOX (MESSAGES 3)",
        ] {
            assert_eq!(told(line), None, "{}", line.escape_ascii());
        }
    }
}
