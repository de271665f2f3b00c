//! The configuration that `parom init` writes: every key explained, in the language of the screen.

use crate::config::keys::{Key, Part, Preset};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::i18n::Texts;
use crate::message::Message;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// What goes into the file besides the presets. All optional: what is missing is an example to be replaced.
#[derive(Debug, Default)]
pub struct Answers {
    pub domain: Option<String>,
    pub source_host: Option<String>,
    pub target_host: Option<String>,
}

/// Writes the file. One that exists is never overwritten.
pub fn write(file: &Path, answers: &Answers, texts: &Texts) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        let key = match error.kind() {
            ErrorKind::AlreadyExists => "init-exists",
            _ => "init-cannot-write",
        };
        let message = Message::new(key).with("file", file.display().to_string());
        Failure::new(Exit::Usage, message.with("detail", error.to_string()))
    };
    let mut out = OpenOptions::new().write(true).create_new(true).open(file).map_err(failed)?;
    out.write_all(text(answers, texts).as_bytes()).and_then(|()| out.sync_all()).map_err(failed)
}

/// The commented configuration.
#[must_use]
pub fn text(answers: &Answers, texts: &Texts) -> String {
    let mut page = Page { texts, text: String::new() };
    page.comment(&Message::new("init-head"));
    page.text.push('\n');
    page.keys(Part::Root, |_| None);
    page.header("init-limits", "[limits]");
    page.keys(Part::Limits, |_| None);
    page.header("init-domain", "[[domain]]");
    page.keys(Part::Domain, |key| answers.domain.as_deref().filter(|_| key.name == "name").map(quoted));
    page.header("init-calendars", "[domain.calendars]");
    page.keys(Part::Calendars, |_| None);
    for (comment, header, host, login) in [
        ("init-source", "[domain.source.imap]", &answers.source_host, "\"{source_login}\""),
        ("init-target", "[domain.target.imap]", &answers.target_host, "\"{target_login}\""),
    ] {
        page.header(comment, header);
        let example = if comment == "init-source" { "mail.old.example" } else { "mail.new.example" };
        let value = |key: &Key| match key.name {
            "host" => Some(quoted(host.as_deref().unwrap_or(example))),
            "login" => Some(login.to_owned()),
            _ => None,
        };
        if comment == "init-source" {
            page.keys(Part::Imap, value);
        } else {
            page.lines(Part::Imap, value);
        }
    }
    page.example("init-ews", "[domain.source.ews]", Part::Ews);
    page.example("init-caldav", "[domain.target.caldav]", Part::CalDav);
    page.example("init-sieve", "[domain.target.sieve]", Part::Sieve);
    page.text
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

struct Page<'t> {
    texts: &'t Texts,
    text: String,
}

impl Page<'_> {
    fn comment(&mut self, text: &Message) {
        for line in self.texts.say(text).lines() {
            self.text.push_str(format!("# {line}").trim_end());
            self.text.push('\n');
        }
    }

    fn header(&mut self, comment: &str, header: &str) {
        self.text.push('\n');
        self.comment(&Message::new(comment));
        self.text.push_str(header);
        self.text.push_str("\n\n");
    }

    /// Every key with its explanation.
    fn keys(&mut self, part: Part, value: impl Fn(&Key) -> Option<String>) {
        for (at, key) in part.keys().enumerate() {
            if at > 0 {
                self.text.push('\n');
            }
            self.comment(&key.doc());
            self.line(key, value(key));
        }
    }

    /// Every key, explained elsewhere.
    fn lines(&mut self, part: Part, value: impl Fn(&Key) -> Option<String>) {
        for key in part.keys() {
            self.line(key, value(key));
        }
    }

    /// A table that may be left out, commented out from its header on.
    fn example(&mut self, comment: &str, header: &str, part: Part) {
        self.text.push('\n');
        self.comment(&Message::new(comment));
        self.text.push_str(&format!("# {header}\n\n"));
        for (at, key) in part.keys().enumerate() {
            if at > 0 {
                self.text.push('\n');
            }
            self.comment(&key.doc());
            self.text.push_str(&format!("# {} = {}\n", key.name, key.preset.literal()));
        }
    }

    fn line(&mut self, key: &Key, value: Option<String>) {
        let active = value.is_some() || matches!(key.preset, Preset::Required(_)) || SHOWN.contains(&key.name);
        let value = value.unwrap_or_else(|| key.preset.literal().to_owned());
        self.text.push_str(&format!("{}{} = {value}\n", if active { "" } else { "# " }, key.name));
    }
}

/// Keys with a preset that are written all the same, because nearly everyone will want to look at them.
const SHOWN: [&str; 7] = ["state", "mode", "exclude_folders", "tls", "trust", "password", "max_connections"];
