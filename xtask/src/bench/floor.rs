//! What a first copy costs the servers alone, by a client that does nothing else: all bodies fetched from one and appended
//! to the other at the same time, over one connection to each.

use super::measure::Cost;
use crate::live::{Address, PASSWORD};
use crate::{Result, failure};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// The mail of a mailbox, folder by folder.
pub struct Mail {
    folders: Vec<(String, Vec<Vec<u8>>)>,
}

/// Reads everything into memory, so that appending can be measured without fetching first.
pub fn read(source: &Address, user: &str) -> Result<Mail> {
    let mut folders = Vec::new();
    fetch(source, user, |folder, body| match folders.last_mut() {
        Some((last, bodies)) if last == folder => Vec::push(bodies, body.to_vec()),
        _ => folders.push((folder.to_owned(), vec![body.to_vec()])),
    })?;
    Ok(Mail { folders })
}

/// A mailbox on both servers.
pub struct Pair<'a> {
    pub source: (&'a Address, String),
    pub target: (&'a Address, String),
}

/// So many mailboxes are worked on at once.
const AT_ONCE: usize = 8;

/// Fetches all from the source and appends all to the target, side by side.
pub fn copy(pairs: &[Pair<'_>], mail: &[Mail]) -> Result<Cost> {
    let work: Vec<(&Pair<'_>, &Mail)> = pairs.iter().zip(mail).collect();
    for_each(&work, |(pair, mail)| {
        let (source, target) = (&pair.source, &pair.target);
        both(|| fetch(source.0, &source.1, |_, _| ()), || append(target.0, &target.1, mail))
    })
}

pub fn for_each<T: Sync>(work: &[T], each: impl Fn(&T) -> Result<()> + Sync) -> Result<Cost> {
    let start = Instant::now();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let worker = || {
            while let Some(item) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
                each(item).map_err(|error| error.to_string())?;
            }
            Ok::<(), String>(())
        };
        let workers: Vec<_> = (0..AT_ONCE.min(work.len())).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| "a thread panicked".to_owned())?)
    })
    .map_err(failure)?;
    // Its own CPU is mixed with that of the harness, so it is not told.
    Ok(Cost { wall_s: start.elapsed().as_secs_f64(), cpu_s: f64::NAN, peak_mb: f64::NAN })
}

pub fn both(one: impl FnOnce() -> Result<()> + Send, other: impl FnOnce() -> Result<()>) -> Result<()> {
    std::thread::scope(|scope| {
        let one = scope.spawn(|| one().map_err(|error| error.to_string()));
        other()?;
        one.join().map_err(|_| failure("a thread panicked"))?.map_err(failure)
    })
}

fn fetch(source: &Address, user: &str, mut each: impl FnMut(&str, &[u8])) -> Result<()> {
    let mut client = Client::connect(source, user)?;
    let mut folders = Vec::new();
    client.command("LIST \"\" \"*\"", |line, _| {
        // The mail was written by `corpus`: its names need no unquoting.
        if let Some((_, name)) =
            line.trim_end().rsplit_once(" \".\" ").or_else(|| line.trim_end().rsplit_once(" \"/\" "))
        {
            folders.push(name.trim_matches('"').to_owned());
        }
    })?;
    let mut body = Vec::new();
    for folder in folders {
        client.command(&format!("EXAMINE \"{folder}\""), |_, _| ())?;
        client.command_with_literals("UID FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[])", &mut body, |body| {
            each(&folder, body);
        })?;
    }
    Ok(())
}

