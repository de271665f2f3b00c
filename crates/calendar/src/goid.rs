//! UIDs and Exchange's GlobalObjectId ([MS-OXOCAL] 2.2.1.27, [MS-OXCICAL] 2.1.3.1.1.20.26).

use jiff::civil::Date;

/// What every GlobalObjectId begins with.
const ARRAY_ID: [u8; 16] = [0x04, 0, 0, 0, 0x82, 0, 0xE0, 0, 0x74, 0xC5, 0xB7, 0x10, 0x1A, 0x82, 0xE0, 0x08];
/// Before a UID that comes from elsewhere: the word and a version.
const FOREIGN: &[u8] = b"vCal-Uid\x01\0\0\0";
/// Array id, date of the instance, creation time, reserved bytes, size of the data.
const HEADER: usize = 16 + 4 + 8 + 8 + 4;

/// A GlobalObjectId taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GlobalObjectId {
    /// The original date of the occurrence that it names; `None` names the series (the clean form).
    pub instance: Option<Date>,
    /// The creation time as a FILETIME; 0 for UIDs from elsewhere.
    pub created: u64,
    /// 8 bytes without a known meaning.
    pub reserved: [u8; 8],
    pub data: Vec<u8>,
}

impl GlobalObjectId {
    /// The one for a UID in iCalendar: hexadecimal of a GlobalObjectId stands for itself, anything else is wrapped.
    #[must_use]
    pub fn of_uid(uid: &str, instance: Option<Date>) -> GlobalObjectId {
        match from_hex(uid).and_then(|bytes| GlobalObjectId::decode(&bytes)) {
            Some(own) => GlobalObjectId { instance, ..own },
            None => {
                let data = [FOREIGN, uid.as_bytes(), b"\0"].concat();
                GlobalObjectId { instance, created: 0, reserved: [0; 8], data }
            }
        }
    }

    /// The UID in iCalendar: what was wrapped, else the capital hexadecimal of the clean form.
    #[must_use]
    pub fn uid(&self) -> String {
        self.foreign_uid().map_or_else(|| to_hex(&self.clean().encode()), ToOwned::to_owned)
    }

    fn foreign_uid(&self) -> Option<&str> {
        let text = self.data.strip_prefix(FOREIGN)?;
        let text = text.split(|byte| *byte == 0).next()?;
        std::str::from_utf8(text).ok().filter(|uid| !uid.is_empty())
    }

    /// The form that names the series.
    #[must_use]
    pub fn clean(&self) -> GlobalObjectId {
        GlobalObjectId { instance: None, ..self.clone() }
    }

    /// `None` for bytes that are no GlobalObjectId. Bytes after the data are overlooked; a date that does not exist counts
    /// as none.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<GlobalObjectId> {
        let rest = bytes.strip_prefix(&ARRAY_ID)?;
        let (&[year_high, year_low, month, day], rest) = rest.split_first_chunk::<4>()?;
        let (created, rest) = rest.split_first_chunk::<8>()?;
        let (reserved, rest) = rest.split_first_chunk::<8>()?;
        let (size, rest) = rest.split_first_chunk::<4>()?;
        let data = rest.get(..usize::try_from(u32::from_le_bytes(*size)).ok()?)?;
        let year = i16::from_be_bytes([year_high, year_low]);
        let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
        Some(GlobalObjectId {
            instance: Date::new(year, month, day).ok(),
            created: u64::from_le_bytes(*created),
            reserved: *reserved,
            data: data.to_vec(),
        })
    }

    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + self.data.len());
        bytes.extend_from_slice(&ARRAY_ID);
        match self.instance {
            Some(date) => {
                bytes.extend_from_slice(&date.year().to_be_bytes());
                bytes.extend([date.month().unsigned_abs(), date.day().unsigned_abs()]);
            }
            None => bytes.extend([0; 4]),
        }
        bytes.extend_from_slice(&self.created.to_le_bytes());
        bytes.extend_from_slice(&self.reserved);
        bytes.extend_from_slice(&u32::try_from(self.data.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend_from_slice(&self.data);
        bytes
    }
}

