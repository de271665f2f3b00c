//! The same mailbox read twice: by DavMail, which asks Exchange for MIME, and by Parom, which asks for properties. What
//! DavMail shows otherwise is a list with reasons, `docs/davmail.md`, and nothing else may differ. Then DavMail writes.

use crate::stage::{Stage, at, in_outlook, told};
use parom_lab::ews::{Event, OutgoingKind};
use std::collections::BTreeSet;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const ANNA: &str = "anna@corp.example";
/// Anna's password on Exchange, which the lab makes of her address.
const PASSWORD: &str = "anna";

/// A DavMail of its own for each test: temporary folder, free port, loopback.
struct DavMail {
    child: Child,
    port: u16,
    log: PathBuf,
}

impl DavMail {
    /// `None`, with a loud word, where it is not installed; under `CI=true` that is a failure.
    fn start(folder: &Path, ews: &str) -> Option<DavMail> {
        let own =
            std::env::var_os("PAROM_PEERS").map(|peers| PathBuf::from(peers).join("usr/share/davmail/davmail.jar"));
        let jar =
            [own, Some(PathBuf::from("/usr/share/davmail/davmail.jar"))].into_iter().flatten().find(|jar| jar.exists());
        let java =
            Command::new("java").arg("-version").stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        let (Some(jar), true) = (jar, java) else {
            eprintln!("SKIPPED: davmail-server is not installed, so nothing was compared with it");
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "davmail-server is missing");
            return None;
        };
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = folder.join("davmail.log");
        let settings = format!(
            "davmail.server=true\ndavmail.mode=EWS\ndavmail.url={ews}\ndavmail.bindAddress=127.0.0.1\n\
             davmail.allowRemote=false\ndavmail.caldavPort={port}\ndavmail.imapPort=\ndavmail.ldapPort=\ndavmail.popPort=\n\
             davmail.smtpPort=\ndavmail.disableUpdateCheck=true\ndavmail.enableKeepAlive=false\ndavmail.caldavPastDelay=0\n\
             davmail.logFilePath={}\nlog4j.rootLogger=WARN\nlog4j.logger.davmail=DEBUG\n",
            log.display()
        );
        let file = folder.join("davmail.properties");
        std::fs::write(&file, settings).unwrap();
        let said = std::fs::File::create(folder.join("davmail.out")).unwrap();
        let mut command = Command::new("java");
        command.args(["-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true"]);
        command.arg("-Duser.timezone=Europe/Moscow").arg("-jar").arg(jar).arg("-server").arg(&file);
        command.stdin(Stdio::null()).stdout(said.try_clone().unwrap()).stderr(said).current_dir(folder);
        let mut child = command.spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(120);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < deadline, "davmail did not come up");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(DavMail { child, port, log })
    }

    /// Has python3-caldav do something.
    fn ask(&self, action: &str, more: &[&str]) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/live/davmail.py");
        let url = format!("http://127.0.0.1:{}/users/{ANNA}/calendar/", self.port);
        let mut python = Command::new("/usr/bin/python3");
        python.arg(script).args([action, &url, ANNA, PASSWORD]).args(more).env("TZ", "UTC");
        let done = python.output().unwrap();
        let log = || std::fs::read_to_string(&self.log).unwrap_or_default();
        assert!(done.status.success(), "{action}: {}\n{}", told(&done), log());
        String::from_utf8(done.stdout).unwrap()
    }
}

impl Drop for DavMail {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn stage() -> Option<(Stage, DavMail)> {
    let stage = Stage::with(&["anna", "boris"], |config| {
        config.users =
            std::mem::take(&mut config.users).into_iter().map(|user| user.living_in("Russian Standard Time")).collect();
    })?;
    // DavMail tries NTLM where it is offered.
    stage.ews.gate(|gate| (gate.ntlm, gate.negotiate) = (false, false));
    stage.ews.record();
    let davmail = DavMail::start(stage.path(), &stage.ews.url())?;
    Some((stage, davmail))
}

/// Holds all that DavMail and the lab said to Microsoft's schema, where that lies beside the work tree.
fn judge(stage: &Stage) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let schema = root.join("../shared/data/ews-schema");
    if !schema.exists() {
        eprintln!("SKIPPED: Microsoft's schema is not at {}, so nothing was held to it", schema.display());
        return;
    }
    let folder = stage.path().join("said");
    std::fs::create_dir_all(&folder).unwrap();
    // The schema of GetUserAvailability is not among the published files.
    let known = |said: &&parom_lab::ews::Exchange| !said.request.contains("GetUserAvailabilityRequest");
    for (at, said) in stage.ews.recorded().iter().filter(known).enumerate() {
        std::fs::write(folder.join(format!("{at:04}.request.xml")), &said.request).unwrap();
        // That of GetUserConfiguration gives its answer without the list that Microsoft's examples and all clients have.
        if !said.request.contains("<m:GetUserConfiguration>") {
            std::fs::write(folder.join(format!("{at:04}.response.xml")), &said.response).unwrap();
        }
    }
    let mut judge = Command::new("/usr/bin/python3");
    let verdict = judge.arg(root.join("tests/live/ews_schema.py")).arg(&schema).arg(&folder).output().unwrap();
    assert!(verdict.status.success(), "{}", told(&verdict));
}

