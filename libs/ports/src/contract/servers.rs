//! Where the real servers are that adapters are tested on. `scripts/services start` starts them and
//! writes their addresses to `target/services/env`; a variable of the environment wins over the file.

use std::io::Write;
use std::path::PathBuf;

use crate::entropy::{Entropy, SystemEntropy};

/// The file that `scripts/services` writes, seen from the repository's root.
const ADDRESSES: &str = "target/services/env";

/// The value of a variable like `TIDEGATE_TEST_POSTGRES`, or nothing when no such server runs: then
/// it says aloud that the test is skipped.
///
/// # Panics
/// When there is no such server and `TIDEGATE_REQUIRE_SERVICES` or `CI` is set: there, an adapter
/// that is not tested is a failure.
pub fn server(variable: &str) -> Option<String> {
    if let Some(address) = std::env::var(variable).ok().or_else(|| written(variable)) {
        return Some(address);
    }
    required(false, &format!("`{variable}`"));
    None
}

/// Whether what a test needs is there; where it is not, it says aloud that the test is skipped.
///
/// # Panics
/// As [`server`] does.
pub fn required(is_there: bool, what: &str) -> bool {
    if is_there {
        return true;
    }
    let required = ["TIDEGATE_REQUIRE_SERVICES", "CI"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    assert!(
        !required,
        "{what} is not there and services are required: `scripts/services start`"
    );
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // Not `eprintln`: the harness would keep it from the reader of a passing test.
    let _ = writeln!(
        std::io::stderr(),
        "SKIPPED {test}: NO SERVER, {what} is not there: `scripts/services start`"
    );
    false
}

/// A name that no test has used: for a database, a schema or a prefix of topics.
pub fn fresh_name() -> String {
    format!("t{:016x}", SystemEntropy.draw() as u64)
}

fn written(variable: &str) -> Option<String> {
    let here = std::env::current_dir().ok()?;
    let file = here.ancestors().map(|folder| folder.join(ADDRESSES));
    let text = std::fs::read_to_string(file.into_iter().find(|file: &PathBuf| file.is_file())?);
    text.ok()?
        .lines()
        .find_map(|line| Some(line.strip_prefix(variable)?.strip_prefix('=')?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_fresh() {
        assert_ne!(fresh_name(), fresh_name());
    }
}
