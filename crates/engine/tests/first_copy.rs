//! The thin path: copies both ways, comes to rest, stays at rest.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod world;

use parom_domain::Side;
use parom_lab::memory::Switches;
use world::{World, mail, path};

#[tokio::test]
async fn both_mailboxes_become_their_union_and_come_to_rest() {
    let world = World::plain().await;
    for n in 0..150 {
        world.add(Side::Source, "INBOX", &format!("s{n}"), if n % 3 == 0 { &["\\Seen", "work"] } else { &[] });
        world.add(Side::Target, "a/b", &format!("t{n}"), &["\\Flagged"]);
    }
    let report = world.settle().await;
    assert_eq!((report.carried.source, report.carried.target), (150, 150));
    world.assert_equal();
    world.assert_idle().await;
}

#[tokio::test]
async fn a_plain_server_without_extensions_does_as_well() {
    let world = World::new(Switches::plain(), Switches::plain()).await;
    for n in 0..20 {
        world.add(Side::Source, "INBOX", &format!("s{n}"), &["\\Seen"]);
        world.add(Side::Target, "INBOX", &format!("t{n}"), &[]);
    }
    world.settle().await;
    world.assert_equal();
    world.expunge(Side::Source, "INBOX", "t3");
    world.mark(Side::Target, "INBOX", "s5", &["\\Answered"], &["\\Seen"]);
    world.settle().await;
    world.assert_equal();
    assert_eq!(world.count(Side::Target, "INBOX", "<t3@"), 0);
    world.assert_idle().await;
}

#[tokio::test]
async fn true_duplicates_and_equal_ids_with_other_bodies_stay_as_many_as_they_were() {
    let world = World::plain().await;
    for _ in 0..3 {
        world.add(Side::Source, "INBOX", "same", &[]);
    }
    let other = mail("same").replace("Text of", "Tixt of");
    world.servers.source.add(&path("INBOX"), other.clone(), parom_domain::Marks::default(), None).unwrap();
    world.add(Side::Target, "INBOX", "same", &[]);
    world.servers.target.add(&path("INBOX"), other, parom_domain::Marks::default(), None).unwrap();
    world.settle().await;
    world.assert_equal();
    assert_eq!(world.servers.target.messages(&path("INBOX")).len(), 4);
    world.assert_idle().await;
}
