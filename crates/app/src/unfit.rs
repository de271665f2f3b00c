//! Why an event cannot be carried as it is, in words: the crates that find out have a closed list of reasons.

use crate::message::Message;
use parom_calendar::Unfit;
use parom_exchange::convert::NoPlace;

/// Every reason there is.
pub fn reasons() -> impl Iterator<Item = &'static str> {
    let text = Unfit::ALL.iter().map(|reason| reason.as_str());
    text.chain(NoPlace::ALL.iter().map(|reason| reason.as_str())).chain(parom_caldav::REASONS)
}

/// The words for a reason. `None` for what is no reason of ours.
#[must_use]
pub fn words(reason: &str) -> Option<Message> {
    reasons().find(|known| *known == reason).map(|known| Message::new(format!("unfit-{known}")))
}
