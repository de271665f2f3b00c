//! The languages of the screen: every text that a person reads is taken from here.

use crate::message::{Message, Value};
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Lang {
    En,
    Ru,
}

impl Lang {
    #[cfg(test)]
    pub const ALL: [Lang; 2] = [Lang::En, Lang::Ru];

    /// The language of a locale's name such as `ru_RU.UTF-8`. `None` for one that we do not speak.
    #[must_use]
    pub fn from_locale(locale: &str) -> Option<Lang> {
        match locale.get(..2)?.to_ascii_lowercase().as_str() {
            "ru" => Some(Lang::Ru),
            "en" => Some(Lang::En),
            _ => None,
        }
    }

    /// The language that the command line and the environment ask for: `--lang`, PAROM_LANG, then the usual variables
    /// of POSIX, of which the first that is set decides. English where nothing is asked or nothing is understood.
    pub fn wanted(args: &[String], env: impl Fn(&str) -> Option<String>) -> Lang {
        // The command line is not parsed yet: its very errors have to be told in the right language.
        let mut words = args.iter();
        while let Some(word) = words.next() {
            let value = match word.strip_prefix("--lang") {
                Some("") => words.next().map(String::as_str),
                Some(rest) => rest.strip_prefix('='),
                None => None,
            };
            if let Some(lang) = value.and_then(Lang::from_locale) {
                return lang;
            }
        }
        ["PAROM_LANG", "LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .find_map(|name| env(name).filter(|value| !value.is_empty()))
            .and_then(|locale| Lang::from_locale(&locale))
            .unwrap_or(Lang::En)
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Lang::En => "en",
            Lang::Ru => "ru",
        }
    }

    pub(crate) fn sources(self) -> [&'static str; 4] {
        match self {
            Lang::En => [
                include_str!("../locales/en/errors.ftl"),
                include_str!("../locales/en/config.ftl"),
                include_str!("../locales/en/help.ftl"),
                include_str!("../locales/en/screen.ftl"),
            ],
            Lang::Ru => [
                include_str!("../locales/ru/errors.ftl"),
                include_str!("../locales/ru/config.ftl"),
                include_str!("../locales/ru/help.ftl"),
                include_str!("../locales/ru/screen.ftl"),
            ],
        }
    }
}

/// All texts in one language.
pub struct Texts {
    lang: Lang,
    /// The configuration that was asked for, as the commands that we propose have to name it.
    config: Option<String>,
    bundle: FluentBundle<FluentResource>,
}

