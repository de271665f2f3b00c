//! An ordinary day of a client, with all ways of each version on.

use crate::driver::{DATE, Imaplib, inbox, mail};
use parom_lab::exchange::{ExchangeConfig, ExchangeServer, Language, Person, Quirks, Tally, Version};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_version_serves_one_who_knows_its_ways() {
    let versions = Version::ALL.map(|version| (version, Quirks::of(version)));
    for (version, quirks) in versions.into_iter().chain([(Version::E2013, Quirks::worst())]) {
        let (hidden, hangs) = (usize::from(quirks.lists_hidden_folders), quirks.hangs_at_logout);
        let mut config = ExchangeConfig::new(version).with(Person::new("alice").speaking(Language::Russian));
        config.quirks = quirks;
        let exchange = ExchangeServer::start(config).await.unwrap();
        let hands = exchange.mailbox("alice").unwrap();
        for subject in ["one", "two", "three"] {
            hands.add(&inbox(), mail(subject), &[], DATE).unwrap();
        }
        let mut imap = Imaplib::alice(&exchange);
        imap.ok("'capability'");
        // Twelve folders, of which seven are no mail.
        assert_eq!(imap.ok("'list', '\"\"', '*'").lines("* LIST ").len(), 12 + hidden);
        assert_eq!(imap.ok("'select'").number("[UIDVALIDITY "), 14);
        let listed = imap.ok("'uid', 'FETCH', '1:*', '(UID FLAGS)'");
        assert_eq!(listed.lines("* ").len(), 3);
        assert!(imap.ok("'uid', 'FETCH', '1:3', '(INTERNALDATE BODY.PEEK[])'").says("body of two"));
        imap.ok(r"'uid', 'STORE', '1', '+FLAGS.SILENT', '(\\Seen)'");
        let message = mail("four");
        let uid = imap.ok(&format!("'append', 'INBOX', None, None, b{message:?}")).number("[APPENDUID 14 ");
        // Both ways out of the lag: CHECK, and waiting.
        imap.ok("'check'");
        assert!(imap.ok(&format!("'uid', 'FETCH', '{uid}', '(FLAGS)'")).says("FETCH ("));
        let later = imap.ok(&format!("'append', 'INBOX', None, None, b{message:?}")).number("[APPENDUID 14 ");
        let start = Instant::now();
        while !imap.ok(&format!("'uid', 'FETCH', '{later}', '(FLAGS)'")).says("FETCH (") {
            assert!(start.elapsed() < Duration::from_secs(20), "it never appeared");
        }
        imap.ok("'uid', 'COPY', '1', '\"&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-\"'");
        imap.ok(r"'uid', 'STORE', '1', '+FLAGS', '(\\Deleted)'");
        imap.ok("'xatom', 'UID', 'EXPUNGE', '1'");
        assert!(imap.ok("'uid', 'SEARCH', 'ALL'").says("* SEARCH 2 3 4 5\r\n"));
        if !hangs {
            imap.call("'logout'");
        }
        let tally = exchange.tally();
        assert_eq!(tally, Tally { sign_ins: 1, most_connections: 1, ..Tally::default() }, "{version:?}");
        assert_eq!(exchange.receipts(), []);
        exchange.switch(|quirks| *quirks = Quirks::none());
        assert_eq!(Imaplib::alice(&exchange).ok("'list', '\"\"', '*'").lines("* LIST ").len(), 5);
    }
}
