//! Content lines of iCalendar: unfolding, parameters, folding (RFC 5545 section 3.1, RFC 6868).

use super::values::{has_no_stray, is_stray};
use crate::Unfit;
use std::fmt;

/// A parameter. The name is in capitals; the values are without quotes and carets.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Param {
    pub name: String,
    pub values: Vec<String>,
}

/// One unfolded line. The name is in capitals, the value is as it was written.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Line {
    pub name: String,
    pub params: Vec<Param>,
    pub value: String,
}

/// A folded line is no longer than this, in octets without the line end.
const FOLD: usize = 75;

impl Param {
    #[must_use]
    pub fn new(name: &str, value: impl Into<String>) -> Param {
        Param { name: name.into(), values: vec![value.into()] }
    }
}

impl Line {
    #[must_use]
    pub fn new(name: &str, value: impl Into<String>) -> Line {
        Line { name: name.into(), params: Vec::new(), value: value.into() }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Line {
        self.params.push(Param::new(name, value));
        self
    }

    /// The first value of a parameter.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|param| param.name == name)?.values.first().map(String::as_str)
    }

    /// Reads one unfolded line. Control characters are left out: neither side's format has a place for them.
    pub fn parse(text: &str) -> Result<Line, Unfit> {
        Line::read(text.to_owned())
    }

    /// The same, of a text that becomes the value: a line may be an attachment of many megabytes.
    pub(super) fn read(mut text: String) -> Result<Line, Unfit> {
        if !has_no_stray(&text) {
            text.retain(|c| !is_stray(c));
        }
        let (name, params, value) = Line::parts(&text)?;
        let before = text.len() - value;
        text.drain(..before);
        Ok(Line { name, params, value: text })
    }

    /// The name, the parameters, and how long the value is that stands behind them.
    fn parts(text: &str) -> Result<(String, Vec<Param>, usize), Unfit> {
        let name_end = text.find([';', ':']).ok_or(Unfit::BrokenLine)?;
        let (name, mut rest) = text.split_at(name_end);
        let name = name.trim();
        if name.is_empty() || !name.bytes().all(is_name) {
            return Err(Unfit::BrokenLine);
        }
        let mut params: Vec<Param> = Vec::new();
        while let Some(after) = rest.strip_prefix(';') {
            let (param, after) = parse_param(after)?;
            params.push(param);
            rest = after;
        }
        let value = rest.strip_prefix(':').ok_or(Unfit::BrokenLine)?;
        Ok((name.to_ascii_uppercase(), params, value.len()))
    }

    /// What is written of it, folded. Carets and quotation marks are not counted.
    pub(super) fn octets(&self) -> usize {
        let param =
            |param: &Param| param.name.len() + param.values.iter().map(|value| value.len() + 3).sum::<usize>() + 2;
        let unfolded =
            self.name.len() + self.params.iter().map(param).sum::<usize>() + self.value.len() + "::\r\n".len();
        unfolded + unfolded / (FOLD - 4) * "\r\n ".len()
    }

    /// Appends the line, folded, with its line end. What would break a line is left out of it.
    pub fn write(&self, out: &mut String) {
        let mut head = self.name.clone();
        for param in &self.params {
            head.push(';');
            head.push_str(&param.name);
            for (at, value) in param.values.iter().enumerate() {
                head.push(if at == 0 { '=' } else { ',' });
                write_param_value(value, &mut head);
            }
        }
        head.push(':');
        let mut folded = Folded { out, room: FOLD };
        folded.push(&head);
        if has_no_stray(&self.value) {
            folded.push(&self.value);
        } else {
            self.value.split(is_stray).for_each(|part| folded.push(part));
        }
        folded.out.push_str("\r\n");
    }
}

/// For logs: the name without what it says.
impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({} octets)", self.name, self.value.len())
    }
}

