//! `parom parked`: messages and events that could not be carried as they are, why, and what helps.

use super::status::ago;
use crate::calendars;
use crate::cli::Parked as Args;
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::{self, Failure, side_key};
use crate::i18n::Texts;
use crate::message::Message;
use crate::output;
use crate::state::{self, Access};
use parom_domain::FolderPath;
use parom_domain::events::policy::CalendarMode;
use parom_domain::events::state::{AgendaChange, ParkedEvent};
use parom_domain::state::{Change, Parked};
use parom_store::{Account, Store};
use serde_json::json;
use std::collections::BTreeSet;

/// As long as marking takes, and a good deal more.
const LEASE_MS: u64 = 60_000;

pub fn run(args: &Args, config: &Config, texts: &Texts) -> Result<Exit, Failure> {
    let access = if args.retry { Access::Write } else { Access::Read };
    let (found, events) = state::with(config, access, async |store| {
        let (mut found, mut events) = (Vec::new(), Vec::new());
        for account in accounts(store, &args.account).await? {
            let linked = calendars::linked(config, store, vec![account.clone()]).await?;
            let is_off = linked.iter().any(|linked| linked.mode == CalendarMode::Off);
            let known = store.load(account.id).await?;
            let agenda = store.load_agenda(account.id).await?;
            if known.parked.is_empty() && agenda.parked.is_empty() {
                continue;
            }
            if args.retry {
                retry(store, &account, &known.parked, &agenda.parked).await?;
            }
            for parked in agenda.parked {
                let pair = agenda.calendars.iter().find(|pair| pair.number == parked.calendar);
                let calendar = pair.map_or_else(String::new, |pair| pair.name().to_owned());
                events.push(FoundEvent { account: account.address.clone(), calendar, is_off, parked });
            }
            for parked in known.parked {
                let pair = known.folders.iter().find(|pair| pair.id == parked.folder);
                let folder = pair.and_then(|pair| pair.paths[parked.side].as_ref()).map(FolderPath::to_string);
                found.push(Found { account: account.address.clone(), folder: folder.unwrap_or_default(), parked });
            }
        }
        Ok((found, events))
    })?;
    if args.json {
        let events = events.iter().map(|found| found.json(texts));
        output::print_json(found.iter().map(|found| found.json(texts)).chain(events))?;
    } else if found.is_empty() && events.is_empty() {
        output::print(&format!("{}\n", texts.text("parked-none")))?;
    } else if args.retry {
        for (key, count) in [("parked-retried", found.len()), ("parked-events-retried", events.len())] {
            if count > 0 {
                output::print(&format!("{}\n", texts.explain(&Message::new(key).with("count", count))))?;
            }
        }
    } else {
        let now_ms = state::now_ms();
        let events = events.iter().map(|found| found.text(now_ms, texts));
        output::print(&found.iter().map(|found| found.text(now_ms, texts)).chain(events).collect::<String>())?;
    }
    Ok(Exit::Done)
}

/// The named accounts, or all.
pub async fn accounts(store: &Store, addresses: &[String]) -> Result<Vec<Account>, Failure> {
    if addresses.is_empty() {
        return Ok(store.accounts().await?);
    }
    let mut accounts = Vec::new();
    for address in addresses {
        accounts.push(store.account(address).await?);
    }
    Ok(accounts)
}

/// Why nobody is worked on, though all of these might be.
pub fn nobody(accounts: &[Account]) -> Message {
    match accounts.first() {
        Some(first) => Message::new("account-all-off").with("account", first.address.clone()),
        None => Message::new("account-none"),
    }
}

/// Forgets that these are parked. The cursors of their folders and calendars go too, so that the next pass looks at
/// everything there: what does not change would not be seen otherwise.
async fn retry(store: &Store, account: &Account, parked: &[Parked], events: &[ParkedEvent]) -> Result<(), Failure> {
    let Some(lease) = store.acquire(account.id, state::OWNER, state::now_ms(), LEASE_MS).await? else {
        return Err(Failure::new(Exit::State, Message::new("parked-busy").with("account", account.address.clone())));
    };
    let places: BTreeSet<_> = parked.iter().map(|parked| (parked.folder, parked.side)).collect();
    let unpark = parked.iter().map(|Parked { folder, side, uid, .. }| Change::Unpark {
        folder: *folder,
        side: *side,
        uid: *uid,
    });
    let look = places.into_iter().map(|(folder, side)| Change::SetCursor { folder, side, cursor: None });
    store.commit(&lease, unpark.chain(look).collect()).await?;
    let places: BTreeSet<_> = events.iter().map(|parked| (parked.calendar, parked.side)).collect();
    let unpark = events.iter().map(|ParkedEvent { calendar, side, handle, .. }| AgendaChange::Unpark {
        calendar: *calendar,
        side: *side,
        handle: handle.clone(),
    });
    let look = places.into_iter().map(|(calendar, side)| AgendaChange::SetToken { calendar, side, token: None });
    store.commit_agenda(&lease, unpark.chain(look).collect()).await?;
    Ok(store.release(lease).await?)
}

