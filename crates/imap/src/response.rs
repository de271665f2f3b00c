//! What the server says, one response at a time, as borrowed pieces of its text.

use crate::tokens::{Token, Tokens, number};
use parom_domain::{Uid, UidSet};

/// The word that begins a status response (RFC 3501 section 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Ok,
    No,
    Bad,
    Bye,
    Preauth,
}

/// A status response without its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition<'a> {
    pub status: Status,
    /// What the brackets hold: `UIDVALIDITY 3857529045`; empty without a response code.
    pub code: &'a [u8],
    pub text: &'a [u8],
}

/// One response.
#[derive(Clone, Copy, Debug)]
pub enum Response<'a> {
    /// The end of the command with this number (tags are `a` and a number).
    Tagged(u32, Condition<'a>),
    /// An untagged status response.
    Untagged(Condition<'a>),
    /// The server is ready for the rest of a command.
    Continue(&'a [u8]),
    /// `* 12 FETCH (...)`: data about a message, or a number of messages.
    Numbered { number: u32, kind: &'a [u8], rest: Tokens<'a> },
    /// `* LIST ...` and all other data, known or not.
    Data { kind: &'a [u8], rest: Tokens<'a> },
}

impl<'a> Response<'a> {
    /// `None` for a line that is no response at all: then the stream is out of step and nothing more can be believed.
    #[must_use]
    pub fn parse(text: &'a [u8]) -> Option<Response<'a>> {
        if let Some(text) = text.strip_prefix(b"+") {
            return Some(Response::Continue(text.strip_prefix(b" ").unwrap_or(text)));
        }
        let (first, rest) = word(text);
        if first != b"*" {
            let tag = u32::try_from(number(first.strip_prefix(b"a")?)?).ok()?;
            return Condition::parse(rest).map(|condition| Response::Tagged(tag, condition));
        }
        if let Some(condition) = Condition::parse(rest) {
            return Some(Response::Untagged(condition));
        }
        let (kind, after) = word(rest);
        match number(kind).and_then(|it| u32::try_from(it).ok()) {
            Some(number) => {
                let (kind, rest) = word(after);
                Some(Response::Numbered { number, kind, rest: Tokens::new(rest) })
            }
            None if kind.is_empty() => None,
            None => Some(Response::Data { kind, rest: Tokens::new(after) }),
        }
    }

    /// The tokens behind `* name`, when this is that.
    #[must_use]
    pub fn data(&self, name: &str) -> Option<Tokens<'a>> {
        match self {
            Response::Data { kind, rest } if kind.eq_ignore_ascii_case(name.as_bytes()) => Some(*rest),
            _ => None,
        }
    }

    /// The number and the tokens behind `* number name`, when this is that.
    #[must_use]
    pub fn numbered(&self, name: &str) -> Option<(u32, Tokens<'a>)> {
        match self {
            Response::Numbered { number, kind, rest } if kind.eq_ignore_ascii_case(name.as_bytes()) => {
                Some((*number, *rest))
            }
            _ => None,
        }
    }

    /// The UIDs of `* VANISHED` (RFC 7162 section 3.2.10), and whether it speaks of the past (`EARLIER`).
    #[must_use]
    pub fn vanished(&self) -> Option<(UidSet, bool)> {
        let mut rest = self.data("VANISHED")?;
        let earlier = rest.open();
        if earlier {
            rest.skip_value();
            rest.next();
        }
        let Some(Token::Atom(set)) = rest.next() else { return None };
        Some((uid_set(set), earlier))
    }
}

impl<'a> Condition<'a> {
    fn parse(text: &'a [u8]) -> Option<Condition<'a>> {
        let (name, rest) = word(text);
        let status = match name.to_ascii_uppercase().as_slice() {
            b"OK" => Status::Ok,
            b"NO" => Status::No,
            b"BAD" => Status::Bad,
            b"BYE" => Status::Bye,
            b"PREAUTH" => Status::Preauth,
            _ => return None,
        };
        let (code, text) = rest.strip_prefix(b"[").and_then(bracketed).unwrap_or((b"", rest));
        Some(Condition { status, code, text: text.trim_ascii() })
    }

    /// The arguments of the response code `name`.
    #[must_use]
    pub fn code(&self, name: &str) -> Option<Tokens<'a>> {
        let (first, rest) = word(self.code);
        first.eq_ignore_ascii_case(name.as_bytes()).then(|| Tokens::new(rest))
    }

    /// The number that the response code `name` carries.
    #[must_use]
    pub fn code_number(&self, name: &str) -> Option<u64> {
        self.code(name)?.next()?.number()
    }
}

fn word(text: &[u8]) -> (&[u8], &[u8]) {
    match text.iter().position(|byte| *byte == b' ') {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default()),
        None => (text, b""),
    }
}

/// Splits at the bracket that closes the response code; those within parentheses or quotes do not.
fn bracketed(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (mut depth, mut quoted) = (0usize, false);
    let end = text.iter().position(|byte| {
        match byte {
            b'"' => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if !quoted => depth = depth.saturating_sub(1),
            b']' => return depth == 0 && !quoted,
            _ => {}
        }
        false
    })?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}

/// The ranges of a set in the order in which the server wrote them; what is not a UID is left out.
pub fn ranges(set: &[u8]) -> impl Iterator<Item = (Uid, Uid)> + '_ {
    set.split(|byte| *byte == b',').filter_map(|part| {
        let mut bounds = part
            .splitn(2, |byte| *byte == b':')
            .map(|digits| number(digits).and_then(|value| u32::try_from(value).ok()).and_then(Uid::new));
        let first = bounds.next()??;
        match bounds.next() {
            None => Some((first, first)),
            Some(last) => Some((first, last?)),
        }
    })
}

