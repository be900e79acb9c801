//! Why a field is absent, in words.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Why a field is absent: a text that very many activities share, so that a copy costs nothing.
#[derive(Clone)]
pub struct Reason(Words);

#[derive(Clone)]
enum Words {
    /// Ours.
    Fixed(&'static str),
    /// A manifest's, or one that was read.
    Shared(Arc<str>),
}

impl Reason {
    /// A reason of our own.
    pub const fn fixed(words: &'static str) -> Self {
        Reason(Words::Fixed(words))
    }
}

impl Deref for Reason {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            Words::Fixed(words) => words,
            Words::Shared(words) => words,
        }
    }
}

impl From<&'static str> for Reason {
    fn from(words: &'static str) -> Self {
        Reason::fixed(words)
    }
}

impl From<String> for Reason {
    fn from(words: String) -> Self {
        Reason(Words::Shared(words.into()))
    }
}

impl PartialEq for Reason {
    fn eq(&self, other: &Self) -> bool {
        // Copies of one reason are the usual case: they stand in the same place.
        std::ptr::eq::<str>(&**self, &**other) || **self == **other
    }
}

impl Eq for Reason {}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::Reason;

    #[test]
    fn a_reason_is_its_words_whoever_wrote_them() {
        let fixed = Reason::fixed("not sent");
        let read = Reason::from("not sent".to_owned());
        assert_eq!(fixed, read);
        assert_eq!(format!("{fixed} {fixed:?}"), format!("{read} {read:?}"));
        assert_ne!(read, Reason::fixed("not known"));
    }
}
