//! Hands what a pass tells to whatever shows it.

use crate::progress::{Event, Phase, Progress, What, Work};
use crate::stop::Stop;
use parom_engine::Observer;
use std::sync::Arc;

pub struct Watcher {
    pub account: Arc<str>,
    pub progress: Arc<dyn Progress>,
    pub stop: Stop,
}

impl Watcher {
    pub fn tell(&self, what: What) {
        self.progress.on(&Event { account: self.account.clone(), what });
    }
}

impl Observer for Watcher {
    fn event(&self, event: parom_engine::Event) {
        let changes = |changes| What::Did(Work { changes, ..Work::default() });
        match event {
            parom_engine::Event::Planned { messages } => {
                self.tell(What::Planned(Work { messages, ..Work::default() }));
                self.tell(What::Phase(Phase::Carrying));
            }
            parom_engine::Event::Folder { path } => self.tell(What::Folder { folder: path.to_string() }),
            parom_engine::Event::Carried { bytes, .. } => {
                self.tell(What::Did(Work { messages: 1, bytes, changes: 0 }));
            }
            parom_engine::Event::Marked { count }
            | parom_engine::Event::Moved { count }
            | parom_engine::Event::Deleted { count } => self.tell(changes(count)),
            parom_engine::Event::Parked { folder, error } => {
                // The error as it is logged: its code comes first.
                let code = error.split_whitespace().next().unwrap_or_default().to_owned();
                self.tell(What::Parked { folder: folder.to_string(), code });
            }
            parom_engine::Event::Waiting { .. } => self.tell(What::Phase(Phase::Recovering)),
        }
    }

    fn should_stop(&self) -> bool {
        self.stop.is_asked()
    }
}
