//! `parom account`: who is carried.

use crate::cli::{self, Account as Command, AccountAdd, AccountList, AccountName, AccountSet};
use crate::config::{Config, MailDomain, PasswordFrom};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::i18n::Texts;
use crate::message::Message;
use crate::state::{self, Access};
use crate::table::Table;
use crate::wiring::{SharedMailboxes, server_name};
use crate::{output, password};
use parom_domain::policy::Priority;
use parom_domain::state::AccountId;
use parom_domain::{Both, Side};
use parom_store::{Account, NewAccount, Store};
use serde_json::json;
use std::path::Path;
use zeroize::Zeroizing;

pub fn run(command: &Command, config: &Config, texts: &Texts) -> Result<Exit, Failure> {
    match command {
        Command::Add(args) => add(args, config, texts),
        Command::List(args) => list(args, config, texts),
        Command::On(names) => each(names, config, texts, "account-on", async |store, account| {
            // Somebody has mended something: it is tried at once.
            store.forget_refusals(account.id, secrets_of(config, account)).await?;
            if let Some(domain) = config.domain_of(&account.address) {
                for side in [&domain.sides.source, &domain.sides.target] {
                    store.end_pauses(&server_name(side)).await?;
                }
            }
            Ok(store.set_enabled(account.id, true).await?)
        }),
        Command::Off(names) => each(names, config, texts, "account-off", async |store, account| {
            Ok(store.set_enabled(account.id, false).await?)
        }),
        Command::Set(args) => set(args, config, texts),
        Command::Remove(names) => each(names, config, texts, "account-removed", async |store, account| {
            Ok(store.remove_account(account.id).await?)
        }),
    }
}

fn add(args: &AccountAdd, config: &Config, texts: &Texts) -> Result<Exit, Failure> {
    let (address, domain) = address(&args.address, config)?;
    let (local, _) = address.rsplit_once('@').unwrap_or((address, ""));
    let logins = Both::new(&args.source_login, &args.target_login);
    let logins = logins.map(|login| login.clone().unwrap_or_else(|| local.to_owned()));
    let files = Both::new(args.source_password_file.as_deref(), args.target_password_file.as_deref());
    let passwords = Both::new(read(files.source)?, read(files.target)?);
    let new = NewAccount {
        address: address.to_owned(),
        source_login: logins.source,
        target_login: logins.target,
        domain: domain.name.clone(),
    };
    let message = state::with(config, Access::Write, async |store| {
        refuse_shared(config, &store.accounts().await?, &new)?;
        let (account, key) = match store.add_account(new).await? {
            Some(account) => (account, "account-added"),
            None if files.source.is_some() || files.target.is_some() => {
                (same_logins(store.account(address).await?, args)?, "account-passwords")
            }
            None => (same_logins(store.account(address).await?, args)?, "account-changed"),
        };
        for (side, password) in passwords.iter() {
            if let Some(password) = password {
                store.set_password(account.id, side, Some(password)).await?;
            }
        }
        let mut lacking = Vec::new();
        for (side, settings) in domain.sides.iter() {
            let own = store.password(account.id, side).await?.is_some();
            if settings.password == PasswordFrom::Account && !own {
                lacking.push(side);
            }
        }
        Ok(message(key, &account, &lacking))
    })?;
    output::print(&format!("{}\n", texts.explain(&message)))?;
    Ok(Exit::Done)
}

/// What would be refused when it is worked on is not added.
fn refuse_shared(config: &Config, known: &[Account], new: &NewAccount) -> Result<(), Failure> {
    if known.iter().any(|account| account.address.to_lowercase() == new.address.to_lowercase()) {
        return Ok(());
    }
    let NewAccount { address, source_login, target_login, domain } = new.clone();
    let new = Account {
        id: AccountId(i64::MAX),
        address,
        source_login,
        target_login,
        domain,
        enabled: true,
        service_login: None,
        priority: Priority::default(),
        database: None,
    };
    Ok(SharedMailboxes::among(config, known.iter().chain([&new])).check(&new)?)
}

/// The address, and the configured domain it belongs to.
fn address<'a>(text: &'a str, config: &'a Config) -> Result<(&'a str, &'a MailDomain), Failure> {
    let text = text.trim();
    let right = text.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if !right || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Failure::usage(Message::new("account-address").with("found", text)));
    }
    let domain = config.domain_of(text).ok_or_else(|| {
        let known = config.domains.iter().map(|domain| domain.name.as_str()).collect::<crate::message::Value>();
        let message = Message::new("account-domain").with("account", text).with("known", known);
        Failure::usage(message.with("file", config.file.display().to_string()))
    })?;
    Ok((text, domain))
}

