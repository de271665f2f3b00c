//! The sentences about passes that lines and bars have in common.

use super::meter::{Meter, Work};
use super::{Ending, Phase};
use crate::message::{Message, Value};
use std::time::Instant;

pub fn phase(phase: Phase) -> Message {
    Message::new(format!("phase-{}", phase.as_str()))
}

/// What there is to do.
pub fn planned(meter: &Meter) -> Message {
    Message::new("progress-planned").with("work", work(meter.planned))
}

pub fn parked_event(why: &Message) -> Message {
    Message::new("progress-parked-event").with("why", why.clone())
}

/// How far it is, how fast it goes, how long it will take.
pub fn moving(meter: &Meter, now: Instant) -> Message {
    if meter.is_of_calendars {
        let message = Message::new("progress-moving-events");
        return message.with("done", meter.done.events).with("planned", meter.planned.events);
    }
    let message = match meter.remaining_s(now) {
        Some(left) => Message::new("progress-moving-eta").with("left", Value::Seconds(left)),
        None => Message::new("progress-moving"),
    };
    message
        .with("done", meter.done.messages)
        .with("planned", meter.planned.messages)
        .with("done_bytes", Value::Bytes(meter.done.bytes))
        .with("rate", Value::Bytes(meter.rate(now)))
}

pub fn parked(why: &Message) -> Message {
    Message::new("progress-parked").with("why", why.clone())
}

/// How a pass ended.
pub fn ended(ending: &Ending, meter: &Meter, now: Instant) -> Message {
    let told = |plain: &str, with_parked: &str, parked: u64| {
        let key = if parked > 0 { with_parked } else { plain };
        let message = Message::new(key).with("work", work(meter.done)).with("parked", parked);
        message.with("elapsed", Value::Elapsed(meter.elapsed(now)))
    };
    match ending {
        Ending::InStep { parked } if meter.is_of_calendars => {
            told("ended-in-step", "ended-in-step-parked-events", *parked)
        }
        Ending::Unsettled { parked, goes_on: true } if meter.is_of_calendars => {
            told("ended-unsettled", "ended-unsettled-parked-events", *parked)
        }
        Ending::Unsettled { parked, goes_on: false } if meter.is_of_calendars => {
            told("ended-left", "ended-left-parked-events", *parked)
        }
        Ending::InStep { parked } => told("ended-in-step", "ended-in-step-parked", *parked),
        Ending::Unsettled { parked, goes_on: true } => told("ended-unsettled", "ended-unsettled-parked", *parked),
        Ending::Unsettled { parked, goes_on: false } => told("ended-left", "ended-left-parked", *parked),
        Ending::Held { why } => Message::new("ended-held").with("why", why.clone()),
        Ending::Failed { why } => Message::new("ended-failed").with("why", why.clone()),
        Ending::Again { why, seconds: 0 } => Message::new("ended-again-now").with("why", why.clone()),
        Ending::Again { why, seconds } => {
            Message::new("ended-again").with("why", why.clone()).with("pause", Value::Seconds(*seconds))
        }
        Ending::Interrupted => Message::new("ended-interrupted"),
        Ending::Planned => Message::new("ended-planned"),
    }
}

/// `3 messages (4.0 KB) and 1 change`.
pub fn work(work: Work) -> Message {
    if work.events > 0 {
        return Message::new("work-events").with("events", work.events);
    }
    let key = match (work.messages, work.changes) {
        (0, 0) => "work-nothing",
        (_, 0) if work.bytes == 0 => "work-count",
        (_, 0) => "work-messages",
        (0, _) => "work-changes",
        _ => "work-both",
    };
    let message = Message::new(key).with("messages", work.messages).with("changes", work.changes);
    message.with("bytes", Value::Bytes(work.bytes))
}
