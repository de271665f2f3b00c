//! What SOGo 5.8 does differently, as it was seen there.

use crate::peer::*;
use crate::{LIST, STATE, TEXT, calendar, facts, form, token};
use parom_caldav::{ORGANIZER_LACKS_IT, Product, WOULD_ANSWER};
use parom_domain::agenda::{Agenda, EventSeen, Version, Written};
use parom_domain::{Code, Error, Result, Retry, Scope};

const CLASSES: &str = "1, 2, calendar-access, calendar-schedule, calendar-auto-schedule";

/// What one act comes to at a SOGo that says this after the way to it is known.
async fn with_switches<T>(
    switches: &[(&str, bool)],
    script: Vec<Exchange>,
    act: impl AsyncFnOnce(parom_caldav::CalDavAgenda) -> T,
) -> T {
    let mut whole = way("Apache", CLASSES);
    whole.extend(script);
    let peer = Peer::start(whole).await;
    let agenda = peer.agenda_with(|settings| {
        settings.overrides.product = Some(Product::Sogo);
        settings.overrides.switches = switches.iter().map(|(name, on)| ((*name).to_owned(), *on)).collect();
    });
    let result = act(agenda).await;
    peer.finished();
    result
}

async fn update(switches: &[(&str, bool)], script: Vec<Exchange>, to: &str) -> Result<Written> {
    with_switches(switches, script, async |agenda| agenda.update(&calendar(), &seen(), &form(TEXT), &form(to)).await)
        .await
}

async fn remove(switches: &[(&str, bool)], script: Vec<Exchange>) -> Result<()> {
    with_switches(switches, script, async |agenda| agenda.remove(&calendar(), &seen()).await).await
}

/// Anna was invited from outside, and this is her copy.
fn invited(answer: &str, title: &str) -> String {
    let people = format!(
        "ORGANIZER;SCHEDULE-AGENT=CLIENT:mailto:ext@outside.example\r\n\
         ATTENDEE;PARTSTAT={answer};SCHEDULE-AGENT=CLIENT:mailto:anna@corp.example\r\nSUMMARY:{title}"
    );
    TEXT.replace("SUMMARY:a", &people)
}

const READ: &str = "PROPFIND /anna/c/1.ics | depth: 0 | creationdate | calendar-data";

/// What is read of an event that was made on that day of November.
fn stored(etag: &str, day: u8, text: &str) -> Exchange {
    multi(READ, &found("/anna/c/1.ics", &format!("{}<c:calendar-data>{text}</c:calendar-data>", dated(etag, day))))
}

fn dated(etag: &str, day: u8) -> String {
    format!("<d:getetag>\"{etag}\"</d:getetag><d:creationdate>Sat, {day} Nov 2026 10:37:49 +0300</d:creationdate>")
}

fn version(etag: &str, day: u8) -> Version {
    Version(format!("\"{etag}\"@Sat, {day} Nov 2026 10:37:49 +0300").into())
}

fn seen() -> EventSeen {
    EventSeen { version: version("v1", 28), ..crate::seen() }
}

fn there(text: &str) -> Exchange {
    stored("v1", 28, text)
}

fn put() -> Exchange {
    on("PUT /anna/c/1.ics | if-match: \"v1\" | schedule-reply: F", "204 No Content", "ETag: \"v2\"", "")
}

fn delete() -> Exchange {
    on("DELETE /anna/c/1.ics | schedule-reply: F", "204 No Content", "", "")
}

#[tokio::test]
async fn an_answer_that_would_be_mailed_is_not_written() {
    let told = |error: Error| {
        assert_eq!((error.code(), error.scope(), error.retry()), (Code::EventUnfit, Scope::Item, Retry::WhenFixed));
        assert_eq!((error.arg("detail"), error.arg("to")), (Some(WOULD_ANSWER), Some("ext@outside.example")));
    };
    let (open, accepted) = (invited("NEEDS-ACTION", "a"), invited("ACCEPTED", "a"));
    told(update(&[], vec![there(&open)], &accepted).await.err().unwrap());
    told(remove(&[], vec![there(&open)]).await.err().unwrap());
    told(remove(&[], vec![there(&accepted)]).await.err().unwrap());
    // What is told already is silent, and so is all else.
    let changed = invited("ACCEPTED", "b");
    update(&[], vec![there(&accepted), facts(), put(), stored("v2", 28, &changed)], &changed).await.unwrap();
    remove(&[], vec![there(&invited("DECLINED", "a")), delete()]).await.unwrap();
}

