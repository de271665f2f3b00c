//! One signed-in connection: pipelined commands, their answers, and what is selected.

use crate::capability::Capabilities;
use crate::classify::{Answer, Request, classify};
use crate::command::{Command, Literals, WireName};
use crate::framer::Frame;
use crate::quirks::{Extensions, Quirks};
use crate::response::{Response, Status};
use crate::tokens::Tokens;
use crate::wire::Wire;
use bytes::Bytes;
use parom_domain::endpoint::{Cursor, Holds};
use parom_domain::{Error, Result};
use parom_net::Secret;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Which way bodies travel on a connection. One that has read bodies never writes any, so that neither direction can
/// ever wait for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Out,
    In,
}

/// The folder that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    pub name: WireName,
    pub validity: u32,
    pub holds: Holds,
    /// Where it stood when it was opened, which was just now.
    pub stood: Option<Cursor>,
}

pub struct Connection {
    pub(crate) wire: Wire,
    pub host: Arc<str>,
    pub caps: Capabilities,
    pub quirks: Quirks,
    /// Extensions that are offered and allowed.
    pub ext: Extensions,
    pub selected: Option<Selected>,
    /// The server has a folder open here, whether or not `selected` still vouches for it.
    holds_folder: bool,
    pub direction: Option<Direction>,
    /// How long a question and its answer take at least: the sign-in, or ID and ENABLE, which need less work.
    pub round_trip: Duration,
    next_tag: u32,
    /// Answers are outstanding that somebody waits for. A connection that is dropped like this cannot be used again.
    busy: bool,
    /// Commands whose answers nobody waits for, and when they were given.
    silent: Vec<(u32, Instant)>,
    bye: Option<Answer>,
    /// Somebody is let in.
    pub signed_in: bool,
}

/// What `run` calls with each response that is not the end of a command: the number of the oldest unanswered command,
/// and the response.
pub type OnResponse<'a> = dyn FnMut(usize, &Response<'_>) -> Result<()> + Send + 'a;

impl Connection {
    pub(crate) fn new(wire: Wire, host: Arc<str>, quirks: Quirks) -> Connection {
        Connection {
            wire,
            host,
            caps: Capabilities::default(),
            quirks,
            ext: Extensions::none(),
            selected: None,
            holds_folder: false,
            direction: None,
            round_trip: Duration::ZERO,
            next_tag: 1,
            busy: false,
            silent: Vec::new(),
            bye: None,
            signed_in: false,
        }
    }

    /// Notes what the server can do.
    pub(crate) fn learn(&mut self, caps: Capabilities) {
        self.ext = Extensions::offered(&caps).and(self.quirks.extensions);
        // IMAP4rev2 (RFC 9051) has these without naming them one by one.
        if caps.has("IMAP4rev2") {
            let allowed = self.quirks.extensions;
            self.ext.enable |= allowed.enable;
            self.ext.esearch |= allowed.esearch;
            self.ext.list_extended |= allowed.list_extended;
            self.ext.list_status |= allowed.list_status;
            self.ext.move_messages |= allowed.move_messages;
            self.ext.namespace |= allowed.namespace;
            self.ext.special_use |= allowed.special_use;
            self.ext.uidplus |= allowed.uidplus;
            self.ext.unselect |= allowed.unselect;
            self.ext.literal_minus |= allowed.literal_minus;
            self.ext.sasl_ir |= allowed.sasl_ir;
        }
        // A server that insists on UTF-8 names is obeyed (RFC 6855 section 6).
        self.ext.utf8_accept |= caps.has("UTF8=ONLY");
        // QRESYNC includes CONDSTORE and needs ENABLE (RFC 7162 section 3.2.3).
        self.ext.condstore |= self.ext.qresync && self.quirks.extensions.condstore;
        self.ext.qresync &= self.ext.enable;
        self.caps = caps;
    }

    #[must_use]
    pub fn literals(&self) -> Literals {
        if self.ext.literal_plus {
            Literals::Plus
        } else if self.ext.literal_minus {
            Literals::Minus
        } else {
            Literals::Synchronising
        }
    }

    /// May the connection take another task?
    #[must_use]
    pub fn is_reusable(&self) -> bool {
        !self.busy && self.bye.is_none()
    }

    /// Marks the connection as one whose answers are awaited by somebody else than `run`, or no longer.
    pub(crate) fn set_busy(&mut self, busy: bool) {
        self.busy = busy;
    }

    /// Puts a command behind those that wait to be sent, and returns its tag. It must not wait for the server inside.
    pub(crate) fn push(&mut self, command: &Command) -> u32 {
        let tag = self.begin(command.name);
        command.parts().for_each(|part| self.wire.push(part));
        self.wire.push(b"\r\n");
        tag
    }

