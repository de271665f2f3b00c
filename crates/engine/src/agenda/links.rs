//! The links of all events of an account, found by number, by end and by UID.

use parom_domain::Side;
use parom_domain::agenda::Handle;
use parom_domain::events::{CalendarNumber, EventLink, EventNumber};
use std::collections::{BTreeMap, HashMap};

#[derive(Debug, Default)]
pub struct Links {
    all: BTreeMap<EventNumber, EventLink>,
    by_end: HashMap<(Side, CalendarNumber, Handle), EventNumber>,
    by_uid: HashMap<String, Vec<EventNumber>>,
}

impl Links {
    pub fn new(links: Vec<EventLink>) -> Links {
        let mut all = Links::default();
        links.into_iter().for_each(|link| all.put(link));
        all
    }

    pub fn put(&mut self, link: EventLink) {
        self.drop(link.number);
        for side in Side::ALL {
            if let Some(end) = &link.ends[side] {
                self.by_end.insert((side, end.calendar, end.handle.clone()), link.number);
            }
        }
        self.by_uid.entry(link.uid.clone()).or_default().push(link.number);
        self.all.insert(link.number, link);
    }

    pub fn drop(&mut self, number: EventNumber) {
        let Some(link) = self.all.remove(&number) else { return };
        for side in Side::ALL {
            let Some(end) = &link.ends[side] else { continue };
            let key = (side, end.calendar, end.handle.clone());
            if self.by_end.get(&key) == Some(&number) {
                self.by_end.remove(&key);
            }
        }
        if let Some(numbers) = self.by_uid.get_mut(&link.uid) {
            numbers.retain(|other| *other != number);
        }
    }

    pub fn get(&self, number: EventNumber) -> Option<&EventLink> {
        self.all.get(&number)
    }

    pub fn at(&self, side: Side, calendar: CalendarNumber, handle: &Handle) -> Option<EventNumber> {
        self.by_end.get(&(side, calendar, handle.clone())).copied()
    }

    pub fn of_uid(&self, uid: &str) -> &[EventNumber] {
        self.by_uid.get(uid).map_or(&[], Vec::as_slice)
    }

    pub fn iter(&self) -> impl Iterator<Item = &EventLink> {
        self.all.values()
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// A number that no link has.
    pub fn next_number(&self) -> u64 {
        self.all.last_key_value().map_or(1, |(number, _)| number.0 + 1)
    }

    /// So many links have an end there.
    pub fn count(&self, side: Side, calendar: CalendarNumber) -> usize {
        let is_there = |link: &&EventLink| link.ends[side].as_ref().is_some_and(|end| end.calendar == calendar);
        self.all.values().filter(is_there).count()
    }
}
