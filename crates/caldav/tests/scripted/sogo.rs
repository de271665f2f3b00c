//! What SOGo 5.8 does differently, as it was seen there.

use crate::peer::*;
use crate::{TEXT, calendar, facts, form, seen};
use parom_caldav::{Product, WOULD_ANSWER};
use parom_domain::agenda::{Agenda, Written};
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

fn there(text: &str) -> Exchange {
    on("GET /anna/c/1.ics", "200 OK", "ETag: \"v1\"", text)
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
    update(&[], vec![there(&accepted), facts(), put()], &invited("ACCEPTED", "b")).await.unwrap();
    remove(&[], vec![there(&invited("DECLINED", "a")), delete()]).await.unwrap();
}

#[tokio::test]
async fn where_an_admin_has_switched_mails_off_answers_are_carried() {
    let off = [("mails_answers", false)];
    let (open, accepted) = (invited("NEEDS-ACTION", "a"), invited("ACCEPTED", "a"));
    update(&off, vec![there(&open), facts(), put()], &accepted).await.unwrap();
    remove(&off, vec![there(&accepted), delete()]).await.unwrap();
}
