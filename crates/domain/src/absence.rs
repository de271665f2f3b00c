//! An automatic reply while somebody is away, in no protocol's words.

use std::fmt;

/// What a mailbox answers by itself.
#[derive(Clone, PartialEq, Eq)]
pub struct AutoReply {
    pub period: Period,
    /// To people of the own organisation, as plain text. `None`: they get no reply.
    pub inside: Option<String>,
    /// To everybody else, as far as `audience` goes.
    pub outside: Option<String>,
    pub audience: Audience,
}

/// When it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// From now on until it is switched off.
    Open,
    /// Seconds since 1970. The end is the first second without a reply.
    Between { from_s: i64, until_s: i64 },
}

/// Who outside the organisation gets a reply. The order is that of the numbers of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Audience {
    Nobody,
    /// Those in the person's contacts.
    Known,
    Everybody,
}

impl AutoReply {
    /// Will nobody get it any more?
    #[must_use]
    pub fn is_over(&self, now_s: i64) -> bool {
        match self.period {
            Period::Open => false,
            Period::Between { until_s, .. } => until_s <= now_s,
        }
    }

    /// Is there anybody who would get one?
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.inside.is_none() && (self.outside.is_none() || self.audience == Audience::Nobody)
    }
}

/// Without the texts: they are somebody's own.
impl fmt::Debug for AutoReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AutoReply")
            .field("period", &self.period)
            .field("inside", &self.inside.is_some())
            .field("outside", &self.outside.is_some())
            .field("audience", &self.audience)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_the_first_second_without_a_reply() {
        let reply = |period| AutoReply { period, inside: None, outside: None, audience: Audience::Everybody };
        let scheduled = reply(Period::Between { from_s: 10, until_s: 20 });
        assert!(!scheduled.is_over(5) && !scheduled.is_over(19) && scheduled.is_over(20));
        assert!(!reply(Period::Open).is_over(i64::MAX));
    }

    #[test]
    fn debug_tells_no_text() {
        let text = Some("secret".to_owned());
        let reply = AutoReply { period: Period::Open, inside: text, outside: None, audience: Audience::Nobody };
        assert!(!format!("{reply:?}").contains("secret") && !reply.is_silent());
    }
}
