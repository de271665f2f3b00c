//! Rows 14, 29 and 38, and several service accounts: how much is asked of an Exchange, and what is done when it was too much.

use crate::stage::{DATE, Stage, mail, told};
use parom_domain::FolderPath;
use parom_lab::exchange::{Charged, Version};
use std::time::{Duration, Instant};

fn filled(names: &[String], messages: usize) -> Stage {
    let stage = Stage::of(Version::E2016, names);
    for name in names {
        let here = stage.exchange.mailbox(name).unwrap();
        for at in 0..messages {
            here.add(&FolderPath::inbox(), mail(&format!("{name}-{at}")), &["\\Seen"], DATE).unwrap();
        }
    }
    stage
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("person{at}")).collect()
}

fn assert_crossed(stage: &Stage, names: &[String], messages: usize) {
    for name in names {
        let there = stage.target.mailbox(name).unwrap();
        assert_eq!(stage.tokens(&there).get("INBOX").map_or(0, |inbox| inbox.len()), messages, "{name}");
    }
}

#[test]
fn service_accounts_share_the_work_and_each_keeps_to_its_connections() {
    let names = names(16);
    let stage = filled(&names, 2);
    stage.exchange.switch(|quirks| quirks.connections_per_user = Some(4));
    stage.share("max_connections = 8\nmax_connections_per_service_login = 4");
    let synced = stage.sync();
    assert!(synced.status.success(), "{}", told(&synced));
    assert_crossed(&stage, &names, 2);
    let tally = stage.exchange.tally();
    assert_eq!((tally.refused_sign_ins, tally.byes_for_errors), (0, 0), "{tally:?}");
    assert!(stage.exchange.sign_ins("svc") > 0 && stage.exchange.sign_ins("svc2") > 0);
}

#[test]
fn a_service_account_with_a_wrong_password_leaves_its_work_to_the_other() {
    let names = names(8);
    let stage = filled(&names, 1);
    stage.exchange.change("svc2", |person| person.password = "another".to_owned());
    stage.share("");
    for _ in 0..2 {
        let synced = stage.sync();
        assert!(synced.status.success(), "{}", told(&synced));
    }
    assert_crossed(&stage, &names, 1);
    let wrong = stage.exchange.wrong_passwords("svc2");
    assert!((1..=2).contains(&wrong), "{wrong} wrong passwords");
}

#[test]
fn a_mailbox_that_one_service_account_may_not_open_is_opened_by_the_other() {
    let names = names(4);
    for (login, closed) in [("svc", "svc2"), ("svc2", "svc")] {
        let stage = filled(&names, 1);
        stage.share("");
        for name in &names {
            stage.exchange.revoke(closed, name);
        }
        let synced = stage.sync();
        assert!(synced.status.success(), "only {login}: {}", told(&synced));
        assert_crossed(&stage, &names, 1);
    }
}

#[test]
fn while_one_service_account_is_throttled_the_other_goes_on() {
    let names = names(6);
    let stage = filled(&names, 1);
    stage.share("");
    stage.exchange.throttle("svc", Duration::from_secs(600));
    let synced = stage.sync();
    assert!(synced.status.success(), "{}", told(&synced));
    assert_crossed(&stage, &names, 1);
    let paces = stage.paces();
    assert_eq!((paces.len(), paces[0]["kind"].as_str(), paces[0]["name"].as_str()), (1, Some("login"), Some("svc")));
    assert_eq!((paces[0]["connections"].as_u64(), paces[0]["max_connections"].as_u64()), (Some(8), Some(16)));
    assert!(paces[0]["pause_ms"].as_u64().unwrap() > 0, "nobody has waited for it: {paces:?}");
    let throttled = stage.exchange.tally().throttled;
    // The next run remembers the pause.
    let synced = stage.sync();
    assert!(synced.status.success(), "{}", told(&synced));
    assert_eq!(stage.exchange.tally().throttled, throttled);
    let text = told(&stage.run(&["status"]));
    assert!(text.contains("the service account svc has 8 of 16 connections"), "{text}");
}

