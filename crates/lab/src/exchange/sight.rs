//! Rows 17 to 22: how a message shows itself to one FETCH.

use super::folders::{self, APPOINTMENT};
use super::quirks::{CalendarItems, Quirks};
use super::rendering;
use crate::server::manners::Asked;
use crate::server::message::subject_contains;
use crate::server::store::Message;
use bytes::Bytes;

pub(super) enum Sight {
    /// The answer leaves it out and ends with OK.
    Nothing,
    /// Another message in its place. `size` is what RFC822.SIZE tells.
    Substitute {
        size: u64,
    },
    Rendered {
        bytes: Bytes,
        size: u64,
    },
}

pub(super) fn of(message: &Message, asked: &Asked, quirks: &Quirks) -> Sight {
    let is_chosen = |texts: &[String]| texts.iter().any(|text| subject_contains(&message.bytes, text));
    let size = rendering::estimated(message.bytes.len());
    if asked.wide && is_chosen(&quirks.omitted_when_wide) {
        return if asked.reads { Sight::Substitute { size } } else { Sight::Nothing };
    }
    let is_appointment = asked.class == APPOINTMENT;
    if asked.body && is_appointment && quirks.calendar_items == CalendarItems::NoData {
        return Sight::Nothing;
    }
    let is_lost = match (folders::holds_items(asked.class), is_appointment) {
        (true, true) => quirks.calendar_items == CalendarItems::Substitute,
        (true, false) => quirks.items_are_substitutes,
        (false, _) => false,
    };
    if asked.body && (is_lost || is_chosen(&quirks.substitutes)) {
        return Sight::Substitute { size };
    }
    let mut bytes = message.bytes.clone();
    if asked.body || (asked.size && !quirks.size_is_estimate) {
        bytes = quirks.rendering.of(&bytes);
        if quirks.message_flag_header && message.flags.has("\\Flagged") {
            bytes = rendering::flagged(&bytes);
        }
    }
    let size = if quirks.size_is_estimate { size } else { bytes.len() as u64 };
    Sight::Rendered { bytes, size }
}
