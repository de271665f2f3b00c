//! Out-of-office settings as Exchange says them ([MS-OXWOOF]), and the automatic reply that they mean.

use crate::convert::html_to_text;
use crate::item::moment;
use crate::xml::{Element, Out};
use jiff::Timestamp;
use parom_domain::absence::{Audience, AutoReply, Period};
use std::fmt;

/// `OofSettings` and `UserOofSettings`. The replies are HTML as Outlook writes it, or plain text as other programs do.
#[derive(Clone, PartialEq, Eq)]
pub struct OofSettings {
    pub state: OofState,
    pub audience: Audience,
    /// In UTC. Exchange keeps one, today and tomorrow, where nothing is scheduled.
    pub duration: Option<(Timestamp, Timestamp)>,
    pub internal: String,
    pub external: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OofState {
    Disabled,
    Enabled,
    Scheduled,
}

const AUDIENCES: [(&str, Audience); 3] =
    [("None", Audience::Nobody), ("Known", Audience::Known), ("All", Audience::Everybody)];

/// What `ExternalAudience` and `AllowExternalOof` say.
pub(crate) fn audience(text: &str) -> Option<Audience> {
    AUDIENCES.into_iter().find(|(name, _)| *name == text.trim()).map(|(_, audience)| audience)
}

impl OofSettings {
    /// `None` where the state is none of the three, or the audience is not.
    pub(crate) fn read(element: &Element) -> Option<OofSettings> {
        let state = match element.text_of("OofState")?.trim() {
            "Disabled" => OofState::Disabled,
            "Enabled" => OofState::Enabled,
            "Scheduled" => OofState::Scheduled,
            _ => return None,
        };
        let duration = element.child("Duration");
        let time = |name: &str| duration.and_then(|duration| duration.text_of(name)).and_then(moment);
        let reply = |name: &str| element.child(name).and_then(|reply| reply.text_of("Message"));
        Some(OofSettings {
            state,
            audience: audience(element.text_of("ExternalAudience")?)?,
            duration: time("StartTime").zip(time("EndTime")),
            internal: reply("InternalReply").unwrap_or_default().to_owned(),
            external: reply("ExternalReply").unwrap_or_default().to_owned(),
        })
    }

    pub(crate) fn write(&self, out: &mut Out) {
        out.within("t:UserOofSettings", &[], |out| {
            out.leaf(
                "t:OofState",
                match self.state {
                    OofState::Disabled => "Disabled",
                    OofState::Enabled => "Enabled",
                    OofState::Scheduled => "Scheduled",
                },
            );
            let name = AUDIENCES.into_iter().find(|(_, audience)| *audience == self.audience);
            out.leaf("t:ExternalAudience", name.map_or("None", |(name, _)| name));
            if let Some((from, until)) = self.duration {
                out.within("t:Duration", &[], |out| {
                    out.leaf("t:StartTime", &from.to_string());
                    out.leaf("t:EndTime", &until.to_string());
                });
            }
            for (name, text) in [("t:InternalReply", &self.internal), ("t:ExternalReply", &self.external)] {
                out.within(name, &[], |out| out.leaf("t:Message", text));
            }
        });
    }