/// One of each kind.
fn fill(stage: &Stage) {
    let outlook = stage.outlook();
    let mut lunch = at("Lunch; with, signs", 2, 12);
    (lunch.location, lunch.reminder_min) = ("Canteen".to_owned(), Some(15));
    lunch.body = "Bring the \"papers\",\r\nall of them".to_owned();
    lunch.categories = vec!["Red".to_owned(), "Синий".to_owned()];
    outlook.add(&lunch).unwrap();

    let all_day = |title: &str, from: &str, to: &str| Event {
        is_all_day: true,
        ..Event::at(title, &format!("{from}T00:00:00"), &format!("{to}T00:00:00"))
    };
    outlook.add(&all_day("Day off", "2026-03-08", "2026-03-09")).unwrap();
    let leave = outlook.add(&all_day("Отпуск", "2026-05-04", "2026-05-05").daily(5)).unwrap();
    outlook.delete_occurrence(&leave, "2026-05-06").unwrap();
    outlook.edit_occurrence(&leave, "2026-05-07", |event| event.subject = "Не отпуск".to_owned()).unwrap();

    let round = outlook.add(&at("Планёрка", 2, 9).weekly("Monday")).unwrap();
    outlook
        .edit_occurrence(&round, "2026-03-09", |event| {
            event.subject = "Late round".to_owned();
            event.location = "Elsewhere".to_owned();
            event.start = "2026-03-09T11:00:00".to_owned();
            event.end = "2026-03-09T11:30:00".to_owned();
        })
        .unwrap();
    outlook.delete_occurrence(&round, "2026-03-16").unwrap();

    let mut meeting = at("Совещание", 4, 15);
    meeting.location = "Переговорная, 3-й этаж".to_owned();
    meeting.required = vec!["boris@corp.example".to_owned()];
    meeting.optional = vec!["vera@elsewhere.example".to_owned()];
    outlook.add(&meeting).unwrap();
    let mut invited = at("Invitation", 5, 16);
    invited.required = vec![ANNA.to_owned()];
    outlook.receive(&invited, "host@elsewhere.example").unwrap();

    let mut doctor = at("Врач", 10, 8);
    (doctor.sensitivity, doctor.busy) = ("Private".to_owned(), "OOF".to_owned());
    outlook.add(&doctor).unwrap();
    let mut secret = at("Secret", 11, 8);
    (secret.sensitivity, secret.busy) = ("Confidential".to_owned(), "Free".to_owned());
    outlook.add(&secret).unwrap();
    let mut maybe = at("Maybe", 12, 8);
    (maybe.sensitivity, maybe.busy) = ("Personal".to_owned(), "Tentative".to_owned());
    outlook.add(&maybe).unwrap();
    // Over the change of the clocks, in another zone than its owner's.
    let mut berlin = at("Berlin", 26, 10).weekly("Thursday");
    berlin.zone = "W. Europe Standard Time".to_owned();
    outlook.add(&berlin).unwrap();
}

/// What DavMail shows otherwise: the event, the property, and the entry in `docs/davmail.md`.
const DEVIATIONS: &[(&str, &str, u32)] = &[
    ("Отпуск", "excluded", 1),
    ("Отпуск", "form of EXDATE", 1),
    ("Планёрка", "exception 2026-03-09T06:00:00Z: form of RECURRENCE-ID", 2),
    ("Invitation", "status", 3),
    ("Maybe", "status", 3),
    ("Врач", "access", 4),
    ("Secret", "access", 4),
    ("Maybe", "class", 5),
];

