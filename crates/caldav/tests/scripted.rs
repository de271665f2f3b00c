//! The agenda against servers that misbehave, word for word as written down here.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod peer;
#[path = "scripted/sogo.rs"]
mod sogo;
#[path = "scripted/told.rs"]
mod told;

use parom_caldav::Product;
use parom_calendar::{EventHash, Scheduling, from_ical, to_ical};
use parom_domain::agenda::{Agenda, AgendaLook, CalendarId, EventSeen, Form, Handle, Token, Version};
use parom_domain::{Code, Result, Retry, Scope};
use peer::*;
use std::time::Duration;

fn calendar() -> CalendarId {
    CalendarId("/anna/c/".into())
}

fn token(text: &str) -> Option<Token> {
    Some(Token(text.into()))
}

const TEXT: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n\
                    DTSTART:20260302T100000Z\r\nDTEND:20260302T113000Z\r\nSUMMARY:a\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

/// The form of a stored text.
fn form(text: &str) -> Form {
    let event = from_ical(text.as_bytes(), None).unwrap();
    let hash = EventHash::of(&event).to_bytes();
    Form { uid: event.uid.clone(), hash, text: to_ical(&event, Scheduling::Server).into() }
}

fn other(text: &str) -> Form {
    form(&text.replace("SUMMARY:a", "SUMMARY:b"))
}

fn seen() -> EventSeen {
    EventSeen { handle: Handle("/anna/c/1.ics".into()), version: Version("\"v1\"".into()) }
}

fn etag(value: &str) -> String {
    format!("<d:getetag>{value}</d:getetag>")
}

fn event(name: &str, version: &str) -> String {
    found(&format!("/anna/c/{name}"), &etag(&format!("\"{version}\"")))
}

fn names(look: &AgendaLook) -> Vec<&str> {
    look.present.iter().map(|it| it.handle.0.rsplit('/').next().unwrap()).collect()
}

/// What one look says at a server whose script begins after the way to the calendar and its state.
async fn look(state: &str, script: Vec<Exchange>) -> Result<AgendaLook> {
    let mut whole = begun(state);
    whole.extend(script);
    let peer = Peer::start(whole).await;
    let result = peer.agenda().observe(&calendar(), None).await;
    peer.finished();
    result
}

/// What a look since a token says.
async fn delta(script: Vec<Exchange>) -> Result<AgendaLook> {
    let mut whole = way("test", "1, calendar-access");
    whole.extend(script);
    let peer = Peer::start(whole).await;
    let result = peer.agenda().observe(&calendar(), token("sync:t1").as_ref()).await;
    peer.finished();
    result
}

const LIST: &str = "PROPFIND /anna/c/ | depth: 1 | getetag";
const STATE: &str = "PROPFIND /anna/c/ | depth: 0 | getctag";
const SYNC: &str = "REPORT /anna/c/ | sync-collection | <d:sync-token>t1</d:sync-token>";

#[tokio::test]
async fn an_empty_list_is_believed_only_where_the_calendar_itself_is_in_it() {
    let itself = found("/anna/c/", CALENDAR);
    let empty = look("", vec![multi(LIST, &itself)]).await.unwrap();
    assert!(empty.complete && empty.present.is_empty() && empty.token.is_none());

    let hidden = found("/anna/c/", CALENDAR).replace("/anna/c/", "/elsewhere/");
    for answer in [
        on(LIST, "200 OK", "", ""),
        on(LIST, "200 OK", "Content-Type: application/xml", "<d:multistatus xmlns:d=\"DAV:\"/>"),
        multi(LIST, ""),
        multi(LIST, &hidden),
        on(LIST, "207 Multi-Status", "", "<html>we are back soon<br></html>"),
        on(LIST, "207 Multi-Status", "", ""),
        on(LIST, "207 Multi-Status", "", "<d:multistatus xmlns:d=\"DAV:\"><d:response><d:href>/anna/c/</d:href>"),
    ] {
        let error = look("", vec![answer]).await.err().unwrap();
        assert_eq!((error.code(), error.scope(), error.retry()), (Code::AnswerUnexpected, Scope::Folder, Retry::Soon));
        assert_eq!((error.arg("host"), error.arg("what")), (Some("127.0.0.1"), Some("c")));
    }
}

