//! `GetItem` ([MS-OXWSCORE] 3.1.4.4).

use crate::ews::item::Seen;
use crate::ews::mail;
use crate::ews::show::{Lens, Shape};
use crate::ews::site::{Call, Named};
use crate::ews::soap::{Refusal, refuse, success};
use crate::ews::store::no_item;
use crate::ews::xml::{Element, m};

pub fn run(call: &mut Call<'_>, request: &Element) -> Element {
    let shape = Shape::read(request.child("ItemShape"), call.level);
    let is_id_only = request.child("ItemShape").is_some_and(|shape| shape.child("AdditionalProperties").is_none());
    call.each(request.list("ItemIds"), |call, id| {
        let shape = shape.clone()?;
        if let Some(shown) = mail::get(call, id, request) {
            return Ok(shown);
        }
        let named = call.item(id)?;
        if let Some(code) = call.state.item(named.mailbox, named.number).and_then(|item| item.broken)
            && !(is_id_only && shape.names.len() <= 1)
        {
            return Err(refuse(code, "The item is corrupt."));
        }
        Ok(success("GetItem").with(m("Items").with(shown(call, named, &shape)?)))
    })
}

pub fn shown(call: &Call<'_>, named: Named, shape: &Shape) -> Result<Element, Refusal> {
    let place = call.state.mailbox(named.mailbox).ok_or_else(no_item)?;
    let item = place.items.get(&named.number).ok_or_else(no_item)?;
    let seen = match named.day {
        Some(day) => Seen::one(item, item.occurrence(day).ok_or_else(no_item)?),
        None => Seen::whole(item),
    };
    let lens = Lens { state: call.state, mailbox: place, zone: &call.zone, level: call.level, is_table: false };
    Ok(lens.item(&seen, shape))
}
