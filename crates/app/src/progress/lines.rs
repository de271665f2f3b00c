//! Progress as plain lines, for logs and pipes: what changes is said at once, what grows every few seconds.

use super::meter::{Meter, Work};
use super::{Ending, Event, Phase, Progress, What, sentences};
use crate::i18n::Texts;
use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Between two lines of the same account about growing numbers.
const PAUSE: Duration = Duration::from_secs(5);

pub struct Lines<W> {
    texts: Arc<Texts>,
    state: Mutex<State<W>>,
}

struct State<W> {
    out: W,
    accounts: HashMap<Arc<str>, Account>,
    /// Accounts that were told to be in step. A watch looks at them again and again, and that is no news.
    in_step: HashSet<Arc<str>>,
}

struct Account {
    meter: Meter,
    said: Instant,
}

impl<W: Write + Send> Lines<W> {
    pub fn new(texts: Arc<Texts>, out: W) -> Lines<W> {
        Lines { texts, state: Mutex::new(State { out, accounts: HashMap::new(), in_step: HashSet::new() }) }
    }

    fn on_at(&self, event: &Event, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { out, accounts, in_step } = &mut *state;
        let label = event.label(&self.texts);
        let fresh = || Account { meter: Meter::new(now), said: now };
        let account = accounts.entry(label.clone()).or_insert_with(fresh);
        account.meter.count(&event.what);
        let line = match &event.what {
            What::Phase(Phase::Carrying) if account.meter.planned != Work::default() => {
                Some(sentences::planned(&account.meter))
            }
            What::Phase(Phase::Recovering) => Some(sentences::phase(Phase::Recovering)),
            What::Did(_) if now.saturating_duration_since(account.said) >= PAUSE => {
                account.said = now;
                Some(sentences::moving(&account.meter, now))
            }
            // The rest is over before it could be read, and would bury what matters among many accounts.
            What::Began
            | What::BeganCalendars
            | What::Phase(_)
            | What::Planned(_)
            | What::Did(_)
            | What::Folder { .. } => None,
            What::Parked { why, .. } => Some(sentences::parked(why)),
            What::ParkedEvent { why, .. } => Some(sentences::parked_event(why)),
            What::Hidden { why, .. } | What::Trouble { why } => Some(why.clone()),
            What::Ended(ending) => {
                let is_news = match ending {
                    Ending::InStep { .. } => in_step.insert(label.clone()) || account.meter.done != Work::default(),
                    _ => {
                        in_step.remove(&label);
                        true
                    }
                };
                is_news.then(|| sentences::ended(ending, &account.meter, now))
            }
        };
        if matches!(event.what, What::Ended(_)) {
            // Thousands of accounts pass by under --watch; only those at work are held.
            accounts.remove(&label);
        }
        if let Some(line) = line {
            let remedy = event.what.why().map(|why| self.texts.remedy(why)).unwrap_or_default();
            let line = format!("{label}: {}{remedy}\n", self.texts.say(&line));
            // Whoever read this may have gone away; the work itself goes on.
            let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
        }
    }
}

impl<W: Write + Send> Progress for Lines<W> {
    fn on(&self, event: &Event) {
        self.on_at(event, Instant::now());
    }

    fn finish(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;
    use crate::message::Message;
    use parom_domain::Side;

    #[test]
    fn a_pass_is_told_in_lines_of_both_languages() {
        let work = Work { messages: 3, bytes: 4096, ..Work::default() };
        let told = |lang| {
            let lines = Lines::new(Arc::new(Texts::new(lang)), Vec::new());
            let mut now = Instant::now();
            for what in [
                What::Began,
                What::Phase(Phase::Observing),
                What::Planned(Work { bytes: 0, ..work }),
                What::Phase(Phase::Carrying),
                What::Did(work),
                What::Ended(Ending::InStep { parked: 2 }),
            ] {
                now += Duration::from_millis(300);
                lines.on_at(&Event::new("a@corp.example".into(), what), now);
            }
            let state = lines.state.into_inner().unwrap();
            assert!(state.accounts.is_empty(), "an account that is done costs nothing");
            String::from_utf8(state.out).unwrap().replace('\u{a0}', " ")
        };
        assert_eq!(
            told(Lang::En),
            "a@corp.example: to do: 3 messages\n\
             a@corp.example: in step after 1.5 s: 3 messages (4.0 KB); 2 messages are parked (parom parked)\n"
        );
        assert_eq!(
            told(Lang::Ru),
            "a@corp.example: предстоит: 3 письма\n\
             a@corp.example: синхронизировано за 1,5 с: 3 письма (4,0 КБ); отложено 2 письма (parom parked)\n"
        );
    }

    #[test]
    fn a_parked_message_is_told_in_the_readers_language() {
        let told = |lang| {
            let lines = Lines::new(Arc::new(Texts::new(lang)), Vec::new());
            let args = [("host", "mail.example"), ("uid", "7"), ("folder", "INBOX"), ("answer", "NO spam")];
            let why =
                args.into_iter().fold(Message::new("error-message-refused"), |why, (name, text)| why.with(name, text));
            let what = What::Parked { side: Side::Source, folder: "INBOX".to_owned(), uid: 7, why };
            lines.on_at(&Event::new("a@corp.example".into(), what), Instant::now());
            String::from_utf8(lines.state.into_inner().unwrap().out).unwrap()
        };
        assert_eq!(told(Lang::En), "a@corp.example: parked: mail.example refused message 7 for \"INBOX\": NO spam.\n");
        assert_eq!(
            told(Lang::Ru),
            "a@corp.example: письмо отложено: Сервер mail.example не принял письмо 7 в папку «INBOX»: NO spam.\n"
        );
    }

    #[test]
    fn an_account_that_stays_in_step_is_told_once() {
        let lines = Lines::new(Arc::new(Texts::new(Lang::En)), Vec::new());
        let now = Instant::now();
        let tell = |what| lines.on_at(&Event::new("a@corp.example".into(), what), now);
        let pass = |did: u64, ending| {
            tell(What::Began);
            tell(What::Did(Work { changes: did, ..Work::default() }));
            tell(What::Ended(ending));
        };
        for did in [0, 0, 1, 0] {
            pass(did, Ending::InStep { parked: 0 });
        }
        pass(0, Ending::Unsettled { parked: 0, goes_on: true });
        pass(0, Ending::InStep { parked: 0 });
        pass(0, Ending::InStep { parked: 0 });
        let told = String::from_utf8(lines.state.into_inner().unwrap().out).unwrap();
        assert_eq!(told.lines().count(), 4, "{told}");
    }
}
