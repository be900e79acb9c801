//! What may be shown of a configuration: values with where they were written, secrets without.

use super::Key;

/// A key as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its name.
    pub name: &'static str,
    /// What it sets, in a sentence.
    pub help: &'static str,
    /// Its value; none when it has none, or must not be shown.
    pub value: Option<String>,
    /// Whether its value must not be shown.
    pub is_secret: bool,
    /// Whether it has a value.
    pub is_set: bool,
    /// Where that was written; none for the default.
    pub origin: Option<String>,
}

impl Shown {
    /// The key with what was given for it: where, and what.
    pub(super) fn of(key: &Key, given: Option<(&str, &str)>) -> Self {
        let text = given.map_or(key.default, |(_, text)| text);
        let is_set = !text.is_empty();
        let shown = is_set && !key.secret;
        Shown {
            name: key.name,
            help: key.help,
            value: shown.then(|| without_password(text)),
            is_secret: key.secret,
            is_set,
            origin: given.map(|(place, _)| place.to_owned()),
        }
    }
}

/// A text, without the user and password that an address in it may have: even where none belongs.
fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let (authority, path) = match rest.find('/') {
        Some(place) => rest.split_at(place),
        None => (rest, ""),
    };
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://…@{host}{path}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::KEYS;
    use super::*;

    #[test]
    fn no_secret_and_no_password_is_shown() {
        let key = |name: &str| KEYS.iter().find(|key| key.name == name).unwrap();
        for (name, given, value) in [
            ("listen", None, Some("127.0.0.1:8080")),
            ("listen", Some("0.0.0.0:80"), Some("0.0.0.0:80")),
            ("store", Some("postgres://a:b@c/d"), None),
            ("admin_token", Some("very-secret"), None),
            (
                "otlp_endpoint",
                Some("https://me:pw@host:4318/v1"),
                Some("https://…@host:4318/v1"),
            ),
            ("public_url", None, None),
        ] {
            let given = given.map(|text| ("tidegate.toml, line 3", text));
            let shown = Shown::of(key(name), given);
            assert_eq!(shown.value.as_deref(), value, "{name}");
            assert_eq!(shown.origin.is_some(), given.is_some());
            assert!(!format!("{shown:?}").contains("very-secret"));
        }
    }
}
