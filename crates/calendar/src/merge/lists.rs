//! Lists that are merged element by element: an element is added, removed or changed on its own.

use super::{Dispute, Field};
use crate::event::{Answer, Attendee, Details};
use crate::hash::is_ignored;
use crate::ical::Line;
use parom_domain::{Both, Side};
use std::collections::{HashMap, HashSet};

impl Dispute<'_> {
    /// A set of elements that have no parts, told apart by a key: additions and removals of both sides hold. In the order of
    /// the base, then of the target.
    pub(super) fn set<T: Clone, K: PartialEq>(
        &mut self,
        base: Option<&Vec<T>>,
        both: Both<&Vec<T>>,
        key: impl Fn(&T) -> K,
    ) -> Vec<T> {
        let empty = Vec::new();
        let of_base = base.unwrap_or(&empty);
        let has = |list: &[T], wanted: &K| list.iter().any(|element| key(element) == *wanted);
        let mut merged: Vec<T> = Vec::new();
        for element in of_base.iter().chain(both.target).chain(both.source) {
            let wanted = key(element);
            if has(&merged, &wanted) {
                continue;
            }
            let stays = if has(of_base, &wanted) {
                has(both.source, &wanted) && has(both.target, &wanted)
            } else {
                has(both.source, &wanted) || has(both.target, &wanted)
            };
            if stays {
                // As the target spells it.
                let spelled = both.target.iter().chain(both.source).find(|other| key(other) == wanted);
                merged.push(spelled.unwrap_or(element).clone());
            }
        }
        merged
    }

    /// As [`Dispute::set`], for a property that a side may be blind to.
    pub(super) fn set_of<T: Clone, K: PartialEq>(
        &mut self,
        field: Field,
        base: Option<&Vec<T>>,
        both: Both<&Vec<T>>,
        key: impl Fn(&T) -> K,
    ) -> Vec<T> {
        match self.only_seen_by(field) {
            Some(side) => both[side].clone(),
            None => self.set(base, both, key),
        }
    }

    fn only_seen_by(&self, field: Field) -> Option<Side> {
        let blind = self.judge.blind;
        match (blind.source.contains(field), blind.target.contains(field)) {
            (true, false) => Some(Side::Target),
            (false, true) => Some(Side::Source),
            _ => None,
        }
    }

    /// Lines without a word in the normal form: all of one name are one value.
    pub(super) fn lines(&mut self, base: Option<&Vec<Line>>, both: Both<&Vec<Line>>) -> Vec<Line> {
        let mut names: Vec<&str> = Vec::new();
        for line in both.target.iter().chain(both.source) {
            if !names.contains(&line.name.as_str()) {
                names.push(&line.name);
            }
        }
        let of = |lines: &[Line], name: &str| -> Vec<Line> {
            lines.iter().filter(|line| line.name == name).cloned().collect()
        };
        let same = |one: &Vec<Line>, two: &Vec<Line>| {
            let sorted = |lines: &[Line]| {
                let mut lines = lines.to_vec();
                lines.sort_unstable();
                lines
            };
            sorted(one) == sorted(two)
        };
        let mut merged = Vec::new();
        for name in names {
            let (in_source, in_target) = (of(both.source, name), of(both.target, name));
            let of_base = base.map(|base| of(base, name));
            let ignored = in_target.iter().chain(&in_source).all(is_ignored);
            if ignored {
                merged.extend(if in_target.is_empty() { in_source } else { in_target });
                continue;
            }
            // Without a base, a line that only one side has is no contradiction.
            let of_base = of_base.or_else(|| (in_source.is_empty() || in_target.is_empty()).then(Vec::new));
            merged.extend(self.value(Field::Extras, of_base.as_ref(), Both::new(&in_source, &in_target), same).clone());
        }
        merged
    }

    /// By address. The organizer's own line is in iCalendar only and stays where it is.
    pub(super) fn attendees(&mut self, base: Option<&Details>, both: Both<&Details>) -> Vec<Attendee> {
        if let Some(side) = self.only_seen_by(Field::Attendees) {
            return both[side].attendees.clone();
        }
        let by_key = |details: &Details| -> HashMap<String, Attendee> {
            details.attendees.iter().map(|attendee| (attendee.person.key(), attendee.clone())).collect()
        };
        let (of_base, of) = (base.map(by_key).unwrap_or_default(), both.map(by_key));
        let organizers: Vec<String> =
            [Some(both.source), Some(both.target), base].into_iter().flatten().filter_map(organizer).collect();
        // The order is the base's, then the target's.
        let all = base.into_iter().chain([both.target, both.source]).flat_map(|details| &details.attendees);
        let mut merged: Vec<Attendee> = Vec::new();
        let mut seen: HashSet<String> = HashSet::new();
        for attendee in all {
            let key = attendee.person.key();
            if !seen.insert(key.clone()) {
                continue;
            }
            let (before, found) = (of_base.get(&key), of.as_ref().map(|attendees| attendees.get(&key)));
            if organizers.contains(&key) {
                let is_still =
                    [both.source, both.target].into_iter().filter_map(organizer).any(|address| address == key);
                let kept = found.target.or(found.source).or(before.filter(|_| is_still));
                merged.extend(kept.cloned());
            } else {
                merged.extend(self.attendee(before, found));
            }
        }
        merged
    }

    fn attendee(&mut self, base: Option<&Attendee>, found: Both<Option<&Attendee>>) -> Option<Attendee> {
        let (source, target) = match (found.source, found.target) {
            (Some(source), Some(target)) => (source, target),
            (None, None) => return None,
            (Some(only), None) | (None, Some(only)) => {
                let Some(base) = base else { return Some(only.clone()) };
                let gone_from = if found.source.is_none() { Side::Source } else { Side::Target };
                if base == only {
                    return None;
                }
                // Removed here and changed there: the organizer's side decides, else the change stays.
                let winner = self.judge.organizer.unwrap_or(gone_from.other());
                self.lose(winner.other(), Field::Attendees);
                return (winner != gone_from).then(|| only.clone());
            }
        };
        let both = Both::new(source, target);
        let mut merged =
            self.value(Field::Attendees, base.map(|base| &base.person), both.map(|it| &it.person), PartialEq::eq);
        if merged.name.is_empty() && !both.source.person.name.is_empty() {
            merged = &both.source.person;
        }
        Some(Attendee {
            person: merged.clone(),
            role: *self.value(Field::Attendees, base.map(|base| &base.role), both.map(|it| &it.role), PartialEq::eq),
            kind: *self.value(Field::Attendees, base.map(|base| &base.kind), both.map(|it| &it.kind), PartialEq::eq),
            answer: self.answer(&merged.key(), base.map(|base| base.answer), both.map(|it| it.answer)),
            rsvp: *self.value(Field::Attendees, base.map(|base| &base.rsvp), both.map(|it| &it.rsvp), PartialEq::eq),
        })
    }
}

impl Dispute<'_> {
    /// Whoever answers for himself is believed on either side, the later answer before the earlier one, and any answer before
    /// none; the others' answers are what the organizer's side knows of them.
    fn answer(&mut self, key: &str, base: Option<Answer>, both: Both<Answer>) -> Answer {
        let is_own = self.judge.owner.iter().any(|address| address.to_lowercase() == key);
        if !is_own {
            return *self.value(Field::Attendees, base.as_ref(), both.as_ref(), PartialEq::eq);
        }
        let unchanged = both.map(|answer| base == Some(answer));
        if both.source == both.target || unchanged.source || both.source == Answer::NeedsAction && !unchanged.target {
            return both.target;
        }
        if unchanged.target || both.target == Answer::NeedsAction {
            return both.source;
        }
        let winner = self.judge.later;
        self.lose(winner.other(), Field::Attendees);
        both[winner]
    }
}

fn organizer(details: &Details) -> Option<String> {
    details.organizer.as_ref().map(crate::event::Person::key)
}
