//! The calendars of the demo: three of the ten people plan on an Exchange, and the target has a CalDAV server. Both servers
//! write down whom they would have written to.

mod edits;
mod samples;
mod text;

pub use edits::Edit;

use super::company::{DOMAIN, SERVICE, address, password};
use super::failed;
use crate::failure::Failure;
use parom_domain::Side;
use parom_lab::caldav::{self, CalDav, Person, Scheduling};
use parom_lab::ews::{self, EventId, Ews, Outlook, User};
use parom_lab::exchange::Version;
use parom_lab::face::Face;
use std::collections::BTreeMap;

/// Whose calendars they are.
const PEOPLE: [&str; 3] = ["a.smirnova", "j.miller", "k.popov"];

pub struct Calendars {
    ews: Ews,
    dav: CalDav,
}

/// What a comparison of the two servers found, without Parom, EWS and CalDAV.
#[derive(Clone, Copy, Debug, Default)]
pub struct Compared {
    pub equal: u64,
    pub differences: u64,
}

impl Calendars {
    pub async fn start(version: Version) -> Result<Calendars, Failure> {
        let mut config = ews::Config::new(version);
        let service = format!("{}@{DOMAIN}", SERVICE.0);
        config.service = Some(User { password: SERVICE.1.to_owned(), ..User::new(&service, "Parom") });
        config.users.extend(PEOPLE.iter().map(|name| User::new(&address(name), name)));
        let ews = Ews::start(config).await.map_err(failed)?;
        let people = PEOPLE.iter().map(|name| Person::new(name, &password(name)));
        let mut config = people.fold(caldav::Config::plain(), caldav::Config::with);
        // It writes to whoever is invited, unless it is told to leave that to others.
        config.switches.scheduling = Scheduling::ByAgent;
        let dav = CalDav::start(config).await.map_err(failed)?;
        let calendars = Calendars { ews, dav };
        for sample in samples::all() {
            samples::add(&calendars.outlook(sample.owner), &sample)?;
        }
        Ok(calendars)
    }

    #[must_use]
    pub fn accounts(&self) -> Vec<String> {
        PEOPLE.iter().map(|name| address(name)).collect()
    }

    /// Where Parom connects to.
    #[must_use]
    pub fn url(&self, side: Side) -> String {
        match side {
            Side::Source => self.ews.url(),
            Side::Target => self.dav.url(),
        }
    }

    /// How many events a side holds; a series is one.
    #[must_use]
    pub fn size(&self, side: Side) -> usize {
        match side {
            Side::Source => PEOPLE.iter().map(|name| self.outlook(name).events().len()).sum(),
            Side::Target => self.dav.count(),
        }
    }

    /// How many events of the Exchange are series, and how many people are invited to them all.
    #[must_use]
    pub fn kinds(&self) -> (usize, usize) {
        let events = PEOPLE.iter().flat_map(|name| self.outlook(name).events());
        events.fold((0, 0), |(series, invited), (_, event)| {
            let people = event.required.len() + event.optional.len() + event.resources.len();
            (series + usize::from(event.recurrence.is_some()), invited + people)
        })
    }

    /// What both servers wrote to people, or would have written.
    #[must_use]
    pub fn letters(&self) -> usize {
        self.ews.outgoing().len() + self.dav.letters().len()
    }

    /// Requests that write, to either server.
    #[must_use]
    pub fn writes(&self) -> u64 {
        let calls = self.ews.calls();
        let writes = ["CreateItem", "UpdateItem", "DeleteItem", "MoveItem", "CreateFolder", "CreateAttachment"];
        writes.iter().filter_map(|name| calls.get(*name)).sum::<u64>() + self.dav.writes()
    }

    /// Compares what the servers hold: titles, times, how many occurrences are left, and which of them are elsewhere.
    #[must_use]
    pub fn compare(&self) -> Compared {
        let mut compared = Compared::default();
        for name in PEOPLE {
            let mut there: BTreeMap<Option<Face>, u64> = BTreeMap::new();
            for text in self.dav.events(name).values() {
                *there.entry(Face::of_ical(text)).or_default() += 1;
            }
            let outlook = self.outlook(name);
            for (id, event) in outlook.events() {
                let here = Some(Face::of_event(&outlook, &id, &event));
                match there.get_mut(&here).filter(|left| **left > 0) {
                    Some(left) => {
                        *left -= 1;
                        compared.equal += 1;
                    }
                    None => compared.differences += 1,
                }
            }
            compared.differences += there.values().sum::<u64>();
        }
        compared
    }

    fn outlook(&self, name: &str) -> Outlook {
        self.ews.outlook(&address(name))
    }

    /// The event of Outlook with this title.
    fn planned(&self, name: &str, title: &str) -> Result<(EventId, ews::Event), Failure> {
        let found = self.outlook(name).events().into_iter().find(|(_, event)| event.subject == title);
        found.ok_or_else(|| failed(title))
    }

    /// Where the event with this title is on the target, and its text.
    fn stored(&self, name: &str, title: &str) -> Option<(String, String)> {
        let mut events = self.dav.events(name).into_iter();
        events.find(|(_, text)| text::unfolded(text).iter().any(|line| line.strip_prefix("SUMMARY:") == Some(title)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Else the demo would show what it does not see.
    #[tokio::test]
    async fn before_parom_runs_nothing_is_the_same() {
        let calendars = Calendars::start(Version::E2016).await.unwrap();
        let Compared { equal, differences } = calendars.compare();
        assert_eq!((equal, differences), (0, calendars.size(Side::Source) as u64));
        for edit in [Edit::Room, Edit::Skip, Edit::New] {
            calendars.edit(edit).unwrap();
            assert!(!calendars.has_crossed(edit), "{edit:?}");
        }
        // What is not on the target cannot be changed there.
        assert!(calendars.edit(Edit::Later).is_err());
        assert!(!calendars.has_crossed(Edit::Later) && !calendars.has_crossed(Edit::Delete));
        assert_eq!((calendars.letters(), calendars.writes()), (0, 0));
    }
}
