//! Mail of the simulated Exchange, seen over EWS: folders, and messages with their MIME content, their marks, when they came, and
//! the number by which IMAP knows them (PidTagInternetArticleNumber, [MS-OXPROPS]). It is looked at anew for each request, so that one
//! mailbox is seen both ways. Only what our kind of client asks for; what is written is in `mail_write.rs`.

use super::ids::{self, Id};
use super::op::find_item::page;
use super::paths::{self, Path};
use super::query;
use super::site::Call;
use super::soap::{Refusal, success};
use super::time;
use super::xml::{Element, m, t, tt};
use crate::server::message::field;
use crate::server::{Hands, Seen};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use parom_domain::FolderPath;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Gives the mail of the mailbox with this address.
pub type Mail = Arc<dyn Fn(&str) -> BTreeMap<FolderPath, Vec<Seen>> + Send + Sync>;

/// Gives the mailbox with this address itself: what is written over EWS is written there.
pub type SharedMail = Arc<dyn Fn(&str) -> Option<Hands> + Send + Sync>;

/// A message as EWS shows it.
#[derive(Clone, Debug)]
pub struct Letter {
    pub number: u64,
    pub mailbox: u32,
    pub folder: u64,
    pub uid: u32,
    date_s: i64,
    pub bytes: Bytes,
    flags: Vec<String>,
}

/// PidTagInternetArticleNumber, PidTagFlagStatus, PidTagLastVerbExecuted.
const ARTICLE: u16 = 0x0E23;
pub const FLAG_STATUS: u16 = 0x1090;
pub const LAST_VERB: u16 = 0x1081;

/// The mailbox that the call is about, where it is shared.
pub fn hands(call: &Call<'_>) -> Option<Hands> {
    let place = call.state.mailbox(call.mailbox?)?;
    call.state.shared_mail.as_ref()?(&place.user.address)
}

/// Looks at the mail of the mailbox that the call is about.
pub fn refresh(call: &mut Call<'_>) {
    let Some(mailbox) = call.mailbox else { return };
    let Some(address) = call.state.mailbox(mailbox).map(|place| place.user.address.clone()) else { return };
    let seen: Vec<(u64, Vec<Seen>)> = if let Some(hands) = hands(call) {
        follow(call, mailbox, &hands)
    } else if let Some(mail) = call.state.mail.clone() {
        let all = mail(&address).into_iter();
        all.filter_map(|(path, messages)| Some((folder(call, mailbox, &path, &BTreeSet::new())?, messages))).collect()
    } else {
        return;
    };
    let mut old: BTreeMap<(u64, u32), u64> = BTreeMap::new();
    call.state.letters.retain(|letter| {
        let is_its = letter.mailbox == mailbox;
        if is_its {
            old.insert((letter.folder, letter.uid), letter.number);
        }
        !is_its
    });
    for (folder, messages) in seen {
        for Seen { uid, bytes, date, flags } in messages {
            let known = old.get(&(folder, uid)).copied();
            let number = known.unwrap_or_else(|| call.state.number());
            call.state.letters.push(Letter { number, mailbox, folder, uid, date_s: date.unix_s, bytes, flags });
        }
    }
}

/// Brings the folders to where they are in the shared mailbox: a folder keeps its id under whatever name.
fn follow(call: &mut Call<'_>, mailbox: u32, hands: &Hands) -> Vec<(u64, Vec<Seen>)> {
    let there = hands.identified();
    let alive: BTreeSet<u64> = there.iter().map(|(_, id, _)| *id).collect();
    let is_dead = |(of, id): &(u32, u64)| *of == mailbox && !alive.contains(id);
    let dead: Vec<(u32, u64)> = call.state.shared_folders.keys().filter(|key| is_dead(key)).copied().collect();
    for key in dead {
        if let Some(number) = call.state.shared_folders.remove(&key) {
            call.state.remove_folder(mailbox, number, call.now_s);
        }
    }
    let mut seen = Vec::new();
    for (path, id, messages) in there {
        let taken: BTreeSet<u64> = call.state.shared_folders.values().copied().collect();
        let known = call.state.shared_folders.get(&(mailbox, id)).copied();
        let number = match (known, path.parent()) {
            (Some(number), _) if path.is_inbox() => Some(number),
            (Some(number), parent) => {
                let above = match &parent {
                    Some(parent) => folder(call, mailbox, parent, &BTreeSet::new()),
                    None => call.state.mailbox(mailbox).map(|place| place.standard_number("msgfolderroot")),
                };
                if let Some(known) = call.state.mailbox_mut(mailbox).and_then(|place| place.folders.get_mut(&number)) {
                    path.name().clone_into(&mut known.name);
                    known.parent = above;
                }
                Some(number)
            }
            (None, _) => folder(call, mailbox, &path, &taken),
        };
        let Some(number) = number else { continue };
        call.state.shared_folders.insert((mailbox, id), number);
        seen.push((number, messages));
    }
    seen
}

/// The folder at this path, made if need be. The last of the names is that of none of the `taken` ones.
fn folder(call: &mut Call<'_>, mailbox: u32, path: &FolderPath, taken: &BTreeSet<u64>) -> Option<u64> {
    let place = call.state.mailbox(mailbox)?;
    let (mut at, mut names) = (place.standard_number("msgfolderroot"), path.segments());
    if names.first().is_some_and(|name| name == "INBOX") {
        at = place.standard_number("inbox");
        names = names.get(1..).unwrap_or_default();
    }
    let last = names.len();
    for (depth, name) in names.iter().enumerate() {
        let is_free = |number: u64| depth + 1 < last || !taken.contains(&number);
        let there = call.state.mailbox(mailbox)?.folders.values();
        let mut there = there.filter(|folder| folder.parent == Some(at) && folder.name == *name);
        at = match there.find(|folder| is_free(folder.number)).map(|folder| folder.number) {
            Some(number) => number,
            None => call.state.make_folder(mailbox, at, name, "IPF.Note", call.now_s)?,
        };
    }
    Some(at)
}

