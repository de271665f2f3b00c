//! Rows 26 and 27: what Exchange refuses to take, and rows 30 to 33: what it does with folders.

use crate::stage::{DATE, Stage, mail, told};
use parom_domain::FolderPath;
use parom_lab::exchange::{Language, Version};

#[test]
fn what_exchange_refuses_is_parked_alone_and_the_rest_goes_on() {
    let stage = Stage::new(Version::E2016);
    let (here, there) = stage.hands();
    let with = |token: &str, more: &str| format!("{}{more}", String::from_utf8(mail(token)).unwrap()).into_bytes();
    there.add(&FolderPath::inbox(), mail("first"), &["\\Seen"], DATE).unwrap();
    there.add(&FolderPath::inbox(), with("long-line", &"x".repeat(11_000)), &["\\Seen"], DATE).unwrap();
    there.add(&FolderPath::inbox(), with("control", "\u{1}"), &["\\Seen"], DATE).unwrap();
    there
        .add(&FolderPath::inbox(), [b"no header\r\n".to_vec(), mail("no-header")].concat(), &["\\Seen"], DATE)
        .unwrap();
    there.add(&FolderPath::inbox(), mail("Read: something"), &["\\Seen"], DATE).unwrap();
    there.add(&FolderPath::inbox(), with("large", &"y".repeat(70).repeat(200_000)), &["\\Seen"], DATE).unwrap();
    there.add(&FolderPath::inbox(), mail("last"), &["\\Seen"], DATE).unwrap();
    stage.settle();
    assert_eq!(stage.tokens(&here)["INBOX"].keys().collect::<Vec<_>>(), ["first", "last"]);
    assert_eq!(there.messages(&FolderPath::inbox()).len(), 7, "nothing is deleted for it");
    let parked = told(&stage.run(&["parked"]));
    assert!(parked.matches("INBOX").count() >= 5, "{parked}");
}

#[test]
fn a_full_mailbox_is_told_and_goes_on_when_there_is_room() {
    let stage = Stage::new(Version::E2016);
    stage.exchange.switch(|quirks| quirks.quota_bytes = Some(2000));
    let (here, there) = stage.hands();
    for at in 0..30 {
        there.add(&FolderPath::inbox(), mail(&format!("m{at}")), &["\\Seen"], DATE).unwrap();
    }
    let full = stage.sync();
    assert!(!full.status.success(), "{}", told(&full));
    assert!(told(&full).contains("there is no room"), "{}", told(&full));
    stage.exchange.switch(|quirks| quirks.quota_bytes = None);
    stage.settle();
    assert_eq!(stage.tokens(&here), stage.tokens(&there));
}

#[test]
fn changes_of_thousands_of_messages_fit_into_its_commands() {
    let stage = Stage::new(Version::E2016);
    stage.exchange.switch(|quirks| quirks.budget = None);
    let (here, there) = stage.hands();
    for at in 0..3000 {
        here.add(&FolderPath::inbox(), mail(&format!("m{at}")), &["\\Seen"], DATE).unwrap();
    }
    stage.settle();
    for seen in there.messages(&FolderPath::inbox()).iter().filter(|seen| seen.uid % 2 == 0) {
        there.flag(&FolderPath::inbox(), seen.uid, &["\\Answered"], &[]).unwrap();
    }
    stage.settle();
    let answered = here.messages(&FolderPath::inbox());
    assert_eq!(answered.iter().filter(|seen| seen.flags.iter().any(|flag| &**flag == "\\Answered")).count(), 1500);
}

#[test]
fn another_language_renames_no_folder_on_the_target() {
    let stage = Stage::new(Version::E2016);
    let (here, there) = stage.hands();
    let sent = FolderPath::new(["Отправленные"]).unwrap();
    here.add(&sent, mail("sent"), &["\\Seen"], DATE).unwrap();
    stage.settle();
    let before = there.folders();
    stage.exchange.speak("anna", Language::English);
    let english = FolderPath::new(["Sent Items"]).unwrap();
    here.add(&english, mail("more"), &["\\Seen"], DATE).unwrap();
    stage.settle();
    assert_eq!(there.folders(), before);
    assert_eq!(there.messages(&sent).len(), 2);
}

#[test]
fn names_that_exchange_cannot_bear_are_spelled_otherwise_there() {
    let stage = Stage::new(Version::E2016);
    let (here, there) = stage.hands();
    let odd = [vec!["ends with a space "], vec!["work"], vec!["Work"], vec!["a", "b "]];
    for name in &odd {
        let path = FolderPath::new(name.clone()).unwrap();
        there.create(&path, None).unwrap();
        there.add(&path, mail(&format!("in {path}")), &["\\Seen"], DATE).unwrap();
    }
    stage.settle();
    let count = |hands: &parom_lab::server::Hands| hands.snapshot().values().map(Vec::len).sum::<usize>();
    assert_eq!((count(&here), count(&there)), (odd.len(), odd.len()), "{:?} {:?}", here.folders(), there.folders());
    assert!(here.folders().iter().all(|folder| folder.segments().iter().all(|name| !name.ends_with(' '))));
}

#[test]
fn a_reserved_name_is_told_and_stops_nothing_else() {
    let stage = Stage::new(Version::E2016);
    let (here, there) = stage.hands();
    for name in ["Files", "Other"] {
        let path = FolderPath::new([name]).unwrap();
        there.create(&path, None).unwrap();
        there.add(&path, mail(name), &["\\Seen"], DATE).unwrap();
    }
    let synced = stage.sync();
    assert!(!synced.status.success());
    assert!(told(&synced).contains("refused to create the folder \"Files\""), "{}", told(&synced));
    assert!(told(&synced).contains("has to be changed on the other side"), "{}", told(&synced));
    assert_eq!(stage.tokens(&here)["Other"].len(), 1);
}
