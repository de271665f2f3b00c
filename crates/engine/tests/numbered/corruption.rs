//! C1-C10: what arrives is what was sent, with the marks that people gave it.

use crate::world::{World, date, mail, path};
use crate::{survives_every_crash, total};
use parom_domain::{FolderPath, InternalDate, Marks, Side};
use parom_lab::memory::Switches;

fn marks(world: &World, side: Side, id: &str) -> Vec<String> {
    let messages = world.servers[side].messages(&path("INBOX"));
    let wanted = format!("<{id}@");
    let found = messages.iter().find(|(_, stored)| String::from_utf8_lossy(&stored.bytes).contains(&wanted));
    found.map(|(_, stored)| stored.marks.names().map(str::to_owned).collect()).unwrap_or_default()
}

#[tokio::test]
async fn c1_flags_are_never_turned_round_by_a_crash() {
    for switches in [Switches::default(), Switches::plain()] {
        let world = survives_every_crash(async || {
            let world = World::in_memory(switches.clone(), switches.clone());
            for id in ["a", "b", "c"] {
                world.add(Side::Source, "INBOX", id, &["\\Seen"]);
            }
            world.settle().await;
            world.mark(Side::Source, "INBOX", "a", &["\\Flagged"], &["\\Seen"]);
            world.mark(Side::Target, "INBOX", "b", &["work"], &["\\Seen"]);
            world.mark(Side::Source, "INBOX", "c", &["\\Answered"], &[]);
            world.mark(Side::Target, "INBOX", "c", &[], &["\\Seen"]);
            world
        })
        .await;
        for side in Side::ALL {
            assert_eq!(marks(&world, side, "a"), ["\\Flagged"]);
            assert_eq!(marks(&world, side, "b"), ["work"]);
            assert_eq!(marks(&world, side, "c"), ["\\Answered"]);
        }
    }
}

#[tokio::test]
async fn c2_edits_of_both_sides_meet_flag_by_flag() {
    let world = World::modern();
    for id in ["a", "b", "c"] {
        world.add(Side::Source, "INBOX", id, &["\\Seen"]);
    }
    world.settle().await;
    world.mark(Side::Source, "INBOX", "a", &["\\Flagged"], &[]);
    world.mark(Side::Target, "INBOX", "a", &["\\Answered"], &["\\Seen"]);
    // A deletion beats a change of flags, whichever side it is on.
    world.expunge(Side::Source, "INBOX", "b");
    world.mark(Side::Target, "INBOX", "b", &["\\Flagged"], &[]);
    world.expunge(Side::Target, "INBOX", "c");
    world.mark(Side::Source, "INBOX", "c", &["\\Flagged"], &[]);
    world.settle().await;
    assert_eq!(world.ids(Side::Source, "INBOX"), ["a"]);
    assert_eq!(marks(&world, Side::Source, "a"), ["\\Answered", "\\Flagged"]);
    world.assert_equal();
}

#[tokio::test]
async fn c2_a_flag_that_is_set_while_the_message_is_copied_is_not_lost() {
    for step in ["source read body", "target send", "target append", "target append answer", "target observe"] {
        let world = World::modern();
        world.add(Side::Source, "INBOX", "a", &["\\Seen"]);
        let server = world.servers.source.clone();
        world.steps.on(step, 1, move || {
            let uid = server.uids_of(&path("INBOX"), "<a@").first().unwrap();
            let flagged = Marks::from_names(["\\Flagged"]);
            server.mark(&path("INBOX"), uid, &flagged, &Marks::from_names(["\\Seen"])).unwrap();
        });
        // The pass that copied may have looked before; the next one sees the change from the same cursor.
        world.settle().await;
        world.settle().await;
        assert_eq!(marks(&world, Side::Target, "a"), ["\\Flagged"], "{step}");
        world.assert_equal();
    }
}

#[tokio::test]
async fn c5_long_lines_and_every_byte_arrive_as_they_were() {
    let world = World::modern();
    let mut signed = mail("signed").into_bytes();
    signed.extend(std::iter::repeat_n(b'x', 30_000));
    signed.extend_from_slice(b"\r\nbare\nline feed, bare\rcarriage return, no end of line");
    let mut every = mail("every").into_bytes();
    every.extend(0..=255u8);
    for bytes in [signed, every] {
        world.servers.source.add(&path("INBOX"), bytes, Marks::default(), date(0)).unwrap();
    }
    world.settle().await;
    world.assert_equal();
    assert_eq!(total(&world.servers.target), 2);
}

#[tokio::test]
async fn c6_the_arrival_date_keeps_its_moment_and_its_zone() {
    let world = World::modern();
    // Summer and winter time, a zone west of Greenwich, long ago.
    for (at, (unix_s, offset_min)) in
        [(1_782_900_000, 240), (1_770_000_000, 180), (1_770_000_000, -210), (-1_000, 0)].into_iter().enumerate()
    {
        let when = Some(InternalDate { unix_s, offset_min });
        world.servers.source.add(&path("INBOX"), mail(&format!("m{at}")), Marks::default(), when).unwrap();
    }
    world.settle().await;
    world.assert_equal();
}

