//! The plan of a dry run over calendars, as it is printed: numbers for each calendar, nothing of what people plan.

use crate::failure::side_key;
use crate::i18n::Texts;
use crate::message::Message;
use crate::table::Table;
use parom_domain::Side;
use parom_domain::events::decide::Deed;
use parom_engine::agenda::AgendaPlan;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const COLUMNS: [&str; 5] =
    ["plan-to-target", "plan-to-source", "calendar-plan-merge", "plan-deletes-target", "plan-deletes-source"];
const FIELDS: [&str; 5] = ["to_target", "to_source", "merges", "deletes_target", "deletes_source"];

/// The plan for people.
pub fn told(account: &str, plan: &AgendaPlan, held: &[Message], texts: &Texts) -> String {
    let head = |key: &str| texts.say(&Message::new(key).with("account", account).with("count", 0u64));
    let rows = rows(plan);
    let mut text = String::new();
    if !held.is_empty() {
        text.push_str(&format!("{}\n", head("plan-held")));
        held.iter().for_each(|held| text.push_str(&format!("  {}\n", texts.say(held))));
    }
    let is_idle = rows.is_empty() && plan.calendars.is_empty();
    if !is_idle || held.is_empty() {
        text.push_str(&format!("{}\n", head(if is_idle { "plan-nothing" } else { "plan-head" })));
    }
    for (side, calendar) in &plan.calendars {
        let make = Message::new("calendar-plan-make").with("side", Message::new(side_key(*side)));
        text.push_str(&format!("  {}\n", texts.say(&make.with("calendar", calendar.clone()))));
    }
    if !rows.is_empty() {
        let mut table = Table::new(std::iter::once("calendar-plan-calendar").chain(COLUMNS).map(|key| texts.text(key)));
        for (name, numbers) in rows {
            table.row(std::iter::once(name.to_owned()).chain(numbers.iter().map(ToString::to_string)));
        }
        text.push_str(&table.text());
    }
    text
}

/// The plan for programs: an object for each brake and calendar, and one for the account.
pub fn objects(account: &str, plan: &AgendaPlan, held: &[Message], texts: &Texts) -> Vec<Value> {
    let held = held.iter().map(|held| json!({ "plan": "held", "account": account, "text": texts.say(held) }));
    let made = plan.calendars.iter().map(
        |(side, calendar)| json!({ "plan": "make", "account": account, "side": side.as_str(), "calendar": calendar }),
    );
    let calendars = rows(plan).into_iter().map(|(name, numbers)| {
        let mut object = json!({ "plan": "calendar", "account": account, "calendar": name });
        if let Some(fields) = object.as_object_mut() {
            fields.extend(FIELDS.iter().zip(numbers).map(|(name, number)| ((*name).to_owned(), json!(number))));
        }
        object
    });
    let events = plan.events.len();
    let end = json!({ "plan": "account", "account": account, "events": events });
    held.chain(made).chain(calendars).chain([end]).collect()
}

/// The calendars in which something a person would notice is planned.
fn rows(plan: &AgendaPlan) -> Vec<(&str, [u64; 5])> {
    let mut rows: BTreeMap<&str, [u64; 5]> = BTreeMap::new();
    for event in &plan.events {
        let column = match event.deed {
            Deed::Create { into: Side::Target } => 0,
            Deed::Create { into: Side::Source } => 1,
            Deed::Merge | Deed::Adopt => 2,
            Deed::Delete { on: Side::Target } => 3,
            Deed::Delete { on: Side::Source } => 4,
            Deed::Nothing | Deed::Note | Deed::Sleep { .. } | Deed::Leave | Deed::Forget => continue,
        };
        if let Some(number) = rows.entry(&event.calendar).or_default().get_mut(column) {
            *number += 1;
        }
    }
    rows.into_iter().collect()
}
