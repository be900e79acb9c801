//! `labels`: where the `.ip-labels` manifest of an object's folder is.

use crate::condition::Condition;
use crate::manifest::action::Content;
use crate::manifest::auth::read_template;
use crate::manifest::step::{read_request, read_steps};
use crate::node::Node;
use crate::scope::Names;
use crate::template::Template;

/// Where the manifest may be, and which version of it is there.
#[derive(Debug)]
pub(crate) struct LabelPlace {
    pub(crate) content: Content,
    /// Changes whenever the manifest does: what was read of it is kept until then.
    pub(crate) version: Option<Template>,
}

/// Reads `labels`: as `content`, with `version`.
pub(crate) fn read(node: &Node<'_>) -> Option<Vec<LabelPlace>> {
    let names = Names::OBJECT;
    node.each(|node| {
        let fields = node.fields()?;
        let before = fields.read("before", Vec::new(), |node| read_steps(node, &names));
        let when = fields.maybe("when", |node| Condition::read(node, &names));
        let version = fields.maybe("version", |node| read_template(node, &names));
        let request = read_request(&fields, &names);
        Some(LabelPlace {
            content: Content {
                before: before?,
                when: when?,
                request: request?,
            },
            version: version?,
        })
    })
}
