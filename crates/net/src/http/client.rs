//! Sends requests over kept connections, and gives answers whole or in chunks.

use super::connection::{Connection, told};
use super::identity::Identity;
use super::lanes::{Lanes, Owner, Permit};
use super::message::{Head, Request, Response};
use super::sign_in::Standing;
use super::url::{Origin, Url};
use crate::{Dialer, TlsClient, timed_out};
use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, HOST, USER_AGENT};
use http::response::Parts;
use http::{HeaderValue, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use parom_domain::{Code, Error, Result, Retry, Scope};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// A server, and how its certificate is believed.
#[derive(Clone)]
pub struct Target {
    pub host: Arc<str>,
    pub port: u16,
    /// `None`: everything travels in the clear.
    pub tls: Option<Arc<TlsClient>>,
}

impl Target {
    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin { tls: self.tls.is_some(), host: self.host.clone(), port: self.port }
    }
}

/// How long to wait, how much to take, how much to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// From the request's first byte to the beginning of its answer. What a large request takes on a slow line is added.
    pub answer: Duration,
    /// Between two pieces of an answer.
    pub pause: Duration,
    /// A larger answer is not read to its end.
    pub most_bytes: u64,
    /// Requests under way at once.
    pub connections: usize,
    /// A connection that nobody needed for so long is not used again.
    pub keep: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            answer: Duration::from_secs(120),
            pause: Duration::from_secs(60),
            most_bytes: 256 << 20,
            connections: 4,
            keep: Duration::from_secs(20),
        }
    }
}

/// The slowest line that is still a line.
const SLOWEST_BYTES_PER_S: u64 = 16 * 1024;

/// Requests of one identity to one server. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    dialer: Dialer,
    target: Target,
    pub(super) identity: Identity,
    pub(super) standing: Standing,
    patience: Patience,
    permits: Arc<Semaphore>,
    lanes: Lanes,
    /// INVARIANT: under this name are only connections that this client opened, so they never carried another identity's requests.
    owner: Owner,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.lanes.rest(&self.owner);
    }
}

impl Client {
    #[must_use]
    pub fn new(dialer: Dialer, target: Target, identity: Identity) -> Client {
        Client::patient(dialer, target, identity, Patience::default())
    }

    #[must_use]
    pub fn patient(dialer: Dialer, target: Target, identity: Identity, patience: Patience) -> Client {
        Client::sharing(dialer, target, identity, patience, Lanes::new(patience.connections))
    }

    /// With connections that count together with those of other clients.
    #[must_use]
    pub fn sharing(dialer: Dialer, target: Target, identity: Identity, patience: Patience, lanes: Lanes) -> Client {
        let permits = Arc::new(Semaphore::new(patience.connections.max(1)));
        let (standing, owner) = (Standing::default(), Owner::new());
        Client { shared: Arc::new(Shared { dialer, target, identity, standing, patience, permits, lanes, owner }) }
    }