#[tokio::test]
async fn a_list_that_is_not_complete_is_an_error() {
    let itself = found("/anna/c/", CALENDAR);
    let trouble = "<d:response><d:href>/anna/c/2.ics</d:href><d:propstat><d:prop><d:getetag/></d:prop>\
                   <d:status>HTTP/1.1 503 Busy</d:status></d:propstat></d:response>";
    for member in [trouble.to_owned(), status("/anna/c/2.ics", "500 Oops"), status("/anna/c/", "507 Too many")] {
        let error =
            look("", vec![multi(LIST, &format!("{itself}{}{member}", event("1.ics", "a")))]).await.err().unwrap();
        assert_eq!(error.code(), Code::AnswerUnexpected);
    }
    // One that went while the list was made is no trouble.
    let list = format!("{itself}{}{}", event("1.ics", "a"), status("/anna/c/2.ics", "404 Not Found"));
    assert_eq!(names(&look("", vec![multi(LIST, &list)]).await.unwrap()), ["1.ics"]);
}

#[tokio::test]
async fn hrefs_have_one_spelling_and_lead_nowhere_else() {
    let list = [
        found("http://127.0.0.1/anna/c/", CALENDAR),
        found("http://127.0.0.1/anna/c/%d0%b0@b.ics", &etag("\"1\"")),
        found("/anna/c/x y.ics", &etag("W/\"2\"")),
        found("/anna/d/other.ics", &etag("\"3\"")),
        found("/anna/c/deeper/one.ics", &etag("\"4\"")),
        found("/anna/c/folder/", COLLECTION),
    ];
    let look = look("", vec![multi(LIST, &list.concat())]).await.unwrap();
    assert_eq!(names(&look), ["%D0%B0%40b.ics", "x%20y.ics"]);
    assert_eq!(look.present[1].version, Version("\"2\"".into()));
}

#[tokio::test]
async fn a_truncated_delta_is_asked_for_until_its_end() {
    let more = status("/anna/c/", "507 Insufficient Storage");
    let first = format!("{}{}{more}<d:sync-token>t2</d:sync-token>", event("1.ics", "a"), event("2.ics", "a"));
    let second =
        format!("{}{}<d:sync-token>t3</d:sync-token>", event("1.ics", "b"), status("/anna/c/2.ics", "404 Not Found"));
    let look = delta(vec![multi(SYNC, &first), multi("REPORT /anna/c/ | <d:sync-token>t2</d:sync-token>", &second)])
        .await
        .unwrap();
    assert!(!look.complete);
    assert_eq!((names(&look), &*look.present[0].version.0), (vec!["1.ics"], "\"b\""));
    assert_eq!(look.gone, [Handle("/anna/c/2.ics".into())]);
    assert_eq!(look.token, token("sync:t3"));
}

#[tokio::test]
async fn a_delta_that_cannot_be_told_becomes_a_complete_look() {
    let state = || multi(STATE, &found("/anna/c/", &format!("{CALENDAR}<d:sync-token>t9</d:sync-token>")));
    let list = || multi(LIST, &format!("{}{}", found("/anna/c/", CALENDAR), event("1.ics", "a")));
    let more = status("/anna/c/", "507 Insufficient Storage");
    for answer in [
        on(SYNC, "403 Forbidden", "", &error("d:valid-sync-token")),
        on(SYNC, "409 Conflict", "", &error("d:valid-sync-token")),
        on(SYNC, "400 Bad Request", "", "what?"),
        on(SYNC, "410 Gone", "", ""),
        on(SYNC, "507 Insufficient Storage", "", &error("d:number-of-matches-within-limits")),
        // No token to go on from, one that stays where it is, and one member in trouble.
        multi(SYNC, &event("1.ics", "a")),
        multi(SYNC, &format!("{more}<d:sync-token>t1</d:sync-token>")),
        multi(SYNC, &format!("{}<d:sync-token>t2</d:sync-token>", status("/anna/c/1.ics", "500 Oops"))),
        multi(SYNC, &format!("{}<d:sync-token>t2</d:sync-token>", status("/anna/c/1.ics", "403 Forbidden"))),
    ] {
        let look = delta(vec![answer, state(), list()]).await.unwrap();
        assert!(look.complete);
        assert_eq!((names(&look), &look.token), (vec!["1.ics"], &token("sync:t9")));
    }
    // Who has no such report is not asked for it again, and not asked for its token either.
    let look = delta(vec![on(SYNC, "415 Unsupported Media Type", "", ""), state(), list()]).await.unwrap();
    assert_eq!((look.complete, look.token), (true, None));
    // A server that is busy says nothing about its tokens.
    let busy = delta(vec![on(SYNC, "503 Busy", "Retry-After: 7", "")]).await.err().unwrap();
    assert_eq!((busy.code(), busy.retry()), (Code::Throttled, Retry::After(Duration::from_secs(7))));
}

