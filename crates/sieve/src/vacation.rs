//! From an automatic reply to the Sieve script that gives it. Pure: the same reply makes the same script, always.

use parom_domain::absence::{Audience, AutoReply, Period};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The extensions that a server's Sieve has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions(BTreeSet<String>);

impl Extensions {
    /// From the capability `SIEVE`.
    #[must_use]
    pub fn of(words: &str) -> Extensions {
        Extensions(words.split_ascii_whitespace().map(str::to_ascii_lowercase).collect())
    }

    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

/// What has to be known beside the reply.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// The person's addresses. Only mail to one of them is answered (RFC 5230 section 4.5).
    pub addresses: Vec<String>,
    /// The domains of the own organisation.
    pub domains: Vec<String>,
    /// Where Exchange answers those in the person's contacts, which Sieve does not know: answer everybody, or else nobody.
    pub answers_strangers: bool,
}

/// How the first line of each of our scripts begins.
const MARK: &str = "# Written by Parom";
/// What stands before the name of the script that was active before ours.
const BEFORE: &str = "# before: ";

/// Was this script written by us?
#[must_use]
pub fn is_ours(script: &str) -> bool {
    script.starts_with(MARK)
}

/// The name of the script that was active before ours, as ours tells it.
#[must_use]
pub fn before(script: &str) -> Option<String> {
    let line = script.lines().find_map(|line| line.strip_prefix(BEFORE))?;
    let inner = line.trim_end().strip_prefix('"')?.strip_suffix('"')?;
    let mut name = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        name.push(if c == '\\' { chars.next()? } else { c });
    }
    Some(name).filter(|name| !name.is_empty())
}

/// Exchange answers a sender once for as long as the reply is on. Sieve wants a number; servers that allow fewer days take their
/// own.
const LONGEST_DAYS: i64 = 30;
const DAY_S: i64 = 86_400;

/// Would anybody get the reply?
#[must_use]
pub fn would_answer(reply: &AutoReply, around: &Around) -> bool {
    reply.inside.is_some() || outside(reply, around).is_some()
}

/// What people outside the organisation get.
fn outside<'r>(reply: &'r AutoReply, around: &Around) -> Option<&'r str> {
    let goes_out = match reply.audience {
        Audience::Nobody => false,
        Audience::Known => around.answers_strangers,
        Audience::Everybody => true,
    };
    reply.outside.as_deref().filter(|_| goes_out)
}

/// The script. `beside` is the person's own, which goes on doing what it does.
///
/// # Errors
/// The extension without which the server cannot give the reply.
pub fn script(
    reply: &AutoReply,
    around: &Around,
    extensions: &Extensions,
    beside: Option<&str>,
) -> Result<String, &'static str> {
    let mut requires: BTreeSet<&'static str> = BTreeSet::from(["vacation"]);
    let mut rules = Rules { around, out: String::new(), lapse: lapse(reply.period, extensions) };
    if rules.lapse.starts_with(":seconds") {
        requires.insert("vacation-seconds");
    }
    rules.replies(reply);
    let mut body = rules.out;
    if let Period::Between { from_s, until_s } = reply.period {
        requires.extend(["date", "relational"]);
        body = scheduled(from_s, until_s, &body);
    }
    if let Some(name) = beside {
        requires.insert("include");
        let _ = write!(body, "\r\ninclude :personal :optional {};\r\n", string(name));
    }
    if let Some(lacking) = requires.iter().find(|name| !extensions.has(name)) {
        return Err(lacking);
    }
    let names: Vec<String> = requires.iter().map(|name| string(name)).collect();
    let owner = around.addresses.first().map(String::as_str).unwrap_or_default();
    let mut text = format!(
        "{MARK}: the automatic reply of {} as it is set in Exchange.\r\n\
         # \"parom oof copy\" writes it anew, so changes made here are lost.\r\n",
        comment(owner)
    );
    if let Some(name) = beside {
        let _ = write!(text, "{BEFORE}{}\r\n", string(name));
    }
    let _ = write!(text, "require [{}];\r\n\r\n{body}", names.join(", "));
    Ok(text)
}

/// How long one sender gets no second reply.
fn lapse(period: Period, extensions: &Extensions) -> String {
    let Period::Between { from_s, until_s } = period else { return format!(":days {LONGEST_DAYS}") };
    let seconds = until_s.saturating_sub(from_s).clamp(1, LONGEST_DAYS * DAY_S);
    // A reply of one afternoon must not keep silent on the next.
    if seconds % DAY_S != 0 && extensions.has("vacation-seconds") {
        return format!(":seconds {seconds}");
    }
    format!(":days {}", (seconds + DAY_S - 1) / DAY_S)
}

struct Rules<'a> {
    around: &'a Around,
    out: String,
    lapse: String,
}

