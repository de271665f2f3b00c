//! `parom status`: how far each account is, and what stands in its way.

use crate::cli::Status;
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::{Failure, hidden, stored};
use crate::i18n::Texts;
use crate::message::{Message, Value};
use crate::output;
use crate::state::{self, Access};
use crate::table::Table;
use crate::wiring::server_name;
use parom_domain::state::PassSummary;
use parom_domain::{FolderPath, Side};
use parom_store::{Account, PaceRecord};
use serde_json::{Value as Json, json};
use std::collections::{HashMap, HashSet};

pub fn run(args: &Status, config: &Config, texts: &Texts) -> Result<Exit, Failure> {
    if args.server {
        return super::server::run(args.json, config, texts);
    }
    let (rows, paces) = state::with(config, Access::Read, async |store| {
        let mut summaries: HashMap<_, _> = store.summaries().await?.into_iter().collect();
        let held = store.held(None).await?.into_iter().filter(|(_, held)| !held.released);
        let held: HashSet<_> = held.map(|(account, _)| account).collect();
        let mut hiding: HashMap<_, Vec<_>> = HashMap::new();
        for (account, side, folder) in store.hiding().await? {
            hiding.entry(account).or_default().push((side, folder));
        }
        let mut rows = Vec::new();
        for account in store.accounts().await? {
            let summary = summaries.remove(&account.id);
            let held = held.contains(&account.id);
            let counts = store.folder_counts(account.id).await?;
            let linked = counts.iter().map(|(_, counts)| counts.linked).sum();
            let hiding = hiding.remove(&account.id).unwrap_or_default();
            rows.push(Row { account, summary, held, linked, hiding });
        }
        let mut paces = store.paces().await?;
        // What is not configured any more concerns nobody.
        let sides = || config.domains.iter().flat_map(|domain| [&domain.sides.source, &domain.sides.target]);
        paces.retain(|pace| sides().any(|side| server_name(side) == pace.server));
        Ok((rows, paces))
    })?;
    let now_ms = state::now_ms();
    if args.json {
        let paces = paces.iter().map(|pace| pace_json(pace, now_ms));
        output::print_json(rows.iter().map(|row| row.json(texts)).chain(paces))?;
        return Ok(Exit::Done);
    }
    if rows.is_empty() {
        output::print(&format!("{}\n", texts.explain(&Message::new("account-none"))))?;
        return Ok(Exit::Done);
    }
    output::print(&format!("{}{}", text(&rows, now_ms, texts), slowed(&paces, now_ms, texts)))?;
    Ok(Exit::Done)
}

struct Row {
    account: Account,
    /// `None` before the first pass.
    summary: Option<PassSummary>,
    /// A brake holds something back.
    held: bool,
    /// Messages that are on both sides, as the state counts them now.
    linked: u64,
    /// Folders in which a server hides others.
    hiding: Vec<(Side, FolderPath)>,
}

/// What one word says of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Off,
    New,
    InStep,
    /// The last pass left something to do.
    Unsettled,
    Held,
    Failed,
}

impl Standing {
    fn as_str(self) -> &'static str {
        match self {
            Standing::Off => "off",
            Standing::New => "new",
            Standing::InStep => "in-step",
            Standing::Unsettled => "unsettled",
            Standing::Held => "held",
            Standing::Failed => "failed",
        }
    }

    fn key(self) -> &'static str {
        match self {
            Standing::Off => "standing-off",
            Standing::New => "standing-new",
            Standing::InStep => "standing-in-step",
            Standing::Unsettled => "standing-unsettled",
            Standing::Held => "standing-held",
            Standing::Failed => "standing-failed",
        }
    }
}

impl Row {
    fn standing(&self) -> Standing {
        match &self.summary {
            _ if !self.account.enabled => Standing::Off,
            None if self.linked == 0 => Standing::New,
            // The first pass was interrupted.
            None => Standing::Unsettled,
            Some(_) if self.held => Standing::Held,
            Some(PassSummary { error: Some(_), .. }) => Standing::Failed,
            Some(summary) if summary.is_ok() => Standing::InStep,
            Some(_) => Standing::Unsettled,
        }
    }

    /// What stopped the last pass.
    fn why(&self) -> Option<Message> {
        let (code, args) = self.summary.as_ref()?.error.as_ref()?;
        let named = args.iter().cloned().chain([("account".to_owned(), self.account.address.clone())]);
        Some(stored(code, &named.collect::<Vec<_>>()))
    }

    fn json(&self, texts: &Texts) -> Json {
        let summary = self.summary.clone().unwrap_or_default();
        json!({
            "account": self.account.address,
            "standing": self.standing().as_str(),
            "at_ms": self.summary.as_ref().map(|summary| summary.at_ms),
            "last_ok_ms": summary.last_ok_ms,
            "folders": summary.folders,
            "linked": self.linked,
            "parked": summary.parked,
            "carried": summary.carried,
            "code": summary.error.as_ref().map(|(code, _)| code),
            "text": self.why().map(|why| texts.say(&why)),
            "hidden": self.hiding.iter().map(|(side, folder)| {
                json!({ "side": side.as_str(), "folder": folder.to_string() })
            }).collect::<Vec<_>>(),
        })
    }
}

