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

/// `1 mistake`, `2 mistakes`, `3 entries`.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    match (number, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        (_, None) => format!("{number} {noun}s"),
    }
}