#[tokio::test]
async fn c6_a_date_that_is_none_stops_nothing() {
    let world = World::modern();
    world.servers.source.add(&path("INBOX"), mail("undated"), Marks::default(), None).unwrap();
    world.settle().await;
    assert_eq!(world.ids(Side::Target, "INBOX"), ["undated"]);
    world.assert_idle().await;
}

#[tokio::test]
async fn c7_hostile_folder_names_are_only_names() {
    let world = World::modern();
    let hostile =
        ["..", ".", "../../etc", "~root", "a\0b", "%", "*", "\"", "\\", "&", "&-", "-x", " lead", "trail ", "🦊"];
    for (at, name) in hostile.into_iter().enumerate() {
        let folder = FolderPath::new([name]).unwrap_or_else(|| path("x"));
        // A server with "/" between folders cannot have it inside a name.
        if world.servers.source.create(&folder).is_ok() {
            world.servers.source.add(&folder, mail(&format!("m{at}")), Marks::default(), date(0)).unwrap();
        }
    }
    world.settle().await;
    world.assert_equal();
    world.assert_idle().await;
}

#[tokio::test]
async fn c8_message_ids_of_every_kind_are_told_apart() {
    let world = World::modern();
    let long = "x".repeat(600);
    let headers = [
        format!("Message-ID: <{long}@corp.example>\r\nSubject: long\r\n"),
        format!("Message-ID: <{long}1@corp.example>\r\nSubject: long\r\n"),
        "Subject: none\r\n".to_owned(),
        "Subject: none\r\n".to_owned(),
        "Message-ID:\r\n <folded@corp.example>\r\nSubject: folded\r\n".to_owned(),
        "Message-ID: <\u{44f}@corp.example>\r\nSubject: eight bits\r\n".to_owned(),
        "Message-ID:\r\nSubject: empty\r\n".to_owned(),
        "Message-ID: not an id at all\r\nMessage-ID: <second@x>\r\n".to_owned(),
    ];
    for (at, header) in headers.iter().enumerate() {
        // Twice on the source, once on the target: paired where equal, carried where not.
        let bytes = format!("{header}\r\nbody\r\n");
        world.servers.source.add(&path("INBOX"), bytes.clone(), Marks::default(), date(0)).unwrap();
        if at % 2 == 0 {
            world.servers.target.add(&path("INBOX"), bytes, Marks::default(), date(0)).unwrap();
        }
    }
    world.settle().await;
    assert_eq!(Side::ALL.map(|side| total(&world.servers[side])), [headers.len(), headers.len()]);
    world.assert_equal();
    world.assert_idle().await;
}

#[tokio::test]
async fn c9_nul_bytes_no_header_and_nothing_but_a_header_are_carried() {
    let world = World::modern();
    let bodies: [&[u8]; 7] = [
        b"Subject: nul\r\n\r\na\0b\r\n",
        b"\r\nno header\r\n",
        b"no header and no empty line",
        b"Subject: header only\r\n",
        b"Subject: header only\r\n\r\n",
        b"",
        b"\r\n",
    ];
    for bytes in bodies {
        world.servers.source.add(&path("INBOX"), bytes.to_vec(), Marks::default(), date(0)).unwrap();
    }
    world.settle().await;
    assert_eq!(total(&world.servers.target), bodies.len());
    world.assert_equal();
    world.assert_idle().await;
}

#[tokio::test]
async fn c10_a_cycle_of_renames_crosses_whatever_crashes() {
    let world = survives_every_crash(async || {
        let world = World::modern();
        for (folder, ids) in [("a", ["a1", "a2"]), ("b", ["b1", "b2"]), ("c", ["c1", "c2"])] {
            for id in ids {
                world.add(Side::Source, folder, id, &[]);
            }
        }
        world.settle().await;
        for (from, to) in [("a", "spare"), ("b", "a"), ("c", "b"), ("spare", "c")] {
            world.servers.target.rename(&path(from), &path(to)).unwrap();
        }
        world
    })
    .await;
    assert_eq!(world.ids(Side::Source, "a"), ["b1", "b2"]);
    assert_eq!(world.ids(Side::Source, "b"), ["c1", "c2"]);
    assert_eq!(world.ids(Side::Source, "c"), ["a1", "a2"]);
    world.assert_equal();
}

/// Folders of one second on such a server differ in nothing that a listing tells.
fn like_cyrus() -> Switches {
    Switches { is_like_cyrus: true, ..Switches::default() }
}

