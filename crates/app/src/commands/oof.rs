//! `parom oof copy`: automatic replies from Exchange to the target, and what is to be said of each.

use super::parked::{accounts, nobody};
use crate::cli::{Oof, OofCopy};
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::i18n::Texts;
use crate::message::Message;
use crate::output;
use crate::replies::{Carried, Done, Replies};
use crate::state::{self, Access};
use crate::stop;
use crate::sync::about;
use parom_domain::Error;
use parom_domain::absence::{Audience, Period};
use parom_sieve::{Plan, Step};
use serde_json::{Value as Json, json};
use std::sync::Arc;

pub fn run(command: &Oof, config: &Config, texts: &Arc<Texts>) -> Result<Exit, Failure> {
    match command {
        Oof::Copy(args) => copy(args, config, texts),
    }
}

fn copy(args: &OofCopy, config: &Config, texts: &Arc<Texts>) -> Result<Exit, Failure> {
    let access = if args.dry_run { Access::Read } else { Access::Write };
    let (carried, nobody) = state::with(config, access, async |store| {
        let mut chosen = accounts(store, &args.accounts).await?;
        let nobody = nobody(&chosen);
        chosen.retain(|account| !args.all || account.enabled);
        let said = texts.clone();
        let stop = stop::listen(move || eprintln!("{}", said.text("stopping")))?;
        Ok((Replies::new(config, store, stop, args.dry_run)?.carry(&chosen).await, nobody))
    })?;
    if carried.is_empty() {
        output::print(&format!("{}\n", texts.explain(&nobody)))?;
    }
    for (account, carried) in &carried {
        match args.json {
            true => output::print_json([object(account, carried, args.dry_run, texts)])?,
            false => output::print(&told(account, carried, args.dry_run, texts))?,
        }
    }
    Ok(Exit::together(carried.iter().map(|(_, carried)| carried.exit())))
}

/// What a plan comes to: for programs, for people where it was done, and where it only would be.
fn names(plan: &Plan) -> (&'static str, &'static str, &'static str) {
    match (&plan.script, plan.steps.is_empty()) {
        (Some(_), true) => ("same", "oof-same", "oof-same"),
        (Some(_), false) => ("written", "oof-written", "oof-would-write"),
        (None, _) => ("removed", "oof-removed", "oof-would-remove"),
    }
}

fn told(account: &str, carried: &Carried, dry_run: bool, texts: &Texts) -> String {
    let line = |key: &str| format!("{}\n", texts.say(&Message::new(key).with("account", account)));
    let plan = match &carried.done {
        Done::Nothing if carried.period.is_some() => return line("oof-known-only"),
        Done::Nothing => return line("oof-nothing"),
        Done::Interrupted => return line("oof-interrupted"),
        Done::Failed(error) => return format!("{account}: {}\n", texts.explain(&why(error, account))),
        Done::Planned(plan) => plan,
    };
    let (_, done, would) = names(plan);
    let mut text = line(if dry_run { would } else { done });
    let mut more = |message: Message| text.push_str(&format!("    {}\n", texts.say(&message)));
    if let Some(Period::Between { from_s, until_s }) = carried.period {
        more(Message::new("oof-period").with("from", clock(from_s)).with("until", clock(until_s)));
    }
    if let Some(own) = &plan.own {
        let key = if plan.script.is_some() { "oof-beside" } else { "oof-again" };
        more(Message::new(key).with("name", own.clone()));
    }
    if plan.script.is_some() && carried.audience == Audience::Known {
        more(Message::new(if carried.answers_strangers { "oof-known-everybody" } else { "oof-known-nobody" }));
    }
    if let Some(script) = plan.script.as_ref().filter(|_| dry_run) {
        text.push('\n');
        for line in script.lines() {
            text.push_str(format!("    {line}").trim_end());
            text.push('\n');
        }
        text.push('\n');
    }
    text
}

fn why(error: &Error, account: &str) -> Message {
    about(error, None, account)
}