#[tokio::test]
async fn servers_whose_tokens_lie_are_not_asked_for_changes() {
    let list = format!("{}{}", found("/anna/c/", CALENDAR), event("1.ics", "a"));
    let state = format!("{CALENDAR}<d:sync-token>t9</d:sync-token><cs:getctag>c9</cs:getctag>");
    let mut script = way("test", "1");
    script.extend([multi(STATE, &found("/anna/c/", &state)), multi(LIST, &list)]);
    let peer = Peer::start(script).await;
    let agenda = peer.agenda_with(|settings| settings.overrides.product = Some(Product::Davical));
    let look = agenda.observe(&calendar(), token("sync:t1").as_ref()).await.unwrap();
    assert_eq!((look.complete, look.token), (true, token("ctag:c9")));
    peer.finished();
}

#[tokio::test]
async fn an_event_without_an_etag_is_known_by_what_it_says() {
    let itself = found("/anna/c/", CALENDAR);
    let list = multi(
        LIST,
        &format!("{itself}{}", found("/anna/c/1.ics", "<d:getcontenttype>text/calendar</d:getcontenttype>")),
    );
    let script = vec![list, on("GET /anna/c/1.ics", "200 OK", "", TEXT)];
    let first = look("", script).await.unwrap();
    let version = first.present[0].version.clone();
    assert!(version.0.starts_with('#'));

    // It is changed and removed only if it still says the same.
    let changed = TEXT.replace("SUMMARY:a", "SUMMARY:z");
    for (there, expected) in [(TEXT, None), (changed.as_str(), Some(Code::EventChanged))] {
        let mut script = way("test", "1");
        script.push(on("GET /anna/c/1.ics", "200 OK", "", there));
        if expected.is_none() {
            script.push(on("DELETE /anna/c/1.ics | if-match: * | schedule-reply: F", "204 No Content", "", ""));
        }
        let peer = Peer::start(script).await;
        let seen = EventSeen { version: version.clone(), ..seen() };
        let result = peer.agenda().remove(&calendar(), &seen).await;
        assert_eq!(result.err().map(|error| error.code()), expected);
        peer.finished();
    }
}

/// The result of one write at a server whose script begins where the way to the calendar is known.
async fn write(server: &str, dav: &str, script: Vec<Exchange>, what: Write) -> Result<Option<Version>> {
    let mut whole = way(server, dav);
    whole.extend(script);
    let peer = Peer::start(whole).await;
    let agenda = peer.agenda();
    let result = match &what {
        Write::Create(form) => agenda.create(&calendar(), form).await.map(|it| it.version),
        Write::Update(form) => agenda.update(&calendar(), &seen(), &crate::form(TEXT), form).await.map(|it| it.version),
        Write::Remove => agenda.remove(&calendar(), &seen()).await.map(|()| None),
    };
    peer.finished();
    result
}

enum Write {
    Create(Form),
    Update(Form),
    Remove,
}

fn facts() -> Exchange {
    multi("PROPFIND /anna/c/ | depth: 0 | displayname", &found("/anna/c/", CALENDAR))
}

const PUT_NEW: &str = "PUT /anna/c/1.ics | if-none-match: * | schedule-reply: F | UID:1";

fn told(result: Result<Option<Version>>) -> (Code, Scope) {
    let error = result.err().unwrap();
    assert_eq!((error.arg("host"), error.arg("what").is_some()), (Some("127.0.0.1"), true), "{error:?}");
    (error.code(), error.scope())
}

#[tokio::test]
async fn a_lost_etag_is_fetched_and_believed_only_for_what_was_sent() {
    let other = TEXT.replace("SUMMARY:a", "SUMMARY:somebody was quicker");
    let rewritten = TEXT.replace("DTSTAMP:20260101T000000Z", "DTSTAMP:20260909T000000Z\r\nSEQUENCE:1");
    for (headers, there, expected) in [
        ("ETag: \"v1\"", None, Some("\"v1\"")),
        ("", Some(TEXT), Some("\"v2\"")),
        ("ETag: W/\"v1\"", Some(rewritten.as_str()), Some("\"v2\"")),
        ("", Some(other.as_str()), None),
        ("ETag: W/\"v1\"", Some("not a calendar"), None),
    ] {
        let mut script = vec![facts(), on(PUT_NEW, "201 Created", headers, "")];
        script.extend(there.map(|text| on("GET /anna/c/1.ics", "200 OK", "ETag: \"v2\"", text)));
        let version = write("test", "1", script, Write::Create(form(TEXT))).await.unwrap();
        assert_eq!(version.as_ref().map(|it| &*it.0), expected, "{headers} {there:?}");
    }
}

