//! The master key: 32 bytes that open every sealed secret, kept outside of the state.

use crate::classify;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use parom_domain::{Code, Error, Result, Retry, Scope};
use std::fmt;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use zeroize::{Zeroize, Zeroizing};

/// The environment variable that may hold the key instead of a file, in base64.
pub const MASTER_KEY_VARIABLE: &str = "PAROM_MASTER_KEY";

const KEY: usize = 32;
const NONCE: usize = 24;
/// The first byte of a sealed value: XChaCha20-Poly1305 with the nonce in front.
const SEALED_V1: u8 = 1;

/// Wiped from memory when it is dropped, and hidden from `Debug`.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; KEY]>);

impl MasterKey {
    /// Makes a new key and its file, which only its owner may read. A file that is there already is left alone.
    ///
    /// Errors: `SecretUnreadable` with the path.
    pub fn create(path: &Path) -> Result<MasterKey> {
        let mut key = Zeroizing::new([0; KEY]);
        getrandom::fill(&mut *key).map_err(|error| unreadable(path, error))?;
        let text = Zeroizing::new(STANDARD.encode(*key) + "\n");
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let written = file.and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        written.map_err(|error| match error.kind() {
            std::io::ErrorKind::StorageFull => classify::full(path),
            _ => unreadable(path, error),
        })?;
        Ok(MasterKey(key))
    }

    /// The key of the environment variable, if there is one, else of the file.
    ///
    /// Errors: `SecretUnreadable`, with the name of the variable or of the file as the path.
    pub fn find(path: &Path) -> Result<MasterKey> {
        match std::env::var(MASTER_KEY_VARIABLE) {
            Ok(text) => MasterKey::from_base64(&Zeroizing::new(text)),
            Err(std::env::VarError::NotPresent) => MasterKey::from_file(path),
            Err(std::env::VarError::NotUnicode(_)) => Err(unreadable(variable(), "it is not base64")),
        }
    }

    /// Reads the key's file. One that others may read is refused: what lies open is no secret.
    pub fn from_file(path: &Path) -> Result<MasterKey> {
        let failed = |error: std::io::Error| unreadable(path, error);
        let mut file = OpenOptions::new().read(true).open(path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            let mode = format!("{:o}", mode & 0o777);
            return Err(unreadable(path, format!("its mode is {mode}, it must be 600")).with("mode", mode));
        }
        let mut text = Zeroizing::new(String::new());
        file.read_to_string(&mut text).map_err(failed)?;
        MasterKey::decode(&text, path)
    }

    pub fn from_base64(text: &str) -> Result<MasterKey> {
        MasterKey::decode(text, variable())
    }

    fn decode(text: &str, path: &Path) -> Result<MasterKey> {
        let bytes = STANDARD.decode(text.trim()).map(Zeroizing::new).ok();
        let exact = bytes.and_then(|bytes| <[u8; KEY]>::try_from(bytes.as_slice()).ok());
        let mut exact = exact.ok_or_else(|| unreadable(path, "it does not hold 32 bytes in base64"))?;
        let key = MasterKey(Zeroizing::new(exact));
        exact.zeroize();
        Ok(key)
    }

    /// Seals a value for one name: under another name it does not open.
    pub(crate) fn seal(&self, name: &str, value: &[u8]) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(Error::internal)?;
        let payload = Payload { msg: value, aad: name.as_bytes() };
        let sealed = self.cipher().encrypt(XNonce::from_slice(&nonce), payload);
        let sealed = sealed.map_err(|_| Error::internal("a secret could not be sealed"))?;
        Ok([&[SEALED_V1], nonce.as_slice(), &sealed].concat())
    }

    /// Opens a sealed value; `None` when it was sealed with another key, under another name, or is damaged.
    pub(crate) fn open(&self, name: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (version, rest) = sealed.split_first()?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg: rest, aad: name.as_bytes() };
        let opened = self.cipher().decrypt(XNonce::from_slice(nonce), payload).ok()?;
        (*version == SEALED_V1).then(|| Zeroizing::new(opened))
    }

    /// What recognises a value without telling it, and without the key is worth nothing to whoever guesses.
    pub(crate) fn mark(&self, value: &[u8]) -> [u8; 32] {
        let key = Zeroizing::new(blake3::derive_key("parom 2026 recognition of refused passwords", self.0.as_slice()));
        *blake3::keyed_hash(&key, value).as_bytes()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.0.as_slice().into())
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

fn variable() -> &'static Path {
    Path::new(MASTER_KEY_VARIABLE)
}

pub(crate) fn unreadable(path: &Path, detail: impl ToString) -> Error {
    let error = Error::new(Code::SecretUnreadable, Scope::System, Retry::WhenFixed);
    error.with("path", path.display()).with("detail", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_with_its_key_and_name_only() {
        let folder = tempfile::tempdir().unwrap();
        let key = MasterKey::create(&folder.path().join("a")).unwrap();
        let other = MasterKey::create(&folder.path().join("b")).unwrap();
        let sealed = key.seal("name", b"open sesame").unwrap();
        assert_eq!(key.open("name", &sealed).unwrap().as_slice(), b"open sesame");
        assert!(key.open("other", &sealed).is_none());
        assert!(other.open("name", &sealed).is_none());
        assert_ne!(sealed, key.seal("name", b"open sesame").unwrap(), "the nonce is fresh");
        for at in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[at] ^= 1;
            assert!(key.open("name", &bad).is_none(), "byte {at}");
            assert!(key.open("name", &sealed[..at]).is_none(), "cut at {at}");
        }
    }

    #[test]
    fn the_file_of_a_key_is_private_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let key = MasterKey::create(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(MasterKey::create(&path).unwrap_err().code(), Code::SecretUnreadable);
        assert_eq!(*MasterKey::from_file(&path).unwrap().0, *key.0);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = MasterKey::from_file(&path).unwrap_err();
        assert!(error.arg("detail").unwrap().contains("640"), "{error}");
    }

    #[test]
    fn what_is_no_key_is_refused_without_repeating_it() {
        for text in ["", "short", "////", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "?"] {
            let error = MasterKey::from_base64(text).unwrap_err();
            assert_eq!(error.code(), Code::SecretUnreadable);
            assert!(text.is_empty() || !format!("{error:?}").contains(&format!("{text:?}")));
        }
        let key = MasterKey::from_base64(&(STANDARD.encode([7; KEY]) + "\n")).unwrap();
        assert_eq!(format!("{key:?}"), "MasterKey(..)");
    }
}
