//! Merging loses nothing: different changes meet, equal ones are one, and what gives way is told.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, date};
use parom_calendar::event::*;
use parom_calendar::ical::Line;
use parom_calendar::merge::{ATTACHMENT_LEFT_OUT, BODY_LEFT_OUT, Blind, Field, Judge, Loss, merge};
use parom_calendar::rule::{canonical, parse};
use parom_calendar::{EventHash, When, Zone};
use parom_domain::{Both, Side};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn judge(organizer: Option<Side>, later: Side) -> Judge<'static> {
    Judge { organizer, later, blind: Both::default(), owner: &[] }
}

fn swapped(judge: Judge<'_>) -> Judge<'_> {
    let blind = judge.blind.swapped();
    Judge { organizer: judge.organizer.map(Side::other), later: judge.later.other(), blind, ..judge }
}

fn hash(event: &Event) -> EventHash {
    EventHash::of(event)
}

fn text(event: &Event) -> String {
    parom_calendar::to_ical(event, parom_calendar::Scheduling::Server)
}

/// An edit of one field, a different one for each `n`.
fn edit(details: &mut Details, field: Field, n: u8) {
    match field {
        Field::Subject => details.subject = format!("subject {n}"),
        Field::Body => details.body = Body { text: format!("text {n}"), html: String::new() },
        Field::Location => details.location = format!("room {n}"),
        Field::Time => {
            let longer = details.end.local().saturating_add(SignedDuration::from_hours(24 * (i64::from(n) + 1)));
            details.end = details.end.frame().at(longer);
        }
        Field::Busy => {
            let all = [Busy::Free, Busy::Tentative, Busy::Busy, Busy::OutOfOffice, Busy::WorkingElsewhere];
            let others: Vec<Busy> = all.into_iter().filter(|busy| *busy != details.shown_busy()).collect();
            details.busy = others[usize::from(n) % others.len()];
        }
        Field::Sensitivity => {
            let all = [Sensitivity::Normal, Sensitivity::Personal, Sensitivity::Private, Sensitivity::Confidential];
            let others: Vec<Sensitivity> = all.into_iter().filter(|it| *it != details.sensitivity).collect();
            details.sensitivity = others[usize::from(n) % others.len()];
        }
        Field::Importance => {
            let all = [Importance::Low, Importance::Normal, Importance::High];
            let others: Vec<Importance> = all.into_iter().filter(|it| *it != details.importance).collect();
            details.importance = others[usize::from(n) % others.len()];
        }
        Field::Categories => details.categories.push(format!("category {n}")),
        Field::Status => {
            let all = [None, Some(Status::Tentative), Some(Status::Confirmed), Some(Status::Cancelled)];
            let others: Vec<Option<Status>> = all.into_iter().filter(|it| *it != details.status).collect();
            details.status = others[usize::from(n) % others.len()];
        }
        Field::Organizer => details.organizer = Some(Person::new(&format!("organizer{n}@x.example"), "")),
        Field::Attendees => details.attendees.push(Attendee::new(&format!("new{n}@x.example"), "N")),
        Field::Alarms => details.alarms.push(Alarm::reminder(u32::from(n) + 1000)),
        Field::Url => details.url = format!("https://x.example/{n}"),
        Field::OnlineMeeting => details.online_meeting = format!("https://meet.example/{n}"),
        Field::Attachments => details.attachments.push(Attachment {
            name: format!("file {n}"),
            media_type: "text/plain".into(),
            content: Content::Inline(vec![n].into()),
            params: Vec::new(),
        }),
        Field::Counter => details.no_counter = !details.no_counter,
        Field::Extras => details.extras.push(Line::new(&format!("X-NEW-{n}"), "1")),
        Field::Recurrence | Field::Occurrence => {}
    }
}

/// Fields of one event that [`edit`] edits, and whose values on two sides contradict.
fn fields() -> Vec<Field> {
    Field::ALL.into_iter().filter(|field| !matches!(field, Field::Recurrence | Field::Occurrence)).collect()
}

/// Fields whose elements are merged one by one: two additions do not contradict.
fn is_a_set(field: Field) -> bool {
    matches!(field, Field::Categories | Field::Attendees | Field::Attachments | Field::Extras)
}

/// Without a mere "not free": of that, what is known from before remains.
fn event() -> impl Strategy<Value = Event> {
    common::event().prop_map(|mut event| {
        let mut told = |details: &mut Details| {
            if details.busy == Busy::Opaque {
                details.busy = Busy::Busy;
            }
        };
        event.exceptions.values_mut().for_each(&mut told);
        event.master_mut().map(told);
        event
    })
}

fn master() -> impl Strategy<Value = Event> {
    event().prop_filter("has a master", |event| event.master().is_some())
}

fn side() -> impl Strategy<Value = Side> {
    prop::sample::select(Side::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn what_both_have_alike_stays(base in event(), now in event(), later in side()) {
        let judge = judge(None, later);
        let merged = merge(Some(&base), Both::new(&now, &now), &judge);
        prop_assert_eq!(hash(&merged.event), EventHash::of(&Event { uid: base.uid.clone(), ..now.clone() }));
        prop_assert_eq!(merged.lost, vec![]);
        let merged = merge(None, Both::new(&now, &now), &judge);
        prop_assert_eq!(hash(&merged.event), hash(&now));
        prop_assert_eq!(merged.lost, vec![]);
    }

    #[test]
    fn what_one_side_changed_is_changed(base in master(), now in master(), later in side(), who in side()) {
        let now = Event { uid: base.uid.clone(), ..now };
        let judge = judge(None, later);
        let both = if who == Side::Source { Both::new(&now, &base) } else { Both::new(&base, &now) };
        let merged = merge(Some(&base), both, &judge);
        let mut expected = now.clone();
        // HTML is not taken away by a side that has none, and "not free" tells no kind.
        for details in [&mut expected].into_iter().flat_map(Event::master_mut) {
            details.body = merged.event.master().unwrap().body.clone();
        }
        let without_own_line = |event: &Event| {
            let mut event = event.clone();
            if let Some(master) = event.master_mut() {
                let base_organizer = base.master().and_then(|base| base.organizer.clone());
                master.attendees.retain(|attendee| !base_organizer.as_ref().is_some_and(|it| it.is(&attendee.person)));
            }
            event
        };
        prop_assert_eq!(hash(&without_own_line(&merged.event)), hash(&without_own_line(&expected)));
        prop_assert_eq!(merged.lost, vec![]);
    }

    #[test]
    fn the_sides_may_be_exchanged(base in master(), source in master(), target in master(), organizer in prop::option::of(side()), later in side(), has_base: bool) {
        let base = has_base.then_some(&base);
        let judge = judge(organizer, later);
        let one = merge(base, Both::new(&source, &target), &judge);
        let other = merge(base, Both::new(&target, &source), &swapped(judge));
        let uid = |event: Event| Event { uid: String::new(), ..event };
        prop_assert_eq!(hash(&uid(one.event.clone())), hash(&uid(other.event.clone())), "{}\n{}", text(&one.event), text(&other.event));
        let mut lost: Vec<Loss> = other.lost.into_iter().map(|loss| Loss { side: loss.side.other(), ..loss }).collect();
        lost.sort_unstable();
        prop_assert_eq!(one.lost, lost);
    }

    #[test]
    fn different_fields_meet(base in master(), one in prop::sample::select(fields()), two in prop::sample::select(fields()), later in side()) {
        prop_assume!(one != two || is_a_set(one));
        let (mut source, mut target, mut expected) = (base.clone(), base.clone(), base.clone());
        edit(source.master_mut().unwrap(), one, 1);
        edit(target.master_mut().unwrap(), two, 2);
        edit(expected.master_mut().unwrap(), one, 1);
        edit(expected.master_mut().unwrap(), two, 2);
        let merged = merge(Some(&base), Both::new(&source, &target), &judge(None, later));
        prop_assert_eq!(&merged.lost, &vec![]);
        let merged_master = merged.event.master().unwrap();
        for field in [one, two] {
            let with_field = |details: &Details| format!("{:?}", project(details, field));
            prop_assert_eq!(with_field(merged_master), with_field(expected.master().unwrap()), "{:?}", field);
        }
    }

    #[test]
    fn of_two_changes_of_one_field_one_wins_and_the_other_is_told(base in master(), field in prop::sample::select(fields()), organizer in prop::option::of(side()), later in side()) {
        prop_assume!(!is_a_set(field) && field != Field::Counter);
        let (mut source, mut target) = (base.clone(), base.clone());
        edit(source.master_mut().unwrap(), field, 1);
        edit(target.master_mut().unwrap(), field, 2);
        let judge = judge(organizer, later);
        let merged = merge(Some(&base), Both::new(&source, &target), &judge);
        let winner = organizer.filter(|_| field.is_the_organizers()).unwrap_or(later);
        let winning = if winner == Side::Source { &source } else { &target };
        let shown = |event: &Event| format!("{:?}", project(event.master().unwrap(), field));
        prop_assert_eq!(shown(&merged.event), shown(winning));
        prop_assert_eq!(&merged.lost, &vec![Loss { side: winner.other(), field, occurrence: None }]);
        // The side that gave way takes the result over, and everything is at rest.
        let again = merge(Some(&base), if winner == Side::Source { Both::new(&merged.event, &target) } else { Both::new(&source, &merged.event) }, &judge);
        prop_assert_eq!(hash(&again.event), hash(&merged.event));
    }

    #[test]
    fn a_side_that_is_blind_to_a_field_changes_nothing_in_it(base in master(), field in prop::sample::select(fields()), later in side()) {
        let mut source = base.clone();
        edit(source.master_mut().unwrap(), field, 1);
        let judge = Judge { blind: Both::new(Blind::to(&[field]), Blind::default()), ..judge(None, later) };
        let merged = merge(Some(&base), Both::new(&source, &base), &judge);
        let shown = |event: &Event| format!("{:?}", project(event.master().unwrap(), field));
        prop_assert_eq!(shown(&merged.event), shown(&base));
    }
}

/// What a field says, as text.
fn project(details: &Details, field: Field) -> Vec<String> {
    let mut all = match field {
        Field::Subject => vec![details.subject.clone()],
        Field::Body => vec![details.body.text.clone()],
        Field::Location => vec![details.location.clone()],
        Field::Time => vec![format!("{:?} {:?}", details.start, details.end)],
        Field::Busy => vec![format!("{:?}", details.shown_busy())],
        Field::Sensitivity => vec![format!("{:?}", details.sensitivity)],
        Field::Importance => vec![format!("{:?}", details.importance)],
        Field::Categories => details.categories.clone(),
        Field::Status => vec![format!("{:?}", details.status)],
        Field::Organizer => vec![format!("{:?}", details.organizer)],
        Field::Attendees => {
            // The organizer's own line follows the organizer.
            let others = details
                .attendees
                .iter()
                .filter(|it| !details.organizer.as_ref().is_some_and(|organizer| organizer.is(&it.person)));
            others.map(|it| format!("{it:?}")).collect()
        }
        Field::Alarms => details.alarms.iter().map(|it| format!("{it:?}")).collect(),
        Field::Url => vec![details.url.clone()],
        Field::OnlineMeeting => vec![details.online_meeting.clone()],
        Field::Attachments => details.attachments.iter().map(|it| it.name.clone()).collect(),
        Field::Counter => vec![details.no_counter.to_string()],
        Field::Extras => details.extras.iter().map(|line| format!("{} {}", line.name, line.value)).collect(),
        Field::Recurrence | Field::Occurrence => Vec::new(),
    };
    all.sort();
    all
}

const START: DateTime = DateTime::constant(2026, 1, 5, 10, 0, 0, 0);

fn moscow(at: DateTime) -> When {
    When::Zoned(at, Zone::named("Europe/Moscow").unwrap())
}

/// Mondays at 10 in Moscow, an hour long.
fn weekly() -> Event {
    let mut event =
        Event::single("1", Details::new(moscow(START), moscow(START.saturating_add(SignedDuration::from_hours(1)))));
    event.recurrence =
        Some(Recurrence { rule: Some(canonical(parse("FREQ=WEEKLY").unwrap().0, START)), added: BTreeSet::new() });
    event
}

fn at(day: Date, hour: i8) -> DateTime {
    day.at(hour, 0, 0, 0)
}

fn exception(event: &Event, original: DateTime, subject: &str) -> Details {
    let mut details = event.master().unwrap().clone();
    details.start = moscow(original);
    details.end = moscow(original.saturating_add(SignedDuration::from_hours(1)));
    details.subject = subject.into();
    details
}

#[test]
fn exceptions_and_deletions_of_both_sides_hold() {
    let base = weekly();
    let (mut source, mut target) = (base.clone(), base.clone());
    let (first, second) = (at(date(2026, 1, 12), 10), at(date(2026, 1, 19), 10));
    source.deleted.insert(first);
    target.exceptions.insert(second, exception(&base, second, "other"));
    let merged = merge(Some(&base), Both::new(&source, &target), &judge(None, Side::Source));
    assert_eq!(merged.event.deleted, BTreeSet::from([first]));
    assert_eq!(merged.event.exceptions.keys().collect::<Vec<_>>(), [&second]);
    assert_eq!(merged.lost, []);
}

#[test]
fn different_fields_of_one_occurrence_meet() {
    let base = weekly();
    let (mut source, mut target) = (base.clone(), base.clone());
    let original = at(date(2026, 1, 12), 10);
    source.exceptions.insert(original, exception(&base, original, "source"));
    let mut there = exception(&base, original, "");
    there.location = "room 2".into();
    target.exceptions.insert(original, there);
    let merged = merge(Some(&base), Both::new(&source, &target), &judge(None, Side::Source));
    let details = &merged.event.exceptions[&original];
    assert_eq!((details.subject.as_str(), details.location.as_str()), ("source", "room 2"));
    assert_eq!(merged.lost, []);
}

#[test]
fn an_edit_of_an_occurrence_beats_its_deletion() {
    let base = weekly();
    let original = at(date(2026, 1, 12), 10);
    for deleting in Side::ALL {
        let mut both = Both::new(base.clone(), base.clone());
        both[deleting].deleted.insert(original);
        both[deleting.other()].exceptions.insert(original, exception(&base, original, "edited"));
        let merged = merge(Some(&base), both.as_ref(), &judge(Some(deleting), deleting));
        assert!(merged.event.deleted.is_empty());
        assert_eq!(merged.event.exceptions.len(), 1);
        assert_eq!(merged.lost, [Loss { side: deleting, field: Field::Occurrence, occurrence: Some(original) }]);
    }
}

#[test]
fn a_deletion_that_is_taken_back_takes_place_again() {
    let mut base = weekly();
    base.deleted.insert(at(date(2026, 1, 12), 10));
    let back = weekly();
    let merged = merge(Some(&base), Both::new(&base, &back), &judge(None, Side::Source));
    assert_eq!(merged.event.deleted, BTreeSet::new());
}

#[test]
fn a_series_that_moves_takes_its_exceptions_along() {
    let mut base = weekly();
    let original = at(date(2026, 1, 12), 10);
    base.exceptions.insert(original, exception(&base, original, "old"));
    base.deleted.insert(at(date(2026, 1, 19), 10));
    // Exchange forgets its exceptions when the series moves to 15:00; the target edits one meanwhile.
    let mut source = weekly();
    let later = START.saturating_add(SignedDuration::from_hours(5));
    *source.master_mut().unwrap() =
        Details::new(moscow(later), moscow(later.saturating_add(SignedDuration::from_hours(1))));
    let mut target = base.clone();
    target.exceptions.get_mut(&original).unwrap().subject = "new".into();
    let merged = merge(Some(&base), Both::new(&source, &target), &judge(None, Side::Source));
    let moved = at(date(2026, 1, 12), 15);
    let kept = &merged.event.exceptions[&moved];
    assert_eq!((kept.subject.as_str(), &kept.start), ("new", &moscow(moved)));
    // What was deleted and not touched follows the side that reset it.
    assert_eq!(merged.event.deleted, BTreeSet::new());
}

#[test]
fn a_start_and_a_rule_that_do_not_go_together_are_of_one_side() {
    let base = weekly();
    let (mut source, mut target) = (base.clone(), base.clone());
    // Here to Tuesdays, there to 11 o'clock on the same Monday.
    let tuesday = START.saturating_add(SignedDuration::from_hours(24));
    let later = START.saturating_add(SignedDuration::from_hours(1));
    let hour = |at: DateTime| (moscow(at), moscow(at.saturating_add(SignedDuration::from_hours(1))));
    let master = source.master_mut().unwrap();
    (master.start, master.end) = hour(tuesday);
    source.recurrence.as_mut().unwrap().rule = Some(canonical(parse("FREQ=WEEKLY").unwrap().0, tuesday));
    let master = target.master_mut().unwrap();
    (master.start, master.end) = hour(later);
    for winner in Side::ALL {
        let merged = merge(Some(&base), Both::new(&source, &target), &judge(Some(winner), Side::Source));
        let winning = if winner == Side::Source { &source } else { &target };
        assert_eq!(hash(&merged.event), hash(winning));
        assert!(merged.lost.iter().all(|loss| loss.side == winner.other()) && !merged.lost.is_empty());
    }
}

#[test]
fn an_exception_whose_occurrence_is_gone_is_told() {
    let base = weekly();
    let original = at(date(2026, 3, 30), 10);
    let (mut source, mut target) = (base.clone(), base.clone());
    source.recurrence.as_mut().unwrap().rule.as_mut().unwrap().ends = parom_calendar::rule::Ends::On(date(2026, 2, 1));
    target.exceptions.insert(original, exception(&base, original, "late"));
    let merged = merge(Some(&base), Both::new(&source, &target), &judge(None, Side::Source));
    assert!(merged.event.exceptions.is_empty());
    assert_eq!(merged.lost, [Loss { side: Side::Target, field: Field::Occurrence, occurrence: Some(original) }]);
}

#[test]
fn a_client_that_knows_only_transp_keeps_the_kind_of_busy() {
    let mut base = weekly();
    base.master_mut().unwrap().busy = Busy::OutOfOffice;
    let mut target = base.clone();
    target.master_mut().unwrap().busy = Busy::Opaque;
    target.master_mut().unwrap().subject = "new".into();
    let merged = merge(Some(&base), Both::new(&base, &target), &judge(None, Side::Source));
    assert_eq!(merged.event.master().unwrap().busy, Busy::OutOfOffice);
    target.master_mut().unwrap().busy = Busy::Free;
    let merged = merge(Some(&base), Both::new(&base, &target), &judge(None, Side::Source));
    assert_eq!(merged.event.master().unwrap().busy, Busy::Free);
}

#[test]
fn html_stays_where_only_another_field_was_edited() {
    let mut base = weekly();
    base.master_mut().unwrap().body = Body { text: "Hello".into(), html: "<b>Hello</b>".into() };
    let mut target = base.clone();
    target.master_mut().unwrap().body = Body { text: "Hello\n".into(), html: String::new() };
    target.master_mut().unwrap().location = "room 1".into();
    let merged = merge(Some(&base), Both::new(&base, &target), &judge(None, Side::Source));
    assert_eq!(merged.event.master().unwrap().body.html, "<b>Hello</b>");
    target.master_mut().unwrap().body.text = "Bye".into();
    let merged = merge(Some(&base), Both::new(&base, &target), &judge(None, Side::Source));
    assert_eq!(merged.event.master().unwrap().body, Body { text: "Bye".into(), html: String::new() });
}

#[test]
fn answers_of_attendees_are_merged_one_by_one() {
    let mut base = weekly();
    base.master_mut().unwrap().organizer = Some(Person::new("boss@x.example", "Boss"));
    base.master_mut().unwrap().attendees = vec![
        Attendee::new("boss@x.example", "Boss"),
        Attendee::new("A@x.example", "A"),
        Attendee::new("b@x.example", "B"),
    ];
    let (mut source, mut target) = (base.clone(), base.clone());
    // Exchange does not list the organizer among the attendees, and writes addresses in its own case.
    source.master_mut().unwrap().attendees = vec![
        Attendee { answer: Answer::Accepted, ..Attendee::new("A@x.example", "A") },
        Attendee::new("b@x.example", "B"),
    ];
    target.master_mut().unwrap().attendees[2].answer = Answer::Declined;
    target.master_mut().unwrap().attendees.push(Attendee::new("c@x.example", "C"));
    let merged = merge(Some(&base), Both::new(&source, &target), &judge(None, Side::Source));
    let answers: Vec<_> =
        merged.event.master().unwrap().attendees.iter().map(|it| (it.person.name.as_str(), it.answer)).collect();
    assert_eq!(
        answers,
        [("Boss", Answer::NeedsAction), ("A", Answer::Accepted), ("B", Answer::Declined), ("C", Answer::NeedsAction)]
    );
    assert_eq!(merged.lost, []);
}

#[test]
fn without_clear_clocks_the_source_counts_as_later() {
    let stamp = |second| {
        let mut event = weekly();
        event.master_mut().unwrap().stamps.modified = Some(jiff::Timestamp::from_second(second).unwrap());
        event
    };
    let base = stamp(1000);
    assert_eq!(Judge::of(Both::new(&base, &stamp(1050)), None).later, Side::Source);
    assert_eq!(Judge::of(Both::new(&base, &stamp(1100)), None).later, Side::Target);
}

/// An invitation of the boss to A, whose calendar it is, and to B.
fn invitation(own: Answer, other: Answer) -> Event {
    let mut event = weekly();
    event.master_mut().unwrap().organizer = Some(Person::new("boss@x.example", "Boss"));
    event.master_mut().unwrap().attendees = vec![
        Attendee { answer: own, ..Attendee::new("A@x.example", "A") },
        Attendee { answer: other, ..Attendee::new("b@x.example", "B") },
    ];
    event
}

#[test]
fn the_owners_own_answer_is_no_business_of_the_organizers() {
    use Answer::{Accepted, Declined, NeedsAction, Tentative};
    let owner = ["a@X.example".to_owned()];
    let merged = |base: Option<Answer>, source: Answer, target: Answer, later: Side| {
        let base = base.map(|own| invitation(own, NeedsAction));
        let both = (invitation(source, NeedsAction), invitation(target, NeedsAction));
        // The organizer works on the side that does not answer later.
        let judge = Judge { owner: &owner, ..judge(Some(later.other()), later) };
        let merged = merge(base.as_ref(), Both::new(&both.0, &both.1), &judge);
        (merged.event.master().unwrap().attendees[0].answer, merged.lost.first().map(|loss| loss.side))
    };
    for later in Side::ALL {
        // One side answered.
        assert_eq!(merged(Some(NeedsAction), NeedsAction, Accepted, later), (Accepted, None));
        assert_eq!(merged(Some(NeedsAction), Declined, NeedsAction, later), (Declined, None));
        // The meeting was moved, and Exchange asks once more.
        assert_eq!(merged(Some(Accepted), NeedsAction, Accepted, later), (NeedsAction, None));
        // Asked once more on one side, answered anew on the other.
        assert_eq!(merged(Some(Accepted), NeedsAction, Tentative, later), (Tentative, None));
        assert_eq!(merged(Some(Accepted), Tentative, NeedsAction, later), (Tentative, None));
        // Nothing was agreed on yet.
        assert_eq!(merged(None, NeedsAction, Accepted, later), (Accepted, None));
        assert_eq!(merged(None, Accepted, NeedsAction, later), (Accepted, None));
    }
    // Two answers: the later one counts, wherever the organizer is.
    let two = |later| merged(Some(NeedsAction), Declined, Accepted, later);
    assert_eq!(two(Side::Source), (Declined, Some(Side::Target)));
    assert_eq!(two(Side::Target), (Accepted, Some(Side::Source)));
}

#[test]
fn the_answers_of_others_are_the_organizers() {
    let owner = ["a@x.example".to_owned()];
    let base = invitation(Answer::Accepted, Answer::NeedsAction);
    let (source, target) =
        (invitation(Answer::Accepted, Answer::Declined), invitation(Answer::Accepted, Answer::Tentative));
    for (organizer, answer) in [(Side::Source, Answer::Declined), (Side::Target, Answer::Tentative)] {
        let judge = Judge { owner: &owner, ..judge(Some(organizer), organizer.other()) };
        let merged = merge(Some(&base), Both::new(&source, &target), &judge);
        assert_eq!(merged.event.master().unwrap().attendees[1].answer, answer);
    }
}

fn attachment(name: &str, bytes: &[u8]) -> Attachment {
    let content = Content::Inline(bytes.into());
    Attachment { name: name.into(), media_type: "text/plain".into(), content, params: Vec::new() }
}

fn names(details: &Details) -> Vec<&str> {
    details.attachments.iter().map(|it| it.name.as_str()).collect()
}

#[test]
fn a_body_that_could_not_be_read_was_not_deleted() {
    let mut base = weekly();
    base.master_mut().unwrap().body = Body { text: "Agenda".into(), html: "<b>Agenda</b>".into() };
    let mut source = base.clone();
    let master = source.master_mut().unwrap();
    master.body = Body::default();
    master.subject = "new".into();
    master.extras.push(Line::new(BODY_LEFT_OUT, "TRUE"));
    let merged = |base: Option<&Event>, target: &Event| {
        let merged = merge(base, Both::new(&source, target), &judge(None, Side::Source));
        let master = merged.event.master().unwrap().clone();
        assert_eq!(master.subject, "new");
        master.body.text
    };
    assert_eq!(merged(Some(&base), &base), "Agenda");
    let mut edited = base.clone();
    edited.master_mut().unwrap().body = Body { text: "Other agenda".into(), html: String::new() };
    assert_eq!(merged(Some(&base), &edited), "Other agenda");
    assert_eq!(merged(None, &edited), "Other agenda");
    // What the target takes away is taken away, though it repeats the line.
    let mut emptied = base.clone();
    emptied.master_mut().unwrap().body = Body::default();
    emptied.master_mut().unwrap().extras.push(Line::new(BODY_LEFT_OUT, "TRUE"));
    assert_eq!(merged(Some(&base), &emptied), "");
    // One that could be read and is empty was emptied.
    source.master_mut().unwrap().extras.clear();
    let merged = merge(Some(&base), Both::new(&source, &base), &judge(None, Side::Source));
    assert_eq!(merged.event.master().unwrap().body, Body::default());
}

#[test]
fn an_exception_without_its_body_keeps_it() {
    let mut base = weekly();
    let original = base.master().unwrap().start.local();
    let mut details = base.master().unwrap().clone();
    details.subject = "once".into();
    details.body.text = "Notes".into();
    base.exceptions.insert(original, details);
    let mut source = base.clone();
    let seen = source.exceptions.get_mut(&original).unwrap();
    seen.body = Body::default();
    seen.location = "room 9".into();
    seen.extras.push(Line::new(BODY_LEFT_OUT, "TRUE"));
    let merged = merge(Some(&base), Both::new(&source, &base), &judge(None, Side::Source));
    let merged = &merged.event.exceptions[&original];
    assert_eq!((merged.body.text.as_str(), merged.location.as_str()), ("Notes", "room 9"));
}

#[test]
fn attachments_that_could_not_be_read_were_not_deleted_and_others_were() {
    let mut base = weekly();
    base.master_mut().unwrap().attachments =
        vec![attachment("a, b.txt", b"a"), attachment("c.txt", b"c"), attachment("d.txt", b"d")];
    let seen = |marks: &[&str]| {
        let mut source = base.clone();
        let master = source.master_mut().unwrap();
        master.attachments.retain(|it| it.name == "d.txt");
        master.extras.extend(marks.iter().map(|mark| Line::new(ATTACHMENT_LEFT_OUT, (*mark).to_owned())));
        source
    };
    let merged = |source: &Event, target: &Event| {
        merge(Some(&base), Both::new(source, target), &judge(None, Side::Source)).event.master().unwrap().clone()
    };
    assert_eq!(names(&merged(&seen(&["a\\, b.txt"]), &base)), ["a, b.txt", "d.txt"]);
    assert_eq!(names(&merged(&seen(&[""]), &base)), ["a, b.txt", "c.txt", "d.txt"]);
    assert_eq!(names(&merged(&seen(&[]), &base)), ["d.txt"]);
    // Whoever removes one on the target removes it.
    let mut target = base.clone();
    target.master_mut().unwrap().attachments.remove(0);
    assert_eq!(names(&merged(&seen(&["a\\, b.txt"]), &target)), ["d.txt"]);
}