impl Rules<'_> {
    /// Who gets which text.
    fn replies(&mut self, reply: &AutoReply) {
        let (inside, outside) = (reply.inside.as_deref(), outside(reply, self.around));
        let domains: Vec<String> = self.around.domains.iter().map(|domain| string(domain)).collect();
        let from_inside = format!("address :domain :is \"from\" [{}]", domains.join(", "));
        match (inside, outside) {
            (Some(inside), Some(outside)) if inside == outside => self.vacation(inside),
            (Some(inside), Some(outside)) => {
                let _ = write!(self.out, "if {from_inside} {{\r\n");
                self.vacation(inside);
                self.out.push_str("} else {\r\n");
                self.vacation(outside);
                self.out.push_str("}\r\n");
            }
            (Some(text), None) => {
                let _ = write!(self.out, "if {from_inside} {{\r\n");
                self.vacation(text);
                self.out.push_str("}\r\n");
            }
            (None, Some(text)) => {
                let _ = write!(self.out, "if not {from_inside} {{\r\n");
                self.vacation(text);
                self.out.push_str("}\r\n");
            }
            (None, None) => {}
        }
    }

    fn vacation(&mut self, text: &str) {
        let addresses: Vec<String> = self.around.addresses.iter().map(|address| string(address)).collect();
        let _ = write!(self.out, "vacation {} :addresses [{}] text:\r\n", self.lapse, addresses.join(", "));
        for line in text.lines() {
            // A line that begins with a dot has one more (RFC 5228 section 2.4.2).
            let dot = if line.starts_with('.') { "." } else { "" };
            let line: String = line.chars().filter(|c| *c == '\t' || !c.is_control()).collect();
            let _ = write!(self.out, "{dot}{line}\r\n");
        }
        self.out.push_str(".\r\n;\r\n");
    }
}

/// The rules, for a period. Days and times are told apart, because nothing but these two forms is the same on all servers, and
/// both are those of UTC, as Exchange has them: whichever zone the server lives in.
fn scheduled(from_s: i64, until_s: i64, rules: &str) -> String {
    let test = |at_s: i64, days: &str, times: &str| {
        let (date, time) = civil(at_s);
        let now = "currentdate :zone \"+0000\"";
        format!(
            "anyof (\r\n    {now} :value \"{days}\" \"date\" \"{date}\",\r\n    allof ({now} :is \"date\" \"{date}\",\r\n      \
             {now} :value \"{times}\" \"time\" \"{time}\"))"
        )
    };
    let ((from_date, from_time), (until_date, until_time)) = (civil(from_s), civil(until_s));
    format!(
        "# From {from_date} {from_time} to {until_date} {until_time}, UTC.\r\nif allof (\r\n  {},\r\n  {}\r\n) {{\r\n{rules}}}\r\n",
        test(from_s, "gt", "ge"),
        test(until_s, "lt", "lt")
    )
}

/// Date and time in UTC, as RFC 5260 section 4.2 has them. What lies beyond the years 0 to 9999 is at their border.
fn civil(at_s: i64) -> (String, String) {
    // 9999-12-30T22:00:00Z is the last second that has a time everywhere.
    let at = jiff::Timestamp::from_second(at_s.clamp(-62_167_219_200, 253_402_207_200)).unwrap_or_default();
    let at = jiff::tz::Offset::UTC.to_datetime(at);
    (at.strftime("%Y-%m-%d").to_string(), at.strftime("%H:%M:%S").to_string())
}

