//! Requests of one circle: all go to the server that the first one went to.

use super::Guest;
use crate::classify::{About, asks_for_older, classify_status};
use crate::envelope::{self, Body, Refusal};
use crate::hanging::{Documents, Hanging, Hung};
use crate::op::Operation;
use crate::version::Version;
use bytes::Bytes;
use parom_domain::{Code, Error, Result, Retry, Scope};
use std::sync::Arc;
use std::time::Duration;

/// By which a server is found again: of 2013 and later, and of 2010.
const AFFINITY: [&str; 2] = ["X-BackEndOverrideCookie", "exchangecookie"];
/// For answers that are not meant to last.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Asker<T> {
    transport: Arc<T>,
    pub version: Version,
    /// The mailbox by whose server all requests go.
    pub anchor: String,
    cookies: Vec<(String, String)>,
}

/// An answer that goes on.
pub struct Stream {
    hung: Hung,
    documents: Documents,
    host: String,
}

impl<T: Hanging> Asker<T> {
    pub fn new(first: &Guest<T>, version: Version) -> Asker<T> {
        let anchor = first.mailbox.clone();
        Asker { transport: first.transport.clone(), version, anchor, cookies: Vec::new() }
    }

    /// Finds its server anew, by this mailbox.
    pub fn anchor_at(&mut self, mailbox: &str) {
        mailbox.clone_into(&mut self.anchor);
        self.cookies.clear();
    }

    /// Asks in the newest version that is understood. The inner error is the server's refusal.
    pub async fn ask<O: Operation>(
        &mut self,
        operation: &O,
        impersonated: Option<&str>,
    ) -> Result<Result<O::Answer, Refusal>> {
        loop {
            let mut stream = self.open(operation, impersonated, PATIENCE).await?;
            let Some(document) = stream.next().await? else { return Err(self.unexpected("an empty answer")) };
            let refusal = match self.read(operation, &document)? {
                Ok(answer) => return Ok(Ok(answer)),
                Err(refusal) => refusal,
            };
            match self.version.older().filter(|_| asks_for_older(&refusal.code)) {
                Some(older) => self.version = older,
                None => return Ok(Err(refusal)),
            }
        }
    }

    /// Asks for an answer that goes on.
    pub async fn open<O: Operation>(
        &mut self,
        operation: &O,
        impersonated: Option<&str>,
        patience: Duration,
    ) -> Result<Stream> {
        let version = self.version;
        let request = envelope::request(version, impersonated, |out| operation.write(out, version));
        let mut headers = vec![
            ("Content-Type", "text/xml; charset=utf-8".to_owned()),
            ("Accept", "text/xml".to_owned()),
            ("X-AnchorMailbox", self.anchor.clone()),
            ("X-PreferServerAffinity", "true".to_owned()),
        ];
        if !self.cookies.is_empty() {
            let all: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            headers.push(("Cookie", all.join("; ")));
        }
        let hung = self.transport.hang(&headers, request.into(), patience).await?;
        for (name, value) in &hung.cookies {
            if AFFINITY.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                self.cookies.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
                self.cookies.push((name.clone(), value.clone()));
            }
        }
        Ok(Stream { hung, documents: Documents::default(), host: self.transport.host().to_owned() })
    }

    /// Takes one document apart.
    pub fn read<O: Operation>(&mut self, operation: &O, document: &[u8]) -> Result<Result<O::Answer, Refusal>> {
        let answer = envelope::answer(document).map_err(|broken| self.unexpected(&broken.to_string()))?;
        if let Some(spoken) = answer.spoken {
            self.version = self.version.min(spoken);
        }
        match answer.body {
            Body::Fault(refusal) => Ok(Err(refusal)),
            Body::Response(element) => match operation.read(&element) {
                Some(answer) => Ok(Ok(answer)),
                None => Err(self.unexpected(&format!("no answer to {}", O::NAME))),
            },
        }
    }

    pub fn unexpected(&self, answer: &str) -> Error {
        let error = Error::new(Code::AnswerUnexpected, Scope::Account, Retry::Soon);
        error.with("host", self.transport.host()).with("answer", answer)
    }
}

impl Stream {
    /// The next document; `None` at the end.
    ///
    /// # Errors
    /// What ended the answer otherwise, and every status that is explained by no document.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        let too_large = |broken: crate::xml::Broken| {
            Error::new(Code::AnswerUnexpected, Scope::Account, Retry::Soon).with("answer", broken)
        };
        loop {
            if let Some(document) = self.documents.take_whole().map_err(too_large)? {
                return Ok(Some(document));
            }
            match self.hung.pieces.next().await? {
                Some(piece) => self.documents.add(&piece),
                None if self.hung.status == 200 => return Ok(None),
                None => {
                    let error = classify_status(About::Account, self.hung.status, self.hung.retry_after);
                    return Err(error.with("host", &self.host));
                }
            }
        }
    }
}
