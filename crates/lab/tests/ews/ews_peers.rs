//! exchangelib at work in every version, and all that was said held to Microsoft's schema.

use crate::ews_mail;
use parom_domain::FolderPath;
use parom_lab::ews::{Config, Ews, OutgoingKind, User};
use parom_lab::exchange::{Language, Version};
use parom_lab::python;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs a program beside the servers; what goes wrong with it is told.
async fn run(mut command: Command) -> String {
    let ran = tokio::task::spawn_blocking(move || python::run(&mut command)).await.unwrap();
    ran.unwrap_or_else(|error| panic!("{error}"))
}

async fn server(version: Version) -> Ews {
    let mut config = Config::new(version)
        .with(User::new("alice@corp.example", "Alice").speaking(Language::Russian))
        .with(User::new("bob@corp.example", "Bob").speaking(Language::German))
        .with(User::new("denied@corp.example", "Denied"));
    // A stream of one minute lasts three seconds.
    config.switches.minute = Duration::from_secs(3);
    let ews = Ews::start(config).await.unwrap();
    ews.deny("denied@corp.example");
    ews.record();
    ews
}

/// Writes down what was said, and lets the schema judge it.
async fn judge(python: &Path, ews: &Ews, version: Version) {
    let schema = root().join("../shared/data/ews-schema");
    if !schema.exists() {
        eprintln!("SKIPPED: Microsoft's schema is not at {}, so nothing was held to it", schema.display());
        return;
    }
    let folder = std::env::temp_dir().join(format!("parom-ews-{}-{}", version.year(), std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (at, said) in ews.recorded().into_iter().enumerate() {
        std::fs::write(folder.join(format!("{at:04}.request.xml")), said.request).unwrap();
        std::fs::write(folder.join(format!("{at:04}.response.xml")), said.response).unwrap();
    }
    let mut judge = Command::new(python);
    judge.arg(root().join("tests/live/ews_schema.py")).arg(&schema).arg(&folder);
    println!("{}: {}", version.year(), run(judge).await);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exchangelib_is_served_by_the_ews_of_every_version() {
    let made = tokio::task::spawn_blocking(|| python::with(python::EXCHANGELIB)).await.unwrap();
    let Some(python) = made else { return };
    for version in Version::ALL {
        let ews = server(version).await;
        let (_mail, hands) = ews_mail::share(&ews).await;
        let mut client = Command::new(&python);
        client.arg(root().join("tests/live/ews_exchangelib.py")).arg(ews.url()).arg(version.year()).env("TZ", "UTC");
        if cfg!(feature = "ntlm") {
            client.arg("ntlm");
        }
        println!("{}", run(client).await);
        // Only the step that tries the trap has sent anything: an invitation, a refusal, a cancellation.
        let sent: Vec<OutgoingKind> = ews.outgoing().into_iter().map(|outgoing| outgoing.kind).collect();
        assert_eq!(sent, [OutgoingKind::Request, OutgoingKind::Response, OutgoingKind::Cancellation]);
        assert!(ews.count("GetStreamingEvents") >= 1 && ews.streams() == 0);
        let written = hands.messages(&FolderPath::new(["Смета 2025/2026"]).unwrap());
        assert!(matches!(written.as_slice(), [one] if one.flags == ["\\Seen"]), "{written:?}");
        if version > Version::E2010 {
            ews_mail::say_all(&ews, &hands).await;
        }
        judge(&python, &ews, version).await;
    }
}
