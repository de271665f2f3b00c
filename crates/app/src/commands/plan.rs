//! The plan of a dry run, as it is printed: changes of the folder trees, then messages folder by folder.

use crate::failure::side_key;
use crate::i18n::Texts;
use crate::message::Message;
use crate::sync::Planned;
use crate::table::Table;
use parom_domain::Side;
use parom_engine::{FolderPlan, FolderStep};
use serde_json::{Value, json};

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

/// The plan for people.
#[must_use]
pub fn told(planned: &Planned, texts: &Texts) -> String {
    let head = |key: &str| {
        texts.say(&Message::new(key).with("account", &*planned.account).with("count", planned.plan.moves.len()))
    };
    let rows = rows(planned);
    let steps = &planned.plan.steps;
    let is_idle = rows.is_empty() && steps.is_empty() && planned.plan.moves.is_empty();
    let mut text = String::new();
    if !planned.held.is_empty() {
        text.push_str(&format!("{}\n", head("plan-held")));
        planned.held.iter().for_each(|held| text.push_str(&format!("  {}\n", texts.say(held))));
    }
    if !is_idle || planned.held.is_empty() {
        text.push_str(&format!("{}\n", head(if is_idle { "plan-nothing" } else { "plan-head" })));
    }
    for step in steps {
        text.push_str(&format!("  {}\n", texts.say(&sentence(step))));
    }
    if !rows.is_empty() {
        let mut table = Table::new(std::iter::once("plan-folder").chain(COLUMNS).map(|key| texts.text(key)));
        for (name, numbers) in rows {
            table.row(std::iter::once(name).chain(numbers.iter().map(ToString::to_string)));
        }
        text.push_str(&table.text());
    }
    text
}

/// The plan for programs: an object for each brake, each change of a tree and each folder, and one for the account.
#[must_use]
pub fn objects(planned: &Planned, texts: &Texts) -> Vec<Value> {
    let account = &*planned.account;
    let held = planned.held.iter().map(|held| json!({ "plan": "held", "account": account, "text": texts.say(held) }));
    let steps = planned.plan.steps.iter().map(|step| object(account, step));
    let folders = rows(planned).into_iter().map(|(name, numbers)| {
        let mut object = json!({ "plan": "folder", "account": account, "folder": name });
        if let Some(fields) = object.as_object_mut() {
            fields.extend(FIELDS.iter().zip(numbers).map(|(name, number)| ((*name).to_owned(), json!(number))));
        }
        object
    });
    let end = json!({ "plan": "account", "account": account, "moves": planned.plan.moves.len() });
    held.chain(steps).chain(folders).chain([end]).collect()
}

/// The folders in which something a person would notice is planned.
fn rows(planned: &Planned) -> Vec<(String, [usize; 6])> {
    let folders = planned.plan.folders.values().map(|plan| (plan.name.as_ref(), numbers(plan)));
    folders
        .filter(|(_, numbers)| numbers.iter().any(|number| *number > 0))
        .map(|(name, numbers)| (name.map(ToString::to_string).unwrap_or_default(), numbers))
        .collect()
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

fn sentence(step: &FolderStep) -> Message {
    let on = |key: &str, side: Side| Message::new(key).with("side", Message::new(side_key(side)));
    match step {
        FolderStep::Make { side, path } => on("plan-make", *side).with("folder", path.to_string()),
        FolderStep::Rename { side, from, to } => {
            on("plan-rename", *side).with("folder", from.to_string()).with("to", to.to_string())
        }
        FolderStep::Subscribe { side, path, on: true } => on("plan-subscribe", *side).with("folder", path.to_string()),
        FolderStep::Subscribe { side, path, .. } => on("plan-unsubscribe", *side).with("folder", path.to_string()),
        FolderStep::Remove { side, path } => on("plan-remove", *side).with("folder", path.to_string()),
        FolderStep::Missing { side, path } => on("plan-missing", *side).with("folder", path.to_string()),
    }
}

fn object(account: &str, step: &FolderStep) -> Value {
    let object = |what: &str, side: &Side, folder: String| json!({ "plan": what, "account": account, "side": side.as_str(), "folder": folder });
    match step {
        FolderStep::Make { side, path } => object("make", side, path.to_string()),
        FolderStep::Rename { side, from, to } => {
            let mut object = object("rename", side, from.to_string());
            if let Some(fields) = object.as_object_mut() {
                fields.insert("to".to_owned(), json!(to.to_string()));
            }
            object
        }
        FolderStep::Subscribe { side, path, on: true } => object("subscribe", side, path.to_string()),
        FolderStep::Subscribe { side, path, .. } => object("unsubscribe", side, path.to_string()),
        FolderStep::Remove { side, path } => object("remove", side, path.to_string()),
        FolderStep::Missing { side, path } => object("missing", side, path.to_string()),
    }
}
