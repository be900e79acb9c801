//! Texts as groups of letters, for an index of such groups: FTS5's `trigram` without positions.

/// Letters of a group.
const GROUP: usize = 3;
/// Most groups that are asked for: what has them all is looked at anyway.
const GROUPS_MAX: usize = 48;

/// A question that every text with this one in it answers; none when the text is too short to have groups.
pub fn all_of(text: &str) -> Option<String> {
    let letters: Vec<char> = text.to_lowercase().chars().collect();
    // The index leaves NUL out.
    if letters.contains(&'\0') {
        return None;
    }
    let groups = letters.windows(GROUP).take(GROUPS_MAX);
    let quoted = groups.map(|group| {
        let group: String = group.iter().collect();
        format!("\"{}\"", group.replace('"', "\"\""))
    });
    let asked: Vec<String> = quoted.collect();
    (!asked.is_empty()).then(|| asked.join(" AND "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_asked_for_by_its_groups_of_letters() {
        for (text, asked) in [
            ("", None),
            ("ab", None),
            ("aB\0c", None),
            ("aBc", Some("\"abc\"")),
            ("a\"é1", Some("\"a\"\"é\" AND \"\"\"é1\"")),
        ] {
            assert_eq!(all_of(text).as_deref(), asked, "{text:?}");
        }
        let long = all_of(&"0123456789".repeat(99)).unwrap();
        assert_eq!(long.matches(" AND ").count(), GROUPS_MAX - 1);
    }
}
