//! E56: a series is written to Exchange by several requests. Wherever that ends, the rest follows, and nothing is taken away
//! from the target for it.

use crate::faults::{ALWAYS, Fault, Faults};
use crate::stage::{Stage, has, has_no, in_outlook, phone, told};
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const WRITES: &str = "<m:CreateItem|<m:UpdateItem|<m:DeleteItem|<m:CreateAttachment|<m:DeleteAttachment";

const FAULT: &str = "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><s:Fault><faultcode>a:E</faultcode>\
    <faultstring>No.</faultstring><detail><e:ResponseCode xmlns:e=\"http://schemas.microsoft.com/exchange/services/2006/errors\">\
    ErrorInternalServerError</e:ResponseCode></detail></s:Fault></s:Body></s:Envelope>";

/// The binary finds Exchange behind what spoils its answers.
fn stage() -> Option<(Stage, Faults)> {
    let stage = Stage::of(&["anna"])?;
    let url = stage.ews.url();
    let port = stage.ews.addr().port();
    let faults = Faults::before(port);
    // NTLM would belong to a connection.
    stage.ews.gate(|gate| (gate.ntlm, gate.negotiate) = (false, false));
    let in_front = url.replace(&format!(":{port}"), &format!(":{}", faults.port));
    stage.edit_configuration(&format!("url = \"{url}\""), &format!("auth = \"basic\"\nurl = \"{in_front}\""));
    stage.calendar(&["subscribe", "anna@corp.example"]);
    Some((stage, faults))
}

const FILE: &str = "ATTACH;ENCODING=BASE64;VALUE=BINARY;FMTTYPE=text/plain;FILENAME=a.txt:aGVsbG8=\n";

fn series(title: &str, file: &str, has_exception: bool) -> String {
    let exception = format!(
        "\nEND:VEVENT\nBEGIN:VEVENT\nUID:{title}\nDTSTAMP:20260101T000000Z\n\
         RECURRENCE-ID;TZID=Europe/Moscow:20260305T100000\nDTSTART;TZID=Europe/Moscow:20260305T150000\n\
         DTEND;TZID=Europe/Moscow:20260305T160000\nSUMMARY:{title}\nLOCATION:Attic"
    );
    phone(
        title,
        &format!(
            "DTSTART;TZID=Europe/Moscow:20260302T100000\nDTEND;TZID=Europe/Moscow:20260302T110000\n\
             RRULE:FREQ=DAILY;COUNT=6\nEXDATE;TZID=Europe/Moscow:20260303T100000\n{file}SUMMARY:{title}{}",
            if has_exception { &exception } else { "" }
        ),
    )
}

/// What ends a write.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Kill,
    Cut,
    Busy,
    Refused,
}

