//! `parom calendar archive`: versions of events that were given up or overwritten, to be found, saved and put back.

use super::super::status::ago;
use crate::calendars::{Calendars, Put};
use crate::cli::{CalendarArchive, CalendarArchiveGet, CalendarArchiveItem, CalendarShow};
use crate::commands::parked::accounts;
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::{Failure, shortened, side_key};
use crate::i18n::Texts;
use crate::message::Message;
use crate::state::{self, Access};
use crate::table::Table;
use crate::{output, progress, stop};
use parom_calendar::label;
use parom_domain::agenda::Label;
use parom_store::{Account, ArchiveEntry, ArchiveItem, Store};
use serde_json::{Value as Json, json};
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

pub fn run(command: &CalendarArchive, config: &Config, texts: &Arc<Texts>) -> Result<Exit, Failure> {
    match command {
        CalendarArchive::List(args) => list(args, config, texts),
        CalendarArchive::Get(args) => get(args, config, texts),
        CalendarArchive::Restore(args) => restore(args, config, texts),
    }
}

/// An entry of the list.
struct Listed {
    account: String,
    entry: ArchiveEntry,
    label: Label,
}

fn list(args: &CalendarShow, config: &Config, texts: &Texts) -> Result<Exit, Failure> {
    let found = state::with(config, Access::Read, async |store| {
        let mut found = Vec::new();
        for account in accounts(store, &args.accounts).await? {
            for entry in store.archive(account.id).await? {
                // One text after the other is in memory, and none stays.
                let item = store.archived(account.id, entry.number).await?;
                let label = item.map(|item| label::of_broken(item.text.as_bytes())).unwrap_or_default();
                found.push(Listed { account: account.address.clone(), entry, label });
            }
        }
        Ok(found)
    })?;
    if args.json {
        output::print_json(found.iter().map(object))?;
    } else if found.is_empty() {
        output::print(&format!("{}\n", texts.text("calendar-archive-none")))?;
    } else {
        output::print(&table(&found, state::now_ms(), texts))?;
    }
    Ok(Exit::Done)
}

fn why(entry: &ArchiveEntry) -> &'static str {
    if entry.is_kept { "overwritten" } else { "given-up" }
}

fn object(Listed { account, entry, label }: &Listed) -> Json {
    json!({
        "account": account,
        "number": entry.number,
        "at_ms": entry.at_ms,
        "uid": entry.uid,
        "title": label.title,
        "day": label.day,
        "side": entry.side.as_str(),
        "why": why(entry),
        "exported": entry.is_exported,
    })
}

fn table(found: &[Listed], now_ms: u64, texts: &Texts) -> String {
    let head = [
        "head-account",
        "head-archive-number",
        "head-archive-when",
        "head-archive-side",
        "head-archive-why",
        "head-archive-day",
        "head-archive-title",
        "head-archive-uid",
    ];
    let mut table = Table::new(head.map(|key| texts.text(key)));
    let told = |part: &Option<String>| part.clone().unwrap_or_else(|| "—".to_owned());
    for Listed { account, entry, label } in found {
        table.row([
            account.clone(),
            entry.number.to_string(),
            ago(entry.at_ms, now_ms, texts),
            texts.text(side_key(entry.side)),
            texts.text(if entry.is_kept { "calendar-archive-overwritten" } else { "calendar-archive-given-up" }),
            told(&label.day),
            told(&label.title),
            shortened(&entry.uid),
        ]);
    }
    table.text()
}

async fn item(store: &Store, wanted: &CalendarArchiveItem) -> Result<(Account, ArchiveItem), Failure> {
    let account = store.account(&wanted.address).await?;
    let item = store.archived(account.id, wanted.number).await?;
    let unknown = || Failure::usage(about("calendar-archive-unknown", wanted));
    Ok((account, item.ok_or_else(unknown)?))
}

fn about(key: &str, wanted: &CalendarArchiveItem) -> Message {
    Message::new(key).with("account", wanted.address.clone()).with("number", wanted.number.to_string())
}

fn get(args: &CalendarArchiveGet, config: &Config, texts: &Texts) -> Result<Exit, Failure> {
    let text = state::with(config, Access::Read, async |store| Ok(item(store, &args.item).await?.1.text))?;
    let Some(file) = &args.out else {
        output::print(&text)?;
        return Ok(Exit::Done);
    };
    save(file, &text).map_err(|error| {
        let message = Message::new("calendar-archive-unsaved").with("file", file.display().to_string());
        Failure::usage(message.with("detail", error.to_string()))
    })?;
    let message = Message::new("calendar-archive-saved").with("file", file.display().to_string());
    output::print(&format!("{}\n", texts.say(&message)))?;
    Ok(Exit::Done)
}

/// Somebody's plans are nobody else's to read, and a file that is there is not overwritten.
fn save(file: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(file)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn restore(args: &CalendarArchiveItem, config: &Config, texts: &Arc<Texts>) -> Result<Exit, Failure> {
    let put = state::with(config, Access::Write, async |store| {
        let (account, item) = item(store, args).await?;
        let said = texts.clone();
        let stop = stop::listen(move || eprintln!("{}", said.text("stopping")))?;
        let calendars = Calendars::new(config, store, progress::show(None, texts.clone()), stop, false)?;
        Ok(calendars.restore(&account, &item).await?)
    })?;
    match put {
        Put::Back => {
            output::print(&format!("{}\n", texts.explain(&about("calendar-archive-restored", args))))?;
            Ok(Exit::Done)
        }
        Put::InTheWay => Err(Failure::usage(about("calendar-archive-in-the-way", args))),
        Put::Nowhere => Err(Failure::usage(about("calendar-archive-nowhere", args))),
    }
}
