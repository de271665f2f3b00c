//! Row 30: folders that Exchange does not list.

use crate::stage::{DATE, Stage, mail, told};
use parom_domain::FolderPath;
use parom_lab::exchange::Version;

fn path(names: &[&str]) -> FolderPath {
    FolderPath::new(names.iter().copied()).unwrap()
}

#[test]
fn folders_that_are_not_listed_are_told_and_stop_nothing_else() {
    let stage = Stage::new(Version::E2016);
    let (here, there) = stage.hands();
    let hidden = path(&["Договоры", "Приход/расход"]);
    here.add(&path(&["Договоры"]), mail("seen"), &["\\Seen"], DATE).unwrap();
    here.add(&hidden, mail("unseen"), &["\\Seen"], DATE).unwrap();
    here.create(&hidden.child("Ниже"), None).unwrap();
    // These have nothing below them that is not listed.
    here.create(&path(&["Проекты", "Паром"]), None).unwrap();
    here.create(&path(&["Пусто"]), None).unwrap();

    let first = stage.sync();
    assert!(first.status.success(), "{}", told(&first));
    let said = told(&first);
    assert_eq!(said.matches("does not show them").count(), 1, "{said}");
    assert!(said.contains("there are folders in \"Договоры\"") && said.contains("Rename the folder"), "{said}");
    assert_eq!(stage.tokens(&there)["Договоры"].len(), 1);
    let status = told(&stage.run(&["status"]));
    assert!(status.contains("in step") && status.contains("folders in \"Договоры\""), "{status}");
    let status: serde_json::Value = serde_json::from_slice(&stage.run(&["status", "--json"]).stdout).unwrap();
    assert_eq!(status["hidden"], serde_json::json!([{ "side": "source", "folder": "Договоры" }]));
    // Told once, and not by every run.
    stage.settle();
    assert!(!told(&stage.sync()).contains("does not show them"));

    // The remedy helps.
    here.rename(&hidden, &path(&["Договоры", "Приход и расход"])).unwrap();
    stage.settle();
    assert_eq!(stage.tokens(&there)["Договоры/Приход и расход"].len(), 1);
    assert!(!told(&stage.run(&["status"])).contains("does not show them"));
}

#[test]
fn a_folder_that_hides_others_is_never_removed() {
    let stage = Stage::new(Version::E2016);
    let (here, there) = stage.hands();
    let (shown, hidden) = (path(&["Договоры"]), path(&["Договоры", "Приход/расход"]));
    here.create(&shown, None).unwrap();
    here.add(&hidden, mail("unseen"), &["\\Seen"], DATE).unwrap();
    stage.settle();
    there.delete(&shown).unwrap();
    for _ in 0..3 {
        let synced = stage.sync();
        assert!(synced.status.success(), "{}", told(&synced));
    }
    assert_eq!(here.messages(&hidden).len(), 1);
    assert!(there.folders().contains(&shown), "it stays on both sides");
    stage.settle();
}

#[test]
fn a_folder_whose_new_name_is_not_shown_is_held_however_small_it_is() {
    let stage = Stage::new(Version::E2016);
    let (here, there) = stage.hands();
    let (shown, hidden) = (path(&["Расходы"]), path(&["Приход/расход"]));
    for token in ["one", "two"] {
        here.add(&shown, mail(token), &["\\Seen"], DATE).unwrap();
    }
    stage.settle();
    here.rename(&shown, &hidden).unwrap();
    for _ in 0..3 {
        stage.sync();
    }
    assert_eq!(stage.tokens(&there)["Расходы"].len(), 2, "nothing was removed");
    let held = told(&stage.run(&["brakes"]));
    assert!(held.contains("vanished on the source"), "{held}");
    // Under a name that is shown it is there again.
    here.rename(&hidden, &path(&["Приход и расход"])).unwrap();
    stage.settle();
    assert_eq!(stage.tokens(&there)["Приход и расход"].len(), 2);
    assert!(!there.folders().contains(&shown));
}