#[test]
fn after_a_throttle_it_goes_at_half_the_speed() {
    let names = names(40);
    let stage = filled(&names, 1);
    stage.exchange.throttle("svc", Duration::from_millis(1500));
    stage.tune("max_connections_per_service_login = 4");
    let began = Instant::now();
    let synced = stage.sync();
    // One connection more for every ten seconds that went well.
    let most = 2 + began.elapsed().as_secs() / 10;
    assert!(synced.status.success(), "{}", told(&synced));
    assert_crossed(&stage, &names, 1);
    assert!(stage.exchange.tally().throttled >= 1);
    let paces = stage.paces();
    assert_eq!(paces.len(), 1, "{paces:?}");
    let connections = paces[0]["connections"].as_u64().unwrap();
    assert!((2..=most).contains(&connections), "{paces:?}");
}

#[test]
fn whose_budget_a_delegate_uses_up_is_not_asked_for() {
    for charged in [Charged::Delegate, Charged::Principal] {
        let names = names(6);
        let stage = filled(&names, 1);
        stage.exchange.switch(|quirks| quirks.charged = charged);
        let whose = if charged == Charged::Delegate { "svc" } else { "person3" };
        stage.exchange.throttle(whose, Duration::from_millis(1500));
        let synced = stage.sync();
        assert!(synced.status.success(), "{charged:?}: {}", told(&synced));
        assert_crossed(&stage, &names, 1);
        let tally = stage.exchange.tally();
        assert_eq!((tally.refused_sign_ins, tally.byes_for_errors), (0, 0), "{charged:?}: {tally:?}");
        // All that were on their way, and nobody else.
        assert!(tally.throttled <= 16, "{charged:?}: {tally:?}");
    }
}

#[test]
fn the_mailboxes_of_one_database_keep_to_its_connections() {
    let names = names(12);
    let stage = filled(&names, 1);
    for name in &names {
        let set = stage.run(&["account", "set", &format!("{name}@corp.example"), "--database", "DB1"]);
        assert!(set.status.success(), "{}", told(&set));
    }
    stage.tune("max_connections_per_database = 2");
    let synced = stage.sync();
    assert!(synced.status.success(), "{}", told(&synced));
    assert_crossed(&stage, &names, 1);
    assert!(stage.exchange.tally().most_connections <= 2, "{:?}", stage.exchange.tally());
}

#[test]
fn one_throttle_counts_once_however_many_wait_behind_it() {
    let names = names(24);
    let stage = filled(&names, 1);
    stage.exchange.throttle("svc", Duration::from_secs(600));
    for _ in 0..2 {
        let mut waiting = stage.begin();
        // All of them have heard of it by then.
        std::thread::sleep(Duration::from_millis(1500));
        waiting.kill().unwrap();
        waiting.wait().unwrap();
        let paces = stage.paces();
        assert_eq!((paces.len(), paces[0]["connections"].as_u64()), (1, Some(8)), "{paces:?}");
    }
    // The second run has not asked.
    assert!(stage.exchange.tally().throttled <= 16, "{:?}", stage.exchange.tally());
    // A person knows better.
    assert!(paused(&stage));
    assert!(stage.run(&["account", "on", "person0@corp.example"]).status.success());
    assert!(!paused(&stage));
}

fn paused(stage: &Stage) -> bool {
    stage.paces().iter().any(|pace| pace["pause_ms"].is_u64())
}

#[test]
fn a_comparison_locks_nobody_out_and_keeps_pauses_too() {
    let names = names(10);
    let stage = filled(&names, 1);
    let synced = stage.sync();
    assert!(synced.status.success(), "{}", told(&synced));
    stage.exchange.throttle("svc", Duration::from_millis(1200));
    let verified = stage.run(&["verify"]);
    assert!(verified.status.success(), "{}", told(&verified));
    stage.exchange.change("svc", |person| person.password = "another".to_owned());
    let verified = stage.run(&["verify"]);
    assert!(!verified.status.success());
    assert!(stage.exchange.wrong_passwords("svc") <= 2, "{} wrong passwords", stage.exchange.wrong_passwords("svc"));
    // With a second service account everybody is compared all the same.
    stage.share("");
    let verified = stage.run(&["verify"]);
    assert!(verified.status.success(), "{}", told(&verified));
    assert!(stage.run(&["status", "--server"]).status.success());
}