/// A moment in UTC, to the minute.
fn clock(at_s: i64) -> String {
    let at = chrono::DateTime::from_timestamp(at_s, 0);
    at.map_or_else(|| "—".to_owned(), |at| at.format("%Y-%m-%d %H:%M UTC").to_string())
}

fn object(account: &str, carried: &Carried, dry_run: bool, texts: &Texts) -> Json {
    let (state, plan, error) = match &carried.done {
        Done::Nothing => ("nothing", None, None),
        Done::Interrupted => ("interrupted", None, None),
        Done::Failed(error) => ("failed", None, Some(error)),
        Done::Planned(plan) => (names(plan).0, Some(plan), None),
    };
    let period = carried.period.map(|period| match period {
        Period::Open => (None, None),
        Period::Between { from_s, until_s } => (from_s.checked_mul(1000), until_s.checked_mul(1000)),
    });
    let audience = carried.period.map(|_| match carried.audience {
        Audience::Nobody => "nobody",
        Audience::Known => "known",
        Audience::Everybody => "everybody",
    });
    let steps = plan.map(|plan| {
        let name = |step: &Step| match step {
            Step::Write => "write",
            Step::Activate(_) => "activate",
            Step::Delete => "delete",
        };
        plan.steps.iter().map(name).collect::<Vec<_>>()
    });
    json!({
        "account": account,
        "state": state,
        "dry_run": dry_run,
        "from_ms": period.and_then(|(from, _)| from),
        "until_ms": period.and_then(|(_, until)| until),
        "audience": audience,
        "steps": steps,
        "own_script": plan.and_then(|plan| plan.own.as_ref()),
        "script": plan.and_then(|plan| plan.script.as_ref()),
        "code": error.map(|error| error.code().as_str()),
        "text": error.map(|error| texts.say(&why(error, account))),
        "fix": error.and_then(|error| texts.part(&why(error, account), "fix")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;

    fn carried(done: Done) -> Carried {
        let period = Some(Period::Between { from_s: 1_772_352_000, until_s: 1_773_586_800 });
        Carried { period, audience: Audience::Known, done, answers_strangers: false }
    }

    #[test]
    fn a_preview_shows_the_script_and_a_run_does_not() {
        let plan = || Plan {
            script: Some("require [\"vacation\"];\r\n\r\nvacation \"x\";\r\n".to_owned()),
            own: Some("mine".to_owned()),
            steps: vec![Step::Write, Step::Activate(Some("parom-oof".to_owned()))],
        };
        for lang in Lang::ALL {
            let texts = Texts::new(lang);
            let preview = told("a@x", &carried(Done::Planned(plan())), true, &texts);
            assert!(preview.contains("    require [\"vacation\"];\n\n    vacation \"x\";\n"), "{preview}");
            let said = told("a@x", &carried(Done::Planned(plan())), false, &texts);
            assert!(
                !said.contains("require") && said.contains("2026-03-15 15:00 UTC") && said.contains("mine"),
                "{said}"
            );
            assert_ne!(preview.lines().next(), said.lines().next());
        }
        let object = object("a@x", &carried(Done::Planned(plan())), true, &Texts::new(Lang::En));
        assert_eq!((&object["state"], &object["steps"]), (&"written".into(), &json!(["write", "activate"])));
        assert_eq!((&object["from_ms"], &object["audience"]), (&1_772_352_000_000_i64.into(), &"known".into()));
    }

    #[test]
    fn every_end_has_a_line_of_its_own() {
        let texts = Texts::new(Lang::En);
        let done = |script: bool, steps: &[Step]| {
            Done::Planned(Plan { script: script.then(String::new), own: None, steps: steps.to_vec() })
        };
        let ends = [
            Done::Nothing,
            Done::Interrupted,
            Done::Failed(Error::internal("x")),
            done(true, &[]),
            done(true, &[Step::Write]),
            done(false, &[Step::Delete]),
        ];
        let lines: std::collections::BTreeSet<String> =
            ends.into_iter().map(|end| told("a@x", &carried(end), false, &texts)).collect();
        assert_eq!(lines.len(), 6);
    }
}
