use serde_json::{Map, Value};

use crate::TEXT_BYTES_MAX;

/// The text, cut at a letter's end where it is too long.
pub(crate) fn text(given: &str) -> Value {
    let end = given.floor_char_boundary(TEXT_BYTES_MAX);
    Value::from(&given[..end])
}

/// The text, where there is one.
pub(crate) fn optional(given: &Option<String>) -> Value {
    given.as_deref().map_or(Value::Null, text)
}

/// An object of what is there: absent values, empty objects and empty lists are left out.
pub(crate) fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let is_there = |value: &Value| match value {
        Value::Null => false,
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    };
    let fields = fields.into_iter().filter(|(_, value)| is_there(value));
    Value::Object(
        fields
            .map(|(name, value)| (name.to_owned(), value))
            .collect::<Map<_, _>>(),
    )
}
