//! HTML to text, always the same way: two looks at one body must not differ.

/// What a reader sees, with paragraphs on lines of their own.
#[must_use]
pub fn html_to_text(html: &str) -> String {
    let mut out = Text::default();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        out.words(before);
        if let Some(comment) = tag.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let is_tag = tag.chars().nth(1).is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'));
        if !is_tag {
            out.words("<");
            rest = tag.get(1..).unwrap_or_default();
            continue;
        }
        let end = tag_end(tag);
        let (inside, after) = (tag.get(1..end).unwrap_or_default(), tag.get(end + 1..).unwrap_or_default());
        rest = after;
        let name: String = inside
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '/')
            .collect::<String>()
            .to_ascii_lowercase();
        match name.trim_end_matches('/') {
            skipped @ ("script" | "style" | "head" | "title") => {
                let close = format!("</{skipped}");
                let at = find_ignoring_case(rest, &close);
                rest = at.map_or("", |at| rest.get(at..).unwrap_or_default());
            }
            "br" => out.line_break(),
            "p" | "/p" | "div" | "/div" | "tr" | "/tr" | "li" | "/li" | "ul" | "/ul" | "ol" | "/ol" | "table"
            | "/table" | "h1" | "/h1" | "h2" | "/h2" | "h3" | "/h3" | "h4" | "/h4" | "blockquote" | "/blockquote"
            | "hr" => {
                out.block();
            }
            "td" | "th" => out.gap(),
            _ => {}
        }
    }
    out.words(rest);
    out.finish()
}

/// HTML without the page that Exchange writes around what is none: a head that tells nothing but the character set, and a body
/// without attributes. What has styles is left as it is.
#[must_use]
pub fn unwrapped(html: &str) -> &str {
    let whole = html.trim();
    let inner = || {
        let rest = after_tag(whole, "html")?;
        let rest = match after_tag(rest, "head") {
            Some(head) => {
                let meta = head.trim_start();
                let end = tag_end(meta);
                let is_meta = meta.get(..5).is_some_and(|name| name.eq_ignore_ascii_case("<meta"));
                let rest = if is_meta { meta.get(end + 1..)? } else { meta };
                after_tag(rest, "/head")?
            }
            None => rest,
        };
        let body = after_tag(rest, "body")?;
        let body = before_tag(before_tag(body, "</html>")?, "</body>")?;
        Some(body.trim())
    };
    inner().unwrap_or(whole)
}

/// What comes after this tag without attributes, if the text begins with it.
fn after_tag<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let text = text.trim_start().strip_prefix('<')?;
    let (tag, rest) = text.split_at_checked(name.len())?;
    rest.strip_prefix('>').filter(|_| tag.eq_ignore_ascii_case(name))
}

/// What comes before this tag, if the text ends with it.
fn before_tag<'a>(text: &'a str, tag: &str) -> Option<&'a str> {
    let text = text.trim_end();
    let (rest, end) = text.split_at_checked(text.len().checked_sub(tag.len())?)?;
    end.eq_ignore_ascii_case(tag).then_some(rest)
}

/// Where the tag ends; a `>` in a quoted value does not.
fn tag_end(tag: &str) -> usize {
    let mut quote = None;
    for (at, c) in tag.char_indices() {
        match (quote, c) {
            (None, '>') => return at,
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
    }
    tag.len()
}

fn find_ignoring_case(text: &str, word: &str) -> Option<usize> {
    text.char_indices()
        .map(|(at, _)| at)
        .find(|at| text.get(*at..at + word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word)))
}

#[derive(Default)]
struct Text {
    done: String,
    line: String,
    space: bool,
}

impl Text {
    fn words(&mut self, text: &str) {
        for c in unescaped(text).chars() {
            // A space that may not break is one that the author wanted.
            if c.is_whitespace() && c != '\u{a0}' {
                self.space = true;
            } else if c == '\u{a0}' {
                self.gap();
            } else if !c.is_control() {
                if std::mem::take(&mut self.space) && !self.line.is_empty() {
                    self.line.push(' ');
                }
                self.line.push(c);
            }
        }
    }

    fn gap(&mut self) {
        self.space = true;
    }

    fn line_break(&mut self) {
        self.done.push_str(self.line.trim_end());
        self.done.push('\n');
        self.line.clear();
        self.space = false;
    }

    fn block(&mut self) {
        if !self.line.trim().is_empty() {
            self.line_break();
        }
        self.space = false;
    }

    fn finish(mut self) -> String {
        self.done.push_str(self.line.trim_end());
        self.done.trim_matches('\n').to_owned()
    }
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let known = after.split_once(';').filter(|(name, _)| name.len() <= 10).and_then(|(name, after)| {
            let c = match name {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                "nbsp" => '\u{a0}',
                "laquo" => '«',
                "raquo" => '»',
                "ndash" => '–',
                "mdash" => '—',
                "hellip" => '…',
                "bull" => '•',
                "copy" => '©',
                _ => {
                    let number = name.strip_prefix('#')?;
                    let code = match number.strip_prefix(['x', 'X']) {
                        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                        None => number.parse().ok()?,
                    };
                    char::from_u32(code)?
                }
            };
            Some((c, after))
        });
        match known {
            Some((c, after)) => {
                out.push(c);
                rest = after;
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_body_of_outlook_is_its_words() {
        let html = "<html><head><meta charset=utf-8><style>p {margin: 0}</style></head><body lang=RU>\r\n<p class=\"a>b\">Первая\r\n\
                    строка</p><p>Вторая&nbsp;&lt;строка&gt;<br>\r\nтретья</p><!-- x <p> --><ul><li>раз</li><li>два</li></ul>\
                    <table><tr><td>a</td><td>b</td></tr></table></body></html>";
        assert_eq!(html_to_text(html), "Первая строка\nВторая <строка>\nтретья\nраз\nдва\na b");
    }

    #[test]
    fn a_page_around_nothing_is_taken_away() {
        let page = "<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">\n</head>\n<body>\n\
                    <b>a</b>\n</body>\n</html>\n";
        assert_eq!(unwrapped(page), "<b>a</b>");
        assert_eq!(unwrapped("<html><body>a</body></html>"), "a");
        for kept in [
            "<b>a</b>",
            "<html><head><style>p{}</style></head><body>a</body></html>",
            "<html><body dir=rtl>a</body></html>",
        ] {
            assert_eq!(unwrapped(kept), kept);
        }
    }

    #[test]
    fn an_empty_body_is_empty() {
        for html in ["", "<html><head></head><body><p>&nbsp;</p></body></html>", "<br><br>"] {
            assert_eq!(html_to_text(html), "", "{html}");
        }
    }

    #[test]
    fn what_is_no_tag_stays() {
        assert_eq!(html_to_text("1 < 2 & 3 > 2 &unknown;"), "1 < 2 & 3 > 2 &unknown;");
    }

    proptest! {
        #[test]
        fn anything_may_come(html in "[<>/a-z&;#!\" =p-]{0,60}|\\PC{0,40}") {
            let text = html_to_text(&html);
            prop_assert!(!text.contains('\r'));
        }
    }
}
