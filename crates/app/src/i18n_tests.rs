//! The language files are complete, alike, used, and right.

use super::*;
use crate::exit::Exit;
use crate::failure::{MADE, WITH, WITHOUT, sentence};
use fluent_syntax::ast;
use parom_domain::events::guard::CalendarBrakeName;
use parom_domain::guard::BrakeName;
use parom_domain::{Code, Error, Retry, Scope};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Key (with `.part`) to the variables used in it.
fn entries(lang: Lang) -> BTreeMap<String, BTreeSet<String>> {
    let mut entries = BTreeMap::new();
    for source in lang.sources() {
        let resource =
            fluent_syntax::parser::parse(source).unwrap_or_else(|(_, errors)| panic!("{lang:?}: {errors:?}"));
        for entry in resource.body {
            let ast::Entry::Message(message) = entry else { continue };
            let mut add = |key: String, pattern: &ast::Pattern<&str>| {
                let mut variables = BTreeSet::new();
                in_pattern(pattern, &mut variables);
                assert!(entries.insert(key.clone(), variables).is_none(), "{lang:?}: {key} is there twice");
            };
            if let Some(value) = &message.value {
                add(message.id.name.to_owned(), value);
            }
            for attribute in &message.attributes {
                add(format!("{}.{}", message.id.name, attribute.id.name), &attribute.value);
            }
        }
    }
    entries
}

fn in_pattern(pattern: &ast::Pattern<&str>, variables: &mut BTreeSet<String>) {
    for element in &pattern.elements {
        if let ast::PatternElement::Placeable { expression } = element {
            match expression {
                ast::Expression::Inline(inline) => in_inline(inline, variables),
                ast::Expression::Select { selector, variants } => {
                    in_inline(selector, variables);
                    for variant in variants {
                        in_pattern(&variant.value, variables);
                    }
                }
            }
        }
    }
}

fn in_inline(inline: &ast::InlineExpression<&str>, variables: &mut BTreeSet<String>) {
    match inline {
        ast::InlineExpression::VariableReference { id } => {
            variables.insert(id.name.to_owned());
        }
        ast::InlineExpression::StringLiteral { .. } => {}
        other => panic!("not used in our files: {other:?}"),
    }
}

#[test]
fn both_languages_have_the_same_keys_and_variables() {
    let (en, ru) = (entries(Lang::En), entries(Lang::Ru));
    let keys = |entries: &BTreeMap<String, BTreeSet<String>>| entries.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(keys(&en).symmetric_difference(&keys(&ru)).collect::<Vec<_>>(), Vec::<&String>::new());
    for (key, variables) in &en {
        assert_eq!(Some(variables), ru.get(key), "{key}");
    }
}

/// Of the sentence of an error.
const PARTS: [&str; 4] = ["", ".why", ".fix", ".command"];

#[test]
fn every_code_has_its_sentence_cause_remedy_and_command() {
    let documented = documented_arguments();
    for lang in Lang::ALL {
        let entries = entries(lang);
        let all = Code::ALL.iter().map(|code| (*code, None));
        for (code, without) in all.chain(WITHOUT.iter().map(|(code, name)| (*code, Some(*name)))) {
            let mut allowed = documented.get(code.as_str()).cloned().unwrap_or_default();
            // Every error can say whose it is.
            allowed.insert("account".to_owned());
            if allowed.contains("uid") && allowed.contains("what") {
                allowed.extend(MADE.map(str::to_owned));
            }
            if let Some(name) = without {
                allowed.remove(name);
            }
            let ending = without.map(|name| format!("-without-{name}")).unwrap_or_default();
            let with = WITH.iter().filter(|(of, _)| *of == code && without.is_none());
            let endings = with.map(|(_, name)| format!("-with-{name}")).chain([ending]);
            for (ending, part) in endings.flat_map(|ending| PARTS.map(|part| (ending.clone(), part))) {
                let key = format!("error-{}{ending}{part}", code.as_str());
                let variables = entries.get(&key).unwrap_or_else(|| panic!("{lang:?} lacks {key}"));
                assert!(variables.is_subset(&allowed), "{key} uses {variables:?}, documented are {allowed:?}");
            }
        }
    }
}

