//! `parom calendar`: the calendars of accounts, once or both ways.

mod archive;
mod plan;
mod status;
mod verify;

use super::parked::accounts;
use crate::calendars::{self, Calendars, Ending, Linked, Watch};
use crate::cli::{Calendar, CalendarRun, CalendarWhom};
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::i18n::Texts;
use crate::message::Message;
use crate::output;
use crate::progress::{self, Style};
use crate::state::{self, Access};
use crate::stop;
use crate::sync;
use parom_domain::events::policy::CalendarMode;
use parom_store::{Account, Store};
use serde_json::json;
use std::io::IsTerminal;
use std::sync::Arc;

pub fn run(command: &Calendar, config: &Config, texts: &Arc<Texts>) -> Result<Exit, Failure> {
    match command {
        Calendar::Sync(args) => {
            let asked = if args.on { Asked::SyncAgain } else { Asked::Sync };
            work(&args.run, asked, config, texts)
        }
        Calendar::Subscribe(args) => work(args, Asked::Subscribe, config, texts),
        Calendar::Unsubscribe(args) => unsubscribe(args, config, texts),
        Calendar::Status(args) => status::run(args, config, texts),
        Calendar::Verify(args) => verify::run(args, config, texts),
        Calendar::Archive(command) => archive::run(command, config, texts),
        Calendar::Plan(args) => {
            let whom = CalendarWhom { accounts: args.accounts.clone(), all: args.all };
            let args = CalendarRun { whom, watch: false, dry_run: true, json: args.json };
            work(&args, Asked::Plan, config, texts)
        }
    }
}

/// Those that were named, or all that are on.
async fn chosen(config: &Config, store: &Store, whom: &CalendarWhom) -> Result<Vec<Linked>, Failure> {
    let mut chosen = accounts(store, &whom.accounts).await?;
    chosen.retain(|account| !whom.all || account.enabled);
    Ok(calendars::linked(config, store, chosen).await?)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Sync,
    /// The same, also where the calendars were switched off.
    SyncAgain,
    Subscribe,
    /// What would be done if it were asked for.
    Plan,
}

/// What the link does from now on: whoever subscribed stays so when a sync is asked for. `None`: somebody has switched it off,
/// and to name the account is not to say that this is over.
fn wanted(linked: &Linked, asked: Asked) -> Option<CalendarMode> {
    match (asked, linked.mode) {
        (Asked::Subscribe, _) => Some(CalendarMode::Subscribe),
        (Asked::Sync, CalendarMode::Off) if linked.is_switched_off => None,
        (Asked::Sync | Asked::SyncAgain | Asked::Plan, CalendarMode::Off) => Some(CalendarMode::Sync),
        (Asked::Sync | Asked::SyncAgain | Asked::Plan, known) => Some(known),
    }
}

fn work(args: &CalendarRun, asked: Asked, config: &Config, texts: &Arc<Texts>) -> Result<Exit, Failure> {
    let style = Style::choose(args.json, std::io::stderr().is_terminal() && std::io::stdout().is_terminal());
    let access = if args.dry_run { Access::Read } else { Access::Write };
    let (ended, watched, left) = state::with(config, access, async |store| {
        let mut named = chosen(config, store, &args.whom).await?;
        if args.whom.all && asked != Asked::Subscribe {
            named.retain(|linked| linked.mode != CalendarMode::Off);
        }
        let (mut chosen, mut left) = (Vec::new(), Vec::new());
        for mut linked in named {
            let Some(mode) = wanted(&linked, asked) else {
                left.push(linked.account.address);
                continue;
            };
            if !args.dry_run && mode != linked.mode {
                store.set_calendar_mode(linked.account.id, mode).await?;
                if mode == CalendarMode::Sync {
                    tell_switched_on(&linked.account.address, args.json, texts)?;
                }
            }
            linked.mode = mode;
            chosen.push(linked);
        }
        // Before the others are worked on, which may take hours.
        for address in &left {
            tell_left(address, args.json, texts)?;
        }
        let said = texts.clone();
        let stop = stop::listen(move || eprintln!("{}", said.text("stopping")))?;
        // The plan is the output of a dry run; progress would be in its way.
        let progress = progress::show(if args.dry_run { None } else { Some(style) }, texts.clone());
        let calendars = Calendars::new(config, store, progress.clone(), stop, args.dry_run)?;
        let (ended, watched) = match args.watch {
            true => (Vec::new(), watch(calendars, chosen).await?),
            false => (calendars.pass(&chosen).await, None),
        };
        progress.finish();
        Ok((ended, watched, left))
    })?;
    let exits = left.iter().map(|_| Exit::Usage);
    if let Some(exit) = watched {
        return Ok(Exit::together(exits.chain([exit])));
    }
    if ended.is_empty() && left.is_empty() {
        let key = if args.whom.all { "calendar-nobody" } else { "account-none" };
        output::print(&format!("{}\n", texts.explain(&Message::new(key))))?;
    }
    for (address, ending) in &ended {
        let Ending::Planned { plan, held } = ending else { continue };
        if args.json {
            output::print_json(plan::objects(address, plan, held, texts))?;
        } else {
            output::print(&plan::told(address, plan, held, texts))?;
        }
    }
    Ok(Exit::together(exits.chain(ended.iter().map(|(_, ending)| ending.exit()))))
}