fn text(rows: &[Row], now_ms: u64, texts: &Texts) -> String {
    let head = ["head-account", "head-standing", "head-folders", "head-linked", "head-parked", "head-last-ok"];
    let mut table = Table::new(head.map(|key| texts.text(key)));
    for row in rows {
        let number =
            |of: fn(&PassSummary) -> u64| row.summary.as_ref().map_or_else(dash, |summary| of(summary).to_string());
        table.row([
            row.account.address.clone(),
            texts.text(row.standing().key()),
            number(|summary| u64::from(summary.folders)),
            row.linked.to_string(),
            number(|summary| summary.parked),
            row.summary.as_ref().and_then(|summary| summary.last_ok_ms).map_or_else(dash, |at| ago(at, now_ms, texts)),
        ]);
    }
    let mut text = table.text();
    for row in rows {
        if let Some(why) = row.why() {
            text.push_str(&format!("\n{}: {}\n", row.account.address, texts.explain(&why)));
        }
        for (side, folder) in &row.hiding {
            let hidden = hidden(*side, &row.account.address, &folder.to_string());
            text.push_str(&format!("\n{}: {}\n", row.account.address, texts.explain(&hidden)));
        }
    }
    text
}

/// What is worked on more slowly than it might be, because a server asked for that.
fn slowed(paces: &[PaceRecord], now_ms: u64, texts: &Texts) -> String {
    let told = |pace: &PaceRecord| {
        let key = match pace.kind.as_str() {
            "login" => "pace-login",
            "database" => "pace-database",
            _ => "pace-server",
        };
        let message = Message::new(key)
            .with("server", pace.server.clone())
            .with("name", pace.name.clone())
            .with("allowed", u64::from(pace.allowed))
            .with("most", u64::from(pace.most))
            .with("ago", ago(pace.slowed_at_ms, now_ms, texts))
            .with("answer", pace.answer.clone());
        let pause = pause_ms(pace, now_ms).map(|ms| Value::Seconds(ms.div_ceil(1000)));
        let pause = pause.map(|left| format!(" {}", texts.say(&Message::new("pace-pause").with("left", left))));
        format!("\n{}{}\n", texts.say(&message), pause.unwrap_or_default())
    };
    paces.iter().map(told).collect()
}

/// What is left of the pause that was asked for.
fn pause_ms(pace: &PaceRecord, now_ms: u64) -> Option<u64> {
    pace.until_ms.and_then(|until| until.checked_sub(now_ms)).filter(|left| *left > 0)
}

fn pace_json(pace: &PaceRecord, now_ms: u64) -> Json {
    json!({
        "server": pace.server,
        "kind": pace.kind,
        "name": pace.name,
        "connections": pace.allowed,
        "max_connections": pace.most,
        "slowed_at_ms": pace.slowed_at_ms,
        "pause_ms": pause_ms(pace, now_ms),
        "answer": pace.answer,
    })
}

fn dash() -> String {
    "—".to_owned()
}

/// How long ago a moment was.
pub fn ago(at_ms: u64, now_ms: u64, texts: &Texts) -> String {
    let age = Value::Seconds(now_ms.saturating_sub(at_ms) / 1000);
    texts.say(&Message::new("word-ago").with("age", age))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;
    use parom_domain::state::AccountId;

    #[test]
    fn every_standing_is_told_with_its_cause() {
        let summary = |last_ok_ms, code: Option<&str>| {
            let args = vec![("host".to_owned(), "mail.example".to_owned())];
            let error = code.map(|code| (code.to_owned(), args));
            Some(PassSummary { at_ms: 1000, last_ok_ms, error, ..PassSummary::default() })
        };
        let row = |address: &str, enabled, summary| {
            let account = Account { address: address.to_owned(), enabled, ..Account::new(AccountId(1)) };
            let linked = if address.starts_with("new") { 0 } else { 12 };
            Row { account, summary, held: address.starts_with("held"), linked, hiding: Vec::new() }
        };
        let mut rows = [
            row("off@x", false, summary(Some(1000), None)),
            row("new@x", true, None),
            row("ok@x", true, summary(Some(1000), None)),
            row("more@x", true, summary(Some(900), None)),
            row("bad@x", true, summary(None, Some("host-not-found"))),
            row("held@x", true, summary(Some(1000), None)),
            row("future@x", true, summary(None, Some("never-heard-of"))),
            row("begun@x", true, None),
        ];
        rows[2].hiding.push((Side::Source, FolderPath::inbox()));
        let standings: Vec<&str> = rows.iter().map(|row| row.standing().as_str()).collect();
        assert_eq!(standings, ["off", "new", "in-step", "unsettled", "failed", "held", "failed", "unsettled"]);
        for lang in Lang::ALL {
            let texts = Texts::new(lang);
            let text = text(&rows, 61_000, &texts);
            assert!(text.contains("mail.example"), "{text}");
            assert!(text.contains("never-heard-of"), "{text}");
            assert!(text.contains("\nok@x: ") && text.contains("INBOX"), "{text}");
            assert_eq!(rows[4].json(&texts)["code"], "host-not-found");
        }
    }

    #[test]
    fn what_goes_slowly_is_told_with_what_the_server_said() {
        let pace = |kind: &str, name: &str, until_ms| PaceRecord {
            server: "mail.example:993".to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            allowed: 4,
            most: 16,
            slowed_at_ms: 1000,
            until_ms,
            answer: "Request is throttled.".to_owned(),
        };
        let paces = [pace("server", "", None), pace("login", "svc", Some(71_500)), pace("database", "DB1", Some(500))];
        for lang in Lang::ALL {
            let texts = Texts::new(lang);
            let text = slowed(&paces, 61_000, &texts);
            assert_eq!(text.matches("throttled").count(), 3, "{text}");
            assert_eq!(text.matches("11").count(), 1, "one pause is not over: {text}");
            assert!(text.contains("svc") && text.contains("DB1"), "{text}");
        }
        assert_eq!(pace_json(&paces[1], 61_000)["pause_ms"], 10_500);
        assert_eq!(slowed(&[], 0, &Texts::new(Lang::En)), "");
    }
}
