//! The binary forms of what is kept as blobs: compact, headed by a hash of themselves, and read strictly.
//!
//! A database does not notice a flipped bit inside a blob, and a wrong UID read back could delete another message. So
//! every blob starts with 8 bytes of the BLAKE3 hash of the rest, then a byte that tells form and version, then its
//! fields. A reader takes nothing but what the writer makes: anything else is [`Damage`].

mod event;
mod intent;
mod links;
mod plain;
mod recent;
mod strays;

pub(crate) use event::{
    read_deeds, read_event_intent, read_event_text, read_hash, write_deeds, write_event_intent, write_event_text,
};
pub(crate) use intent::{read_work, write_work};
pub(crate) use links::{read_links, write_links};
pub(crate) use plain::{read_args, read_cursor, read_path, write_args, write_cursor, write_path};
pub(crate) use recent::{read_recent, write_recent};
pub(crate) use strays::{read_strays, write_strays};

use parom_domain::{Error, Marks, Result, Side, Uid};

/// Form and version: the high digit names the form, the low one its version.
#[derive(Clone, Copy)]
enum Form {
    Links = 0x11,
    Work = 0x21,
    Recent = 0x31,
    Cursor = 0x41,
    Path = 0x51,
    Args = 0x61,
    Strays = 0x71,
    EventText = 0x81,
    EventIntent = 0x91,
}

/// A blob is not what was written. It says what is wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Damage(pub &'static str);

type Read<T> = std::result::Result<T, Damage>;

const HASH: usize = 8;

/// In a byte of marks: keywords follow.
const HAS_KEYWORDS: u8 = 32;

struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    fn new(form: Form, capacity: usize) -> Writer {
        let mut bytes = Vec::with_capacity(HASH + 1 + capacity);
        bytes.extend_from_slice(&[0; HASH]);
        bytes.push(form as u8);
        Writer { bytes }
    }

    fn byte(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// Seven bits a byte, lowest first; the high bit says that more follow.
    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    fn count(&mut self, value: usize) {
        self.number(value as u64);
    }

    /// The step from the last UID to this one. UIDs come mostly in ascending order, so that a byte is enough.
    fn uid_after(&mut self, last: &mut u32, uid: Uid) {
        let step = i64::from(uid.get()) - i64::from(*last);
        // Zigzag: small steps down are as short as small steps up.
        self.number(((step << 1) ^ (step >> 63)).cast_unsigned());
        *last = uid.get();
    }

    fn fixed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.fixed(text.as_bytes());
    }

    fn side(&mut self, side: Side) {
        self.byte(side_number(side));
    }

    fn keywords(&mut self, marks: &Marks) {
        self.count(marks.keywords().count());
        for keyword in marks.keywords() {
            self.text(keyword);
        }
    }

    fn marks(&mut self, marks: &Marks) {
        if marks.keywords().next().is_none() {
            return self.byte(marks.system());
        }
        self.byte(marks.system() | HAS_KEYWORDS);
        self.keywords(marks);
    }

    fn finish(mut self) -> Vec<u8> {
        seal(&mut self.bytes);
        self.bytes
    }
}

/// Puts the hash of the rest at the head.
fn seal(blob: &mut [u8]) {
    if let Some((head, rest)) = blob.split_first_chunk_mut::<HASH>() {
        *head = hash(rest);
    }
}

fn hash(bytes: &[u8]) -> [u8; HASH] {
    let mut short = [0; HASH];
    short.copy_from_slice(blake3::hash(bytes).as_bytes().first_chunk::<HASH>().unwrap_or(&[0; HASH]));
    short
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn open(blob: &'a [u8], form: Form) -> Read<Reader<'a>> {
        let (head, rest) = blob.split_first_chunk::<HASH>().ok_or(Damage("too short"))?;
        if *head != hash(rest) {
            return Err(Damage("hash mismatch"));
        }
        let mut reader = Reader { rest };
        match reader.byte()? == form as u8 {
            true => Ok(reader),
            false => Err(Damage("another form or version")),
        }
    }

    fn byte(&mut self) -> Read<u8> {
        let (first, rest) = self.rest.split_first().ok_or(Damage("truncated"))?;
        self.rest = rest;
        Ok(*first)
    }

    fn number(&mut self) -> Read<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(Damage("number too large"));
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Damage("number too long"))
    }

    fn u32(&mut self) -> Read<u32> {
        u32::try_from(self.number()?).map_err(|_| Damage("number too large"))
    }

    /// How many elements follow. Each takes at least one byte, so that a wrong count cannot ask for much memory.
    fn count(&mut self) -> Read<usize> {
        let count = usize::try_from(self.number()?).map_err(|_| Damage("count too large"))?;
        if count > self.rest.len() { Err(Damage("count beyond the end")) } else { Ok(count) }
    }

    /// An index of something already read.
    fn index_below(&mut self, len: usize) -> Read<usize> {
        let index = usize::try_from(self.number()?).ok().filter(|index| *index < len);
        index.ok_or(Damage("index out of range"))
    }

    fn uid(&mut self) -> Read<Uid> {
        Uid::new(self.u32()?).ok_or(Damage("UID zero"))
    }

    fn uid_after(&mut self, last: &mut u32) -> Read<Uid> {
        let folded = self.number()?;
        let step = (folded >> 1).cast_signed() ^ -((folded & 1).cast_signed());
        let value = i64::from(*last).checked_add(step).and_then(|value| u32::try_from(value).ok());
        let uid = value.and_then(Uid::new).ok_or(Damage("UID out of range"))?;
        *last = uid.get();
        Ok(uid)
    }

    fn fixed<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(Damage("truncated"))?;
        self.rest = rest;
        Ok(*head)
    }

    fn text(&mut self) -> Read<&'a str> {
        let len = self.count()?;
        let (text, rest) = self.rest.split_at_checked(len).ok_or(Damage("truncated"))?;
        self.rest = rest;
        std::str::from_utf8(text).map_err(|_| Damage("text is not UTF-8"))
    }

    fn side(&mut self) -> Read<Side> {
        side_of(i64::from(self.byte()?))
    }

    fn keywords(&mut self) -> Read<Marks> {
        let count = self.count()?;
        let names = (0..count).map(|_| self.text()).collect::<Read<Vec<_>>>()?;
        let marks = Marks::from_names(names.iter().copied());
        let same = count > 0 && marks.system() == 0 && marks.keywords().eq(names);
        if same { Ok(marks) } else { Err(Damage("not a set of keywords")) }
    }

    fn marks(&mut self) -> Read<Marks> {
        let head = self.byte()?;
        let system = system_marks(head & !HAS_KEYWORDS)?;
        Ok(if head & HAS_KEYWORDS == 0 { system } else { system.union(&self.keywords()?) })
    }

    fn end(self) -> Read<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(Damage("bytes after the end")) }
    }
}

