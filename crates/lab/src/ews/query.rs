//! Restrictions and orders of `FindItem` and `FindFolder` ([MS-OXWSSRCH]).
//!
//! A value is compared as the response would show it in UTC: instants as instants, numbers as numbers, the rest as text.

use super::paths::{self, Path};
use super::soap::{Refusal, refuse};
use super::time;
use super::version::Level;
use super::xml::Element;
use super::zones::Zone;
use std::cmp::Ordering;

/// Gives the text of a property, if it is there.
pub type Look<'a> = &'a dyn Fn(&Path) -> Option<String>;

/// Of these a query knows nothing (exchangelib: `is_searchable`).
const UNSEARCHABLE: &[&str] = &[
    "UID",
    "Recurrence",
    "FirstOccurrence",
    "LastOccurrence",
    "ModifiedOccurrences",
    "DeletedOccurrences",
    "StartTimeZone",
    "EndTimeZone",
    "IsCancelled",
    "ItemId",
    "ParentFolderId",
    "OriginalStart",
    "DateTimeStamp",
];

/// Does it hold?
pub fn holds(restriction: &Element, level: Level, look: Look<'_>) -> Result<bool, Refusal> {
    let all = || restriction.children.iter().map(|child| holds(child, level, look));
    Ok(match restriction.name.as_str() {
        "Restriction" => all().next().unwrap_or(Ok(true))?,
        "And" => all().collect::<Result<Vec<_>, _>>()?.into_iter().all(|holds| holds),
        "Or" => all().collect::<Result<Vec<_>, _>>()?.into_iter().any(|holds| holds),
        "Not" => !all().next().unwrap_or(Ok(true))?,
        "Exists" => look(&path(restriction, level)?).is_some(),
        "Contains" => {
            let value = look(&path(restriction, level)?).unwrap_or_default();
            let constant = constant(restriction).unwrap_or_default();
            let exact = matches!(restriction.attribute("ContainmentComparison"), None | Some("Exact"));
            let (value, constant) =
                if exact { (value, constant) } else { (value.to_lowercase(), constant.to_lowercase()) };
            match restriction.attribute("ContainmentMode") {
                Some("FullString") => value == constant,
                Some("Prefixed") => value.starts_with(&constant),
                _ => value.contains(&constant),
            }
        }
        name => {
            let fits: fn(Ordering) -> bool = match name {
                "IsEqualTo" => Ordering::is_eq,
                "IsNotEqualTo" => Ordering::is_ne,
                "IsGreaterThan" => Ordering::is_gt,
                "IsGreaterThanOrEqualTo" => Ordering::is_ge,
                "IsLessThan" => Ordering::is_lt,
                "IsLessThanOrEqualTo" => Ordering::is_le,
                _ => return Err(refuse("ErrorUnsupportedQueryFilter", "The query filter type is unsupported.")),
            };
            let other = match restriction.child("FieldURIOrConstant").and_then(|other| other.children.first()) {
                Some(constant) if constant.name == "Constant" => constant.attribute("Value").map(str::to_owned),
                Some(other) => look(&paths::read(other, level)?),
                None => None,
            };
            match (look(&path(restriction, level)?), other) {
                (Some(value), Some(other)) => fits(compare(&value, &other)),
                // A property that is not there differs from everything.
                _ => name == "IsNotEqualTo",
            }
        }
    })
}

fn path(restriction: &Element, level: Level) -> Result<Path, Refusal> {
    let is_path = |child: &&Element| child.name.ends_with("FieldURI");
    let uri = restriction.children.iter().find(is_path);
    let uri = uri.ok_or_else(|| refuse("ErrorUnsupportedQueryFilter", "The query filter type is unsupported."))?;
    match paths::read(uri, level)? {
        Path::Field(field) if UNSEARCHABLE.contains(&field.name) => {
            let text = "The property can not be used with this type of restriction.";
            Err(refuse("ErrorUnsupportedPathForQuery", text).at(uri))
        }
        path => Ok(path),
    }
}

fn constant(restriction: &Element) -> Option<String> {
    restriction.child("Constant")?.attribute("Value").map(str::to_owned)
}

pub fn compare(a: &str, b: &str) -> Ordering {
    if let (Some(a), Some(b)) = (time::parse(a), time::parse(b)) {
        let utc = Zone::utc();
        return utc.instant_of(a).cmp(&utc.instant_of(b));
    }
    if let (Ok(a), Ok(b)) = (a.parse::<i64>(), b.parse::<i64>()) {
        return a.cmp(&b);
    }
    a.cmp(b)
}
