//! `content`, `enrich`, `health` and `actions`: what can be asked of the service and done in it.

use std::time::Duration;

use event_model::{Field, RemedyKind};

use crate::condition::Condition;
use crate::manifest::step::{Request, Step, read_request, read_step, read_steps};
use crate::mapping::read::read_fields;
use crate::mapping::verb::Verb;
use crate::mistake::did_you_mean;
use crate::node::Node;
use crate::scope::{Keep, Names, Ref};

/// One remedy as this service does it.
#[derive(Debug)]
pub(crate) struct Action {
    pub(crate) kind: RemedyKind,
    /// What the activity must have, and what is missing when it does not.
    pub(crate) needs: Option<(Condition, String)>,
    pub(crate) snapshot: Vec<Step>,
    /// Idempotent and harmless; runs before the steps and before the verification.
    pub(crate) setup: Vec<Step>,
    pub(crate) steps: Vec<Step>,
    pub(crate) verify: Vec<Step>,
    /// Whether only what the snapshot has tells what to look at.
    pub(crate) verified_by_snapshot: bool,
    pub(crate) undo: Vec<Part>,
    /// Where a held object's content is; absent: where any object's is.
    pub(crate) content: Vec<Content>,
}

/// Where an object's content may be.
#[derive(Debug)]
pub(crate) struct Content {
    /// What must be known first; kept for `{step.x}`.
    pub(crate) before: Vec<Step>,
    /// Asked only if this holds.
    pub(crate) when: Option<Condition>,
    pub(crate) request: Request,
}

/// One part of an undo, restored and verified for itself.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) steps: Vec<Step>,
    pub(crate) verify: Vec<Step>,
}

/// A request whose answer fills fields that the event left absent.
#[derive(Debug)]
pub(crate) struct Enrichment {
    /// What must be known first; kept for `{step.x}`.
    pub(crate) before: Vec<Step>,
    pub(crate) step: Step,
    /// How long an answer is kept.
    pub(crate) ttl: Duration,
    pub(crate) fields: Vec<(Field, Verb)>,
}

/// One question of the health check.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) name: String,
    pub(crate) steps: Vec<Step>,
    /// What is said when it holds.
    pub(crate) proves: String,
    /// What to do when it does not.
    pub(crate) fix: String,
    /// What is said when there is nothing yet to prove it with.
    pub(crate) nothing: Option<String>,
}

const REMEDIES: [RemedyKind; 7] = [
    RemedyKind::Quarantine,
    RemedyKind::Delete,
    RemedyKind::RemoveLink,
    RemedyKind::RemoveCollaborator,
    RemedyKind::DowngradeRole,
    RemedyKind::ApplyLabel,
    RemedyKind::Purge,
];

/// Reads `actions`.
pub(crate) fn read(node: &Node<'_>) -> Option<Vec<Action>> {
    let read: Vec<Option<Action>> = node
        .entries()?
        .iter()
        .map(|(name, node)| {
            let kind = REMEDIES.iter().find(|kind| kind.word() == name);
            let Some(kind) = kind else {
                let hint = did_you_mean(name, REMEDIES.iter().map(|kind| kind.word()));
                return node.wrong_with(format!("`{name}` is not an action"), hint);
            };
            read_action(*kind, node)
        })
        .collect();
    read.into_iter().collect()
}

