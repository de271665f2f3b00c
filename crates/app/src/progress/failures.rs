//! No progress: only what went wrong, on stderr, because stdout belongs to something else.

use super::{Event, Progress};
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
        if let Some(why) = event.what.why() {
            eprintln!("{}: {}", event.label(&self.texts), self.texts.explain(why));
        }
    }

    fn finish(&self) {}
}
