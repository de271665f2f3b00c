//! Asks the system's name servers for SRV records (RFC 2782), which the resolver of the operating system does not give.
//!
//! One question over UDP (RFC 1035): an answer that does not fit is cut, and what there is of it is used. What a record names is no
//! more trusted than the rest of DNS: who connects there goes through the [`Dialer`](crate::Dialer) and its allow list.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// Where a service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub priority: u16,
    pub weight: u16,
    pub port: u16,
    pub host: String,
}

const SRV: u16 = 33;
const INTERNET: u16 = 1;
/// Names within names that point backwards; more are a loop.
const MOST_JUMPS: usize = 32;

/// The name servers of this system, from `/etc/resolv.conf`.
#[must_use]
pub fn system_servers() -> Vec<SocketAddr> {
    let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    servers_in(&text)
}

fn servers_in(text: &str) -> Vec<SocketAddr> {
    let address = |line: &str| -> Option<SocketAddr> {
        let mut words = line.split_whitespace();
        let address: IpAddr =
            words.next().filter(|word| *word == "nameserver").and_then(|_| words.next())?.parse().ok()?;
        Some(SocketAddr::new(address, 53))
    };
    text.lines().filter_map(address).collect()
}

/// The services under a name such as `_autodiscover._tcp.example.org`, the preferred first. Empty where there are none, and where
/// no server answers in time: for who asks it is the same.
pub async fn services(name: &str, servers: &[SocketAddr], within: Duration) -> Vec<Service> {
    for server in servers {
        match timeout(within, ask(name, *server)).await {
            Ok(Some(services)) => return services,
            Ok(None) | Err(_) => tracing::debug!(%name, %server, "no answer about services"),
        }
    }
    Vec::new()
}

async fn ask(name: &str, server: SocketAddr) -> Option<Vec<Service>> {
    let local: SocketAddr = if server.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let socket = UdpSocket::bind(local).await.ok()?;
    // Only what comes from there is taken.
    socket.connect(server).await.ok()?;
    // The port that the system chose is as hard to guess as any number of ours.
    let id = socket.local_addr().ok()?.port().rotate_left(7) ^ 0x5EED;
    socket.send(&question(id, name)?).await.ok()?;
    let mut answer = vec![0; 4096];
    loop {
        let size = socket.recv(&mut answer).await.ok()?;
        if let Some(told) = answer.get(..size).and_then(|bytes| read(id, bytes)) {
            return Some(told);
        }
    }
}

fn question(id: u16, name: &str) -> Option<Vec<u8>> {
    let mut bytes = id.to_be_bytes().to_vec();
    // A question, with recursion wanted; one of it, and nothing else.
    bytes.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.trim_end_matches('.').split('.') {
        let size = u8::try_from(label.len()).ok().filter(|size| (1..=63).contains(size))?;
        bytes.push(size);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes.extend(SRV.to_be_bytes());
    bytes.extend(INTERNET.to_be_bytes());
    (name.len() <= 253).then_some(bytes)
}

/// `None` for what is no answer to this question.
fn read(id: u16, bytes: &[u8]) -> Option<Vec<Service>> {
    let number = |at: usize| Some(u16::from_be_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?));
    let flags = number(2)?;
    if number(0)? != id || flags & 0x8000 == 0 {
        return None;
    }
    let (questions, answers) = (number(4)?, number(6)?);
    let mut at = 12;
    for _ in 0..questions {
        at = name(bytes, at)?.1 + 4;
    }
    let mut found = Vec::new();
    for _ in 0..answers {
        let Some((_, after)) = name(bytes, at) else { break };
        let (Some(kind), Some(size)) = (number(after), number(after + 8)) else { break };
        let data = after + 10;
        if kind == SRV
            && let (Some(priority), Some(weight), Some(port), Some((host, _))) =
                (number(data), number(data + 2), number(data + 4), name(bytes, data + 6))
            && !host.is_empty()
        {
            found.push(Service { priority, weight, port, host });
        }
        at = data + usize::from(size);
    }
    found.sort_by_key(|service| (service.priority, u16::MAX - service.weight));
    Some(found)
}

