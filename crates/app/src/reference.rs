//! Pages of the reference that are made from the program's own tables, so that they cannot fall behind it.

use crate::cli::ReferencePage;
use crate::config::keys::{Kind, Part, Preset};
use crate::exit::Exit;
use crate::failure::{WITHOUT, sentence};
use crate::help;
use crate::i18n::Texts;
use crate::message::Message;
use clap::Command;
use parom_domain::{Code, Error, Retry, Scope};

/// The page as Markdown.
#[must_use]
pub fn page(page: ReferencePage, texts: &Texts) -> String {
    match page {
        ReferencePage::Config => config(texts),
        ReferencePage::Cli => cli(texts),
        ReferencePage::Errors => errors(texts),
    }
}

fn config(texts: &Texts) -> String {
    let mut text = format!("# {}\n\n{}\n", texts.text("reference-config"), texts.text("reference-made"));
    for part in Part::ALL {
        let header = match part {
            Part::Root => texts.text("config-section-root"),
            Part::Limits => "[limits]".to_owned(),
            Part::Domain => "[[domain]]".to_owned(),
            Part::Calendars => "[domain.calendars]".to_owned(),
            Part::Source | Part::Target | Part::Imap => "[domain.source.imap], [domain.target.imap]".to_owned(),
            Part::Ews => "[domain.source.ews]".to_owned(),
            Part::CalDav => "[domain.target.caldav]".to_owned(),
            Part::Sieve => "[domain.target.sieve]".to_owned(),
        };
        text.push_str(&format!("\n## {header}\n"));
        for key in part.keys() {
            let doc = texts.say(&key.doc());
            text.push_str(&format!("\n### `{}`\n\n{doc}\n\n", key.name));
            let allowed = match key.kind {
                Kind::Text | Kind::Template => texts.text("config-type-text"),
                Kind::Choice(choices) => texts.value(&choices.iter().copied().collect()),
                Kind::Whole { min, max } => {
                    let range = Message::new("reference-range").with("min", min.to_string());
                    texts.say(&range.with("max", max.to_string()))
                }
                Kind::List => texts.text("config-type-list"),
                Kind::Switches(_) | Kind::Numbers(_) => texts.text("config-type-table"),
            };
            text.push_str(&format!("- {} {allowed}\n", texts.text("reference-allowed")));
            let preset = match key.preset {
                Preset::Required(_) => texts.text("reference-required"),
                Preset::Default(literal) => format!("`{literal}`"),
                Preset::Derived(_) => texts.text("reference-derived"),
            };
            text.push_str(&format!("- {} {preset}\n", texts.text("reference-preset")));
        }
    }
    text
}

fn cli(texts: &Texts) -> String {
    let mut text = format!("# {}\n\n{}\n", texts.text("reference-cli"), texts.text("reference-made"));
    let mut command = help::command(texts).term_width(110);
    command.build();
    command_help(&mut command, texts, &mut text);
    text
}

fn command_help(command: &mut Command, texts: &Texts, text: &mut String) {
    let help = help::in_language(&command.render_help().to_string(), texts);
    let name = command.get_bin_name().unwrap_or("parom").to_owned();
    text.push_str(&format!("\n## {name}\n\n```text\n{}\n```\n", help.trim_end()));
    for below in command.get_subcommands_mut().filter(|below| !below.is_hide_set()) {
        command_help(below, texts, text);
    }
}

fn errors(texts: &Texts) -> String {
    let mut text = format!("# {}\n\n{}\n", texts.text("reference-errors"), texts.text("reference-made"));
    for code in Code::ALL {
        // The sentence of an error of which everything is known.
        let known = WITHOUT.iter().filter(|(of, _)| of == code).map(|(_, name)| *name).chain(["uid"]);
        let error = known.fold(Error::new(*code, Scope::System, Retry::Never), |error, name| error.with(name, "—"));
        let lines = texts.explain(&sentence(&error)).replace("\n  ", "\n- ");
        let exit = format!("{} {}", texts.text("reference-exit"), Exit::of(*code).number());
        text.push_str(&format!("\n## `{}`\n\n{}\n- {exit}\n", code.as_str(), lines.replacen('\n', "\n\n", 1)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;
    use std::path::Path;

    /// `PAROM_WRITE_REFERENCE=1 cargo test -p parom-app` writes the pages anew.
    #[test]
    fn the_pages_in_docs_are_those_of_this_program() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        for (kind, name) in [
            (ReferencePage::Config, "reference-config"),
            (ReferencePage::Cli, "reference-cli"),
            (ReferencePage::Errors, "reference-errors"),
        ] {
            for lang in Lang::ALL {
                let ending = if lang == Lang::En { "md" } else { "ru.md" };
                let file = docs.join(format!("{name}.{ending}"));
                let made = page(kind, &Texts::new(lang));
                if std::env::var_os("PAROM_WRITE_REFERENCE").is_some() {
                    std::fs::write(&file, &made).unwrap();
                }
                let there = std::fs::read_to_string(&file).unwrap_or_default();
                assert!(there == made, "{} is not up to date", file.display());
            }
        }
    }
}
