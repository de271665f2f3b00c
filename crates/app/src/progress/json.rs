//! Progress as JSON, one object per line. Names of fields and events are stable and in English.

use super::{Ending, Event, Progress, What, Work};
use crate::i18n::Texts;
use crate::message::Message;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

pub struct Json<W> {
    texts: Arc<Texts>,
    out: Mutex<W>,
}

impl<W: Write + Send> Json<W> {
    pub fn new(texts: Arc<Texts>, out: W) -> Json<W> {
        Json { texts, out: Mutex::new(out) }
    }

    fn object(&self, event: &Event) -> Value {
        let (name, fields) = match &event.what {
            What::Began => ("began", vec![]),
            What::BeganCalendars => ("began", vec![("calendars", json!(true))]),
            What::Phase(phase) => ("phase", vec![("phase", json!(phase.as_str()))]),
            What::Planned(work) => ("planned", numbers(*work)),
            What::Did(work) => ("did", numbers(*work)),
            What::Folder { folder } => ("folder", vec![("folder", json!(folder))]),
            What::Parked { side, folder, uid, why } => {
                let place = vec![("side", json!(side.as_str())), ("folder", json!(folder)), ("uid", json!(uid))];
                ("parked", [place, self.why(why)].concat())
            }
            What::ParkedEvent { side, calendar, uid, why } => {
                let place = vec![("side", json!(side.as_str())), ("calendar", json!(calendar)), ("uid", json!(uid))];
                ("parked", [place, self.why(why)].concat())
            }
            What::Hidden { side, folder, why } => {
                let place = vec![("side", json!(side.as_str())), ("folder", json!(folder))];
                ("hidden", [place, self.why(why)].concat())
            }
            What::Trouble { why } => ("trouble", self.why(why)),
            What::Ended(ending) => ("ended", self.ending(ending)),
        };
        let head = [("event", json!(name)), ("account", json!(event.account.as_ref()))];
        let is_told = fields.iter().any(|(name, _)| *name == "calendars");
        let apart = (event.apart && !is_told).then_some(("calendars", json!(true)));
        let fields = head.into_iter().chain(apart).chain(fields).map(|(name, value)| (name.to_owned(), value));
        Value::Object(fields.collect::<Map<_, _>>())
    }

    fn ending(&self, ending: &Ending) -> Vec<(&'static str, Value)> {
        match ending {
            Ending::InStep { parked } => vec![("state", json!("in-step")), ("parked", json!(parked))],
            Ending::Unsettled { parked, .. } => vec![("state", json!("unsettled")), ("parked", json!(parked))],
            Ending::Held { why } => [vec![("state", json!("held"))], self.why(why)].concat(),
            Ending::Failed { why } => [vec![("state", json!("failed"))], self.why(why)].concat(),
            Ending::Again { why, seconds } => {
                [vec![("state", json!("again")), ("seconds", json!(seconds))], self.why(why)].concat()
            }
            Ending::Interrupted => vec![("state", json!("interrupted"))],
            Ending::Planned => vec![("state", json!("planned"))],
        }
    }

    /// The stable code for programs, the sentence for people.
    fn why(&self, why: &Message) -> Vec<(&'static str, Value)> {
        let code = why.key.strip_prefix("error-").unwrap_or(&why.key);
        vec![("code", json!(code)), ("text", json!(self.texts.say(why)))]
    }
}

fn numbers(work: Work) -> Vec<(&'static str, Value)> {
    if work.events > 0 {
        return vec![("events", json!(work.events))];
    }
    vec![("messages", json!(work.messages)), ("bytes", json!(work.bytes)), ("changes", json!(work.changes))]
}

impl<W: Write + Send> Progress for Json<W> {
    fn on(&self, event: &Event) {
        let line = format!("{}\n", self.object(event));
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever read this may have gone away; the work itself goes on.
        let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    }

    fn finish(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;
    use parom_domain::Side;

    #[test]
    fn every_line_is_an_object_with_event_and_account() {
        let json = Json::new(Arc::new(Texts::new(Lang::En)), Vec::new());
        let why = Message::new("error-cancelled").with("what", "x");
        for what in [
            What::Began,
            What::Planned(Work { messages: 1, bytes: 2, changes: 3, events: 0 }),
            What::Did(Work { events: 4, ..Work::default() }),
            What::Parked {
                side: Side::Source,
                folder: "INBOX".to_owned(),
                uid: 7,
                why: Message::new("error-message-refused").with("uid", "7"),
            },
            What::Ended(Ending::Failed { why }),
        ] {
            json.on(&Event::new("a@corp.example".into(), what));
        }
        let text = String::from_utf8(json.out.into_inner().unwrap()).unwrap();
        let mut objects: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(objects.len(), 5);
        assert!(objects.iter().all(|object| object["account"] == "a@corp.example"));
        assert_eq!(objects[1]["changes"], 3);
        assert_eq!(objects.remove(2)["events"], 4);
        assert_eq!((&objects[2]["folder"], &objects[2]["uid"]), (&json!("INBOX"), &json!(7)));
        assert_eq!((&objects[2]["side"], &objects[2]["code"]), (&json!("source"), &json!("message-refused")));
        assert!(objects[2]["text"].as_str().unwrap().contains("message 7"));
        assert_eq!(objects[3]["state"], "failed");
        assert_eq!(objects[3]["code"], "cancelled");
        assert!(objects[3]["text"].as_str().unwrap().starts_with("Stopped"));
    }
}