impl fmt::Debug for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The unfolded lines of a text; empty ones are left out. Folds are undone on octets, because they may cut a character.
pub fn unfold(bytes: &[u8]) -> Result<Vec<String>, Unfit> {
    octets(bytes).into_iter().map(|line| String::from_utf8(line).map_err(|_| Unfit::NotUtf8)).collect()
}

/// The same of a text that is perhaps damaged: lines that are no text are left out.
pub fn unfold_broken(bytes: &[u8]) -> impl Iterator<Item = String> {
    octets(bytes).into_iter().filter_map(|line| String::from_utf8(line).ok())
}

fn octets(bytes: &[u8]) -> Vec<Vec<u8>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let mut rest = bytes;
    while let Some(physical) = next_line(&mut rest) {
        match (physical.split_first(), lines.last_mut()) {
            (Some((b' ' | b'\t', more)), Some(line)) => {
                if line.capacity() - line.len() < more.len() {
                    // It may be an attachment, which shall not be moved about while it grows.
                    line.reserve_exact(more.len() + folded_bytes(rest));
                }
                line.extend_from_slice(more);
            }
            (Some(_), _) => lines.push(physical.to_vec()),
            (None, _) => {}
        }
    }
    lines.retain(|line| !line.trim_ascii().is_empty());
    lines
}

/// Line ends are CRLF, LF, or CR in very old files.
fn is_end(byte: &u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// Takes the next line of the text; between the two octets of a CRLF is an empty one.
fn next_line<'t>(rest: &mut &'t [u8]) -> Option<&'t [u8]> {
    if rest.is_empty() {
        return None;
    }
    let mut parts = rest.splitn(2, is_end);
    let line = parts.next()?;
    *rest = parts.next().unwrap_or_default();
    Some(line)
}

/// What the lines at the beginning of a text add to the one before them, in octets.
fn folded_bytes(mut rest: &[u8]) -> usize {
    let mut bytes = 0;
    while let Some(line) = next_line(&mut rest) {
        match line.split_first() {
            Some((b' ' | b'\t', more)) => bytes += more.len(),
            Some(_) => break,
            None => {}
        }
    }
    bytes
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// Reads `NAME=VALUE,"VALUE"`, and what stands after it, which begins with `;` or `:`.
fn parse_param(text: &str) -> Result<(Param, &str), Unfit> {
    let name_end = text.find(['=', ';', ':']).ok_or(Unfit::BrokenLine)?;
    let (name, mut rest) = text.split_at(name_end);
    let name = name.trim().to_ascii_uppercase();
    if name.is_empty() || !name.bytes().all(is_name) {
        return Err(Unfit::BrokenLine);
    }
    let mut values = Vec::new();
    while let Some(after) = rest.strip_prefix(if values.is_empty() { '=' } else { ',' }) {
        let (value, after) = if let Some(quoted) = after.strip_prefix('"') {
            quoted.split_once('"').ok_or(Unfit::BrokenLine)?
        } else {
            after.split_at(after.find([',', ';', ':']).ok_or(Unfit::BrokenLine)?)
        };
        values.push(without_carets(value));
        rest = after;
    }
    if rest.starts_with([';', ':']) { Ok((Param { name, values }, rest)) } else { Err(Unfit::BrokenLine) }
}

/// RFC 6868: `^n` is a line end, `^'` a quotation mark, `^^` a caret; other carets stand for themselves.
fn without_carets(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let meant = match (c, chars.peek()) {
            ('^', Some('n')) => Some('\n'),
            ('^', Some('\'')) => Some('"'),
            ('^', Some('^')) => Some('^'),
            _ => None,
        };
        if meant.is_some() {
            chars.next();
        }
        out.push(meant.unwrap_or(c));
    }
    out
}

