//! A storm: random edits, moves and deletions on both sides, between passes and in the middle of them, with random deaths and
//! cuts. When it is over, both sides come to rest and hold the same; no event is lost or doubled, and no edit is lost.
//!
//! How to run one or many: `parom_lab::storm`.

use crate::world::World;
use parom_domain::{Both, Side};
use parom_lab::memory::{AgendaSwitches, CalendarServer, Fault, field};
use parom_lab::sample::Random;
use parom_lab::storm::{self, Crowd};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

const COUNT: u64 = 400;
const MOST_BORN: usize = 30;

/// People at work on both servers.
#[derive(Clone)]
struct People {
    servers: Both<CalendarServer>,
    crowd: Crowd,
    /// What they set on events, by UID; no two are alike.
    marks: Arc<Mutex<BTreeMap<String, Vec<String>>>>,
}

impl People {
    fn edit(&self, when: &str) {
        let mut random = self.crowd.random();
        let mut deeds = self.crowd.deeds();
        let side = if random.one_in(2) { Side::Source } else { Side::Target };
        let server = &self.servers[side];
        let picture = server.picture();
        let calendars: Vec<String> = picture.keys().cloned().collect();
        let calendar = random.choose(&calendars).unwrap();
        let uid = random.choose(&server.uids(&calendar));
        // Of two calendars with one name people see the first.
        let uid = uid.filter(|uid| server.get(&calendar, uid, "uid").is_some());
        let did = match (random.index(20), uid) {
            (0..=4, _) if deeds.born.len() < MOST_BORN => {
                let uid = format!("m{}", deeds.born.len());
                server.add(&calendar, &format!("title={uid}\nuid={uid}\n"));
                deeds.born.insert(uid.clone());
                format!("adds {uid} to {calendar}")
            }
            (5..=8, Some(uid)) => {
                let mut marks = self.marks.lock().unwrap();
                let mark = format!("mark{}", marks.values().map(Vec::len).sum::<usize>());
                server.edit(&calendar, &uid, &mark, Some("1"));
                marks.entry(uid.clone()).or_default().push(mark.clone());
                format!("sets {mark} of {uid} in {calendar}")
            }
            (9..=10, Some(uid)) => {
                let title = format!("t{}", random.index(1000));
                server.edit(&calendar, &uid, "title", Some(&title));
                format!("calls {uid} in {calendar} {title}")
            }
            (11, Some(uid)) => {
                server.touch(&calendar, &uid);
                format!("touches {uid} in {calendar}")
            }
            (12..=13, Some(uid)) => {
                let to = random.choose(&calendars).unwrap();
                // A client does not put a second event of one UID into a calendar.
                if to != calendar && server.uids(&to).contains(&uid) {
                    return;
                }
                server.shift(&calendar, &uid, &to);
                format!("moves {uid} from {calendar} to {to}")
            }
            (14..=15, Some(uid)) => {
                server.delete(&calendar, &uid);
                deeds.deleted.insert(uid.clone());
                format!("deletes {uid} from {calendar}")
            }
            (16, _) => {
                server.forget_tokens();
                "loses its tokens".to_owned()
            }
            (17, _) => {
                server.land_late();
                "lets land what was late".to_owned()
            }
            (18, _) if calendars.len() < 4 => {
                let name = format!("Extra {}", random.index(3));
                if calendars.contains(&name) {
                    return;
                }
                server.add_calendar(&name);
                format!("makes {name}")
            }
            _ => return,
        };
        deeds.log.push(format!("{when}: somebody on {side} {did}"));
    }
}

fn switches(random: &mut Random, tells_fleeting: bool) -> AgendaSwitches {
    let tokens = !random.one_in(3);
    AgendaSwitches {
        tokens,
        deltas: tokens && !random.one_in(3),
        // A server that does not tell the version after a write says that it changed what was written. What is read back is
        // then taken for that, and an edit in the milliseconds between cannot be told from it.
        tells_versions: true,
        unique_uids: random.one_in(4),
        batch_items: 1 + random.index(6),
        late_commit: random.one_in(4),
        tells_fleeting,
        writes_in_steps: random.one_in(3),
        ..AgendaSwitches::default()
    }
}

