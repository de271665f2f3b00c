//! Ids as a client sees them: opaque, long, and told apart by case alone.
//!
//! A real id names its mailbox, so that a server can find it from any other; so do these. The bytes begin as those of
//! Exchange do. Two ids never differ in case only, but a client that folds case will not find its item.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Id {
    Folder(u64),
    Item(u64),
    /// Of a series, by the local day that it was meant for.
    Occurrence(u64, i64),
    Attachment(u64),
}

impl Id {
    pub fn written(self, mailbox: u32) -> String {
        let (kind, number, day) = match self {
            Id::Folder(number) => (1_u8, number, 0),
            Id::Item(number) => (2, number, 0),
            Id::Occurrence(number, day) => (3, number, day),
            Id::Attachment(number) => (4, number, 0),
        };
        let mut bytes = vec![0, 3, 0x24, kind];
        bytes.extend(mailbox.to_le_bytes());
        bytes.extend(number.to_le_bytes());
        bytes.extend(day.to_le_bytes());
        let check = check(&bytes);
        bytes.extend(check.to_le_bytes());
        // As long as a real one.
        bytes.extend(
            std::iter::successors(Some(check), |seed| Some(scatter(*seed))).take(11).flat_map(u64::to_le_bytes),
        );
        STANDARD.encode(bytes)
    }

    /// The mailbox and what is meant in it; `None` for what no server wrote.
    pub fn read(text: &str) -> Option<(u32, Id)> {
        let bytes = STANDARD.decode(text).ok()?;
        let (body, rest) = bytes.split_at_checked(24)?;
        let told = u64::from_le_bytes(rest.get(..8)?.try_into().ok()?);
        if told != check(body) {
            return None;
        }
        let mailbox = u32::from_le_bytes(body.get(4..8)?.try_into().ok()?);
        let number = u64::from_le_bytes(body.get(8..16)?.try_into().ok()?);
        let day = i64::from_le_bytes(body.get(16..24)?.try_into().ok()?);
        let id = match body.get(3)? {
            1 => Id::Folder(number),
            2 => Id::Item(number),
            3 => Id::Occurrence(number, day),
            4 => Id::Attachment(number),
            _ => return None,
        };
        Some((mailbox, id))
    }
}

/// A change key: that of one state of one item or folder.
pub fn change_key(change: u64) -> String {
    let mut bytes = vec![0x0F, 0, 0, 0, 0x16, 0, 0, 0];
    bytes.extend(0x5EED_CAFE_0000_0001_u64.to_le_bytes());
    bytes.extend(0x1234_5678_9ABC_DEF0_u64.to_le_bytes());
    bytes.extend(change.to_be_bytes());
    STANDARD.encode(bytes)
}

pub fn read_change_key(text: &str) -> Option<u64> {
    let bytes = STANDARD.decode(text).ok()?;
    Some(u64::from_be_bytes(bytes.get(24..32)?.try_into().ok()?))
}

fn check(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3))
}

fn scatter(seed: u64) -> u64 {
    (seed ^ (seed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9).wrapping_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_they_were_written_and_only_so() {
        for id in [Id::Folder(1), Id::Item(77), Id::Occurrence(77, 19_000), Id::Attachment(4)] {
            let written = id.written(3);
            assert_eq!(Id::read(&written), Some((3, id)));
            assert_eq!(Id::read(&written.to_lowercase()), None);
            assert!(written.starts_with("AAMk") && written.len() > 100);
        }
        assert_eq!(Id::read("AAMk"), None);
        assert_eq!(read_change_key(&change_key(5)), Some(5));
    }
}
