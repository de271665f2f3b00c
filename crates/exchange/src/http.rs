//! Requests over HTTP, with the client that all adapters share.

use crate::client::{Reply, Transport};
use crate::hanging::{Hanging, Hung, Pieces};
use crate::xml::MOST_BYTES;
use async_trait::async_trait;
use bytes::Bytes;
use parom_domain::{Error, Result};
use parom_net::http::{Chunks, Client, HeaderName, Method, Request, header};
use std::sync::Arc;
use std::time::Duration;

/// Where the service is on every Exchange.
pub const PATH: &str = "/EWS/Exchange.asmx";

/// The service on one server, with one identity.
pub struct HttpTransport {
    client: Client,
    path: String,
    host: Arc<str>,
}

impl HttpTransport {
    /// `path` is [`PATH`] wherever nobody has moved it.
    #[must_use]
    pub fn new(client: Client, path: &str) -> HttpTransport {
        let host = client.origin().host;
        HttpTransport { client, path: path.to_owned(), host }
    }

    fn request(&self, headers: &[(&'static str, String)], body: Bytes) -> Result<Request> {
        let mut request = Request::new(Method::POST, self.path.as_str()).at_most(MOST_BYTES as u64).body(body);
        for (name, value) in headers {
            let name =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| Error::internal("a header without a name"))?;
            request = request.with(name, value)?;
        }
        Ok(request)
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn call(&self, headers: &[(&'static str, String)], body: Bytes, may_repeat: bool) -> Result<Reply> {
        let mut request = self.request(headers, body)?;
        request.repeatable = may_repeat;
        let response = self.client.send(request).await?;
        Ok(Reply { status: response.status().as_u16(), retry_after: response.head.retry_after(), body: response.body })
    }

    fn host(&self) -> &str {
        &self.host
    }

    fn login(&self) -> &str {
        self.client.identity().user()
    }
}

#[async_trait]
impl Hanging for HttpTransport {
    async fn hang(&self, headers: &[(&'static str, String)], body: Bytes, patience: Duration) -> Result<Hung> {
        let (head, mut chunks) = self.client.stream(self.request(headers, body)?).await?;
        chunks.set_pause(patience);
        let said = head.headers.get_all(header::SET_COOKIE).iter();
        let cookies = said.filter_map(|value| cookie(value.to_str().ok()?)).collect();
        let (status, retry_after) = (head.status.as_u16(), head.retry_after());
        Ok(Hung { status, retry_after, cookies, pieces: Box::new(chunks) })
    }
}

#[async_trait]
impl Pieces for Chunks {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        Chunks::next(self).await
    }
}

/// Name and value (RFC 6265 section 5.2). Where it counts and for how long, nobody need know who keeps it for one group of
/// requests to one server.
fn cookie(said: &str) -> Option<(String, String)> {
    let (name, value) = said.split(';').next()?.split_once('=')?;
    let name = name.trim();
    (!name.is_empty()).then(|| (name.to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::cookie;

    #[test]
    fn a_cookie_is_a_name_and_a_value() {
        let said = "X-BackEndOverrideCookie=ex01.corp.example~123=; path=/; secure; HttpOnly";
        let wanted = ("X-BackEndOverrideCookie".to_owned(), "ex01.corp.example~123=".to_owned());
        assert_eq!(cookie(said), Some(wanted));
        assert_eq!(cookie("=x"), None);
        assert_eq!(cookie("x"), None);
    }
}
