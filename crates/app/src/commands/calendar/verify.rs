//! `parom calendar verify`: compares the calendars of both sides and tells every difference.

use super::{chosen, failed};
use crate::calendars::compare::{Difference, Kind, Shelf, Verdict};
use crate::calendars::{Calendars, about_calendar};
use crate::cli::{CalendarShow, CalendarWhom};
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::{Failure, event_and_uid, event_or_file, side_key};
use crate::i18n::Texts;
use crate::message::Message;
use crate::output;
use crate::progress::{self, Style};
use crate::state::{self, Access};
use crate::stop;
use parom_domain::agenda::Label;
use parom_domain::events::policy::CalendarMode;
use parom_domain::{Both, Side};
use serde_json::{Value as Json, json};
use std::io::IsTerminal;
use std::sync::Arc;

/// So many differences of an account are told to a person; JSON has all.
const TOLD: usize = 20;

pub fn run(args: &CalendarShow, config: &Config, texts: &Arc<Texts>) -> Result<Exit, Failure> {
    // The verdicts are the output; how far it is interests only who watches.
    let bars = !args.json && std::io::stderr().is_terminal();
    let compared = state::with(config, Access::Read, async |store| {
        let whom = CalendarWhom { accounts: args.accounts.clone(), all: args.accounts.is_empty() };
        let mut chosen = chosen(config, store, &whom).await?;
        chosen.retain(|linked| !whom.all || linked.mode != CalendarMode::Off);
        let stop = stop::listen(|| {})?;
        let progress = progress::show(bars.then_some(Style::Bars), texts.clone());
        let calendars = Calendars::new(config, store, progress.clone(), stop, true)?;
        let compared = calendars.compare(&chosen).await;
        progress.finish();
        Ok(compared)
    })?;
    if compared.is_empty() {
        output::print(&format!("{}\n", texts.explain(&Message::new("calendar-nobody"))))?;
    }
    let mut exits = Vec::new();
    for (account, compared) in compared {
        let compared =
            compared.map_err(|error| Failure::new(Exit::of(error.code()), about_calendar(&error, None, &account)));
        exits.push(match &compared {
            Ok((_, verdict)) if verdict.unexplained().next().is_none() => Exit::Done,
            Ok(_) => Exit::Differences,
            Err(failure) => failure.exit,
        });
        match (compared, args.json) {
            (Ok((shelves, verdict)), true) => output::print_json(objects(&account, &shelves, &verdict, texts))?,
            (Ok((_, verdict)), false) => output::print(&told(&account, &verdict, texts))?,
            (Err(failure), true) => output::print_json([failed(&account, &failure, texts)])?,
            (Err(failure), false) => output::print(&format!("{account}: {}\n", failure.explain(texts)))?,
        }
    }
    // A difference that was found is the answer to the question, whatever else could not be compared.
    let interrupted = exits.contains(&Exit::Interrupted);
    Ok(if !interrupted && exits.contains(&Exit::Differences) { Exit::Differences } else { Exit::together(exits) })
}

fn told(account: &str, verdict: &Verdict, texts: &Texts) -> String {
    let (count, explained) = counts(verdict);
    let head = Message::new(if count == 0 { "calendar-verify-equal" } else { "calendar-verify-differs" })
        .with("account", account)
        .with("equal", verdict.equal)
        .with("count", count)
        .with("explained", explained);
    let mut text = format!("{}\n", texts.say(&head));
    for difference in verdict.unexplained().take(TOLD) {
        text.push_str(&format!("    {}\n", texts.say(&message(difference))));
    }
    if let Some(more) = count.checked_sub(TOLD).filter(|more| *more > 0) {
        text.push_str(&format!("    {}\n", texts.say(&Message::new("verify-more").with("count", more))));
    }
    text
}

fn counts(verdict: &Verdict) -> (usize, usize) {
    let count = verdict.unexplained().count();
    (count, verdict.differences.len().saturating_sub(count))
}

fn message(difference: &Difference) -> Message {
    let at = |key: &str, side: Side| Message::new(key).with("side", Message::new(side_key(side)));
    let message = match difference.kind {
        Kind::Missing(Side::Source) => Message::new("calendar-verify-missing-source"),
        Kind::Missing(Side::Target) => Message::new("calendar-verify-missing-target"),
        Kind::Doubled(side) => at("calendar-verify-doubled", side),
        Kind::Unreadable(side) if difference.uid.is_empty() && difference.label == Label::default() => {
            at("calendar-verify-unreadable", side)
        }
        Kind::Unreadable(side) => at("calendar-verify-unreadable-named", side),
        Kind::Differs => Message::new("calendar-verify-altered"),
    };
    let uid = Some(&*difference.uid).filter(|uid| !uid.is_empty());
    let event = match difference.kind {
        Kind::Unreadable(_) => event_or_file(&difference.label, None, uid),
        _ => event_and_uid(&difference.label, uid),
    };
    message.with("calendar", difference.calendar.clone()).with("event", event)
}

/// One object for each difference, and a last one for the account.
fn objects(account: &str, shelves: &Both<Shelf>, verdict: &Verdict, texts: &Texts) -> Vec<Json> {
    let object = |difference: &Difference| {
        let (kind, side) = match difference.kind {
            Kind::Missing(side) => ("missing", Some(side)),
            Kind::Doubled(side) => ("doubled", Some(side)),
            Kind::Unreadable(side) => ("unreadable", Some(side)),
            Kind::Differs => ("altered", None),
        };
        // Of what cannot be read, only a file may be known.
        let is_read = !matches!(difference.kind, Kind::Unreadable(_));
        json!({
            "account": account,
            "difference": kind,
            "calendar": difference.calendar,
            "uid": Some(&difference.uid).filter(|uid| is_read && !uid.is_empty()),
            "title": difference.label.title,
            "day": difference.label.day,
            "side": side.map(Side::as_str),
            "explained": difference.explained,
            "text": texts.say(&message(difference)),
        })
    };
    let mut objects: Vec<Json> = verdict.differences.iter().map(object).collect();
    let (count, explained) = counts(verdict);
    objects.push(json!({
        "account": account,
        "equal": verdict.equal,
        "source_calendars": shelves.source.calendars,
        "target_calendars": shelves.target.calendars,
        "source_events": shelves.source.events,
        "target_events": shelves.target.events,
        "differences": count,
        "explained": explained,
    }));
    objects
}
