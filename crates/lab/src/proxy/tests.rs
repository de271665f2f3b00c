//! The proxy between real sockets.

use super::*;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// A listener behind a proxy, and one connection through it.
struct Line {
    proxy: Proxy,
    client: TcpStream,
    server: TcpStream,
}

async fn line(conditions: Conditions) -> Line {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap(), conditions).await.unwrap();
    let client = TcpStream::connect(proxy.addr()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    Line { proxy, client, server }
}

async fn got(stream: &mut TcpStream, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    stream.read_exact(&mut bytes).await.unwrap();
    bytes
}

/// Nothing comes for a while; long enough for loopback, and wrong only in the direction that fails.
async fn silent(stream: &mut TcpStream) {
    assert!(timeout(Duration::from_millis(60), stream.read_u8()).await.is_err());
}

#[tokio::test]
async fn both_directions_and_their_ends_come_through() {
    let Line { proxy, mut client, mut server } = line(Conditions::default()).await;
    client.write_all(b"hello").await.unwrap();
    client.shutdown().await.unwrap();
    let mut bytes = Vec::new();
    server.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes, b"hello");
    server.write_all(b"good-bye").await.unwrap();
    drop(server);
    let mut bytes = Vec::new();
    client.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes, b"good-bye");
    assert_eq!(proxy.counters(), Counters { up: 5, down: 8, connections: 1, turns: 1 });
}

#[tokio::test]
async fn the_delay_is_there_and_does_not_limit_the_throughput() {
    const BYTES: usize = 32 << 20;
    let start = Instant::now();
    let round_trip = Duration::from_millis(100);
    let Line { proxy: _proxy, mut client, mut server } = line(Conditions { round_trip, ..Conditions::default() }).await;
    assert!(start.elapsed() >= round_trip, "connecting takes a round trip");
    let start = Instant::now();
    client.write_all(b"?").await.unwrap();
    assert_eq!(got(&mut server, 1).await, b"?");
    server.write_all(b"!").await.unwrap();
    assert_eq!(got(&mut client, 1).await, b"!");
    assert!(start.elapsed() >= round_trip);

    let start = Instant::now();
    let (mut from, mut to) = client.into_split();
    let writing = tokio::spawn(async move { to.write_all(&vec![7; BYTES]).await });
    let received = got(&mut server, BYTES).await;
    writing.await.unwrap().unwrap();
    assert!(received.iter().all(|byte| *byte == 7));
    // One buffer for each half round trip would take 12 s.
    assert!(start.elapsed() < Duration::from_secs(6));
    drop(server);
    assert_eq!(from.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_cut_comes_after_exactly_so_many_bytes() {
    for act in [Act::Reset, Act::Close] {
        let Line { proxy, mut client, mut server } = line(Conditions::default()).await;
        let orderly = matches!(act, Act::Close);
        proxy.arm(Spot::Total(Direction::Up, 1_000), act);
        client.write_all(&[1; 3_000]).await.unwrap();
        assert_eq!(got(&mut server, 1_000).await.len(), 1_000);
        assert_eq!(server.read(&mut [0]).await.is_ok(), orderly);
        assert_eq!(proxy.counters().up, 1_000);
    }
}

#[tokio::test]
async fn a_reset_reaches_both_ends() {
    let Line { proxy, mut client, mut server } = line(Conditions::default()).await;
    proxy.arm(Spot::Pattern { direction: Direction::Down, bytes: b"OK".to_vec(), occurrence: 2 }, Act::Reset);
    server.write_all(b"* OK a OK b").await.unwrap();
    assert_eq!(got(&mut client, 9).await, b"* OK a OK");
    assert!(client.read_u8().await.is_err());
    assert!(server.read_u8().await.is_err());
}

#[tokio::test]
async fn a_truncated_direction_leaves_the_other_one_alone() {
    let Line { proxy, mut client, mut server } = line(Conditions::default()).await;
    proxy.arm(Spot::OfConnection(Direction::Up, 3), Act::Truncate);
    client.write_all(b"abcdef").await.unwrap();
    assert_eq!(got(&mut server, 3).await, b"abc");
    silent(&mut server).await;
    server.write_all(b"still here").await.unwrap();
    assert_eq!(got(&mut client, 10).await, b"still here");
}

#[tokio::test]
async fn a_black_hole_swallows_everything_and_closes_nothing() {
    let Line { proxy, mut client, mut server } = line(Conditions::default()).await;
    proxy.arm(Spot::Total(Direction::Up, 3), Act::BlackHole);
    client.write_all(b"abcdef").await.unwrap();
    assert_eq!(got(&mut server, 3).await, b"abc");
    server.write_all(b"answer").await.unwrap();
    tokio::join!(silent(&mut server), silent(&mut client));
    drop(client);
    assert!(!matches!(server.read(&mut [0]).await, Ok(len) if len > 0), "the end of one is the end of both");
}

#[tokio::test]
async fn a_black_hole_for_all_can_be_lifted() {
    let Line { proxy, mut client, mut server } = line(Conditions::default()).await;
    proxy.change(|conditions| conditions.black_hole = true);
    client.write_all(b"abc").await.unwrap();
    silent(&mut server).await;
    proxy.change(|conditions| conditions.black_hole = false);
    assert_eq!(got(&mut server, 3).await, b"abc");
}

#[tokio::test]
async fn a_hold_stops_all_connections_at_the_byte() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap(), Conditions::default()).await.unwrap();
    let mut clients = Vec::new();
    let mut servers = Vec::new();
    for _ in 0..2 {
        clients.push(TcpStream::connect(proxy.addr()).await.unwrap());
        servers.push(listener.accept().await.unwrap().0);
    }
    let reached = proxy.hold_at(Spot::Total(Direction::Up, 2));
    clients[0].write_all(b"abc").await.unwrap();
    let held = reached.await.unwrap();
    assert_eq!(proxy.counters().up, 2);
    assert_eq!(got(&mut servers[0], 2).await, b"ab");
    clients[1].write_all(b"x").await.unwrap();
    silent(&mut servers[0]).await;
    silent(&mut servers[1]).await;
    drop(held);
    assert_eq!(got(&mut servers[0], 1).await, b"c");
    assert_eq!(got(&mut servers[1], 1).await, b"x");
}

