//! Why a command ended early: sentences for the person, and the exit code for the script.

use crate::exit::Exit;
use crate::i18n::Texts;
use crate::message::{Message, Value};
use parom_domain::agenda::Label;
use parom_domain::events::guard::CalendarBrakeName;
use parom_domain::events::state::ParkedEvent;
use parom_domain::guard::BrakeName;
use parom_domain::state::Parked;
use parom_domain::{Code, Error, Side};

#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    pub messages: Vec<Message>,
}

impl Failure {
    #[must_use]
    pub fn new(exit: Exit, message: Message) -> Failure {
        Failure { exit, messages: vec![message] }
    }

    #[must_use]
    pub fn usage(message: Message) -> Failure {
        Failure::new(Exit::Usage, message)
    }

    /// The text for stderr.
    #[must_use]
    pub fn explain(&self, texts: &Texts) -> String {
        let parts: Vec<String> = self.messages.iter().map(|message| texts.explain(message)).collect();
        parts.join("\n")
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::new(Exit::of(error.code()), sentence(&error))
    }
}

/// The sentence of an error.
#[must_use]
pub fn sentence(error: &Error) -> Message {
    written(error.code(), |name| error.arg(name))
}

/// The sentence of an error that was kept in the state. A code that this program does not know is told as it is.
#[must_use]
pub fn stored(code: &str, args: &[(String, String)]) -> Message {
    match Code::ALL.iter().find(|known| known.as_str() == code) {
        Some(known) => {
            written(*known, |name| args.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()))
        }
        None => Message::new("told-unknown-code").with("code", code),
    }
}

/// Why a message is parked. What the error itself did not know is told by the place where it lies.
#[must_use]
pub fn parked(parked: &Parked, account: &str, folder: &str) -> Message {
    let named = parked.args.iter().cloned().chain([
        ("account".to_owned(), account.to_owned()),
        ("folder".to_owned(), folder.to_owned()),
        ("uid".to_owned(), parked.uid.to_string()),
    ]);
    stored(&parked.code, &named.collect::<Vec<_>>())
}

/// How people are told of an event: by title and day where they are known, else by its UID.
#[must_use]
pub fn event(label: &Label, uid: Option<&str>) -> Value {
    named(label.title.as_deref(), label.day.as_deref(), uid)
}

/// The same with the UID beside them, by which it is found in files and logs.
#[must_use]
pub fn event_and_uid(label: &Label, uid: Option<&str>) -> Value {
    match uid.filter(|_| *label != Label::default()) {
        Some(uid) => {
            Message::new("named-event-uid").with("event", event(label, None)).with("uid", shortened(uid)).into()
        }
        None => event(label, uid),
    }
}

/// The same of an event of which perhaps no more is known than the file in which it is.
#[must_use]
pub fn event_or_file(label: &Label, uid: Option<&str>, file: Option<&str>) -> Value {
    match file.filter(|_| uid.is_none()) {
        Some(file) if *label != Label::default() => with_file(event(label, None), file),
        Some(file) => event(label, Some(file)),
        None => event_and_uid(label, uid),
    }
}

fn with_file(event: Value, file: &str) -> Value {
    Message::new("named-event-file").with("event", event).with("file", shortened(file)).into()
}

/// A UID or the name of a file, as people can read it: some programs write UIDs of a thousand characters. Programs get it whole.
#[must_use]
pub fn shortened(name: &str) -> String {
    const MOST: usize = 80;
    const END: usize = 15;
    let count = name.chars().count();
    if count <= MOST {
        return name.to_owned();
    }
    let (first, last) = (name.chars().take(MOST - END - 1), name.chars().skip(count - END));
    first.chain(['…']).chain(last).collect()
}

/// What the side calls an event that could not be read, so that its UID is not known.
#[must_use]
pub fn file(parked: &ParkedEvent) -> Option<&str> {
    let called = parked.args.iter().find(|(name, _)| name == "uid").map(|(_, value)| value.as_str());
    called.filter(|_| parked.uid.is_none())
}

fn named(title: Option<&str>, day: Option<&str>, uid: Option<&str>) -> Value {
    match (title, day) {
        (Some(title), Some(day)) => Message::new("named-event").with("title", title).with("day", day).into(),
        (Some(title), None) => Message::new("named-event-undated").with("title", title).into(),
        (None, Some(day)) => Message::new("named-event-untitled").with("day", day).into(),
        (None, None) => match uid {
            Some(uid) => Value::from(shortened(uid)),
            None => Message::new("named-event-unknown").into(),
        },
    }
}

