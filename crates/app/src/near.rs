//! "Did you mean": the known word nearest to a mistyped one.

/// `None` where nothing is near enough to be what was meant.
#[must_use]
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let word = word.to_ascii_lowercase().replace('-', "_");
    let likeness = |known: &str| strsim::jaro_winkler(&word, &known.to_ascii_lowercase().replace('-', "_"));
    let best = known.into_iter().map(|known| (likeness(known), known)).max_by(|(a, _), (b, _)| a.total_cmp(b));
    best.filter(|(likeness, _)| *likeness > 0.8).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let known = ["host", "port", "max_connections", "exclude_folders"];
        assert_eq!(nearest("hots", known), Some("host"));
        assert_eq!(nearest("exclude-folder", known), Some("exclude_folders"));
        assert_eq!(nearest("MaxConnections", known), Some("max_connections"));
        assert_eq!(nearest("zzz", known), None);
    }
}