    /// The reply that people get. `allowed` is how far the mailbox's policy goes. `None`: none is given.
    #[must_use]
    pub fn auto_reply(&self, allowed: Audience) -> Option<AutoReply> {
        let period = match (self.state, self.duration) {
            (OofState::Disabled, _) => return None,
            (OofState::Enabled, _) => Period::Open,
            (OofState::Scheduled, Some((from, until))) => {
                Period::Between { from_s: from.as_second(), until_s: until.as_second() }
            }
            // Exchange refuses such settings; nobody can say when they would hold.
            (OofState::Scheduled, None) => return None,
        };
        let text = |reply: &str| Some(plain(reply)).filter(|text| !text.is_empty());
        let (inside, outside) = (text(&self.internal), text(&self.external));
        let reply = AutoReply { period, inside, outside, audience: self.audience.min(allowed) };
        Some(reply).filter(|reply| !reply.is_silent())
    }
}

/// Without the texts: they are somebody's own.
impl fmt::Debug for OofSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OofSettings")
            .field("state", &self.state)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

/// The words of a reply. What has no tag of HTML is plain text already, and its lines stay as they are.
fn plain(reply: &str) -> String {
    if is_html(reply) {
        return html_to_text(reply);
    }
    let lines: Vec<&str> = reply.lines().map(str::trim_end).collect();
    let text = lines.join("\n");
    text.chars()
        .filter(|c| matches!(c, '\n' | '\t') || !c.is_control())
        .collect::<String>()
        .trim_matches('\n')
        .to_owned()
}

/// Tags that every mail program writes around what it takes for HTML.
const TAGS: [&str; 10] = ["html", "body", "div", "p", "br", "span", "font", "table", "b", "a"];

fn is_html(text: &str) -> bool {
    text.split('<').skip(1).any(|tag| {
        let name: String = tag.chars().take_while(char::is_ascii_alphanumeric).collect();
        let ends = tag.get(name.len()..).and_then(|rest| rest.chars().next());
        let is_tag = ends.is_some_and(|end| end.is_whitespace() || matches!(end, '>' | '/'));
        is_tag && TAGS.contains(&name.to_ascii_lowercase().as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(state: OofState) -> OofSettings {
        let time = |text: &str| text.parse().unwrap();
        OofSettings {
            state,
            audience: Audience::Everybody,
            duration: Some((time("2026-03-01T08:00:00Z"), time("2026-03-15T15:00:00Z"))),
            internal: "<html><body><p>Я в отпуске &amp; вернусь</p><p>15&nbsp;марта</p></body></html>".into(),
            external: "Away.\r\n\r\nBack <soon>.\u{1}\r\n".into(),
        }
    }

    #[test]
    fn the_state_decides_when_a_reply_is_given() {
        assert_eq!(settings(OofState::Disabled).auto_reply(Audience::Everybody), None);
        let open = settings(OofState::Enabled).auto_reply(Audience::Everybody).unwrap();
        assert_eq!(open.period, Period::Open);
        let between = settings(OofState::Scheduled).auto_reply(Audience::Everybody).unwrap();
        assert_eq!(between.period, Period::Between { from_s: 1_772_352_000, until_s: 1_773_586_800 });
        let without = OofSettings { duration: None, ..settings(OofState::Scheduled) };
        assert_eq!(without.auto_reply(Audience::Everybody), None);
    }

    #[test]
    fn html_becomes_words_and_plain_text_keeps_its_lines() {
        let reply = settings(OofState::Enabled).auto_reply(Audience::Everybody).unwrap();
        assert_eq!(reply.inside.as_deref(), Some("Я в отпуске & вернусь\n15 марта"));
        assert_eq!(reply.outside.as_deref(), Some("Away.\n\nBack <soon>."));
    }

    #[test]
    fn the_policy_of_the_mailbox_narrows_the_audience() {
        let audience = |allowed| settings(OofState::Enabled).auto_reply(allowed).unwrap().audience;
        assert_eq!(audience(Audience::Everybody), Audience::Everybody);
        assert_eq!(audience(Audience::Known), Audience::Known);
        assert_eq!(audience(Audience::Nobody), Audience::Nobody);
    }

    #[test]
    fn empty_replies_are_none() {
        let empty = || "<html><body><p>&nbsp;</p></body></html>".to_owned();
        let silent = OofSettings { internal: empty(), external: empty(), ..settings(OofState::Enabled) };
        assert_eq!(silent.auto_reply(Audience::Everybody), None);
        let inward = OofSettings { audience: Audience::Nobody, internal: empty(), ..settings(OofState::Enabled) };
        assert_eq!(inward.auto_reply(Audience::Everybody), None, "nobody would get it");
    }
}