#[tokio::test]
async fn a_callback_is_called_once_at_its_byte_and_forwarding_goes_on() {
    let Line { proxy, mut client, mut server } = line(Conditions::default()).await;
    let (tell, told) = std::sync::mpsc::channel();
    proxy.call_at(Spot::Total(Direction::Up, 4), move || tell.send("now").unwrap());
    client.write_all(b"abc").await.unwrap();
    assert_eq!(got(&mut server, 3).await, b"abc");
    assert!(told.try_recv().is_err());
    client.write_all(b"def").await.unwrap();
    assert_eq!(got(&mut server, 3).await, b"def");
    assert_eq!((told.recv(), told.recv().is_err()), (Ok("now"), true));
}

#[tokio::test]
async fn a_kill_lets_not_one_byte_more_through_on_any_connection() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap(), Conditions::default()).await.unwrap();
    let mut clients = Vec::new();
    let mut servers = Vec::new();
    for _ in 0..2 {
        clients.push(TcpStream::connect(proxy.addr()).await.unwrap());
        servers.push(listener.accept().await.unwrap().0);
    }
    let (enter, entered) = tokio::sync::oneshot::channel();
    let (leave, left) = std::sync::mpsc::channel::<()>();
    proxy.kill_at(Spot::Total(Direction::Up, 5), move || {
        enter.send(()).unwrap();
        left.recv().unwrap();
    });
    clients[0].write_all(b"0123456789").await.unwrap();
    entered.await.unwrap();
    clients[1].write_all(b"from the other lane").await.unwrap();
    leave.send(()).unwrap();
    assert_eq!(got(&mut servers[0], 5).await, b"01234");
    for server in &mut servers {
        assert!(server.read_u8().await.is_err());
    }
    assert_eq!(proxy.counters().up, 5);
}

#[tokio::test]
async fn a_drip_is_as_slow_as_it_was_asked_for() {
    let Line { proxy: _proxy, mut client, mut server } =
        line(Conditions { bytes_per_s: Some(2_000), ..Conditions::default() }).await;
    let start = Instant::now();
    client.write_all(&[1; 500]).await.unwrap();
    assert_eq!(got(&mut server, 500).await.len(), 500);
    assert!(start.elapsed() >= Duration::from_millis(190));
}

#[tokio::test]
async fn connections_share_a_narrow_line_and_answers_have_it_to_themselves() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let narrow = Conditions { line_bytes_per_s: Some(20_000), ..Conditions::default() };
    let proxy = Proxy::start(listener.local_addr().unwrap(), narrow).await.unwrap();
    let mut ends = Vec::new();
    for _ in 0..2 {
        let client = TcpStream::connect(proxy.addr()).await.unwrap();
        ends.push((client, listener.accept().await.unwrap().0));
    }
    let start = Instant::now();
    let mut crossings = JoinSet::new();
    for (mut client, mut server) in ends {
        crossings.spawn(async move {
            client.write_all(&[1; 4_000]).await.unwrap();
            server.write_all(&[2; 4_000]).await.unwrap();
            assert_eq!(got(&mut server, 4_000).await, [1; 4_000]);
            assert_eq!(got(&mut client, 4_000).await, [2; 4_000]);
        });
    }
    crossings.join_all().await;
    // 8,000 bytes each way take 0.4 s together, where a limit for each connection alone would let them through in half of it.
    assert!(start.elapsed() >= Duration::from_millis(390), "{:?}", start.elapsed());
    assert_eq!((proxy.counters().up, proxy.counters().down), (8_000, 8_000));
}

#[tokio::test]
async fn refused_connections_are_reset_and_a_missing_upstream_refuses() {
    let Line { proxy, client: _client, server: _server } = line(Conditions::default()).await;
    proxy.change(|conditions| conditions.refuse = true);
    let mut client = TcpStream::connect(proxy.addr()).await.unwrap();
    assert!(client.read_u8().await.is_err());

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let gone = listener.local_addr().unwrap();
    drop(listener);
    let proxy = Proxy::start(gone, Conditions::default()).await.unwrap();
    let mut client = TcpStream::connect(proxy.addr()).await.unwrap();
    assert!(client.read_u8().await.is_err());
}

#[tokio::test]
async fn many_connections_do_not_disturb_each_other() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap(), Conditions::default()).await.unwrap();
    let echo = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    let mut clients = JoinSet::new();
    for n in 0..300_u32 {
        let addr = proxy.addr();
        clients.spawn(async move {
            let mut client = TcpStream::connect(addr).await.unwrap();
            client.write_u32(n).await.unwrap();
            client.read_u32().await.unwrap() == n
        });
    }
    assert!(clients.join_all().await.into_iter().all(|same| same));
    assert_eq!(proxy.counters(), Counters { up: 1_200, down: 1_200, connections: 300, turns: 300 });
    echo.abort();
}
