//! exchangelib at work in every version, and all that was said held to Microsoft's schema.

use parom_lab::ews::{Config, Ews, OutgoingKind, User};
use parom_lab::exchange::{Language, Version};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

const EXCHANGELIB: &str = "exchangelib==5.6.0";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs a program; what goes wrong with it is told.
async fn run(mut command: Command) -> Result<Output, String> {
    let name = format!("{command:?}");
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    let output = output.map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = [output.stdout.as_slice(), output.stderr.as_slice()].map(String::from_utf8_lossy).concat();
    Err(format!("{name} failed:\n{said}"))
}

/// A Python with exchangelib and what comes with it, made once below the target folder.
async fn python() -> Result<PathBuf, String> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let folder = target.join("python-exchangelib");
    let (python, marker) = (folder.join("bin/python"), folder.join(EXCHANGELIB));
    if !marker.exists() {
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv", "--clear"]).arg(&folder);
        run(venv).await?;
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", EXCHANGELIB]);
        run(pip).await?;
        std::fs::write(&marker, "").map_err(|error| error.to_string())?;
    }
    Ok(python)
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
    let verdict = run(judge).await;
    let verdict = verdict.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    println!("{}: {}", version.year(), verdict.unwrap_or_else(|complaints| panic!("{complaints}")));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exchangelib_is_served_by_the_ews_of_every_version() {
    let python = match python().await {
        Ok(python) => python,
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "exchangelib is needed to run this test: {error}");
            eprintln!("SKIPPED: exchangelib cannot be had, so this test proved nothing: {error}");
            return;
        }
    };
    for version in Version::ALL {
        let ews = server(version).await;
        let mut client = Command::new(&python);
        client.arg(root().join("tests/live/ews_exchangelib.py")).arg(ews.url()).arg(version.year()).env("TZ", "UTC");
        let output = run(client).await.unwrap_or_else(|error| panic!("{error}"));
        println!("{}", String::from_utf8_lossy(&output.stdout));
        // Only the step that tries the trap has sent anything: an invitation, a refusal, a cancellation.
        let sent: Vec<OutgoingKind> = ews.outgoing().into_iter().map(|outgoing| outgoing.kind).collect();
        assert_eq!(sent, [OutgoingKind::Request, OutgoingKind::Response, OutgoingKind::Cancellation]);
        assert!(ews.count("GetStreamingEvents") >= 1 && ews.streams() == 0);
        judge(&python, &ews, version).await;
    }
}
