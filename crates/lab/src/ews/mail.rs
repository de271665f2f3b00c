//! Mail of the simulated Exchange, seen over EWS: folders, and messages with their MIME content, their subject, when they came, and
//! the number by which IMAP knows them (PidTagInternetArticleNumber, [MS-OXPROPS]). It is looked at anew for each request, so that one
//! mailbox is seen both ways. Only what our kind of client asks for: nothing is written here.

use super::ids::{self, Id};
use super::paths::Path;
use super::query;
use super::site::Call;
use super::soap::{Refusal, success};
use super::time;
use super::xml::{Element, m, t, tt};
use crate::server::Seen;
use crate::server::message::field;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use parom_domain::FolderPath;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Gives the mail of the mailbox with this address.
pub type Mail = Arc<dyn Fn(&str) -> BTreeMap<FolderPath, Vec<Seen>> + Send + Sync>;

/// A message as EWS shows it.
#[derive(Clone, Debug)]
pub struct Letter {
    pub number: u64,
    mailbox: u32,
    folder: u64,
    path: FolderPath,
    uid: u32,
    date_s: i64,
    bytes: Bytes,
}

/// PidTagInternetArticleNumber.
const ARTICLE: u16 = 0x0E23;

/// Looks at the mail of the mailbox that the call is about.
pub fn refresh(call: &mut Call<'_>) {
    let Some((mail, mailbox)) = call.state.mail.clone().zip(call.mailbox) else { return };
    let Some(address) = call.state.mailbox(mailbox).map(|place| place.user.address.clone()) else { return };
    let mut old: BTreeMap<(FolderPath, u32), u64> = BTreeMap::new();
    call.state.letters.retain(|letter| {
        let is_its = letter.mailbox == mailbox;
        if is_its {
            old.insert((letter.path.clone(), letter.uid), letter.number);
        }
        !is_its
    });
    for (path, messages) in mail(&address) {
        let Some(folder) = folder(call, mailbox, &path) else { continue };
        for Seen { uid, bytes, date, .. } in messages {
            let known = old.get(&(path.clone(), uid)).copied();
            let number = known.unwrap_or_else(|| call.state.number());
            let path = path.clone();
            call.state.letters.push(Letter { number, mailbox, folder, path, uid, date_s: date.unix_s, bytes });
        }
    }
}

/// The folder at this path, made if need be.
fn folder(call: &mut Call<'_>, mailbox: u32, path: &FolderPath) -> Option<u64> {
    let place = call.state.mailbox(mailbox)?;
    let (mut at, mut names) = (place.standard_number("msgfolderroot"), path.segments());
    if names.first().is_some_and(|name| name == "INBOX") {
        at = place.standard_number("inbox");
        names = names.get(1..).unwrap_or_default();
    }
    for name in names {
        let there = call.state.mailbox(mailbox)?.folders.values();
        let there = there.filter(|folder| folder.parent == Some(at)).find(|folder| folder.name == *name);
        at = match there.map(|folder| folder.number) {
            Some(number) => number,
            None => call.state.make_folder(mailbox, at, name, "IPF.Note", call.now_s)?,
        };
    }
    Some(at)
}

/// What `FindItem` finds in a folder of mail; `None` where the folder has none.
pub fn find(call: &Call<'_>, request: &Element, mailbox: u32, folder: u64) -> Option<Result<Element, Refusal>> {
    let all: Vec<&Letter> =
        call.state.letters.iter().filter(|letter| (letter.mailbox, letter.folder) == (mailbox, folder)).collect();
    if all.is_empty() {
        return None;
    }
    let mut found = Vec::new();
    for letter in all {
        let holds = match request.child("Restriction") {
            Some(restriction) => query::holds(restriction, call.level, &|path| look(letter, path)),
            None => Ok(true),
        };
        match holds {
            Ok(true) => found.push(letter),
            Ok(false) => {}
            Err(refused) => return Some(Err(refused)),
        }
    }
    let shown = found.iter().map(|letter| t("Message").with(letter.id()));
    let root = m("RootFolder")
        .set("IndexedPagingOffset", found.len())
        .set("TotalItemsInView", found.len())
        .set("IncludesLastItemInRange", true)
        .with(t("Items").with_all(shown));
    Some(Ok(success("FindItem").with(root)))
}

/// What `GetItem` shows of a message; `None` where the id is of none.
pub fn get(call: &Call<'_>, id: &Element, request: &Element) -> Option<Element> {
    let (mailbox, Id::Item(number)) = Id::read(id.attribute("Id")?)? else { return None };
    let is_it =
        |letter: &&Letter| (letter.mailbox, letter.number) == (mailbox, number) && call.mailbox == Some(mailbox);
    let letter = call.state.letters.iter().find(is_it)?;
    let shape = request.child("ItemShape");
    let mut shown = t("Message");
    if shape.and_then(|shape| shape.text_of("IncludeMimeContent")).is_some_and(|text| text.trim() == "true") {
        shown.children.push(tt("MimeContent", STANDARD.encode(&letter.bytes)).set("CharacterSet", "UTF-8"));
    }
    let asked = |uri: &str| {
        let paths = shape.map_or(&[][..], |shape| shape.list("AdditionalProperties"));
        paths.iter().any(|path| path.attribute("FieldURI") == Some(uri))
    };
    shown.children.push(letter.id());
    if asked("item:Subject") {
        shown.children.push(tt("Subject", letter.subject()));
    }
    if asked("item:DateTimeReceived") {
        shown.children.push(tt("DateTimeReceived", time::written_utc(letter.date_s)));
    }
    Some(success("GetItem").with(m("Items").with(shown)))
}

fn look(letter: &Letter, path: &Path) -> Option<String> {
    match path {
        Path::Extended(key, _) if key.set == "tag" && key.id == ARTICLE.to_string() => Some(letter.uid.to_string()),
        Path::Field(field) if field.name == "DateTimeReceived" => Some(time::written_utc(letter.date_s)),
        Path::Field(field) if field.name == "Subject" => Some(letter.subject()),
        _ => None,
    }
}

impl Letter {
    fn id(&self) -> Element {
        t("ItemId").set("Id", Id::Item(self.number).written(self.mailbox)).set("ChangeKey", ids::change_key(1))
    }

    /// With its encoded words decoded, those of UTF-8 at least.
    fn subject(&self) -> String {
        let raw = String::from_utf8_lossy(field(&self.bytes, "Subject").unwrap_or_default()).replace("\r\n", "");
        let words: Vec<String> =
            raw.split_whitespace().map(|word| decoded(word).unwrap_or_else(|| word.to_owned())).collect();
        words.join(" ")
    }
}

fn decoded(word: &str) -> Option<String> {
    let inner = word.strip_prefix("=?")?.strip_suffix("?=")?;
    let mut parts = inner.splitn(3, '?');
    let (charset, encoding, text) = (parts.next()?, parts.next()?, parts.next()?);
    let is_base64 = charset.eq_ignore_ascii_case("utf-8") && encoding.eq_ignore_ascii_case("b");
    String::from_utf8(STANDARD.decode(text).ok()?).ok().filter(|_| is_base64)
}
