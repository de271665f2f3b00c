//! No progress: only what went wrong, on stderr, because stdout belongs to something else.

use super::{Ending, Event, Progress, What};
use crate::i18n::Texts;
use std::sync::Arc;

pub struct Failures {
    texts: Arc<Texts>,
}

impl Failures {
    pub fn new(texts: Arc<Texts>) -> Failures {
        Failures { texts }
    }
}

impl Progress for Failures {
    fn on(&self, event: &Event) {
        let why = match &event.what {
            What::Trouble { why } | What::Ended(Ending::Failed { why } | Ending::Held { why }) => why,
            _ => return,
        };
        eprintln!("{}: {}", event.account, self.texts.explain(why));
    }

    fn finish(&self) {}
}
