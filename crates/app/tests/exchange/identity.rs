//! Rows 16 to 25: what is the same message where UIDs, bytes, sizes, dates and flags are not what they seem.

use crate::stage::{DATE, Stage, mail, token, told};
use parom_domain::{FolderPath, InternalDate};
use parom_lab::exchange::{CalendarItems, MailboxMove, Rendering, Version};

#[test]
fn what_another_client_edits_is_there_once() {
    for version in [Version::E2010, Version::E2016] {
        let stage = Stage::new(version);
        let (here, there) = stage.hands();
        let mut uids = Vec::new();
        for at in 0..30 {
            uids.push(here.add(&FolderPath::inbox(), mail(&format!("m{at}")), &["\\Seen"], DATE).unwrap());
        }
        stage.settle();
        let outlook = stage.exchange.outlook("anna").unwrap();
        // The same text under a new UID: a category or a follow-up was set. And one with another text.
        for uid in &uids[..10] {
            let seen = here.messages(&FolderPath::inbox()).into_iter().find(|seen| seen.uid == *uid).unwrap();
            outlook.edit(&FolderPath::inbox(), *uid, seen.bytes.clone()).unwrap();
        }
        let edited = String::from_utf8(mail("m10")).unwrap().replace("The text of", "Another text of");
        outlook.edit(&FolderPath::inbox(), uids[10], edited.into_bytes()).unwrap();
        stage.settle();
        let (from, to) = (stage.tokens(&here), stage.tokens(&there));
        assert_eq!(from["INBOX"], to["INBOX"], "{version:?}");
        assert!(to["INBOX"].len() == 30 && to["INBOX"].values().all(|count| *count == 1), "{version:?}: {to:?}");
        // Of what says something else now, and of nothing else, the old text is in the trash.
        assert_eq!(to["Удаленные"].keys().collect::<Vec<_>>(), ["m10"], "{version:?}");
        let bodies = there.messages(&FolderPath::inbox());
        assert_eq!(
            bodies.iter().filter(|seen| String::from_utf8_lossy(&seen.bytes).contains("Another text of")).count(),
            1
        );
    }
}

#[test]
fn a_mailbox_that_was_moved_is_neither_deleted_nor_doubled() {
    for how in [MailboxMove::KeepsUids, MailboxMove::NewUids, MailboxMove::NewValidities] {
        let stage = Stage::new(Version::E2016);
        stage.exchange.switch(|quirks| quirks.mailbox_move = how);
        let (here, there) = stage.hands();
        let sent = FolderPath::new(["Отправленные"]).unwrap();
        for at in 0..40 {
            here.add(&FolderPath::inbox(), mail(&format!("in{at}")), &["\\Seen"], DATE).unwrap();
            here.add(&sent, mail(&format!("out{at}")), &["\\Seen"], DATE).unwrap();
        }
        stage.settle();
        let bodies = (stage.exchange.count("APPEND"), stage.target.count("APPEND"));
        let changes = there.changes();
        stage.exchange.move_mailbox("anna", "DB2");
        stage.settle();
        assert_eq!(stage.tokens(&here), stage.tokens(&there), "{how:?}");
        assert!(stage.tokens(&there).values().flatten().all(|(_, count)| *count == 1), "{how:?}");
        assert_eq!(
            (stage.exchange.count("APPEND"), stage.target.count("APPEND")),
            bodies,
            "{how:?}: mail was sent again"
        );
        assert_eq!(there.changes(), changes, "{how:?}: the target was changed");
    }
}

#[test]
fn a_flag_that_changes_the_bytes_moves_no_body() {
    let stage = Stage::new(Version::E2010);
    let (here, there) = stage.hands();
    let uid = here.add(&FolderPath::inbox(), mail("m"), &["\\Seen"], DATE).unwrap();
    stage.settle();
    let appends = stage.target.count("APPEND");
    here.flag(&FolderPath::inbox(), uid, &["\\Flagged"], &[]).unwrap();
    stage.settle();
    assert_eq!(stage.target.count("APPEND"), appends);
    let flags = &there.messages(&FolderPath::inbox())[0].flags;
    assert!(flags.iter().any(|flag| flag == "\\Flagged"), "{flags:?}");
}

#[test]
fn what_is_rendered_anew_is_the_same_message() {
    let stage = Stage::new(Version::E2019);
    let (here, there) = stage.hands();
    for at in 0..10 {
        here.add(&FolderPath::inbox(), mail(&format!("here{at}")), &["\\Seen"], DATE).unwrap();
        there.add(&FolderPath::inbox(), mail(&format!("there{at}")), &["\\Seen"], DATE).unwrap();
    }
    stage.settle();
    stage.exchange.switch(|quirks| quirks.rendering = Rendering::Rewritten { seed: 77 });
    stage.settle();
    assert_eq!(stage.tokens(&here), stage.tokens(&there));
    assert_eq!(stage.tokens(&there)["INBOX"].len(), 20);
    assert!(stage.tokens(&there)["INBOX"].values().all(|count| *count == 1));
}

