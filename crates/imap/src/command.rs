//! Writes commands: atoms, strings in the form the server takes, and where a literal must wait for it.

use crate::classify::Request;
use bytes::Bytes;

/// Which literals may be sent without asking first (RFC 7888).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Literals {
    /// Each one waits for the server's `+`.
    Synchronising,
    /// `LITERAL-`: up to 4096 bytes need no wait.
    Minus,
    /// `LITERAL+`: none waits.
    Plus,
}

impl Literals {
    /// Must a literal of so many bytes wait for the server?
    #[must_use]
    pub fn waits(self, length: u64) -> bool {
        match self {
            Literals::Synchronising => true,
            Literals::Minus => length > 4096,
            Literals::Plus => false,
        }
    }

    /// The announcement: `{12}` or `{12+}` with its line end.
    #[must_use]
    pub fn announce(self, length: u64) -> String {
        let plus = if self.waits(length) { "" } else { "+" };
        format!("{{{length}{plus}}}\r\n")
    }
}

/// The name of a mailbox as the server spells it.
pub type WireName = Bytes;

/// A command without its tag and its line end.
#[derive(Clone, Debug)]
pub struct Command {
    /// For messages about it; the text may hold secrets.
    pub name: &'static str,
    pub request: Request,
    text: Vec<u8>,
    /// Where the text stops until the server says `+`.
    waits: Vec<usize>,
}

impl Command {
    #[must_use]
    pub fn new(name: &'static str, request: Request) -> Command {
        Command { name, request, text: name.as_bytes().to_vec(), waits: Vec::new() }
    }

    /// Adds words as they are, behind a space.
    #[must_use]
    pub fn raw(mut self, words: &str) -> Command {
        self.text.push(b' ');
        self.text.extend_from_slice(words.as_bytes());
        self
    }

    /// Adds a string behind a space: quoted where that can hold it, else as a literal.
    #[must_use]
    pub fn string(mut self, value: &[u8], literals: Literals) -> Command {
        self.text.push(b' ');
        if value.iter().all(|byte| (b' '..=b'~').contains(byte)) {
            self.text.push(b'"');
            for byte in value {
                if matches!(byte, b'"' | b'\\') {
                    self.text.push(b'\\');
                }
                self.text.push(*byte);
            }
            self.text.push(b'"');
        } else {
            self.text.extend_from_slice(literals.announce(value.len() as u64).as_bytes());
            if literals.waits(value.len() as u64) {
                self.waits.push(self.text.len());
            }
            self.text.extend_from_slice(value);
        }
        self
    }

    /// Adds one line that is sent only after the server's `+`: the answer of a SASL exchange.
    #[must_use]
    pub fn after_wait(mut self, line: &[u8]) -> Command {
        self.text.extend_from_slice(b"\r\n");
        self.waits.push(self.text.len());
        self.text.extend_from_slice(line);
        self
    }

    /// The parts between the waits, the last one ending the command.
    pub fn parts(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.waits.iter().copied());
        let ends = self.waits.iter().copied().chain([self.text.len()]);
        starts.zip(ends).map(|(start, end)| self.text.get(start..end).unwrap_or_default())
    }
}

impl Drop for Command {
    fn drop(&mut self) {
        // A LOGIN holds a password.
        if self.request == Request::SignIn {
            self.text.fill(0);
            std::hint::black_box(&self.text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use imap_codec::CommandCodec;
    use imap_codec::decode::Decoder;
    use imap_codec::imap_types::command::CommandBody;
    use imap_codec::imap_types::mailbox::Mailbox;
    use proptest::prelude::*;

    fn wire(command: &Command) -> Vec<u8> {
        let mut wire = b"a1 ".to_vec();
        command.parts().for_each(|part| wire.extend_from_slice(part));
        wire.extend_from_slice(b"\r\n");
        wire
    }

    #[test]
    fn a_synchronising_literal_cuts_the_command() {
        let name = "é".as_bytes();
        let parts = |literals| {
            let command = Command::new("SELECT", Request::Open).string(name, literals).raw("(CONDSTORE)");
            command.parts().map(<[u8]>::to_vec).collect::<Vec<_>>()
        };
        assert_eq!(parts(Literals::Synchronising), [b"SELECT {2}\r\n".to_vec(), "é (CONDSTORE)".as_bytes().to_vec()]);
        assert_eq!(parts(Literals::Plus), ["SELECT {2+}\r\né (CONDSTORE)".as_bytes().to_vec()]);
        assert!(Literals::Minus.waits(4097) && !Literals::Minus.waits(4096));
    }

    proptest! {
        #[test]
        fn imap_codec_reads_the_mailbox_that_was_meant(name in proptest::collection::vec(1u8.., 1..40)) {
            prop_assume!(!name.eq_ignore_ascii_case(b"INBOX"));
            let command = Command::new("SELECT", Request::Open).string(&name, Literals::Plus);
            let wire = wire(&command);
            let (rest, oracle) = CommandCodec::default().decode(&wire).unwrap();
            prop_assert!(rest.is_empty());
            let CommandBody::Select { mailbox: Mailbox::Other(mailbox), .. } = oracle.body else { panic!("not a SELECT") };
            prop_assert_eq!(mailbox.inner().as_ref(), name.as_slice());
        }
    }

    #[test]
    fn imap_codec_accepts_what_the_endpoint_sends() {
        let open = |name| Command::new(name, Request::Open).string(b"a \"b\\", Literals::Plus);
        for command in [
            open("SELECT").raw("(QRESYNC (1 2))"),
            open("SELECT").raw("(CONDSTORE)"),
            open("STATUS").raw("(UIDVALIDITY UIDNEXT MESSAGES HIGHESTMODSEQ)"),
            open("CREATE"),
            open("DELETE"),
            open("SUBSCRIBE"),
            open("RENAME").string(b"c", Literals::Plus),
            Command::new("UID FETCH", Request::Read).raw("1:4,7 (UID FLAGS INTERNALDATE BODY.PEEK[])"),
            Command::new("UID FETCH", Request::Read).raw("1:* (UID FLAGS) (CHANGEDSINCE 12)"),
            Command::new("UID FETCH", Request::Read)
                .raw("7:* (UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (Message-ID Date From Subject Received)])"),
            Command::new("UID STORE", Request::Change).raw("1:4 +FLAGS.SILENT (\\Seen $x)"),
            Command::new("UID MOVE", Request::Change).raw("1:4").string(b"x", Literals::Plus),
            Command::new("UID COPY", Request::Change).raw("1:4").string(b"x", Literals::Plus),
            Command::new("UID EXPUNGE", Request::Change).raw("1:4"),
            Command::new("UID SEARCH", Request::Read).raw("ALL"),
            Command::new("ENABLE", Request::Account).raw("QRESYNC"),
            Command::new("LIST", Request::Account).raw("\"\" \"*\""),
        ] {
            let wire = wire(&command);
            let result = CommandCodec::default().decode(&wire);
            assert!(matches!(result, Ok((b"", _))), "{}: {result:?}", String::from_utf8_lossy(&wire));
        }
    }
}