    /// Starts a command that the caller writes by itself.
    pub(crate) fn begin(&mut self, name: &'static str) -> u32 {
        let tag = self.next_tag;
        self.next_tag = self.next_tag.wrapping_add(1);
        self.wire.command = name;
        self.wire.push(format!("a{tag} ").as_bytes());
        match name {
            "SELECT" | "EXAMINE" => self.holds_folder = true,
            "UNSELECT" => self.holds_folder = false,
            _ => {}
        }
        tag
    }

    /// May the server have this folder open here?
    pub(crate) fn may_hold(&self, name: &WireName) -> bool {
        self.holds_folder && self.selected.as_ref().is_none_or(|selected| selected.name == *name)
    }

    /// Leaves the folder that is open. CLOSE would expunge; without UNSELECT (RFC 3691) the inbox is opened instead, which
    /// nobody renames or deletes, and read-only.
    ///
    /// # Errors
    /// As [`Connection::run`].
    pub(crate) async fn leave_folder(&mut self) -> Result<()> {
        self.selected = None;
        if self.ext.unselect {
            self.push_silent(&Command::new("UNSELECT", Request::Account));
            return Ok(());
        }
        let inbox = Command::new("EXAMINE", Request::Open).string(b"INBOX", self.literals());
        self.run(&[inbox], &mut ignore).await?;
        self.holds_folder = false;
        Ok(())
    }

    /// Sends a command along with the next one, and ignores its answer.
    pub(crate) fn push_silent(&mut self, command: &Command) {
        let tag = self.push(command);
        self.silent.push((tag, Instant::now()));
    }

    /// Waits for the next response that concerns somebody; [`Connection::current`] is its text.
    ///
    /// # Errors
    /// What [`Wire::next`] says, or why the server said BYE.
    pub(crate) async fn advance(&mut self) -> Result<()> {
        loop {
            match self.frame().await? {
                Frame::Response => {
                    if !self.is_swallowed()? {
                        return Ok(());
                    }
                }
                // Nobody has asked for this body.
                Frame::Body(_) => while self.wire.piece().await?.is_some() {},
            }
        }
    }

    /// The next frame, bodies included; only for the reader of bodies.
    pub(crate) async fn frame(&mut self) -> Result<Frame> {
        match self.wire.next().await {
            Ok(frame) => Ok(frame),
            Err(error) => Err(self.explained(error)),
        }
    }

    /// A connection that breaks after a BYE broke because of it.
    fn explained(&self, error: Error) -> Error {
        match &self.bye {
            Some(answer) => classify(if self.signed_in { Request::Account } else { Request::SignIn }, answer)
                .with("host", &self.host)
                .caused_by(error),
            None => error,
        }
    }