fn read_action(kind: RemedyKind, node: &Node<'_>) -> Option<Action> {
    let fields = node.fields()?;
    let names = Names::REMEDY;
    let steps_of = |key: &'static str, names: Names| {
        fields.read(key, Vec::new(), |node| read_steps(node, &names))
    };
    let needs = fields.maybe("needs", |node| {
        let fields = node.fields()?;
        let condition = fields
            .require("condition")
            .and_then(|node| Condition::read(&node, &names));
        let otherwise = fields.require("otherwise").and_then(|node| node.text());
        Some((condition?, otherwise?))
    });
    let snapshot = steps_of("snapshot", Names::OBJECT);
    let setup = steps_of("setup", names);
    let steps = fields
        .require("steps")
        .and_then(|node| read_steps(&node, &names));
    let verify = steps_of("verify", names);
    let undo = fields.read("undo", Vec::new(), |node| node.each(read_part));
    let irreversible = fields.read("irreversible", false, Node::boolean);
    let content = fields.read("content", Vec::new(), |node| read_content(node, &names));
    let (verify, undo, irreversible) = (verify?, undo?, irreversible?);
    if !verify.iter().any(|step| !step.expect.is_empty()) {
        return node.wrong(format!(
            "`{}` needs `verify` with something to `expect`",
            kind.word()
        ));
    }
    // A label is taken back by writing the manifest again: see `ServiceClient::write_labels`.
    if undo.is_empty() && !irreversible && kind != RemedyKind::ApplyLabel {
        return node.wrong_with(
            format!("`{}` has no `undo`", kind.word()),
            Some("if it cannot be undone, say `irreversible: true`".into()),
        );
    }
    let mut read = Vec::new();
    verify.iter().for_each(|step| step.reads(&mut read));
    let of_snapshot = |name: &Ref| matches!(name, Ref::Kept(Keep::Snapshot, _));
    Some(Action {
        kind,
        verified_by_snapshot: read.iter().any(of_snapshot),
        needs: needs?,
        snapshot: snapshot?,
        setup: setup?,
        steps: steps?,
        verify,
        undo,
        content: content?,
    })
}

fn read_part(node: &Node<'_>) -> Option<Part> {
    let fields = node.fields()?;
    let name = fields.require("name").and_then(|node| node.text());
    let steps = fields
        .require("steps")
        .and_then(|node| read_steps(&node, &Names::REMEDY));
    let verify = fields
        .require("verify")
        .and_then(|node| read_steps(&node, &Names::REMEDY));
    Some(Part {
        name: name?,
        steps: steps?,
        verify: verify?,
    })
}

/// Reads `content`: the first request that holds and all of whose values are there is made.
pub(crate) fn read_content(node: &Node<'_>, names: &Names) -> Option<Vec<Content>> {
    node.each(|node| {
        let fields = node.fields()?;
        let before = fields.read("before", Vec::new(), |node| read_steps(node, names));
        let when = fields.maybe("when", |node| Condition::read(node, names));
        let request = read_request(&fields, names);
        Some(Content {
            before: before?,
            when: when?,
            request: request?,
        })
    })
}

/// An answer is kept for so long when the manifest does not say.
const DEFAULT_TTL: Duration = Duration::from_secs(60);

/// Reads `enrich`.
pub(crate) fn read_enrichments(node: &Node<'_>) -> Option<Vec<Enrichment>> {
    node.each(|node| {
        let fields = node.fields()?;
        let before = fields.read("before", Vec::new(), |node| {
            read_steps(node, &Names::OBJECT)
        });
        let step = read_step(&fields, &Names::OBJECT);
        let filled = fields
            .require("fields")
            .and_then(|node| read_fields(&node, false));
        let ttl = fields.read("ttl", DEFAULT_TTL, Node::duration);
        Some(Enrichment {
            before: before?,
            step: step?,
            fields: filled?,
            ttl: ttl?,
        })
    })
}

/// Reads `health`.
pub(crate) fn read_checks(node: &Node<'_>) -> Option<Vec<Check>> {
    node.each(|node| {
        let fields = node.fields()?;
        let name = fields.require("name").and_then(|node| node.text());
        let steps = fields
            .require("steps")
            .and_then(|node| read_steps(&node, &Names::STEP));
        let proves = fields.require("proves").and_then(|node| node.text());
        let fix = fields.require("fix").and_then(|node| node.text());
        let nothing = fields.maybe("nothing", Node::text);
        Some(Check {
            name: name?,
            steps: steps?,
            proves: proves?,
            fix: fix?,
            nothing: nothing?,
        })
    })
}
