//! Walks the tables of a TOML text and collects what is wrong with them, each with its line.

use super::keys::{EXTENSIONS, Key, Kind, Part, QUIRKS, SWITCHES};
use crate::message::{Message, Value};
use crate::near::nearest;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// The text, and the mistakes found so far.
pub struct Source<'a> {
    file: String,
    text: &'a str,
    problems: RefCell<Vec<(usize, Message)>>,
}

impl<'a> Source<'a> {
    #[must_use]
    pub fn new(text: &'a str, file: &Path) -> Source<'a> {
        Source { file: file.display().to_string(), text, problems: RefCell::default() }
    }

    /// The root table. Where the text is not TOML, the mistakes are noted and nothing else can be said about it.
    pub fn parse(&self) -> Option<DeTable<'a>> {
        let (root, errors) = DeTable::parse_recoverable(self.text);
        for error in &errors {
            let detail = error.message().lines().next().unwrap_or_default().to_owned();
            self.problem(error.span().unwrap_or(0..0), Message::new("config-syntax").with("detail", detail));
        }
        errors.is_empty().then(|| root.into_inner())
    }

    /// Notes a mistake at a place in the text.
    pub fn problem(&self, span: Range<usize>, message: Message) {
        let line = self.text.get(..span.start).map_or(1, |before| before.matches('\n').count() + 1);
        let message = message.with("file", self.file.clone()).with("line", line);
        self.problems.borrow_mut().push((span.start, message));
    }

    /// All mistakes, in the order of the text.
    pub fn problems(self) -> Vec<Message> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|(at, _)| *at);
        // A key that is read twice is missing once.
        problems.dedup();
        problems.into_iter().map(|(_, message)| message).collect()
    }
}

/// One table of the text, read by the table of keys.
pub struct Section<'s, 'a> {
    source: &'s Source<'a>,
    part: Part,
    /// As a person would write its header, for example `domain.source.imap`.
    name: String,
    /// `None` where the text leaves the whole table out: all its keys have their presets.
    table: Option<&'s DeTable<'a>>,
    span: Range<usize>,
}

/// A value with the place where it stands (the header of its section, where it is a default).
#[derive(Clone, Debug)]
pub struct Found<T> {
    pub value: T,
    pub span: Range<usize>,
}

impl<'s, 'a> Section<'s, 'a> {
    pub fn root(source: &'s Source<'a>, table: &'s DeTable<'a>) -> Section<'s, 'a> {
        Section { source, part: Part::Root, name: String::new(), table: Some(table), span: 0..0 }.checked()
    }

    /// The table `name` of this one.
    pub fn table(&self, name: &'static str, part: Part) -> Section<'s, 'a> {
        let full_name = if self.name.is_empty() { name.to_owned() } else { format!("{}.{name}", self.name) };
        let mut below = Section { source: self.source, part, name: full_name, table: None, span: self.span.clone() };
        if let Some(value) = self.table.and_then(|table| table.get(name)) {
            below.span = value.span();
            match value.get_ref() {
                DeValue::Table(table) => below.table = Some(table),
                _ => self.wrong_type(name, value, "config-type-table"),
            }
        }
        below.checked()
    }

