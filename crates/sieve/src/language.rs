//! As much of the language as has to be read (RFC 5228 section 8.1): which extensions a script asks for.

use std::collections::BTreeSet;

/// A word, a string or a sign of a script. Comments are none.
#[derive(Debug, PartialEq, Eq)]
enum Lexeme {
    Word(String),
    Text(String),
    Sign(char),
}

/// The extensions that the `require` statements of a script name.
#[must_use]
pub fn required(script: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut in_require = false;
    for lexeme in lexemes(script) {
        match lexeme {
            Lexeme::Word(word) => in_require = word.eq_ignore_ascii_case("require"),
            Lexeme::Sign(';') => in_require = false,
            Lexeme::Text(text) if in_require => drop(found.insert(text)),
            Lexeme::Text(_) | Lexeme::Sign(_) => {}
        }
    }
    found
}

fn lexemes(script: &str) -> Vec<Lexeme> {
    let mut all = Vec::new();
    let mut rest = script;
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        if first == '#' {
            rest = rest.find('\n').and_then(|end| rest.get(end..)).unwrap_or_default();
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, after)| after);
        } else if first == '"' {
            let (text, after) = quoted(after);
            all.push(Lexeme::Text(text));
            rest = after;
        } else if let Some(block) = text_block(rest) {
            rest = block;
            all.push(Lexeme::Text(String::new()));
        } else if first.is_ascii_alphanumeric() || first == '_' {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            all.push(Lexeme::Word(word.to_owned()));
            rest = after;
        } else {
            if !first.is_whitespace() {
                all.push(Lexeme::Sign(first));
            }
            rest = after;
        }
    }
    all
}

fn quoted(text: &str) -> (String, &str) {
    let mut out = String::new();
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return (out, text.get(at + 1..).unwrap_or_default()),
            c => {
                out.push(c);
                escaped = false;
            }
        }
    }
    (out, "")
}

/// What follows a text of many lines, if one begins here: `text:`, perhaps a comment, lines, a line with a dot alone.
fn text_block(rest: &str) -> Option<&str> {
    let (name, after) = rest.split_at_checked(5)?;
    if !name.eq_ignore_ascii_case("text:") {
        return None;
    }
    let (head, mut lines) = after.split_once('\n')?;
    let head = head.trim();
    if !head.is_empty() && !head.starts_with('#') {
        return None;
    }
    while let Some((line, after)) = lines.split_once('\n') {
        lines = after;
        if line.trim_end_matches('\r') == "." {
            break;
        }
    }
    Some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(script: &str) -> Vec<String> {
        required(script).into_iter().collect()
    }

    #[test]
    fn what_is_required_is_found_and_nothing_else_is() {
        assert_eq!(of("require [\"fileinto\", \"vacation\"];\r\nkeep;"), ["fileinto", "vacation"]);
        assert_eq!(of("REQUIRE \"reject\"; require \"date\";"), ["date", "reject"]);
        assert_eq!(of("# require \"vacation\";\nkeep;"), Vec::<String>::new());
        assert_eq!(of("/* require \"vacation\";\n */ require/**/\"copy\";"), ["copy"]);
        let texts = "redirect \"require [\\\"vacation\\\"];\";\nfoo text: # require\nrequire \"vacation\";\n..\n.\n;require \"copy\";";
        assert_eq!(of(texts), ["copy"]);
        assert_eq!(of("if header :is \"vacation\" \"x\" { keep; }"), Vec::<String>::new());
        for broken in ["require", "require \"a", "require [\"a\"", "/*", "text:", "text:\n"] {
            let _ = of(broken);
        }
    }

    proptest! {
        #[test]
        fn anything_may_come(script in "(require|text:|\"|\\\\|/\\*|#|\n|;|\\.|ж| ){0,40}|\\PC{0,60}") {
            let _ = required(&script);
        }
    }
}