fn read(file: Option<&Path>) -> Result<Option<Zeroizing<String>>, Failure> {
    file.map(password::from_file).transpose()
}

/// The logins of an account say whose mail it is, so they are not changed in passing.
fn same_logins(account: Account, args: &AccountAdd) -> Result<Account, Failure> {
    let same = |given: &Option<String>, known: &str| given.as_deref().is_none_or(|given| given == known);
    if same(&args.source_login, &account.source_login) && same(&args.target_login, &account.target_login) {
        return Ok(account);
    }
    let message = Message::new("account-other-logins").with("account", account.address);
    Err(Failure::usage(message.with("source", account.source_login).with("target", account.target_login)))
}

fn message(key: &str, account: &Account, lacking: &[Side]) -> Message {
    let key = match (key, lacking) {
        (key, []) => key.to_owned(),
        (_, [Side::Source]) => "account-lacks-source".to_owned(),
        (_, [Side::Target]) => "account-lacks-target".to_owned(),
        _ => "account-lacks-both".to_owned(),
    };
    Message::new(key)
        .with("account", account.address.clone())
        .with("source", account.source_login.clone())
        .with("target", account.target_login.clone())
}

fn list(args: &AccountList, config: &Config, texts: &Texts) -> Result<Exit, Failure> {
    let accounts = state::with(config, Access::Read, async |store| Ok(store.accounts().await?))?;
    if args.json {
        output::print_json(accounts.iter().map(|account| {
            json!({
                "account": account.address,
                "enabled": account.enabled,
                "domain": account.domain,
                "source_login": account.source_login,
                "target_login": account.target_login,
                "priority": account.priority.as_str(),
                "database": account.database,
            })
        }))?;
        return Ok(Exit::Done);
    }
    if accounts.is_empty() {
        output::print(&format!("{}\n", texts.explain(&Message::new("account-none"))))?;
        return Ok(Exit::Done);
    }
    let head = ["head-account", "head-enabled", "head-source-login", "head-target-login"];
    let mut table = Table::new(head.map(|key| texts.text(key)));
    for account in accounts {
        let enabled = texts.text(if account.enabled { "word-on" } else { "word-off" });
        table.row([account.address, enabled, account.source_login, account.target_login]);
    }
    output::print(&table.text())?;
    Ok(Exit::Done)
}

/// The passwords that the account shares with others.
fn secrets_of(config: &Config, account: &Account) -> Vec<String> {
    let sides = config.domain_of(&account.address).map(|domain| [&domain.sides.source, &domain.sides.target]);
    let named = sides.into_iter().flatten().map(|side| match &side.password {
        PasswordFrom::Secret(name) => vec![name.clone()],
        PasswordFrom::ServiceLogin => side.services().map(str::to_owned).collect(),
        PasswordFrom::Account => Vec::new(),
    });
    named.flatten().collect()
}

fn set(args: &AccountSet, config: &Config, texts: &Texts) -> Result<Exit, Failure> {
    let priority = args.priority.map(|priority| match priority {
        cli::Priority::High => Priority::High,
        cli::Priority::Normal => Priority::Normal,
        cli::Priority::Low => Priority::Low,
    });
    if let Some(name) = args.database.as_deref().filter(|name| name.chars().any(char::is_control) || name.len() > 200) {
        return Err(Failure::usage(Message::new("account-database").with("found", name.escape_debug().to_string())));
    }
    // An empty name: nobody knows any more.
    let database = args.database.as_deref().map(|name| Some(name.trim().to_owned()).filter(|name| !name.is_empty()));
    each(&args.names, config, texts, "account-set", async |store, account| {
        if let Some(priority) = priority {
            store.set_priority(account.id, priority).await?;
        }
        if let Some(database) = &database {
            store.set_database(account.id, database.clone()).await?;
        }
        Ok(())
    })
}

/// Does the same with every named account. All are looked up first: one mistyped address, and nothing is done.
fn each(
    names: &AccountName,
    config: &Config,
    texts: &Texts,
    said: &str,
    work: impl AsyncFn(&Store, &Account) -> Result<(), Failure>,
) -> Result<Exit, Failure> {
    let done = state::with(config, Access::Write, async |store| {
        let mut accounts = Vec::new();
        for address in &names.addresses {
            accounts.push(store.account(address).await?);
        }
        for account in &accounts {
            work(store, account).await?;
        }
        Ok(accounts)
    })?;
    for account in done {
        output::print(&format!("{}\n", texts.say(&Message::new(said).with("account", account.address))))?;
    }
    Ok(Exit::Done)
}
