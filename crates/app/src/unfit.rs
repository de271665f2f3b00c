//! Why an event cannot be carried as it is, in words: the crates that find out have a closed list of reasons.

use crate::message::Message;
use parom_calendar::Unfit;
use parom_exchange::convert::NoPlace;

/// Every reason there is.
pub fn reasons() -> impl Iterator<Item = &'static str> {
    let text = Unfit::ALL.iter().map(|reason| reason.as_str());
    text.chain(NoPlace::ALL.iter().map(|reason| reason.as_str())).chain(parom_caldav::REASONS)
}

/// In which way an event is unfit: `faulty` in itself, `beyond` what the other system can say, such that only updates are
/// missing (`behind`), or, last of all, such that the side that is to take it has no place for it. The first two are found
/// where it is read. `answers`: written, it would be answered by the server itself. `organizer`: theirs comes first.
#[must_use]
pub fn kind(reason: &str) -> &'static str {
    if reason == NoPlace::ServersZone.as_str() {
        return "behind";
    }
    if reason == parom_caldav::WOULD_ANSWER {
        return "answers";
    }
    if reason == parom_caldav::ORGANIZER_LACKS_IT {
        return "organizer";
    }
    match Unfit::ALL.iter().find(|known| known.as_str() == reason) {
        Some(
            Unfit::OtherScale
            | Unfit::NotAnEvent
            | Unfit::RuleExtension
            | Unfit::SeveralRules
            | Unfit::ExclusionRule
            | Unfit::PeriodDates
            | Unfit::ThisAndFuture,
        ) => "beyond",
        Some(_) => "faulty",
        None => "refused",
    }
}

/// The words for a reason. `None` for what is no reason of ours.
#[must_use]
pub fn words(reason: &str) -> Option<Message> {
    reasons().find(|known| *known == reason).map(|known| Message::new(format!("unfit-{known}")))
}

#[cfg(test)]
mod tests {
    use crate::failure::sentence;
    use crate::i18n::{Lang, Texts};
    use parom_domain::{Code, Error, Retry, Scope};

    #[test]
    fn what_is_faulty_where_it_was_read_is_told_otherwise_than_what_has_no_place_on_the_other_side() {
        let say = |lang, detail: &str| {
            let error = Error::new(Code::EventUnfit, Scope::Item, Retry::WhenFixed).with("detail", detail);
            let error = error.with("host", "dav.example").with("what", "Work").with("uid", "u1").with("to", "boris@x");
            Texts::new(lang).explain(&sentence(&error.with("title", "Lunch").with("day", "2026-11-30")))
        };
        for (detail, en, ru) in [
            (
                "end-before-start",
                ["\"Lunch\" of 2026-11-30 in \"Work\" at dav.example", "faulty in itself"],
                ["«Lunch» от 2026-11-30 из календаря «Work» на dav.example", "в самом событии"],
            ),
            (
                "several-rules",
                ["in \"Work\" at dav.example", "no way to say"],
                ["на dav.example", "невозможно выразить"],
            ),
            ("too-long", ["to dav.example", "no way to say"], ["перенести на dav.example", "невозможно выразить"]),
            (
                "zone-unknown-to-windows",
                ["Windows does not have", "no way to say"],
                ["в Windows нет", "невозможно выразить"],
            ),
            (
                parom_caldav::ORGANIZER_LACKS_IT,
                ["organizer boris@x does not have it there", "tries again by itself"],
                ["у её организатора boris@x", "повторяет попытку сам"],
            ),
            (
                parom_caldav::WOULD_ANSWER,
                ["mail boris@x an answer", "notifications = \"off\""],
                ["отправил бы boris@x ответ", "notifications = \"off\""],
            ),
            (
                "zone-unknown-to-server",
                ["Exchange does not know", "updates of Windows on the Exchange servers"],
                ["Exchange не знает", "обновления часовых поясов Windows"],
            ),
        ] {
            for (lang, parts) in [(Lang::En, en), (Lang::Ru, ru)] {
                let said = say(lang, detail);
                assert!(parts.iter().all(|part| said.contains(part)), "{said}");
            }
        }
    }
}