/// How the servers of a storm are.
#[derive(Clone, Copy)]
struct Ways {
    tells_fleeting: bool,
    /// They do not remove every event, and lock some, until the storm is over.
    stubborn: bool,
}

const PLAIN: Ways = Ways { tells_fleeting: true, stubborn: false };

async fn raise(seed: u64, Ways { tells_fleeting, stubborn }: Ways) -> Result<(), String> {
    let mut random = Random::new(seed);
    let world = World::new(switches(&mut random, tells_fleeting), switches(&mut random, tells_fleeting));
    let people = People {
        servers: world.servers.clone(),
        crowd: Crowd::new(Random::new(random.number())),
        marks: Arc::default(),
    };
    for side in Side::ALL {
        if random.one_in(2) {
            world.servers[side].add_calendar("Work");
        }
    }
    for _ in 0..random.index(12) {
        people.edit("before");
    }
    let passes = 2 + random.index(6);
    for number in 1..=passes {
        world.steps.revive();
        if stubborn {
            be_stubborn(&world, &mut random);
        }
        let somebody = people.clone();
        let faults = [(3, Fault::Death), (4, Fault::Cut)];
        people.crowd.gather(&mut random, (number, &world.steps), &faults, 70, move |when| somebody.edit(when));
        let outcome = world.pass().await;
        let ending = outcome.map_or_else(|error| error.to_string(), |_| "well".into());
        note_pass(&world, &people, &format!("pass {number}"), &ending);
        for _ in 0..random.index(6) {
            people.edit("between");
        }
        if random.one_in(6) {
            world.book.release();
        }
        if stubborn && random.one_in(4) {
            world.book.try_again();
        }
        if random.one_in(2) {
            for side in Side::ALL {
                world.servers[side].land_late();
            }
            world.wait_out_the_grace();
        }
    }
    if stubborn {
        for side in Side::ALL {
            world.servers[side].switch(|switches| (switches.keeps, switches.locks) = (None, None));
        }
        world.book.try_again();
    }
    for side in Side::ALL {
        world.servers[side].land_late();
    }
    world.steps.revive();
    let verdict = judge(&world, &people).await;
    people.crowd.tell(&verdict);
    verdict
}

/// Other events than before cannot be removed or written.
fn be_stubborn(world: &World, random: &mut Random) {
    for side in Side::ALL {
        let mut part = |most| random.one_in(2).then(|| format!("uid=m{}\n", random.index(most)));
        let (keeps, locks) = (part(12), part(20));
        world.servers[side].switch(|switches| (switches.keeps, switches.locks) = (keeps, locks));
    }
}

fn note_pass(world: &World, people: &People, name: &str, ending: &str) {
    let trail = world.steps.trail();
    people.crowd.note(format!("{name} ends after {} steps: {ending}", trail.len()));
    if storm::is_alone() {
        people.crowd.note(format!("    did: {}", trail.join(", ")));
        people.crowd.note(format!("    source: {:?}", world.servers.source.picture()));
        people.crowd.note(format!("    target: {:?}", world.servers.target.picture()));
        let link = |link: parom_domain::events::EventLink| {
            let end = |side: Side| link.ends[side].as_ref().map(|end| format!("{}:{}", end.calendar.0, end.handle.0));
            format!("{}@{} {:?}={:?}", link.uid, link.calendar.0, end(Side::Source), end(Side::Target))
        };
        people
            .crowd
            .note(format!("    book: {}", world.book.all().into_iter().map(link).collect::<Vec<_>>().join(", ")));
        let state = world.book.state();
        people.crowd.note(format!("    parked: {:?}, suspected: {:?}", state.parked, state.suspected));
    }
}

