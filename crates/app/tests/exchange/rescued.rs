//! Row 20 where EWS is configured too: what IMAP cannot convert comes over EWS.

use crate::stage::{DATE, Stage, mail, told};
use parom_domain::FolderPath;
use parom_lab::ews::{Config, Ews, User};
use parom_lab::exchange::{Language, Version};
use parom_lab::server::Hands;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// An EWS that shows the mail of the stage's Exchange, known to Parom.
struct Joined {
    ews: Ews,
    // Last, so that the server ends before what it runs on.
    _runtime: Runtime,
}

impl Joined {
    /// `uids_off`: what EWS takes for the UIDs of IMAP is too high by this.
    fn to(stage: &Stage, uids_off: u32) -> Joined {
        let runtime = Runtime::new().unwrap();
        let mut config = Config::new(Version::E2016);
        config.users.push(User::new("anna@corp.example", "Anna").speaking(Language::Russian));
        let ews = runtime.block_on(Ews::start(config)).unwrap();
        let hands: Hands = stage.hands().0;
        ews.show_mail(Arc::new(move |_| {
            let mut all = hands.snapshot();
            all.values_mut().flatten().for_each(|message| message.uid += uids_off);
            all
        }));
        stage.reach_over_ews(&ews.url());
        Joined { ews, _runtime: runtime }
    }

    fn writes(&self) -> u64 {
        let writes = ["CreateItem", "UpdateItem", "DeleteItem", "MoveItem", "CreateFolder"];
        writes.into_iter().map(|name| self.ews.count(name)).sum()
    }
}

fn folder(names: &[&str]) -> FolderPath {
    FolderPath::new(names.iter().copied()).unwrap()
}

/// Three that cannot be converted, among others; one has a subject in an encoded word.
fn fill(stage: &Stage) -> [FolderPath; 3] {
    let (here, _) = stage.hands();
    let folders = [FolderPath::inbox(), folder(&["Отправленные"]), folder(&["Проекты", "Паром"])];
    for (at, path) in folders.iter().enumerate() {
        for name in ["before", "broken", "after"] {
            here.add(path, mail(&format!("{name}{at}")), &["\\Seen"], DATE).unwrap();
        }
    }
    let encoded = String::from_utf8(mail("encoded"))
        .unwrap()
        .replace("Subject: encoded", "Subject: broken =?utf-8?B?0JDQvdC90LA=?=");
    here.add(&folders[0], encoded, &["\\Seen"], DATE).unwrap();
    stage.exchange.switch(|quirks| quirks.substitutes.push("broken".into()));
    folders
}

fn count(hands: &Hands) -> usize {
    hands.snapshot().values().map(Vec::len).sum()
}

#[test]
fn what_imap_cannot_convert_comes_over_ews_and_is_mail_like_any_other() {
    let stage = Stage::new(Version::E2016);
    let [inbox, ..] = fill(&stage);
    let joined = Joined::to(&stage, 0);
    let (here, there) = stage.hands();
    stage.settle();
    assert_eq!(stage.tokens(&there), stage.tokens(&here));
    assert_eq!((count(&here), count(&there)), (10, 10));
    let copied =
        there.messages(&inbox).into_iter().find(|seen| seen.bytes.windows(7).any(|part| part == b"broken0")).unwrap();
    assert!(String::from_utf8_lossy(&copied.bytes).contains("The text of broken0."));
    assert!(told(&stage.run(&["parked"])).contains("Nothing is parked"));
    let verified = stage.run(&["verify"]);
    assert!(verified.status.success(), "{}", told(&verified));

    // Marks cross, a move is a move, and a deletion deletes.
    there.flag(&inbox, copied.uid, &["\\Flagged"], &[]).unwrap();
    stage.settle();
    let original =
        here.messages(&inbox).into_iter().find(|seen| seen.bytes.windows(7).any(|part| part == b"broken0")).unwrap();
    assert!(original.flags.contains(&"\\Flagged".to_owned()), "{:?}", original.flags);
    here.shift(&inbox, &[original.uid], &folder(&["Отправленные"])).unwrap();
    stage.settle();
    assert_eq!(stage.tokens(&there), stage.tokens(&here));
    assert_eq!(joined.writes(), 0, "Exchange is only read over EWS");
}

#[test]
fn without_the_state_it_is_paired_with_its_copy_and_nothing_is_doubled() {
    let stage = Stage::new(Version::E2016);
    fill(&stage);
    let _joined = Joined::to(&stage, 0);
    let (here, there) = stage.hands();
    stage.settle();
    stage.forget();
    stage.settle();
    assert_eq!((count(&here), count(&there)), (10, 10));
    assert_eq!(stage.tokens(&there), stage.tokens(&here));
}

#[test]
fn nobody_guesses_which_of_two_it_is() {
    // Where EWS knows the UIDs of IMAP both are told apart; where it does not, they are put aside.
    for (uids_off, carried) in [(0, 3), (1000, 1)] {
        let stage = Stage::new(Version::E2016);
        let (here, there) = stage.hands();
        for text in ["one", "two"] {
            let twin = String::from_utf8(mail("broken")).unwrap().replace("The text of broken", text);
            here.add(&FolderPath::inbox(), twin.replace("<broken@", &format!("<{text}@")), &["\\Seen"], DATE).unwrap();
        }
        here.add(&FolderPath::inbox(), mail("sound"), &["\\Seen"], DATE).unwrap();
        stage.exchange.switch(|quirks| quirks.substitutes.push("broken".into()));
        let _joined = Joined::to(&stage, uids_off);
        stage.settle();
        assert_eq!(count(&there), carried, "{uids_off}");
        let parked = told(&stage.run(&["parked"]));
        assert_eq!(parked.matches("another text in its place").count(), 3 - carried, "{parked}");
        assert_eq!(count(&here), 3);
    }
}

#[test]
fn one_that_only_the_second_and_the_subject_find_comes_too() {
    let stage = Stage::new(Version::E2016);
    fill(&stage);
    let _joined = Joined::to(&stage, 1000);
    let (_, there) = stage.hands();
    stage.settle();
    assert_eq!(count(&there), 10);
}

#[test]
fn where_the_other_way_is_closed_it_is_put_aside_and_the_rest_goes_on() {
    let stage = Stage::new(Version::E2016);
    fill(&stage);
    let joined = Joined::to(&stage, 0);
    joined.ews.deny("anna@corp.example");
    let (_, there) = stage.hands();
    stage.settle();
    assert_eq!(count(&there), 6);
    assert_eq!(told(&stage.run(&["parked"])).matches("another text in its place").count(), 4);
    joined.ews.allow("anna@corp.example");
    assert!(stage.run(&["parked", "--retry"]).status.success());
    stage.settle();
    assert_eq!(count(&there), 10);
}
