//! The lab's fault proxy for callers without a runtime of their own.

use crate::Result;
use crate::live::Address;
use parom_lab::proxy::{Conditions, Proxy};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::runtime::Runtime;

/// A fault proxy in front of a server. It ends when this is dropped.
pub struct Relay {
    // Dropped in this order: the proxy before the runtime it lives in.
    proxy: Proxy,
    _runtime: Runtime,
    tls: bool,
}

impl Relay {
    pub fn start(server: &Address, round_trip: Duration) -> Result<Relay> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let upstream = SocketAddr::from((Ipv4Addr::LOCALHOST, server.port));
        let conditions = Conditions { round_trip, ..Conditions::default() };
        let proxy = runtime.block_on(Proxy::start(upstream, conditions))?;
        Ok(Relay { proxy, _runtime: runtime, tls: server.tls })
    }

    #[must_use]
    pub fn address(&self) -> Address {
        Address { host: "127.0.0.1".to_owned(), port: self.proxy.addr().port(), tls: self.tls }
    }

    #[must_use]
    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }
}