struct Found {
    account: String,
    folder: String,
    parked: Parked,
}

impl Found {
    fn why(&self) -> Message {
        failure::parked(&self.parked, &self.account, &self.folder)
    }

    fn text(&self, now_ms: u64, texts: &Texts) -> String {
        let head = Message::new("parked-head")
            .with("account", self.account.clone())
            .with("side", Message::new(side_key(self.parked.side)))
            .with("folder", self.folder.clone())
            .with("uid", self.parked.uid.to_string())
            .with("since", ago(self.parked.since_ms, now_ms, texts));
        let why = texts.explain(&self.why()).replace('\n', "\n  ");
        format!("{}\n    {}\n", texts.say(&head), why)
    }

    fn json(&self, texts: &Texts) -> serde_json::Value {
        let why = self.why();
        json!({
            "account": self.account,
            "side": self.parked.side.as_str(),
            "folder": self.folder,
            "uid": self.parked.uid.get(),
            "since_ms": self.parked.since_ms,
            "code": self.parked.code,
            "text": texts.say(&why),
            "fix": texts.part(&why, "fix"),
        })
    }
}

struct FoundEvent {
    account: String,
    calendar: String,
    /// Nothing is done with the account's calendars, whatever would help this event.
    is_off: bool,
    parked: ParkedEvent,
}

impl FoundEvent {
    fn why(&self) -> Message {
        failure::parked_event(&self.parked, &self.account, &self.calendar)
    }

    fn text(&self, now_ms: u64, texts: &Texts) -> String {
        let (label, file) = (self.parked.label(), failure::file(&self.parked));
        let event = failure::event_or_file(&label, self.parked.uid.as_deref(), file);
        let head = Message::new("parked-event-head")
            .with("account", self.account.clone())
            .with("side", Message::new(side_key(self.parked.side)))
            .with("calendar", self.calendar.clone())
            .with("event", event)
            .with("since", ago(self.parked.since_ms, now_ms, texts));
        let mut why = texts.explain(&self.why());
        if self.is_off {
            let off = Message::new("parked-event-off").with("account", self.account.clone());
            why.push_str(&format!("\n{}", texts.explain(&off)));
        }
        format!("{}\n    {}\n", texts.say(&head), why.replace('\n', "\n  "))
    }

    fn json(&self, texts: &Texts) -> serde_json::Value {
        let why = self.why();
        let label = self.parked.label();
        json!({
            "account": self.account,
            "side": self.parked.side.as_str(),
            "calendar": self.calendar,
            "uid": self.parked.uid,
            "title": label.title,
            "day": label.day,
            "since_ms": self.parked.since_ms,
            "code": self.parked.code,
            "text": texts.say(&why),
            "fix": texts.part(&why, "fix"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;
    use parom_domain::agenda::Handle;
    use parom_domain::events::CalendarNumber;
    use parom_domain::{Code, Side};

    #[test]
    fn what_helps_an_event_helps_only_where_calendars_are_on() {
        let text = |is_off| {
            let parked = ParkedEvent {
                calendar: CalendarNumber(0),
                side: Side::Target,
                handle: Handle("/a.ics".into()),
                version: None,
                uid: Some("u1".to_owned()),
                code: Code::EventDoubled.as_str().to_owned(),
                args: Vec::new(),
                since_ms: 0,
                until_ms: None,
            };
            let found = FoundEvent { account: "anna@a".to_owned(), calendar: "Work".to_owned(), is_off, parked };
            found.text(0, &Texts::new(Lang::En))
        };
        assert!(
            text(false).contains("parom calendar sync anna@a") && !text(false).contains("are off"),
            "{}",
            text(false)
        );
        assert!(text(true).contains("The calendars of anna@a are off"), "{}", text(true));
        assert!(text(true).contains("parom calendar subscribe anna@a"), "{}", text(true));
    }
}
