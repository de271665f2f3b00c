//! The ways of the server, one by one, by plain requests.

use crate::said::{ask, event, server, try_ask};
use parom_lab::caldav::{ETags, LetterKind, Reaction, Scheduling, Switches};
use std::time::Duration;

const HERE: &str = "/calendars/anna/calendar/";

async fn put(dav: &parom_lab::caldav::CalDav, name: &str, headers: &str, body: &str) -> crate::said::Answer {
    ask(dav, &format!("PUT {HERE}{name}"), headers, body).await
}

#[tokio::test]
async fn who_does_not_sign_in_sees_nothing_and_nobody_sees_others() {
    let dav = server().await;
    let wrong = try_ask(dav.addr(), "nobody", "PROPFIND /", "", "").await.unwrap();
    assert_eq!(wrong.status, 401);
    assert!(wrong.head.contains("WWW-Authenticate: Basic"));
    let other = try_ask(dav.addr(), "boris", &format!("PROPFIND {HERE}"), "Depth: 0\r\n", "").await.unwrap();
    assert_eq!(other.status, 403);
    let way = ask(&dav, "PROPFIND /.well-known/caldav", "Depth: 0\r\n", "").await;
    assert_eq!(way.status, 301);
    assert!(way.head.contains("Location: /\r\n"));
    assert_eq!(ask(&dav, &format!("PROPFIND {HERE}"), "", "").await.status, 403, "no depth is infinity");
}

#[tokio::test]
async fn a_write_holds_to_its_conditions() {
    let dav = server().await;
    let new = put(&dav, "a.ics", "If-None-Match: *\r\n", &event("a", "")).await;
    assert_eq!(new.status, 201);
    let first = new.etag().unwrap().to_owned();
    assert_eq!(put(&dav, "a.ics", "If-None-Match: *\r\n", &event("a", "")).await.status, 412);
    let second = put(&dav, "a.ics", &format!("If-Match: {first}\r\n"), &event("a", "LOCATION:x\r\n")).await;
    assert_eq!(second.status, 204);
    assert_ne!(second.etag(), Some(first.as_str()));
    assert_eq!(put(&dav, "a.ics", &format!("If-Match: {first}\r\n"), &event("a", "")).await.status, 412);
    let delete = format!("DELETE {HERE}a.ics");
    assert_eq!(ask(&dav, &delete, &format!("If-Match: {first}\r\n"), "").await.status, 412);
    assert_eq!(ask(&dav, &delete, "If-Match: *\r\n", "").await.status, 204);
    assert_eq!(ask(&dav, &delete, "", "").await.status, 404);
    assert_eq!(put(&dav, "a.ics", "If-Match: *\r\n", &event("a", "")).await.status, 412);
}

#[tokio::test]
async fn what_is_no_calendar_object_is_refused() {
    let dav = server().await;
    for (body, condition) in [
        (event("a", "").replace("UID:a\r\n", ""), "valid-calendar-data"),
        (event("a", "").replace("PRODID:x", "METHOD:REQUEST\r\nPRODID:x"), "object-resource"),
        ("hello".to_owned(), "valid-calendar-data"),
    ] {
        let answer = put(&dav, "a.ics", "Content-Type: text/calendar\r\n", &body).await;
        assert_eq!(answer.status, 403);
        assert!(answer.body.contains(condition), "{}", answer.body);
    }
    assert_eq!(put(&dav, "a.ics", "Content-Type: text/html\r\n", &event("a", "")).await.status, 403);
    assert_eq!(ask(&dav, "PUT /calendars/anna/none/a.ics", "", &event("a", "")).await.status, 409);
    dav.switch(|switches| switches.most_bytes = 100);
    assert!(put(&dav, "a.ics", "", &event("a", "")).await.body.contains("max-resource-size"));
    assert!(dav.events("anna").is_empty());
}