/// Where a folder of the shared mailbox is there.
pub fn shared_path(call: &Call<'_>, mailbox: u32, folder: u64) -> Option<FolderPath> {
    let is_it = |((of, _), number): &(&(u32, u64), &u64)| *of == mailbox && **number == folder;
    let ((_, id), _) = call.state.shared_folders.iter().find(is_it)?;
    hands(call)?.identified().into_iter().find(|(_, known, _)| known == id).map(|(path, ..)| path)
}

/// The message that an id means, of the mailbox that the call is about.
pub fn letter(call: &Call<'_>, id: &Element) -> Option<Letter> {
    let (mailbox, Id::Item(number)) = Id::read(id.attribute("Id")?)? else { return None };
    let is_it =
        |letter: &&Letter| (letter.mailbox, letter.number) == (mailbox, number) && call.mailbox == Some(mailbox);
    call.state.letters.iter().find(is_it).cloned()
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
            Some(restriction) => query::holds(restriction, call.level, &|path| look(call, letter, path)),
            None => Ok(true),
        };
        match holds {
            Ok(true) => found.push(letter),
            Ok(false) => {}
            Err(refused) => return Some(Err(refused)),
        }
    }
    let total = found.len();
    let (from, to) = page(request.child("IndexedPageItemView"), total, call.state.switches.find_limit);
    let shape = request.child("ItemShape");
    let shown = found.get(from..to).unwrap_or_default().iter().map(|letter| shown(call, letter, shape));
    let root = m("RootFolder")
        .set("IndexedPagingOffset", to)
        .set("TotalItemsInView", total)
        .set("IncludesLastItemInRange", to == total)
        .with(t("Items").with_all(shown));
    Some(Ok(success("FindItem").with(root)))
}

/// What `GetItem` shows of a message; `None` where the id is of none.
pub fn get(call: &Call<'_>, id: &Element, request: &Element) -> Option<Element> {
    let letter = letter(call, id)?;
    let shape = request.child("ItemShape");
    let mut shown = shown(call, &letter, shape);
    let includes =
        shape.and_then(|shape| shape.text_of("IncludeMimeContent")).is_some_and(|text| text.trim() == "true");
    let asked = shape.map_or(&[][..], |shape| shape.list("AdditionalProperties"));
    if includes || asked.iter().any(|path| path.attribute("FieldURI") == Some("item:MimeContent")) {
        let content = tt("MimeContent", STANDARD.encode(&letter.bytes)).set("CharacterSet", "UTF-8");
        shown.children.insert(0, content);
    }
    Some(success("GetItem").with(m("Items").with(shown)))
}

/// In the order of the schema.
fn shown(call: &Call<'_>, letter: &Letter, shape: Option<&Element>) -> Element {
    let asked = shape.map_or(&[][..], |shape| shape.list("AdditionalProperties"));
    let mut shown = t("Message").with(letter.id());
    let mut add = |uri: &str, value: &dyn Fn() -> String| {
        if asked.iter().any(|path| path.attribute("FieldURI") == Some(uri)) {
            shown.children.push(tt(uri.split(':').next_back().unwrap_or_default(), value()));
        }
    };
    add("item:Subject", &|| letter.subject());
    add("item:DateTimeReceived", &|| time::written_utc(letter.date_s));
    add("item:Size", &|| letter.bytes.len().to_string());
    add("item:IsDraft", &|| letter.has("\\Draft").to_string());
    for uri in asked.iter().filter(|path| path.name == "ExtendedFieldURI") {
        let value = paths::read(uri, call.level).ok().and_then(|path| look(call, letter, &path));
        shown.children.extend(value.map(|value| t("ExtendedProperty").with(uri.clone()).with(tt("Value", value))));
    }
    let mut add = |uri: &str, value: bool| {
        if asked.iter().any(|path| path.attribute("FieldURI") == Some(uri)) {
            shown.children.push(tt(uri.split(':').next_back().unwrap_or_default(), value));
        }
    };
    add("message:IsReadReceiptRequested", letter.asks_receipt());
    add("message:IsRead", letter.has("\\Seen"));
    shown
}

fn look(call: &Call<'_>, letter: &Letter, path: &Path) -> Option<String> {
    let tag = |key: &super::item::Key| if key.set == "tag" { key.id.parse::<u16>().ok() } else { None };
    match path {
        Path::Extended(key, _) => match tag(key)? {
            ARTICLE => call.state.switches.numbers_mail.then(|| letter.uid.to_string()),
            FLAG_STATUS => letter.has("\\Flagged").then(|| "2".to_owned()),
            LAST_VERB => letter.has("\\Answered").then(|| "102".to_owned()),
            _ => None,
        },
        Path::Field(field) if field.name == "DateTimeReceived" => Some(time::written_utc(letter.date_s)),
        Path::Field(field) if field.name == "Subject" => Some(letter.subject()),
        _ => None,
    }
}

impl Letter {
    pub fn id(&self) -> Element {
        t("ItemId").set("Id", Id::Item(self.number).written(self.mailbox)).set("ChangeKey", ids::change_key(1))
    }

    pub fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|known| known.eq_ignore_ascii_case(flag))
    }

    pub fn asks_receipt(&self) -> bool {
        field(&self.bytes, "Disposition-Notification-To").is_some()
    }

    /// With its encoded words decoded, those of UTF-8 at least.
    pub fn subject(&self) -> String {
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
