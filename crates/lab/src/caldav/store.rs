//! What the server holds: people, their calendars, the objects in them, and what changed when.

use super::object::Object;
use super::schedule::Letter;
use super::switches::{ETags, Switches};
use super::xml::Element;
use super::{Person, Reaction};
use std::collections::{BTreeMap, VecDeque};
use tokio::time::Instant;

/// A person may have so many calendars, and a calendar so many objects. Of what was deleted the last ones are remembered; tokens
/// that are older are not known any more.
pub const MOST_CALENDARS: usize = 200;
pub const MOST_OBJECTS: usize = 100_000;
const MOST_GONE: usize = 10_000;

/// The name of the collection for invitations.
pub const INBOX: &str = "inbox";
/// The calendar that everybody has from the beginning, and its name.
pub const DEFAULT: (&str, &str) = ("calendar", "Calendar");

pub struct State {
    pub switches: Switches,
    pub homes: BTreeMap<String, Home>,
    /// The trap.
    pub letters: Vec<Letter>,
    pub calls: BTreeMap<String, u64>,
    pub scripts: VecDeque<(String, Reaction)>,
    /// Of calendars and of changes.
    last_number: u64,
}

pub struct Home {
    pub person: Person,
    pub calendars: BTreeMap<String, Calendar>,
    /// What the server wrote to this person, by name.
    pub inbox: BTreeMap<String, String>,
    pub blocked_until: Option<Instant>,
}

pub struct Calendar {
    /// Another one for each, also for those that were made anew under the same path.
    pub number: u64,
    pub display_name: String,
    /// Kinds of components; none for all.
    pub components: Vec<String>,
    /// Whatever else clients have said of it.
    pub properties: Vec<Element>,
    pub objects: BTreeMap<String, Stored>,
    /// Names that are no more: when they were made, when they went.
    gone: BTreeMap<String, (u64, u64)>,
    /// The last change.
    pub change: u64,
    /// Tokens before this change are not known.
    oldest: u64,
}

pub struct Stored {
    pub object: Object,
    pub text: String,
    made: u64,
    pub change: u64,
}

/// What happened to a name since a token.
#[derive(Debug, PartialEq, Eq)]
pub enum Happened {
    Changed,
    Gone,
}

impl State {
    pub fn new(switches: Switches, people: Vec<Person>) -> State {
        let mut state = State {
            switches,
            homes: BTreeMap::new(),
            letters: Vec::new(),
            calls: BTreeMap::new(),
            scripts: VecDeque::new(),
            last_number: 0,
        };
        for person in people {
            let default = Calendar::new(state.number(), DEFAULT.1);
            let login = person.login.clone();
            let calendars = BTreeMap::from([(DEFAULT.0.to_owned(), default)]);
            state.homes.insert(login, Home { person, calendars, inbox: BTreeMap::new(), blocked_until: None });
        }
        state
    }

    pub fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    pub fn calendar(&self, login: &str, name: &str) -> Option<&Calendar> {
        self.homes.get(login)?.calendars.get(name)
    }

    pub fn object(&self, login: &str, calendar: &str, name: &str) -> Option<&Stored> {
        self.calendar(login, calendar)?.objects.get(name)
    }

    /// Stores an object, and says whether it is new.
    pub fn put(&mut self, login: &str, calendar: &str, name: &str, object: Object, text: String) -> Option<bool> {
        let change = self.number();
        let calendar = self.homes.get_mut(login)?.calendars.get_mut(calendar)?;
        calendar.change = change;
        let before = calendar.objects.get(name).map(|before| before.made);
        let again = calendar.gone.remove(name).map(|(made, _)| made);
        // What is made anew under an old name is known to whoever knew that name.
        let made = before.or(again).unwrap_or(change);
        calendar.objects.insert(name.to_owned(), Stored { object, text, made, change });
        Some(before.is_none())
    }

    pub fn remove(&mut self, login: &str, calendar: &str, name: &str) -> Option<Stored> {
        let change = self.number();
        let calendar = self.homes.get_mut(login)?.calendars.get_mut(calendar)?;
        let removed = calendar.objects.remove(name)?;
        calendar.change = change;
        calendar.gone.insert(name.to_owned(), (removed.made, change));
        if calendar.gone.len() > MOST_GONE {
            let oldest = calendar.gone.iter().min_by_key(|(_, (_, went))| *went);
            if let Some((name, went)) = oldest.map(|(name, (_, went))| (name.clone(), *went)) {
                calendar.gone.remove(&name);
                calendar.oldest = went;
            }
        }
        Some(removed)
    }

    /// Where a UID is in a calendar of the person, or in all of them.
    pub fn place_of(&self, login: &str, calendar: &str, uid: &str) -> Option<(String, String)> {
        let home = self.homes.get(login)?;
        let all = self.switches.unique_uids;
        let calendars = home.calendars.iter().filter(|(name, _)| all || *name == calendar);
        let mut places =
            calendars.flat_map(|(calendar, held)| held.objects.iter().map(move |object| (calendar, object)));
        let found = places.find(|(_, (_, stored))| stored.object.uid == uid)?;
        Some((found.0.clone(), found.1.0.clone()))
    }

