//! Puts the command line's help and its error messages into the language of the screen.

use crate::cli::Cli;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::i18n::Texts;
use crate::message::{Message, Value};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory, FromArgMatches};

/// Options that every command has are told behind its own.
const COMMON: usize = 900;

/// What the command line comes to.
pub enum Parsed {
    Run(Box<Cli>),
    /// Help or the version was asked for: this is to be printed.
    Print(String),
}

pub fn parse(args: &[String], texts: &Texts) -> Result<Parsed, Failure> {
    let matches = command(texts).try_get_matches_from(args);
    let error = match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => return Ok(Parsed::Run(Box::new(cli))),
        Err(error) => error,
    };
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            Ok(Parsed::Print(in_language(&error.render().to_string(), texts)))
        }
        _ => Err(Failure::usage(usage(&error, args))),
    }
}

/// The grammar with all its texts.
#[must_use]
pub fn command(texts: &Texts) -> Command {
    let mut exits = texts.text("help-exit-codes");
    for exit in Exit::ALL {
        let text = texts.text(&format!("exit-{}", exit.number()));
        exits.push_str(&format!("\n  {:>3}  {text}", exit.number()));
    }
    let mut command = with_texts(Cli::command(), "help", texts).after_help(exits);
    // The texts of --help and --version are clap's own, which exist only once the command is built.
    command.build();
    own_flags(command, texts)
}

/// Texts of a command, its arguments and its subcommands: `help-account-add`, `help-account-add--source_login`.
fn with_texts(command: Command, key: &str, texts: &Texts) -> Command {
    let template = format!(
        "{{before-help}}{{about-with-newline}}\n{} {{usage}}\n\n{{all-args}}{{after-help}}",
        texts.text("help-usage")
    );
    let args: Vec<String> = command.get_arguments().map(|arg| arg.get_id().to_string()).collect();
    let below: Vec<String> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    let mut command = command
        .about(texts.text(key))
        .help_template(template)
        .subcommand_help_heading(texts.text("help-commands"))
        .subcommand_value_name(texts.text("help-word-command"))
        .disable_help_subcommand(true);
    for arg in args {
        let help = texts.text(&format!("{key}--{arg}"));
        command = command.mut_arg(&arg, |arg| {
            let heading = if arg.is_positional() { "help-arguments" } else { "help-options" };
            let value = arg.get_value_names().and_then(|names| names.first()).map(|name| name.to_lowercase());
            let arg = arg.help(help).help_heading(texts.text(heading));
            let common = ["config", "lang", "verbose"].iter().position(|common| arg.get_id() == *common);
            let arg = match common {
                Some(at) => arg.display_order(COMMON + at),
                None => arg,
            };
            match value.filter(|_| arg.get_action().takes_values()) {
                Some(value) => arg.value_name(texts.text(&format!("value-{value}"))),
                None => arg,
            }
        });
    }
    for name in below {
        command = command.mut_subcommand(&name, |below| with_texts(below, &format!("{key}-{name}"), texts));
    }
    command
}

/// The one word that clap does not let us choose.
#[must_use]
pub fn in_language(help: &str, texts: &Texts) -> String {
    help.replace("[OPTIONS]", &texts.text("help-word-options"))
}

/// Every key that the grammar needs.
#[cfg(test)]
pub fn keys(found: &mut dyn FnMut(&str)) {
    fn walk(command: &Command, key: &str, found: &mut dyn FnMut(&str)) {
        found(key);
        for arg in command.get_arguments() {
            found(&format!("{key}--{}", arg.get_id()));
            if let Some([name]) = arg.get_value_names().filter(|_| arg.get_action().takes_values()) {
                found(&format!("value-{}", name.to_lowercase()));
            }
        }
        for below in command.get_subcommands() {
            walk(below, &format!("{key}-{}", below.get_name()), found);
        }
    }
    walk(&Cli::command(), "help", found);
}

fn own_flags(command: Command, texts: &Texts) -> Command {
    let mut command = command;
    for (id, key) in [("help", "help-flag-help"), ("version", "help-flag-version")] {
        if command.get_arguments().any(|arg| arg.get_id() == id) {
            let (help, heading) = (texts.text(key), texts.text("help-options"));
            command = command.mut_arg(id, |arg| arg.help(help).help_heading(heading).display_order(COMMON + 3));
        }
    }
    let below: Vec<String> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    for name in below {
        command = command.mut_subcommand(&name, |below| own_flags(below, texts));
    }
    command
}

