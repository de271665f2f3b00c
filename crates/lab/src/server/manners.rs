//! What a product does its own way: the questions that the protocol engine asks while it serves a connection.
//!
//! Every answer that is given here is the plain server's. A product with manners of its own overrides what it does
//! otherwise, and the engine stays free of product names.

use super::Lab;
use super::command::sign_in;
use super::session::{Answer, Failure, User};
use super::store::{Flags, Folder, Message, Refused, Store};
use bytes::Bytes;
use parom_domain::FolderPath;
use std::time::Duration;

/// Gives each connection its manners. `door` is the name of the listener at which it came in.
pub(crate) trait Product: Send + Sync {
    fn receive(&self, door: &str) -> Box<dyn Manners>;
}

/// The plain server.
pub(crate) struct Plain;

impl Manners for Plain {}

impl Product for Plain {
    fn receive(&self, _: &str) -> Box<dyn Manners> {
        Box::new(Plain)
    }
}

/// What a connection may cost.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// A command without its literals.
    pub command_bytes: usize,
    /// How long a client may be silent.
    pub patience: Option<Duration>,
}

/// What a client says to prove who it is.
pub(crate) struct Claim<'a> {
    pub mechanism: &'a str,
    pub authzid: &'a str,
    pub user: &'a str,
    /// Does what was said prove that this password is known?
    pub proves: &'a (dyn Fn(&str) -> bool + Sync),
}

/// What was said: a command and the mailbox that it named last.
pub(crate) struct Spoken<'a> {
    pub command: &'a str,
    pub mailbox: &'a str,
    /// A test has written the answer, word for word.
    pub scripted: bool,
}

/// How the engine ends a command.
pub(crate) struct Reply {
    pub answer: Answer,
    /// The connection ends with this good-bye.
    pub bye: Option<String>,
}

/// What SELECT tells.
pub(crate) struct Opening {
    pub exists: usize,
    pub last_uid: u32,
    pub first_unseen: Option<usize>,
    pub validity: u32,
    pub uidnext: u32,
    /// As on the wire.
    pub flags: String,
    pub permanent: String,
}

/// What a FETCH asks of one message.
pub(crate) struct Asked<'a> {
    /// The class of the folder.
    pub class: &'a str,
    pub body: bool,
    /// Some body is asked for without PEEK.
    pub reads: bool,
    pub size: bool,
    /// There is more in it than UID and FLAGS.
    pub wide: bool,
}

/// How a message shows itself.
pub(crate) enum Shown {
    /// The answer goes on as if it were not there.
    Not,
    As {
        bytes: Bytes,
        /// RFC822.SIZE.
        size: u64,
    },
}

/// What a STORE is about to do.
pub(crate) struct Storing<'a> {
    pub by_uid: bool,
    pub silent: bool,
    pub replaces: bool,
    pub names: &'a [String],
}

/// What a SEARCH asks for, as far as products differ about it.
pub(crate) struct Sought<'a> {
    pub keywords: Vec<&'a str>,
}

pub(crate) trait Manners: Send {
    // The connection.

    /// What stands behind the star of the first line.
    fn greeting(&self, capability: &str) -> String {
        format!("OK [CAPABILITY {capability}] Parom lab ready.")
    }

    fn capability(&self, offered: &[String], _signed_in: bool) -> String {
        offered.join(" ")
    }

    fn id(&self) -> String {
        "(\"name\" \"Parom lab\")".to_owned()
    }

    fn limits(&self) -> Limits {
        Limits { command_bytes: usize::MAX, patience: None }
    }

    /// The good-bye to a client that was silent for too long.
    fn weary(&self) -> String {
        "you were silent for too long".to_owned()
    }

    /// The good-bye at LOGOUT; with `None` no answer comes at all, and the connection stays open.
    fn farewell(&self) -> Option<String> {
        Some("good-bye".to_owned())
    }

    /// Can one sign in by this SASL mechanism?
    fn offers(&self, mechanism: &str) -> bool {
        mechanism == "PLAIN"
    }

    /// The challenge to a client that has begun with these bytes; for NTLM.
    fn challenge(&mut self, _negotiate: &[u8]) -> Result<Vec<u8>, Failure> {
        Err("this mechanism has no challenge".into())
    }

    /// Looks at the answer to the challenge; as `sign_in`.
    fn answered(&mut self, _lab: &Lab, _answer: &[u8]) -> Result<Option<User>, Failure> {
        Err("there was no challenge".into())
    }

