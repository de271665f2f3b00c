//! A tiny password daemon for Cyrus SASL, so that no data base of passwords has to be made.
//!
//! The protocol is saslauthd's: four counted strings (login, password, service, realm), one counted answer.

use crate::Result;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

/// Answers on `socket` until the process ends: `accepts(login, password)` decides.
pub fn serve(socket: &Path, accepts: fn(&str, &str) -> bool) -> Result<()> {
    let listener = UnixListener::bind(socket)?;
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o777))?;
    std::thread::Builder::new().name("saslauthd".to_owned()).spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that says nonsense gets no answer, which Cyrus takes as a refusal.
            let _ = answer(stream, accepts);
        }
    })?;
    Ok(())
}

fn answer(mut stream: UnixStream, accepts: fn(&str, &str) -> bool) -> std::io::Result<()> {
    let login = counted(&mut stream)?;
    let password = counted(&mut stream)?;
    let _service = counted(&mut stream)?;
    let _realm = counted(&mut stream)?;
    let verdict: &[u8] = if accepts(&login, &password) { b"OK" } else { b"NO" };
    stream.write_all(&[0, 2])?;
    stream.write_all(verdict)
}

fn counted(stream: &mut UnixStream) -> std::io::Result<String> {
    let mut length = [0_u8; 2];
    stream.read_exact(&mut length)?;
    let mut text = vec![0_u8; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