fn system_marks(bits: u8) -> Read<Marks> {
    let marks = Marks::from_system(bits);
    if marks.system() == bits { Ok(marks) } else { Err(Damage("unknown marks")) }
}

/// The number of a side in columns and blobs.
pub(crate) fn side_number(side: Side) -> u8 {
    match side {
        Side::Source => 0,
        Side::Target => 1,
    }
}

pub(crate) fn side_of(number: i64) -> Read<Side> {
    match number {
        0 => Ok(Side::Source),
        1 => Ok(Side::Target),
        _ => Err(Damage("neither side")),
    }
}

/// A value that the stored form cannot hold. Only a defect of ours makes one; it is refused before it is written.
fn unstorable(what: &str) -> Error {
    Error::internal(format!("the state cannot hold {what}"))
}

/// Writes nothing that would not be read back.
fn storable(fits: bool, what: &str) -> Result<()> {
    if fits { Ok(()) } else { Err(unstorable(what)) }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn any_uid() -> impl Strategy<Value = Uid> {
        prop_oneof![1u32..2000, 1u32..].prop_map(|uid| Uid::new(uid).unwrap())
    }

    pub(crate) fn any_side() -> impl Strategy<Value = Side> {
        prop_oneof![Just(Side::Source), Just(Side::Target)]
    }

    pub(crate) fn any_marks() -> impl Strategy<Value = Marks> {
        let keyword = prop_oneof!["\\$Forwarded", "[a-cA-C]", "\\PC{1,5}"];
        (0u8..32, proptest::collection::vec(keyword, 0..4)).prop_map(|(system, keywords)| {
            let keywords = keywords.iter().map(String::as_str).filter(|keyword| !keyword.starts_with('\\'));
            Marks::from_system(system).union(&Marks::from_names(keywords))
        })
    }

    /// Cuts a blob everywhere and flips each of its bits: all of it is noticed. Then does the same under a right hash,
    /// as if the hash were lucky: nothing panics, whatever is read.
    pub(crate) fn no_damage_passes<T: std::fmt::Debug>(blob: &[u8], read: impl Fn(&[u8]) -> Read<T>) {
        for cut in 0..blob.len() {
            read(&blob[..cut]).unwrap_err();
            let mut short = blob[..cut].to_vec();
            seal(&mut short);
            let _ = read(&short);
        }
        for bit in 0..blob.len() * 8 {
            let mut flipped = blob.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            read(&flipped).unwrap_err();
            seal(&mut flipped);
            let _ = read(&flipped);
        }
        let mut longer = blob.to_vec();
        longer.push(0);
        seal(&mut longer);
        read(&longer).unwrap_err();
    }

    proptest! {
        #[test]
        fn numbers_go_both_ways(values in proptest::collection::vec(prop_oneof![0u64..300, any::<u64>()], 0..20), uids in proptest::collection::vec(any_uid(), 0..20)) {
            let mut writer = Writer::new(Form::Args, 0);
            values.iter().for_each(|value| writer.number(*value));
            let mut last = 0;
            uids.iter().for_each(|uid| writer.uid_after(&mut last, *uid));
            let blob = writer.finish();
            let mut reader = Reader::open(&blob, Form::Args).unwrap();
            for value in values {
                prop_assert_eq!(reader.number(), Ok(value));
            }
            let mut last = 0;
            for uid in uids {
                prop_assert_eq!(reader.uid_after(&mut last), Ok(uid));
            }
            prop_assert_eq!(reader.end(), Ok(()));
        }

        #[test]
        fn any_bytes_under_a_right_hash_are_refused_or_read(mut bytes in proptest::collection::vec(any::<u8>(), 9..80), form in prop_oneof![Just(0x11u8), Just(0x21), Just(0x31), Just(0x41), Just(0x51), Just(0x61), Just(0x71), Just(0x81), Just(0x91)]) {
            bytes[HASH] = form;
            seal(&mut bytes);
            let _ = (read_links(&bytes), read_work(&bytes), read_recent(&bytes, 7), read_cursor(&bytes), read_path(&bytes), read_args(&bytes), read_strays(&bytes), read_event_text(&bytes), read_event_intent(&bytes, 1, 2));
        }
    }

    #[test]
    fn one_form_is_not_read_as_another() {
        let blob = Writer::new(Form::Args, 0).finish();
        assert_eq!(Reader::open(&blob, Form::Path).err(), Some(Damage("another form or version")));
    }
}
