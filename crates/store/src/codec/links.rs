//! A chunk of links: about 11 bytes a message, decided by measurement (`docs/decisions/002-state-layout.md`).
//!
//! First the distinct sets of keywords, then the slots. A slot is a head byte (five bits of marks, one for keywords, one
//! for each side that has a UID; all zero when the slot is empty) and, if it is not empty: for each side the step from
//! the UID before, the number of its keyword set, 6 bytes of fingerprint, the size.

use super::{Damage, Form, HAS_KEYWORDS, Read, Reader, Writer, storable, system_marks};
use parom_domain::link::{CHUNK, Link};
use parom_domain::{Both, Marks, Result, Side};
use std::collections::HashMap;

const IN_SOURCE: u8 = 64;
const IN_TARGET: u8 = 128;

fn bit(side: Side) -> u8 {
    match side {
        Side::Source => IN_SOURCE,
        Side::Target => IN_TARGET,
    }
}

pub(crate) fn write_links(links: &[Option<Link>]) -> Result<Vec<u8>> {
    storable(links.len() <= CHUNK, "more than 512 links in a chunk")?;
    let mut writer = Writer::new(Form::Links, links.len() * 14 + 16);
    let sets = write_keyword_sets(&mut writer, links);
    writer.count(links.len());
    let mut last = Both::new(0, 0);
    for link in links {
        let Some(link) = link else {
            writer.byte(0);
            continue;
        };
        storable(link.uids.source.is_some() || link.uids.target.is_some(), "a link without a place")?;
        storable(link.short >> 48 == 0, "a fingerprint above 48 bits")?;
        let set = keyword_list(&link.base).and_then(|keywords| sets.get(&keywords));
        let mut head = link.base.system();
        if set.is_some() {
            head |= HAS_KEYWORDS;
        }
        for side in Side::ALL {
            if link.uids[side].is_some() {
                head |= bit(side);
            }
        }
        writer.byte(head);
        for side in Side::ALL {
            if let Some(uid) = link.uids[side] {
                writer.uid_after(&mut last[side], uid);
            }
        }
        if let Some(set) = set {
            writer.count(*set);
        }
        let [short @ .., _, _] = link.short.to_le_bytes();
        writer.fixed(&short);
        writer.number(u64::from(link.size));
    }
    Ok(writer.finish())
}

/// Writes every distinct set once and tells its number.
fn write_keyword_sets<'a>(writer: &mut Writer, links: &'a [Option<Link>]) -> HashMap<Vec<&'a str>, usize> {
    let mut numbers = HashMap::new();
    let mut sets: Vec<&Marks> = Vec::new();
    for link in links.iter().flatten() {
        if let Some(keywords) = keyword_list(&link.base) {
            numbers.entry(keywords).or_insert_with(|| {
                sets.push(&link.base);
                sets.len() - 1
            });
        }
    }
    writer.count(sets.len());
    for set in sets {
        writer.keywords(set);
    }
    numbers
}

fn keyword_list(marks: &Marks) -> Option<Vec<&str>> {
    let keywords: Vec<&str> = marks.keywords().collect();
    (!keywords.is_empty()).then_some(keywords)
}

pub(crate) fn read_links(blob: &[u8]) -> Read<Vec<Option<Link>>> {
    let mut reader = Reader::open(blob, Form::Links)?;
    let sets = reader.count()?;
    let sets = (0..sets).map(|_| reader.keywords()).collect::<Read<Vec<_>>>()?;
    let slots = reader.count()?;
    if slots > CHUNK {
        return Err(Damage("more than 512 links in a chunk"));
    }
    // Marks share their keywords when they are cloned: equal marks of a chunk take memory once.
    let mut known: HashMap<(u8, usize), Marks> = HashMap::new();
    let mut last = Both::new(0, 0);
    let mut links = Vec::with_capacity(slots);
    for _ in 0..slots {
        let head = reader.byte()?;
        if head == 0 {
            links.push(None);
            continue;
        }
        if head & (IN_SOURCE | IN_TARGET) == 0 {
            return Err(Damage("a link without a place"));
        }
        let mut uids = Both::default();
        for side in Side::ALL {
            if head & bit(side) != 0 {
                uids[side] = Some(reader.uid_after(&mut last[side])?);
            }
        }
        let system = head & (HAS_KEYWORDS - 1);
        let base = if head & HAS_KEYWORDS == 0 {
            system_marks(system)?
        } else {
            let number = reader.index_below(sets.len())?;
            let set = sets.get(number).ok_or(Damage("unknown keyword set"))?;
            known.entry((system, number)).or_insert_with(|| Marks::from_system(system).union(set)).clone()
        };
        let short = reader.fixed::<6>()?;
        let mut wide = [0; 8];
        if let Some(low) = wide.first_chunk_mut::<6>() {
            *low = short;
        }
        links.push(Some(Link { uids, base, short: u64::from_le_bytes(wide), size: reader.u32()? }));
    }
    reader.end()?;
    Ok(links)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{any_marks, any_uid, no_damage_passes};
    use super::*;
    use parom_domain::Uid;
    use proptest::prelude::*;

    fn any_link() -> impl Strategy<Value = Link> {
        let uids = prop_oneof![
            (any_uid(), any_uid()).prop_map(|(a, b)| Both::new(Some(a), Some(b))),
            any_uid().prop_map(|uid| Both::new(Some(uid), None)),
            any_uid().prop_map(|uid| Both::new(None, Some(uid))),
        ];
        (uids, any_marks(), 0u64..1 << 48, any::<u32>()).prop_map(|(uids, base, short, size)| Link {
            uids,
            base,
            short,
            size,
        })
    }

    proptest! {
        #[test]
        fn links_go_both_ways(links in proptest::collection::vec(proptest::option::of(any_link()), 0..=CHUNK)) {
            prop_assert_eq!(read_links(&write_links(&links).unwrap()), Ok(links));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn damage_is_noticed(links in proptest::collection::vec(proptest::option::of(any_link()), 0..8)) {
            no_damage_passes(&write_links(&links).unwrap(), read_links);
        }
    }

    fn link(uid: u32) -> Link {
        let uid = Uid::new(uid);
        Link { uids: Both::new(uid, uid), base: Marks::from_system(1), short: (1 << 48) - 1, size: 12_000 }
    }

    #[test]
    fn a_message_costs_eleven_bytes() {
        let links: Vec<_> = (1..=CHUNK as u32).map(|uid| Some(link(uid))).collect();
        let bytes = write_links(&links).unwrap().len();
        assert!(bytes <= CHUNK * 11 + 16, "{bytes}");
    }

    #[test]
    fn equal_keywords_are_written_once() {
        let keywords = Marks::from_names(["a-rather-long-keyword", "and-another-one"]);
        let links: Vec<_> = (1..=CHUNK as u32).map(|uid| Some(Link { base: keywords.clone(), ..link(uid) })).collect();
        assert!(write_links(&links).unwrap().len() < CHUNK * 12 + 64);
        assert_eq!(read_links(&write_links(&links).unwrap()), Ok(links));
    }

    #[test]
    fn what_could_not_be_read_back_is_not_written() {
        let placeless = Link { uids: Both::default(), ..link(1) };
        let wide = Link { short: 1 << 48, ..link(1) };
        for links in [vec![Some(placeless)], vec![Some(wide)], vec![None; CHUNK + 1]] {
            write_links(&links).unwrap_err();
        }
    }
}
