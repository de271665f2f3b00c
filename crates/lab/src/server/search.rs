//! SEARCH keys: what they ask and whether a message answers.

use super::args::{Args, Bad, Set};
use super::dates;
use super::message::{contains_any_case, field};
use super::store::Message;
use bytes::Bytes;

pub(super) enum Key {
    And(Vec<Key>),
    Or(Box<Key>, Box<Key>),
    Not(Box<Key>),
    All,
    Sequence(Set),
    Uid(Set),
    Flag(String),
    Header(String, Bytes),
    Body(Bytes),
    Text(Bytes),
    Larger(u64),
    Smaller(u64),
    /// Received on or after midnight UTC.
    Since(i64),
    ModSeq(u64),
    /// `\Recent` is never set here.
    Nothing,
}

/// A message with its place in the session's view.
pub(super) struct Candidate<'a> {
    pub seq: u32,
    pub message: &'a Message,
    /// The highest sequence number and UID of the view, for which `*` stands.
    pub last: (u32, u32),
}

impl Key {
    pub fn parse(args: &mut Args) -> Result<Key, Bad> {
        match args.peek() {
            Some(b'(') => return args.list(Key::parse).map(Key::And),
            Some(byte) if byte.is_ascii_digit() || byte == b'*' => return args.set().map(Key::Sequence),
            _ => {}
        }
        let name = args.word()?;
        let flag = |name: &str| Key::Flag(format!("\\{name}"));
        let not = |key| Key::Not(Box::new(key));
        Ok(match name.as_str() {
            "ALL" | "OLD" => Key::All,
            "ANSWERED" | "DELETED" | "DRAFT" | "FLAGGED" | "SEEN" => flag(&name),
            "UNANSWERED" | "UNDELETED" | "UNDRAFT" | "UNFLAGGED" | "UNSEEN" => {
                not(flag(name.strip_prefix("UN").unwrap_or(&name)))
            }
            "NEW" | "RECENT" => Key::Nothing,
            "KEYWORD" => Key::Flag(argument(args, Args::flag)?),
            "UNKEYWORD" => not(Key::Flag(argument(args, Args::flag)?)),
            "NOT" => not(argument(args, Key::parse)?),
            "OR" => Key::Or(Box::new(argument(args, Key::parse)?), Box::new(argument(args, Key::parse)?)),
            "UID" => Key::Uid(argument(args, Args::set)?),
            "HEADER" => Key::Header(argument(args, Args::astring_utf8)?, argument(args, Args::astring)?),
            "SUBJECT" | "FROM" | "TO" | "CC" | "BCC" => Key::Header(name, argument(args, Args::astring)?),
            "BODY" => Key::Body(argument(args, Args::astring)?),
            "TEXT" => Key::Text(argument(args, Args::astring)?),
            "LARGER" => Key::Larger(argument(args, Args::number)?),
            "SMALLER" => Key::Smaller(argument(args, Args::number)?),
            "SINCE" => Key::Since(argument(args, day)?),
            "BEFORE" => not(Key::Since(argument(args, day)?)),
            "ON" => {
                let start = argument(args, day)?;
                Key::And(vec![Key::Since(start), not(Key::Since(start.saturating_add(86_400)))])
            }
            "MODSEQ" => Key::ModSeq(argument(args, Args::number)?),
            _ => return Err(format!("search key {name} is not offered")),
        })
    }

    pub fn holds(&self, candidate: &Candidate) -> bool {
        let message = candidate.message;
        let within = |set: &Set, n: u32, last: u32| set.ranges(last).iter().any(|(a, b)| (*a..=*b).contains(&n));
        match self {
            Key::And(keys) => keys.iter().all(|key| key.holds(candidate)),
            Key::Or(a, b) => a.holds(candidate) || b.holds(candidate),
            Key::Not(key) => !key.holds(candidate),
            Key::All => true,
            Key::Nothing => false,
            Key::Sequence(set) => within(set, candidate.seq, candidate.last.0),
            Key::Uid(set) => within(set, message.uid, candidate.last.1),
            Key::Flag(name) => message.flags.has(name),
            Key::Header(name, value) => {
                field(&message.bytes, name).is_some_and(|field| contains_any_case(field, value))
            }
            Key::Body(text) => contains_any_case(&super::message::Section::Text.of(&message.bytes), text),
            Key::Text(text) => contains_any_case(&message.bytes, text),
            Key::Larger(bytes) => message.bytes.len() as u64 > *bytes,
            Key::Smaller(bytes) => (message.bytes.len() as u64) < *bytes,
            Key::Since(midnight) => message.date.unix_s >= *midnight,
            Key::ModSeq(modseq) => message.modseq >= *modseq,
        }
    }

    /// Does the answer have to tell a mod-sequence?
    pub fn asks_modseq(&self) -> bool {
        self.leaves().iter().any(|key| matches!(key, Key::ModSeq(_)))
    }

    /// Does it look into header fields?
    pub fn asks_headers(&self) -> bool {
        self.leaves().iter().any(|key| matches!(key, Key::Header(..)))
    }

    /// The keywords that it asks for.
    pub fn keywords(&self) -> Vec<&str> {
        fn keyword(key: &Key) -> Option<&str> {
            match key {
                Key::Flag(name) if !name.starts_with('\\') => Some(name),
                _ => None,
            }
        }
        self.leaves().into_iter().filter_map(keyword).collect()
    }

    /// All keys that hold no others.
    fn leaves(&self) -> Vec<&Key> {
        match self {
            Key::And(keys) => keys.iter().flat_map(Key::leaves).collect(),
            Key::Or(a, b) => a.leaves().into_iter().chain(b.leaves()).collect(),
            Key::Not(key) => key.leaves(),
            leaf => vec![leaf],
        }
    }
}

fn argument<T>(args: &mut Args, parse: impl FnOnce(&mut Args) -> Result<T, Bad>) -> Result<T, Bad> {
    args.space()?;
    parse(args)
}

fn day(args: &mut Args) -> Result<i64, Bad> {
    let text = args.astring_utf8()?;
    dates::day(&text).ok_or_else(|| format!("{text:?} is no date"))
}