fn append(target: &Address, user: &str, mail: &Mail) -> Result<()> {
    let mut client = Client::connect(target, user)?;
    for (folder, bodies) in &mail.folders {
        if folder != "INBOX" {
            client.command(&format!("CREATE \"{folder}\""), |_, _| ())?;
        }
        // Batches as the engine makes them; all are under way at once.
        let mut batches = 0;
        let mut rest = bodies.as_slice();
        let mut writer = client.stream.try_clone()?;
        let answers = std::thread::scope(|scope| -> Result<()> {
            let (sent, to_read) = std::sync::mpsc::channel::<()>();
            let reader = &mut client.reader;
            let reading = scope.spawn(move || batch_answers(reader, to_read));
            while !rest.is_empty() {
                let (mut count, mut bytes) = (0, 0);
                while let Some(body) = rest.get(count)
                    && count < 64
                    && (count == 0 || bytes + body.len() <= 4 << 20)
                {
                    bytes += body.len();
                    count += 1;
                }
                let (batch, later) = rest.split_at(count);
                rest = later;
                let mut head = format!("b{batches} APPEND \"{folder}\"");
                for body in batch {
                    let date = "05-Mar-2024 10:00:00 +0300";
                    writer.write_all(format!("{head} (\\Seen) \"{date}\" {{{}+}}\r\n", body.len()).as_bytes())?;
                    writer.write_all(body)?;
                    head.clear();
                }
                writer.write_all(b"\r\n")?;
                batches += 1;
                let _ = sent.send(());
            }
            drop(sent);
            reading.join().map_err(|_| failure("the reading thread panicked"))?
        });
        answers?;
    }
    Ok(())
}

/// Reads a tagged answer for each batch that was sent.
fn batch_answers(reader: &mut BufReader<TcpStream>, sent: std::sync::mpsc::Receiver<()>) -> Result<()> {
    for () in sent {
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            if line.starts_with('b') {
                if !line.contains(" OK ") {
                    return Err(failure(format!("APPEND: {line}")));
                }
                break;
            }
            if line.is_empty() {
                return Err(failure("the server closed the connection"));
            }
        }
    }
    Ok(())
}

pub struct Client {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Client {
    pub fn connect(server: &Address, user: &str) -> Result<Client> {
        if server.tls {
            return Err(failure("the floor is measured in plain only"));
        }
        let stream = TcpStream::connect((server.host.as_str(), server.port))?;
        stream.set_nodelay(true)?;
        let reader = BufReader::with_capacity(1 << 18, stream.try_clone()?);
        let mut client = Client { stream, reader };
        client.reader.read_line(&mut String::new())?;
        client.command(&format!("LOGIN \"{user}\" \"{PASSWORD}\""), |_, _| ())?;
        Ok(client)
    }

    pub fn command(&mut self, text: &str, mut each: impl FnMut(&str, &[u8])) -> Result<()> {
        let mut none = Vec::new();
        self.converse(text, &mut none, &mut |line, body| each(line, body))
    }

    pub fn command_with_literals(&mut self, text: &str, body: &mut Vec<u8>, mut each: impl FnMut(&[u8])) -> Result<()> {
        self.converse(text, body, &mut |line, body| {
            if line.ends_with("}\r\n") {
                each(body);
            }
        })
    }

    pub fn append(&mut self, folder: &str, flags: &str, body: &[u8]) -> Result<()> {
        let mut text = format!("APPEND \"{folder}\" ({flags}) {{{}+}}\r\n", body.len()).into_bytes();
        text.extend_from_slice(body);
        self.send(&text, &mut Vec::new(), &mut |_, _| ())
    }

    /// Sends a command and calls `each` for every line, with the literal that follows it.
    fn converse(&mut self, text: &str, body: &mut Vec<u8>, each: &mut dyn FnMut(&str, &[u8])) -> Result<()> {
        self.send(text.as_bytes(), body, each)
    }

    fn send(&mut self, text: &[u8], body: &mut Vec<u8>, each: &mut dyn FnMut(&str, &[u8])) -> Result<()> {
        self.stream.write_all(&[b"a ", text, b"\r\n"].concat())?;
        let mut raw = Vec::new();
        loop {
            raw.clear();
            self.reader.read_until(b'\n', &mut raw)?;
            let line = String::from_utf8_lossy(&raw);
            if line.is_empty() {
                return Err(failure("the server closed the connection"));
            }
            if line.starts_with("a ") {
                let done = line.starts_with("a OK");
                return if done {
                    Ok(())
                } else {
                    Err(failure(format!(
                        "{}: {line}",
                        String::from_utf8_lossy(text).lines().next().unwrap_or_default()
                    )))
                };
            }
            body.clear();
            if let Some(length) = line.strip_suffix("}\r\n").and_then(|line| line.rsplit_once('{')) {
                body.resize(length.1.parse()?, 0);
                self.reader.read_exact(body)?;
            }
            each(&line, body);
        }
    }
}
