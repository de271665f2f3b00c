//! What opening a folder tells about it.

use crate::classify::{Answer, Request};
use crate::command::{Command, WireName};
use crate::connection::{Connection, Selected};
use crate::fetch;
use crate::pool::Lent;
use crate::response::{Condition, Response};
use crate::tokens::Token;
use parom_domain::endpoint::{Cursor, Holds};
use parom_domain::{Code, Error, Marks, Result, Retry, Scope};

/// The untagged data of a SELECT.
#[derive(Clone, Debug, Default)]
pub struct Opening {
    pub validity: Option<u32>,
    pub uidnext: u32,
    pub modseq: u64,
    pub exists: u32,
    flags: Marks,
    permanent: Option<(Marks, bool)>,
    read_only: bool,
}

impl Opening {
    pub fn note(&mut self, response: &Response<'_>) {
        if let Some((exists, _)) = response.numbered("EXISTS") {
            self.exists = exists;
        } else if let Some(mut flags) = response.data("FLAGS") {
            flags.open();
            self.flags = fetch::marks(flags);
        } else if let Response::Untagged(condition) = response {
            self.note_code(condition);
        }
    }

    fn note_code(&mut self, condition: &Condition<'_>) {
        let number = |name| condition.code_number(name);
        let short = |name| number(name).and_then(|value| u32::try_from(value).ok());
        if condition.code("CLOSED").is_some() {
            // What came before belonged to the folder that was open until now.
            *self = Opening::default();
        } else if let Some(validity) = short("UIDVALIDITY") {
            self.validity = Some(validity);
        } else if let Some(uidnext) = short("UIDNEXT") {
            self.uidnext = uidnext;
        } else if let Some(modseq) = number("HIGHESTMODSEQ") {
            self.modseq = modseq;
        } else if let Some(mut flags) = condition.code("PERMANENTFLAGS") {
            flags.open();
            let any = flags.clone().any(|token| token == Token::Atom(b"\\*"));
            self.permanent = Some((fetch::marks(flags), any));
        }
    }

    /// Notes the code of the tagged answer, `[READ-ONLY]` or `[READ-WRITE]`.
    pub fn note_answer(&mut self, answer: &Answer) {
        self.read_only = answer.has_code("READ-ONLY");
    }

    #[must_use]
    pub fn cursor(&self) -> Option<Cursor> {
        let Opening { validity, uidnext, modseq, exists, .. } = *self;
        validity.map(|validity| Cursor { validity, uidnext, modseq, exists })
    }

    /// The folder that this has opened.
    #[must_use]
    pub fn selected(&self, name: &WireName) -> Selected {
        let (validity, stood) = (self.validity.unwrap_or(0), self.cursor());
        Selected { name: name.clone(), validity, holds: self.holds(), stood }
    }

    /// The marks that stay. Without PERMANENTFLAGS all of FLAGS do (RFC 3501 section 6.3.1), and what must be told and
    /// is not says nothing against the usual flags.
    #[must_use]
    pub fn holds(&self) -> Holds {
        match &self.permanent {
            _ if self.read_only => Holds { marks: Marks::default(), any_keyword: false },
            Some((marks, any_keyword)) => Holds { marks: marks.clone(), any_keyword: *any_keyword },
            None if self.flags.is_empty() => Holds { marks: Marks::from_system(31), any_keyword: false },
            None => Holds { marks: self.flags.clone(), any_keyword: false },
        }
    }
}

/// The command that opens a folder.
#[must_use]
pub fn select(conn: &Connection, name: &WireName, parameters: &str) -> Command {
    let command = Command::new("SELECT", Request::Open).string(name, conn.literals());
    match parameters {
        // QRESYNC was enabled when signing in, and MODSEQs with it.
        "" if conn.ext.condstore && !conn.ext.qresync => command.raw("(CONDSTORE)"),
        "" => command,
        parameters => command.raw(parameters),
    }
}

/// Makes sure that `name` is open with the UIDVALIDITY that the caller believes in.
///
/// # Errors
/// `ValidityChanged`, `FolderGone`, `FolderCannotOpen`.
pub async fn ensure_open(conn: &mut Lent, name: &WireName, validity: u32) -> Result<()> {
    if let Some(selected) = conn.selected.as_mut().filter(|it| it.name == *name && it.validity == validity) {
        selected.stood = None;
        // The connection may not have looked for a while: without this, messages that came since would not be found,
        // and commands about them would silently do nothing.
        conn.push_silent(&Command::new("NOOP", Request::Account));
        return Ok(());
    }
    let mut opening = Opening::default();
    let command = select(conn, name, "");
    conn.selected = None;
    let mut note = |_, response: &Response<'_>| {
        opening.note(response);
        Ok(())
    };
    let answer = conn.done(command, &mut note).await?;
    opening.note_answer(&answer);
    let found = opening.validity.unwrap_or(0);
    conn.selected = Some(opening.selected(name));
    if found == validity { Ok(()) } else { Err(validity_changed(conn)) }
}

/// The folder is not the one that the caller knows.
#[must_use]
pub fn validity_changed(conn: &Connection) -> Error {
    Error::new(Code::ValidityChanged, Scope::Folder, Retry::Soon).with("host", &conn.host)
}
