//! Row 36: the server's side of NTLMv2, built from [MS-NLMP] and not from what any client of ours sends.
//!
//! Of the three messages it writes CHALLENGE_MESSAGE (2.2.1.2) and reads AUTHENTICATE_MESSAGE (2.2.1.3). It is as strict as the
//! document allows: nothing but NTLMv2, and always with a MIC, which a client owes to a server that tells its time.

use super::quirks::ExtendedProtection;
use hmac::{Hmac, KeyInit, Mac};
use md4::{Digest, Md4};
use md5::Md5;
use parom_domain::InternalDate;
use std::collections::BTreeMap;

const SIGNATURE: &[u8] = b"NTLMSSP\0";
/// Windows Server 2012 R2, and revision 15 of NTLM (2.2.2.10).
const VERSION: [u8; 8] = [6, 3, 0x80, 0x25, 0, 0, 0, 15];

// Flags (2.2.2.5).
const UNICODE: u32 = 1;
/// Names in eight bits, of which the lab knows ASCII.
const OEM: u32 = 2;
const SIGN: u32 = 0x10;
const SEAL: u32 = 0x20;
const TARGET_TYPE_DOMAIN: u32 = 0x1_0000;
const TARGET_INFO: u32 = 0x80_0000;
const KEY_EXCHANGE: u32 = 0x4000_0000;
/// What a client may have if it asks: REQUEST_TARGET, NTLM, ALWAYS_SIGN, EXTENDED_SESSIONSECURITY, VERSION, 128, 56, and those above.
const OBLIGED: u32 =
    SIGN | SEAL | KEY_EXCHANGE | 4 | 0x200 | 0x8000 | 0x8_0000 | 0x200_0000 | 0x2000_0000 | 0x8000_0000;

// AV_PAIRs (2.2.2.1).
const END: u16 = 0;
const COMPUTER: u16 = 1;
const DOMAIN: u16 = 2;
const FLAGS: u16 = 6;
const TIMESTAMP: u16 = 7;
const CHANNEL_BINDINGS: u16 = 10;
/// In FLAGS: there is a MIC.
const HAS_MIC: u32 = 2;

/// Where AUTHENTICATE_MESSAGE has its MIC, behind the version.
const MIC: std::ops::Range<usize> = 72..88;

/// A conversation in which the challenge was sent.
pub(crate) struct Challenge {
    negotiate: Vec<u8>,
    message: Vec<u8>,
    nonce: [u8; 8],
}

/// Who says to be whom: a domain, which may be empty, and a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub domain: String,
    pub user: String,
}

/// Why a proof is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// What came is no message, or is older than NTLMv2.
    Malformed,
    WrongPassword,
    /// The MIC is missing or does not fit the three messages.
    WrongMic,
    /// It was made for another TLS connection, or for none.
    WrongBinding,
}

