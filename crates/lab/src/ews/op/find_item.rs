//! `FindItem` ([MS-OXWSSRCH] 3.1.4.2): events and series by pages, or their occurrences within a time (`CalendarView`).

use crate::ews::item::{Item, Seen};
use crate::ews::mail;
use crate::ews::paths::{self, Path};
use crate::ews::query;
use crate::ews::show::{Lens, Shape};
use crate::ews::site::Call;
use crate::ews::soap::{Refusal, refuse, success};
use crate::ews::store::no_folder;
use crate::ews::time::{self, DAY_S};
use crate::ews::xml::{Element, m, t};
use crate::ews::zones::Zone;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeSet;

/// The longest view, in days.
const LONGEST_VIEW: i64 = 2 * 366;

pub fn run(call: &mut Call<'_>, request: &Element) -> Element {
    let asked = request.child("ItemShape");
    let shape = Shape::read(asked, call.level).and_then(|shape| shape.in_table(asked));
    call.each(request.list("ParentFolderIds"), |call, id| {
        let (mailbox, folder) = call.folder(id)?;
        if let Some(found) = mail::find(call, request, mailbox, folder) {
            return found;
        }
        find(call, request, mailbox, folder, &shape.clone()?)
    })
}

fn find(call: &Call<'_>, request: &Element, mailbox: u32, folder: u64, shape: &Shape) -> Result<Element, Refusal> {
    let place = call.state.mailbox(mailbox).ok_or_else(no_folder)?;
    let lens = Lens { state: call.state, mailbox: place, zone: &call.zone, level: call.level, is_table: true };
    let ids = request.child("Restriction").and_then(wanted_ids);
    let may_be = |item: &&Item| {
        ids.as_ref().is_none_or(|ids: &Vec<Vec<u8>>| item.goid_day.is_some() || ids.contains(&item.goid))
    };
    let items = place.items.values().filter(|item| item.folder == folder).filter(may_be);
    let (mut found, view) = match request.child("CalendarView") {
        Some(view) => {
            if request.child("Restriction").is_some() || request.child("SortOrder").is_some() {
                let text = "A calendar view cannot be restricted or sorted.";
                return Err(refuse("ErrorUnsupportedQueryFilter", text));
            }
            let (from_s, to_s) = range(view, &call.zone)?;
            let mut found: Vec<Seen<'_>> = items
                .filter(|item| item.is_event())
                .flat_map(|item| {
                    let touches =
                        move |start_s: i64, end_s: i64| start_s < to_s && (end_s > from_s || start_s == from_s);
                    let single = item.series.is_none().then(|| Seen::whole(item));
                    let single = single.filter(|seen| touches(seen.part.start_s, seen.part.end_s));
                    // An exception may have been moved from afar: look a year beyond the view.
                    let all = item.occurrences().take_while(move |it| it.original_s < to_s + 366 * DAY_S);
                    let all = all.filter(move |it| !it.is_deleted && touches(it.start_s, it.end_s));
                    single.into_iter().chain(all.map(|occurrence| Seen::one(item, occurrence)))
                })
                .collect();
            found.sort_by_key(|seen| (seen.part.start_s, seen.item.number));
            (found, true)
        }
        None => (items.map(Seen::whole).collect(), false),
    };
    let look = |seen: &Seen<'_>, path: &Path| -> Option<String> {
        let utc = Zone::utc();
        let lens = Lens { state: call.state, mailbox: place, zone: &utc, level: call.level, is_table: true };
        let mut shape = Shape { names: BTreeSet::new(), extended: Vec::new(), ..Shape::id_only() };
        match path {
            Path::Field(field) => {
                shape.names.insert(field.name);
            }
            Path::Extended(key, uri) => shape.extended.push((key.clone(), uri.clone())),
            Path::Folder(_) | Path::Foreign => return None,
        }
        let shown = lens.item(seen, &shape);
        let value = shown.children.last()?;
        Some(value.child("Value").unwrap_or(value).text.clone())
    };
    if let Some(restriction) = request.child("Restriction") {
        let mut kept = Vec::new();
        for seen in found {
            if query::holds(restriction, call.level, &|path| look(&seen, path))? {
                kept.push(seen);
            }
        }
        found = kept;
    }
    for order in request.list("SortOrder").iter().rev() {
        let path = paths::read(order.children.first().unwrap_or(order), call.level)?;
        found.sort_by(|a, b| query::compare(&look(a, &path).unwrap_or_default(), &look(b, &path).unwrap_or_default()));
        if order.attribute("Order") == Some("Descending") {
            found.reverse();
        }
    }
    let total = found.len();
    let limit = call.state.switches.find_limit;
    let (from, to) = match request.child("CalendarView") {
        Some(view) => (0, total.min(most(view).unwrap_or(usize::MAX)).min(limit)),
        None => page(request.child("IndexedPageItemView"), total, limit),
    };
    let shown = found.get(from..to).unwrap_or_default().iter().map(|seen| lens.item(seen, shape));
    let mut root = m("RootFolder");
    if !view {
        root = root.set("IndexedPagingOffset", to);
    }
    let root = root
        .set("TotalItemsInView", total)
        .set("IncludesLastItemInRange", to == total)
        .with(t("Items").with_all(shown));
    Ok(success("FindItem").with(root))
}