#[tokio::test]
async fn what_a_server_refuses_is_told_for_what_it_is() {
    let refused = |status: &str, condition: &str| {
        let body = if condition.is_empty() { String::new() } else { error(condition) };
        vec![facts(), on(PUT_NEW, status, "", &body)]
    };
    let taken =
        || vec![facts(), on(PUT_NEW, "412 Precondition Failed", "", ""), on("GET /anna/c/1.ics", "200 OK", "", TEXT)];
    let create = || Write::Create(form(TEXT));
    for (script, code, scope) in [
        (taken(), Code::EventExists, Scope::Item),
        (refused("409 Conflict", "c:no-uid-conflict"), Code::EventExists, Scope::Item),
        (refused("403 Forbidden", "c:valid-calendar-data"), Code::EventRefused, Scope::Item),
        (refused("413 Too Large", ""), Code::EventTooLarge, Scope::Item),
        (refused("507 Insufficient Storage", ""), Code::QuotaFull, Scope::Account),
        (refused("403 Forbidden", "d:need-privileges"), Code::CalendarRefused, Scope::Folder),
        (refused("401 Unauthorized", ""), Code::SignInRefused, Scope::Credential),
        (refused("503 Busy", ""), Code::ServerUnavailable, Scope::Server),
        (refused("500 Oops", ""), Code::EventTroubled, Scope::Item),
        (refused("403 Forbidden", ""), Code::EventForbidden, Scope::Item),
        (refused("405 Method Not Allowed", ""), Code::EventForbidden, Scope::Item),
        (refused("423 Locked", "d:lock-token-submitted"), Code::EventLocked, Scope::Item),
    ] {
        assert_eq!(told(write("test", "1", script, create()).await), (code, scope));
    }
}

#[tokio::test]
async fn a_deletion_that_is_refused_says_whether_it_may_pass() {
    for (status, code, retry) in [
        ("403 Forbidden", Code::EventForbidden, Retry::WhenFixed),
        ("405 Method Not Allowed", Code::EventForbidden, Retry::WhenFixed),
        ("423 Locked", Code::EventLocked, Retry::Soon),
        ("500 Oops", Code::EventTroubled, Retry::Soon),
    ] {
        let script = vec![on("DELETE /anna/c/1.ics | schedule-reply: F", status, "", "")];
        let error = write("test", "1", script, Write::Remove).await.err().unwrap();
        assert_eq!((error.code(), error.scope(), error.retry()), (code, Scope::Item, retry), "{status}");
    }
}

/// An event that was put where a server sends us would be in no calendar that it has told of.
#[tokio::test]
async fn a_write_that_is_sent_elsewhere_is_not_followed_and_says_where() {
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let to = "Location: http://127.0.0.1:$/other/1.ics?ticket=secret";
        for (what, script) in [
            (Write::Create(form(TEXT)), vec![facts(), on(PUT_NEW, status, to, "")]),
            (Write::Remove, vec![on("DELETE /anna/c/1.ics", status, to, "")]),
        ] {
            let error = write("test", "1", script, what).await.err().unwrap();
            let told = (error.code(), error.scope(), error.retry());
            assert_eq!(told, (Code::CalendarRedirected, Scope::Folder, Retry::Soon));
            let answer = error.arg("answer").unwrap();
            assert!(answer.starts_with(status) && answer.ends_with("/other/1.ics"), "{answer}");
        }
    }
}

#[tokio::test]
async fn whose_calendars_may_not_be_seen_is_told_as_a_matter_of_this_server() {
    let peer = Peer::start(vec![on("PROPFIND /anna/", "403 Forbidden", "", "")]).await;
    let error = peer.agenda().calendars().await.err().unwrap();
    assert_eq!((error.code(), error.arg("service")), (Code::ImpersonationDenied, Some("caldav")));
    assert_eq!((error.arg("login"), error.arg("answer")), (Some("anna"), Some("403 Forbidden")));
    peer.finished();
}

#[tokio::test]
async fn a_calendars_limit_is_kept_to() {
    let limited = multi(
        "PROPFIND /anna/c/ | depth: 0 | max-resource-size",
        &found("/anna/c/", &format!("{CALENDAR}<c:max-resource-size>100</c:max-resource-size>")),
    );
    let mut script = way("test", "1");
    script.push(limited);
    let peer = Peer::start(script).await;
    let error = peer.agenda().create(&calendar(), &form(TEXT)).await.err().unwrap();
    assert_eq!((error.code(), error.arg("limit")), (Code::EventTooLarge, Some("100")));
    peer.finished();
}

