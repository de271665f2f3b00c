//! Who is told of how, over a server in memory that answers as the documents say: groups, limits, cookies, and all ways to
//! lose a subscription. Against the simulated Exchange the same runs in the binary's own tests.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use async_trait::async_trait;
use bytes::Bytes;
use parom_domain::Result;
use parom_exchange::hanging::{Hanging, Hung, Pieces};
use parom_exchange::notices::{Ear, Guest, Manner, Notices};
use parom_exchange::xml::{self, Element};
use parom_exchange::{Reply, Transport};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;

/// A server that knows subscriptions, and sends what a test wants into its streams.
#[derive(Default)]
struct Server {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The mailbox of each subscription, and whether it is for streams.
    subscriptions: BTreeMap<String, (String, bool)>,
    /// By number: the subscriptions of each stream that was opened, and the way into it.
    streams: Vec<(BTreeSet<String>, mpsc::UnboundedSender<Bytes>)>,
    /// Streams that may be open at a time.
    limit: Option<usize>,
    /// Mailboxes in which a pull subscription has something to tell.
    stirred: BTreeSet<String>,
    /// What is refused: operation, parts of the request, code.
    refuses: Vec<(&'static str, [&'static str; 2], &'static str)>,
    calls: BTreeMap<String, usize>,
    /// Anchors and cookies of GetStreamingEvents, and whom it impersonated.
    openings: Vec<(String, Option<String>, String)>,
    made: usize,
}

struct Whole(mpsc::UnboundedReceiver<Bytes>);

#[async_trait]
impl Pieces for Whole {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        Ok(self.0.recv().await)
    }
}

fn soap(operation: &str, inner: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><s:Envelope xmlns:s='s' xmlns:t='t' xmlns:m='m'><s:Header><h:ServerVersionInfo xmlns:h='h' \
         MajorVersion='15' MinorVersion='1' MajorBuildNumber='2507'/></s:Header><s:Body><m:{operation}Response>\
         <m:ResponseMessages><m:X {inner}</m:X></m:ResponseMessages></m:{operation}Response></s:Body></s:Envelope>"
    )
}

fn well(operation: &str, inner: &str) -> String {
    soap(operation, &format!("ResponseClass='Success'><m:ResponseCode>NoError</m:ResponseCode>{inner}"))
}

fn refused(operation: &str, code: &str, inner: &str) -> String {
    soap(operation, &format!("ResponseClass='Error'><m:ResponseCode>{code}</m:ResponseCode>{inner}"))
}

const ALIVE: &str = "<m:ConnectionStatus>OK</m:ConnectionStatus>";
const CLOSED: &str = "<m:ConnectionStatus>Closed</m:ConnectionStatus>";

