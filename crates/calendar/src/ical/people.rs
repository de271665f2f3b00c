//! ORGANIZER and ATTENDEE.

use super::lines::{Line, Param};
use super::write::Scheduling;
use crate::event::{Answer, Attendee, Kind, Person, Role};

const ROLES: [(&str, Role); 4] = [
    ("CHAIR", Role::Chair),
    ("REQ-PARTICIPANT", Role::Required),
    ("OPT-PARTICIPANT", Role::Optional),
    ("NON-PARTICIPANT", Role::NonParticipant),
];
const KINDS: [(&str, Kind); 5] = [
    ("INDIVIDUAL", Kind::Individual),
    ("GROUP", Kind::Group),
    ("RESOURCE", Kind::Resource),
    ("ROOM", Kind::Room),
    ("UNKNOWN", Kind::Unknown),
];
const ANSWERS: [(&str, Answer); 5] = [
    ("NEEDS-ACTION", Answer::NeedsAction),
    ("ACCEPTED", Answer::Accepted),
    ("DECLINED", Answer::Declined),
    ("TENTATIVE", Answer::Tentative),
    ("DELEGATED", Answer::Delegated),
];

/// What servers and we say about delivery (RFC 6638 section 7): no part of an event.
const DELIVERY: [&str; 3] = ["SCHEDULE-AGENT", "SCHEDULE-STATUS", "SCHEDULE-FORCE-SEND"];

pub fn person(line: &Line) -> Person {
    let value = line.value.trim();
    let is_mail = value.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("mailto:"));
    let address = if is_mail { value.get(7..).unwrap_or_default() } else { value };
    let kept = line.params.iter().filter(|param| param.name != "CN" && !DELIVERY.contains(&param.name.as_str()));
    Person {
        address: address.trim().to_owned(),
        name: line.param("CN").unwrap_or_default().to_owned(),
        params: kept.cloned().collect(),
    }
}

pub fn attendee(line: &Line) -> Attendee {
    let mut person = person(line);
    // A word that is not known stays among the parameters, and the default stands for it.
    let mut take = |name: &str, known: &[&str]| {
        let at = person.params.iter().position(|param| {
            let value = param.values.first().map(|value| value.to_ascii_uppercase());
            param.name == name && value.is_some_and(|value| known.contains(&value.as_str()))
        })?;
        person.params.remove(at).values.into_iter().next().map(|value| value.to_ascii_uppercase())
    };
    let role = take("ROLE", &ROLES.map(|(word, _)| word));
    let kind = take("CUTYPE", &KINDS.map(|(word, _)| word));
    let answer = take("PARTSTAT", &ANSWERS.map(|(word, _)| word));
    let rsvp = take("RSVP", &["TRUE", "FALSE"]);
    Attendee {
        role: meant(&ROLES, role.as_deref()),
        kind: meant(&KINDS, kind.as_deref()),
        answer: meant(&ANSWERS, answer.as_deref()),
        rsvp: rsvp.as_deref() == Some("TRUE"),
        person,
    }
}

fn meant<T: Copy + Default>(table: &[(&str, T)], word: Option<&str>) -> T {
    table.iter().find(|(known, _)| Some(*known) == word).map_or_else(T::default, |(_, value)| *value)
}

fn word<T: PartialEq>(table: &[(&'static str, T)], value: T) -> &'static str {
    table.iter().find(|(_, known)| *known == value).map_or("", |(word, _)| word)
}

pub fn organizer_line(person: &Person, scheduling: Scheduling) -> Line {
    line("ORGANIZER", person, Vec::new(), scheduling)
}

pub fn attendee_line(attendee: &Attendee, scheduling: Scheduling) -> Line {
    let mut own =
        vec![Param::new("ROLE", word(&ROLES, attendee.role)), Param::new("PARTSTAT", word(&ANSWERS, attendee.answer))];
    if attendee.kind != Kind::Individual {
        own.push(Param::new("CUTYPE", word(&KINDS, attendee.kind)));
    }
    if attendee.rsvp {
        own.push(Param::new("RSVP", "TRUE"));
    }
    line("ATTENDEE", &attendee.person, own, scheduling)
}

fn line(name: &str, person: &Person, own: Vec<Param>, scheduling: Scheduling) -> Line {
    let is_uri = person.address.contains(':');
    let value = if is_uri { person.address.clone() } else { format!("mailto:{}", person.address) };
    let mut line = Line::new(name, value);
    if !person.name.is_empty() {
        line.params.push(Param::new("CN", &*person.name));
    }
    // A word of the other side that we do not know goes before the default that stands for it.
    let unknown = |param: &Param| person.params.iter().any(|kept| kept.name == param.name);
    line.params.extend(own.into_iter().filter(|param| !unknown(param)));
    line.params.extend(person.params.iter().cloned());
    if scheduling == Scheduling::Suppressed {
        line.params.push(Param::new("SCHEDULE-AGENT", "CLIENT"));
    }
    line
}
