//! Every object of the public corpora is carried and equal when read again, or refused with a reason of the closed list.
//! The corpora are found through `PAROM_DATA`, else beside the checkout; without them the test says that it is skipped.
#![allow(clippy::unwrap_used)]

use parom_calendar::{Event, Scheduling, Unfit, from_ical, ical, to_ical};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn corpora() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = std::env::var_os("PAROM_DATA").map_or_else(beside, PathBuf::from).join("ics");
    data.is_dir().then_some(data)
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "ics") {
            found.push(path);
        }
    }
}

/// The CalDAV tester's files are templates: `$now.2:` is the day after tomorrow, `$now.year.1:` is next year.
fn filled_in(template: Vec<u8>) -> Vec<u8> {
    let Ok(text) = String::from_utf8(template.clone()) else { return template };
    let today = jiff::civil::date(2026, 6, 15);
    let mut parts = text.split("$now.");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (term, rest) = part.split_once(':').unwrap_or((part, ""));
        let value = match term.strip_prefix("year.") {
            Some(years) => years.parse().ok().map(|years: i16| (today.year() + years).to_string()),
            None => term
                .parse()
                .ok()
                .map(|days: i64| today.saturating_add(jiff::Span::new().days(days)).strftime("%Y%m%d").to_string()),
        };
        match value {
            Some(value) => out.extend([&value, rest]),
            None => out.extend(["$now.", part]),
        }
    }
    out.into_bytes()
}

/// Reads again what was written, and compares.
fn comes_back(event: &Event) -> Result<(), String> {
    let text = to_ical(event, Scheduling::Server);
    match from_ical(text.as_bytes(), None) {
        Ok(again) if again == *event => {}
        Ok(again) => {
            let again = to_ical(&again, Scheduling::Server);
            let differs = |(one, two): &(&str, &str)| one != two;
            let first = text.lines().zip(again.lines()).find(differs);
            return Err(format!("{first:?}\n{text}"));
        }
        Err(unfit) => return Err(format!("{unfit}\n{text}")),
    }
    let quiet = to_ical(event, Scheduling::Suppressed);
    match from_ical(quiet.as_bytes(), None) {
        Ok(again) if again == *event => Ok(()),
        _ => Err(format!("with suppressed scheduling\n{quiet}")),
    }
}

#[derive(Default)]
struct Tally {
    files: usize,
    /// Files that cannot be read at all.
    refused: BTreeMap<Unfit, usize>,
    objects: usize,
    events: usize,
    carried: usize,
    parked: BTreeMap<Unfit, usize>,
}

#[test]
fn every_object_is_carried_or_refused_with_a_reason() {
    let Some(data) = corpora() else {
        eprintln!("SKIPPED: no corpora; set PAROM_DATA to the folder that holds ics/");
        return;
    };
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let mut lost = Vec::new();
    let mut found = Vec::new();
    files(&data, &mut found);
    for file in &found {
        let corpus = file.strip_prefix(&data).unwrap().iter().next().unwrap().to_string_lossy().into_owned();
        let tally = tallies.entry(corpus).or_default();
        tally.files += 1;
        let objects = match ical::objects(&filled_in(fs::read(file).unwrap()), None) {
            Ok(objects) => objects,
            Err(unfit) => {
                *tally.refused.entry(unfit).or_default() += 1;
                if std::env::var_os("PAROM_CORPUS_VERBOSE").is_some() {
                    eprintln!("{unfit}: {}", file.display());
                }
                continue;
            }
        };
        for object in objects {
            tally.objects += 1;
            // Tasks and messages are not ours to carry; of the rest, how many are?
            let is_event = !matches!(object, Err(Unfit::NotAnEvent | Unfit::SchedulingMessage));
            tally.events += usize::from(is_event);
            match object {
                Ok(event) => {
                    tally.carried += 1;
                    if let Err(difference) = comes_back(&event) {
                        lost.push(format!("{}\n{difference}", file.display()));
                    }
                }
                Err(unfit) => {
                    *tally.parked.entry(unfit).or_default() += 1;
                    if std::env::var_os("PAROM_CORPUS_VERBOSE").is_some() {
                        eprintln!("{unfit}: {}", file.display());
                    }
                }
            }
        }
    }
    println!("{:<14}{:>7}{:>9}{:>9}{:>8}{:>9}", "corpus", "files", "refused", "objects", "events", "carried");
    let (mut events, mut carried) = (0, 0);
    for (corpus, tally) in &tallies {
        let refused: usize = tally.refused.values().sum();
        let Tally { files, objects, events: of_these, carried: carried_of_these, .. } = tally;
        println!("{corpus:<14}{files:>7}{refused:>9}{objects:>9}{of_these:>8}{carried_of_these:>9}");
        for (unfit, count) in &tally.refused {
            println!("{:<14}  file refused: {unfit} {count}", "");
        }
        for (unfit, count) in &tally.parked {
            println!("{:<14}  object parked: {unfit} {count}", "");
        }
        events += of_these;
        carried += carried_of_these;
    }
    println!("carried {carried} of {events} events");
    assert!(
        lost.is_empty(),
        "{} objects changed on the way\n{}",
        lost.len(),
        lost.iter().take(3).cloned().collect::<String>()
    );
    assert!(carried * 100 >= events * 95, "only {carried} of {events} are carried");
}
