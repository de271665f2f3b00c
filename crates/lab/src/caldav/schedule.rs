//! The trap: what a server that schedules by itself (RFC 6638 section 3.2) would have written to people, and what of it arrives
//! at those who have a calendar here.

use super::lines::{Component, Line};
use super::object::Object;
use super::store::{DEFAULT, State};
use super::switches::Scheduling;
use std::collections::BTreeSet;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterKind {
    /// An invitation, or a change of one.
    Request,
    Cancellation,
    Answer,
}

/// A message to one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub from: String,
    pub to: String,
    pub kind: LetterKind,
    pub subject: String,
    /// The request that sent it.
    pub method: String,
}

/// A change of one object.
pub struct Change<'a> {
    pub method: &'a str,
    pub before: Option<&'a Object>,
    pub after: Option<&'a Object>,
    /// `Schedule-Reply: F` was said.
    pub is_silent: bool,
}

impl State {
    /// Writes to whom a change concerns.
    pub fn schedule(&mut self, login: &str, change: &Change<'_>) {
        let how = self.switches.scheduling;
        if how == Scheduling::Off || (how == Scheduling::ByHeader && change.is_silent) {
            return;
        }
        let Some(owner) = self.homes.get(login).map(|home| home.person.clone()) else { return };
        let agents = how == Scheduling::ByAgent;
        let subject = change.after.or(change.before).map(|object| object.summary().to_owned()).unwrap_or_default();
        let letter = |to: &str, kind| Letter {
            from: owner.address.clone(),
            to: to.to_owned(),
            kind,
            subject: subject.clone(),
            method: change.method.to_owned(),
        };
        let invited = |object: Option<&Object>| object.map(|it| invited(it, &owner, agents)).unwrap_or_default();
        let (before, after) = (invited(change.before), invited(change.after));
        let mut letters: Vec<Letter> =
            before.difference(&after).map(|to| letter(to, LetterKind::Cancellation)).collect();
        if faces(change.before) != faces(change.after) {
            letters.extend(after.iter().map(|to| letter(to, LetterKind::Request)));
        }
        let answers = |object: Option<&Object>| object.and_then(|it| answer(it, &owner, agents));
        match (answers(change.before), answers(change.after)) {
            // Who removes an invitation, or takes it out of the server's hands, declines it.
            (Some((organizer, _)), None) => {
                let is_spared = change.after.is_none() && change.is_silent && agents;
                letters.extend((!is_spared).then(|| letter(&organizer, LetterKind::Answer)));
            }
            (before, Some((organizer, said))) => {
                let before = before.map(|(_, said)| said).unwrap_or_default();
                let has_answered = said != before && said.iter().any(|answer| answer != "NEEDS-ACTION");
                letters.extend(has_answered.then(|| letter(&organizer, LetterKind::Answer)));
            }
            (None, None) => {}
        }
        for letter in letters {
            self.deliver(&letter, change.after);
            self.letters.push(letter);
        }
    }

    fn deliver(&mut self, letter: &Letter, object: Option<&Object>) {
        let Some(to) = self.login_of(&letter.to) else { return };
        let name = format!("{}.ics", self.number());
        let text = object.map(|object| object.root.written()).unwrap_or_default();
        if let Some(home) = self.homes.get_mut(&to) {
            home.inbox.insert(name.clone(), text.clone());
        }
        if let (LetterKind::Request, Some(object)) = (letter.kind, object) {
            let place = self.place_of(&to, DEFAULT.0, &object.uid);
            let (calendar, name) = place.unwrap_or_else(|| (DEFAULT.0.to_owned(), name));
            self.put(&to, &calendar, &name, object.clone(), text);
        }
    }
}

/// Whom the server writes to for this organizer.
fn invited(object: &Object, owner: &super::Person, agents: bool) -> BTreeSet<String> {
    let own = object.parts().filter(|part| organizer(part).is_some_and(|(address, _)| owner.has(&address)));
    let attendees = own.flat_map(|part| part.all("ATTENDEE"));
    let heard = attendees.filter(|line| !agents || is_the_servers(line)).map(address);
    heard.filter(|address| !owner.has(address)).collect()
}

/// To whom the server answers for this attendee, and what was said for each recurrence.
fn answer(object: &Object, owner: &super::Person, agents: bool) -> Option<(String, Vec<String>)> {
    let theirs = |part: &Component| {
        organizer(part).filter(|(address, is_servers)| !owner.has(address) && (*is_servers || !agents))
    };
    let (organizer, _) = object.parts().find_map(theirs)?;
    let own = object.parts().flat_map(|part| part.all("ATTENDEE")).filter(|line| owner.has(&address(line)));
    let said = own.map(|line| line.param("PARTSTAT").unwrap_or("NEEDS-ACTION").to_ascii_uppercase());
    Some((organizer, said.collect()))
}

/// What an invitation says, but for what changes with every writing.
fn faces(object: Option<&Object>) -> Vec<Vec<&str>> {
    let silent = ["DTSTAMP", "LAST-MODIFIED", "CREATED"];
    let parts = object.into_iter().flat_map(Object::parts);
    parts
        .map(|part| {
            let lines = part.lines.iter().filter(|line| !silent.contains(&line.name.as_str()));
            lines.map(|line| line.raw.as_str()).collect()
        })
        .collect()
}

/// The organizer's address, and whether answers are the server's business.
fn organizer(part: &Component) -> Option<(String, bool)> {
    part.line("ORGANIZER").map(|line| (address(line), is_the_servers(line)))
}

fn is_the_servers(line: &Line) -> bool {
    line.param("SCHEDULE-AGENT").unwrap_or("SERVER").eq_ignore_ascii_case("SERVER")
}

fn address(line: &Line) -> String {
    let lower = line.value.trim().to_lowercase();
    lower.strip_prefix("mailto:").map_or(lower.clone(), str::to_owned)
}