#[tokio::test]
async fn c10_folders_of_one_second_exchange_their_names() {
    for (side, ids_of_b) in [(Side::Source, 2), (Side::Target, 2), (Side::Source, 5), (Side::Target, 5)] {
        let world = survives_every_crash(async || {
            let world = World::in_memory(like_cyrus(), like_cyrus());
            for (folder, count) in [("a", 2), ("b", ids_of_b), ("c", 2)] {
                for at in 0..count {
                    world.add(Side::Source, folder, &format!("{folder}{at}"), &[]);
                }
            }
            world.settle().await;
            for (from, to) in [("a", "spare"), ("b", "a"), ("c", "b"), ("spare", "c")] {
                world.servers[side].rename(&path(from), &path(to)).unwrap();
            }
            world
        })
        .await;
        assert_eq!(world.ids(side.other(), "c"), ["a0", "a1"]);
        assert_eq!(world.ids(side.other(), "a").len(), ids_of_b);
        assert_eq!(world.ids(side.other(), "b"), ["c0", "c1"]);
        world.assert_equal();
    }
}

#[tokio::test]
async fn folders_are_asked_who_they_are_only_where_something_changed() {
    let world = World::in_memory(like_cyrus(), like_cyrus());
    for folder in ["a", "b", "INBOX"] {
        world.add(Side::Source, folder, &format!("in-{folder}"), &[]);
    }
    world.settle().await;
    let asked = async || {
        world.revive();
        world.settle().await;
        world.steps.trail().iter().filter(|step| step.ends_with("identify")).count()
    };
    assert_eq!(asked().await, 0, "an idle pass");
    world.add(Side::Target, "a", "fresh", &[]);
    assert_eq!(asked().await, 1, "the side with the news, once");
    world.assert_equal();
}

#[tokio::test]
async fn c10_a_server_that_has_no_room_above_others_numbers_the_folder() {
    let world = survives_every_crash(async || {
        let world = World::modern();
        world.servers.target.switch(|switches| switches.refuses_names_above = true);
        world.add(Side::Source, "one", "a", &[]);
        world.add(Side::Source, "two/below", "b", &[]);
        world.settle().await;
        world.servers.source.rename(&path("one"), &path("two")).unwrap();
        world
    })
    .await;
    assert_eq!(world.ids(Side::Target, "two (2)"), ["a"]);
    // Once nothing stands in the way, the number goes.
    world.servers.source.remove(&path("two/below")).unwrap();
    world.settle().await;
    assert_eq!(world.ids(Side::Target, "two"), ["a"]);
    world.assert_equal();
    world.assert_idle().await;
}

#[tokio::test]
async fn c10_a_folder_renamed_while_it_is_missing_on_the_other_side_has_one_name() {
    for side in Side::ALL {
        let switches = Switches { has_mailbox_ids: true, ..Switches::default() };
        let world = World::in_memory(switches.clone(), switches);
        world.servers.source.create(&path("above/old")).unwrap();
        world.settle().await;
        world.servers[side].remove(&path("above/old")).unwrap();
        world.pass().await.unwrap();
        world.servers[side.other()].rename(&path("above/old"), &path("new")).unwrap();
        world.pass().await.unwrap();
        // Before it is believed gone, somebody makes it anew.
        world.add(side, "above/old", "a", &[]);
        world.settle().await;
        for side in Side::ALL {
            assert_eq!(world.servers[side].folders(), [path("INBOX"), path("new")], "{side}");
        }
        world.assert_equal();
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn c10_a_folder_that_is_back_keeps_the_name_that_is_only_spelled_otherwise() {
    for side in Side::ALL {
        let mut switches = parom_domain::Both::new(Switches::default(), Switches::default());
        switches[side].abilities.forbidden_in_names.push(':');
        let world = World::in_memory(switches.source, switches.target);
        world.add(side.other(), "a:b", "m", &[]);
        world.settle().await;
        let spelled = "a\u{FF1A}b";
        for (missing_on, name) in [(side, spelled), (side.other(), "a:b")] {
            world.servers[missing_on].switch(|switches| _ = switches.unlisted.insert(path(name)));
            world.pass().await.unwrap();
            world.servers[missing_on].switch(|switches| switches.unlisted.clear());
            world.settle().await;
            assert_eq!(world.servers[side].folders(), [path("INBOX"), path(spelled)]);
            assert_eq!(world.servers[side.other()].folders(), [path("INBOX"), path("a:b")]);
        }
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn c10_a_deep_tree_is_removed_from_below() {
    let world = survives_every_crash(async || {
        let world = World::modern();
        let mut name = "deep".to_owned();
        for at in 0..6 {
            world.add(Side::Source, &name, &format!("m{at}"), &[]);
            name = format!("{name}/{at}");
        }
        world.settle().await;
        world.servers.target.switch(|switches| switches.remove_takes_children = true);
        world.servers.target.remove(&path("deep")).unwrap();
        world
    })
    .await;
    assert_eq!(world.servers.source.folders(), [FolderPath::inbox()]);
    world.assert_equal();
}
