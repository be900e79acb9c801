//! `labels`: where the `.ip-labels` manifest of an object's folder is, or what else tells its labels, and which
//! stream tells that they changed.

use crate::condition::Condition;
use crate::manifest::action::Content;
use crate::manifest::auth::read_template;
use crate::manifest::feed::{self, Stream};
use crate::manifest::step::{read_request, read_steps};
use crate::node::Node;
use crate::pointer::Pointer;
use crate::scope::Names;
use crate::template::Template;

/// Most names of events that tell of changed labels, of one place.
pub(crate) const EVENTS_MAX: usize = 50;

/// Where labels may be.
#[derive(Debug)]
pub(crate) struct LabelPlace {
    pub(crate) content: Content,
    /// Changes whenever the manifest does: what was read of it is kept until then.
    pub(crate) version: Option<Template>,
    /// The answer is no manifest: it tells the object's labels in the service's own form.
    pub(crate) told: Option<Told>,
    /// What says that labels changed; none when nothing does.
    pub(crate) changes: Option<Changes>,
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

/// What says that the labels of an object changed.
#[derive(Debug)]
pub(crate) struct Changes {
    /// The stream that brings it.
    pub(crate) stream: String,
    /// What the activities are called that say so: at least one.
    pub(crate) events: Vec<String>,
}

/// Reads `labels`: as `content`, with `version`, or `told` and `changes`. Beside the places the streams that they
/// have for themselves.
pub(crate) fn read(node: &Node<'_>) -> Option<(Vec<LabelPlace>, Vec<Stream>)> {
    let names = Names::OBJECT;
    let places = node.each(|node| {
        let fields = node.fields()?;
        let before = fields.read("before", Vec::new(), |node| read_steps(node, &names));
        let when = fields.maybe("when", |node| Condition::read(node, &names));
        let version = fields.maybe("version", |node| read_template(node, &names));
        let told = fields.maybe("told", |node| read_told(node, &names));
        let changes = fields.maybe("changes", read_changes);
        let request = read_request(&fields, &names);
        let (told, changes) = (told?, changes?);
        if told.is_none() && changes.is_some() {
            return node.wrong(
                "`changes` goes with `told`: that a manifest in a folder changed, activity tells already",
            );
        }
        let (changes, own) = changes.unzip();
        let place = LabelPlace {
            content: Content {
                before: before?,
                when: when?,
                request: request?,
            },
            version: version?,
            told,
            changes,
        };
        Some((place, own.flatten()))
    });
    let (places, own): (Vec<LabelPlace>, Vec<Option<Stream>>) = places?.into_iter().unzip();
    Some((places, own.into_iter().flatten().collect()))
}

/// `pull`, the name of a stream or a stream, and the `events` of it that count.
fn read_changes(node: &Node<'_>) -> Option<(Changes, Option<Stream>)> {
    let fields = node.fields()?;
    let pull = fields.require("pull").and_then(|node| {
        if !node.is_mapping() {
            return Some((node.text()?, None));
        }
        let stream = feed::read_stream(&node)?;
        Some((stream.name.clone(), Some(stream)))
    });
    let events = fields.require("events").and_then(|node| {
        let events = node.each(Node::text)?;
        match events.iter().all(|name| !name.is_empty()) && (1..=EVENTS_MAX).contains(&events.len())
        {
            true => Some(events),
            false => node.wrong(format!(
                "names 1 to {EVENTS_MAX} events, as `event_name` has them: which of the stream's say that labels changed"
            )),
        }
    });
    let (stream, own) = pull?;
    let events = events?;
    Some((Changes { stream, events }, own))
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
