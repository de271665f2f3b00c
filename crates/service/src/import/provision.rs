//! Mailboxes on the target for people who have none yet. A provisioner makes them, or prepares what another system needs to
//! make them.

use super::plan::Planned;
use parom_domain::{Error, Result};
use std::io::Write;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// Whoever makes mailboxes on the target.
pub trait Provisioner {
    /// Called once for an import, before anything of it is written down: what fails here stops it.
    ///
    /// # Errors
    /// `std::io::Error` of whatever is written.
    fn provision(&self, people: &[Planned]) -> std::io::Result<()>;
}

/// The mailboxes are there, or somebody else makes them.
pub struct Nobody;

impl Provisioner for Nobody {
    fn provision(&self, _: &[Planned]) -> std::io::Result<()> {
        Ok(())
    }
}

/// Writes the table that VK WorkSpace loads to make its users: the guide's columns, without those of its own collectors.
/// The file holds passwords and is for its owner only.
pub struct VkCsv {
    pub file: PathBuf,
}

impl Provisioner for VkCsv {
    fn provision(&self, people: &[Planned]) -> std::io::Result<()> {
        let text = vk_csv(people, || generated().map_err(std::io::Error::other))?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&self.file)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }
}

const HEAD: [&str; 11] = [
    "email:",
    "password:",
    "firstname:",
    "lastname:",
    "groups:",
    "phone:",
    "only_myteam:",
    "send_email:",
    "enabled_2fa:",
    "phone_2fa:",
    "password_up:",
];

/// The table as UTF-8 with commas. Nothing is neutralised in it: another system reads it, and would take a changed cell for
/// what it says. `password` makes one for people who have none given.
fn vk_csv(
    people: &[Planned],
    mut password: impl FnMut() -> std::io::Result<Zeroizing<String>>,
) -> std::io::Result<Zeroizing<String>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let flag = |on: bool| if on { "true" } else { "" };
    writer.write_record(HEAD)?;
    for planned in people {
        let (person, record) = (&planned.person, planned.record());
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let groups: Vec<String> = record.groups.iter().map(|group| quoted(group)).collect();
        let new = match &person.new_password {
            Some(given) => given.clone(),
            None => password()?,
        };
        writer.write_record([
            record.address.as_str(),
            new.as_str(),
            &text(&record.first_name),
            &text(&record.last_name),
            &groups.join(" "),
            &text(&record.phone),
            flag(record.only_myteam),
            if record.send_email { "1" } else { "0" },
            flag(record.enabled_2fa),
            &text(&record.phone_2fa),
            person.changed_password.as_ref().map_or("", |password| password.as_str()),
        ])?;
    }
    let bytes = writer.into_inner().map_err(|error| error.into_error())?;
    String::from_utf8(bytes).map(Zeroizing::new).map_err(std::io::Error::other)
}

fn quoted(group: &str) -> String {
    if group.contains(char::is_whitespace) { format!("\"{group}\"") } else { group.to_owned() }
}

/// Letters and digits that nobody mistakes for each other.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789A";
const LENGTH: usize = 16;

/// A password of 80 bits.
fn generated() -> Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0u8; LENGTH]);
    getrandom::fill(&mut *bytes).map_err(|error| Error::internal(format!("no randomness: {error}")))?;
    let letter = |byte: &u8| char::from(ALPHABET.get(usize::from(byte % 32)).copied().unwrap_or(b'x'));
    Ok(Zeroizing::new(bytes.iter().map(letter).collect()))
}
