//! One connection: reads commands, sees to it that they fit the state, and answers them.

use super::args::{Args, Bad};
use super::command;
use super::manners::{Manners, Reply, Spoken};
use super::selected::Selected;
use super::store::Mailbox;
use super::switches::{Extensions, Reaction, Switches};
use super::wire::{Input, Output, Part};
use super::{Lab, names};
use parom_domain::FolderPath;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpStream;

/// How a command ends: the text behind `OK`.
pub(crate) type Answer = Result<String, Failure>;

/// How a command fails.
pub(crate) enum Failure {
    No(String),
    Bad(String),
    /// The server says good-bye with this text.
    Bye(String),
    /// The connection ends without a word.
    Drop,
}

impl From<Bad> for Failure {
    fn from(text: Bad) -> Failure {
        Failure::Bad(text)
    }
}

impl From<&str> for Failure {
    fn from(text: &str) -> Failure {
        Failure::No(text.to_owned())
    }
}

impl From<io::Error> for Failure {
    fn from(_: io::Error) -> Failure {
        Failure::Drop
    }
}

pub(super) struct Session {
    pub lab: Arc<Lab>,
    pub manners: Box<dyn Manners>,
    pub input: Input,
    pub out: Output,
    pub user: Option<User>,
    pub selected: Option<Selected>,
    pub enabled: Enabled,
    /// The mailbox that the command names last, as the client spells it.
    pub named: String,
    /// LOGOUT was given.
    pub over: bool,
}

/// Who has signed in.
pub(crate) struct User {
    pub mailbox: Arc<Mailbox>,
    _slot: Slot,
}

impl User {
    pub fn new(mailbox: Arc<Mailbox>, slot: Slot) -> User {
        User { mailbox, _slot: slot }
    }
}

/// One of the connections that an account may have.
pub(crate) struct Slot(Arc<AtomicUsize>);

impl Slot {
    /// `None` when there are `limit` already.
    pub fn take(connections: &Arc<AtomicUsize>, limit: Option<usize>) -> Option<Slot> {
        let taken = connections.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| {
            (limit.is_none_or(|limit| now < limit)).then_some(now + 1)
        });
        taken.ok().map(|_| Slot(Arc::clone(connections)))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What the client has asked for, by ENABLE or by using it.
#[derive(Clone, Copy, Default)]
pub(super) struct Enabled {
    pub condstore: bool,
    pub qresync: bool,
    pub utf8: bool,
}

pub(super) async fn serve(stream: TcpStream, lab: Arc<Lab>, manners: Box<dyn Manners>) {
    let (read, write) = stream.into_split();
    let mut session = Session {
        input: Input::new(read),
        out: Output::new(write),
        user: None,
        selected: None,
        enabled: Enabled::default(),
        named: String::new(),
        over: false,
        lab,
        manners,
    };
    let capability = session.capability();
    let greeting = session.manners.greeting(&capability);
    session.out.line(&format!("* {greeting}"));
    while !session.over {
        // A client that went away needs no answer.
        if session.one().await.is_err() {
            return;
        }
    }
    let _ = session.out.flush().await;
}

impl Session {
    /// Reads and answers one command. The error ends the connection.
    async fn one(&mut self) -> Result<(), Failure> {
        let lab = Arc::clone(&self.lab);
        let check = |parts: &[Part], len, waits| refuse_literal(&lab.switches(), parts, len, waits);
        let patience = self.manners.limits().patience;
        let reading = self.input.command(&mut self.out, check);
        let command = match patience {
            None => reading.await?,
            Some(patience) => match tokio::time::timeout(patience, reading).await {
                Ok(command) => command?,
                Err(_) => {
                    self.out.line(&format!("* BYE {}", self.manners.weary()));
                    self.over = true;
                    return Ok(());
                }
            },
        };
        let command = command.ok_or(Failure::Drop)?;
        let too_long = command.text_bytes() > self.manners.limits().command_bytes;
        let mut args = Args::new(command.parts);
        let Ok(tag) = tag(&mut args) else {
            self.out.line("* BAD this is no command");
            return Ok(());
        };
        let mut name = args.word().unwrap_or_default();
        if name == "UID" && args.eat(b' ') {
            name = format!("UID {}", args.word().unwrap_or_default());
        }
        self.lab.count(&name);
        self.named.clear();
        let refusal = command.refusal.or(too_long.then(|| Failure::Bad("this command is too long".to_owned())));
        if let Some(refusal) = refusal {
            return self.reply(&tag, &name, Err(refusal), false).await;
        }
        let spoken = Spoken { command: &name, mailbox: "", scripted: false };
        if let Err(refusal) = self.manners.before(&spoken) {
            return self.reply(&tag, &name, Err(refusal), false).await;
        }
        let scripted = self.lab.switches().scripted(&name);
        let answer = match &scripted {
            Some(Reaction::No(text)) => Err(Failure::No(text.clone())),
            Some(Reaction::Bad(text)) => Err(Failure::Bad(text.clone())),
            Some(Reaction::Bye(text)) => Err(Failure::Bye(text.clone())),
            Some(Reaction::Disconnect) => return Err(Failure::Drop),
            Some(Reaction::DisconnectAfter | Reaction::NoAfter(_)) | None => {
                command::run(self, &tag, &name, args).await
            }
        };
        let answer = match &scripted {
            Some(Reaction::DisconnectAfter) => {
                self.out.forget();
                return Err(Failure::Drop);
            }
            Some(Reaction::NoAfter(text)) => Err(Failure::No(text.clone())),
            _ => answer,
        };
        let is_scripted = !matches!(scripted, None | Some(Reaction::DisconnectAfter));
        self.reply(&tag, &name, answer, is_scripted).await
    }