    /// Whose address it is.
    pub fn login_of(&self, address: &str) -> Option<String> {
        self.homes.iter().find(|(_, home)| home.person.has(address)).map(|(login, _)| login.clone())
    }

    /// The ETag of an object, as it is told.
    pub fn etag(&self, stored: &Stored) -> Option<String> {
        match self.switches.etags {
            ETags::Strong => Some(format!("\"{}\"", stored.change)),
            ETags::Weak => Some(format!("W/\"{}\"", stored.change)),
            ETags::None => None,
        }
    }
}

impl Calendar {
    pub fn new(number: u64, display_name: &str) -> Calendar {
        Calendar {
            number,
            display_name: display_name.to_owned(),
            components: Vec::new(),
            properties: Vec::new(),
            objects: BTreeMap::new(),
            gone: BTreeMap::new(),
            change: number,
            oldest: 0,
        }
    }

    pub fn holds(&self, kind: &str) -> bool {
        self.components.is_empty() || self.components.iter().any(|known| known.eq_ignore_ascii_case(kind))
    }

    /// RFC 6578 wants a URI.
    pub fn token(&self, change: u64) -> String {
        format!("http://parom.example/sync/{}/{change}", self.number)
    }

    /// What happened since a token, oldest first, with the number of the change; `None` for a token that is not known. The
    /// empty token asks for everything.
    pub fn since(&self, token: &str) -> Option<Vec<(u64, &str, Happened)>> {
        let since = match token {
            "" => 0,
            token => {
                let (number, change) = token.strip_prefix("http://parom.example/sync/")?.split_once('/')?;
                let change: u64 = change.parse().ok()?;
                let fits = number.parse() == Ok(self.number) && change <= self.change && change >= self.oldest;
                Some(change).filter(|_| fits)?
            }
        };
        let changed = self.objects.iter().filter(|(_, stored)| stored.change > since);
        let changed = changed.map(|(name, stored)| (stored.change, name.as_str(), Happened::Changed));
        // What came and went meanwhile was never there for who asks.
        let gone = self.gone.iter().filter(|(_, (made, went))| *made <= since && *went > since);
        let gone = gone.map(|(name, (_, went))| (*went, name.as_str(), Happened::Gone));
        let mut all: Vec<_> = changed.chain(gone).collect();
        all.sort_by_key(|(change, ..)| *change);
        Some(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        State::new(Switches::plain(), vec![Person::new("anna", "sesame")])
    }

    fn put(state: &mut State, name: &str) {
        let text = format!(
            "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VEVENT\nUID:{name}\nDTSTAMP:20260101T000000Z\n\
             DTSTART:20260101T000000Z\nEND:VEVENT\nEND:VCALENDAR\n"
        );
        let object = Object::read(text.as_bytes()).unwrap();
        state.put("anna", DEFAULT.0, name, object, text).unwrap();
    }

    fn since(state: &State, token: &str) -> Option<Vec<(String, Happened)>> {
        let all = state.calendar("anna", DEFAULT.0).unwrap().since(token)?;
        Some(all.into_iter().map(|(_, name, happened)| (name.to_owned(), happened)).collect())
    }

    #[test]
    fn a_token_tells_what_changed_and_what_went() {
        let mut state = state();
        ["a", "b"].into_iter().for_each(|name| put(&mut state, name));
        let calendar = state.calendar("anna", DEFAULT.0).unwrap();
        let token = calendar.token(calendar.change);
        assert_eq!(since(&state, &token), Some(Vec::new()));
        put(&mut state, "c");
        state.remove("anna", DEFAULT.0, "a").unwrap();
        state.remove("anna", DEFAULT.0, "c").unwrap();
        put(&mut state, "b");
        let expected = vec![("a".to_owned(), Happened::Gone), ("b".to_owned(), Happened::Changed)];
        assert_eq!(since(&state, &token), Some(expected), "c was never there for who asks");
        put(&mut state, "a");
        assert!(since(&state, &token).unwrap().contains(&("a".to_owned(), Happened::Changed)));
        for unknown in ["x", "http://parom.example/sync/99/1", &token.replace("/sync/", "/sync/9")] {
            assert_eq!(since(&state, unknown), None, "{unknown}");
        }
    }

    #[test]
    fn what_was_forgotten_makes_tokens_unknown() {
        let mut state = state();
        put(&mut state, "first");
        let calendar = state.calendar("anna", DEFAULT.0).unwrap();
        let token = calendar.token(calendar.change);
        state.remove("anna", DEFAULT.0, "first").unwrap();
        for number in 0..MOST_GONE {
            put(&mut state, &number.to_string());
            state.remove("anna", DEFAULT.0, &number.to_string()).unwrap();
        }
        assert_eq!(since(&state, &token), None);
    }
}
