//! Where two JSON documents differ, said so that a person sees it.

use serde_json::Value;

/// Notes where what was got is not what was expected. Of an object, what is not written down is not
/// compared; a list must have the same length.
pub(crate) fn between(expected: &Value, got: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", expected, got, &mut found);
    found
}

fn compare(at: &str, expected: &Value, got: &Value, found: &mut Vec<String>) {
    match (expected, got) {
        (Value::Object(expected), Value::Object(got)) => {
            for (key, value) in expected {
                let other = got.get(key).unwrap_or(&Value::Null);
                compare(&format!("{at}/{key}"), value, other, found);
            }
        }
        (Value::Array(expected), Value::Array(got)) if expected.len() == got.len() => {
            for (index, (value, other)) in expected.iter().zip(got).enumerate() {
                compare(&format!("{at}/{index}"), value, other, found);
            }
        }
        (Value::Array(expected), Value::Array(got)) => {
            let (expected, got) = (expected.len(), got.len());
            found.push(format!("{at}\n  - {expected} of them\n  + {got} of them"));
        }
        (expected, got) if expected == got => {}
        (expected, got) => {
            let at = if at.is_empty() { "/" } else { at };
            found.push(format!("{at}\n  - {expected}\n  + {got}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_differs_is_said_with_its_place_and_what_is_not_written_down_is_not_compared() {
        let rows = [
            (json!({"a": 1}), json!({"a": 1, "b": 2}), vec![]),
            (json!({"a": 1}), json!({"a": 2}), vec!["/a\n  - 1\n  + 2"]),
            (json!({"a": 1}), json!({}), vec!["/a\n  - 1\n  + null"]),
            (
                json!([{"a": 1}]),
                json!([{"a": "x"}]),
                vec!["/0/a\n  - 1\n  + \"x\""],
            ),
            (
                json!([1]),
                json!([1, 2]),
                vec!["\n  - 1 of them\n  + 2 of them"],
            ),
            (json!(1), json!([]), vec!["/\n  - 1\n  + []"]),
        ];
        for (expected, got, differences) in rows {
            assert_eq!(between(&expected, &got), differences, "{expected} {got}");
        }
    }
}
