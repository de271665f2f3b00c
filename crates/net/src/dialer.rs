//! Opens connections, and only to hosts that the configuration names.

use crate::Stream;
use parom_domain::{Code, Error, Result, Retry, Scope};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// The hosts this process may connect to. A typing error in one setting must not carry a company's mail and passwords to
/// a stranger, so every host is named twice: where it is used and here.
#[derive(Clone, Debug, Default)]
pub struct AllowList {
    hosts: BTreeSet<String>,
    any: bool,
}

impl AllowList {
    pub fn of(hosts: impl IntoIterator<Item = impl AsRef<str>>) -> AllowList {
        AllowList { hosts: hosts.into_iter().map(|host| normal(host.as_ref())).collect(), any: false }
    }

    /// Every host; for tools that were given the host by a person at the keyboard.
    #[must_use]
    pub fn any() -> AllowList {
        AllowList { hosts: BTreeSet::new(), any: true }
    }

    #[must_use]
    pub fn allows(&self, host: &str) -> bool {
        self.any || self.hosts.contains(&normal(host))
    }
}

/// Host names compare without regard to case and the final dot of a complete name.
fn normal(host: &str) -> String {
    host.trim().trim_end_matches('.').to_ascii_lowercase()
}

/// Opens TCP connections within a deadline.
#[derive(Clone, Debug)]
pub struct Dialer {
    allowed: Arc<AllowList>,
    connect_within: Duration,
}

impl Dialer {
    #[must_use]
    pub fn new(allowed: AllowList, connect_within: Duration) -> Dialer {
        Dialer { allowed: Arc::new(allowed), connect_within }
    }

    /// How long connecting may take, TLS handshake included.
    #[must_use]
    pub fn connect_within(&self) -> Duration {
        self.connect_within
    }

    /// Connects to the first address of `host` that answers.
    ///
    /// # Errors
    /// `HostNotAllowed` (without any packet sent, not even to the name server), `HostNotFound`, `CannotConnect`.
    pub async fn connect(&self, host: &str, port: u16) -> Result<Stream> {
        if !self.allowed.allows(host) {
            return Err(Error::new(Code::HostNotAllowed, Scope::Server, Retry::WhenFixed).with("host", host));
        }
        let refused = |detail: String| {
            Error::new(Code::CannotConnect, Scope::Server, Retry::Soon)
                .with("host", host)
                .with("port", port)
                .with("detail", detail)
        };
        let attempt = async {
            let addresses = lookup_host((host, port)).await.map_err(|error| {
                Error::new(Code::HostNotFound, Scope::Server, Retry::Soon).with("host", host).caused_by(error)
            })?;
            let mut last = None;
            for address in addresses {
                match TcpStream::connect(address).await {
                    Ok(stream) => return Ok(stream),
                    Err(error) => last = Some(error),
                }
            }
            match last {
                Some(error) => Err(refused(error.kind().to_string()).caused_by(error)),
                None => Err(Error::new(Code::HostNotFound, Scope::Server, Retry::Soon).with("host", host)),
            }
        };
        let stream = timeout(self.connect_within, attempt)
            .await
            .map_err(|_| refused(format!("no answer within {} s", self.connect_within.as_secs())))??;
        // Commands are small and wait for answers: they must leave at once.
        stream.set_nodelay(true).map_err(|error| refused(error.kind().to_string()).caused_by(error))?;
        Ok(Stream::Plain(stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    fn dialer(hosts: &[&str]) -> Dialer {
        Dialer::new(AllowList::of(hosts), Duration::from_secs(10))
    }

    #[tokio::test]
    async fn a_host_that_is_not_on_the_list_is_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let error = dialer(&["mail.example.org"]).connect("127.0.0.1", port).await.err().unwrap();
        assert_eq!(error.code(), Code::HostNotAllowed);
        assert!(dialer(&["127.0.0.1"]).connect("127.0.0.1", port).await.is_ok());
    }

    #[test]
    fn names_compare_as_dns_compares_them() {
        let list = AllowList::of(["Mail.Example.org"]);
        assert!(list.allows("mail.example.ORG."));
        assert!(!list.allows("example.org"));
        assert!(!AllowList::default().allows(""));
    }

    #[tokio::test]
    async fn a_closed_port_cannot_be_connected_to() {
        // Port 1 of loopback: nothing listens there in a test, and nothing that we start could.
        let error = dialer(&["127.0.0.1"]).connect("127.0.0.1", 1).await.err().unwrap();
        assert_eq!((error.code(), error.arg("port")), (Code::CannotConnect, Some("1")));
    }

    #[tokio::test]
    async fn a_name_that_does_not_exist_is_not_found() {
        // RFC 6761: `.invalid` never resolves.
        let error = dialer(&["nowhere.invalid"]).connect("nowhere.invalid", 143).await.err().unwrap();
        assert_eq!(error.code(), Code::HostNotFound);
    }
}
