//! Sample mail is what it says it is.

use super::*;
use std::collections::{BTreeMap, BTreeSet, HashSet};

fn shape() -> Shape {
    Shape { messages: 400, folders: 20, median_bytes: 3 << 10, ..Shape::default() }
}

fn header(message: &SampleMessage, name: &str) -> Option<Vec<u8>> {
    let end = message.bytes.windows(4).position(|w| w == b"\r\n\r\n").map_or(message.bytes.len(), |at| at + 2);
    let prefix = format!("\r\n{name}: ").into_bytes();
    let head = [b"\r\n", &message.bytes[..end]].concat();
    let at = head.windows(prefix.len()).position(|w| w == prefix)? + prefix.len();
    let rest = &head[at..];
    Some(rest[..rest.iter().position(|byte| *byte == b'\r').unwrap_or(rest.len())].to_vec())
}

#[test]
fn the_same_seed_makes_the_same_mail_and_another_seed_another() {
    let one = mailbox(7, &shape());
    assert_eq!(one, mailbox(7, &shape()));
    let other = mailbox(8, &shape());
    assert_ne!(one[0].messages, other[0].messages);
    // Lazily made messages are the same ones.
    let plan = &folders(7, &shape())[3];
    assert_eq!(plan.messages().nth(5).as_ref(), one[3].messages.get(5));
}

#[test]
fn the_shape_is_kept() {
    for (messages, count, big) in [(0, 1, 0), (1, 1, 0), (400, 20, 0), (1000, 3, 5), (50, 1000, 0)] {
        let shape = Shape { messages, folders: count, big, ..Shape::default() };
        let plans = folders(1, &shape);
        assert_eq!(plans.iter().map(|plan| plan.count).sum::<usize>(), messages);
        assert_eq!(plans.iter().map(|plan| plan.big).sum::<usize>(), big);
        assert_eq!(plans.iter().map(|plan| &plan.path).collect::<BTreeSet<_>>().len(), count);
        assert!(plans[0].path.is_inbox());
    }
}

#[test]
fn sizes_are_log_normal_around_the_median() {
    let shape = Shape { messages: 1000, folders: 1, odd: false, median_bytes: 6 << 10, ..Shape::default() };
    let mut sizes: Vec<usize> = folders(1, &shape)[0].messages().map(|message| message.bytes.len()).collect();
    sizes.sort_unstable();
    let median = sizes[500];
    assert!((5_000..9_000).contains(&median), "{median}");
    assert!(sizes[100] < median / 2 && sizes[900] > median * 2);
}

#[test]
fn big_messages_are_big() {
    let shape = Shape { messages: 5, folders: 1, big: 1, ..Shape::default() };
    let sizes: Vec<usize> = folders(3, &shape)[0].messages().map(|message| message.bytes.len()).collect();
    assert_eq!(sizes.iter().filter(|size| **size > 1_900_000).count(), 1);
    assert!(sizes[0] < 22_000_000);
}

#[test]
fn odd_messages_are_all_there() {
    let inbox = &mailbox(1, &shape())[0].messages;
    let mut by_id: BTreeMap<Vec<u8>, Vec<&SampleMessage>> = BTreeMap::new();
    for message in inbox {
        if let Some(id) = header(message, "Message-ID") {
            by_id.entry(id).or_default().push(message);
        }
    }
    let twins = || by_id.values().filter(|same| same.len() > 1);
    assert!(twins().any(|same| same[0].bytes == same[1].bytes), "true duplicates");
    assert!(twins().any(|same| same[0].bytes != same[1].bytes), "one Message-ID, two bodies");
    assert!(by_id.keys().any(|id| id.len() > 470));
    let any = |test: &dyn Fn(&SampleMessage) -> bool| inbox.iter().any(test);
    assert!(any(&|message| header(message, "Date").is_some() && header(message, "Message-ID").is_none()));
    assert!(any(&|message| message.bytes.starts_with(b"\r\n")), "no headers");
    assert!(any(&|message| header(message, "Subject").is_some_and(|subject| !subject.is_ascii())), "8-bit headers");
    assert!(any(&|message| message.bytes.split(|byte| *byte == b'\n').any(|line| line.len() >= 20_000)));
    assert!(any(&|message| !message.bytes.ends_with(b"\n")));
    assert!(any(
        &|message| !message.bytes.windows(4).any(|w| w == b"\r\n\r\n") || message.bytes.ends_with(b"1.0\r\n\r\n")
    ));
}

#[test]
fn all_charsets_languages_and_structures_occur() {
    let mails = mailbox(1, &shape());
    let all = || mails.iter().flat_map(|folder| &folder.messages);
    for text in [
        "charset=koi8-r",
        "charset=windows-1251",
        "charset=utf-8",
        "multipart/alternative",
        "multipart/mixed",
        "text/html",
        "quoted-printable",
        "base64",
        "8bit",
        "=?koi8-r?B?",
        "Subject: Re: ",
    ] {
        assert!(all().any(|message| message.bytes.windows(text.len()).any(|w| w == text.as_bytes())), "{text}");
    }
    let flags: HashSet<&str> = all().flat_map(|message| message.flags.iter().copied()).collect();
    assert!(flags.is_superset(&["\\Seen", "\\Answered", "\\Flagged", "$Forwarded"].into()));
    // Line ends are CRLF throughout, so that a server may keep every byte.
    for message in all() {
        let bytes = &message.bytes;
        assert!(bytes.iter().enumerate().all(|(at, byte)| *byte != b'\n' || (at > 0 && bytes[at - 1] == b'\r')));
        assert!(bytes.windows(2).all(|w| w[0] != b'\r' || w[1] == b'\n') && !bytes.contains(&0));
    }
}

#[test]
fn messages_are_in_order_of_their_dates_and_folder_names_are_odd_enough() {
    for folder in mailbox(1, &shape()) {
        assert!(folder.messages.is_sorted_by_key(|message| message.date.unix_s));
    }
    let names: String = folders(1, &shape()).iter().map(|plan| format!("{}\n", plan.path)).collect();
    for part in ["&", "%", "*", "\"", "\\", "Звёзды", "9/Десятая"] {
        assert!(names.contains(part), "{part} in {names}");
    }
    assert!(folders(1, &shape()).iter().any(|plan| plan.path.depth() == 10));
}
