//! `parom sync`: brings accounts into step.

use super::parked::accounts;
use crate::cli::Sync as Args;
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::i18n::Texts;
use crate::message::Message;
use crate::output;
use crate::progress::{self, Style};
use crate::state::{self, Access};
use crate::stop;
use crate::sync::{self, Planned};
use crate::table::Table;
use parom_domain::Side;
use parom_engine::FolderPlan;
use parom_service::{Mode, Roster};
use serde_json::json;
use std::io::IsTerminal;
use std::sync::Arc;

pub fn run(args: &Args, config: &Config, texts: &Arc<Texts>) -> Result<Exit, Failure> {
    let style = Style::choose(args.json, std::io::stderr().is_terminal() && std::io::stdout().is_terminal());
    let mode = match (args.watch && !args.dry_run, args.until_settled) {
        (true, _) => Mode::Watch { every_ms: config.limits.look_every_s.saturating_mul(1000) },
        (false, true) => Mode::UntilSettled,
        (false, false) => Mode::Once,
    };
    let access = if args.dry_run { Access::Read } else { Access::Write };
    let ended = state::with(config, access, async |store| {
        let chosen = accounts(store, &args.account).await?;
        if chosen.iter().all(|account| args.all && !account.enabled) {
            return Ok(None);
        }
        let roster = if args.all { Roster::Enabled } else { Roster::These(chosen) };
        let said = texts.clone();
        let stop = stop::listen(move || eprintln!("{}", said.text("stopping")))?;
        // The plan is the output of a dry run; progress would be in its way.
        let style = if args.dry_run { None } else { Some(style) };
        let progress = progress::show(style, texts.clone());
        let ended = sync::run(config, store, roster, (mode, args.dry_run), progress.clone(), stop).await;
        progress.finish();
        ended.map(Some)
    })?;
    let Some((exit, plans)) = ended else {
        output::print(&format!("{}\n", texts.explain(&Message::new("account-none"))))?;
        return Ok(Exit::Done);
    };
    for planned in &plans {
        if args.json {
            output::print_json(objects(planned))?;
        } else {
            output::print(&told(planned, texts))?;
        }
    }
    Ok(exit)
}

/// The numbers of a folder's plan: messages into each side, changed flags, deletions on each side.
fn numbers(plan: &FolderPlan) -> [usize; 6] {
    let marks = |side: Side| plan.marks[side].iter().map(|(_, slots)| slots.len()).sum();
    [
        plan.creates.target.len(),
        plan.creates.source.len(),
        marks(Side::Target),
        marks(Side::Source),
        plan.deletes.target.len(),
        plan.deletes.source.len(),
    ]
}

const COLUMNS: [&str; 6] = [
    "plan-to-target",
    "plan-to-source",
    "plan-marks-target",
    "plan-marks-source",
    "plan-deletes-target",
    "plan-deletes-source",
];
const FIELDS: [&str; 6] =
    ["to_target", "to_source", "marks_target", "marks_source", "deletes_target", "deletes_source"];

fn told(planned: &Planned, texts: &Texts) -> String {
    let head = |key: &str| {
        texts.say(&Message::new(key).with("account", &*planned.account).with("count", planned.plan.moves.len()))
    };
    if planned.plan.is_empty() {
        return format!("{}\n", head("plan-nothing"));
    }
    let columns = std::iter::once("plan-folder").chain(COLUMNS).map(|key| texts.text(key));
    let mut table = Table::new(columns);
    for plan in planned.plan.folders.values().filter(|plan| !plan.is_empty()) {
        let name = plan.name.as_ref().map(ToString::to_string).unwrap_or_default();
        table.row(std::iter::once(name).chain(numbers(plan).iter().map(ToString::to_string)));
    }
    format!("{}\n{}", head("plan-head"), table.text())
}

fn objects(planned: &Planned) -> Vec<serde_json::Value> {
    let folders = planned.plan.folders.values().filter(|plan| !plan.is_empty());
    let mut objects: Vec<serde_json::Value> = folders
        .map(|plan| {
            let mut object = json!({
                "plan": "folder",
                "account": &*planned.account,
                "folder": plan.name.as_ref().map(ToString::to_string),
            });
            if let Some(fields) = object.as_object_mut() {
                fields
                    .extend(FIELDS.iter().zip(numbers(plan)).map(|(name, number)| ((*name).to_owned(), json!(number))));
            }
            object
        })
        .collect();
    objects.push(json!({ "plan": "account", "account": &*planned.account, "moves": planned.plan.moves.len() }));
    objects
}
