//! `labels`: where the `.ip-labels` manifest of an object's folder is, or what else tells its labels.

use crate::condition::Condition;
use crate::manifest::action::Content;
use crate::manifest::auth::read_template;
use crate::manifest::step::{read_request, read_steps};
use crate::node::Node;
use crate::pointer::Pointer;
use crate::scope::Names;
use crate::template::Template;

/// Where labels may be.
#[derive(Debug)]
pub(crate) struct LabelPlace {
    pub(crate) content: Content,
    /// Changes whenever the manifest does: what was read of it is kept until then.
    pub(crate) version: Option<Template>,
    /// The answer is no manifest: it tells the object's labels in the service's own form.
    pub(crate) told: Option<Told>,
}

/// How a service tells labels.
#[derive(Debug)]
pub(crate) struct Told {
    /// A list of them; anything else is the only one.
    pub(crate) each: Pointer,
    pub(crate) filter: Option<Condition>,
    pub(crate) name: Option<Pointer>,
    pub(crate) id: Option<Pointer>,
}

/// Reads `labels`: as `content`, with `version` or `told`.
pub(crate) fn read(node: &Node<'_>) -> Option<Vec<LabelPlace>> {
    let names = Names::OBJECT;
    node.each(|node| {
        let fields = node.fields()?;
        let before = fields.read("before", Vec::new(), |node| read_steps(node, &names));
        let when = fields.maybe("when", |node| Condition::read(node, &names));
        let version = fields.maybe("version", |node| read_template(node, &names));
        let told = fields.maybe("told", |node| read_told(node, &names));
        let request = read_request(&fields, &names);
        Some(LabelPlace {
            content: Content {
                before: before?,
                when: when?,
                request: request?,
            },
            version: version?,
            told: told?,
        })
    })
}

fn read_told(node: &Node<'_>, names: &Names) -> Option<Told> {
    let fields = node.fields()?;
    let pointer = |node: &Node<'_>| node.take(Pointer::parse(&node.text()?));
    let each = fields.read("each", Pointer::whole(), pointer);
    let filter = fields.maybe("where", |node| Condition::read(node, names));
    let (name, id) = (fields.maybe("name", pointer), fields.maybe("id", pointer));
    let (name, id) = (name?, id?);
    if name.is_none() && id.is_none() {
        return node.wrong("a label has a `name`, an `id`, or both");
    }
    Some(Told {
        each: each?,
        filter: filter?,
        name,
        id,
    })
}
