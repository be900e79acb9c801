//! Why a policy matched, as a tree that opens and closes without a script: each part is an element that
//! opens, one that closes, or a leaf.

use event_model::TraceNode;

/// Levels that stand open at first.
const OPEN_LEVELS: usize = 3;

/// A piece of the tree, in the order in which it is written.
pub(super) struct Part {
    /// Whether it only ends what was opened last.
    pub(super) closes: bool,
    /// Whether parts of it follow, up to the piece that ends it.
    pub(super) has_parts: bool,
    /// Whether it stands open at first.
    pub(super) is_open: bool,
    pub(super) expression: String,
    pub(super) value: String,
    /// The colour of the value.
    pub(super) class: &'static str,
    pub(super) note: Option<String>,
}

/// The pieces of a tree.
pub(super) fn tree(root: &TraceNode) -> Vec<Part> {
    let mut parts = Vec::new();
    write(root, 0, &mut parts);
    parts
}

fn write(node: &TraceNode, depth: usize, parts: &mut Vec<Part>) {
    let has_parts = !node.parts.is_empty();
    parts.push(Part {
        closes: false,
        has_parts,
        is_open: depth < OPEN_LEVELS,
        expression: node.expression.clone(),
        value: node.value.clone(),
        class: match node.value.as_str() {
            "true" => "true",
            "false" => "false",
            "unknown" => "unknown",
            _ => "value",
        },
        note: node.note.clone(),
    });
    for part in &node.parts {
        write(part, depth + 1, parts);
    }
    if has_parts {
        parts.push(Part {
            closes: true,
            has_parts: false,
            is_open: false,
            expression: String::new(),
            value: String::new(),
            class: "",
            note: None,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_opened_is_closed_behind_its_last_part() {
        let node = |expression: &str, parts| TraceNode {
            expression: expression.into(),
            value: "true".into(),
            note: None,
            parts,
        };
        let inner = node("b or c", vec![node("b", vec![]), node("c", vec![])]);
        let root = node("a and (b or c)", vec![node("a", vec![]), inner]);
        let said = tree(&root).iter().fold(String::new(), |said, part| {
            let piece = match (part.closes, part.has_parts) {
                (true, _) => ")".to_owned(),
                (_, true) => format!("{}(", part.expression),
                _ => format!("{} ", part.expression),
            };
            said + &piece
        });
        assert_eq!(said, "a and (b or c)(a b or c(b c ))");
    }
}