#[tokio::test]
async fn an_event_is_moved_and_its_uid_stays_alone() {
    let dav = server().await;
    assert_eq!(ask(&dav, "MKCALENDAR /calendars/anna/second/", "", "").await.status, 201);
    assert!(ask(&dav, "MKCALENDAR /calendars/anna/second/", "", "").await.body.contains("resource-must-be-null"));
    put(&dav, "a.ics", "", &event("a", "")).await;
    put(&dav, "b.ics", "", &event("b", "")).await;
    let to = |path: &str| format!("Destination: http://lab{path}\r\nOverwrite: F\r\n");
    let moving = format!("MOVE {HERE}a.ics");
    assert_eq!(ask(&dav, &moving, &to("/calendars/anna/calendar/b.ics"), "").await.status, 412);
    assert_eq!(ask(&dav, &moving, &to("/calendars/boris/calendar/a.ics"), "").await.status, 403);
    assert_eq!(ask(&dav, &moving, &to("/calendars/anna/second/a.ics"), "").await.status, 201);
    // Here again, which is another calendar and so no conflict, until a UID may be in one only.
    assert_eq!(put(&dav, "a.ics", "", &event("a", "")).await.status, 201);
    assert_eq!(ask(&dav, &format!("DELETE {HERE}a.ics"), "", "").await.status, 204);
    dav.switch(|switches| switches.unique_uids = true);
    assert!(put(&dav, "c.ics", "", &event("a", "")).await.body.contains("no-uid-conflict"));
    assert!(put(&dav, "b.ics", "", &event("c", "")).await.body.contains("no-uid-conflict"));
    let paths: Vec<String> = dav.events("anna").into_keys().collect();
    assert_eq!(paths, ["/calendars/anna/calendar/b.ics", "/calendars/anna/second/a.ics"]);
}

#[tokio::test]
async fn a_server_like_vk_workspace_drops_what_it_does_not_know() {
    let dav = server().await;
    dav.switch(|switches| *switches = Switches::vk_workspace());
    let lines = "X-COLOUR:red\r\nATTENDEE;X-NUM=1;CN=\"B, C\":mailto:boris@corp.example\r\n";
    let answer = put(&dav, "a.ics", "", &event("a", lines)).await;
    assert_eq!((answer.status, answer.etag()), (201, None));
    let got = ask(&dav, &format!("GET {HERE}a.ics"), "", "").await;
    assert!(
        !got.body.contains("X-") && got.body.contains("ATTENDEE;CN=\"B, C\":mailto:boris@corp.example"),
        "{}",
        got.body
    );
    let report = |name: &str| {
        format!(
            "<c:{name} xmlns:c='urn:ietf:params:xml:ns:caldav' xmlns='DAV:'><prop><c:calendar-data/></prop>\
             <href>{HERE}a.ics</href></c:{name}>"
        )
    };
    let shown = ask(&dav, &format!("REPORT {HERE}"), "Depth: 1\r\n", &report("calendar-multiget")).await;
    assert!(shown.status == 207 && shown.body.contains("SUMMARY:a") && !shown.body.contains("ATTENDEE"));
    let sync = "<sync-collection xmlns='DAV:'><sync-token/><sync-level>1</sync-level><prop/></sync-collection>";
    assert_eq!(ask(&dav, &format!("REPORT {HERE}"), "", sync).await.status, 415);
    assert_eq!(ask(&dav, "MKCALENDAR /calendars/anna/x/", "", "").await.status, 405);
}

#[tokio::test]
async fn tags_may_be_weak_or_missing() {
    let dav = server().await;
    dav.switch(|switches| switches.etags = ETags::Weak);
    let etag = put(&dav, "a.ics", "", &event("a", "")).await.etag().unwrap().to_owned();
    assert!(etag.starts_with("W/"));
    // RFC 9110 section 13.1.1: nothing weak matches.
    assert_eq!(put(&dav, "a.ics", &format!("If-Match: {etag}\r\n"), &event("a", "")).await.status, 412);
    dav.switch(|switches| switches.etags = ETags::None);
    assert_eq!(put(&dav, "b.ics", "", &event("b", "")).await.etag(), None);
}