/// Runs once, and its write number `at` fares so. False where it has not so many.
fn run(stage: &Stage, faults: &Faults, at: usize, end: End) -> bool {
    if at > 1 {
        faults.on("POST", &[WRITES], at - 1, Fault::First(Box::new(|| {})));
    }
    let child: Arc<Mutex<Option<Child>>> = Arc::default();
    let killed = child.clone();
    match end {
        End::Kill => faults.on(
            "POST",
            &[WRITES],
            1,
            Fault::Last(Box::new(move || killed.lock().unwrap().as_mut().unwrap().kill().unwrap())),
        ),
        End::Cut => faults.on("POST", &[WRITES], 1, Fault::HangUp),
        End::Busy => {
            faults.answer("POST", &[WRITES], 1, 500, &FAULT.replace("ErrorInternalServerError", "ErrorServerBusy"))
        }
        End::Refused => faults.answer("POST", &[WRITES], 1, 500, FAULT),
    }
    // The child is known before it can be killed.
    let mut slot = child.lock().unwrap();
    *slot = Some(stage.begin(&["sync", "--all"]));
    drop(slot);
    loop {
        if child.lock().unwrap().as_mut().unwrap().try_wait().unwrap().is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    faults.mend().iter().all(|left| *left == 0)
}

/// Brings everything to rest. What a refusal has put aside is tried again.
fn settle(stage: &Stage) {
    let rest = || {
        let said = || told(&stage.run(&["calendar", "sync", "--all"]));
        let deadline = Instant::now() + Duration::from_secs(60);
        // What is put aside for a while leaves nothing else to do.
        let rests = |said: &str| !said.contains("not settled") || !stage.parked().is_empty();
        while !Some(said()).is_some_and(|said| said.contains("no changes") && rests(&said)) {
            assert!(
                Instant::now() < deadline,
                "{} {:#?} {}",
                said(),
                stage.parked(),
                stage.radicale.events("anna").into_values().last().unwrap_or_default()
            );
        }
    };
    rest();
    if !stage.parked().is_empty() {
        assert!(stage.run(&["parked", "--retry"]).status.success());
        rest();
    }
    assert!(stage.parked().is_empty(), "{:#?}", stage.parked());
}

/// The whole series, on both sides.
struct Whole<'a> {
    title: &'a str,
    days: &'a [&'a str],
    exdates: &'a [&'a str],
    /// Of the exception, where there is one.
    place: Option<&'a str>,
    attached: &'a [(&'a str, &'a str)],
    /// Of the master, edited by somebody meanwhile.
    hall: &'a str,
}

fn assert_whole(stage: &Stage, whole: &Whole<'_>, case: &str) {
    let outlook = stage.outlook();
    let (id, event) = in_outlook(&outlook, whole.title);
    let shown: Vec<String> = outlook.occurrences(&id, 20).unwrap().into_iter().map(|(day, _)| day).collect();
    assert_eq!(shown, whole.days, "{case}");
    let attached: Vec<(&str, &str)> = event.attachments.iter().map(|(name, text)| (&**name, &**text)).collect();
    assert_eq!((&*attached, &*event.location), (whole.attached, whole.hall), "{case}");
    assert!(event.strings.iter().all(|(name, _)| name != "Parom.Half"), "{case}");
    let (_, text) = stage.radicale.event("anna", whole.title);
    for day in whole.exdates {
        assert!(text.contains(&format!("EXDATE;TZID=Europe/Moscow:{day}T100000")), "{case}: {text}");
    }
    assert!(whole.attached.iter().all(|(_, words)| text.contains(words)), "{case}: {text}");
    if let Some(place) = whole.place {
        let exception = outlook.read_occurrence(&id, "2026-03-05").unwrap();
        assert_eq!((&*exception.location, &*exception.start), (place, "2026-03-05T15:00:00"), "{case}");
        has(&text, &["RECURRENCE-ID;TZID=Europe/Moscow:20260305T100000", &format!("LOCATION:{place}")]);
    }
}

const DAYS: [&str; 5] = ["2026-03-02", "2026-03-04", "2026-03-05", "2026-03-06", "2026-03-07"];

#[test]
fn e56_a_series_that_was_created_half_is_brought_to_its_end() {
    let Some((stage, faults)) = stage() else { return };
    let mut cases = 0;
    for (end, edits) in
        [(End::Kill, false), (End::Kill, true), (End::Refused, false), (End::Busy, false), (End::Cut, true)]
    {
        for at in 1..=6 {
            if matches!(end, End::Busy | End::Cut) && at != 3 {
                continue;
            }
            let title = format!("made-{end:?}-{edits}-{at}");
            stage.radicale.add("anna", &title, &series(&title, FILE, true));
            if !run(&stage, &faults, at, end) {
                break;
            }
            cases += 1;
            let half = stage.outlook().events().into_iter().find(|(_, event)| event.subject == title);
            let mut hall = "";
            if let (Some((id, _)), true) = (&half, edits) {
                hall = "Hall";
                stage.outlook().edit(id, |event| event.location = "Hall".to_owned()).unwrap();
            }
            settle(&stage);
            let whole = Whole {
                title: &title,
                days: &DAYS,
                exdates: &["20260303"],
                place: Some("Attic"),
                attached: &[("a.txt", "aGVsbG8=")],
                hall,
            };
            assert_whole(&stage, &whole, &title);
            if !hall.is_empty() {
                let (_, text) = stage.radicale.event("anna", &title);
                has(&text, &["LOCATION:Hall"]);
            }
        }
    }
    assert!(cases >= 17, "{cases}");
    stage.check();
}

