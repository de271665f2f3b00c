//! Where the service is: asked by Autodiscover, before anything is carried.

use crate::stage::{Stage, at, told};
use parom_lab::ews::Elsewhere;

const ANNA: &str = "anna@corp.example";

/// A stage whose configuration names nobody but who is to be asked.
fn stage() -> Option<Stage> {
    let stage = Stage::of(&["anna"])?;
    let file = stage.path().join("parom.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let asked = format!("autodiscover:http://{}", stage.ews.addr());
    std::fs::write(&file, text.replace(&stage.ews.url(), &asked)).unwrap();
    stage.outlook().add(&at("Lunch", 2, 12)).unwrap();
    Some(stage)
}

#[test]
fn a_mailbox_is_found_by_autodiscover_and_carried() {
    for knows_soap in [true, false] {
        let Some(stage) = stage() else { return };
        stage.ews.switch(|switches| switches.knows_soap_autodiscover = knows_soap);
        stage.calendar(&["sync", ANNA]);
        assert!(stage.radicale.event("anna", "Lunch").1.contains("20260302T120000"));
        // SOAP first; plain XML only where that is not known.
        assert_eq!(stage.ews.count("Autodiscover"), if knows_soap { 1 } else { 2 });
    }
}

#[test]
fn autodiscover_leads_to_no_host_that_is_not_allowed() {
    let Some(stage) = stage() else { return };
    stage.ews.point(ANNA, Elsewhere::Url("http://stranger.example/autodiscover/autodiscover.xml".to_owned()));
    let done = stage.run(&["calendar", "sync", ANNA]);
    let said = told(&done);
    assert!(!done.status.success() && said.contains("stranger.example") && said.contains("allow_hosts"), "{said}");
    assert_eq!(stage.ews.count("Autodiscover"), 1);
    assert_eq!(stage.ews.count("GetFolder") + stage.ews.count("SyncFolderHierarchy"), 0);
}

#[test]
fn a_refused_password_is_not_shown_again_to_autodiscover() {
    let Some(stage) = stage() else { return };
    std::fs::write(stage.path().join("svc"), "wrong").unwrap();
    assert!(stage.run(&["secret", "set", "svc@corp.example", "--file", "svc"]).status.success());
    let first = stage.run(&["calendar", "sync", ANNA]);
    assert!(!first.status.success() && !told(&first).contains("Not signing in"), "{}", told(&first));
    let again = stage.run(&["calendar", "sync", ANNA]);
    assert!(!again.status.success() && told(&again).contains("Not signing in"), "{}", told(&again));
}