    #[must_use]
    pub fn origin(&self) -> Origin {
        self.shared.target.origin()
    }

    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.shared.identity
    }

    /// Closes the connections that nobody uses. Those who share the server and are still at work go first from now on.
    pub fn rest(&self) {
        self.shared.lanes.rest(&self.shared.owner);
    }

    /// Sends a request and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// What the dialer and TLS say; `ConnectionLost`, `TimedOut`; `AnswerUnexpected` for what is no HTTP, for an answer that
    /// is too large (with an argument `limit`), and for a redirect that must not be followed. By NTLM and by what the server
    /// offers also `SignInRefused`, `NoMechanism`, `NtlmLeftOut` and `NtlmOwnMailbox`.
    pub async fn send(&self, request: Request) -> Result<Response> {
        let limit = request.at_most_bytes.unwrap_or(self.shared.patience.most_bytes);
        let (head, mut chunks) = self.stream(request).await?;
        let told = head.header(&CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
        // What is large is not moved about while it grows.
        let mut body = BytesMut::with_capacity(usize::try_from(told.unwrap_or(0).min(limit)).unwrap_or(0));
        while let Some(chunk) = chunks.next().await? {
            if (body.len() as u64).saturating_add(chunk.len() as u64) > limit {
                return Err(Error::new(Code::AnswerUnexpected, Scope::Account, Retry::WhenFixed)
                    .with("host", &head.url.origin.host)
                    .with("answer", format!("an answer of more than {limit} bytes"))
                    .with("limit", limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { head, body: body.freeze() })
    }

    /// Sends a request and gives the answer as it comes: for answers that are large, or that end when somebody wants.
    ///
    /// # Errors
    /// As [`Client::send`]; the limit of bytes is the caller's business.
    pub async fn stream(&self, request: Request) -> Result<(Head, Chunks)> {
        let mut left = request.redirects;
        let mut url = self.url(&request.at)?;
        loop {
            let (head, chunks) = self.shared.clone().ask(&request, &url).await?;
            match head.redirect() {
                Some(next) if left > 0 => {
                    left -= 1;
                    self.may_follow(&next)?;
                    chunks.finish().await;
                    url = next;
                }
                _ => return Ok((head, chunks)),
            }
        }
    }

    fn url(&self, at: &str) -> Result<Url> {
        let own = Url { origin: self.origin(), path: "/".to_owned() };
        let url = own.join(at).ok_or_else(|| Error::internal("a request to no place"))?;
        self.may_follow(&url)?;
        Ok(url)
    }

    /// What TLS protects on this server must not leave in the clear. Which hosts there are, the dialer knows.
    fn may_follow(&self, url: &Url) -> Result<()> {
        if url.origin.tls == self.shared.target.tls.is_some() {
            return Ok(());
        }
        Err(Error::new(Code::AnswerUnexpected, Scope::Server, Retry::WhenFixed)
            .with("host", &self.shared.target.host)
            .with("answer", format!("a redirect to {}", url.origin)))
    }
}

impl Shared {
    fn keep(&self, origin: &Origin, mut connection: Connection, permit: Permit) {
        if connection.sender.is_closed() {
            return;
        }
        connection.is_kept = true;
        connection.idle_since = Instant::now();
        self.lanes.keep(&self.owner, origin, connection, permit);
    }

    /// One request without redirects. On a kept connection it may meet its end; then a new one is opened, if nothing was sent
    /// or it may be sent twice.
    async fn ask(self: Arc<Self>, request: &Request, url: &Url) -> Result<(Head, Chunks)> {
        let permit = self.permits.clone().acquire_owned().await;
        let permit = permit.map_err(|error| Error::internal("no more requests are taken").caused_by(error))?;
        let (lane, mut kept) = self.lanes.acquire(&self.owner, &url.origin, self.patience.keep).await?;
        loop {
            let mut connection = match kept.take() {
                Some(connection) => connection,
                None => self.another(url).await?,
            };
            let Some((parts, body)) = self.signed_in(&mut connection, request, url).await? else { continue };
            let head = Head { status: parts.status, headers: parts.headers, url: url.clone() };
            let pause = self.patience.pause;
            let lane = Some((connection, lane, permit));
            return Ok((head, Chunks { body, lane, shared: self, origin: url.origin.clone(), pause }));
        }
    }

    pub(super) async fn another(&self, url: &Url) -> Result<Connection> {
        Connection::open(&self.dialer, &url.origin, self.target.tls.as_deref()).await
    }

    /// Sends once. `None`: a kept connection had met its end, and the request may go over another one.
    pub(super) async fn once(
        &self,
        connection: &mut Connection,
        request: &Request,
        url: &Url,
        authorization: Option<HeaderValue>,
    ) -> Result<Option<(Parts, Incoming)>> {
        let is_kept = connection.is_kept;
        if connection.sender.ready().await.is_err() && is_kept {
            return Ok(None);
        }
        let message = message(request, url, authorization)?;
        let more = Duration::from_secs(request.body.len() as u64 / SLOWEST_BYTES_PER_S);
        let patience = self.patience.answer.saturating_add(more);
        match timeout(patience, connection.sender.try_send_request(message)).await {
            Err(_) => Err(timed_out(&url.origin.host, patience, &request.method)),
            Ok(Err(mut failure)) => {
                let nothing_sent = failure.take_message().is_some();
                let error = failure.into_error();
                let may_again = nothing_sent || (request.repeatable && !error.is_parse());
                if is_kept && may_again { Ok(None) } else { Err(told(&url.origin, error)) }
            }
            Ok(Ok(answer)) => Ok(Some(answer.into_parts())),
        }
    }

    /// Reads an answer that nobody wants, if it is short, so that its connection can be used again.
    pub(super) async fn drain(&self, mut body: Incoming) -> bool {
        let mut read = 0;
        while read <= WORTH_READING {
            match timeout(self.patience.pause, body.frame()).await {
                Ok(None) => return true,
                Ok(Some(Ok(frame))) => read += frame.data_ref().map_or(0, Bytes::len),
                Ok(Some(Err(_))) | Err(_) => return false,
            }
        }
        false
    }
}

fn message(request: &Request, url: &Url, authorization: Option<HeaderValue>) -> Result<http::Request<Full<Bytes>>> {
    let broken = |what: &str| Error::internal(format!("a request with a {what} that HTTP cannot say"));
    let uri: Uri = url.path.parse().map_err(|_| broken("path"))?;
    let mut message = http::Request::new(Full::new(request.body.clone()));
    *message.method_mut() = request.method.clone();
    *message.uri_mut() = uri;
    let headers = message.headers_mut();
    *headers = request.headers.clone();
    let host = HeaderValue::from_str(&url.origin.authority()).map_err(|_| broken("host"))?;
    headers.insert(HOST, host);
    if !headers.contains_key(USER_AGENT) {
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("Parom/", env!("CARGO_PKG_VERSION"))));
    }
    if let Some(authorization) = authorization {
        headers.insert(AUTHORIZATION, authorization);
    }
    Ok(message)
}

/// The body of an answer, piece by piece. Its connection is kept when it was read to its end, else closed.
pub struct Chunks {
    body: Incoming,
    /// A connection in use, and one request more of this client.
    lane: Option<(Connection, Permit, OwnedSemaphorePermit)>,
    shared: Arc<Shared>,
    origin: Origin,
    pause: Duration,
}

/// So much of an answer that nobody wants is read to keep its connection.
const WORTH_READING: usize = 64 * 1024;

impl Chunks {
    /// Waits otherwise than [`Patience::pause`] says, for answers that are meant to last.
    pub fn set_pause(&mut self, pause: Duration) {
        self.pause = pause;
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// `ConnectionLost`, `TimedOut`, `AnswerUnexpected`.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            let Ok(frame) = timeout(self.pause, self.body.frame()).await else {
                self.lane = None;
                return Err(timed_out(&self.origin.host, self.pause, "answer"));
            };
            match frame {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => return Ok(Some(data)),
                    // Trailers tell nothing that we need.
                    Err(_) => continue,
                },
                Some(Err(error)) => {
                    self.lane = None;
                    return Err(told(&self.origin, error));
                }
                None => {
                    if let Some((connection, lane, _permit)) = self.lane.take() {
                        self.shared.keep(&self.origin, connection, lane);
                    }
                    return Ok(None);
                }
            }
        }
    }

    /// Reads what is left, if it is little, so that the connection can be kept.
    pub async fn finish(mut self) {
        let mut read = 0;
        while let Ok(Some(chunk)) = self.next().await {
            read += chunk.len();
            if read > WORTH_READING {
                return;
            }
        }
    }
}
