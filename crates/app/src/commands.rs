//! From the parsed command line to the command that does it.

mod account;
mod brakes;
mod calendar;
mod import;
mod init;
mod login;
mod oof;
mod parked;
mod plan;
mod secret;
mod server;
mod status;
mod sync;
mod verify;

use crate::cli::{Cli, Command};
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::i18n::Texts;
use crate::{output, reference};
use std::sync::Arc;

pub fn run(cli: Cli, texts: &Arc<Texts>) -> Result<Exit, Failure> {
    let config = || Config::load(&cli.config);
    match &cli.command {
        Command::Init(args) => init::run(&cli.config, args, texts),
        Command::Account(command) => account::run(command, &config()?, texts),
        Command::Import(args) => import::run(args, &config()?, texts),
        Command::Sync(args) => sync::run(args, &config()?, texts),
        Command::Status(args) => status::run(args, &config()?, texts),
        Command::Parked(args) => parked::run(args, &config()?, texts),
        Command::Calendar(command) => calendar::run(command, &config()?, texts),
        Command::Oof(command) => oof::run(command, &config()?, texts),
        Command::Brakes(args) => brakes::run(args, &config()?, texts),
        Command::Verify(args) => verify::run(args, &config()?, texts),
        Command::Secret(command) => secret::run(command, &config()?, texts),
        Command::Login(command) => login::run(command, &config()?, texts),
        Command::Reference(args) => output::print(&reference::page(args.page, texts)).map(|()| Exit::Done),
        #[cfg(feature = "demo")]
        Command::Demo(args) => crate::demo::run(args.keep, texts),
    }
}