/// What is wrong with the command line.
fn usage(error: &clap::Error, args: &[String]) -> Message {
    let text = |kind: ContextKind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        Some(ContextValue::StyledStr(text)) => text.to_string(),
        Some(ContextValue::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let near = |kind: ContextKind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => texts.first().cloned(),
        _ => None,
    };
    match error.kind() {
        ErrorKind::UnknownArgument if !text(ContextKind::InvalidArg).starts_with('-') => {
            surplus(&text(ContextKind::InvalidArg), args)
        }
        ErrorKind::UnknownArgument => {
            let message = match near(ContextKind::SuggestedArg) {
                Some(near) => Message::new("usage-unknown-argument-near").with("near", near),
                None => Message::new("usage-unknown-argument"),
            };
            message.with("argument", text(ContextKind::InvalidArg))
        }
        ErrorKind::InvalidSubcommand => {
            let message = match near(ContextKind::SuggestedSubcommand) {
                Some(near) => Message::new("usage-unknown-command-near").with("near", near),
                None => Message::new("usage-unknown-command"),
            };
            message.with("command", text(ContextKind::InvalidSubcommand))
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Message::new("usage-missing-command")
        }
        ErrorKind::MissingRequiredArgument => {
            // One of several is told as `<--a|--b>`.
            let missing = text(ContextKind::InvalidArg);
            let choice = missing.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
            let missing = choice.map_or(missing.clone(), |choice| choice.replace('|', " | "));
            Message::new("usage-missing-argument").with("argument", missing)
        }
        ErrorKind::ArgumentConflict => {
            let (argument, other) = (text(ContextKind::InvalidArg), text(ContextKind::PriorArg));
            let key = if argument == other { "usage-twice" } else { "usage-conflict" };
            Message::new(key).with("argument", argument).with("other", other)
        }
        ErrorKind::InvalidValue if text(ContextKind::InvalidValue).is_empty() => {
            Message::new("usage-missing-value").with("argument", text(ContextKind::InvalidArg))
        }
        ErrorKind::InvalidValue => {
            let message = Message::new("usage-bad-value").with("argument", text(ContextKind::InvalidArg));
            let allowed = match error.get(ContextKind::ValidValue) {
                Some(ContextValue::Strings(allowed)) => allowed.iter().map(String::as_str).collect::<Value>(),
                _ => Value::Choices(Vec::new()),
            };
            message.with("found", text(ContextKind::InvalidValue)).with("allowed", allowed)
        }
        _ => {
            let rendered = error.render().to_string();
            let first = rendered.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Message::new("usage-other").with("detail", first)
        }
    }
}

/// A word that the command has no place for. Some commands name accounts by an option.
fn surplus(word: &str, args: &[String]) -> Message {
    let mut command = Cli::command();
    let mut called = vec![command.get_name().to_owned()];
    for arg in args.iter().skip(1).take_while(|arg| *arg != word) {
        if let Some(below) = command.find_subcommand(arg).cloned() {
            command = below;
            called.push(arg.clone());
        }
    }
    let by_option = command.get_arguments().any(|arg| arg.get_long() == Some("account"));
    let message = Message::new(if by_option { "usage-surplus-account" } else { "usage-surplus" });
    message.with("argument", word).with("called", called.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;

    #[test]
    fn a_word_without_a_place_is_no_option_and_an_account_is_named_by_one() {
        for (line, says, command) in [
            ("parom parked anna@a", "\"parom parked\" takes no \"anna@a\"", "parom parked --account anna@a"),
            ("parom calendar status --nothing", "no option --nothing", "parom --help"),
            ("parom demo anna@a", "\"parom demo\" takes no \"anna@a\"", "parom demo --help"),
        ] {
            let texts = Texts::new(Lang::En);
            let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let Err(failure) = parse(&args, &texts) else { panic!("{line}") };
            let told = failure.explain(&texts);
            assert!(told.contains(says) && told.contains(command), "{line}: {told}");
        }
    }
}
