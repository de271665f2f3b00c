//! Cuts a server's bytes into lines of tokens (RFC 5804 section 4), without any I/O.

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A quoted string or a literal.
    Text(Vec<u8>),
    Atom(String),
    Open,
    Close,
}

impl Token {
    /// A text as people write it; what is not UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match self {
            Token::Text(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        }
    }
}

/// What the server sent that cannot be understood. The connection is of no use afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Garbage(pub &'static str);

/// One line may take so much, its literals included. Scripts are far smaller: servers take some hundred KB at most.
pub const LINE_MAX: usize = 1 << 20;

/// The first line, and how many bytes it took; `None` when more bytes are needed.
///
/// # Errors
/// What is no line of ManageSieve, or one that is too long.
pub fn cut(bytes: &[u8]) -> Result<Option<(Vec<Token>, usize)>, Garbage> {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        let Some(first) = bytes.get(at).copied() else { return more(bytes) };
        match first {
            b' ' => at += 1,
            b'\n' => return Ok(Some((tokens, at + 1))),
            b'\r' => match bytes.get(at + 1) {
                Some(b'\n') => return Ok(Some((tokens, at + 2))),
                Some(_) => return Err(Garbage("a carriage return within a line")),
                None => return more(bytes),
            },
            b'(' => {
                tokens.push(Token::Open);
                at += 1;
            }
            b')' => {
                tokens.push(Token::Close);
                at += 1;
            }
            b'"' => match quoted(bytes, at + 1)? {
                Some((text, next)) => {
                    tokens.push(Token::Text(text));
                    at = next;
                }
                None => return more(bytes),
            },
            b'{' => match literal(bytes, at + 1)? {
                Some((text, next)) => {
                    tokens.push(Token::Text(text));
                    at = next;
                }
                None => return more(bytes),
            },
            first if is_atom(first) => {
                let rest = bytes.get(at..).unwrap_or_default();
                let length = rest.iter().take_while(|byte| is_atom(**byte)).count();
                if length == rest.len() {
                    return more(bytes);
                }
                let atom = rest.get(..length).unwrap_or_default();
                tokens.push(Token::Atom(String::from_utf8_lossy(atom).into_owned()));
                at += length;
            }
            _ => return Err(Garbage("a byte that no line of ManageSieve has")),
        }
    }
}

fn more(bytes: &[u8]) -> Result<Option<(Vec<Token>, usize)>, Garbage> {
    if bytes.len() > LINE_MAX { Err(Garbage("a line without an end")) } else { Ok(None) }
}

fn is_atom(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'(' | b')' | b'{' | b'\\')
}

fn quoted(bytes: &[u8], from: usize) -> Result<Option<(Vec<u8>, usize)>, Garbage> {
    let mut text = Vec::new();
    let mut at = from;
    loop {
        match bytes.get(at) {
            None => return Ok(None),
            Some(b'"') => return Ok(Some((text, at + 1))),
            Some(b'\\') => match bytes.get(at + 1) {
                None => return Ok(None),
                Some(escaped) => {
                    text.push(*escaped);
                    at += 2;
                }
            },
            Some(b'\r' | b'\n' | 0) => return Err(Garbage("a line end within a quoted string")),
            Some(byte) => {
                text.push(*byte);
                at += 1;
            }
        }
    }
}

/// `{n}` or, which only clients should say, `{n+}`.
fn literal(bytes: &[u8], from: usize) -> Result<Option<(Vec<u8>, usize)>, Garbage> {
    let rest = bytes.get(from..).unwrap_or_default();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == rest.len() && digits <= 10 {
        return Ok(None);
    }
    let number = rest.get(..digits).and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<usize>().ok());
    let size = number.filter(|size| *size <= LINE_MAX).ok_or(Garbage("a literal is too long"))?;
    let mut at = from + digits;
    if bytes.get(at) == Some(&b'+') {
        at += 1;
    }
    for expected in *b"}\r\n" {
        match bytes.get(at) {
            None => return Ok(None),
            Some(byte) if *byte == expected => at += 1,
            // A bare line feed, as some old servers send it.
            Some(b'\n') if expected == b'\r' => {}
            Some(_) => return Err(Garbage("a literal without its announcement")),
        }
    }
    Ok(bytes.get(at..at + size).map(|text| (text.to_vec(), at + size)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(text: &str) -> Token {
        Token::Text(text.as_bytes().to_vec())
    }

    fn atom(text: &str) -> Token {
        Token::Atom(text.to_owned())
    }

    const WIRE: &[u8] = b"\"SIEVE\" \"vacation \\\"date\\\\\"\r\n{5}\r\na\r\nb\"\r\nOK (QUOTA/MAXSIZE \"x\") {3}\r\n\xd0\xb6!\r\nOK\r\n";

    fn lines(wire: &[u8]) -> Vec<Vec<Token>> {
        let (mut all, mut rest) = (Vec::new(), wire);
        while let Some((tokens, used)) = cut(rest).unwrap() {
            all.push(tokens);
            rest = &rest[used..];
        }
        assert!(rest.is_empty());
        all
    }

    #[test]
    fn every_way_of_cutting_the_stream_gives_the_same_lines() {
        let whole = lines(WIRE);
        assert_eq!(
            whole,
            [
                vec![text("SIEVE"), text("vacation \"date\\")],
                vec![text("a\r\nb\"")],
                vec![atom("OK"), Token::Open, atom("QUOTA/MAXSIZE"), text("x"), Token::Close, text("ж!")],
                vec![atom("OK")],
            ]
        );
        // A part is either a whole line already, or asks for more: it is never another line, and never broken.
        for end in 0..WIRE.len() {
            let mut rest = &WIRE[..end];
            let mut at = 0;
            while let Some((tokens, used)) = cut(rest).unwrap() {
                assert_eq!(tokens, whole[at], "cut at {end}");
                rest = &rest[used..];
                at += 1;
            }
        }
    }

    #[test]
    fn what_never_ends_is_refused_before_it_fills_the_memory() {
        assert!(cut(&vec![b'a'; LINE_MAX + 1]).is_err());
        assert!(cut(b"{1048577}\r\n").is_err());
        assert!(cut(b"{99999999999999999999}\r\n").is_err());
        assert!(cut(&[b"\"".as_slice(), &vec![b'a'; LINE_MAX + 1]].concat()).is_err());
        for broken in
            [&b"\"a\nb\"\r\n"[..], b"a\rb", b"{}\r\n", b"{3}x", b"* OK IMAP4rev1 ready\\\r\n", b"\x16\x03\x01"]
        {
            assert!(cut(broken).is_err(), "{broken:?}");
        }
    }

    proptest! {
        #[test]
        fn anything_may_come(bytes: Vec<u8>, likely in "[a-zA-Z0-9 (){}+\"\\\\\r\n]{0,60}") {
            let _ = cut(&bytes);
            let _ = cut(likely.as_bytes());
        }
    }
}