#[test]
fn appointments_come_as_mail_or_are_parked_where_somebody_wants_their_folder() {
    for (how, comes) in
        [(CalendarItems::ICalendar, true), (CalendarItems::Substitute, false), (CalendarItems::NoData, false)]
    {
        let stage = Stage::new(Version::E2010);
        stage.configure("exclude_folders = [\"drafts\"]");
        stage.exchange.switch(|quirks| quirks.calendar_items = how);
        let (_, there) = stage.hands();
        let calendar = FolderPath::new(["Календарь"]).unwrap();
        let outlook = stage.exchange.outlook("anna").unwrap();
        outlook.hands().add(&FolderPath::inbox(), mail("plain"), &["\\Seen"], DATE).unwrap();
        outlook.add_item(&calendar, "appointment", DATE).unwrap();
        stage.settle();
        let subjects: Vec<String> = there.messages(&calendar).iter().map(|seen| token(&seen.bytes)).collect();
        assert_eq!(subjects, vec!["appointment"; usize::from(comes)], "{how:?}");
        assert!(stage.tokens(&there)["INBOX"].contains_key("plain"), "{how:?}");
        let parked = told(&stage.run(&["parked"]));
        assert_eq!(parked.contains("Календарь"), !comes, "{how:?}: {parked}");
    }
}

#[test]
fn a_follow_up_flag_is_seen_by_every_client() {
    let stage = Stage::new(Version::E2016);
    let (here, there) = stage.hands();
    there.add(&FolderPath::inbox(), mail("flagged"), &["\\Seen", "\\Flagged"], DATE).unwrap();
    there.add(&FolderPath::inbox(), mail("plain"), &["\\Seen"], DATE).unwrap();
    stage.settle();
    let outlook = stage.exchange.outlook("anna").unwrap();
    for seen in here.messages(&FolderPath::inbox()) {
        let flags = outlook.flags(&FolderPath::inbox(), seen.uid).unwrap();
        let flagged = flags.iter().any(|flag| flag == "\\Flagged");
        assert_eq!(flagged, token(&seen.bytes) == "flagged", "{flags:?}");
    }
}

#[test]
fn what_cannot_be_shown_any_more_and_is_moved_is_moved_on_the_other_side() {
    let archive = FolderPath::new(["Архив"]).unwrap();
    let stage = Stage::new(Version::E2016);
    let (here, there) = stage.hands();
    here.create(&archive, None).unwrap();
    let subjects = ["good", "=?utf-8?B?0YHQu9C+0LzQsNC90L4=?= one", "broken two", "twin", "twin", "gone"];
    let uids: Vec<u32> = (0..)
        .zip(subjects)
        .map(|(at, subject)| {
            let text = String::from_utf8(mail("m")).unwrap().replace("Subject: m", &format!("Subject: {subject}"));
            let text = text.replace("<m@", &format!("<m{at}@"));
            let date = InternalDate { unix_s: DATE.unix_s + if subject == "twin" { 0 } else { at }, ..DATE };
            here.add(&FolderPath::inbox(), text.into_bytes(), &["\\Seen"], date).unwrap()
        })
        .collect();
    stage.settle();
    stage.exchange.switch(|quirks| {
        quirks.substitutes = ["=?utf-8?B?", "broken", "twin"].map(str::to_owned).to_vec();
    });
    stage.settle();
    assert!(!told(&stage.run(&["parked"])).contains("another text in its place"), "nobody has asked for them again");
    let moved = here.shift(&FolderPath::inbox(), &uids[1..4], &archive).unwrap();
    here.flag(&archive, moved[0], &["\\Flagged"], &[]).unwrap();
    here.remove(&FolderPath::inbox(), &uids[4..]).unwrap();
    let appends = stage.target.count("APPEND");
    stage.settle();
    stage.settle();
    let tokens = stage.tokens(&there);
    let in_folder = |name: &str| tokens.get(name).map(|tokens| tokens.keys().collect::<Vec<_>>()).unwrap_or_default();
    assert_eq!(in_folder("Архив"), [subjects[1], subjects[2]], "{tokens:?}");
    assert_eq!(in_folder("INBOX"), ["good", "twin"], "{tokens:?}");
    assert_eq!(tokens["INBOX"]["twin"], 2, "which of them was moved, and which was deleted, is not known: {tokens:?}");
    assert_eq!(in_folder("Удаленные"), ["gone"], "{tokens:?}");
    assert_eq!(stage.target.count("APPEND"), appends);
    let flagged =
        there.messages(&archive).iter().filter(|seen| seen.flags.iter().any(|flag| flag == "\\Flagged")).count();
    assert_eq!(flagged, 1, "marks come along");
    let parked = told(&stage.run(&["parked"]));
    assert_eq!(parked.matches("another text in its place").count(), 1, "{parked}");
    // From now on they go wherever their other end goes.
    let archived = there.messages(&archive).iter().map(|seen| seen.uid).collect::<Vec<_>>();
    there.shift(&archive, &archived, &FolderPath::inbox()).unwrap();
    stage.settle();
    assert_eq!(here.messages(&archive).len(), 1, "the one that is parked");
    assert_eq!(here.messages(&FolderPath::inbox()).len(), 3);
}
