//! `parom brakes`: what the brakes hold, and letting it go.

use super::parked::accounts;
use super::status::ago;
use crate::cli::{AccountName, Brakes as Args, BrakesCommand};
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::{Failure, stored};
use crate::i18n::Texts;
use crate::message::Message;
use crate::output;
use crate::state::{self, Access};
use parom_domain::Code;
use parom_domain::events::guard::KEY_PREFIX;
use parom_domain::guard::BrakeName;
use parom_domain::state::Held;
use serde_json::json;

pub fn run(args: &Args, config: &Config, texts: &Texts) -> Result<Exit, Failure> {
    match &args.command {
        Some(BrakesCommand::Release(names)) => release(names, config, texts),
        None => list(args, config, texts),
    }
}

fn list(args: &Args, config: &Config, texts: &Texts) -> Result<Exit, Failure> {
    let held = state::with(config, Access::Read, async |store| {
        let accounts = state::accounts_by_id(store).await?;
        let held = store.held(None).await?.into_iter();
        let named = held.filter_map(|(id, held)| accounts.get(&id).map(|account| (account.address.clone(), held)));
        Ok(named.collect::<Vec<_>>())
    })?;
    if args.json {
        output::print_json(held.iter().map(|(account, held)| {
            let arg = |name: &str| held.args.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
            let number = |name: &str| arg(name).and_then(|value| value.parse::<u64>().ok());
            json!({
                "account": account,
                "brake": held.brake,
                "key": held.key,
                "side": arg("side"),
                "folder": arg("folder").filter(|folder| !folder.is_empty()),
                "count": number("count"),
                "total": number("total"),
                "since_ms": held.since_ms,
                "released": held.released,
                "text": texts.say(&why(account, held)),
            })
        }))?;
    } else if held.is_empty() {
        output::print(&format!("{}\n", texts.text("brakes-none")))?;
    } else {
        let now_ms = state::now_ms();
        for (account, held) in &held {
            let key = if held.released { "brakes-released-head" } else { "brakes-head" };
            let head = Message::new(key).with("account", account.clone());
            let head = texts.say(&head.with("since", ago(held.since_ms, now_ms, texts)));
            let command = match held.released {
                true if held.key.starts_with(KEY_PREFIX) => "brakes-then-calendar",
                true => "brakes-then",
                false => "brakes-command",
            };
            let command = Message::new(command).with("account", account.clone());
            output::print(&format!(
                "{head}\n    {}\n    {}\n",
                texts.say(&why(account, held)),
                texts.command(&texts.say(&command))
            ))?;
        }
    }
    Ok(Exit::Done)
}

fn why(account: &str, held: &Held) -> Message {
    let named = held.args.iter().cloned();
    let named = named.chain([("brake".to_owned(), held.brake.clone()), ("account".to_owned(), account.to_owned())]);
    let name = BrakeName::ALL.into_iter().find(|name| name.as_str() == held.brake);
    stored(name.map_or(Code::Braked, BrakeName::code).as_str(), &named.collect::<Vec<_>>())
}

fn release(names: &AccountName, config: &Config, texts: &Texts) -> Result<Exit, Failure> {
    let released = state::with(config, Access::Write, async |store| {
        let mut released = Vec::new();
        for account in accounts(store, &names.addresses).await? {
            let (mut mail, mut calendars) = (0u64, 0u64);
            for (_, held) in store.held(Some(account.id)).await? {
                let count = if held.key.starts_with(KEY_PREFIX) { &mut calendars } else { &mut mail };
                if !held.released && store.release_brake(account.id, &held.key, state::now_ms()).await? {
                    *count += 1;
                }
            }
            released.push((account.address, mail, calendars));
        }
        Ok(released)
    })?;
    for (account, mail, calendars) in released {
        let told = [("brakes-released", mail), ("brakes-released-calendar", calendars)];
        let told: Vec<_> = told.into_iter().filter(|(_, count)| *count > 0).collect();
        for (key, count) in if told.is_empty() { vec![("brakes-nothing-held", 0)] } else { told } {
            let message = Message::new(key).with("account", account.clone()).with("count", count);
            output::print(&format!("{}\n", texts.explain(&message)))?;
        }
    }
    Ok(Exit::Done)
}