/// Why an event is parked.
#[must_use]
pub fn parked_event(parked: &ParkedEvent, account: &str, calendar: &str) -> Message {
    let named = parked
        .args
        .iter()
        .cloned()
        .chain([("account".to_owned(), account.to_owned()), ("what".to_owned(), calendar.to_owned())]);
    let named = named.chain(parked.uid.clone().map(|uid| ("uid".to_owned(), uid)));
    let named = named.chain(file(parked).map(|file| ("file".to_owned(), file.to_owned())));
    stored(&parked.code, &named.collect::<Vec<_>>())
}

/// The word for a side.
#[must_use]
pub fn side_key(side: Side) -> &'static str {
    match side {
        Side::Source => "side-source",
        Side::Target => "side-target",
    }
}

/// That there are folders in this one which its server does not show, and what helps.
#[must_use]
pub fn hidden(side: Side, account: &str, folder: &str) -> Message {
    let message = Message::new("hidden-folders").with("side", Message::new(side_key(side)));
    message.with("folder", folder).with("account", account)
}

/// The arguments that may occur in the sentences of errors (`domain/src/error.rs` says which code has which). One that an
/// error lacks is written as a dash.
const ARGUMENTS: [&str; 35] = [
    "account",
    "answer",
    "backoff_ms",
    "brake",
    "bytes",
    "change",
    "command",
    "count",
    "credential",
    "detail",
    "event",
    "exists",
    "folder",
    "found",
    "host",
    "kind",
    "known",
    "limit",
    "listed",
    "login",
    "mechanism",
    "other",
    "mode",
    "name",
    "path",
    "pid",
    "port",
    "seconds",
    "service",
    "side",
    "since_ms",
    "to",
    "total",
    "uid",
    "what",
];

/// Codes with a sentence of its own for what lacks an argument: a server tells that an event is too large, and not what it
/// takes; of one that is not even read, nobody knows how large it is. A message without a number is none that is
/// parked, and of a folder that is only not listed no server has said anything.
pub const WITHOUT: [(Code, &str); 6] = [
    (Code::EventTooLarge, "limit"),
    (Code::EventTooLarge, "bytes"),
    (Code::EventHalf, "answer"),
    (Code::FolderRefused, "side"),
    (Code::FolderRefused, "host"),
    (Code::MessageUnreadable, "uid"),
];

/// Codes with a sentence of its own for what has an argument: a key file that others may read is there and right.
/// An event that stays has the reason of ours, and room in a calendar is not that of mail. Where a side is named, it is what we
/// have written ourselves that its list lacks.
pub const WITH: [(Code, &str); 4] = [
    (Code::SecretUnreadable, "mode"),
    (Code::EventNotRemoved, "detail"),
    (Code::QuotaFull, "what"),
    (Code::ListingIncomplete, "side"),
];

/// Arguments of these sentences that are made here: what an event is called, and in which of its ways it is unfit.
#[cfg(test)]
pub const MADE: [&str; 2] = ["event", "kind"];

