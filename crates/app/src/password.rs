//! Passwords on their way in: from a file, from stdin, or typed without being shown.

use crate::failure::Failure;
use crate::i18n::Texts;
use crate::message::Message;
use console::Term;
use std::io::{IsTerminal, Read};
use std::path::Path;
use zeroize::Zeroizing;

/// Longer than any password or access token.
const MAX_BYTES: u64 = 64 * 1024;

/// Reads the password in a file: its whole text without the last line break, and without the mark that Notepad puts before it.
pub fn from_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let name = path.display().to_string();
    let read = std::fs::File::open(path).and_then(read_all);
    let text = read.map_err(|error| {
        Failure::usage(Message::new("password-unreadable").with("file", name.clone()).with("detail", error.to_string()))
    })?;
    checked(text, &name)
}

/// Asks for the password of `what` on a terminal, else reads stdin.
pub fn ask(what: &str, texts: &Texts) -> Result<Zeroizing<String>, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::usage(Message::new("password-unreadable").with("file", "stdin").with("detail", error.to_string()))
    };
    if !std::io::stdin().is_terminal() {
        return checked(read_all(std::io::stdin()).map_err(unreadable)?, "stdin");
    }
    let term = Term::stderr();
    let question = |key: &str| -> Result<Zeroizing<String>, Failure> {
        let question = texts.say(&Message::new(key).with("what", what));
        term.write_str(&format!("{question} ")).map_err(unreadable)?;
        term.read_secure_line().map(Zeroizing::new).map_err(unreadable)
    };
    let first = question("password-ask")?;
    // What is typed unseen is typed twice.
    if *question("password-again")? != *first {
        return Err(Failure::usage(Message::new("password-differs")));
    }
    checked(first, "stdin")
}

fn read_all(from: impl Read) -> std::io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    from.take(MAX_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

fn checked(text: Zeroizing<String>, file: &str) -> Result<Zeroizing<String>, Failure> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let bare = text.strip_suffix('\n').unwrap_or(text);
    let bare = bare.strip_suffix('\r').unwrap_or(bare);
    let wrong = match bare {
        "" => "password-empty",
        // No mail server takes these in a login, and a file with several lines is likely the wrong file.
        _ if bare.contains(['\n', '\r', '\0']) => "password-lines",
        _ => return Ok(Zeroizing::new(bare.to_owned())),
    };
    Err(Failure::usage(Message::new(wrong).with("file", file)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<String, String> {
        let checked = checked(Zeroizing::new(text.to_owned()), "f");
        checked.map(|text| text.to_string()).map_err(|failure| failure.messages[0].key.clone())
    }

    #[test]
    fn one_line_break_and_a_byte_order_mark_are_not_part_of_the_password() {
        for text in ["пароль 1", "пароль 1\n", "пароль 1\r\n", "\u{feff}пароль 1\r\n", "\u{feff}пароль 1"]
        {
            assert_eq!(check(text).as_deref(), Ok("пароль 1"));
        }
        assert_eq!(check(" spaces \n").as_deref(), Ok(" spaces "));
        assert_eq!(check("\n").unwrap_err(), "password-empty");
        assert_eq!(check("").unwrap_err(), "password-empty");
        assert_eq!(check("\u{feff}\r\n").unwrap_err(), "password-empty");
        assert_eq!(check("a\nb\n").unwrap_err(), "password-lines");
    }
}
