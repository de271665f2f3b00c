//! The HTTP client against servers that say word for word what a script tells.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use parom_domain::{Code, Result};
use parom_net::http::{Client, Identity, Lanes, Method, Patience, Request, Target};
use parom_net::{AllowList, Dialer};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server that reads one request for each answer, and closes the connection after an answer that says so.
struct Peer {
    port: u16,
    connections: Arc<AtomicUsize>,
    closed: Arc<AtomicUsize>,
    heard: Arc<Mutex<Vec<String>>>,
}

/// An answer, and what then becomes of the connection.
#[derive(Clone, Copy)]
enum Says {
    Keep(&'static str),
    Close(&'static str),
    /// The connection stays open and nothing more comes.
    Hang(&'static str),
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

impl Peer {
    async fn start(script: Vec<Vec<Says>>) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (connections, heard) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let closed = Arc::new(AtomicUsize::new(0));
        let (count, ears, ends) = (connections.clone(), heard.clone(), closed.clone());
        tokio::spawn(async move {
            for answers in script {
                let (mut stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let (ears, ends) = (ears.clone(), ends.clone());
                tokio::spawn(async move {
                    let _end = End(ends);
                    for answer in answers {
                        let mut request = Vec::new();
                        let mut buffer = [0; 4096];
                        while !request.windows(4).any(|it| it == b"\r\n\r\n") {
                            match stream.read(&mut buffer).await {
                                Ok(read) if read > 0 => request.extend_from_slice(&buffer[..read]),
                                _ => return,
                            }
                        }
                        ears.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
                        let (Says::Keep(text) | Says::Close(text) | Says::Hang(text)) = answer;
                        stream.write_all(text.as_bytes()).await.unwrap();
                        match answer {
                            Says::Keep(_) => {}
                            Says::Close(_) => return,
                            Says::Hang(_) => std::future::pending().await,
                        }
                    }
                    // Open, until the client goes.
                    let _ = stream.read(&mut [0; 1]).await;
                });
            }
        });
        Peer { port, connections, closed, heard }
    }

    fn client(&self) -> Client {
        self.client_of(Identity::Basic { user: "anna".into(), password: "sesame".into() })
    }

    fn client_of(&self, identity: Identity) -> Client {
        self.client_on(identity, Lanes::new(4))
    }

    fn client_on(&self, identity: Identity, lanes: Lanes) -> Client {
        let patience = Patience {
            answer: Duration::from_millis(500),
            pause: Duration::from_millis(500),
            most_bytes: 100,
            ..Patience::default()
        };
        let dialer = Dialer::new(AllowList::of(["127.0.0.1"]), Duration::from_secs(10));
        let target = Target { host: "127.0.0.1".into(), port: self.port, tls: None };
        Client::sharing(dialer, target, identity, patience, lanes)
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Counts the end of a connection.
struct End(Arc<AtomicUsize>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn get(path: &str) -> Request {
    Request::new(Method::GET, path)
}

async fn text(client: &Client, request: Request) -> Result<String> {
    let response = client.send(request).await?;
    Ok(format!("{} {}", response.status().as_u16(), String::from_utf8_lossy(&response.body)))
}

fn code(result: Result<String>) -> Code {
    result.err().unwrap().code()
}

#[tokio::test]
async fn a_connection_is_kept_and_says_who_asks() {
    let peer = Peer::start(vec![vec![Says::Keep(OK), Says::Keep(OK)]]).await;
    let client = peer.client();
    for _ in 0..2 {
        assert_eq!(text(&client, get("/x?y")).await.unwrap(), "200 hi");
    }
    assert_eq!(peer.connections(), 1);
    for request in peer.heard() {
        let lower = request.to_lowercase();
        assert!(request.starts_with("GET /x?y HTTP/1.1\r\n"), "{request}");
        assert!(lower.contains(&format!("host: 127.0.0.1:{}\r\n", peer.port)), "{request}");
        assert!(request.contains("Basic YW5uYTpzZXNhbWU="), "{request}");
    }
}

#[tokio::test]
async fn many_clients_open_no_more_connections_than_their_server_may_have() {
    let peer = Peer::start(vec![vec![Says::Keep(OK), Says::Keep(OK)]; 9]).await;
    let lanes = Lanes::new(2);
    let of = |user: &str| {
        let identity = Identity::Basic { user: user.into(), password: "sesame".into() };
        peer.client_on(identity, lanes.clone())
    };
    let (anna, boris, vera) = (of("anna"), of("boris"), of("vera"));
    for client in [&anna, &boris] {
        text(client, get("/")).await.unwrap();
    }
    // Both are kept; who was idle for longer makes room.
    text(&vera, get("/")).await.unwrap();
    let closed = || peer.closed.load(Ordering::SeqCst);
    while closed() < 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    text(&boris, get("/again")).await.unwrap();
    assert_eq!((peer.connections(), closed()), (3, 1), "whose was kept is used again");
    // As many requests as there are connections, whoever asks.
    let (first, _first_body) = anna.stream(get("/")).await.unwrap();
    let held = vera.stream(get("/")).await.unwrap();
    assert_eq!(first.status, 200);
    let waits = tokio::time::timeout(Duration::from_millis(600), text(&boris, get("/"))).await;
    assert!(waits.is_err(), "{waits:?}");
    // Whoever began earlier goes first, although it came later.
    let (late, early) = (text(&boris, get("/late")), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        text(&anna, get("/early")).await
    });
    let release = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(held);
    };
    let (late, early, ()) = tokio::join!(late, early, release);
    assert_eq!((late.unwrap(), early.unwrap()), ("200 hi".into(), "200 hi".into()));
    let heard = peer.heard();
    let at = |path: &str| heard.iter().position(|request| request.starts_with(path)).unwrap();
    assert!(at("GET /early") < at("GET /late"), "{heard:?}");
}

#[tokio::test]
async fn who_begins_is_served_before_those_at_work_and_these_in_their_order() {
    let peer = Peer::start(vec![vec![Says::Keep(OK); 40]; 9]).await;
    let lanes = Lanes::new(1);
    let of = |user: &str| {
        let identity = Identity::Basic { user: user.into(), password: "sesame".into() };
        peer.client_on(identity, lanes.clone())
    };
    let (anna, boris) = (of("anna"), of("boris"));
    for _ in 0..20 {
        text(&anna, get("/work")).await.unwrap();
    }
    let (_, held) = anna.stream(get("/work")).await.unwrap();
    let begins = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        text(&boris, get("/begins")).await
    };
    let release = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        held.finish().await;
    };
    let (works, begins, ()) = tokio::join!(text(&anna, get("/more")), begins, release);
    assert_eq!((works.unwrap(), begins.unwrap()), ("200 hi".into(), "200 hi".into()));
    let heard = peer.heard();
    let at = |path: &str| heard.iter().position(|request| request.starts_with(path)).unwrap();
    assert!(at("GET /begins") < at("GET /more"), "{heard:?}");
}

#[tokio::test]
async fn other_methods_carry_their_bodies() {
    let peer = Peer::start(vec![vec![
        Says::Keep("HTTP/1.1 207 Multi-Status\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"),
        Says::Keep(OK),
    ]])
    .await;
    let client = peer.client();
    let method = Method::from_bytes(b"PROPFIND").unwrap();
    let request = Request::new(method, "/").body("<x/>").with("depth".parse().unwrap(), "0").unwrap();
    assert_eq!(text(&client, request).await.unwrap(), "207 abc");
    let heard = peer.heard().remove(0).to_lowercase();
    assert!(
        heard.starts_with("propfind / ") && heard.contains("depth: 0\r\n") && heard.contains("content-length: 4\r\n")
    );
    assert_eq!(text(&client, get("/")).await.unwrap(), "200 hi");
    assert_eq!(peer.connections(), 1);
}

#[tokio::test]
async fn what_may_be_repeated_survives_a_kept_connection_that_ends() {
    let peer = Peer::start(vec![vec![Says::Keep(OK), Says::Close("")], vec![Says::Keep(OK)]]).await;
    let client = peer.client();
    assert_eq!(text(&client, get("/")).await.unwrap(), "200 hi");
    assert_eq!(text(&client, get("/").repeatable()).await.unwrap(), "200 hi");
    assert_eq!(peer.connections(), 2);
}

#[tokio::test]
async fn what_may_not_be_repeated_is_sent_once() {
    let peer = Peer::start(vec![vec![Says::Keep(OK), Says::Close("")], vec![Says::Keep(OK)]]).await;
    let client = peer.client();
    assert_eq!(text(&client, get("/")).await.unwrap(), "200 hi");
    assert_eq!(code(text(&client, Request::new(Method::PUT, "/x").body("x")).await), Code::ConnectionLost);
    assert_eq!(peer.heard().iter().filter(|it| it.starts_with("PUT")).count(), 1);
}

#[tokio::test]
async fn a_connection_that_ended_meanwhile_is_not_used() {
    let peer = Peer::start(vec![vec![Says::Close(OK)], vec![Says::Keep(OK)]]).await;
    let client = peer.client();
    assert_eq!(text(&client, get("/")).await.unwrap(), "200 hi");
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(text(&client, Request::new(Method::PUT, "/x")).await.unwrap(), "200 hi");
}

#[tokio::test]
async fn silence_and_rubbish_are_told_apart() {
    for (says, expected) in [
        (Says::Hang(""), Code::TimedOut),
        (Says::Hang("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi"), Code::TimedOut),
        (Says::Close("* OK IMAP4rev1 ready\r\n"), Code::AnswerUnexpected),
        (Says::Close(""), Code::ConnectionLost),
        (Says::Close("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi"), Code::ConnectionLost),
    ] {
        let peer = Peer::start(vec![vec![says]]).await;
        assert_eq!(code(text(&peer.client(), get("/").repeatable()).await), expected);
    }
}

#[tokio::test]
async fn an_answer_without_end_is_not_read() {
    let long: &'static str = format!("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n{}", "x".repeat(101)).leak();
    let peer = Peer::start(vec![vec![Says::Keep(long)], vec![Says::Keep(long)]]).await;
    let client = peer.client();
    let error = client.send(get("/")).await.err().unwrap();
    assert_eq!((error.code(), error.arg("limit")), (Code::AnswerUnexpected, Some("100")));
    assert_eq!(client.send(get("/").at_most(101)).await.unwrap().body.len(), 101);
    assert_eq!(peer.connections(), 2, "what was not read to its end is not kept");
}

#[tokio::test]
async fn redirects_are_followed_where_asked_and_only_to_allowed_hosts() {
    let there = "HTTP/1.1 301 Moved\r\nLocation: /there/\r\nContent-Length: 0\r\n\r\n";
    let peer = Peer::start(vec![vec![Says::Keep(there), Says::Keep(there), Says::Keep(OK)]]).await;
    let client = peer.client();
    assert_eq!(text(&client, get("/")).await.unwrap(), "301 ");
    let response = client.send(get("/").following(3)).await.unwrap();
    assert_eq!((response.status().as_u16(), response.head.url.path.as_str()), (200, "/there/"));
    assert_eq!(peer.connections(), 1);

    for (place, expected) in [
        ("http://stranger.invalid/", Code::HostNotAllowed),
        ("https://127.0.0.1/", Code::AnswerUnexpected),
        ("http://localhost/", Code::HostNotAllowed),
    ] {
        let away: &'static str = format!("HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n").leak();
        let peer = Peer::start(vec![vec![Says::Keep(away)]]).await;
        assert_eq!(code(text(&peer.client(), get("/").following(3)).await), expected, "{place}");
    }
}

#[tokio::test]
async fn another_allowed_server_gets_its_own_connection() {
    let second = Peer::start(vec![vec![Says::Keep(OK)]]).await;
    let place: &'static str =
        format!("HTTP/1.1 308 Moved\r\nLocation: http://127.0.0.1:{}/x\r\nContent-Length: 0\r\n\r\n", second.port)
            .leak();
    let first = Peer::start(vec![vec![Says::Keep(place)]]).await;
    assert_eq!(text(&first.client(), get("/").following(1)).await.unwrap(), "200 hi");
    assert_eq!((first.connections(), second.connections()), (1, 1));
}

#[tokio::test]
async fn chunks_come_as_they_are_sent() {
    let peer =
        Peer::start(vec![vec![Says::Hang("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")]]).await;
    let (head, mut chunks) = peer.client().stream(get("/")).await.unwrap();
    assert_eq!(head.status.as_u16(), 200);
    assert_eq!(chunks.next().await.unwrap().unwrap(), "one");
    chunks.set_pause(Duration::from_millis(20));
    assert_eq!(chunks.next().await.err().unwrap().code(), Code::TimedOut);
}

const BASIC: &str = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n";

fn by_offer() -> Identity {
    Identity::Offered { user: "anna".into(), password: "sesame".into() }
}

/// Of each request, whether it showed the password.
fn shown(peer: &Peer) -> Vec<bool> {
    peer.heard().iter().map(|request| request.contains("Basic YW5uYTpzZXNhbWU=")).collect()
}

#[tokio::test]
async fn the_offer_is_asked_for_once_and_what_was_refused_is_not_shown_again() {
    let peer = Peer::start(vec![vec![Says::Keep(BASIC), Says::Keep(OK), Says::Keep(OK), Says::Keep(BASIC)]]).await;
    let client = peer.client_of(by_offer());
    for _ in 0..2 {
        assert_eq!(text(&client, get("/")).await.unwrap(), "200 hi");
    }
    assert_eq!(text(&client, get("/")).await.unwrap(), "401 ");
    let error = client.send(get("/")).await.err().unwrap();
    assert_eq!((error.code(), error.arg("login")), (Code::SignInRefused, Some("anna")));
    assert_eq!(shown(&peer), [false, true, true, true]);
    assert_eq!(peer.connections(), 1);
}

#[tokio::test]
async fn an_offer_may_cost_its_connection() {
    let last = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let peer = Peer::start(vec![vec![Says::Close(last)], vec![Says::Keep(OK)]]).await;
    assert_eq!(text(&peer.client_of(by_offer()), get("/")).await.unwrap(), "200 hi");
    assert_eq!(shown(&peer), [false, true]);
}

/// In the clear NTLM comes first.
#[cfg(feature = "ntlm")]
#[tokio::test]
async fn where_ntlm_is_offered_and_not_taken_up_basic_is_what_remains() {
    const BOTH: &str = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM\r\nWWW-Authenticate: Basic\r\n\
                        Content-Length: 0\r\n\r\n";
    const LAST: &str = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM\r\nWWW-Authenticate: Basic\r\n\
                        Connection: close\r\nContent-Length: 0\r\n\r\n";
    let at_once = vec![vec![Says::Keep(BOTH), Says::Keep(BOTH), Says::Keep(OK), Says::Keep(OK)]];
    let with_ends = vec![vec![Says::Close(LAST)], vec![Says::Close(LAST)], vec![Says::Keep(OK), Says::Keep(OK)]];
    for script in [at_once, with_ends] {
        let peer = Peer::start(script).await;
        let client = peer.client_of(by_offer());
        for _ in 0..2 {
            assert_eq!(text(&client, get("/")).await.unwrap(), "200 hi");
        }
        assert_eq!(shown(&peer), [false, false, true, true]);
        assert!(peer.heard()[1].contains("NTLM TlRMTVNTUAAB"), "{:?}", peer.heard());
    }
    // Who is to sign in by NTLM shows the password in no other way.
    let peer = Peer::start(vec![vec![Says::Keep(BOTH); 3]]).await;
    let client = peer.client_of(Identity::Ntlm { user: "anna".into(), password: "sesame".into() });
    assert_eq!(text(&client, get("/")).await.unwrap_err().code(), Code::NoMechanism);
    assert_eq!(shown(&peer), [false]);
}

#[tokio::test]
async fn of_many_requests_at_once_one_shows_a_wrong_password() {
    let peer = Peer::start(vec![vec![Says::Keep(BASIC), Says::Keep(BASIC)]; 4]).await;
    let client = peer.client_of(by_offer());
    let (a, b, c, d) = tokio::join!(
        text(&client, get("/a")),
        text(&client, get("/b")),
        text(&client, get("/c")),
        text(&client, get("/d"))
    );
    let told = [a, b, c, d].map(|it| it.map_err(|error| error.code()));
    assert_eq!(told.iter().filter(|it| **it == Ok("401 ".to_owned())).count(), 1, "{told:?}");
    assert_eq!(told.iter().filter(|it| **it == Err(Code::SignInRefused)).count(), 3, "{told:?}");
    assert_eq!(shown(&peer).into_iter().filter(|it| *it).count(), 1);
}

#[tokio::test]
async fn a_server_that_asks_nobody_who_he_is_gets_no_password() {
    let peer = Peer::start(vec![vec![Says::Keep(OK); 4]]).await;
    let client = peer.client_of(by_offer());
    for _ in 0..2 {
        assert_eq!(text(&client, get("/")).await.unwrap(), "200 hi");
    }
    assert_eq!(shown(&peer), [false; 4]);
}
