//! What a running `parom sync` shows: bars on a terminal, plain lines elsewhere, JSON on request.

mod bars;
mod failures;
mod json;
mod lines;
mod meter;
mod sentences;

pub use meter::Work;

use crate::i18n::Texts;
use crate::message::Message;
use parom_domain::Side;
use std::sync::Arc;

/// What happens during passes, told as it happens. Numbers of one pass only grow.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The account's address.
    pub account: Arc<str>,
    /// Of the account's calendars, while its mail is worked on in the same process.
    pub apart: bool,
    pub what: What,
}

impl Event {
    #[must_use]
    pub fn new(account: Arc<str>, what: What) -> Event {
        Event { account, apart: false, what }
    }

    /// What is worked on, on screen: mail and calendars of one account are told apart.
    fn label(&self, texts: &Texts) -> Arc<str> {
        if !self.apart {
            return self.account.clone();
        }
        let label = Message::new("progress-calendars-of").with("account", self.account.to_string());
        texts.say(&label).into()
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A pass begins.
    Began,
    /// A pass over calendars begins.
    BeganCalendars,
    Phase(Phase),
    /// More work has been found; added to what was planned before. Sizes are known only when messages have been read.
    Planned(Work),
    /// Work that is done; added to what was done before.
    Did(Work),
    /// Work on a folder begins.
    Folder {
        folder: String,
    },
    /// There are folders in this one that the side's server does not show.
    Hidden {
        side: Side,
        folder: String,
        why: Message,
    },
    /// A message of this side's folder cannot be carried as it is.
    Parked {
        side: Side,
        folder: String,
        uid: u32,
        why: Message,
    },
    /// An event of this side's calendar cannot be carried as it is.
    ParkedEvent {
        side: Side,
        calendar: String,
        /// Where it is known.
        uid: Option<String>,
        why: Message,
    },
    /// Something went wrong that stops less than the account.
    Trouble {
        why: Message,
    },
    /// The pass is over.
    Ended(Ending),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Connecting,
    /// What an earlier run left in the air is looked for.
    Recovering,
    Observing,
    Carrying,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// Both sides agree, except for what is parked.
    InStep {
        parked: u64,
    },
    /// There is more to do (suspected deletions wait for their grace, or folders could not be seen).
    Unsettled {
        parked: u64,
        /// Another pass follows.
        goes_on: bool,
    },
    /// A brake holds operations.
    Held {
        why: Message,
    },
    Failed {
        why: Message,
    },
    /// It failed and is tried again.
    Again {
        why: Message,
        seconds: u64,
    },
    Interrupted,
    /// A dry run: the plan is told elsewhere.
    Planned,
}

impl What {
    /// What went wrong, if this tells of something that did.
    #[must_use]
    pub fn why(&self) -> Option<&Message> {
        match self {
            What::Hidden { why, .. }
            | What::Trouble { why }
            | What::Ended(Ending::Failed { why } | Ending::Held { why }) => Some(why),
            _ => None,
        }
    }
}

impl Phase {
    #[cfg(test)]
    pub const ALL: [Phase; 4] = [Phase::Connecting, Phase::Recovering, Phase::Observing, Phase::Carrying];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Connecting => "connecting",
            Phase::Recovering => "recovering",
            Phase::Observing => "observing",
            Phase::Carrying => "carrying",
        }
    }
}

/// Shows events. One for the whole process; events of different accounts come interleaved and from any thread.
pub trait Progress: Send + Sync {
    fn on(&self, event: &Event);
    /// All is over: leaves the screen in a state in which other output may follow.
    fn finish(&self);
}

/// How progress is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Bars,
    Lines,
    Json,
}

impl Style {
    /// JSON when asked for; bars where a person looks at a terminal; lines otherwise.
    #[must_use]
    pub fn choose(json: bool, is_terminal: bool) -> Style {
        match (json, is_terminal) {
            (true, _) => Style::Json,
            (false, true) => Style::Bars,
            (false, false) => Style::Lines,
        }
    }
}

/// Without a style only what went wrong is told, on stderr. Bars go to stderr, where they disturb nobody who reads stdout; lines and JSON are the output itself.
#[must_use]
pub fn show(style: Option<Style>, texts: Arc<Texts>) -> Arc<dyn Progress> {
    match style {
        Some(Style::Bars) => Arc::new(bars::Bars::new(texts)),
        Some(Style::Lines) => Arc::new(lines::Lines::new(texts, std::io::stdout())),
        Some(Style::Json) => Arc::new(json::Json::new(texts, std::io::stdout())),
        None => Arc::new(failures::Failures::new(texts)),
    }
}