#[tokio::test]
async fn a_change_in_between_is_not_overwritten() {
    let there = |etag: &str| on("GET /anna/c/1.ics", "200 OK", &format!("ETag: {etag}"), TEXT);
    let put = |status: &str| on("PUT /anna/c/1.ics | if-match: \"v1\" | schedule-reply: F", status, "ETag: \"v2\"", "");
    let update = || Write::Update(other(TEXT));
    // Before our look, between look and write, and gone.
    for script in [
        vec![there("\"v5\"")],
        vec![there("\"v1\""), facts(), put("412 Precondition Failed"), there("\"v5\"")],
        vec![
            there("\"v1\""),
            facts(),
            put("412 Precondition Failed"),
            on("GET /anna/c/1.ics", "404 Not Found", "", ""),
        ],
        vec![on("GET /anna/c/1.ics", "404 Not Found", "", "")],
    ] {
        assert_eq!(told(write("test", "1", script, update()).await), (Code::EventChanged, Scope::Item));
    }
    let version = write("test", "1", vec![there("\"v1\""), facts(), put("204 No Content")], update()).await.unwrap();
    assert_eq!(version, Some(Version("\"v2\"".into())));
    // A weak one that the server does not match with itself.
    let any = on("PUT /anna/c/1.ics | if-match: *", "204 No Content", "ETag: \"v2\"", "");
    let script = vec![there("W/\"v1\""), facts(), put("412 Precondition Failed"), there("W/\"v1\""), any];
    assert_eq!(write("test", "1", script, update()).await.unwrap(), Some(Version("\"v2\"".into())));
}

#[tokio::test]
async fn what_is_gone_is_removed() {
    const DELETE: &str = "DELETE /anna/c/1.ics | if-match: \"v1\" | schedule-reply: F";
    let there = |etag: &str| on("GET /anna/c/1.ics", "200 OK", &format!("ETag: {etag}"), TEXT);
    for script in [
        vec![on(DELETE, "204 No Content", "", "")],
        vec![on(DELETE, "404 Not Found", "", "")],
        vec![on(DELETE, "410 Gone", "", "")],
        vec![on(DELETE, "412 Precondition Failed", "", ""), on("GET /anna/c/1.ics", "404 Not Found", "", "")],
    ] {
        assert!(write("test", "1", script, Write::Remove).await.is_ok());
    }
    let script = vec![on(DELETE, "412 Precondition Failed", "", ""), there("\"v5\"")];
    assert_eq!(told(write("test", "1", script, Write::Remove).await), (Code::EventChanged, Scope::Item));
    let script = vec![on(DELETE, "403 Forbidden", "", "")];
    assert_eq!(told(write("test", "1", script, Write::Remove).await), (Code::EventForbidden, Scope::Item));
}

const MEETING: &str = "ORGANIZER:mailto:anna@corp.example\r\nATTENDEE:mailto:boris@corp.example\r\nSUMMARY:a";

#[tokio::test]
async fn nobody_is_written_to_because_of_us() {
    let theirs = TEXT.replace("SUMMARY:a", MEETING);
    let ours = theirs
        .replace("ORGANIZER:", "ORGANIZER;SCHEDULE-AGENT=CLIENT:")
        .replace("ATTENDEE:", "ATTENDEE;SCHEDULE-AGENT=CLIENT:");
    let there = |text: &str| on("GET /anna/c/1.ics", "200 OK", "ETag: \"v1\"", text);
    let classes = "1, calendar-access, calendar-auto-schedule";
    let put = || {
        on(
            "PUT /anna/c/1.ics | ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;SCHEDULE-AGENT=CLIENT:",
            "204 No Content",
            "ETag: \"v2\"",
            "",
        )
    };
    let delete = || on("DELETE /anna/c/1.ics | schedule-reply: F", "204 No Content", "", "");
    let update = || Write::Update(other(&theirs));

    // Organized on this server: both would cancel it for its participants.
    assert_eq!(
        told(write("Cyrus-HTTP/3.6", classes, vec![there(&theirs)], update()).await),
        (Code::EventUnfit, Scope::Item)
    );
    assert_eq!(
        told(write("Cyrus-HTTP/3.6", classes, vec![there(&theirs)], Write::Remove).await),
        (Code::EventUnfit, Scope::Item)
    );
    // Ours, and that of a server which is silent when asked to be.
    write("Cyrus-HTTP/3.6", classes, vec![there(&ours), facts(), put()], update()).await.unwrap();
    write("Cyrus-HTTP/3.6", classes, vec![there(&ours), delete()], Write::Remove).await.unwrap();
    write("sabre", classes, vec![there(&theirs), facts(), put()], update()).await.unwrap();
    write("sabre", classes, vec![there(&theirs), delete()], Write::Remove).await.unwrap();
    // Zimbra writes whatever it is told.
    assert_eq!(
        told(write("Zimbra", classes, vec![], Write::Create(form(&theirs))).await),
        (Code::EventUnfit, Scope::Item)
    );
    assert_eq!(
        told(write("Zimbra", classes, vec![there(&ours)], Write::Remove).await),
        (Code::EventUnfit, Scope::Item)
    );
}