    /// The tables of an array such as `[[domain]]`.
    pub fn tables(&self, name: &'static str, part: Part) -> Vec<Section<'s, 'a>> {
        let Some(value) = self.table.and_then(|table| table.get(name)) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            self.problem(value.span(), Message::new("config-not-array").with("key", name));
            return Vec::new();
        };
        let mut sections = Vec::new();
        for item in items.iter() {
            match item.get_ref() {
                DeValue::Table(table) => {
                    let name = name.to_owned();
                    let section = Section { source: self.source, part, name, table: Some(table), span: item.span() };
                    sections.push(section.checked());
                }
                _ => self.wrong_type(name, item, "config-type-table"),
            }
        }
        sections
    }

    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    pub fn problem(&self, span: Range<usize>, message: Message) {
        self.source.problem(span, message.with("section", self.header()));
    }

    /// Notes a mistake in the value of a key.
    pub fn wrong(&self, name: &str, span: Range<usize>, message: Message) {
        self.problem(span, message.with("key", name.to_owned()));
    }

    /// The variable that tells accounts apart on this side.
    pub fn login_variable(&self) -> &'static str {
        if self.name.starts_with("domain.target") { "target_login" } else { "source_login" }
    }

    /// Was the key given?
    #[must_use]
    pub fn gives(&self, name: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(name))
    }

    /// A text, a template or one of a choice. After a mistake (noted), the preset.
    pub fn text(&self, name: &'static str) -> Found<String> {
        let (key, value) = self.value(name);
        let span = value.span();
        let preset = || Found { value: preset_text(key), span: span.clone() };
        let DeValue::String(text) = value.get_ref() else {
            self.wrong_type(name, &value, "config-type-text");
            return preset();
        };
        if let Some(Kind::Choice(allowed)) = key.map(|key| key.kind)
            && !allowed.contains(&text.as_ref())
        {
            self.bad_choice(name, text, allowed, span.clone());
            return preset();
        }
        Found { value: text.as_ref().to_owned(), span }
    }

    /// A number within the bounds that the table of keys sets.
    pub fn whole(&self, name: &'static str) -> u64 {
        let (key, value) = self.value(name);
        let Some(Kind::Whole { min, max }) = key.map(|key| key.kind) else { return 0 };
        let DeValue::Integer(digits) = value.get_ref() else {
            self.wrong_type(name, &value, "config-type-whole");
            return min;
        };
        match i128::from_str_radix(digits.as_str(), digits.radix()).ok().and_then(|number| u64::try_from(number).ok()) {
            Some(number) if (min..=max).contains(&number) => number,
            _ => {
                let message = Message::new("config-out-of-range").with("found", digits.to_string());
                self.wrong(name, value.span(), message.with("min", min.to_string()).with("max", max.to_string()));
                min
            }
        }
    }

    pub fn whole_u32(&self, name: &'static str) -> u32 {
        // The bounds of these keys lie below 2^32; a test holds the table to that.
        u32::try_from(self.whole(name)).unwrap_or(u32::MAX)
    }

    pub fn list(&self, name: &'static str) -> Vec<Found<String>> {
        let (_, value) = self.value(name);
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(name, &value, "config-type-list");
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in items.iter() {
            match item.get_ref() {
                DeValue::String(text) => texts.push(Found { value: text.as_ref().to_owned(), span: item.span() }),
                _ => self.wrong_type(name, item, "config-type-text"),
            }
        }
        texts
    }

    pub fn switches(&self, name: &'static str) -> BTreeMap<String, String> {
        let (_, value) = self.value(name);
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong_type(name, &value, "config-type-table");
            return BTreeMap::new();
        };
        let mut switches = BTreeMap::new();
        for (key, value) in table {
            if !EXTENSIONS.contains(&key.get_ref().as_ref()) {
                self.unknown(key, EXTENSIONS);
                continue;
            }
            match value.get_ref() {
                DeValue::String(text) if SWITCHES.contains(&text.as_ref()) => {
                    switches.insert(key.get_ref().as_ref().to_owned(), text.as_ref().to_owned());
                }
                DeValue::String(text) => self.bad_choice(key.get_ref(), text, SWITCHES, value.span()),
                _ => self.wrong_type(key.get_ref(), value, "config-type-text"),
            }
        }
        switches
    }

    pub fn numbers(&self, name: &'static str) -> BTreeMap<String, u64> {
        let (_, value) = self.value(name);
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong_type(name, &value, "config-type-table");
            return BTreeMap::new();
        };
        let mut numbers = BTreeMap::new();
        for (key, value) in table {
            if !QUIRKS.contains(&key.get_ref().as_ref()) {
                self.unknown(key, QUIRKS);
                continue;
            }
            let number = match value.get_ref() {
                DeValue::Integer(digits) => i128::from_str_radix(digits.as_str(), digits.radix()).ok(),
                _ => None,
            };
            match number.and_then(|number| u64::try_from(number).ok()) {
                Some(number) => drop(numbers.insert(key.get_ref().as_ref().to_owned(), number)),
                None => self.wrong_type(name, value, "config-type-whole"),
            }
        }
        numbers
    }

    /// Notes every key that does not exist.
    fn checked(self) -> Self {
        let known: Vec<&str> = self.part.keys().map(|key| key.name).chain(self.part.tables().iter().copied()).collect();
        for (key, _) in self.table.into_iter().flatten() {
            if !known.contains(&key.get_ref().as_ref()) {
                self.unknown(key, &known);
            }
        }
        self
    }

    /// The value of a key, or its preset. What must be given and is not is noted.
    fn value(&self, name: &'static str) -> (Option<&'static Key>, Spanned<DeValue<'a>>) {
        let key = self.part.keys().find(|key| key.name == name);
        if let Some(value) = self.table.and_then(|table| table.get(name)) {
            return (key, value.clone());
        }
        let Some(key) = key else { return (None, Spanned::new(self.span(), DeValue::Boolean(false))) };
        if key.preset.is_required() {
            let example = key.preset.literal().replace("source_login", self.login_variable());
            let message = Message::new("config-missing-key").with("example", example);
            self.wrong(name, self.span(), message);
        }
        let literal = DeValue::parse(key.preset.literal()).map_or(DeValue::Boolean(false), Spanned::into_inner);
        (Some(key), Spanned::new(self.span(), literal))
    }

    fn unknown(&self, key: &Spanned<DeString<'_>>, known: &[&str]) {
        let name = key.get_ref().as_ref();
        let message = match nearest(name, known.iter().copied()) {
            Some(near) => Message::new("config-unknown-key-near").with("near", near),
            None => Message::new("config-unknown-key").with("known", known.iter().copied().collect::<Value>()),
        };
        let message = message.with("key", name);
        self.problem(key.span(), message);
    }

    fn bad_choice(&self, name: &str, found: &str, allowed: &[&str], span: Range<usize>) {
        let message = Message::new("config-bad-choice").with("found", found);
        self.wrong(name, span, message.with("allowed", allowed.iter().copied().collect::<Value>()));
    }

    fn wrong_type(&self, name: &str, value: &Spanned<DeValue<'_>>, wanted: &str) {
        let found = match value.get_ref() {
            DeValue::String(_) => "config-type-text",
            DeValue::Integer(_) => "config-type-whole",
            DeValue::Float(_) => "config-type-float",
            DeValue::Boolean(_) => "config-type-boolean",
            DeValue::Datetime(_) => "config-type-date",
            DeValue::Array(_) => "config-type-list",
            DeValue::Table(_) => "config-type-table",
        };
        let message = Message::new("config-wrong-type").with("found", Message::new(found));
        self.wrong(name, value.span(), message.with("wanted", Message::new(wanted)));
    }

    fn header(&self) -> Value {
        match self.name.as_str() {
            "" => Message::new("config-section-root").into(),
            "domain" => "[[domain]]".into(),
            name => format!("[{name}]").into(),
        }
    }
}

fn preset_text(key: Option<&'static Key>) -> String {
    let literal = key.and_then(|key| DeValue::parse(key.preset.literal()).ok());
    match literal.map(Spanned::into_inner) {
        Some(DeValue::String(text)) => text.into_owned(),
        _ => String::new(),
    }
}
