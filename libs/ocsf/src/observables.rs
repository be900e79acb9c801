//! What an analyst searches other logs for, each with the attribute that it stands in.

use serde_json::Value;

use crate::texts::object;

/// Where it stands in an event, its type and the type's caption. Source: the `observable` numbers of
/// OCSF 1.7.0.
const OBSERVED: &[(&str, u64, &str)] = &[
    ("actor.user.email_addr", 5, "Email Address"),
    ("actor.user.name", 4, "User Name"),
    ("user.email_addr", 5, "Email Address"),
    ("user.name", 4, "User Name"),
    ("src_endpoint.ip", 2, "IP Address"),
    ("file.name", 7, "File Name"),
    ("file.path", 45, "File Path"),
];

/// The observables of what stands below `of`; `within` is put before their names.
pub(crate) fn observables(of: &Value, within: &str) -> Vec<Value> {
    let found = OBSERVED.iter().filter_map(|(path, type_id, caption)| {
        let pointer = format!("/{}", path.replace('.', "/"));
        let value = of.pointer(&pointer)?.clone();
        Some(object([
            ("name", Value::from(format!("{within}{path}"))),
            ("type_id", Value::from(*type_id)),
            ("type", Value::from(*caption)),
            ("value", value),
        ]))
    });
    found.collect()
}