    /// `None` for one who is let in and finds no mailbox.
    fn sign_in(&mut self, lab: &Lab, claim: &Claim) -> Result<Option<User>, Failure> {
        sign_in::plainly(lab, claim).map(Some)
    }

    /// May this command be looked at?
    fn before(&mut self, _spoken: &Spoken) -> Result<(), Failure> {
        Ok(())
    }

    /// The good-bye to one who cannot be served any longer, whatever he is doing.
    fn interrupted(&self) -> Option<String> {
        None
    }

    /// The answer in the product's words.
    fn after(&mut self, _spoken: &Spoken, answer: Answer) -> Reply {
        Reply { answer, bye: None }
    }

    // Folders.

    /// The folder that is meant by a name.
    fn resolve(&self, path: FolderPath, _store: &Store) -> FolderPath {
        path
    }

    /// What LIST tells of the root, given the delimiter as it stands inside quotes.
    fn root(&self, delimiter: &str) -> String {
        format!("(\\Noselect) \"{delimiter}\" \"\"")
    }

    /// A name as LIST spells it, given as a quoted string.
    fn spelled(&self, quoted: String) -> String {
        quoted
    }

    /// Is the folder told of in listings?
    fn lists(&self, _path: &FolderPath, _folder: Option<&Folder>) -> bool {
        true
    }

    /// Do listings say `\Marked` of folders with unread messages?
    fn marks_unread(&self) -> bool {
        false
    }

    /// May there be a folder of this name?
    fn may_name(&self, _path: &FolderPath) -> Result<(), Refused> {
        Ok(())
    }

    /// May this folder be opened?
    fn may_open(&self, _path: &FolderPath) -> Result<(), Failure> {
        Ok(())
    }

    /// What is told about a folder that is opened, without the stars.
    fn opening(&mut self, opening: &Opening) -> Vec<String> {
        let mut lines = vec![
            format!("FLAGS {}", opening.flags),
            format!("OK [PERMANENTFLAGS {}] kept", opening.permanent),
            format!("{} EXISTS", opening.exists),
            "0 RECENT".to_owned(),
        ];
        lines.extend(opening.first_unseen.map(|seq| format!("OK [UNSEEN {seq}] first unseen")));
        lines.push(format!("OK [UIDVALIDITY {}] valid", opening.validity));
        lines.push(format!("OK [UIDNEXT {}] next", opening.uidnext));
        lines
    }

    /// A further line, without its star, when messages have come in.
    fn news(&self, _exists: usize) -> Option<String> {
        None
    }

    // Messages.

    fn shown(&mut self, message: &Message, _asked: &Asked) -> Shown {
        Shown::As { bytes: message.bytes.clone(), size: message.bytes.len() as u64 }
    }

    /// The sequence number that FETCH tells.
    fn numbered(&self, seq: usize, _uid: u32) -> usize {
        seq
    }

    /// May this be appended? What is returned are warnings, told without their stars.
    fn appending(&mut self, _message: &mut Message, _flags: &[String]) -> Result<Vec<String>, Failure> {
        Ok(Vec::new())
    }

    /// May this be stored? What is returned are warnings, told without their stars.
    fn storing(&mut self, _storing: &Storing) -> Result<Vec<String>, Failure> {
        Ok(Vec::new())
    }

    /// A client has set these flags on a message, which had those of `before`.
    fn stored(&mut self, _before: &Flags, _message: &mut Message, _named: &Flags) {}

    /// Messages are gone for good by a client's command.
    fn removed(&mut self, _gone: &[Message]) {}

    /// Messages were moved by a client into a folder of this class.
    fn moved(&mut self, _moved: &mut [Message], _class: &str) {}

    /// Does MOVE work?
    fn may_move(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// After so many messages a COPY or MOVE breaks the connection.
    fn copies_at_most(&self) -> usize {
        usize::MAX
    }

    /// The COPYUID code for these sets, both empty where nothing was copied.
    fn copy_code(&self, validity: u32, old: &str, new: &str) -> Option<String> {
        (!old.is_empty()).then(|| format!("[COPYUID {validity} {old} {new}]"))
    }

    /// Does CHECK bring the index up to date?
    fn check_updates_index(&self) -> bool {
        false
    }

    fn charsets(&self) -> &'static [&'static str] {
        &["US-ASCII", "UTF-8"]
    }

    fn searching(&mut self, _sought: &Sought) -> Result<(), Failure> {
        Ok(())
    }

    /// Does a search by header find this message, which it should find?
    fn finds_by_header(&self, _uid: u32) -> bool {
        true
    }
}