impl Texts {
    #[must_use]
    pub fn new(lang: Lang) -> Texts {
        let id: LanguageIdentifier = lang.as_str().parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![id]);
        // Isolation marks around arguments would end up in what people copy into their shell.
        bundle.set_use_isolating(false);
        for source in lang.sources() {
            // The sources are part of the binary; a test proves that they have no errors and no key twice.
            let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(resource, _)| resource);
            bundle.add_resource_overriding(resource);
        }
        Texts { lang, config: None, bundle }
    }

    /// The commands that are proposed from now on name this configuration, unless it is the one that is read anyway.
    pub fn name_config(&mut self, path: &str) {
        let plain = |c: char| c.is_alphanumeric() || "./_-+@:,=".contains(c);
        self.config = match path {
            _ if path.trim_start_matches("./") == crate::cli::DEFAULT_CONFIG.trim_start_matches("./") => None,
            _ if path.chars().all(plain) => Some(path.to_owned()),
            _ => Some(format!("'{}'", path.replace('\'', r"'\''"))),
        };
    }

    /// A command of ours that can be run as it stands.
    #[must_use]
    pub fn command(&self, command: &str) -> String {
        match (&self.config, command.strip_prefix("parom ")) {
            (Some(config), Some(rest)) => format!("parom --config {config} {rest}"),
            _ => command.to_owned(),
        }
    }

    #[cfg(feature = "demo")]
    #[must_use]
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// The text of a key without arguments.
    #[must_use]
    pub fn text(&self, key: &str) -> String {
        self.say(&Message::new(key))
    }

    /// The message's sentence.
    #[must_use]
    pub fn say(&self, message: &Message) -> String {
        self.format(message, None).unwrap_or_else(|| format!("{} {:?}", message.key, message.args))
    }

    /// A further part of the message (`why`, `fix`, `command`), where the language files have one.
    #[must_use]
    pub fn part(&self, message: &Message, part: &str) -> Option<String> {
        self.format(message, Some(part))
    }

    /// The sentence and everything that helps: the cause, what to do, the command. Several lines without a last newline.
    #[must_use]
    pub fn explain(&self, message: &Message) -> String {
        self.say(message) + &self.remedy(message)
    }

    /// Only what helps: each part on a line of its own, which begins with a line break.
    #[must_use]
    pub fn remedy(&self, message: &Message) -> String {
        let mut lines = String::new();
        for (part, label) in [("why", "label-why"), ("fix", "label-fix"), ("command", "label-command")] {
            if let Some(text) = self.part(message, part) {
                let label = self.text(label);
                let text = if part == "command" { self.command(&text) } else { text };
                lines.push_str(&format!("\n  {label} {text}"));
            }
        }
        lines
    }

    fn format(&self, message: &Message, part: Option<&str>) -> Option<String> {
        let found = self.bundle.get_message(&message.key)?;
        let pattern = match part {
            Some(part) => found.get_attribute(part)?.value(),
            None => found.value()?,
        };
        let mut args = FluentArgs::new();
        for (name, value) in &message.args {
            args.set(*name, self.fluent(value));
        }
        // What is missing stays visible as {$name}: an incomplete sentence is better than none.
        Some(self.bundle.format_pattern(pattern, Some(&args), &mut Vec::new()).into_owned())
    }

    fn fluent(&self, value: &Value) -> FluentValue<'static> {
        match value {
            // Up to 2^53 a count is exact as a floating-point number, which is all that Fluent knows.
            Value::Count(count) => FluentValue::from(*count as f64),
            other => FluentValue::from(self.value(other)),
        }
    }

    /// An argument by itself, in this language.
    #[must_use]
    pub fn value(&self, value: &Value) -> String {
        match value {
            Value::Text(text) => text.clone(),
            Value::Count(count) => count.to_string(),
            Value::Bytes(bytes) => self.bytes(*bytes),
            Value::Seconds(seconds) => self.seconds(*seconds),
            Value::Elapsed(elapsed) if elapsed.as_millis() >= 9950 => self.seconds(elapsed.as_secs()),
            Value::Elapsed(elapsed) => {
                let number = self.decimal(elapsed.as_secs_f64(), 1);
                format!("{number}\u{a0}{}", self.text("unit-s"))
            }
            Value::Choices(choices) => self.choices(choices),
            Value::Message(message) => self.say(message),
        }
    }

    /// `12.4 MB`, `12,4 МБ`: powers of 1024, as mail servers count their quotas.
    #[must_use]
    pub fn bytes(&self, bytes: u64) -> String {
        const UNITS: [&str; 4] = ["unit-kb", "unit-mb", "unit-gb", "unit-tb"];
        if bytes < 1024 {
            return format!("{bytes}\u{a0}{}", self.text("unit-b"));
        }
        let mut value = bytes as f64 / 1024.0;
        let mut unit = 0;
        while value >= 999.5 && unit + 1 < UNITS.len() {
            value /= 1024.0;
            unit += 1;
        }
        let number = self.decimal(value, if value < 99.95 { 1 } else { 0 });
        format!("{number}\u{a0}{}", self.text(UNITS.get(unit).copied().unwrap_or("unit-tb")))
    }

    fn decimal(&self, value: f64, places: usize) -> String {
        let number = format!("{value:.places$}");
        if self.lang == Lang::Ru { number.replace('.', ",") } else { number }
    }

    /// `2 h 05 min`, `3 min 20 s`, `17 s`.
    #[must_use]
    pub fn seconds(&self, seconds: u64) -> String {
        let (h, min, s) = (self.text("unit-h"), self.text("unit-min"), self.text("unit-s"));
        match seconds {
            0..60 => format!("{seconds}\u{a0}{s}"),
            60..3600 => format!("{}\u{a0}{min} {:02}\u{a0}{s}", seconds / 60, seconds % 60),
            _ => format!("{}\u{a0}{h} {:02}\u{a0}{min}", seconds / 3600, seconds % 3600 / 60),
        }
    }

    fn choices(&self, choices: &[String]) -> String {
        match choices {
            [] => String::new(),
            [one] => format!("\"{one}\""),
            [first @ .., last] => {
                let first: Vec<String> = first.iter().map(|choice| format!("\"{choice}\"")).collect();
                format!("{} {} \"{last}\"", first.join(", "), self.text("word-or"))
            }
        }
    }
}

#[cfg(test)]
#[path = "i18n_tests.rs"]
mod tests;
