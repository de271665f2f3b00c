//! Reads one FETCH response: the attributes we ask for, in any order, among whatever else is there.

use crate::tokens::{Token, Tokens};
use parom_domain::{InternalDate, Marks, Uid};
use std::borrow::Cow;

/// The attributes of one FETCH response, still in its text.
#[derive(Debug, Default)]
pub struct Fetched<'a> {
    pub uid: Option<Uid>,
    flags: Option<Tokens<'a>>,
    pub size: Option<u64>,
    date: Option<Cow<'a, [u8]>>,
    pub modseq: Option<u64>,
    /// `BODY[]`. The outer `None`: not there; the inner one: `NIL`.
    pub body: Option<Option<Cow<'a, [u8]>>>,
    /// `BODY[HEADER...]`.
    pub header: Option<Cow<'a, [u8]>>,
}

impl<'a> Fetched<'a> {
    /// `None` when the parentheses do not add up or something follows the last one. A literal that was shorter or longer
    /// than announced looks like that: nothing of such a response can be believed.
    #[must_use]
    pub fn parse(mut rest: Tokens<'a>) -> Option<Fetched<'a>> {
        let mut found = Fetched::default();
        if !rest.open() {
            return None;
        }
        loop {
            let name = match rest.next()? {
                Token::Close => break,
                Token::Atom(name) => name,
                _ => return None,
            };
            let value = rest;
            if !rest.skip_value() {
                return None;
            }
            found.take(name, value);
        }
        rest.next().is_none().then_some(found)
    }

    /// The attributes of a response that is cut off behind its body.
    #[must_use]
    pub fn parse_head(mut rest: Tokens<'a>) -> Option<Fetched<'a>> {
        let mut found = Fetched::default();
        if !rest.open() {
            return None;
        }
        while let Some(Token::Atom(name)) = rest.next() {
            let value = rest;
            rest.skip_value();
            found.take(name, value);
        }
        Some(found)
    }

    fn take(&mut self, name: &'a [u8], mut value: Tokens<'a>) {
        let is = |wanted: &[u8]| name.eq_ignore_ascii_case(wanted);
        if is(b"FLAGS") {
            self.flags = value.open().then_some(value);
        } else if is(b"UID") {
            self.uid = first_number(value).and_then(|uid| u32::try_from(uid).ok()).and_then(Uid::new);
        } else if is(b"RFC822.SIZE") {
            self.size = first_number(value);
        } else if is(b"MODSEQ") {
            value.open();
            self.modseq = first_number(value);
        } else if is(b"INTERNALDATE") {
            self.date = value.next().and_then(Token::string);
        } else if is(b"BODY[]") {
            self.body = value.next().map(Token::string);
        } else if name.get(..11).is_some_and(|start| start.eq_ignore_ascii_case(b"BODY[HEADER")) {
            self.header = value.next().and_then(Token::string);
        }
    }

    /// The flags, if the response has them.
    #[must_use]
    pub fn marks(&self) -> Option<Marks> {
        self.flags.map(marks)
    }

    /// The moment, if it is one: some servers invent `00-Jan-0000`.
    #[must_use]
    pub fn date(&self) -> Option<InternalDate> {
        InternalDate::parse(std::str::from_utf8(self.date.as_deref()?).ok()?)
    }
}

/// Reads the flags that follow up to the end of their list.
#[must_use]
pub fn marks(list: Tokens<'_>) -> Marks {
    Marks::from_names(list.map_while(|token| match token {
        Token::Atom(name) => Some(std::str::from_utf8(name).unwrap_or_default()),
        _ => None,
    }))
}

fn first_number(mut value: Tokens<'_>) -> Option<u64> {
    value.next()?.number()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &[u8]) -> Option<Fetched<'_>> {
        Fetched::parse(Tokens::new(text))
    }

    #[test]
    fn attributes_come_in_any_order_among_unknown_ones() {
        let text = b"(X-NEW (a (b)) BODY[] {3}\r\na)b MODSEQ (624140003) FLAGS (\\Seen work) UID 7 INTERNALDATE \" 1-Jan-1970 00:00:01 +0000\")";
        let found = parse(text).unwrap();
        assert_eq!((found.uid, found.modseq), (Uid::new(7), Some(624_140_003)));
        assert_eq!(found.body.as_ref().unwrap().as_deref(), Some(&b"a)b"[..]));
        assert_eq!(found.marks().unwrap(), Marks::from_names(["\\Seen", "work"]));
        assert_eq!(found.date().unwrap().unix_s, 1);
    }

    #[test]
    fn what_does_not_add_up_is_not_believed() {
        for text in [
            &b"(UID 7"[..],
            b"(UID 7))",
            b"(UID 7) x",
            b"UID 7",
            b"(UID)",
            b"((UID) 7)",
            b"(UID 7 BODY[] {3}\r\nabcdef)",
            b"",
        ] {
            assert!(parse(text).is_none(), "{}", String::from_utf8_lossy(text));
        }
        assert!(parse(b"(UID 7 BODY[] NIL)").unwrap().body.unwrap().is_none());
        assert!(parse(b"(UID 7 FLAGS NIL)").unwrap().marks().is_none());
    }

    proptest! {
        #[test]
        fn flags_and_numbers_read_as_imap_proto_reads_them(
            uid in 1u32.., size in 0u32.., flags in proptest::collection::vec(prop_oneof!["\\\\Seen", "\\\\Deleted", "[a-z$]{1,8}"], 0..5)
        ) {
            let line = format!("* 3 FETCH (UID {uid} RFC822.SIZE {size} FLAGS ({}))\r\n", flags.join(" "));
            let (_, oracle) = imap_proto::Response::parse(line.as_bytes()).unwrap();
            let imap_proto::Response::Fetch(3, attributes) = oracle else { panic!("not a FETCH") };
            let found = parse(line.trim_end().strip_prefix("* 3 FETCH ").unwrap().as_bytes()).unwrap();
            for attribute in attributes {
                match attribute {
                    imap_proto::AttributeValue::Uid(it) => prop_assert_eq!(found.uid.map(Uid::get), Some(it)),
                    imap_proto::AttributeValue::Rfc822Size(it) => prop_assert_eq!(found.size, Some(u64::from(it))),
                    imap_proto::AttributeValue::Flags(it) => {
                        let names: Vec<&str> = it.iter().map(AsRef::as_ref).collect();
                        prop_assert_eq!(found.marks(), Some(Marks::from_names(names)));
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}
