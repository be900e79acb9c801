//! The text that stands where an object was that the vault has now: written by a policy or in the settings,
//! with names in braces that are filled in. A brace that begins no known name is refused when it is
//! written, so that nobody finds it in a user's file.

/// Leaves nothing in the object's place.
pub const NO_TOMBSTONE: &str = "none";
/// Longest text of a tombstone before it is filled in, in bytes.
pub const TOMBSTONE_BYTES_MAX: usize = 4 * 1024;
/// What is left when nobody says otherwise.
pub const DEFAULT_TOMBSTONE: &str = "This file was taken away by the policy \"{policy}\" (incident {incident}).\n\
It is kept safe, and can be put back as it was. Ask {contact}.\n";

/// What a tombstone's names stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TombstoneWords<'a> {
    /// The policy's name.
    pub policy: &'a str,
    /// The incident's readable number.
    pub incident: &'a str,
    /// Whom to ask.
    pub contact: &'a str,
    /// What the object is called.
    pub name: &'a str,
}

/// A text with names in braces: `{policy}`, `{incident}`, `{contact}`, `{name}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TombstoneText(String);

const NAMES: [&str; 4] = ["policy", "incident", "contact", "name"];

impl TombstoneText {
    /// The text, unless it is too long, empty, or has a brace without a known name.
    ///
    /// # Errors
    /// With what is wrong, in a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err(format!(
                "it is empty: write `{NO_TOMBSTONE}` to leave nothing"
            ));
        }
        if text.len() > TOMBSTONE_BYTES_MAX {
            return Err(format!("it has more than {TOMBSTONE_BYTES_MAX} bytes"));
        }
        for after in text.split('{').skip(1) {
            let name = after.split_once('}').map(|(name, _)| name);
            if !name.is_some_and(|name| NAMES.contains(&name)) {
                let known = NAMES.map(|name| format!("`{{{name}}}`")).join(", ");
                return Err(format!("a brace begins one of {known}"));
            }
        }
        Ok(TombstoneText(text.to_owned()))
    }

    /// The text with its names filled in. What is filled in is not looked into again.
    pub fn filled(&self, words: &TombstoneWords<'_>) -> String {
        let mut pieces = self.0.split('{');
        let mut out = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let (name, rest) = piece.split_once('}').unwrap_or((piece, ""));
            out.push_str(match name {
                "policy" => words.policy,
                "incident" => words.incident,
                "contact" => words.contact,
                _ => words.name,
            });
            out.push_str(rest);
        }
        out
    }
}

impl Default for TombstoneText {
    fn default() -> Self {
        TombstoneText(DEFAULT_TOMBSTONE.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_filled_in_once_and_unknown_ones_are_refused() {
        let words = TombstoneWords {
            policy: "Cards {name}",
            incident: "INC-7",
            contact: "soc@acme.example",
            name: "q3.xlsx",
        };
        // the text => what comes of it, or a part of what is said
        let rows = [
            ("gone", Ok("gone")),
            ("{name}: {incident}", Ok("q3.xlsx: INC-7")),
            (
                "{policy}, ask {contact}.",
                Ok("Cards {name}, ask soc@acme.example."),
            ),
            ("a } b", Ok("a } b")),
            ("{user}", Err("`{policy}`")),
            ("{name", Err("`{policy}`")),
            ("{{name}}", Err("`{policy}`")),
            ("  ", Err("`none`")),
        ];
        for (text, expected) in rows {
            let found = TombstoneText::parse(text).map(|text| text.filled(&words));
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{text}"),
                (Err(found), Err(part)) => assert!(found.contains(part), "{text}: {found}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
        assert!(TombstoneText::parse(&"x".repeat(TOMBSTONE_BYTES_MAX + 1)).is_err());
        TombstoneText::parse(DEFAULT_TOMBSTONE).expect("the default is right");
    }
}