/// A name, and where the bytes after it begin.
fn name(bytes: &[u8], mut at: usize) -> Option<(String, usize)> {
    let (mut labels, mut after, mut jumps) = (Vec::new(), None, 0);
    loop {
        let size = usize::from(*bytes.get(at)?);
        match size {
            0 => break,
            // A name that was said before.
            192.. => {
                jumps += 1;
                if jumps > MOST_JUMPS {
                    return None;
                }
                after = after.or(Some(at + 2));
                at = (size & 0x3F) << 8 | usize::from(*bytes.get(at + 1)?);
            }
            64..192 => return None,
            _ => {
                let label = bytes.get(at + 1..at + 1 + size)?;
                labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
                at += 1 + size;
            }
        }
        if labels.len() > 127 {
            return None;
        }
    }
    Some((labels.join("."), after.unwrap_or(at + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer to a question: the same with the records behind it, each naming the question's name by its place.
    fn answer(question: &[u8], records: &[(u16, u16, u16, &str)]) -> Vec<u8> {
        let mut bytes = question.to_vec();
        bytes[2] |= 0x80;
        bytes[7] = u8::try_from(records.len()).unwrap();
        for (priority, weight, port, host) in records {
            bytes.extend([0xC0, 12, 0, 33, 0, 1, 0, 0, 0, 60]);
            let mut data: Vec<u8> = [priority, weight, port].iter().flat_map(|number| number.to_be_bytes()).collect();
            for label in host.split('.') {
                data.push(u8::try_from(label.len()).unwrap());
                data.extend(label.as_bytes());
            }
            data.push(0);
            bytes.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            bytes.extend(data);
        }
        bytes
    }

    #[tokio::test]
    async fn services_are_told_in_order() {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        tokio::spawn(async move {
            let mut bytes = [0; 512];
            let (size, from) = server.recv_from(&mut bytes).await.unwrap();
            let question = &bytes[..size];
            assert!(question.ends_with(b"\x0d_autodiscover\x04_tcp\x07example\x03org\0\0\x21\0\x01"));
            let mut other = answer(question, &[(0, 0, 1, "stranger.example")]);
            other[0] ^= 1;
            server.send_to(&other, from).await.unwrap();
            let records =
                [(10, 1, 443, "b.example.org"), (5, 1, 8443, "Mail.example.org"), (10, 9, 443, "a.example.org")];
            server.send_to(&answer(question, &records), from).await.unwrap();
        });
        let told = services("_autodiscover._tcp.example.org", &[address], Duration::from_secs(10)).await;
        let told: Vec<(&str, u16)> = told.iter().map(|service| (service.host.as_str(), service.port)).collect();
        assert_eq!(told, [("mail.example.org", 8443), ("a.example.org", 443), ("b.example.org", 443)]);
    }

    #[tokio::test]
    async fn silence_is_no_service() {
        let deaf = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let told = services("_x._tcp.example.org", &[deaf.local_addr().unwrap()], Duration::from_millis(50)).await;
        assert_eq!(told, []);
    }

    #[test]
    fn no_answer_breaks_the_reader() {
        let question = question(7, "_a._tcp.example.org").unwrap();
        let whole = answer(&question, &[(1, 1, 443, "a.example.org")]);
        assert_eq!(read(7, &whole).unwrap().len(), 1);
        for size in 0..whole.len() {
            let _ = read(7, &whole[..size]);
        }
        let mut looped = whole.clone();
        let at = question.len();
        (looped[at], looped[at + 1]) = (0xC0, u8::try_from(at).unwrap());
        assert_eq!(read(7, &looped), Some(Vec::new()));
        assert_eq!(super::question(1, &"a".repeat(64)), None);
    }

    #[test]
    fn the_system_names_its_servers() {
        let text = "# x\nsearch a\nnameserver 127.0.0.53\nnameserver ::1\nnameserver bad\n";
        assert_eq!(servers_in(text), ["127.0.0.53:53".parse().unwrap(), "[::1]:53".parse().unwrap()]);
    }
}
