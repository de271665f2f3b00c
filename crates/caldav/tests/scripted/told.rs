//! What an error tells of the event, and of the service that refused.

use crate::peer::*;
use crate::{SYNC, TEXT, calendar, etag, seen, token};
use parom_domain::agenda::{Agenda, Handle};
use parom_domain::{Code, Error};

#[tokio::test]
async fn what_a_batch_lacks_is_asked_for_by_itself() {
    let data = |text: &str| format!("{}<c:calendar-data>{text}</c:calendar-data>", etag("\"v1\""));
    let second = TEXT.replace("UID:1", "UID:2");
    let answer = [
        found("http://127.0.0.1:$/anna/c/1.ics", &data(TEXT)),
        status("/anna/c/3.ics", "404 Not Found"),
        found("/anna/c/4.ics", &data(&TEXT.replace("DTEND:20260302", "DTEND:20260301"))),
    ];
    let mut script = way("test", "1");
    script.extend([
        multi("REPORT /anna/c/ | calendar-multiget | <d:href>/anna/c/2.ics</d:href>", &answer.concat()),
        on("GET /anna/c/2.ics", "200 OK", "ETag: \"v1\"", &second),
    ]);
    let peer = Peer::start(script).await;
    let handles: Vec<Handle> = (1..=4).map(|number| Handle(format!("/anna/c/{number}.ics").into())).collect();
    let read = peer.agenda().read(&calendar(), &handles).await.unwrap();
    peer.finished();
    let told: Vec<(&str, std::result::Result<&str, Code>)> = read
        .iter()
        .map(|it| (&*it.handle.0, it.form.as_ref().map(|form| form.uid.as_str()).map_err(Error::code)))
        .collect();
    assert_eq!(
        told,
        [("/anna/c/1.ics", Ok("1")), ("/anna/c/2.ics", Ok("2")), ("/anna/c/4.ics", Err(Code::EventUnfit))]
    );
    // People are told which one it is. No log is.
    let unfit = read[2].form.as_ref().unwrap_err();
    assert_eq!(
        (unfit.arg("title"), unfit.arg("day"), unfit.arg("uid")),
        (Some("a"), Some("2026-03-02"), Some("4.ics"))
    );
    assert!(!format!("{unfit:?} {unfit}").contains("title"), "{unfit:?}");
}

#[tokio::test]
async fn a_password_that_is_refused_in_the_middle_is_one_of_caldav() {
    let mut scripts = [way("test", "1"), way("test", "1")];
    scripts[0].push(on("REPORT /anna/c/ | calendar-multiget", "401 Unauthorized", "", ""));
    scripts[1].push(on(SYNC, "401 Unauthorized", "", ""));
    for (at, script) in scripts.into_iter().enumerate() {
        let peer = Peer::start(script).await;
        let agenda = peer.agenda();
        let error = if at == 0 {
            agenda.read(&calendar(), &[seen().handle, Handle("/anna/c/2.ics".into())]).await.err().unwrap()
        } else {
            agenda.observe(&calendar(), token("sync:t1").as_ref()).await.err().unwrap()
        };
        peer.finished();
        assert_eq!((error.code(), error.arg("service")), (Code::SignInRefused, Some("caldav")), "{error:?}");
    }
}