    /// Takes note of BYE and of answers that nobody waits for.
    pub(crate) fn is_swallowed(&mut self) -> Result<bool> {
        match parsed(&self.wire)? {
            Response::Untagged(condition) if condition.status == Status::Bye => {
                self.bye = Some(Answer::of(&condition));
                Ok(false)
            }
            Response::Data { kind, rest } if kind.eq_ignore_ascii_case(b"ID") => {
                let product = product(rest);
                tracing::debug!(host = %self.host, ?product, "the server tells what it is");
                Ok(true)
            }
            Response::Tagged(tag, condition) => {
                let Some(at) = self.silent.iter().position(|(silent, _)| *silent == tag) else { return Ok(false) };
                if condition.status != Status::Ok {
                    let answer = String::from_utf8_lossy(condition.text);
                    tracing::debug!(host = %self.host, %answer, "the server refused an optional command");
                }
                let (_, asked) = self.silent.swap_remove(at);
                self.round_trip = self.round_trip.min(asked.elapsed());
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// The response that `advance` has found.
    pub(crate) fn current(&self) -> Result<Response<'_>> {
        parsed(&self.wire)
    }

    /// Sends commands without waiting between them, and returns their answers in order. Untagged responses go to `on`.
    ///
    /// # Errors
    /// When the connection breaks or `on` gives up; it cannot be used any more then. A command that the server refuses
    /// is an answer, not an error.
    pub async fn run(&mut self, commands: &[Command], on: &mut OnResponse<'_>) -> Result<Vec<Answer>> {
        self.busy = true;
        let mut answers: Vec<Option<Answer>> = vec![None; commands.len()];
        let (mut tags, mut answered) = (Vec::with_capacity(commands.len()), 0usize);
        // The parts of the last command that wait for the server's `+`.
        let mut waiting: Option<std::vec::IntoIter<Bytes>> = None;
        while answered < commands.len() {
            while waiting.is_none()
                && tags.len() - answered < self.quirks.depth
                && let Some(command) = commands.get(tags.len())
            {
                let mut parts = command.parts();
                let first = parts.next().unwrap_or_default();
                let rest: Vec<Bytes> = parts.map(Bytes::copy_from_slice).collect();
                tags.push(self.begin(command.name));
                self.wire.push(first);
                if rest.is_empty() {
                    self.wire.push(b"\r\n");
                } else {
                    waiting = Some(rest.into_iter());
                }
            }
            let oldest = answers.iter().position(Option::is_none).unwrap_or_default();
            self.wire.command = commands.get(oldest).map_or("", |command| command.name);
            self.advance().await?;
            match parsed(&self.wire)? {
                Response::Tagged(tag, condition) => {
                    let at = tags.iter().position(|sent| *sent == tag);
                    let Some(slot) = at.and_then(|at| answers.get_mut(at)).filter(|slot| slot.is_none()) else {
                        return Err(self.wire.nonsense("an answer to a command that was not sent"));
                    };
                    *slot = Some(Answer::of(&condition));
                    answered += 1;
                    if at.is_some_and(|at| at + 1 == tags.len()) {
                        // The server refused the literal; the rest of the command is not sent.
                        waiting = None;
                    }
                }
                Response::Continue(_) => {
                    if let Some(parts) = &mut waiting {
                        self.wire.push(&parts.next().unwrap_or_default());
                        if parts.len() == 0 {
                            self.wire.push(b"\r\n");
                            waiting = None;
                        }
                    } else if commands.get(oldest).is_some_and(|command| command.request == Request::SignIn) {
                        // A SASL exchange that failed: the server wants an empty line before it says so (XOAUTH2).
                        self.wire.push(b"\r\n");
                    }
                }
                response => on(oldest, &response)?,
            }
        }
        self.busy = false;
        Ok(answers.into_iter().flatten().collect())
    }

    /// Sends the first command of a SASL exchange and gives `respond`'s line for each challenge of the server.
    ///
    /// # Errors
    /// As [`Connection::run`], and `ProtocolError` where `respond` knows no answer. The connection is of no use then.
    pub(crate) async fn converse(
        &mut self,
        command: &Command,
        respond: &mut (dyn FnMut(&[u8]) -> Option<Secret> + Send),
        on: &mut OnResponse<'_>,
    ) -> Result<Answer> {
        self.busy = true;
        let sent = self.push(command);
        loop {
            self.advance().await?;
            match parsed(&self.wire)? {
                Response::Tagged(tag, condition) if tag == sent => {
                    let answer = Answer::of(&condition);
                    self.busy = false;
                    return Ok(answer);
                }
                Response::Tagged(..) => return Err(self.wire.nonsense("an answer to a command that was not sent")),
                Response::Continue(challenge) => {
                    let line = respond(challenge);
                    let line = line.ok_or_else(|| self.wire.nonsense("a challenge that cannot be understood"))?;
                    self.wire.push(line.expose());
                    self.wire.push(b"\r\n");
                }
                response => on(0, &response)?,
            }
        }
    }

    /// Sends one command and wants it done.
    ///
    /// # Errors
    /// What `classify` makes of a refusal.
    pub async fn done(&mut self, command: Command, on: &mut OnResponse<'_>) -> Result<Answer> {
        let request = command.request;
        let answers = self.run(&[command], on).await?;
        self.checked(request, answers.into_iter().next())
    }

    /// The answer if it is OK.
    pub(crate) fn checked(&self, request: Request, answer: Option<Answer>) -> Result<Answer> {
        match answer {
            Some(answer) if answer.is_ok() => Ok(answer),
            Some(answer) => Err(classify(request, &answer).with("host", &self.host)),
            None => Err(Error::internal("a command without an answer")),
        }
    }

    /// Says good-bye without waiting for the answer: some servers never give one.
    pub async fn log_out(mut self) {
        if !self.busy && self.bye.is_none() {
            self.begin("LOGOUT");
            self.wire.push(b"LOGOUT\r\n");
            self.wire.part().await;
        }
    }
}

/// The name and version in an answer to ID (RFC 2971).
fn product(mut fields: Tokens<'_>) -> Vec<String> {
    fields.open();
    let mut product = Vec::new();
    while let (Some(key), Some(value)) = (fields.next(), fields.next()) {
        let key = key.string().unwrap_or_default();
        if key.eq_ignore_ascii_case(b"name") || key.eq_ignore_ascii_case(b"version") {
            product.extend(value.string().map(|value| String::from_utf8_lossy(&value).into_owned()));
        }
    }
    product
}

fn parsed(wire: &Wire) -> Result<Response<'_>> {
    Response::parse(wire.response()).ok_or_else(|| wire.nonsense("a line that is no response"))
}

/// For commands whose untagged responses are of no interest.
pub(crate) fn ignore(_: usize, _: &Response<'_>) -> Result<()> {
    Ok(())
}