#[test]
fn e56_a_series_that_was_updated_half_is_brought_to_its_end() {
    let Some((stage, faults)) = stage() else { return };
    let mut cases = 0;
    for change in [Change::Anew, Change::Alone, Change::File] {
        for (end, at) in [End::Kill, End::Refused].into_iter().flat_map(|end| (1..=6).map(move |at| (end, at))) {
            let title = format!("changed-{change:?}-{end:?}-{at}");
            let file = if change == Change::File { FILE } else { "" };
            stage.radicale.add("anna", &title, &series(&title, file, change != Change::File));
            stage.settle();
            stage.radicale.edit("anna", &title, |text| {
                let another = text.replacen("\nEXDATE", "\nEXDATE;TZID=Europe/Moscow:20260306T100000\nEXDATE", 1);
                match change {
                    Change::Anew => text.replace("Attic", "Cellar").replace("COUNT=6", "COUNT=7"),
                    Change::Alone => another.replace("Attic", "Cellar"),
                    Change::File => another.replace("aGVsbG8=", "d29ybGQ=").replace("a.txt", "b.txt"),
                }
            });
            if !run(&stage, &faults, at, end) {
                continue;
            }
            cases += 1;
            settle(&stage);
            let longer = [&DAYS[..], &["2026-03-08"]].concat();
            let without: Vec<&str> = DAYS.into_iter().filter(|day| *day != "2026-03-06").collect();
            let is_anew = change == Change::Anew;
            let whole = Whole {
                title: &title,
                days: if is_anew { &longer } else { &without },
                exdates: if is_anew { &["20260303"] } else { &["20260303", "20260306"] },
                place: (change != Change::File).then_some("Cellar"),
                attached: if change == Change::File { &[("b.txt", "d29ybGQ=")] } else { &[] },
                hall: "",
            };
            assert_whole(&stage, &whole, &title);
        }
    }
    assert!(cases >= 24, "{cases}");
    stage.check();
}

/// What the phone changes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    /// The rule, which takes the exceptions away before they are written again.
    Anew,
    /// Occurrences alone.
    Alone,
    /// A file for another, and an occurrence.
    File,
}

/// The rest of it is refused again and again: it is told, nothing is taken away, and the phone can mend it.
#[test]
fn e56_a_series_whose_rest_is_refused_is_told_and_loses_nothing() {
    let Some((stage, faults)) = stage() else { return };
    stage.radicale.add("anna", "made", &series("made", FILE, true));
    faults.answer("POST", &["<m:UpdateItem", "Attic"], ALWAYS, 500, FAULT);
    for _ in 0..4 {
        stage.run(&["calendar", "sync", "--all"]);
    }
    let (code, sentence) = stage.parked_for("made");
    assert_eq!(code, "event-half");
    assert!(sentence.contains("only in part: ErrorInternalServerError"), "{sentence}");
    let (_, text) = stage.radicale.event("anna", "made");
    has(&text, &["EXDATE;TZID=Europe/Moscow:20260303T100000", "LOCATION:Attic"]);
    has_no(&text, &["X-PAROM"]);
    stage.radicale.edit("anna", "made", |text| text.replace("Attic", "Cellar"));
    stage.settle();
    assert!(stage.parked().is_empty());
    let whole = Whole {
        title: "made",
        days: &DAYS,
        exdates: &["20260303"],
        place: Some("Cellar"),
        attached: &[("a.txt", "aGVsbG8=")],
        hall: "",
    };
    assert_whole(&stage, &whole, "mended");
    stage.check();
}
