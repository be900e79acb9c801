//! Which attributes of office documents hold text that a person wrote.

/// Attributes whose value is text that a person wrote, or a link.
const TEXT_ATTRIBUTES: [&str; 23] = [
    "alt",
    "author",
    "comment",
    "condition",
    "descr",
    "description",
    "error",
    "errorTitle",
    "expression",
    "formatCode",
    "formula",
    "href",
    "instr",
    "prompt",
    "promptTitle",
    "string",
    "string-value",
    "string-value-if-false",
    "string-value-if-true",
    "Target",
    "title",
    "tooltip",
    "value",
];
/// Elements that a person names, or that have their text in an attribute, and that attribute.
const TEXT_ELEMENTS: [(&str, &str); 19] = [
    ("alias", "val"),
    ("bookmarkStart", "name"),
    ("cNvPr", "name"),
    ("connectString", "val"),
    ("custom-shape", "name"),
    ("default", "val"),
    ("docPr", "name"),
    ("docVar", "name"),
    ("docVar", "val"),
    ("frame", "name"),
    ("helpText", "val"),
    ("listEntry", "val"),
    ("listItem", "displayText"),
    ("property", "name"),
    ("query", "val"),
    ("sheet", "name"),
    ("statusText", "val"),
    ("table", "name"),
    ("tag", "val"),
];
/// Bytes of the shortest of them.
const SHORTEST: usize = 3;

/// Whether the attribute of that element, both by their local names, holds text. Most are shorter.
pub(super) fn is_text(element: &str, attribute: &str) -> bool {
    attribute.len() >= SHORTEST
        && (TEXT_ATTRIBUTES.contains(&attribute) || TEXT_ELEMENTS.contains(&(element, attribute)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_wrote_is_told_from_how_it_looks() {
        let elements = TEXT_ELEMENTS.into_iter();
        let attributes = TEXT_ATTRIBUTES.into_iter().map(|name| ("any", name));
        for (element, attribute) in elements.chain(attributes) {
            assert!(is_text(element, attribute), "{element} {attribute}");
        }
        for (element, attribute) in [("color", "val"), ("font", "name"), ("c", "r"), ("a", "id")] {
            assert!(!is_text(element, attribute), "{element} {attribute}");
        }
    }
}
