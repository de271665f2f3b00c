//! Writing to stdout, where the reader may go away at any moment.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::message::Message;
use std::io::{ErrorKind, Write};

/// Prints a text. A reader who has seen enough (`| head`) is no failure.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Internal, Message::new("output-failed").with("detail", error.to_string())))
        }
        _ => Ok(()),
    }
}

/// Prints JSON values, one per line.
pub fn print_json(values: impl IntoIterator<Item = serde_json::Value>) -> Result<(), Failure> {
    print(&values.into_iter().map(|value| format!("{value}\n")).collect::<String>())
}