/// A set of UIDs as the server wrote it.
#[must_use]
pub fn uid_set(set: &[u8]) -> UidSet {
    let mut uids = UidSet::new();
    for (first, last) in ranges(set) {
        uids.insert_range(first, last);
    }
    uids
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_kind_of_response_is_told_apart() {
        let parse = |text: &'static str| Response::parse(text.as_bytes());
        let Some(Response::Tagged(12, condition)) = parse("a12 NO [OVERQUOTA] no room") else { panic!() };
        assert_eq!(
            (condition.status, condition.code, condition.text),
            (Status::No, &b"OVERQUOTA"[..], &b"no room"[..])
        );
        let Some(Response::Untagged(condition)) = parse("* OK [PERMANENTFLAGS (\\Seen a] \\*)] Flags") else {
            panic!()
        };
        assert_eq!(condition.code("permanentflags").unwrap().count(), 5);
        assert!(matches!(parse("* 3 EXISTS"), Some(Response::Numbered { number: 3, kind: b"EXISTS", .. })));
        assert!(matches!(parse("* SEARCH"), Some(Response::Data { kind: b"SEARCH", .. })));
        assert!(matches!(parse("+"), Some(Response::Continue(b""))));
        for nonsense in ["", "hello", "*", "b1 OK", "a1 WHAT", "a99999999999 OK"] {
            assert!(parse(nonsense).is_none(), "{nonsense}");
        }
    }

    #[test]
    fn vanished_tells_its_time() {
        let earlier = Response::parse(b"* VANISHED (EARLIER) 300:301,405").unwrap().vanished().unwrap();
        assert_eq!((earlier.0.to_string().as_str(), earlier.1), ("300:301,405", true));
        assert_eq!(Response::parse(b"* VANISHED 4").unwrap().vanished().unwrap().0.count(), 1);
    }

    #[test]
    fn sets_keep_their_order_and_hostile_ones_are_harmless() {
        let order: Vec<u32> = ranges(b"7,3:4").map(|(first, _)| first.get()).collect();
        assert_eq!(order, [7, 3]);
        assert_eq!(uid_set(b"1:4294967295,0,*,9:x,99999999999,").count(), u64::from(u32::MAX));
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in proptest::collection::vec(any::<u8>(), 0..100)) {
            if let Some(response) = Response::parse(&text) {
                let _ = response.vanished();
            }
        }

        #[test]
        fn status_lines_read_as_imap_proto_reads_them(
            tag in 0u32..1000,
            status in prop_oneof!["OK", "NO", "BAD"],
            code in prop::sample::select(vec!["", "[READ-ONLY] ", "[UIDNEXT 7] ", "[TRYCREATE] ", "[COPYUID 3 1:4 5:8] "]),
            text in "[a-z]{1,9}( [a-z]{1,9}){0,3}",
        ) {
            let line = format!("a{tag} {status} {code}{text}\r\n");
            let (_, oracle) = imap_proto::Response::parse(line.as_bytes()).unwrap();
            let imap_proto::Response::Done { tag: oracle_tag, status: oracle_status, outcome } = oracle
            else { panic!("not a tagged response") };
            let Some(Response::Tagged(ours, condition)) = Response::parse(line.trim_end().as_bytes()) else { panic!() };
            prop_assert_eq!(format!("a{ours}"), oracle_tag.0);
            prop_assert_eq!(format!("{:?}", condition.status), format!("{oracle_status:?}"));
            prop_assert_eq!(condition.code.is_empty(), outcome.code.is_none());
            prop_assert_eq!(String::from_utf8_lossy(condition.text).into_owned(), outcome.information.unwrap_or_default());
        }
    }
}