#[async_trait]
impl Transport for Server {
    async fn call(&self, _: &[(&'static str, String)], _: Bytes, _: bool) -> Result<Reply> {
        unreachable!("nothing here is asked that way")
    }

    fn host(&self) -> &str {
        "mail.corp.example"
    }
}

#[async_trait]
impl Hanging for Server {
    async fn hang(&self, headers: &[(&'static str, String)], body: Bytes, _: Duration) -> Result<Hung> {
        let header = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        assert_eq!(header("X-PreferServerAffinity").as_deref(), Some("true"));
        let root = xml::read(&body).unwrap();
        let request = root.child("Body").unwrap().children[0].clone();
        let sid = root.child("Header").unwrap().descendant("PrimarySmtpAddress").map(|it| it.text.clone());
        let (anchor, sid) = (header("X-AnchorMailbox").unwrap(), sid.unwrap_or_default());
        let (sender, pieces) = mpsc::unbounded_channel();
        let mut state = self.state.lock().unwrap();
        *state.calls.entry(request.name.clone()).or_default() += 1;
        let text = String::from_utf8_lossy(&body).into_owned();
        let code = state
            .refuses
            .iter()
            .find(|(name, parts, _)| *name == request.name && parts.iter().all(|part| text.contains(part)));
        let answer = match (code.map(|it| it.2), request.name.as_str()) {
            (Some(code), name) => refused(name, code, ""),
            (None, "Subscribe") => state.subscribe(&request, &sid),
            (None, "GetEvents") => state.events(&request),
            (None, "GetStreamingEvents") => {
                state.openings.push((anchor.clone(), header("Cookie"), sid));
                state.stream(&request, &sender)
            }
            (None, name) => well(name, ""),
        };
        sender.send(answer.into()).unwrap();
        let cookies = vec![("X-BackEndOverrideCookie".to_owned(), format!("server-of-{anchor}"))];
        Ok(Hung { status: 200, retry_after: None, cookies, pieces: Box::new(Whole(pieces)) })
    }
}

impl State {
    fn subscribe(&mut self, request: &Element, sid: &str) -> String {
        let is_stream = request.child("StreamingSubscriptionRequest").is_some();
        self.made += 1;
        let id = format!("{sid}/{}", self.made);
        self.subscriptions.insert(id.clone(), (sid.to_owned(), is_stream));
        let mark = if is_stream { "" } else { "<m:Watermark>0</m:Watermark>" };
        well("Subscribe", &format!("<m:SubscriptionId>{id}</m:SubscriptionId>{mark}"))
    }

    fn events(&mut self, request: &Element) -> String {
        let id = request.text_of("SubscriptionId").unwrap_or_default();
        let Some((mailbox, false)) = self.subscriptions.get(id) else {
            return refused("GetEvents", "ErrorSubscriptionNotFound", "");
        };
        let event = if self.stirred.remove(mailbox) { "ModifiedEvent" } else { "StatusEvent" };
        well(
            "GetEvents",
            &format!(
                "<m:Notification><t:MoreEvents>false</t:MoreEvents><t:{event}><t:Watermark>1</t:Watermark></t:{event}></m:Notification>"
            ),
        )
    }

    fn open(&mut self) -> usize {
        self.streams.retain(|(_, sender)| !sender.is_closed());
        self.streams.len()
    }

    fn stream(&mut self, request: &Element, sender: &mpsc::UnboundedSender<Bytes>) -> String {
        let ids: BTreeSet<String> =
            request.child("SubscriptionIds").unwrap().children.iter().map(|id| id.text.clone()).collect();
        assert!(ids.len() <= 200);
        if self.limit.is_some_and(|limit| self.open() >= limit) {
            return refused("GetStreamingEvents", "ErrorExceededConnectionCount", "");
        }
        let is_lost = |id: &&String| !self.subscriptions.contains_key(*id);
        let lost: String =
            ids.iter().filter(is_lost).map(|id| format!("<t:SubscriptionId>{id}</t:SubscriptionId>")).collect();
        if !lost.is_empty() {
            let inner = format!("<m:ErrorSubscriptionIds>{lost}</m:ErrorSubscriptionIds>{CLOSED}");
            return refused("GetStreamingEvents", "ErrorSubscriptionNotFound", &inner);
        }
        let minutes: u64 = request.text_of("ConnectionTimeout").unwrap().parse().unwrap();
        let end = sender.downgrade();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(60 * minutes)).await;
            let _ = end.upgrade().map(|end| end.send(well("GetStreamingEvents", CLOSED).into()));
        });
        self.streams.push((ids, sender.clone()));
        well("GetStreamingEvents", ALIVE)
    }
}

impl Server {
    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap())
    }

    /// Something happens in a mailbox.
    fn stir(&self, mailbox: &str) {
        self.with(|state| {
            let about = |id: &&String| id.starts_with(&format!("{mailbox}/"));
            for (ids, sender) in &state.streams {
                for id in ids.iter().filter(about) {
                    let told = format!(
                        "<m:Notifications><m:Notification><t:SubscriptionId>{id}</t:SubscriptionId><t:ModifiedEvent/>\
                         </m:Notification></m:Notifications>"
                    );
                    let _ = sender.send(well("GetStreamingEvents", &told).into());
                }
            }
            state.stirred.insert(mailbox.to_owned());
        });
    }

    /// Ends all streams, with a last word or without.
    fn end(&self, properly: bool) {
        self.with(|state| {
            for (_, sender) in state.streams.drain(..) {
                if properly {
                    let _ = sender.send(well("GetStreamingEvents", CLOSED).into());
                }
            }
        });
    }

    /// Mailboxes on streams that are open.
    fn streamed(&self) -> Vec<usize> {
        self.with(|state| {
            state.open();
            let mut sizes: Vec<usize> = state.streams.iter().map(|(ids, _)| ids.len()).collect();
            sizes.sort_unstable();
            sizes
        })
    }
}

/// What was heard.
#[derive(Default)]
struct Heard {
    looks: Mutex<BTreeMap<String, usize>>,
    attended: Mutex<BTreeSet<String>>,
}