/// What a sync of an account changes for good is said.
fn tell_switched_on(address: &str, json: bool, texts: &Texts) -> Result<(), Failure> {
    let told = texts.explain(&Message::new("calendar-switched-on").with("account", address));
    if json {
        // The output is for programs.
        eprintln!("{told}");
        return Ok(());
    }
    output::print(&format!("{told}\n"))
}

fn tell_left(address: &str, json: bool, texts: &Texts) -> Result<(), Failure> {
    let failure = Failure::usage(Message::new("calendar-left-off").with("account", address));
    if json {
        return output::print_json([failed(address, &failure, texts)]);
    }
    output::print(&format!("{}\n", failure.explain(texts)))
}

/// `None` where there is nobody to be watched.
async fn watch(calendars: Calendars, chosen: Vec<Linked>) -> Result<Option<Exit>, Failure> {
    let Some(watch) = Watch::over(calendars, chosen, false) else { return Ok(None) };
    let ended = watch.run(Arc::default()).await?;
    Ok(Some(Exit::together(ended.iter().map(|(_, ending)| sync::exit(ending)))))
}

/// Nothing is deleted anywhere, and what is known of the events is kept.
fn unsubscribe(whom: &CalendarWhom, config: &Config, texts: &Texts) -> Result<Exit, Failure> {
    let done = state::with(config, Access::Write, async |store| {
        let chosen: Vec<Account> =
            chosen(config, store, whom).await?.into_iter().map(|linked| linked.account).collect();
        for account in &chosen {
            store.set_calendar_mode(account.id, CalendarMode::Off).await?;
        }
        Ok(chosen)
    })?;
    for account in done {
        let message = Message::new("calendar-off").with("account", account.address);
        output::print(&format!("{}\n", texts.explain(&message)))?;
    }
    Ok(Exit::Done)
}

/// The word for a mode.
fn mode_key(mode: CalendarMode) -> &'static str {
    match mode {
        CalendarMode::Off => "calendar-mode-off",
        CalendarMode::Sync => "calendar-mode-sync",
        CalendarMode::Subscribe => "calendar-mode-subscribe",
    }
}

/// A failure that belongs to one account, as an object.
fn failed(account: &str, failure: &Failure, texts: &Texts) -> serde_json::Value {
    let code = failure.messages.first().map(|message| message.key.trim_start_matches("error-").to_owned());
    json!({ "account": account, "code": code, "text": failure.explain(texts) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use parom_domain::state::AccountId;

    #[test]
    fn a_sync_leaves_a_subscription_and_what_was_switched_off_and_a_subscription_replaces_both() {
        use Asked::{Plan, Subscribe, Sync, SyncAgain};
        let (off, sync, both) = (CalendarMode::Off, CalendarMode::Sync, CalendarMode::Subscribe);
        for (asked, known, is_switched_off, then) in [
            (Sync, off, false, Some(sync)),
            (Sync, off, true, None),
            (Sync, sync, false, Some(sync)),
            (Sync, both, false, Some(both)),
            (SyncAgain, off, true, Some(sync)),
            (SyncAgain, both, false, Some(both)),
            (Subscribe, off, true, Some(both)),
            (Subscribe, sync, false, Some(both)),
            (Plan, off, true, Some(sync)),
            (Plan, both, false, Some(both)),
        ] {
            let linked = Linked { account: Account::new(AccountId(1)), mode: known, is_switched_off };
            assert_eq!(wanted(&linked, asked), then, "{asked:?} {known:?}");
        }
    }
}