/// The GlobalObjectIds of which an item must have one, where nothing else is asked: what a mailbox finds by an index. Whether it
/// holds is asked of those alone.
fn wanted_ids(restriction: &Element) -> Option<Vec<Vec<u8>>> {
    match restriction.name.as_str() {
        "Restriction" | "Or" if !restriction.children.is_empty() => {
            let all: Option<Vec<Vec<Vec<u8>>>> = restriction.children.iter().map(wanted_ids).collect();
            all.map(|all| all.concat())
        }
        "IsEqualTo" => {
            let constant = restriction.child("FieldURIOrConstant")?.child("Constant")?.attribute("Value")?;
            let bytes = STANDARD.decode(constant).ok()?;
            bytes.starts_with(&[4, 0, 0, 0, 0x82, 0, 0xE0, 0]).then(|| vec![bytes])
        }
        _ => None,
    }
}

fn range(view: &Element, zone: &Zone) -> Result<(i64, i64), Refusal> {
    let bound = |name: &str| view.attribute(name).and_then(time::parse).map(|stamp| zone.instant_of(stamp));
    let invalid = || refuse("ErrorInvalidRequest", "The request is invalid: a calendar view needs two dates.");
    let (from_s, to_s) = (bound("StartDate").ok_or_else(invalid)?, bound("EndDate").ok_or_else(invalid)?);
    if to_s < from_s {
        return Err(refuse("ErrorCalendarEndDateIsEarlierThanStartDate", "EndDate is earlier than StartDate"));
    }
    if to_s - from_s > LONGEST_VIEW * DAY_S {
        return Err(refuse(
            "ErrorCalendarViewRangeTooBig",
            "You have exceeded the maximum of 2 years in a calendar view.",
        ));
    }
    Ok((from_s, to_s))
}

fn most(view: &Element) -> Option<usize> {
    view.attribute("MaxEntriesReturned").and_then(|most| most.trim().parse().ok())
}

/// From where to where a page goes.
pub fn page(view: Option<&Element>, total: usize, limit: usize) -> (usize, usize) {
    let Some(view) = view else { return (0, total.min(limit)) };
    let offset = view.attribute("Offset").and_then(|offset| offset.trim().parse().ok()).unwrap_or(0_usize);
    let size = most(view).unwrap_or(usize::MAX).min(limit);
    if view.attribute("BasePoint") == Some("End") {
        let to = total.saturating_sub(offset);
        return (to.saturating_sub(size), to);
    }
    let from = offset.min(total);
    (from, from.saturating_add(size).min(total))
}