impl Ear for Heard {
    fn look(&self, name: &Arc<str>) {
        *self.looks.lock().unwrap().entry(name.to_string()).or_default() += 1;
    }

    fn attended(&self, name: &Arc<str>, is_attended: bool) {
        let mut all = self.attended.lock().unwrap();
        if is_attended {
            all.insert(name.to_string());
        } else {
            all.remove(&**name);
        }
    }
}

impl Heard {
    fn looks(&self, name: &str) -> usize {
        self.looks.lock().unwrap().get(name).copied().unwrap_or_default()
    }

    fn attended(&self) -> usize {
        self.attended.lock().unwrap().len()
    }
}

struct Stage {
    server: Arc<Server>,
    heard: Arc<Heard>,
    notices: Notices<Server>,
}

fn name(number: usize) -> String {
    format!("u{number:03}@corp.example")
}

impl Stage {
    fn new(manner: Manner) -> Stage {
        let (server, heard) = (Arc::<Server>::default(), Arc::<Heard>::default());
        let notices = Notices::new(heard.clone(), manner);
        Stage { server, heard, notices }
    }

    fn guest(&self, number: usize) -> Guest<Server> {
        Guest {
            name: name(number).into(),
            mailbox: name(number),
            folders: vec!["calendar".to_owned()],
            login: "svc".into(),
            affinity: "".into(),
            impersonates: true,
            transport: self.server.clone(),
        }
    }

    fn attend(&self, numbers: std::ops::Range<usize>) {
        numbers.for_each(|number| self.notices.attend(self.guest(number)));
    }
}

