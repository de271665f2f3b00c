//! Asks one mailbox: envelope, headers, versions that step down, and faults that become errors.

use crate::classify::{asks_for_older, classify, classify_status};
use crate::envelope::{self, Body, Refusal};
use crate::op::Operation;
use crate::version::Version;
use async_trait::async_trait;
use bytes::Bytes;
use parom_domain::{Code, Error, Result, Retry, Scope};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// An answer as HTTP gives it.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    /// `Retry-After`, where it was in seconds.
    pub retry_after: Option<Duration>,
    pub body: Bytes,
}

/// Carries one request to `Exchange.asmx`, signed in.
#[async_trait]
pub trait Transport: Send + Sync {
    /// `may_repeat`: where a kept connection breaks before the answer, the request may be sent again.
    ///
    /// # Errors
    /// What keeps the request from being answered at all. Every status is an answer.
    async fn call(&self, headers: &[(&'static str, String)], body: Bytes, may_repeat: bool) -> Result<Reply>;

    /// For errors.
    fn host(&self) -> &str;

    /// Who signs in, for errors. Empty where nobody does.
    fn login(&self) -> &str {
        ""
    }
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for std::sync::Arc<T> {
    async fn call(&self, headers: &[(&'static str, String)], body: Bytes, may_repeat: bool) -> Result<Reply> {
        (**self).call(headers, body, may_repeat).await
    }

    fn host(&self) -> &str {
        (**self).host()
    }

    fn login(&self) -> &str {
        (**self).login()
    }
}

/// One mailbox on one server.
pub struct Client<T> {
    transport: T,
    /// The primary address.
    mailbox: String,
    /// The login is a service account and acts for the mailbox.
    impersonates: bool,
    version: Mutex<Version>,
}

impl<T: Transport> Client<T> {
    #[must_use]
    pub fn new(transport: T, mailbox: &str, impersonates: bool) -> Client<T> {
        Client { transport, mailbox: mailbox.to_owned(), impersonates, version: Mutex::new(Version::NEWEST) }
    }

    #[must_use]
    pub fn mailbox(&self) -> &str {
        &self.mailbox
    }

    #[must_use]
    pub fn host(&self) -> &str {
        self.transport.host()
    }

    /// The version that is asked for now. It only ever falls.
    #[must_use]
    pub fn version(&self) -> Version {
        *self.version.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lower(&self, version: Version) {
        let mut known = self.version.lock().unwrap_or_else(PoisonError::into_inner);
        *known = (*known).min(version);
    }

    /// Asks, in the newest version that the mailbox understands.
    ///
    /// # Errors
    /// A fault about the whole request; what is refused for one item is in the answer.
    pub async fn ask<O: Operation>(&self, operation: &O) -> Result<O::Answer> {
        loop {
            let version = self.version();
            match self.once(operation, version).await? {
                Ok(answer) => return Ok(answer),
                Err(refusal) => match version.older().filter(|_| asks_for_older(&refusal.code)) {
                    Some(older) => self.lower(older),
                    None => return Err(self.told(operation, classify(O::ABOUT, &refusal))),
                },
            }
        }
    }

    async fn once<O: Operation>(&self, operation: &O, version: Version) -> Result<Result<O::Answer, Refusal>> {
        let impersonated = self.impersonates.then_some(self.mailbox.as_str());
        let request = envelope::request(version, impersonated, |out| operation.write(out, version));
        // 2013 and later route by the anchor, older ones overlook it.
        let headers = [
            ("Content-Type", "text/xml; charset=utf-8".to_owned()),
            ("Accept", "text/xml".to_owned()),
            ("X-AnchorMailbox", self.mailbox.clone()),
        ];
        let reply = self
            .transport
            .call(&headers, request.into(), O::IS_REPEATABLE)
            .await
            .map_err(|error| self.told(operation, error))?;
        let Reply { status, retry_after, body } = reply;
        let answer = envelope::answer(&body);
        // It was read, and may be large.
        drop(body);
        let answer = match answer {
            Ok(answer) => answer,
            Err(broken) if status == 200 => return Err(self.told(operation, unexpected(broken))),
            Err(_) => return Err(self.told(operation, classify_status(O::ABOUT, status, retry_after))),
        };
        // A server that is older than what was asked for says so, and some only in passing.
        if let Some(spoken) = answer.spoken {
            self.lower(spoken);
        }
        match answer.body {
            Body::Fault(refusal) => Ok(Err(refusal)),
            Body::Response(element) => {
                // Some refuse a version for each item instead of as a fault.
                let version_refused = crate::op::messages(&element).find_map(|message| match message {
                    Err(refusal) if asks_for_older(&refusal.code) => Some(refusal),
                    _ => None,
                });
                if let Some(refusal) = version_refused {
                    return Ok(Err(refusal));
                }
                match operation.read(&element) {
                    Some(answer) => Ok(Ok(answer)),
                    None => Err(self.told(operation, unexpected(format!("no answer to {}", O::NAME)))),
                }
            }
        }
    }

    fn told<O: Operation>(&self, _: &O, error: Error) -> Error {
        // A service account that is refused is refused for everybody: the mailbox has no part in it.
        let login = match error.code() {
            Code::SignInRefused if !self.transport.login().is_empty() => self.transport.login(),
            _ => &self.mailbox,
        };
        let error = error.with("host", self.transport.host()).with("login", login);
        error.with("command", O::NAME).with("service", "ews")
    }
}

fn unexpected(detail: impl ToString) -> Error {
    Error::new(Code::AnswerUnexpected, Scope::Server, Retry::Soon).with("answer", detail)
}