#[tokio::test]
async fn where_an_admin_has_switched_mails_off_answers_are_carried() {
    let off = [("mails_answers", false)];
    let (open, accepted) = (invited("NEEDS-ACTION", "a"), invited("ACCEPTED", "a"));
    update(&off, vec![there(&open), facts(), put(), stored("v2", 28, &accepted)], &accepted).await.unwrap();
    remove(&off, vec![there(&accepted), delete()]).await.unwrap();
}

/// Its CTag is the time in seconds.
#[tokio::test]
async fn a_ctag_of_the_same_second_hides_no_change() {
    let state = found("/anna/c/", &format!("{CALENDAR}<d:sync-token>17</d:sync-token><cs:getctag>17</cs:getctag>"));
    let list = format!("{}{}", found("/anna/c/", CALENDAR), found("/anna/c/1.ics", &dated("v1", 28)));
    for since in [token("ctag:17"), token("sync:17")] {
        let look = with_switches(&[], vec![multi(STATE, &state), multi(LIST, &list)], async |agenda| {
            agenda.observe(&calendar(), since.as_ref()).await.unwrap()
        });
        let look = look.await;
        assert_eq!((look.complete, look.token, look.present.len()), (true, None, 1));
    }
}

/// It counts changes of what has a name, and begins anew when that was deleted.
#[tokio::test]
async fn an_event_made_anew_under_its_old_etag_is_another_version() {
    let state = || multi(STATE, &found("/anna/c/", CALENDAR));
    let list = |day| {
        let list = format!("{}{}", found("/anna/c/", CALENDAR), found("/anna/c/1.ics", &dated("gcs0", day)));
        multi("PROPFIND /anna/c/ | depth: 1 | creationdate", &list)
    };
    let script = vec![state(), list(27), state(), list(28), stored("gcs0", 28, TEXT)];
    let (first, second, read) = with_switches(&[], script, async |agenda| {
        let first = agenda.observe(&calendar(), None).await.unwrap().present;
        let second = agenda.observe(&calendar(), None).await.unwrap().present;
        let read = agenda.read(&calendar(), &[second[0].handle.clone()]).await.unwrap();
        (first, second, read)
    })
    .await;
    assert_eq!((&first[0].version, &second[0].version), (&version("gcs0", 27), &version("gcs0", 28)));
    assert_eq!(read[0].version, second[0].version);
    // What was made anew is neither written over nor removed.
    let old = EventSeen { version: version("gcs0", 27), ..seen() };
    let anew = || vec![stored("gcs0", 28, TEXT)];
    let other = form(&TEXT.replace("SUMMARY:a", "SUMMARY:b"));
    let (written, removed) = with_switches(&[], anew().into_iter().chain(anew()).collect(), async |agenda| {
        let written = agenda.update(&calendar(), &old, &form(TEXT), &other).await.map(|_| ());
        (written, agenda.remove(&calendar(), &old).await)
    })
    .await;
    assert_eq!([written, removed].map(|it| it.err().unwrap().code()), [Code::EventChanged; 2]);
}

const MAKE: &str = "PUT /anna/c/1.ics | if-none-match: * | if-match: \"nothing\"";

/// `If-None-Match: *` does not keep it from writing over an event, which would be an answer where that is an invitation.
#[tokio::test]
async fn an_event_that_is_there_is_not_made_over() {
    let script = vec![facts(), on(MAKE, "412 Precondition Failed", "", ""), stored("v1", 28, TEXT)];
    let made = async |agenda: parom_caldav::CalDavAgenda| agenda.create(&calendar(), &form(TEXT)).await;
    assert_eq!(with_switches(&[], script, made).await.err().unwrap().code(), Code::EventExists);
    let script = vec![facts(), on(MAKE, "201 Created", "ETag: \"v1\"", ""), stored("v1", 28, TEXT)];
    assert_eq!(with_switches(&[], script, made).await.unwrap().version, Some(version("v1", 28)));
}