/// Lets everything happen that can; time passes only when nothing else does.
async fn for_a_while(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn mailboxes_share_streams_of_200_and_the_rest_is_asked_in_turn() {
    let stage = Stage::new(Manner { streams: Some(2), ..Manner::default() });
    stage.attend(0..450);
    for_a_while(300).await;
    assert_eq!(stage.server.streamed(), [200, 200]);
    assert_eq!(stage.heard.attended(), 450, "the other fifty are asked");
    assert_eq!(stage.server.with(|state| state.calls["Subscribe"]), 450);
    assert_eq!(stage.heard.looks(&name(0)), 1, "one look when the subscription stands");
    for number in [0, 399, 400, 449] {
        stage.server.stir(&name(number));
        for_a_while(70).await;
        assert_eq!(stage.heard.looks(&name(number)), 2, "{number}");
    }
    let others = (0..450).filter(|number| ![0, 399, 400, 449].contains(number));
    assert!(others.into_iter().all(|number| stage.heard.looks(&name(number)) == 1), "nobody else is looked at");
}

#[tokio::test(start_paused = true)]
async fn all_of_a_group_go_to_the_server_of_its_first() {
    let stage = Stage::new(Manner::default());
    stage.attend(3..6);
    for_a_while(10).await;
    let (anchor, cookie, sid) = stage.server.with(|state| state.openings[0].clone());
    assert_eq!((anchor.as_str(), sid.as_str()), ("u003@corp.example", "u003@corp.example"));
    assert_eq!(cookie.as_deref(), Some("X-BackEndOverrideCookie=server-of-u003@corp.example"));
    // Of another database, and so perhaps of another server.
    stage.notices.attend(Guest { affinity: "DB2".into(), ..stage.guest(1) });
    for_a_while(10).await;
    assert_eq!(stage.server.streamed(), [1, 3]);
    let (anchor, cookie, _) = stage.server.with(|state| state.openings[1].clone());
    assert_eq!((anchor.as_str(), cookie.unwrap().contains("server-of-u001")), ("u001@corp.example", true));
    // Another login never shares.
    stage.notices.attend(Guest { login: "other".into(), impersonates: false, ..stage.guest(2) });
    for_a_while(10).await;
    assert_eq!(stage.server.streamed(), [1, 1, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_in_time_is_opened_again_and_costs_no_look() {
    let stage = Stage::new(Manner::default());
    stage.attend(0..1);
    for_a_while(10).await;
    for _ in 0..5 {
        stage.server.end(true);
        for_a_while(1).await;
        assert_eq!(stage.server.streamed(), [1]);
    }
    assert_eq!((stage.heard.looks(&name(0)), stage.heard.attended()), (1, 1));
    // Who comes meanwhile is taken with the next stream.
    stage.attend(1..3);
    for_a_while(5).await;
    assert_eq!(stage.heard.attended(), 1);
    stage.server.end(true);
    for_a_while(5).await;
    assert_eq!((stage.server.streamed(), stage.heard.attended()), (vec![3], 3));
}

#[tokio::test(start_paused = true)]
async fn what_is_lost_costs_one_look_and_comes_back() {
    let stage = Stage::new(Manner::default());
    stage.attend(0..3);
    for_a_while(10).await;
    // The connection breaks: what was under way is not known, the subscriptions stand.
    stage.server.end(false);
    for_a_while(5).await;
    assert_eq!((0..3).map(|number| stage.heard.looks(&name(number))).collect::<Vec<_>>(), [2, 2, 2]);
    assert_eq!((stage.server.streamed(), stage.server.with(|state| state.made)), (vec![3], 3));
    // One subscription is gone.
    stage.server.with(|state| state.subscriptions.retain(|id, _| !id.starts_with("u001")));
    stage.server.end(true);
    for_a_while(5).await;
    assert_eq!((0..3).map(|number| stage.heard.looks(&name(number))).collect::<Vec<_>>(), [2, 3, 2]);
    assert_eq!((stage.server.streamed(), stage.heard.attended()), (vec![3], 3));
    // All are.
    stage.server.with(|state| state.subscriptions.clear());
    stage.server.end(true);
    for_a_while(5).await;
    assert_eq!((0..3).map(|number| stage.heard.looks(&name(number))).collect::<Vec<_>>(), [3, 4, 3]);
    stage.server.stir(&name(2));
    for_a_while(1).await;
    assert_eq!(stage.heard.looks(&name(2)), 4);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_forgets_again_and_again_is_asked_less_and_less_often() {
    let stage = Stage::new(Manner::default());
    stage.server.with(|state| state.refuses.push(("GetStreamingEvents", ["", ""], "ErrorSubscriptionNotFound")));
    stage.attend(0..1);
    for_a_while(3600).await;
    let asked = stage.server.with(|state| state.calls["GetStreamingEvents"]);
    assert!((8..30).contains(&asked), "{asked}");
    assert_eq!(stage.heard.attended(), 0);
    stage.server.with(|state| state.refuses.clear());
    for_a_while(301).await;
    assert_eq!((stage.server.streamed(), stage.heard.attended()), (vec![1], 1));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_opens_fewer_streams_than_it_should_gets_fewer() {
    let stage = Stage::new(Manner { per_stream: 2, streams: Some(3), ..Manner::default() });
    stage.server.with(|state| state.limit = Some(2));
    stage.attend(0..6);
    for_a_while(120).await;
    assert_eq!(stage.server.streamed(), [2, 2]);
    assert_eq!(stage.heard.attended(), 6, "the other two are asked");
    assert!(stage.server.with(|state| state.calls["GetEvents"]) > 0);
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_tells_nothing_is_left_to_the_rota_and_troubles_nobody() {
    let stage = Stage::new(Manner::default());
    let code = "ErrorSubscriptionDelegateAccessNotSupported";
    stage.server.with(|state| state.refuses.push(("Subscribe", ["u001@", ""], code)));
    // Exchange 2010 before SP1 knows no streams.
    let code = "ErrorInvalidSubscriptionRequest";
    stage.server.with(|state| state.refuses.push(("Subscribe", ["u002@", "Streaming"], code)));
    stage.attend(0..4);
    for_a_while(120).await;
    let attended = stage.heard.attended.lock().unwrap().clone();
    assert_eq!(attended, BTreeSet::from([name(0), name(2), name(3)]));
    assert_eq!(stage.server.streamed(), [2]);
    // Nobody insists.
    let asked = stage.server.with(|state| state.calls["Subscribe"]);
    for _ in 0..20 {
        stage.attend(0..4);
        for_a_while(60).await;
    }
    assert_eq!(stage.server.with(|state| state.calls["Subscribe"]), asked);
    stage.server.stir(&name(2));
    for_a_while(61).await;
    assert_eq!(stage.heard.looks(&name(2)), 2);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_is_told_of_no_more() {
    let stage = Stage::new(Manner::default());
    stage.attend(0..2);
    for_a_while(10).await;
    stage.notices.leave(&name(0).into());
    stage.server.end(true);
    for_a_while(5).await;
    assert_eq!(stage.server.streamed(), [1]);
    assert_eq!(stage.server.with(|state| state.calls["Unsubscribe"]), 1);
    // The group had its server by the one who left.
    assert_eq!(stage.server.with(|state| state.openings.last().unwrap().0.clone()), name(1));
}