fn written<'a>(code: Code, arg: impl Fn(&str) -> Option<&'a str>) -> Message {
    let text = |name: &str| arg(name).unwrap_or("—");
    let without = WITHOUT.iter().find(|(of, name)| *of == code && arg(name).is_none());
    let with = WITH.iter().find(|(of, name)| *of == code && arg(name).is_some());
    let mut message = Message::new(match (without, with) {
        (Some((_, name)), _) => format!("error-{}-without-{name}", code.as_str()),
        (None, Some((_, name))) => format!("error-{}-with-{name}", code.as_str()),
        (None, None) => format!("error-{}", code.as_str()),
    });
    for name in ARGUMENTS {
        let mail = BrakeName::ALL.into_iter().map(BrakeName::as_str);
        let mut brakes = mail.chain(CalendarBrakeName::ALL.into_iter().map(CalendarBrakeName::as_str));
        let value = match brakes.find(|brake| name == "brake" && *brake == text(name)) {
            Some(brake) => {
                let about = ["side", "folder", "count", "total"].into_iter();
                let message = Message::new(format!("brake-{brake}"));
                about.fold(message, |message, name| message.with(name, typed(name, text(name)))).into()
            }
            None if name == "event" => match (named(arg(Label::TITLE), arg(Label::DAY), arg("uid")), arg("file")) {
                (event @ Value::Message(_), Some(file)) => with_file(event, file),
                (event, _) => event,
            },
            None if name == "kind" => crate::unfit::kind(text("detail")).into(),
            None if name == "detail" && matches!(code, Code::EventUnfit | Code::EventNotRemoved) => {
                let words = crate::unfit::words(text(name)).map(|words| words.with("to", text("to")));
                words.map_or_else(|| typed(name, text(name)), Value::from)
            }
            None if name == "side" && tells_side(code) => {
                let side = Side::ALL.into_iter().find(|side| side.as_str() == text(name));
                side.map_or_else(|| typed(name, text(name)), |side| Message::new(side_key(side)).into())
            }
            None => typed(name, text(name)),
        };
        message = message.with(name, value);
    }
    message
}

/// Does the sentence name the side in words?
fn tells_side(code: Code) -> bool {
    use Code::{CalendarIncomplete, CalendarUnpaired, DeletionWithheld, EventNotRemoved, FolderRefused};
    use Code::{ListingIncomplete, MarksWithheld};
    let of_mail = matches!(code, MarksWithheld | DeletionWithheld | FolderRefused | ListingIncomplete);
    of_mail || matches!(code, CalendarUnpaired | CalendarIncomplete | EventNotRemoved)
}

/// What a server said, as it stands within a sentence of ours.
#[must_use]
pub fn inner(answer: &str) -> String {
    answer.trim_end().trim_end_matches('.').to_owned()
}

/// An argument in the form in which each language writes it its own way.
fn typed(name: &str, text: &str) -> Value {
    let plain = || Value::from(text);
    match name {
        "bytes" | "limit" => text.parse().map_or_else(|_| plain(), Value::Bytes),
        "count" | "total" | "listed" | "exists" => text.parse().map_or_else(|_| plain(), Value::Count),
        "since_ms" => {
            let ago = |at_ms: u64| Value::Seconds(crate::state::now_ms().saturating_sub(at_ms) / 1000);
            text.parse().map_or_else(|_| plain(), ago)
        }
        "seconds" => text.parse().map_or_else(|_| plain(), Value::Seconds),
        "backoff_ms" => text.parse::<u64>().map_or_else(|_| plain(), |ms| Value::Seconds(ms.div_ceil(1000))),
        // It stands within a sentence of ours, and may be ours too.
        "answer" | "detail" => match text {
            parom_engine::BREAKS => Message::new("answer-breaks").into(),
            _ => Value::from(inner(text)),
        },
        _ => plain(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::{Lang, Texts};
    use parom_domain::agenda::Handle;
    use parom_domain::events::CalendarNumber;

    #[test]
    fn an_event_of_which_nothing_is_known_is_told_so_and_a_uid_is_no_longer_than_people_read() {
        let say = |uid: Option<&str>, args: &[(&str, &str)]| {
            let parked = ParkedEvent {
                calendar: CalendarNumber(0),
                side: Side::Source,
                handle: Handle("A".into()),
                version: None,
                uid: uid.map(str::to_owned),
                code: Code::EventUnreadable.as_str().to_owned(),
                args: args.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
                since_ms: 0,
                until_ms: None,
            };
            Texts::new(Lang::En).say(&parked_event(&parked, "anna@corp.example", "Work"))
        };
        let unknown = say(None, &[]);
        assert!(unknown.contains("the event (neither its title nor its UID is known) in \"Work\""), "{unknown}");
        assert!(say(Some("u1"), &[]).contains("the event u1 in"));
        // Of one that was never read, what its side knows of it.
        assert!(say(None, &[("uid", "u1")]).contains("the event u1 in"));
        let long = format!("{}END-OF-IT", "я".repeat(1500));
        for told in [say(Some(&long), &[]), say(None, &[("uid", &long)])] {
            assert!(told.chars().count() < 300 && told.contains("яя…яяяяяяEND-OF-IT"), "{told}");
        }
        assert_eq!(shortened(&"a".repeat(80)), "a".repeat(80));
    }
}
