//! Reads the arguments of a command from left to right.

use super::names;
use super::wire::Part;
use bytes::Bytes;
use parom_domain::FolderPath;

/// What is wrong with an argument: the text behind BAD.
pub(super) type Bad = String;

/// A cursor over the parts of a command.
#[derive(Clone)]
pub(super) struct Args {
    parts: std::vec::IntoIter<Part>,
    text: Bytes,
    literal: Option<Bytes>,
}

impl Args {
    pub fn new(parts: Vec<Part>) -> Args {
        let mut args = Args { parts: parts.into_iter(), text: Bytes::new(), literal: None };
        args.advance();
        args
    }

    /// The next byte of text; `None` before a literal and at the end.
    pub fn peek(&self) -> Option<u8> {
        self.text.first().copied()
    }

    pub fn at_end(&self) -> bool {
        self.text.is_empty() && self.literal.is_none()
    }

    pub fn end(&self) -> Result<(), Bad> {
        if self.at_end() { Ok(()) } else { Err("there is something behind the last argument".to_owned()) }
    }

    /// Takes this byte if it is next.
    pub fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.take(1);
        }
        found
    }

    pub fn expect(&mut self, byte: u8) -> Result<(), Bad> {
        if self.eat(byte) { Ok(()) } else { Err(format!("expected {:?}", char::from(byte))) }
    }

    pub fn space(&mut self) -> Result<(), Bad> {
        self.expect(b' ')
    }

    /// A run of characters of an atom, in capitals. Brackets and stars belong to no atom.
    pub fn word(&mut self) -> Result<String, Bad> {
        self.run(|byte| is_atom(byte) && byte != b'[').map(|word| word.to_ascii_uppercase())
    }

    /// Takes this word if it is next, whatever its case.
    pub fn eat_word(&mut self, wanted: &str) -> bool {
        let mut ahead = self.clone();
        let found = ahead.word().is_ok_and(|word| word == wanted);
        if found {
            *self = ahead;
        }
        found
    }

    pub fn number(&mut self) -> Result<u64, Bad> {
        self.run(|byte| byte.is_ascii_digit())?.parse().map_err(|_| "this number is too large".to_owned())
    }

    /// Atom, quoted string or literal. Wildcards and backslashes in an atom are let through, because clients send
    /// `user*master` and `DOMAIN\user` bare.
    pub fn astring(&mut self) -> Result<Bytes, Bad> {
        if self.peek() == Some(b'"') || self.literal_is_next() {
            return self.string();
        }
        self.run(|byte| is_atom(byte) || b"]%*\\".contains(&byte)).map(Bytes::from)
    }

    pub fn string(&mut self) -> Result<Bytes, Bad> {
        if self.literal_is_next() {
            let literal = self.literal.take().unwrap_or_default();
            self.advance();
            return Ok(literal);
        }
        self.expect(b'"')?;
        let mut value = Vec::new();
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.take(1),
                _ => {}
            }
            value.push(self.peek().ok_or("a quoted string has no end")?);
            self.take(1);
        }
        self.take(1);
        Ok(value.into())
    }

    pub fn astring_utf8(&mut self) -> Result<String, Bad> {
        String::from_utf8(self.astring()?.to_vec()).map_err(|_| "this string is not UTF-8".to_owned())
    }

    /// A literal and nothing else.
    pub fn literal(&mut self) -> Result<Bytes, Bad> {
        if self.literal_is_next() { self.string() } else { Err("expected a literal".to_owned()) }
    }

    pub fn literal_is_next(&self) -> bool {
        self.text.is_empty() && self.literal.is_some()
    }

    /// A mailbox name. Names that no mailbox can have are `None`: they are well-formed and do not exist.
    pub fn mailbox(&mut self, delimiter: char, utf8: bool) -> Result<Option<FolderPath>, Bad> {
        let wire = self.astring_utf8()?;
        let name = if utf8 { Some(wire) } else { names::from_utf7(&wire) };
        // A delimiter at the end only says that children will follow (RFC 3501 section 6.3.3).
        Ok(name.and_then(|name| names::path(name.strip_suffix(delimiter).unwrap_or(&name), delimiter)))
    }

    /// A LIST pattern, decoded.
    pub fn pattern(&mut self, utf8: bool) -> Result<String, Bad> {
        let bytes = if self.peek() == Some(b'"') || self.literal_is_next() {
            self.string()?.to_vec()
        } else {
            self.run(|byte| is_atom(byte) || b"]%*".contains(&byte))?.into_bytes()
        };
        let wire = String::from_utf8(bytes).map_err(|_| "this pattern is not UTF-8")?;
        if utf8 {
            Ok(wire)
        } else {
            names::from_utf7(&wire).ok_or_else(|| "this pattern is not modified UTF-7".to_owned())
        }
    }

    /// A parenthesised list of words, in capitals.
    pub fn words(&mut self) -> Result<Vec<String>, Bad> {
        self.list(Args::word)
    }

    /// A parenthesised list.
    pub fn list<T>(&mut self, mut item: impl FnMut(&mut Args) -> Result<T, Bad>) -> Result<Vec<T>, Bad> {
        self.expect(b'(')?;
        let mut items = Vec::new();
        while !self.eat(b')') {
            if !items.is_empty() {
                self.space()?;
            }
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// Flags, in parentheses or (in STORE) without.
    pub fn flags(&mut self) -> Result<Vec<String>, Bad> {
        if self.peek() == Some(b'(') {
            return self.list(Args::flag);
        }
        let mut flags = vec![self.flag()?];
        while self.eat(b' ') {
            flags.push(self.flag()?);
        }
        Ok(flags)
    }

    pub fn flag(&mut self) -> Result<String, Bad> {
        let system = if self.eat(b'\\') { "\\" } else { "" };
        Ok(format!("{system}{}", self.run(|byte| is_atom(byte) || byte == b']')?))
    }

    /// A sequence set.
    pub fn set(&mut self) -> Result<Set, Bad> {
        let text = self.run(|byte| byte.is_ascii_digit() || b":,*".contains(&byte))?;
        Set::parse(&text).ok_or_else(|| "this is no sequence set".to_owned())
    }

    fn run(&mut self, part: impl Fn(u8) -> bool) -> Result<String, Bad> {
        let len = self.text.iter().take_while(|byte| part(**byte)).count();
        if len == 0 {
            return Err("an argument is missing or malformed".to_owned());
        }
        let run = self.text.slice(..len);
        self.take(len);
        String::from_utf8(run.to_vec()).map_err(|_| "an atom is not UTF-8".to_owned())
    }

    fn take(&mut self, len: usize) {
        let _ = self.text.split_to(len.min(self.text.len()));
        if self.text.is_empty() && self.literal.is_none() {
            self.advance();
        }
    }

    /// Loads the text up to the next literal, and that literal.
    fn advance(&mut self) {
        while self.text.is_empty() && self.literal.is_none() {
            match self.parts.next() {
                Some(Part::Text(text)) => {
                    self.text = text;
                    if let Some(Part::Literal(_)) = self.parts.as_slice().first()
                        && let Some(Part::Literal(literal)) = self.parts.next()
                    {
                        self.literal = Some(literal);
                    }
                }
                Some(Part::Literal(literal)) => self.literal = Some(literal),
                None => return,
            }
        }
    }
}

fn is_atom(byte: u8) -> bool {
    byte > b' ' && byte != 0x7f && !b"(){%*\"\\]".contains(&byte)
}

/// A sequence set; `*` is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Set(Vec<(Option<u32>, Option<u32>)>);

impl Set {
    pub fn parse(text: &str) -> Option<Set> {
        let bound = |text: &str| match text {
            "*" => Some(None),
            digits => digits.parse().ok().filter(|n| *n > 0).map(Some),
        };
        let range = |range: &str| match range.split_once(':') {
            Some((a, b)) => Some((bound(a)?, bound(b)?)),
            None => bound(range).map(|one| (one, one)),
        };
        text.split(',').map(range).collect::<Option<Vec<_>>>().map(Set)
    }

    /// As inclusive ranges, where `*` stands for `last`. A set such as `900:*` so holds the last message also when its
    /// number is lower (RFC 3501 section 6.4.8).
    pub fn ranges(&self, last: u32) -> Vec<(u32, u32)> {
        let bounds = self.0.iter().map(|(a, b)| (a.unwrap_or(last), b.unwrap_or(last)));
        let mut ranges: Vec<(u32, u32)> = bounds.map(|(a, b)| (a.min(b), a.max(b))).collect();
        ranges.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
        for (a, b) in ranges {
            match merged.last_mut() {
                Some((_, end)) if a <= end.saturating_add(1) => *end = b.max(*end),
                _ => merged.push((a, b)),
            }
        }
        merged
    }
}

/// Ascending numbers as a set on the wire.
pub(super) fn set_to_wire(numbers: impl IntoIterator<Item = u32>) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for n in numbers {
        match ranges.last_mut() {
            Some((_, end)) if end.checked_add(1) == Some(n) => *end = n,
            _ => ranges.push((n, n)),
        }
    }
    let texts = ranges.iter().map(|(a, b)| if a == b { a.to_string() } else { format!("{a}:{b}") });
    texts.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &'static str) -> Part {
        Part::Text(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn arguments_come_in_all_their_forms() {
        let parts = vec![
            text("APPEND \"a\\\"b\" (\\Seen work) "),
            Part::Literal(Bytes::from_static(b"one")),
            text(" "),
            Part::Literal(Bytes::from_static(b"")),
            text(""),
        ];
        let mut args = Args::new(parts);
        assert_eq!(args.word().unwrap(), "APPEND");
        args.space().unwrap();
        assert_eq!(args.astring().unwrap(), "a\"b");
        args.space().unwrap();
        assert_eq!(args.flags().unwrap(), ["\\Seen", "work"]);
        args.space().unwrap();
        assert_eq!(args.literal().unwrap(), "one");
        args.space().unwrap();
        assert!(args.end().is_err());
        assert_eq!(args.literal().unwrap(), "");
        args.end().unwrap();
    }

    #[test]
    fn sets_resolve_the_star_and_print_short() {
        let set = Set::parse("5:3,9,12:*,1").unwrap();
        assert_eq!(set.ranges(10), [(1, 1), (3, 5), (9, 12)]);
        assert_eq!(Set::parse("*").unwrap().ranges(7), [(7, 7)]);
        for bad in ["", "0", "1,", "a", "1:2:3", "4294967296"] {
            assert_eq!(Set::parse(bad), None, "{bad}");
        }
        assert_eq!(set_to_wire([1, 2, 3, 7, 9, 10]), "1:3,7,9:10");
        assert_eq!(set_to_wire([]), "");
    }
}
