//! Progress as bars on a terminal: one for each account at work, with rate and time left, and one for all together.

use super::meter::{Meter, Work};
use super::{Ending, Event, Phase, Progress, What, sentences};
use crate::i18n::Texts;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// So many bars fit the screen; accounts beyond that are counted in the bar of all only.
const BARS: usize = 12;

pub struct Bars {
    texts: Arc<Texts>,
    screen: MultiProgress,
    all: ProgressBar,
    state: Mutex<State>,
}

struct State {
    accounts: HashMap<Arc<str>, Account>,
    all: Meter,
}

struct Account {
    meter: Meter,
    /// `None` where there is no room for one more.
    bar: Option<ProgressBar>,
}

impl Bars {
    pub fn new(texts: Arc<Texts>) -> Bars {
        let screen = MultiProgress::new();
        let all = screen.add(ProgressBar::new(0).with_style(style()).with_prefix(texts.text("progress-all")));
        let state = State { accounts: HashMap::new(), all: Meter::new(Instant::now()) };
        Bars { texts, screen, all, state: Mutex::new(state) }
    }

    fn new_bar(&self, account: &str, shown: usize) -> Option<ProgressBar> {
        let bar = || ProgressBar::new(0).with_style(style()).with_prefix(account.to_owned());
        (shown < BARS).then(|| self.screen.insert_before(&self.all, bar()))
    }

    /// A line above the bars that stays.
    fn say(&self, account: &str, text: &str) {
        // A terminal that is gone is no reason to stop the work.
        let _ = self.screen.println(format!("{account}: {text}"));
    }
}

impl Progress for Bars {
    fn on(&self, event: &Event) {
        let now = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { accounts, all } = &mut *state;
        let label = event.label(&self.texts);
        let shown = accounts.values().filter(|account| account.bar.is_some()).count();
        let account = accounts
            .entry(label.clone())
            .or_insert_with(|| Account { meter: Meter::new(now), bar: self.new_bar(&label, shown) });
        account.meter.count(&event.what);
        all.count(&event.what);
        if let Some(bar) = &account.bar {
            show(bar, &account.meter);
            match &event.what {
                What::Phase(phase) if *phase != Phase::Carrying => {
                    bar.set_message(self.texts.say(&sentences::phase(*phase)))
                }
                What::Did(_) => bar.set_message(self.texts.say(&sentences::moving(&account.meter, now))),
                _ => {}
            }
        }
        show(&self.all, all);
        self.all.set_message(self.texts.say(&sentences::moving(all, now)));
        match &event.what {
            What::Parked { why, .. } => self.say(&label, &self.texts.say(&sentences::parked(why))),
            What::ParkedEvent { why, .. } => self.say(&label, &self.texts.say(&sentences::parked_event(why))),
            What::Hidden { why, .. } | What::Trouble { why } => self.say(&label, &self.texts.explain(why)),
            What::Ended(ending) => {
                // Under --watch most passes find nothing, and saying so would bury what matters.
                let quiet = *ending == Ending::InStep { parked: 0 } && account.meter.done == Work::default();
                if !quiet {
                    let remedy = event.what.why().map(|why| self.texts.remedy(why)).unwrap_or_default();
                    let ended = self.texts.say(&sentences::ended(ending, &account.meter, now));
                    self.say(&label, &(ended + &remedy));
                }
                if let Some(bar) = &account.bar {
                    bar.finish_and_clear();
                    self.screen.remove(bar);
                }
                accounts.remove(&label);
            }
            What::Began
            | What::BeganCalendars
            | What::Phase(_)
            | What::Planned(_)
            | What::Did(_)
            | What::Folder { .. } => {}
        }
    }

    fn finish(&self) {
        self.all.finish_and_clear();
    }
}

/// A bar's look. The template is constant and right, so the other look is never seen.
fn style() -> ProgressStyle {
    ProgressStyle::with_template("{prefix:28!} {bar:24} {wide_msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

fn show(bar: &ProgressBar, meter: &Meter) {
    let (done, planned) = meter.share();
    bar.set_length(planned);
    bar.set_position(done);
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_template_is_right() {
        assert!(indicatif::ProgressStyle::with_template("{prefix:28!} {bar:24} {wide_msg}").is_ok());
    }
}