#[tokio::test]
async fn an_invitation_is_exchanged_so_that_no_answer_leaves() {
    let invited = TEXT.replace("SUMMARY:a", &MEETING.replace("anna", "clara").replace("boris", "anna"));
    let there = || on("GET /anna/c/1.ics", "200 OK", "ETag: \"v1\"", &invited);
    let delete = |status: &str| on("DELETE /anna/c/1.ics | if-match: \"v1\" | schedule-reply: F", status, "", "");
    let put = |what: &'static str, status: &str| on(what, status, "ETag: \"v2\"", "");
    const NEW: &str = "PUT /anna/c/1.ics | if-none-match: * | ORGANIZER;SCHEDULE-AGENT=CLIENT: | SUMMARY:b";
    const OLD: &str = "PUT /anna/c/1.ics | if-none-match: * | ORGANIZER;SCHEDULE-AGENT=CLIENT: | SUMMARY:a";
    let classes = "1, calendar-access, calendar-auto-schedule";
    let update = || Write::Update(other(&invited));
    let script = vec![there(), facts(), delete("204 No Content"), put(NEW, "201 Created")];
    let version = write("Cyrus-HTTP/3.6", classes, script, update()).await.unwrap();
    assert_eq!(version, Some(Version("\"v2\"".into())));
    // Somebody was quicker; and what is refused leaves what was there.
    let script = vec![there(), facts(), delete("412 Precondition Failed")];
    assert_eq!(told(write("Cyrus-HTTP/3.6", classes, script, update()).await), (Code::EventChanged, Scope::Item));
    let script = vec![there(), facts(), delete("204 No Content"), put(NEW, "403 Forbidden"), put(OLD, "201 Created")];
    assert_eq!(told(write("Cyrus-HTTP/3.6", classes, script, update()).await), (Code::EventForbidden, Scope::Item));
}

#[tokio::test]
async fn the_uid_stays_as_it_is_written_there() {
    let native = "040000008200E00074C5B7101A82E0080000000010D0A3B1C2D4DA010000000000000000100000000123456789ABCDEF0123456789ABCDEF";
    let lower: &'static str = native.to_lowercase().leak();
    let stored = TEXT.replace("UID:1", &format!("UID:{lower}")).replace("SUMMARY:a", "SEQUENCE:7\r\nSUMMARY:a");
    let form = other(&TEXT.replace("UID:1", &format!("UID:{native}")));
    // The line is longer than one of iCalendar may be.
    let put = on(
        "PUT /anna/c/1.ics | UID:040000008200e00074c5b7101a82e008 | SEQUENCE:7",
        "204 No Content",
        "ETag: \"v2\"",
        "",
    );
    let script = vec![on("GET /anna/c/1.ics", "200 OK", "ETag: \"v1\"", &stored), facts(), put];
    write("test", "1", script, Write::Update(form)).await.unwrap();
}

#[tokio::test]
async fn one_event_that_breaks_a_batch_does_not_take_the_others_with_it() {
    let one = |name: &str, text: &str| {
        found(&format!("/anna/c/{name}"), &format!("{}<c:calendar-data>{text}</c:calendar-data>", etag("\"v1\"")))
    };
    let broken = "<d:multistatus xmlns:d=\"DAV:\"><d:response>";
    const MANY: &str = "REPORT /anna/c/ | calendar-multiget";
    let second = TEXT.replace("UID:1", "UID:2");
    let mut script = way("test", "1");
    // Four are asked for; of the halves the second one breaks again, and is then read one by one.
    script.extend([
        on(MANY, "207 Multi-Status", "", broken),
        multi(MANY, &format!("{}{}", one("1.ics", TEXT), one("2.ics", &second))),
        on(MANY, "207 Multi-Status", "", broken),
        on("GET /anna/c/3.ics", "500 Oops", "", ""),
        on("GET /anna/c/4.ics", "200 OK", "ETag: \"v1\"", &TEXT.replace("UID:1", "UID:4")),
    ]);
    let peer = Peer::start(script).await;
    let handles: Vec<Handle> = (1..=4).map(|number| Handle(format!("/anna/c/{number}.ics").into())).collect();
    let read = peer.agenda().read(&calendar(), &handles).await.unwrap();
    peer.finished();
    assert_eq!(read.iter().map(|it| it.handle.clone()).collect::<Vec<_>>(), handles);
    let error = read[2].form.as_ref().err().unwrap();
    assert_eq!((error.code(), error.retry(), error.arg("uid")), (Code::EventUnreadable, Retry::Soon, Some("3.ics")));
    assert_eq!(read.iter().filter(|it| it.form.is_ok()).count(), 3);
}