/// Which channel binding a client has to bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binding<'a> {
    Any,
    /// The hash of this, or none at all.
    IfAny(&'a [u8]),
    Exactly(&'a [u8]),
}

impl<'a> Binding<'a> {
    pub fn of(protection: &'a ExtendedProtection) -> Binding<'a> {
        match protection {
            ExtendedProtection::None => Binding::Any,
            ExtendedProtection::Allow { end_point } => Binding::IfAny(end_point),
            ExtendedProtection::Require { end_point } => Binding::Exactly(end_point),
        }
    }
}

impl Named {
    /// As LOGIN would be given it.
    pub fn spelled(&self) -> String {
        if self.domain.is_empty() { self.user.clone() } else { format!("{}\\{}", self.domain, self.user) }
    }
}

impl Challenge {
    /// The answer to NEGOTIATE_MESSAGE. `None` for what is no such message.
    pub fn new(negotiate: &[u8], domain: &str, host: &str, nonce: [u8; 8], now: InternalDate) -> Option<Challenge> {
        if !is_message(negotiate, 1) {
            return None;
        }
        let asked = number(negotiate, 12)?;
        let letters = if asked & UNICODE != 0 { UNICODE } else { asked & OEM };
        let info = [
            pair(DOMAIN, &utf16(domain)),
            pair(COMPUTER, &utf16(host)),
            pair(TIMESTAMP, &filetime(now).to_le_bytes()),
            pair(END, &[]),
        ]
        .concat();
        let domain = if letters == UNICODE { utf16(domain) } else { domain.as_bytes().to_vec() };
        let mut message = [SIGNATURE, &2u32.to_le_bytes()].concat();
        let payload = 56;
        message.extend(field(domain.len(), payload));
        message.extend((asked & OBLIGED | letters | TARGET_TYPE_DOMAIN | TARGET_INFO).to_le_bytes());
        message.extend(nonce);
        message.extend([0; 8]);
        message.extend(field(info.len(), payload + domain.len()));
        message.extend(VERSION);
        message.extend(domain);
        message.extend(info);
        Some(Challenge { negotiate: negotiate.to_vec(), message, nonce })
    }

    /// CHALLENGE_MESSAGE.
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// 3.2.5.1.2 and 3.2.5.2.2: does AUTHENTICATE_MESSAGE prove that its sender knows this password, on this connection?
    pub fn check(&self, authenticate: &[u8], password: &str, binding: Binding<'_>) -> Result<(), Flaw> {
        let proof = Proof::read(authenticate, self.nonce, password).ok_or(Flaw::Malformed)?;
        if !proof.holds {
            return Err(Flaw::WrongPassword);
        }
        let flags = proof.pairs.get(&FLAGS).and_then(|value| number(value, 0)).unwrap_or(0);
        let given = authenticate.get(MIC).filter(|_| flags & HAS_MIC != 0).ok_or(Flaw::WrongMic)?;
        let mut unmarked = authenticate.to_vec();
        unmarked.get_mut(MIC).ok_or(Flaw::WrongMic)?.fill(0);
        let expected = hmac_md5(&proof.exported_key, &[&self.negotiate, &self.message, &unmarked]);
        if given != expected {
            return Err(Flaw::WrongMic);
        }
        let brought = proof.pairs.get(&CHANNEL_BINDINGS).filter(|value| value.iter().any(|byte| *byte != 0));
        let fits = match (binding, brought) {
            (Binding::Any, _) | (Binding::IfAny(_), None) => true,
            (Binding::Exactly(_), None) => false,
            (Binding::IfAny(wanted) | Binding::Exactly(wanted), Some(brought)) => *brought == bindings_hash(wanted),
        };
        if fits { Ok(()) } else { Err(Flaw::WrongBinding) }
    }
}

/// Who AUTHENTICATE_MESSAGE says to be.
pub(crate) fn named(authenticate: &[u8]) -> Option<Named> {
    if !is_message(authenticate, 3) {
        return None;
    }
    let is_unicode = number(authenticate, 60)? & UNICODE != 0;
    let text = |bytes: &[u8]| if is_unicode { text(bytes) } else { String::from_utf8(bytes.to_vec()).ok() };
    Some(Named { domain: text(payload(authenticate, 28)?)?, user: text(payload(authenticate, 36)?)? })
}

/// NTLMv2 (3.3.2): what the response says, and whether it was made with this password.
struct Proof {
    holds: bool,
    exported_key: [u8; 16],
    pairs: BTreeMap<u16, Vec<u8>>,
}

impl Proof {
    fn read(authenticate: &[u8], nonce: [u8; 8], password: &str) -> Option<Proof> {
        let Named { domain, user } = named(authenticate)?;
        let response = payload(authenticate, 20)?;
        // A response of NTLMv1 has 24 bytes and nothing behind the first 16 that could be read.
        let (given, blob) = response.split_at_checked(16).filter(|(_, blob)| blob.len() >= 32)?;
        let key = hmac_md5(&nt_hash(password), &[&utf16(&user.to_uppercase()), &utf16(&domain)]);
        let proof = hmac_md5(&key, &[&nonce, blob]);
        let base_key = hmac_md5(&key, &[&proof]);
        let flags = number(authenticate, 60)?;
        let exchanges = flags & KEY_EXCHANGE != 0 && flags & (SIGN | SEAL) != 0;
        let exported_key = match exchanges {
            true => rc4(&base_key, payload(authenticate, 52)?.try_into().ok()?),
            false => base_key,
        };
        // Behind both versions, the times, the client's challenge and what is reserved (2.2.2.7).
        let pairs = pairs(blob.get(28..)?)?;
        Some(Proof { holds: given == proof, exported_key, pairs })
    }
}

/// NTOWFv1.
fn nt_hash(password: &str) -> [u8; 16] {
    Md4::digest(utf16(password)).into()
}

/// MD5 of gss_channel_bindings_struct with nothing in it but the application's data (2.2.2.1, RFC 2744 section 3.11).
fn bindings_hash(application_data: &[u8]) -> [u8; 16] {
    let length = u32::try_from(application_data.len()).unwrap_or(u32::MAX);
    Md5::digest([&[0; 16][..], &length.to_le_bytes(), application_data].concat()).into()
}

fn hmac_md5(key: &[u8; 16], parts: &[&[u8]]) -> [u8; 16] {
    // RFC 2104 fills a short key up to a block.
    let block: [u8; 64] = std::array::from_fn(|at| key.get(at).copied().unwrap_or(0));
    let mut mac = Hmac::<Md5>::new(&block.into());
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

#[expect(clippy::indexing_slicing, reason = "every byte has its place among 256")]
fn rc4(key: &[u8; 16], mut text: [u8; 16]) -> [u8; 16] {
    let mut state: [u8; 256] = std::array::from_fn(|at| at.to_le_bytes()[0]);
    let mut other = 0u8;
    for (at, key) in (0..=255u8).zip(key.iter().cycle()) {
        other = other.wrapping_add(state[usize::from(at)]).wrapping_add(*key);
        state.swap(usize::from(at), usize::from(other));
    }
    let (mut one, mut other) = (0u8, 0u8);
    for byte in &mut text {
        one = one.wrapping_add(1);
        other = other.wrapping_add(state[usize::from(one)]);
        state.swap(usize::from(one), usize::from(other));
        *byte ^= state[usize::from(state[usize::from(one)].wrapping_add(state[usize::from(other)]))];
    }
    text
}

fn is_message(message: &[u8], kind: u32) -> bool {
    message.starts_with(SIGNATURE) && number(message, 8) == Some(kind)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..)?.get(..4)?.try_into().ok()?))
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..)?.get(..2)?.try_into().ok()?))
}