/// What two UIDs are compared by, whoever spelled them: some clients hand back the hexadecimal in small letters, some of
/// an instance, and Exchange the hexadecimal of what the other side knows as text.
#[must_use]
pub fn canonical_uid(uid: &str) -> String {
    let uid = uid.trim();
    match from_hex(uid).and_then(|bytes| GlobalObjectId::decode(&bytes)) {
        Some(id) => id.uid(),
        None => uid.to_owned(),
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    // Nothing else is worth the work.
    let begins = text.get(..8).is_some_and(|begin| begin.eq_ignore_ascii_case("04000000"));
    if !begins || !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let pairs = digits?;
    Some(pairs.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

fn to_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    text.extend(digits.filter_map(|digit| char::from_digit(digit.into(), 16)).map(|digit| digit.to_ascii_uppercase()));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Of the kind that Outlook makes.
    const NATIVE: &str = "040000008200E00074C5B7101A82E008000000008062A34CEB5DC5010000000000000000100000000D8EBC7B9A4DA2459ED85C3B8B8A7F8D";

    #[test]
    fn a_native_uid_stands_for_itself() {
        let id = GlobalObjectId::of_uid(NATIVE, None);
        assert_eq!(id.uid(), NATIVE);
        assert_eq!(to_hex(&id.encode()), NATIVE);
        assert_ne!(id.created, 0);
    }

    #[test]
    fn a_foreign_uid_is_wrapped() {
        let id = GlobalObjectId::of_uid("1DB0F1B2-6F6C@example.org", None);
        let bytes = id.encode();
        assert_eq!(bytes.get(40..52), Some(FOREIGN));
        assert_eq!(bytes.last(), Some(&0));
        assert_eq!(canonical_uid(&to_hex(&bytes)), "1DB0F1B2-6F6C@example.org");
        assert_eq!(canonical_uid(&to_hex(&bytes).to_lowercase()), "1DB0F1B2-6F6C@example.org");
    }

    #[test]
    fn an_instance_is_of_its_series() {
        let day = jiff::civil::date(2026, 3, 30);
        let id = GlobalObjectId::of_uid(NATIVE, Some(day));
        assert_eq!(id.encode().get(16..20), Some(&[0x07, 0xEA, 3, 30][..]));
        assert_eq!(canonical_uid(&to_hex(&id.encode()).to_lowercase()), NATIVE);
        assert_eq!(GlobalObjectId::decode(&id.encode()).unwrap().instance, Some(day));
    }

    #[test]
    fn other_uids_are_left_alone() {
        for uid in ["", "04000000", "040000008200E00074C5B7101A82E008", "0400000Ы", "AbC@x"] {
            assert_eq!(canonical_uid(uid), uid);
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(
            created: u64,
            reserved: [u8; 8],
            data in prop::collection::vec(any::<u8>(), 0..60),
            day in prop::option::of((1i16..9999, 1i8..=12, 1i8..=28)),
        ) {
            let instance = day.map(|(year, month, day)| Date::new(year, month, day).unwrap());
            let id = GlobalObjectId { instance, created, reserved, data };
            prop_assert_eq!(GlobalObjectId::decode(&id.encode()), Some(id));
        }

        #[test]
        fn a_uid_comes_back(uid in "[!-~]([ -~]{0,40}[!-~])?|[0-9A-F]{20,90}", lower: bool) {
            let id = GlobalObjectId::of_uid(&uid, None);
            prop_assert_eq!(&id.uid(), &canonical_uid(&uid));
            let hex = to_hex(&id.encode());
            let hex = if lower { hex.to_lowercase() } else { hex };
            prop_assert_eq!(canonical_uid(&hex), canonical_uid(&uid));
        }

        #[test]
        fn any_bytes_may_come(bytes: Vec<u8>) {
            let _ = GlobalObjectId::decode(&bytes);
            let with_id = [&ARRAY_ID[..], &bytes].concat();
            let _ = GlobalObjectId::decode(&with_id);
        }
    }
}