fn write_param_value(value: &str, out: &mut String) {
    let quoted = value.contains([',', ';', ':']) || value.is_empty();
    if quoted {
        out.push('"');
    }
    for c in value.chars() {
        match c {
            '\n' => out.push_str("^n"),
            '"' => out.push_str("^'"),
            '^' => out.push_str("^^"),
            c if c.is_control() && c != '\t' => {}
            c => out.push(c),
        }
    }
    if quoted {
        out.push('"');
    }
}

/// One line, written in pieces and folded between characters.
struct Folded<'o> {
    out: &'o mut String,
    /// So many octets fit before the next fold.
    room: usize,
}

impl Folded<'_> {
    fn push(&mut self, mut text: &str) {
        while text.len() > self.room {
            let (fits, rest) = text.split_at(text.floor_char_boundary(self.room));
            self.out.push_str(fits);
            self.out.push_str("\r\n ");
            (self.room, text) = (FOLD - 1, rest);
        }
        self.room -= text.len();
        self.out.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(line: &Line) -> String {
        let mut out = String::new();
        line.write(&mut out);
        out
    }

    fn read(text: &str) -> Line {
        let lines = unfold(text.as_bytes()).unwrap();
        assert_eq!(lines.len(), 1);
        Line::parse(&lines[0]).unwrap()
    }

    #[test]
    fn a_fold_may_cut_a_character() {
        let text = "SUMMARY:при".as_bytes();
        let cut = [&text[..9], b"\r\n ", &text[9..], b"\r\n"].concat();
        assert_eq!(unfold(&cut).unwrap(), ["SUMMARY:при"]);
    }

    #[test]
    fn quoted_values_may_hold_what_ends_others() {
        let line = read("attendee;CN=\"A; B: C\";x=1,\"2,3\":mailto:a@x\r\n");
        assert_eq!(line.name, "ATTENDEE");
        assert_eq!(line.param("CN"), Some("A; B: C"));
        assert_eq!(line.params[1].values, ["1", "2,3"]);
        assert_eq!(line.value, "mailto:a@x");
    }

    #[test]
    fn lines_that_are_none_are_refused() {
        for text in ["no colon", ":value", "A;B", "A;B=\"open:x", "A B:c", "A;=x:c"] {
            assert_eq!(Line::parse(text), Err(Unfit::BrokenLine), "{text}");
        }
    }

    #[test]
    fn no_line_is_longer_than_75_octets_and_none_is_folded_too_early() {
        for value in
            ["ы".repeat(300), "x".repeat(66), "x".repeat(67), "x".repeat(68), format!("{}\u{7}ы", "x".repeat(66))]
        {
            let text = written(&Line::new("SUMMARY", value.clone()));
            let (last, folded) =
                text.lines().collect::<Vec<_>>().split_last().map(|(last, all)| (last.len(), all.len())).unwrap();
            assert!(text.lines().all(|line| line.len() <= FOLD) && last > 1, "{text}");
            let octets = "SUMMARY:".len() + value.replace('\u{7}', "").len();
            // A character of two octets may leave one free.
            assert!(folded <= octets.div_ceil(FOLD - 2), "{text}");
            assert_eq!(read(&text).value, value.replace('\u{7}', ""));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            name in "[A-Z][A-Z-]{0,10}",
            params in prop::collection::vec(("[A-Z][A-Z-]{0,5}", prop::collection::vec("[^\\p{C}]{0,20}|a\nb\"\\^n", 1..3)), 0..3),
            value in "[^\\p{C}]{0,200}",
        ) {
            let params = params.into_iter().map(|(name, values)| Param { name, values }).collect();
            let line = Line { name, params, value };
            let text = written(&line);
            let lines = unfold(text.as_bytes()).unwrap();
            prop_assert_eq!(lines.len(), 1);
            prop_assert!(Line::parse(&lines[0]) == Ok(line), "{}", text);
        }

        #[test]
        fn anything_may_come(bytes: Vec<u8>) {
            if let Ok(lines) = unfold(&bytes) {
                for line in lines {
                    let _ = Line::parse(&line);
                }
            }
        }
    }
}
