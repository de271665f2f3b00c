//! The one binary: CLI, configuration, languages, wiring.

mod calendars;
mod cli;
mod commands;
mod config;
#[cfg(feature = "demo")]
mod demo;
mod exit;
mod failure;
mod help;
mod i18n;
mod init;
mod log;
mod message;
mod near;
mod output;
mod password;
mod progress;
mod reference;
mod replies;
mod state;
mod stop;
mod sync;
mod table;
mod unfit;
mod verify;
mod wiring;

use exit::Exit;
use help::Parsed;
use i18n::{Lang, Texts};
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let mut texts = Texts::new(Lang::wanted(&args, |name| std::env::var(name).ok()));
    let parsed = help::parse(&args, &texts);
    if let Ok(Parsed::Run(cli)) = &parsed {
        texts.name_config(&cli.config.to_string_lossy());
    }
    let texts = Arc::new(texts);
    let ended = match parsed {
        Ok(Parsed::Print(text)) => output::print(&text).map(|()| Exit::Done),
        Ok(Parsed::Run(cli)) => {
            log::start(cli.verbose);
            commands::run(*cli, &texts)
        }
        Err(failure) => Err(failure),
    };
    let exit = ended.unwrap_or_else(|failure| {
        eprintln!("parom: {}", failure.explain(&texts));
        failure.exit
    });
    exit.into()
}