/// The arguments of each code as the domain documents them.
fn documented_arguments() -> BTreeMap<String, BTreeSet<String>> {
    let source = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../domain/src/error.rs")).unwrap();
    let mut all = BTreeMap::new();
    let mut now = BTreeSet::new();
    for line in source.lines().map(str::trim) {
        if let Some(list) = line.strip_prefix("/// Arguments: ") {
            // What stands in brackets explains an argument; what follows the full stop explains the code.
            let mut depth = 0;
            let bare: String = list
                .chars()
                .filter(|c| {
                    depth += i32::from(*c == '(') - i32::from(*c == ')');
                    depth == 0 && *c != ')'
                })
                .collect();
            let list = bare.split('.').next().unwrap_or_default();
            now = list.split(',').map(|name| name.trim().to_owned()).collect();
        } else if let Some((_, text)) = line.split_once(" = \"")
            && let Some(text) = text.strip_suffix("\",")
        {
            all.insert(text.to_owned(), std::mem::take(&mut now));
        }
    }
    assert_eq!(all.len(), Code::ALL.len());
    all
}

#[test]
fn no_sentence_of_an_error_has_a_hole() {
    for lang in Lang::ALL {
        let texts = Texts::new(lang);
        for code in Code::ALL {
            let text = texts.explain(&sentence(&Error::new(*code, Scope::Account, Retry::Soon)));
            assert!(!text.contains(['{', '}']), "{text}");
            assert_eq!(text.lines().count(), 4, "{text}");
        }
    }
}

