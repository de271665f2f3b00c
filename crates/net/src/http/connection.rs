//! One connection to one server, and what is told when it fails.

use super::url::Origin;
use crate::{Dialer, TlsClient};
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use parom_domain::{Code, Error, Result, Retry, Scope};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// A connection on which one request at a time is under way.
pub(super) struct Connection {
    pub(super) sender: SendRequest<Full<Bytes>>,
    /// It has answered before: a server may close it at any moment.
    pub(super) is_kept: bool,
    pub(super) idle_since: Instant,
    /// NTLM has proved who asks here: requests need no word of it any more.
    pub(super) is_proved: bool,
    /// What a sign-in is tied to, see [`crate::Stream::end_point`].
    pub(super) end_point: Option<Vec<u8>>,
    driver: JoinHandle<()>,
}

impl Connection {
    pub(super) async fn open(dialer: &Dialer, origin: &Origin, tls: Option<&TlsClient>) -> Result<Connection> {
        let mut stream = dialer.connect(&origin.host, origin.port).await?;
        if let Some(tls) = tls {
            stream = tls.upgrade(stream, &origin.host, origin.port).await?;
        }
        let end_point = stream.end_point();
        let (sender, connection) = http1::Builder::new()
            // Servers of Exchange 2010's time and home-made ones; what we need is read all the same.
            .allow_obsolete_multiline_headers_in_responses(true)
            .allow_spaces_after_header_name_in_responses(true)
            .ignore_invalid_headers_in_responses(true)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| told(origin, error))?;
        let driver = tokio::spawn(async move {
            // Whoever waits for an answer is told by its sender.
            let _ = connection.await;
        });
        Ok(Connection { sender, is_kept: false, idle_since: Instant::now(), is_proved: false, end_point, driver })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Also in the middle of an answer: nobody reads the rest.
        self.driver.abort();
    }
}

/// What a failure of the connection means. Nothing of what was sent is in it.
pub(super) fn told(origin: &Origin, error: hyper::Error) -> Error {
    let error_of = |code| Error::new(code, Scope::Account, Retry::Soon).with("host", &origin.host);
    if error.is_parse() {
        return error_of(Code::AnswerUnexpected).with("answer", "what came is no HTTP").caused_by(error);
    }
    error_of(Code::ConnectionLost).with("detail", &error).caused_by(error)
}