#[tokio::test]
async fn a_server_without_multiget_is_asked_one_by_one() {
    let mut script = way("test", "1");
    script.extend([
        on("REPORT /anna/c/ | calendar-multiget", "501 Not Implemented", "", ""),
        on("GET /anna/c/1.ics", "200 OK", "ETag: \"v1\"", TEXT),
        on("GET /anna/c/2.ics", "404 Not Found", "", ""),
        on("GET /anna/c/1.ics", "200 OK", "ETag: \"v1\"", TEXT),
        on("GET /anna/c/2.ics", "403 Forbidden", "", ""),
    ]);
    let peer = Peer::start(script).await;
    let agenda = peer.agenda();
    let handles = [Handle("/anna/c/1.ics".into()), Handle("/anna/c/2.ics".into())];
    assert_eq!(agenda.read(&calendar(), &handles).await.unwrap().len(), 1);
    let again = agenda.read(&calendar(), &handles).await.unwrap();
    assert_eq!(again[1].form.as_ref().err().unwrap().code(), Code::EventUnreadable);
    peer.finished();
}

#[tokio::test]
async fn a_uid_is_verified_by_what_is_found() {
    const QUERY: &str = "REPORT /anna/c/ | calendar-query | i;ascii-casemap";
    let mut script = way("test", "1");
    let longer = TEXT.replace("UID:1", "UID:11");
    script.extend([
        multi(QUERY, &format!("{}{}", event("a.ics", "v"), event("b.ics", "v"))),
        multi(QUERY, ""),
        multi(
            "REPORT /anna/c/ | calendar-multiget | /anna/c/1.ics",
            &[
                status("/anna/c/1.ics", "404 Not Found"),
                found("/anna/c/a.ics", &format!("<c:calendar-data>{longer}</c:calendar-data>")),
                found("/anna/c/b.ics", &format!("<c:calendar-data>{TEXT}</c:calendar-data>")),
            ]
            .concat(),
        ),
    ]);
    let peer = Peer::start(script).await;
    let events = peer.agenda().find(&calendar(), "1").await.unwrap();
    assert_eq!(events.iter().map(|it| &*it.handle.0).collect::<Vec<_>>(), ["/anna/c/b.ics"]);
    peer.finished();
}

#[tokio::test]
async fn a_home_is_found_by_the_well_known_place_or_the_root() {
    let principal = "<d:current-user-principal><d:href>/p/anna/</d:href></d:current-user-principal>";
    let home = "<c:calendar-home-set><d:href>/anna/</d:href></c:calendar-home-set>";
    let rest = || {
        vec![
            multi("PROPFIND /p/anna/ | calendar-home-set", &found("/p/anna/", home)),
            on("OPTIONS /anna/", "200 OK", "", ""),
            multi(
                "PROPFIND /anna/ | depth: 1",
                &format!("{}{}", found("/anna/", COLLECTION), found("/anna/c/", CALENDAR)),
            ),
        ]
    };
    let moved = || on("PROPFIND /.well-known/caldav", "301 Moved Permanently", "Location: http://127.0.0.1:$/dav/", "");
    for begin in [
        vec![moved(), multi("PROPFIND /dav/ | depth: 0 | <d:propfind", &found("/dav/", principal))],
        vec![on("PROPFIND /.well-known/caldav", "404 Not Found", "", ""), multi("PROPFIND /", &found("/", principal))],
        vec![
            on("PROPFIND /.well-known/caldav", "405 Method Not Allowed", "", ""),
            multi("PROPFIND /", &found("/", principal)),
        ],
    ] {
        let peer = Peer::start(begin.into_iter().chain(rest()).collect()).await;
        let agenda = peer.agenda_with(|settings| settings.start = String::new());
        let (calendars, _) = agenda.calendars().await.unwrap();
        assert_eq!((calendars.len(), calendars[0].id.clone(), calendars[0].is_default), (1, calendar(), true));
        peer.finished();
    }
}

