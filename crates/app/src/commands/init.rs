//! `parom init`: a commented configuration, and the key that seals passwords.

use crate::cli::Init;
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::i18n::Texts;
use crate::init::{self, Answers};
use crate::message::Message;
use crate::output;
use parom_store::MasterKey;
use std::path::Path;

pub fn run(file: &Path, args: &Init, texts: &Texts) -> Result<Exit, Failure> {
    let answers = Answers {
        domain: args.domain.clone(),
        source_host: args.source_host.clone(),
        target_host: args.target_host.clone(),
    };
    // What was written must be right; so a mistyped host or domain is told before there is a file.
    let config = crate::config::read::read(&init::text(&answers, texts), file)
        .map_err(|messages| Failure { exit: Exit::Usage, messages })?;
    init::write(file, &answers, texts)?;
    let mut messages = vec![done(file, &config)];
    // A key that is there already may seal passwords; it stays.
    if !config.master_key.exists() {
        MasterKey::create(&config.master_key)?;
        let key = config.master_key.display().to_string();
        messages.insert(0, Message::new("init-key").with("file", key));
    }
    for message in messages {
        output::print(&format!("{}\n", texts.explain(&message)))?;
    }
    Ok(Exit::Done)
}

fn done(file: &Path, config: &Config) -> Message {
    let domain = config.domains.first().map(|domain| domain.name.clone()).unwrap_or_default();
    Message::new("init-done").with("file", file.display().to_string()).with("domain", domain)
}
