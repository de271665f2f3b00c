//! Operations that no pass needs yet, asked of the simulated Exchange by our client: ids of other interfaces, availability,
//! categories; and Autodiscover with its redirects.

use parom_domain::Code;
use parom_exchange::op::{
    Category, ConvertId, FolderRef, GetFolder, GetUserAvailability, GetUserConfiguration, IdFormat,
};
use parom_exchange::{Client, HttpTransport, autodiscover};
use parom_lab::ews::{Config, Elsewhere, Event, Ews, User};
use parom_lab::exchange::Version;
use parom_net::http::{Identity, Target, Url};
use parom_net::{AllowList, Dialer, Secret};
use std::time::Duration;

const ANNA: &str = "anna@corp.example";
const BORIS: &str = "boris@corp.example";

async fn start() -> Ews {
    let mut anna = User::new(ANNA, "Anna");
    anna.categories = vec![("Важно".to_owned(), 0), ("Plain".to_owned(), -1)];
    Ews::start(Config::new(Version::E2016).with(anna).with(User::new(BORIS, "Boris"))).await.unwrap()
}

/// The service account, over HTTP to this server and no other.
fn http(ews: &Ews) -> parom_net::http::Client {
    let identity = Identity::Basic { user: "svc@corp.example".to_owned(), password: Secret::from("svc") };
    let target = Target { host: "127.0.0.1".into(), port: ews.addr().port(), tls: None };
    parom_net::http::Client::new(Dialer::new(AllowList::of(["127.0.0.1"]), Duration::from_secs(10)), target, identity)
}

fn client(ews: &Ews, mailbox: &str) -> Client<HttpTransport> {
    Client::new(HttpTransport::new(http(ews), "/EWS/Exchange.asmx"), mailbox, true)
}

#[tokio::test]
async fn ids_go_to_another_interface_and_back() {
    let ews = start().await;
    let client = client(&ews, ANNA);
    let folders = client.ask(&GetFolder { folders: vec![FolderRef::Known("calendar")] }).await.unwrap();
    let id = folders[0].as_ref().unwrap().id.clone();
    for format in [IdFormat::HexEntry, IdFormat::Entry, IdFormat::Store, IdFormat::Owa] {
        let mailbox = ANNA.to_owned();
        let there = ConvertId { ids: vec![id.clone(), "AAMk".to_owned()], from: IdFormat::Ews, to: format, mailbox };
        let told = client.ask(&there).await.unwrap();
        let there = told[0].as_ref().unwrap();
        assert_eq!(there.mailbox, ANNA);
        assert_eq!(told[1].as_ref().unwrap_err().code, "ErrorInvalidIdMalformed");
        let back = ConvertId { ids: vec![there.id.clone()], from: format, to: IdFormat::Ews, mailbox: ANNA.to_owned() };
        assert_eq!(client.ask(&back).await.unwrap()[0].as_ref().unwrap().id, id, "{format:?}");
    }
}

#[tokio::test]
async fn people_are_seen_to_be_busy() {
    let ews = start().await;
    ews.outlook(BORIS).add(&Event::at("Round", "2026-03-02T12:00:00", "2026-03-02T13:00:00")).unwrap();
    let ask = GetUserAvailability {
        people: vec![BORIS.to_owned(), "nobody@corp.example".to_owned()],
        from: "2026-03-02T08:00:00Z".parse().unwrap(),
        to: "2026-03-02T12:00:00Z".parse().unwrap(),
        piece_minutes: 60,
    };
    for (who, subject) in [(BORIS, Some("Round")), (ANNA, None)] {
        let told = client(&ews, who).ask(&ask).await.unwrap();
        let boris = told[0].as_ref().unwrap();
        assert_eq!(boris.merged, "0200");
        assert_eq!(boris.events[0].start, "2026-03-02T09:00:00Z".parse().unwrap());
        assert_eq!(boris.events[0].subject.as_deref(), subject);
        assert_eq!(told[1].as_ref().unwrap_err().code, "ErrorMailRecipientNotFound");
    }
}

#[tokio::test]
async fn categories_are_told_with_their_colours() {
    let ews = start().await;
    let told = client(&ews, ANNA).ask(&GetUserConfiguration::categories()).await.unwrap().unwrap().categories();
    assert_eq!(told, [("Важно", 0), ("Plain", -1)].map(|(name, color)| Category { name: name.to_owned(), color }));
    let none = client(&ews, BORIS).ask(&GetUserConfiguration::categories()).await.unwrap();
    assert_eq!(none.unwrap_err().code, "ErrorItemNotFound");
}

#[tokio::test]
async fn autodiscover_follows_what_it_may() {
    let ews = start().await;
    let here = [Url::parse(&format!("http://{}/", ews.addr())).unwrap()];
    let found = autodiscover::find(&http(&ews), &here, ANNA).await.unwrap();
    assert_eq!((found.url.to_string(), found.address.as_str()), (ews.url(), ANNA));
    assert!(found.group.is_some(), "SOAP tells the group");
    let post = http(&ews);
    // Another address of the same domain, by either dialect; then a redirect of HTTP, and one that leads astray.
    ews.point("old@corp.example", Elsewhere::Address(ANNA.to_owned()));
    ews.point("web@corp.example", Elsewhere::Http(format!("http://{}/autodiscover/autodiscover.xml", ews.addr())));
    for knows_soap in [true, false] {
        ews.switch(|switches| switches.knows_soap_autodiscover = knows_soap);
        let found = autodiscover::find(&post, &here, "old@corp.example").await.unwrap();
        assert_eq!((found.url.to_string(), found.address.as_str()), (ews.url(), ANNA));
        let lost = autodiscover::find(&post, &here, "web@corp.example").await.unwrap_err();
        assert_eq!((lost.code(), lost.arg("answer")), (Code::AnswerUnexpected, Some("redirects without end")));
        let unknown = autodiscover::find(&post, &here, "nobody@corp.example").await.unwrap_err();
        assert_eq!(unknown.code(), Code::MailboxMissing);
    }
    ews.point("secure@corp.example", Elsewhere::Url("https://127.0.0.1/autodiscover/autodiscover.xml".to_owned()));
    let refused = autodiscover::find(&post, &here, "secure@corp.example").await.unwrap_err();
    assert_eq!(refused.code(), Code::AnswerUnexpected, "the client has no TLS to go there with");
}