#[test]
fn davmail_shows_what_parom_carries() {
    let Some((stage, davmail)) = stage() else { return };
    fill(&stage);
    assert!(stage.calendar(&["sync", ANNA]).contains("events"));
    let folder = stage.path().join("parom");
    std::fs::create_dir_all(&folder).unwrap();
    let events = stage.radicale.events("anna");
    for (at, text) in events.values().enumerate() {
        std::fs::write(folder.join(format!("{at}.ics")), text.replace('\n', "\r\n")).unwrap();
    }
    let told = davmail.ask("compare", &[folder.to_str().unwrap()]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let expected: BTreeSet<(String, String)> =
        DEVIATIONS.iter().map(|(event, what, _)| ((*event).to_owned(), (*what).to_owned())).collect();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let found = told["differences"].as_array().unwrap().iter();
    let found: BTreeSet<_> = found.map(|one| (text(&one["event"]), text(&one["what"]))).collect();
    assert_eq!(found, expected, "{told:#}");
    assert_eq!(told["both"], events.len(), "{told:#}");
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/davmail.md")).unwrap();
    for (.., entry) in DEVIATIONS {
        assert!(page.contains(&format!("\n## {entry}. ")), "docs/davmail.md has no entry {entry}");
    }
    // It asked in the ways that only it asks.
    for operation in ["ConvertId", "GetUserConfiguration"] {
        assert!(stage.ews.count(operation) > 0, "{operation}");
    }
    assert_eq!(stage.ews.outgoing(), []);
    judge(&stage);
}

#[test]
fn what_davmail_writes_is_in_the_mailbox() {
    let Some((stage, davmail)) = stage() else { return };
    let outlook = stage.outlook();
    davmail.ask("create", &[]);
    let (id, made) = in_outlook(&outlook, "Через DavMail");
    assert_eq!((made.start.as_str(), made.end.as_str()), ("2026-04-20T10:00:00", "2026-04-20T11:30:00"));
    assert_eq!((made.uid.as_str(), made.zone.as_str()), ("single-1", "Russian Standard Time"));
    assert_eq!((made.location.as_str(), made.body.as_str()), ("Кабинет, 7", "Две\nстроки"));
    assert_eq!((made.sensitivity.as_str(), made.busy.as_str(), made.reminder_min), ("Private", "Busy", Some(10)));
    davmail.ask("edit", &[]);
    let (same, edited) = in_outlook(&outlook, "Позже");
    assert_eq!((same, edited.start.as_str()), (id, "2026-04-20T09:00:00"));
    assert_eq!(edited.location, "Кабинет, 7");
    davmail.ask("delete", &[]);
    assert_eq!(outlook.events(), []);
    assert_eq!(outlook.events_in("deleteditems").len(), 1);

    davmail.ask("series", &[]);
    let (series, _) = in_outlook(&outlook, "Weekly");
    let days = |days: &[(&str, &str)]| -> Vec<(String, String)> {
        days.iter().map(|(day, start)| ((*day).to_owned(), format!("{day}T{start}"))).collect()
    };
    let all = days(&[
        ("2026-04-06", "09:00:00"),
        ("2026-04-13", "12:00:00"),
        ("2026-04-27", "09:00:00"),
        ("2026-05-04", "09:00:00"),
        ("2026-05-11", "09:00:00"),
    ]);
    assert_eq!(outlook.occurrences(&series, 10).unwrap(), all);
    assert_eq!(outlook.read_occurrence(&series, "2026-04-13").unwrap().subject, "Moved");
    // One more is to go: DavMail writes the rule anew, which drops the exceptions, and then each of them. See 6 and 7.
    davmail.ask("exceptions", &[]);
    let mut endless = all.clone();
    endless.insert(2, ("2026-04-20".to_owned(), "2026-04-20T09:00:00".to_owned()));
    endless.push(("2026-05-18".to_owned(), "2026-05-18T09:00:00".to_owned()));
    assert_eq!(outlook.occurrences(&series, 7).unwrap(), endless);
    assert_eq!(outlook.read_occurrence(&series, "2026-04-13").unwrap().subject, "Moved");
    assert_eq!(stage.ews.outgoing(), []);

    stage.ews.outlook("boris@corp.example").add(&at("Round", 2, 12)).unwrap();
    let busy = davmail.ask("busy", &["boris@corp.example"]);
    assert!(busy.contains("FREEBUSY;FBTYPE=BUSY:20260302T090000Z/20260302T093000Z"), "{busy}");
    assert!(stage.ews.count("GetUserAvailabilityRequest") > 0);

    // DavMail writes to people, which is what a client of a person's own does. See 8.
    davmail.ask("invite", &[]);
    let (_, meeting) = in_outlook(&outlook, "Planning");
    assert_eq!(
        (meeting.required, meeting.optional),
        (vec!["boris@corp.example".into()], vec!["vera@elsewhere.example".into()])
    );
    let sent: Vec<OutgoingKind> = stage.ews.outgoing().into_iter().map(|letter| letter.kind).collect();
    assert_eq!(sent, [OutgoingKind::Request]);
    judge(&stage);
}
