use std::io::Write;

use crate::cli::Stream;

/// Writes a line for a person. A closed pipe is not an error: nobody reads any more.
pub fn say(line: &str, to: Stream) {
    let written = match to {
        Stream::Out => writeln!(std::io::stdout().lock(), "{line}"),
        Stream::Error => writeln!(std::io::stderr().lock(), "{line}"),
    };
    drop(written);
}

/// `1 mistake`, `2 mistakes`, `3 entries`, `4 keys`.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    let stem = noun.strip_suffix('y');
    match (
        number,
        stem.filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u'])),
    ) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        (_, None) => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_has_its_plural() {
        for (number, noun, expected) in [
            (1, "key", "1 key"),
            (2, "key", "2 keys"),
            (0, "item", "0 items"),
            (3, "entry", "3 entries"),
        ] {
            assert_eq!(counted(number, noun), expected);
        }
    }
}