#[tokio::test]
async fn a_way_that_leads_astray_is_not_gone() {
    let away = |place: &str| on("PROPFIND /.well-known/caldav", "302 Found", &format!("Location: {place}"), "");
    let nobody = "<d:current-user-principal><d:unauthenticated/></d:current-user-principal>";
    for (script, expected) in [
        (vec![away("http://stranger.invalid/dav/")], Code::HostNotAllowed),
        (vec![on("PROPFIND /.well-known/caldav", "401 Unauthorized", "", "")], Code::SignInRefused),
        (vec![multi("PROPFIND /.well-known/caldav", &found("/.well-known/caldav", nobody))], Code::SignInRefused),
        (
            vec![
                on("PROPFIND /.well-known/caldav", "404 Not Found", "", ""),
                multi("PROPFIND /", &found("/", COLLECTION)),
            ],
            Code::MailboxMissing,
        ),
        (
            vec![
                on("PROPFIND /.well-known/caldav", "200 OK", "", "<html>Sign in</html>"),
                on("PROPFIND /", "200 OK", "", "<html>Sign in</html>"),
            ],
            Code::AnswerUnexpected,
        ),
    ] {
        let peer = Peer::start(script).await;
        let error = peer.agenda_with(|settings| settings.start = String::new()).calendars().await.err().unwrap();
        assert_eq!(error.code(), expected, "{error:?}");
        peer.finished();
    }
}

#[tokio::test]
async fn only_ones_own_calendars_of_events_are_listed() {
    let kind = |more: &str| format!("<d:resourcetype><d:collection/><c:calendar/>{more}</d:resourcetype>");
    let components = |name: &str| {
        format!(
            "{CALENDAR}<c:supported-calendar-component-set><c:comp name=\"{name}\"/></c:supported-calendar-component-set>"
        )
    };
    let read_only = format!(
        "{CALENDAR}<d:current-user-privilege-set><d:privilege><d:read/></d:privilege></d:current-user-privilege-set>"
    );
    let list = [
        found("/anna/", COLLECTION),
        found("/anna/a/", &format!("{}<d:displayname>Отпуска</d:displayname>", components("VEVENT"))),
        found("/anna/tasks/", &components("VJOURNAL")),
        found("/anna/shared/", &kind("<cs:shared/>")),
        found("/anna/fetched/", &kind("<cs:subscribed/>")),
        found("/anna/birthdays/", &read_only),
        found("/anna/inbox/", COLLECTION),
        found("/anna/personal", CALENDAR),
    ];
    let mut script = way("test", "1");
    script.push(multi("PROPFIND /anna/ | depth: 1", &list.concat()));
    let peer = Peer::start(script).await;
    let (calendars, abilities) = peer.agenda().calendars().await.unwrap();
    let told: Vec<(&str, &str, bool, bool)> =
        calendars.iter().map(|it| (&*it.id.0, it.name.as_str(), it.is_default, it.writable)).collect();
    assert_eq!(
        told,
        [
            ("/anna/a/", "Отпуска", false, true),
            ("/anna/birthdays/", "birthdays", false, false),
            ("/anna/personal/", "personal", true, true),
        ]
    );
    assert!(!abilities.tells_changes && abilities.max_bytes.is_none());
    peer.finished();

    let trouble = format!("{}{}", found("/anna/", COLLECTION), status("/anna/a/", "503 Busy"));
    for list in [multi("PROPFIND /anna/ | depth: 1", &trouble), multi("PROPFIND /anna/ | depth: 1", "")] {
        let mut script = way("test", "1");
        script.push(list);
        let peer = Peer::start(script).await;
        assert_eq!(peer.agenda().calendars().await.err().unwrap().code(), Code::AnswerUnexpected);
        peer.finished();
    }
}

#[tokio::test]
async fn a_calendar_that_cannot_be_made_is_refused() {
    const MAKE: &str = "MKCALENDAR /anna/parom-6f9fb4e781ce7676/ | <c:comp name=\"VEVENT\"/>";
    let list = || multi("PROPFIND /anna/ | depth: 1", &found("/anna/", COLLECTION));
    for (product, script) in [
        (None, vec![on(MAKE, "403 Forbidden", "", "")]),
        // 405 says either that it is there or that nothing can be made.
        (None, vec![on(MAKE, "405 Method Not Allowed", "", ""), list()]),
        (None, vec![on(MAKE, "201 Created", "", ""), list()]),
        (Some(Product::VkWorkSpace), vec![]),
    ] {
        let mut whole = way("test", "1");
        whole.extend(script);
        let peer = Peer::start(whole).await;
        let agenda = peer.agenda_with(|settings| settings.overrides.product = product);
        let error = agenda.make_calendar("Work").await.err().unwrap();
        peer.finished();
        assert_eq!((error.code(), error.arg("what")), (Code::CalendarRefused, Some("Work")), "{error:?}");
    }
}
