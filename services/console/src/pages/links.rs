use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// A path of ours with a query. Values are encoded; empty ones are left out.
pub(super) fn link<'v>(path: &str, pairs: impl IntoIterator<Item = (&'v str, &'v str)>) -> String {
    let query: Vec<String> = pairs
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    if query.is_empty() {
        return path.to_owned();
    }
    format!("{path}?{}", query.join("&"))
}

/// Encoded for a segment or a value.
pub(super) fn encode(value: &str) -> String {
    utf8_percent_encode(value, NON_ALPHANUMERIC).to_string()
}