/// A quoted string (RFC 5228 section 2.4.2). Control characters, which names and addresses do not have, are dropped.
fn string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars().filter(|c| !c.is_control()) {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// On one line.
fn comment(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around() -> Around {
        Around {
            addresses: vec!["anna@corp.example".into()],
            domains: vec!["corp.example".into(), "sub.corp.example".into()],
            answers_strangers: false,
        }
    }

    fn all() -> Extensions {
        Extensions::of("vacation date relational include fileinto vacation-seconds")
    }

    fn reply(inside: Option<&str>, outside: Option<&str>, audience: Audience) -> AutoReply {
        let own = |text: Option<&str>| text.map(str::to_owned);
        AutoReply { period: Period::Open, inside: own(inside), outside: own(outside), audience }
    }

    #[test]
    fn the_whole_script_is_this() {
        let period = Period::Between { from_s: 1_772_352_000, until_s: 1_773_586_800 };
        let reply =
            AutoReply { period, ..reply(Some("Я в отпуске.\n.\n..\"\\"), Some("Away."), Audience::Everybody) };
        let text =
            script(&reply, &around(), &Extensions::of("vacation date relational include"), Some("Web \"1\"")).unwrap();
        let expected = r#"# Written by Parom: the automatic reply of anna@corp.example as it is set in Exchange.
# "parom oof copy" writes it anew, so changes made here are lost.
# before: "Web \"1\""
require ["date", "include", "relational", "vacation"];

# From 2026-03-01 08:00:00 to 2026-03-15 15:00:00, UTC.
if allof (
  anyof (
    currentdate :zone "+0000" :value "gt" "date" "2026-03-01",
    allof (currentdate :zone "+0000" :is "date" "2026-03-01",
      currentdate :zone "+0000" :value "ge" "time" "08:00:00")),
  anyof (
    currentdate :zone "+0000" :value "lt" "date" "2026-03-15",
    allof (currentdate :zone "+0000" :is "date" "2026-03-15",
      currentdate :zone "+0000" :value "lt" "time" "15:00:00"))
) {
if address :domain :is "from" ["corp.example", "sub.corp.example"] {
vacation :days 15 :addresses ["anna@corp.example"] text:
Я в отпуске.
..
...""#
            .to_owned()
            + "\\\n"
            + r#".
;
} else {
vacation :days 15 :addresses ["anna@corp.example"] text:
Away.
.
;
}
}

include :personal :optional "Web \"1\"";
"#;
        assert_eq!(text, expected.replace('\n', "\r\n"));
        assert!(is_ours(&text));
        assert_eq!(before(&text).as_deref(), Some("Web \"1\""));
    }

    #[test]
    fn the_audience_decides_who_outside_gets_a_reply() {
        let of = |audience, answers_strangers| {
            let around = Around { answers_strangers, ..around() };
            script(&reply(Some("in"), Some("out"), audience), &around, &all(), None).unwrap()
        };
        for (audience, strangers, goes_out) in [
            (Audience::Nobody, true, false),
            (Audience::Known, false, false),
            (Audience::Known, true, true),
            (Audience::Everybody, false, true),
        ] {
            let text = of(audience, strangers);
            assert_eq!(text.contains("text:\r\nout\r\n"), goes_out, "{audience:?} {strangers}");
            assert!(text.contains("if address :domain :is \"from\"") && text.contains("text:\r\nin\r\n"));
        }
        let outward = script(&reply(None, Some("out"), Audience::Everybody), &around(), &all(), None).unwrap();
        assert!(outward.contains("if not address :domain"), "{outward}");
        let alike = script(&reply(Some("a"), Some("a"), Audience::Everybody), &around(), &all(), None).unwrap();
        assert!(!alike.contains("address :domain"), "{alike}");
        assert_eq!(before(&alike), None);
    }

    #[test]
    fn what_the_server_lacks_is_named() {
        let scheduled = AutoReply {
            period: Period::Between { from_s: 0, until_s: 100 },
            ..reply(Some("a"), None, Audience::Nobody)
        };
        let of = |words: &str, beside| script(&scheduled, &around(), &Extensions::of(words), beside).err();
        assert_eq!(of("date relational", None), Some("vacation"));
        assert_eq!(of("vacation relational", None), Some("date"));
        assert_eq!(of("vacation date", None), Some("relational"));
        assert_eq!(of("vacation date relational", Some("a")), Some("include"));
        assert_eq!(of("vacation date relational", None), None);
    }

    #[test]
    fn one_sender_gets_one_reply_in_a_period() {
        let of = |from_s, until_s, words: &str| lapse(Period::Between { from_s, until_s }, &Extensions::of(words));
        assert_eq!(of(0, 4 * 3600, "vacation-seconds"), ":seconds 14400");
        assert_eq!(of(0, 4 * 3600, ""), ":days 1");
        assert_eq!(of(0, 2 * DAY_S, "vacation-seconds"), ":days 2");
        assert_eq!(of(0, 2 * DAY_S + 1, ""), ":days 3");
        assert_eq!(of(0, 400 * DAY_S, ""), ":days 30");
        assert_eq!(of(5, 5, ""), ":days 1");
        assert_eq!(of(i64::MIN, i64::MAX, ""), ":days 30");
        assert_eq!(lapse(Period::Open, &all()), ":days 30");
    }

    #[test]
    fn moments_of_any_number_have_a_date() {
        assert_eq!(civil(0), ("1970-01-01".into(), "00:00:00".into()));
        assert_eq!(civil(i64::MAX).0, "9999-12-30");
        assert_eq!(civil(i64::MIN).0, "0000-01-01");
    }

    #[test]
    fn a_text_cannot_end_itself_or_the_script() {
        let nasty = "a\n.\n;\ndiscard;\n.hidden\r\nb\u{0}\"; stop;\u{85}";
        let text = script(&reply(Some(nasty), None, Audience::Nobody), &around(), &all(), None).unwrap();
        assert_eq!(text.matches("\r\n.\r\n").count(), 1, "{text}");
        assert!(text.contains("\r\n..hidden\r\n") && !text.contains('\0'), "{text}");
        let names = Around { addresses: vec!["a\"]; discard; #\r\n@x".into()], ..around() };
        let text = script(&reply(Some("a"), None, Audience::Nobody), &names, &all(), None).unwrap();
        assert!(text.contains(r#"["a\"]; discard; #@x"]"#), "{text}");
        assert!(text.lines().all(|line| !line.starts_with("discard;") && !line.starts_with("@x")), "{text}");
    }
}