#[test]
fn what_is_too_large_is_told_as_far_as_it_is_known() {
    let say = |args: &[(&'static str, u64)]| {
        let error = Error::new(Code::EventTooLarge, Scope::Item, Retry::WhenFixed);
        let error = error.with("uid", "u1").with("what", "Calendar").with("host", "dav.example");
        let error = args.iter().fold(error, |error, (name, value)| error.with(name, value));
        Texts::new(Lang::En).say(&sentence(&error)).replace('\u{a0}', " ")
    };
    let event = "The event u1 in \"Calendar\"";
    assert_eq!(
        say(&[("bytes", 3 << 20), ("limit", 1 << 20)]),
        format!("{event} has 3.0 MB; dav.example takes at most 1.0 MB.")
    );
    assert_eq!(say(&[("bytes", 3 << 20)]), format!("{event} has 3.0 MB, which is more than dav.example takes."));
    assert_eq!(
        say(&[("limit", 1 << 20)]),
        format!("{event} has more than 1.0 MB, and events that large are not carried.")
    );
}

/// A message is called parked where it is, and an own write that is not shown is no list that lacks others' mail.
#[test]
fn what_is_not_parked_is_not_told_so_and_a_late_list_says_what_it_lacks() {
    let explain = |code, args: &[(&'static str, &str)]| {
        let error =
            Error::new(code, Scope::Item, Retry::WhenFixed).with("host", "mail.example").with("folder", "INBOX");
        let error = args
            .iter()
            .fold(error.with("account", "a@x").with("answer", "no"), |error, (name, value)| error.with(name, value));
        Lang::ALL.map(|lang| Texts::new(lang).explain(&sentence(&error)))
    };
    for text in explain(Code::MessageUnreadable, &[]) {
        assert!(!text.contains('—') && !text.contains("parom parked"), "{text}");
    }
    for text in explain(Code::MessageUnreadable, &[("uid", "7")]) {
        assert!(text.contains('7') && text.contains("parom parked --retry"), "{text}");
    }
    for text in explain(Code::ListingIncomplete, &[("side", "target")]) {
        assert!(!text.contains('—'), "{text}");
    }
    for change in ["create", "rename", "set-aside", "give-back", "delete", "subscribe", "unsubscribe"] {
        let [ru, en] = explain(Code::FolderRefused, &[("side", "target"), ("change", change)]);
        let [ru_any, en_any] = explain(Code::FolderRefused, &[("side", "target"), ("change", "other")]);
        assert!(en != en_any && ru != ru_any, "{change}: {en} {ru}");
        assert!(format!("{en}{ru}").contains("(target)"), "{en} {ru}");
    }
}

#[test]
fn every_key_is_used_and_every_used_key_is_there() {
    let mut words = BTreeSet::new();
    literals(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut words);
    let keys: BTreeSet<String> = entries(Lang::En).into_keys().filter(|key| !key.contains('.')).collect();
    // These are made at run time; other tests prove that none is missing and none is left over.
    let made = |key: &str| {
        ["error-", "help", "exit-", "doc-", "phase-", "brake-", "value-", "unfit-"]
            .iter()
            .any(|made| key.starts_with(made))
    };
    let unused: Vec<&String> = keys.iter().filter(|key| !made(key) && !words.contains(*key)).collect();
    assert!(unused.is_empty(), "in no source: {unused:?}");
    let families: BTreeSet<&str> =
        keys.iter().filter(|key| !made(key)).filter_map(|key| key.split_once('-')).map(|(family, _)| family).collect();
    let looks_like_key = |word: &str| {
        word.split_once('-').is_some_and(|(family, _)| families.contains(family))
            && word.chars().all(|c| c.is_ascii_lowercase() || c == '-' || c == '_' || c.is_ascii_digit())
    };
    let missing: Vec<&String> = words.iter().filter(|word| looks_like_key(word) && !keys.contains(*word)).collect();
    assert!(missing.is_empty(), "in no language file: {missing:?}");
}

/// All string literals without spaces and escapes.
fn literals(folder: &Path, words: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            literals(&path, words);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("i18n_tests.rs") {
            let source = std::fs::read_to_string(&path).unwrap();
            words.extend(source.split('"').filter(|word| !word.contains(char::is_whitespace)).map(str::to_owned));
        }
    }
}

#[test]
fn made_keys_are_exactly_those_that_are_needed() {
    let keys: BTreeSet<String> = entries(Lang::En).into_keys().filter(|key| !key.contains('.')).collect();
    let family = |prefix: &str| keys.iter().filter(|key| key.starts_with(prefix)).cloned().collect::<BTreeSet<_>>();
    let codes = Code::ALL.iter().map(|code| format!("error-{}", code.as_str()));
    let without = WITHOUT.iter().map(|(code, name)| format!("error-{}-without-{name}", code.as_str()));
    let with = WITH.iter().map(|(code, name)| format!("error-{}-with-{name}", code.as_str()));
    assert_eq!(family("error-"), codes.chain(without).chain(with).collect());
    assert_eq!(family("exit-"), Exit::ALL.iter().map(|exit| format!("exit-{}", exit.number())).collect());
    let docs = crate::config::keys::KEYS.iter().map(|key| format!("doc-{}-{}", key.part.as_str(), key.name)).collect();
    assert_eq!(family("doc-"), docs);
    let mut help: BTreeSet<String> = family("help-flag-");
    for word in ["usage", "commands", "options", "arguments", "exit-codes", "word-options", "word-command"] {
        help.insert(format!("help-{word}"));
    }
    crate::help::keys(&mut |key| {
        help.insert(key.to_owned());
    });
    assert_eq!(family("help").union(&family("value-")).cloned().collect::<BTreeSet<_>>(), help);
    let mail = BrakeName::ALL.into_iter().map(BrakeName::as_str);
    let brakes = mail.chain(CalendarBrakeName::ALL.into_iter().map(CalendarBrakeName::as_str));
    assert_eq!(family("brake-"), brakes.map(|brake| format!("brake-{brake}")).collect());
    assert_eq!(family("unfit-"), crate::unfit::reasons().map(|reason| format!("unfit-{reason}")).collect());
    let phases = crate::progress::Phase::ALL.iter().map(|phase| format!("phase-{}", phase.as_str())).collect();
    assert_eq!(family("phase-"), phases);
}

#[test]
fn russian_plurals_are_right() {
    let texts = Texts::new(Lang::Ru);
    let say = |count: u64| texts.say(&Message::new("work-changes").with("changes", count)).trim_end().to_owned();
    for (count, expected) in [
        (1, "1 изменение"),
        (2, "2 изменения"),
        (5, "5 изменений"),
        (11, "11 изменений"),
        (21, "21 изменение"),
        (22, "22 изменения"),
        (112, "112 изменений"),
        (200_001, "200001 изменение"),
    ] {
        assert_eq!(say(count), expected);
    }
}

#[test]
fn brakes_of_calendars_count_in_plurals_and_name_their_side() {
    let say = |lang, brake: &str, count: u64| {
        let args = [("brake", brake), ("side", "target"), ("folder", "Work"), ("total", "21")];
        let args = args.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let args: Vec<_> = args.chain([("count".to_owned(), count.to_string())]).collect();
        Texts::new(lang).say(&crate::failure::stored("braked", &args))
    };
    let (en, ru) = ("A brake has tripped: ", "Сработал предохранитель: ");
    for (lang, brake, count, expected) in [
        (
            Lang::En,
            "vanished-calendar",
            1,
            format!("{en}the calendar \"Work\" vanished on the target, with 1 event in it."),
        ),
        (
            Lang::En,
            "vanished-calendar",
            2,
            format!("{en}the calendar \"Work\" vanished on the target, with 2 events in it."),
        ),
        (
            Lang::Ru,
            "vanished-calendar",
            1,
            format!("{ru}в целевой системе исчез календарь «Work», в нём было 1 событие."),
        ),
        (
            Lang::Ru,
            "vanished-calendar",
            3,
            format!("{ru}в целевой системе исчез календарь «Work», в нём было 3 события."),
        ),
        (
            Lang::Ru,
            "emptied-calendar",
            21,
            format!("{ru}из календаря «Work» в целевой системе разом исчезло 21 событие из 21."),
        ),
    ] {
        assert_eq!(say(lang, brake, count), expected);
    }
    assert!(say(Lang::En, "many-event-deletions", 1).contains("1 of 21 events is gone from the target; with"));
    assert!(say(Lang::Ru, "many-event-deletions", 5).contains("в целевой системе исчезло 5 событий из 21; вместе"));
}

#[test]
fn amounts_are_written_as_people_write_them() {
    let (en, ru) = (Texts::new(Lang::En), Texts::new(Lang::Ru));
    for (bytes, in_en, in_ru) in [
        (0, "0 B", "0 Б"),
        (1023, "1023 B", "1023 Б"),
        (1024, "1.0 KB", "1,0 КБ"),
        (12_999_999, "12.4 MB", "12,4 МБ"),
        (1_048_000, "1.0 MB", "1,0 МБ"),
        (734_003_200, "700 MB", "700 МБ"),
        (u64::MAX, "16777216 TB", "16777216 ТБ"),
    ] {
        assert_eq!(en.bytes(bytes).replace('\u{a0}', " "), in_en);
        assert_eq!(ru.bytes(bytes).replace('\u{a0}', " "), in_ru);
    }
    assert_eq!(ru.seconds(59).replace('\u{a0}', " "), "59 с");
    assert_eq!(ru.seconds(61).replace('\u{a0}', " "), "1 мин 01 с");
    assert_eq!(ru.seconds(7500).replace('\u{a0}', " "), "2 ч 05 мин");
}

#[test]
fn the_language_is_found_where_it_is_asked_for() {
    let wanted = |args: &[&str], env: &[(&str, &str)]| {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let env: BTreeMap<&str, &str> = env.iter().copied().collect();
        Lang::wanted(&args, |name| env.get(name).map(|value| (*value).to_owned()))
    };
    assert_eq!(wanted(&["status"], &[("LANG", "ru_RU.UTF-8")]), Lang::Ru);
    assert_eq!(wanted(&["status"], &[("LANG", "C.UTF-8")]), Lang::En);
    assert_eq!(wanted(&["status"], &[("LANG", "ru_RU.UTF-8"), ("LC_ALL", "C")]), Lang::En);
    assert_eq!(wanted(&["status"], &[("LANG", "C"), ("PAROM_LANG", "ru")]), Lang::Ru);
    assert_eq!(wanted(&["--lang=ru", "status"], &[("PAROM_LANG", "en")]), Lang::Ru);
    assert_eq!(wanted(&["status", "--lang", "en"], &[("LANG", "ru_RU")]), Lang::En);
    assert_eq!(wanted(&["status", "--lang"], &[]), Lang::En);
}