    /// Ends a command in the product's words.
    async fn reply(&mut self, tag: &str, name: &str, answer: Answer, scripted: bool) -> Result<(), Failure> {
        let spoken = Spoken { command: name, mailbox: &self.named, scripted };
        let Reply { answer, bye } = self.manners.after(&spoken, answer);
        match answer {
            Ok(text) => self.out.line(&format!("{tag} OK {text}")),
            Err(Failure::No(text)) => self.out.line(&format!("{tag} NO {text}")),
            Err(Failure::Bad(text)) => self.out.line(&format!("{tag} BAD {text}")),
            Err(Failure::Bye(text)) => {
                self.out.line(&format!("* BYE {text}"));
                self.over = true;
            }
            Err(Failure::Drop) => {
                // What was said before is still heard.
                self.out.flush().await?;
                return Err(Failure::Drop);
            }
        }
        if let Some(bye) = bye {
            self.out.line(&format!("* BYE {bye}"));
            self.over = true;
        }
        self.out.ease().await?;
        Ok(())
    }

    pub fn extensions(&self) -> Extensions {
        self.lab.switches().extensions
    }

    pub fn mailbox(&self) -> Result<Arc<Mailbox>, Failure> {
        let user = self.user.as_ref().ok_or_else(|| Failure::Bad("sign in first".to_owned()))?;
        Ok(Arc::clone(&user.mailbox))
    }

    pub fn selected(&mut self) -> Result<&mut Selected, Failure> {
        self.selected.as_mut().ok_or_else(|| Failure::Bad("select a mailbox first".to_owned()))
    }

    /// The selected mailbox, if it may be changed.
    pub fn writable(&mut self) -> Result<&mut Selected, Failure> {
        let selected = self.selected()?;
        if selected.read_only { Err("[READ-ONLY] this mailbox was only examined".into()) } else { Ok(selected) }
    }

    /// A mailbox argument that must be able to exist.
    pub fn path(&mut self, args: &mut Args) -> Result<FolderPath, Failure> {
        let path = args.mailbox(self.lab.delimiter, self.enabled.utf8)?;
        let path = path.ok_or("[CANNOT] invalid mailbox name")?;
        self.named = names::name(&path, self.lab.delimiter);
        let Some(user) = &self.user else { return Ok(path) };
        Ok(self.manners.resolve(path, &user.mailbox.lock()))
    }

    /// A folder's name as it is sent.
    pub fn wire_name(&self, path: &FolderPath) -> String {
        self.manners.spelled(names::quoted(&names::name(path, self.lab.delimiter), self.enabled.utf8))
    }

    /// The capabilities now.
    pub fn capability(&self) -> String {
        let switches = self.lab.switches();
        let on = switches.extensions;
        let signed_in = self.user.is_some();
        let names = [
            (true, "IMAP4rev1"),
            (on.literal_plus, "LITERAL+"),
            (on.sasl_ir, "SASL-IR"),
            (!signed_in, "AUTH=PLAIN"),
            (on.id, "ID"),
            (on.enable, "ENABLE"),
            (on.idle, "IDLE"),
            (true, "CHILDREN"),
            (on.namespace, "NAMESPACE"),
            (on.uidplus, "UIDPLUS"),
            (on.r#move, "MOVE"),
            (on.multiappend, "MULTIAPPEND"),
            (on.condstore, "CONDSTORE"),
            (on.qresync && on.condstore && on.enable, "QRESYNC"),
            (on.esearch, "ESEARCH"),
            (on.unselect, "UNSELECT"),
            (on.list_extended, "LIST-EXTENDED"),
            (on.list_status && on.list_extended, "LIST-STATUS"),
            (on.special_use, "SPECIAL-USE"),
            (on.special_use, "CREATE-SPECIAL-USE"),
            (on.object_id, "OBJECTID"),
            (on.utf8 && on.enable, "UTF8=ACCEPT"),
        ];
        let mut line: Vec<String> = names.iter().filter(|(on, _)| *on).map(|(_, name)| (*name).to_owned()).collect();
        if let Some(limit) = switches.append_limit.filter(|_| switches.tells_append_limit) {
            line.push(format!("APPENDLIMIT={limit}"));
        }
        self.manners.capability(&line, signed_in)
    }
}

fn tag(args: &mut Args) -> Result<String, Bad> {
    let tag = args.astring_utf8()?;
    args.space()?;
    Ok(tag)
}

/// May this literal come? The answer is why it may not.
fn refuse_literal(switches: &Switches, parts: &[Part], len: u64, waits: bool) -> Option<Failure> {
    if !waits && !switches.extensions.literal_plus {
        return Some(Failure::Bad("LITERAL+ is not offered".to_owned()));
    }
    let Some(Part::Text(first)) = parts.first() else { return None };
    let appends = first.split(|byte| *byte == b' ').nth(1).is_some_and(|name| name.eq_ignore_ascii_case(b"APPEND"));
    // The name of the mailbox may be a literal too; its size does no harm here.
    let limit = switches.append_limit.filter(|limit| appends && len > *limit);
    limit.map(|limit| Failure::No(format!("[TOOBIG] messages may have up to {limit} bytes")))
}
