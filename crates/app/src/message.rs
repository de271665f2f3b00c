//! A sentence that has no language yet: a key of the locale files with its arguments.

/// What the code has to say to a person. [`Texts`](crate::i18n::Texts) puts it into their language.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub key: String,
    pub args: Vec<(&'static str, Value)>,
}

/// An argument, typed so that each language can write it its own way.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    /// Chooses the plural form.
    Count(u64),
    /// Written as KB, MB and so on.
    Bytes(u64),
    /// Written as hours, minutes and seconds.
    Seconds(u64),
    /// The same, with a decimal where it is short.
    Elapsed(std::time::Duration),
    /// "a", "b" or "c".
    Choices(Vec<String>),
    /// A sentence within the sentence.
    Message(Box<Message>),
}

impl Message {
    pub fn new(key: impl Into<String>) -> Message {
        Message { key: key.into(), args: Vec::new() }
    }

    /// Adds an argument. One that is already there stays.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Message {
        if !self.args.iter().any(|(known, _)| *known == name) {
            self.args.push((name, value.into()));
        }
        self
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}

impl From<u64> for Value {
    fn from(count: u64) -> Value {
        Value::Count(count)
    }
}

impl From<usize> for Value {
    fn from(count: usize) -> Value {
        Value::Count(count as u64)
    }
}

impl From<Message> for Value {
    fn from(message: Message) -> Value {
        Value::Message(Box::new(message))
    }
}

impl<'a> FromIterator<&'a str> for Value {
    fn from_iter<I: IntoIterator<Item = &'a str>>(choices: I) -> Value {
        Value::Choices(choices.into_iter().map(str::to_owned).collect())
    }
}
