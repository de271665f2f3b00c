//! `parom secret`: the sealed passwords of service accounts.

use crate::cli::{Secret as Command, SecretList, SecretName, SecretSet};
use crate::config::read::is_secret_name;
use crate::config::{Config, PasswordFrom};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::i18n::Texts;
use crate::message::Message;
use crate::state::{self, Access};
use crate::{output, password};
use serde_json::json;

pub fn run(command: &Command, config: &Config, texts: &Texts) -> Result<Exit, Failure> {
    match command {
        Command::Set(args) => set(args, config, texts),
        Command::List(args) => list(args, config, texts),
        Command::Remove(args) => remove(args, config, texts),
    }
}

fn set(args: &SecretSet, config: &Config, texts: &Texts) -> Result<Exit, Failure> {
    if !is_secret_name(&args.name) {
        return Err(Failure::usage(Message::new("secret-name").with("found", args.name.clone())));
    }
    let value = match &args.file {
        Some(file) => password::from_file(file)?,
        None => password::ask(&args.name, texts)?,
    };
    state::with(config, Access::Write, async |store| Ok(store.set_secret(&args.name, &value).await?))?;
    let key = if is_used(config, &args.name) { "secret-set" } else { "secret-set-unused" };
    output::print(&format!("{}\n", texts.explain(&Message::new(key).with("name", args.name.clone()))))?;
    Ok(Exit::Done)
}

fn is_used(config: &Config, name: &str) -> bool {
    let mut sides = config.domains.iter().flat_map(|domain| [&domain.sides.source, &domain.sides.target]);
    let by_mail = sides.any(|side| match &side.password {
        PasswordFrom::Secret(used) => used == name,
        PasswordFrom::ServiceLogin => side.services().any(|login| login == name),
        PasswordFrom::Account => false,
    });
    let calendars = config.domains.iter().map(|domain| &domain.calendars);
    let mut accesses = calendars.flat_map(|calendars| {
        let source = calendars.ews.as_ref().map(|ews| &ews.access);
        [source, calendars.caldav.as_ref().map(|caldav| &caldav.access)].into_iter().flatten()
    });
    by_mail
        || accesses.any(|access| match &access.password {
            PasswordFrom::Secret(used) => used == name,
            PasswordFrom::ServiceLogin => access.service_login == name,
            PasswordFrom::Account => false,
        })
}

fn list(args: &SecretList, config: &Config, texts: &Texts) -> Result<Exit, Failure> {
    let names = state::with(config, Access::Read, async |store| Ok(store.secret_names().await?))?;
    if args.json {
        output::print_json(names.iter().map(|name| json!({ "name": name, "used": is_used(config, name) })))?;
    } else if names.is_empty() {
        output::print(&format!("{}\n", texts.explain(&Message::new("secret-none"))))?;
    } else {
        output::print(&names.iter().map(|name| format!("{name}\n")).collect::<String>())?;
    }
    Ok(Exit::Done)
}

fn remove(args: &SecretName, config: &Config, texts: &Texts) -> Result<Exit, Failure> {
    let removed = state::with(config, Access::Write, async |store| Ok(store.remove_secret(&args.name).await?))?;
    let message = |key: &str| Message::new(key).with("name", args.name.clone());
    if !removed {
        return Err(Failure::usage(message("secret-unknown")));
    }
    output::print(&format!("{}\n", texts.say(&message("secret-removed"))))?;
    Ok(Exit::Done)
}