#[tokio::test]
async fn the_server_has_bad_moments() {
    let dav = server().await;
    dav.script("PUT", Reaction::Busy { retry_after_s: 7 });
    dav.script("PUT", Reaction::Status(502));
    let busy = put(&dav, "a.ics", "", &event("a", "")).await;
    assert!(busy.status == 503 && busy.head.contains("Retry-After: 7"));
    assert_eq!(put(&dav, "a.ics", "", &event("a", "")).await.status, 502);
    dav.script("PUT", Reaction::Broken);
    let line = format!("PUT {HERE}a.ics");
    assert!(try_ask(dav.addr(), "anna", &line, "", &event("a", "")).await.is_none());
    assert_eq!(dav.count(), 0);
    dav.script("PUT", Reaction::BrokenAfter);
    assert!(try_ask(dav.addr(), "anna", &line, "", &event("a", "")).await.is_none());
    assert_eq!(dav.count(), 1);
    dav.throttle("anna", Duration::from_secs(30));
    assert_eq!(ask(&dav, &format!("GET {HERE}a.ics"), "", "").await.status, 503);
    dav.throttle("anna", Duration::ZERO);
    assert_eq!(ask(&dav, &format!("GET {HERE}a.ics"), "", "").await.status, 200);
    dav.switch(|switches| switches.latency = Duration::from_millis(30));
    let before = dav.load().busy;
    ask(&dav, "OPTIONS /", "", "").await;
    assert!(dav.load().busy - before >= Duration::from_millis(30));
    dav.restart().await.unwrap();
    assert_eq!(ask(&dav, &format!("GET {HERE}a.ics"), "", "").await.status, 200);
}

/// What each way of scheduling writes for one and the same person's doings.
#[tokio::test]
async fn the_trap_catches_what_a_server_would_have_written() {
    const OURS: &str = "ORGANIZER:mailto:anna@corp.example\r\nATTENDEE:mailto:boris@corp.example\r\n";
    const THEIRS: &str =
        "ORGANIZER:mailto:clara@corp.example\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:anna@corp.example\r\n";
    use LetterKind::{Answer, Cancellation, Request};
    let silent = "Schedule-Reply: F\r\n";
    let by_client = |lines: &str| lines.replace(":mailto", ";SCHEDULE-AGENT=CLIENT:mailto");
    for (way, expected) in [
        (Scheduling::Off, [vec![], vec![], vec![], vec![]]),
        (
            Scheduling::ByAgent,
            [vec![Request, Cancellation, Answer, Answer], vec![Request, Cancellation, Answer], vec![], vec![]],
        ),
        (
            Scheduling::ByHeader,
            [vec![Request, Cancellation, Answer, Answer], vec![], vec![Request, Cancellation, Answer, Answer], vec![]],
        ),
        (
            Scheduling::Always,
            [
                vec![Request, Cancellation, Answer, Answer],
                vec![Request, Cancellation, Answer, Answer],
                vec![Request, Cancellation, Answer, Answer],
                vec![Request, Cancellation, Answer, Answer],
            ],
        ),
    ] {
        let cases = [(false, ""), (false, silent), (true, ""), (true, silent)];
        for ((is_client, headers), expected) in cases.into_iter().zip(expected) {
            let dav = server().await;
            dav.switch(|switches| switches.scheduling = way);
            for lines in [OURS, THEIRS] {
                let lines = if is_client { by_client(lines) } else { lines.to_owned() };
                assert_eq!(put(&dav, "a.ics", headers, &event("a", &lines)).await.status, 201);
                // The same once more tells nobody anything.
                put(&dav, "a.ics", headers, &event("a", &lines)).await;
                ask(&dav, &format!("DELETE {HERE}a.ics"), headers, "").await;
            }
            let kinds: Vec<LetterKind> = dav.letters().iter().map(|letter| letter.kind).collect();
            assert_eq!(kinds, expected, "{way:?} {is_client} {headers}");
        }
    }
}

#[tokio::test]
async fn taking_a_meeting_out_of_the_servers_hands_is_a_letter() {
    let dav = server().await;
    dav.switch(|switches| switches.scheduling = Scheduling::ByAgent);
    let lines = "ORGANIZER:mailto:anna@corp.example\r\nATTENDEE:mailto:boris@corp.example\r\n";
    put(&dav, "a.ics", "", &event("a", lines)).await;
    // It arrived.
    assert_eq!(dav.events("boris").len(), 1);
    let inbox = try_ask(dav.addr(), "boris", "PROPFIND /calendars/boris/inbox/", "Depth: 1\r\n", "").await.unwrap();
    assert_eq!(inbox.body.matches(".ics</").count(), 1);
    let silent = lines.replace(":mailto", ";SCHEDULE-AGENT=CLIENT:mailto");
    put(&dav, "a.ics", "Schedule-Reply: F\r\n", &event("a", &silent)).await;
    let kinds: Vec<LetterKind> = dav.letters().iter().map(|letter| letter.kind).collect();
    assert_eq!(kinds, [LetterKind::Request, LetterKind::Cancellation]);
}