/// It refuses the copy of an invited person where the organizer has an account there, and not the meeting.
#[tokio::test]
async fn a_condition_that_fails_where_nothing_is_there_is_a_refusal_which_may_pass() {
    let refused = || on(MAKE, "412 Precondition Failed", "", "");
    let nothing = || on(READ, "404 Not Found", "", "");
    let search = || [1, 2].map(|_| multi("REPORT /anna/c/ | calendar-query", "")).into_iter().chain([nothing()]);
    for (text, code, detail, to) in [
        (invited("ACCEPTED", "a"), Code::EventUnfit, Some(ORGANIZER_LACKS_IT), Some("ext@outside.example")),
        (TEXT.to_owned(), Code::EventRefused, None, None),
    ] {
        let script = [facts(), refused(), nothing(), refused(), nothing()].into_iter().chain(search()).collect();
        let made = with_switches(&[], script, async |agenda| agenda.create(&calendar(), &form(&text)).await);
        let error = made.await.err().unwrap();
        assert_eq!((error.code(), error.scope(), error.retry()), (code, Scope::Item, Retry::Soon));
        assert_eq!((error.arg("detail"), error.arg("to")), (detail, to));
    }
    // What only went in between is made.
    let again = on(MAKE, "201 Created", "ETag: \"v1\"", "");
    let script = vec![facts(), refused(), nothing(), again, stored("v1", 28, TEXT)];
    with_switches(&[], script, async |agenda| agenda.create(&calendar(), &form(TEXT)).await).await.unwrap();
}

/// An organizer's change makes it ask everybody anew, without a word.
#[tokio::test]
async fn answers_that_a_change_has_reset_are_told_once_more() {
    let meeting = |answer: &str, title: &str| {
        let people = format!(
            "ORGANIZER;SCHEDULE-AGENT=CLIENT:mailto:anna@corp.example\r\n\
             ATTENDEE;PARTSTAT={answer};SCHEDULE-AGENT=CLIENT:mailto:boris@corp.example\r\nSUMMARY:{title}"
        );
        TEXT.replace("SUMMARY:a", &people)
    };
    let reset = meeting("NEEDS-ACTION", "b").replace("SUMMARY", "SEQUENCE:4\r\nSUMMARY");
    let (before, after) = (meeting("ACCEPTED", "a"), meeting("ACCEPTED", "b"));
    let again = on("PUT /anna/c/1.ics | if-match: \"v2\" | PARTSTAT=ACCEPTED | SEQUENCE:4", "204 No Content", "", "");
    let script = vec![there(&before), facts(), put(), stored("v2", 28, &reset), again, stored("v3", 28, &after)];
    assert_eq!(update(&[], script, &after).await.unwrap().version, Some(version("v3", 28)));
    // Whatever else it makes of an event is its doing, and nobody is asked in vain.
    let script = vec![there(&before), facts(), put(), stored("v2", 28, &after.replace("SUMMARY:b", "SUMMARY:c"))];
    assert_eq!(update(&[], script, &after).await.unwrap().version, None);
}

/// Its calendar home tells no addresses; whose it is does.
#[tokio::test]
async fn who_is_invited_is_known_where_the_way_begins_at_the_home() {
    let principal =
        "<c:calendar-user-address-set><d:href>mailto:Anna@corp.example</d:href></c:calendar-user-address-set>";
    let script = vec![
        multi("PROPFIND /anna/ | owner", &found("/anna/", "<d:owner><d:href>/principals/anna</d:href></d:owner>")),
        on("OPTIONS /anna/", "200 OK", &format!("DAV: {CLASSES}"), ""),
        multi("PROPFIND /principals/anna | depth: 0", &found("/principals/anna", principal)),
        // Others' invitations are not hers to answer.
        there(&invited("ACCEPTED", "a").replace("anna@", "boris@")),
        delete(),
    ];
    let peer = Peer::start(script).await;
    let agenda = peer.agenda_with(|settings| {
        settings.overrides.product = Some(Product::Sogo);
        settings.start_is_theirs = true;
    });
    agenda.remove(&calendar(), &seen()).await.unwrap();
    peer.finished();
}
