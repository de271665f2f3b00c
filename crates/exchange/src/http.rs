//! Requests over HTTP, with the client that all adapters share.

use crate::client::{Reply, Transport};
use crate::xml::MOST_BYTES;
use async_trait::async_trait;
use bytes::Bytes;
use parom_domain::{Error, Result};
use parom_net::http::{Client, HeaderName, Method, Request};
use std::sync::Arc;

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
}

#[async_trait]
impl Transport for HttpTransport {
    async fn call(&self, headers: &[(&'static str, String)], body: Bytes, may_repeat: bool) -> Result<Reply> {
        let mut request = Request::new(Method::POST, self.path.as_str()).at_most(MOST_BYTES as u64).body(body);
        request.repeatable = may_repeat;
        for (name, value) in headers {
            let name =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| Error::internal("a header without a name"))?;
            request = request.with(name, value)?;
        }
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