async fn judge(world: &World, people: &People) -> Result<(), String> {
    let mut last = None;
    for number in 1..=24 {
        world.steps.revive();
        let report = world.pass().await.map_err(|error| format!("the pass after the storm fails: {error:?}"))?;
        note_pass(world, people, &format!("calm pass {number}"), if report.settled { "settled" } else { "unsettled" });
        if report.settled {
            last = None;
            break;
        }
        world.book.release();
        last = Some(report);
        // An event that was written too often waits for ten minutes.
        world.wait_ms(200_000);
    }
    if let Some(report) = last {
        return Err(format!("it does not come to rest: {report:#?}\n{:#?}", world.book.state()));
    }
    count(world, people)?;
    if world.servers.source.picture() != world.servers.target.picture() {
        let pictures = world.servers.as_ref().map(CalendarServer::picture);
        return Err(format!("the sides differ\nsource: {:?}\ntarget: {:?}", pictures.source, pictures.target));
    }
    let halves = world.servers.as_ref().map(CalendarServer::halves);
    if halves != Both::new(0, 0) {
        return Err(format!("events are left half: {halves:?}"));
    }
    let state = world.book.state();
    if !(state.parked.is_empty() && state.suspected.is_empty() && state.intents.is_empty() && state.left == 0) {
        return Err(format!("something is left open: {state:?}"));
    }
    let before = (world.book.commits(), world.servers.source.writes(), world.servers.target.writes());
    world.pass().await.map_err(|error| format!("{error:?}"))?;
    let after = (world.book.commits(), world.servers.source.writes(), world.servers.target.writes());
    if before == after { Ok(()) } else { Err(format!("an idle pass writes: {:?}", world.book.last())) }
}

/// Each event that came into being is on both sides once, with all that people marked it with, unless somebody deleted it.
fn count(world: &World, people: &People) -> Result<(), String> {
    let (deeds, marks) = (people.crowd.deeds(), people.marks.lock().unwrap());
    for side in Side::ALL {
        let mut places: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
        for (calendar, texts) in world.servers[side].picture() {
            for text in texts {
                let uid = field(&text, "uid").unwrap().to_owned();
                places.entry(uid).or_default().push((calendar.clone(), text));
            }
        }
        for uid in &deeds.born {
            let there = places.get(uid).map_or(&[][..], Vec::as_slice);
            if there.len() > 1 {
                return Err(format!("{uid} is doubled on {side}: {there:?}"));
            }
            if deeds.deleted.contains(uid) {
                continue;
            }
            let Some((_, text)) = there.first() else { return Err(format!("{uid} is lost on {side}")) };
            let marks = marks.get(uid).map_or(&[][..], Vec::as_slice);
            if let Some(mark) = marks.iter().find(|mark| field(text, mark).is_none()) {
                return Err(format!("{uid} lost {mark} on {side}"));
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn whatever_happens_both_sides_end_equal_and_no_event_and_no_edit_is_lost() {
    let failed = storm::raise(COUNT, async |seed| raise(seed, PLAIN).await).await;
    assert!(failed.is_empty(), "these storms ended badly (PAROM_STORM_SEED=n runs one): {failed:?}");
}

/// The same storms between servers that say nothing of what came and went between two looks, as Exchange does.
#[tokio::test]
async fn the_same_where_no_look_speaks_of_what_came_and_went() {
    let failed = storm::raise(COUNT, async |seed| raise(seed, Ways { tells_fleeting: false, ..PLAIN }).await).await;
    assert!(failed.is_empty(), "these storms ended badly (PAROM_STORM_SEED=n runs one): {failed:?}");
}

/// The same storms between servers that refuse deletions and lock events.
#[tokio::test]
async fn the_same_where_servers_do_not_do_everything_they_are_told() {
    let failed = storm::raise(COUNT, async |seed| raise(seed, Ways { stubborn: true, ..PLAIN }).await).await;
    assert!(failed.is_empty(), "these storms ended badly (PAROM_STORM_SEED=n runs one): {failed:?}");
}
