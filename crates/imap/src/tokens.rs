//! Reads the text of a response token by token, in place. Whatever a server invents can be skipped.

use std::borrow::Cow;

/// One token. Literals and quoted strings are both strings; the difference matters to nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// Anything up to white space or a parenthesis, brackets with their content included: `\Seen`, `12`, `NIL`,
    /// `BODY[HEADER.FIELDS (From)]<0>`.
    Atom(&'a [u8]),
    /// The inside of a quoted string, backslashes still there.
    Quoted(&'a [u8]),
    Literal(&'a [u8]),
    Open,
    Close,
}

impl<'a> Token<'a> {
    /// The value of a string in any form (an atom too; `NIL` gives `None`).
    #[must_use]
    pub fn string(self) -> Option<Cow<'a, [u8]>> {
        match self {
            Token::Atom(atom) if atom.eq_ignore_ascii_case(b"NIL") => None,
            Token::Atom(bytes) | Token::Literal(bytes) => Some(Cow::Borrowed(bytes)),
            Token::Quoted(bytes) if !bytes.contains(&b'\\') => Some(Cow::Borrowed(bytes)),
            Token::Quoted(bytes) => {
                let mut out = Vec::with_capacity(bytes.len());
                let mut rest = bytes.iter();
                while let Some(byte) = rest.next() {
                    out.extend(if *byte == b'\\' { rest.next() } else { Some(byte) });
                }
                Some(Cow::Owned(out))
            }
            Token::Open | Token::Close => None,
        }
    }

    /// The number that an atom is.
    #[must_use]
    pub fn number(self) -> Option<u64> {
        match self {
            Token::Atom(digits) => number(digits),
            _ => None,
        }
    }

    /// Is it this atom, whatever the case?
    #[must_use]
    pub fn is(self, name: &str) -> bool {
        matches!(self, Token::Atom(atom) if atom.eq_ignore_ascii_case(name.as_bytes()))
    }
}

/// Reads digits and nothing else; `None` for a number that does not fit.
#[must_use]
pub fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |sum, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

/// A place in the text of a response. Copying it is how one looks ahead.
#[derive(Clone, Copy, Debug)]
pub struct Tokens<'a> {
    rest: &'a [u8],
}

impl<'a> Tokens<'a> {
    #[must_use]
    pub fn new(text: &'a [u8]) -> Tokens<'a> {
        Tokens { rest: text }
    }

    /// What has not been read.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next token if it is an opening parenthesis.
    pub fn open(&mut self) -> bool {
        let before = *self;
        if self.next() == Some(Token::Open) {
            return true;
        }
        *self = before;
        false
    }

    /// Skips one value: a token, or a list with everything in it. `false` at the end of the text or of the list.
    pub fn skip_value(&mut self) -> bool {
        let mut depth = 0usize;
        loop {
            let before = *self;
            match self.next() {
                Some(Token::Open) => depth += 1,
                Some(Token::Close) if depth == 0 => {
                    *self = before;
                    return false;
                }
                Some(Token::Close) => depth -= 1,
                Some(_) => {}
                None => return false,
            }
            if depth == 0 {
                return true;
            }
        }
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
        self.rest = rest;
        taken
    }

    fn quoted(&mut self) -> Token<'a> {
        self.take(1);
        let mut escaped = false;
        let length = self.rest.iter().position(|byte| {
            let ends = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            ends
        });
        let inside = self.take(length.unwrap_or(self.rest.len()));
        self.take(1);
        Token::Quoted(inside)
    }

    /// A literal that stands in the text: `{3}`, line end, three bytes.
    fn literal(&mut self) -> Option<Token<'a>> {
        let text = self.rest.strip_prefix(b"~").unwrap_or(self.rest).strip_prefix(b"{")?;
        let digits = text.iter().position(|byte| !byte.is_ascii_digit())?;
        let (size, text) = text.split_at_checked(digits)?;
        let text = text.strip_prefix(b"+").unwrap_or(text).strip_prefix(b"}")?;
        let text = text.strip_prefix(b"\r").unwrap_or(text).strip_prefix(b"\n")?;
        let (inside, rest) = text.split_at_checked(usize::try_from(number(size)?).ok()?)?;
        self.rest = rest;
        Some(Token::Literal(inside))
    }

    fn atom(&mut self) -> Token<'a> {
        // Within a section, spaces and parentheses belong to the atom: `BODY[HEADER.FIELDS (From Date)]`. Elsewhere a
        // bracket is a character like any other: keywords may hold one.
        let section = self.rest.iter().take(7).position(|byte| *byte == b'[').filter(|at| {
            let name = self.rest.get(..*at).unwrap_or_default();
            name.eq_ignore_ascii_case(b"BODY") || name.eq_ignore_ascii_case(b"BINARY")
        });
        let mut inside = section.is_some();
        let length = self.rest.iter().position(|byte| match byte {
            b']' => {
                inside = false;
                false
            }
            b' ' | b'(' | b')' | b'"' => !inside,
            b'\r' | b'\n' => true,
            _ => false,
        });
        // At least one byte is taken, so that every text comes to its end.
        Token::Atom(self.take(length.unwrap_or(self.rest.len()).max(1)))
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let spaces = self.rest.iter().take_while(|byte| **byte == b' ').count();
        self.take(spaces);
        match self.rest.first()? {
            b'(' => {
                self.take(1);
                Some(Token::Open)
            }
            b')' => {
                self.take(1);
                Some(Token::Close)
            }
            b'"' => Some(self.quoted()),
            b'{' | b'~' => Some(self.literal().unwrap_or_else(|| self.atom())),
            _ => Some(self.atom()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_response_reads_as_tokens() {
        let text = b"(\\Seen $x[) \"a\\\"b\" {3}\r\na)b NIL BODY[HEADER.FIELDS (From)]<0> 12)";
        let tokens: Vec<_> = Tokens::new(text).collect();
        assert_eq!(
            tokens,
            [
                Token::Open,
                Token::Atom(b"\\Seen"),
                Token::Atom(b"$x["),
                Token::Close,
                Token::Quoted(b"a\\\"b"),
                Token::Literal(b"a)b"),
                Token::Atom(b"NIL"),
                Token::Atom(b"BODY[HEADER.FIELDS (From)]<0>"),
                Token::Atom(b"12"),
                Token::Close,
            ]
        );
        assert_eq!(tokens[4].string().unwrap().as_ref(), b"a\"b");
        assert_eq!((tokens[6].string(), tokens[8].number()), (None, Some(12)));
    }

    #[test]
    fn whatever_a_server_invents_is_skipped() {
        let mut tokens = Tokens::new(b"(a (b {3}\r\n))) \"c)\"))) NEXT");
        assert!(tokens.skip_value());
        assert!(!tokens.skip_value());
        assert_eq!((tokens.next(), tokens.next()), (Some(Token::Close), Some(Token::Atom(b"NEXT"))));
    }

    proptest! {
        #[test]
        fn any_text_comes_to_an_end(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            let count = Tokens::new(&text).count();
            prop_assert!(count <= text.len());
            let mut tokens = Tokens::new(&text);
            while tokens.skip_value() || tokens.next().is_some() {}
            prop_assert!(tokens.rest().is_empty());
        }

        #[test]
        fn deep_nesting_costs_no_stack(depth in 0usize..100_000) {
            let text = b"(".repeat(depth);
            prop_assert!(!Tokens::new(&text).skip_value());
        }
    }
}
