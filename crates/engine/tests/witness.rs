//! L16: another mailbox answers to the same login, and its numbers look like ours.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod world;

use parom_domain::{Code, Side};
use parom_lab::memory::{MemoryServer, Switches};
use world::{World, path};

/// A mailbox of somebody else with the same UIDVALIDITY, the same UIDs and a few more.
fn somebody_elses(world: &World, messages: u32) -> MemoryServer {
    let other = MemoryServer::new(Switches::default());
    for n in 0..messages {
        other
            .add(&path("INBOX"), world::mail(&format!("foreign{n}")), parom_domain::Marks::default(), world::date(1))
            .unwrap();
    }
    assert_eq!(other.validity(&path("INBOX")), world.servers.target.validity(&path("INBOX")));
    other
}

#[tokio::test]
async fn l16_another_mailbox_with_our_numbers_is_recognised_and_nothing_is_done() {
    for (messages, keeps_bytes) in [(12, true), (14, true), (12, false), (14, false)] {
        let mut switches = Switches::default();
        switches.abilities.keeps_bytes = keeps_bytes;
        let mut world = World::in_memory(switches.clone(), switches);
        for n in 0..12 {
            world.add(Side::Source, "INBOX", &format!("m{n}"), &[]);
        }
        world.settle().await;
        let mine = world.servers.source.picture();
        world.servers.target = somebody_elses(&world, messages);
        let theirs = world.servers.target.picture();
        world.add(Side::Source, "INBOX", "new", &[]);
        let error = world.pass().await.unwrap_err();
        assert_eq!((error.code(), error.arg("side")), (Code::OtherMailbox, Some("target")));
        assert_eq!(world.servers.target.picture(), theirs);
        world.expunge(Side::Source, "INBOX", "new");
        assert_eq!(world.servers.source.picture(), mine);
        let held = world.book.state().held;
        assert_eq!(held.len(), 1);
        // A person says that it is right: both are paired anew, and nobody loses anything.
        world.book.release();
        world.settle().await;
        world.assert_equal();
        assert_eq!(world.servers.target.messages(&path("INBOX")).len(), 12 + messages as usize);
        world.assert_idle().await;
    }
}
