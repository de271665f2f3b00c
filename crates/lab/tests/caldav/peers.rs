//! python3-caldav at work.

use parom_lab::caldav::{CalDav, Config, Person};
use std::path::Path;
use std::process::Command;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_caldav_is_served() {
    // Debian's own: its packages are not seen by others.
    let python = "/usr/bin/python3";
    let known = Command::new(python).args(["-c", "import caldav"]).output();
    if !known.is_ok_and(|known| known.status.success()) {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "python3-caldav is missing");
        eprintln!("SKIPPED: python3-caldav is not installed, so this test proved nothing");
        return;
    }
    let dav = CalDav::start(Config::plain().with(Person::new("anna", "sesame"))).await.unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/live/caldav_client.py");
    let mut client = Command::new(python);
    client.arg(script).args([&dav.url(), "anna", "sesame"]);
    let output = tokio::task::spawn_blocking(move || client.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(dav.letters().is_empty() && dav.events("anna").is_empty());
}
