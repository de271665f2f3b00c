//! Modified UTF-7, the encoding of mailbox names (RFC 3501 section 5.1.3).

/// The wire form of a readable name.
#[must_use]
pub fn encode(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut shifted: Vec<u16> = Vec::new();
    for character in name.chars() {
        if matches!(character, ' '..='~') {
            unshift(&mut shifted, &mut out);
            out.push(character);
            if character == '&' {
                out.push('-');
            }
        } else {
            shifted.extend_from_slice(character.encode_utf16(&mut [0; 2]));
        }
    }
    unshift(&mut shifted, &mut out);
    out
}

/// The readable form of a wire name; `None` when it is not modified UTF-7 as [`encode`] writes it. Being strict keeps the
/// two forms in step: two different wire names never decode to the same name.
#[must_use]
pub fn decode(wire: &str) -> Option<String> {
    let mut out = String::with_capacity(wire.len());
    let mut rest = wire;
    while let Some((plain, after)) = rest.split_once('&') {
        let (code, after) = after.split_once('-')?;
        out.push_str(plain);
        if code.is_empty() {
            out.push('&');
        } else {
            out.push_str(&String::from_utf16(&units(code)?).ok()?);
        }
        rest = after;
    }
    out.push_str(rest);
    (encode(&out) == wire).then_some(out)
}

/// Base64 with a comma for the slash and without padding.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

fn unshift(units: &mut Vec<u16>, out: &mut String) {
    if units.is_empty() {
        return;
    }
    out.push('&');
    let bytes: Vec<u8> = units.drain(..).flat_map(u16::to_be_bytes).collect();
    for group in bytes.chunks(3) {
        let value = group.iter().fold(0u32, |sum, byte| sum << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for at in 0..=group.len() {
            let index = (value >> (18 - 6 * at) & 63) as usize;
            out.push(ALPHABET.get(index).copied().map_or('A', char::from));
        }
    }
    out.push('-');
}

fn units(code: &str) -> Option<Vec<u16>> {
    let (mut value, mut bits) = (0u32, 0);
    let mut units = Vec::new();
    for byte in code.bytes() {
        let digit = ALPHABET.iter().position(|known| *known == byte)?;
        value = (value << 6 | u32::try_from(digit).ok()?) & 0x3f_ffff;
        bits += 6;
        if bits >= 16 {
            bits -= 16;
            units.push(u16::try_from(value >> bits & 0xffff).ok()?);
        }
    }
    Some(units)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_names_go_both_ways() {
        for (name, wire) in [
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("Входящие", "&BBIERQQ+BDQETwRJBDgENQ-"),
            ("R&D", "R&-D"),
            ("", ""),
            ("a\tb", "a&AAk-b"),
            ("😀", "&2D3eAA-"),
        ] {
            assert_eq!((encode(name).as_str(), decode(wire).as_deref()), (wire, Some(name)));
        }
    }

    #[test]
    fn what_is_not_its_own_encoding_does_not_decode() {
        // Open shifts, plain letters encoded, half a surrogate pair, adjacent shifts, raw 8-bit.
        for wire in ["a&", "&AGE-", "&2D0-", "&BBI-&BEU-", "é", "&B-", "&AAk=-"] {
            assert_eq!(decode(wire), None, "{wire}");
        }
    }

    proptest! {
        #[test]
        fn decode_inverts_encode(name in any::<String>()) {
            let wire = encode(&name);
            prop_assert!(wire.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            prop_assert_eq!(decode(&wire), Some(name));
        }

        #[test]
        fn no_two_wire_names_read_alike(wire in "[&A-Za-d0-9,+ -]{0,12}") {
            if let Some(name) = decode(&wire) {
                prop_assert_eq!(encode(&name), wire);
            }
        }
    }
}
