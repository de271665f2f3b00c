//! GlobalObjectId and UID ([MS-OXCICAL] 2.1.3.1.1.20.26, [MS-OXOCAL] 2.2.1.27).

use super::time::Date;

const CLASS: [u8; 16] = [0x04, 0, 0, 0, 0x82, 0, 0xE0, 0, 0x74, 0xC5, 0xB7, 0x10, 0x1A, 0x82, 0xE0, 0x08];
const MARK: &[u8] = b"vCal-Uid\x01\0\0\0";

/// The clean id behind a UID: what the UID spells, or a wrapping of a foreign one.
pub fn of_uid(uid: &str) -> Vec<u8> {
    if let Some(mut spelled) = unhex(uid).filter(|bytes| bytes.starts_with(&CLASS) && bytes.len() >= 40) {
        if let Some(date) = spelled.get_mut(16..20) {
            date.fill(0);
        }
        return spelled;
    }
    let data = [MARK, uid.as_bytes(), b"\0"].concat();
    assemble(&[0; 8], &data)
}

/// A fresh one, as Outlook and OWA make it: the time in 100 ns since 1601, and 16 bytes that nobody else has.
pub fn fresh(now_s: i64, number: u64) -> Vec<u8> {
    let filetime = (now_s + 11_644_473_600).unsigned_abs().wrapping_mul(10_000_000);
    let scattered = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let data = [number.to_le_bytes(), scattered.to_le_bytes()].concat();
    assemble(&filetime.to_le_bytes(), &data)
}

fn assemble(created: &[u8; 8], data: &[u8]) -> Vec<u8> {
    let size = u32::try_from(data.len()).unwrap_or(0);
    [&CLASS[..], &[0; 4], created, &[0; 8], &size.to_le_bytes(), data].concat()
}

/// The UID that iCalendar and `calendar:UID` show for a clean id.
pub fn uid(clean: &[u8]) -> String {
    if let Some(data) = clean.get(40..).and_then(|data| data.strip_prefix(MARK)) {
        let text = data.strip_suffix(b"\0").unwrap_or(data);
        return String::from_utf8_lossy(text).into_owned();
    }
    hex(clean)
}

pub fn hex(clean: &[u8]) -> String {
    clean.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// That of one occurrence: with the day that it was meant for.
pub fn dated(clean: &[u8], day: Date) -> Vec<u8> {
    let mut dated = clean.to_vec();
    let year = u16::try_from(day.year).unwrap_or(0).to_be_bytes();
    let part = |number: i64| u8::try_from(number).unwrap_or(0);
    if let Some(place) = dated.get_mut(16..20) {
        place.copy_from_slice(&[year[0], year[1], part(day.month), part(day.day)]);
    }
    dated
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_and_its_id_mean_each_other() {
        for foreign in ["abc@corp.example", "Встреча-1", "0400"] {
            assert_eq!(uid(&of_uid(foreign)), foreign);
        }
        let own = fresh(1_700_000_000, 7);
        assert_eq!(own.len(), 56);
        assert_eq!(of_uid(&uid(&own)), own);
        let dated = dated(&own, Date::new(2024, 3, 1));
        assert_eq!(&dated[16..20], &[0x07, 0xE8, 3, 1]);
        assert_eq!(of_uid(&uid(&dated)), own, "a UID never tells the day");
    }
}
