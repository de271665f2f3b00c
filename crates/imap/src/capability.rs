//! What a server says it can do.

use crate::tokens::{Token, Tokens, number};

/// The words of a CAPABILITY response, as the server spelled them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(Vec<Box<str>>);

impl Capabilities {
    #[must_use]
    pub fn parse(words: Tokens<'_>) -> Capabilities {
        let words = words.filter_map(|token| match token {
            Token::Atom(word) => std::str::from_utf8(word).ok().map(Into::into),
            _ => None,
        });
        Capabilities(words.collect())
    }

    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|word| word.eq_ignore_ascii_case(name))
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Is this SASL mechanism offered?
    #[must_use]
    pub fn sasl(&self, mechanism: &str) -> bool {
        self.values("AUTH").any(|value| value.eq_ignore_ascii_case(mechanism))
    }

    /// `APPENDLIMIT=n` (RFC 7889).
    #[must_use]
    pub fn append_limit(&self) -> Option<u64> {
        self.values("APPENDLIMIT").find_map(|value| number(value.as_bytes()))
    }

    /// The values of `NAME=value`.
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter_map(move |word| {
            let (key, value) = word.split_once('=')?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_compare_without_case() {
        let caps = Capabilities::parse(Tokens::new(b"IMAP4rev1 auth=plain AUTH=LOGIN Literal+ APPENDLIMIT=35651584"));
        assert!(caps.has("imap4REV1") && caps.has("LITERAL+") && caps.sasl("PLAIN") && caps.sasl("login"));
        assert!(!caps.has("AUTH") && !caps.sasl("XOAUTH2"));
        assert_eq!(caps.append_limit(), Some(35_651_584));
        assert_eq!(Capabilities::parse(Tokens::new(b"APPENDLIMIT")).append_limit(), None);
    }
}
