//! `parom calendar status`: what each account's calendar link does, and how its last pass ended.

use super::super::status::ago;
use super::mode_key;
use crate::calendars::{self, Linked};
use crate::cli::CalendarShow;
use crate::commands::parked::accounts;
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::{Failure, stored};
use crate::i18n::Texts;
use crate::message::Message;
use crate::output;
use crate::state::{self, Access};
use crate::table::Table;
use parom_domain::events::guard::KEY_PREFIX;
use parom_domain::events::policy::CalendarMode;
use parom_domain::state::PassSummary;
use serde_json::{Value as Json, json};
use std::collections::{HashMap, HashSet};

pub fn run(args: &CalendarShow, config: &Config, texts: &Texts) -> Result<Exit, Failure> {
    let rows = state::with(config, Access::Read, async |store| {
        let mut summaries: HashMap<_, _> = store.calendar_summaries().await?.into_iter().collect();
        let linked: HashMap<_, _> = store.linked_events().await?.into_iter().collect();
        let held = store.held(None).await?.into_iter();
        let held = held.filter(|(_, held)| !held.released && held.key.starts_with(KEY_PREFIX));
        let held: HashSet<_> = held.map(|(account, _)| account).collect();
        let chosen = accounts(store, &args.accounts).await?;
        let chosen = calendars::linked(config, store, chosen).await?.into_iter();
        Ok(chosen
            .map(|link| Row {
                summary: summaries.remove(&link.account.id),
                held: held.contains(&link.account.id),
                events: linked.get(&link.account.id).copied().unwrap_or_default(),
                link,
            })
            .collect::<Vec<_>>())
    })?;
    if args.json {
        output::print_json(rows.iter().map(|row| row.json(texts)))?;
    } else if rows.is_empty() {
        output::print(&format!("{}\n", texts.explain(&Message::new("account-none"))))?;
    } else {
        output::print(&text(&rows, state::now_ms(), texts))?;
    }
    Ok(Exit::Done)
}

struct Row {
    link: Linked,
    /// `None` before the first pass.
    summary: Option<PassSummary>,
    /// A brake holds something back.
    held: bool,
    /// Events that are on both sides.
    events: u64,
}

impl Row {
    /// What one word says of it, for programs and for people.
    fn standing(&self) -> (&'static str, &'static str) {
        match &self.summary {
            _ if !self.link.account.enabled || self.link.mode == CalendarMode::Off => ("off", "standing-off"),
            None => ("new", "standing-new"),
            Some(_) if self.held => ("held", "standing-held"),
            Some(PassSummary { error: Some(_), .. }) => ("failed", "standing-failed"),
            Some(summary) if summary.is_ok() => ("in-step", "standing-in-step"),
            Some(_) => ("unsettled", "standing-unsettled"),
        }
    }

    /// What went wrong in the last pass.
    fn why(&self) -> Option<Message> {
        let (code, args) = self.summary.as_ref()?.error.as_ref()?;
        let named = args.iter().cloned().chain([("account".to_owned(), self.link.account.address.clone())]);
        Some(stored(code, &named.collect::<Vec<_>>()))
    }

    fn json(&self, texts: &Texts) -> Json {
        let summary = self.summary.clone().unwrap_or_default();
        json!({
            "account": self.link.account.address,
            "mode": self.link.mode.as_str(),
            "standing": self.standing().0,
            "at_ms": self.summary.as_ref().map(|summary| summary.at_ms),
            "last_ok_ms": summary.last_ok_ms,
            "calendars": summary.folders,
            "events": self.events,
            "parked": summary.parked,
            "code": summary.error.as_ref().map(|(code, _)| code),
            "text": self.why().map(|why| texts.say(&why)),
        })
    }
}

fn text(rows: &[Row], now_ms: u64, texts: &Texts) -> String {
    let head = [
        "head-account",
        "head-calendar-mode",
        "head-standing",
        "head-calendars",
        "head-events",
        "head-parked",
        "head-last-ok",
    ];
    let mut table = Table::new(head.map(|key| texts.text(key)));
    let dash = || "—".to_owned();
    for row in rows {
        let number =
            |of: fn(&PassSummary) -> u64| row.summary.as_ref().map_or_else(dash, |summary| of(summary).to_string());
        table.row([
            row.link.account.address.clone(),
            texts.text(mode_key(row.link.mode)),
            texts.text(row.standing().1),
            number(|summary| u64::from(summary.folders)),
            row.events.to_string(),
            number(|summary| summary.parked),
            row.summary.as_ref().and_then(|summary| summary.last_ok_ms).map_or_else(dash, |at| ago(at, now_ms, texts)),
        ]);
    }
    let mut text = table.text();
    for row in rows {
        if let Some(why) = row.why() {
            text.push_str(&format!("\n{}: {}\n", row.link.account.address, texts.explain(&why)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;
    use parom_domain::state::AccountId;
    use parom_store::Account;

    #[test]
    fn every_standing_of_a_link_is_told_with_its_cause() {
        let row = |address: &str, mode, last_ok_ms: Option<u64>, code: Option<&str>| {
            let account = Account { address: address.to_owned(), ..Account::new(AccountId(1)) };
            let args = vec![("host".to_owned(), "ews.example".to_owned())];
            let error = code.map(|code| (code.to_owned(), args));
            let summary = PassSummary { at_ms: 1000, last_ok_ms, error, ..PassSummary::default() };
            let summary = Some(summary).filter(|_| !address.starts_with("new"));
            Row {
                link: Linked { account, mode, is_switched_off: false },
                summary,
                held: address.starts_with("held"),
                events: 3,
            }
        };
        let rows = [
            row("off@x", CalendarMode::Off, Some(1000), None),
            row("new@x", CalendarMode::Sync, None, None),
            row("ok@x", CalendarMode::Subscribe, Some(1000), None),
            row("more@x", CalendarMode::Subscribe, Some(900), None),
            row("bad@x", CalendarMode::Sync, None, Some("host-not-found")),
            row("held@x", CalendarMode::Sync, Some(1000), None),
        ];
        let standings: Vec<&str> = rows.iter().map(|row| row.standing().0).collect();
        assert_eq!(standings, ["off", "new", "in-step", "unsettled", "failed", "held"]);
        for lang in Lang::ALL {
            let texts = Texts::new(lang);
            let text = text(&rows, 61_000, &texts);
            assert!(text.contains("\nbad@x: ") && text.contains("ews.example"), "{text}");
            assert_eq!(rows[2].json(&texts)["mode"], "subscribe");
        }
    }
}