/// What the field at this place points to: its length, its length again, its offset.
fn payload(message: &[u8], at: usize) -> Option<&[u8]> {
    let length = usize::from(short(message, at)?);
    let offset = usize::try_from(number(message, at + 4)?).ok()?;
    message.get(offset..)?.get(..length)
}

fn field(length: usize, offset: usize) -> Vec<u8> {
    let length = u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes();
    let offset = u32::try_from(offset).unwrap_or(u32::MAX).to_le_bytes();
    [&length[..], &length, &offset].concat()
}

fn pair(id: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    [&id.to_le_bytes()[..], &length.to_le_bytes(), value].concat()
}

/// Up to the pair that ends them.
fn pairs(mut bytes: &[u8]) -> Option<BTreeMap<u16, Vec<u8>>> {
    let mut pairs = BTreeMap::new();
    loop {
        let (id, length) = (short(bytes, 0)?, usize::from(short(bytes, 2)?));
        if id == END {
            return Some(pairs);
        }
        let (value, rest) = bytes.get(4..)?.split_at_checked(length)?;
        pairs.insert(id, value.to_vec());
        bytes = rest;
    }
}

/// Units of 100 ns since 1601 ([MS-DTYP] 2.3.3).
fn filetime(date: InternalDate) -> u64 {
    u64::try_from(date.unix_s).unwrap_or(0).saturating_add(11_644_473_600).saturating_mul(10_000_000)
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn text(bytes: &[u8]) -> Option<String> {
    let units: Vec<u16> = bytes.chunks_exact(2).filter_map(|unit| short(unit, 0)).collect();
    String::from_utf16(&units).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits.chunks(2).map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
    }

    /// AUTHENTICATE_MESSAGE of [MS-NLMP] 4.2.4.3: User of Domain with the password Password answers 0123456789abcdef.
    const AUTHENTICATE: &str = "
        4e544c4d53535000 03000000 180018006c000000 5400540084000000 0c000c0048000000 0800080054000000 100010005c000000
        10001000d8000000 358288e2 0501280a0000000f
        44006f006d00610069006e00 55007300650072 00 43004f004d0050005500540045005200
        86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa
        68cd0ab851e51c96aabc927bebef6a1c 01010000 00000000 0000000000000000 aaaaaaaaaaaaaaaa 00000000
        02000c0044006f006d00610069006e00 01000c00530065007200760065007200 00000000 00000000
        c5dad2544fc9799094ce1ce90bc9d03e";
    const NONCE: [u8; 8] = [1, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF];

    #[test]
    fn the_example_of_the_document_holds() {
        let message = hex(AUTHENTICATE);
        assert_eq!(named(&message).unwrap(), Named { domain: "Domain".to_owned(), user: "User".to_owned() });
        let proof = Proof::read(&message, NONCE, "Password").unwrap();
        assert!(proof.holds);
        // RandomSessionKey of 4.2.1.
        assert_eq!(proof.exported_key, [0x55; 16]);
        assert_eq!(proof.pairs.keys().copied().collect::<Vec<_>>(), [COMPUTER, DOMAIN]);
        assert!(!Proof::read(&message, NONCE, "password").unwrap().holds);
        assert!(!Proof::read(&message, [0; 8], "Password").unwrap().holds);
        for length in 0..message.len() - 1 {
            assert!(Proof::read(message.get(..length).unwrap(), NONCE, "Password").is_none_or(|proof| proof.holds));
        }
    }
}
