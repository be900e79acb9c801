//! `content`, `enrich`, `health` and `actions`: what can be asked of the service and done in it.

use std::time::Duration;

use event_model::{Field, LinkScope, RemedyKind};

use crate::client::HashKind;
use crate::condition::Condition;
use crate::manifest::auth::read_template;
use crate::manifest::step::{ForEach, Request, Step, read_request, read_step, read_steps};
use crate::mapping::read::read_fields;
use crate::mapping::verb::Verb;
use crate::mistake::did_you_mean;
use crate::node::Node;
use crate::scope::{Keep, Names, Ref};
use crate::template::Template;

/// One remedy as this service does it.
#[derive(Debug)]
pub(crate) struct Action {
    pub(crate) kind: RemedyKind,
    /// What the activity must have, and what is missing when it does not.
    pub(crate) needs: Option<(Condition, String)>,
    pub(crate) snapshot: Vec<Step>,
    /// Whom or what it must not be done to, judged by the snapshot, and why not.
    pub(crate) spare: Vec<(Condition, String)>,
    /// The service's words for whom a link is still for.
    pub(crate) scopes: Vec<(LinkScope, String)>,
    /// Idempotent and harmless; runs before the steps and before the verification.
    pub(crate) setup: Vec<Step>,
    pub(crate) steps: Vec<Step>,
    pub(crate) verify: Vec<Step>,
    /// Why the service shows nothing of what was done; then its answer to the steps is taken for it.
    pub(crate) unseen: Option<String>,
    /// Whether only what the snapshot has tells what to look at.
    pub(crate) verified_by_snapshot: bool,
    pub(crate) undo: Vec<Part>,
    /// `quarantine_to_vault` only: what of the object is taken into the vault, and where it is.
    pub(crate) vault: Option<Keeping>,
    /// What closes the object to others, before its content is taken.
    pub(crate) close: Vec<Step>,
    /// Where a held object's content is; absent: where any object's is.
    pub(crate) content: Vec<Content>,
}

impl Action {
    /// What must hold for it, and what must not.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = &(Condition, String)> {
        self.needs.iter().chain(&self.spare)
    }
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

/// What is taken into the vault.
#[derive(Debug)]
pub(crate) struct Keeping {
    /// Each of these is a content of its own; absent: there is one.
    pub(crate) each: Option<ForEach>,
    /// How long it is, as the service says.
    pub(crate) bytes: Option<Template>,
    /// Its hash, as the service says.
    pub(crate) hash: Option<(HashKind, Template)>,
    /// Where it is; absent: where any object's is.
    pub(crate) content: Vec<Content>,
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

/// Shortest reason for what cannot be verified, in characters.
const REASON_CHARS_MIN: usize = 8;

/// The part of an undo that brings content back from the vault. It is the first: what follows is set only on
/// an object that has that content.
pub(crate) const CONTENT_PART: &str = "content";

/// What a manifest can say how to do, or that it cannot be done.
pub(crate) const REMEDIES: [RemedyKind; 15] = [
    RemedyKind::Quarantine,
    RemedyKind::QuarantineToVault,
    RemedyKind::Delete,
    RemedyKind::RemoveLink,
    RemedyKind::RemoveCollaborator,
    RemedyKind::DowngradeRole,
    RemedyKind::ApplyLabel,
    RemedyKind::ExpireLink,
    RemedyKind::SetLinkScope,
    RemedyKind::RemoveExternalCollaborators,
    RemedyKind::MakePrivate,
    RemedyKind::TransferOwner,
    RemedyKind::SuspendUser,
    RemedyKind::EndSessions,
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
    let names = Names::of_remedy(kind, true);
    let before = Names::of_remedy(kind, false);
    let steps_of = |key: &'static str, names: Names| {
        fields.read(key, Vec::new(), |node| read_steps(node, &names))
    };
    let needs = fields.maybe("needs", |node| read_reasoned(node, &before, "otherwise"));
    let snapshot = steps_of("snapshot", before);
    let spare = fields.read("spare", Vec::new(), |node| {
        node.each(|node| read_reasoned(node, &names, "because"))
    });
    let scopes = fields.maybe("scopes", read_scopes);
    let vault = fields.maybe("vault", |node| read_keeping(node, &names));
    let close = steps_of("close", names);
    let setup = steps_of("setup", names);
    let steps = fields
        .require("steps")
        .and_then(|node| read_steps(&node, &names));
    let verify = steps_of("verify", names);
    let unseen = fields.maybe("unseen", Node::text);
    let undo = fields.read("undo", Vec::new(), |node| {
        node.each(|node| read_part(node, &names))
    });
    let irreversible = fields.read("irreversible", false, Node::boolean);
    let content = fields.read("content", Vec::new(), |node| read_content(node, &names));
    let mut read = Vec::new();
    let verify = verify?;
    verify.iter().for_each(|step| step.reads(&mut read));
    let of_snapshot = |name: &Ref| matches!(name, Ref::Kept(Keep::Snapshot, _));
    let action = Action {
        kind,
        verified_by_snapshot: read.iter().any(of_snapshot),
        needs: needs?,
        snapshot: snapshot?,
        spare: spare?,
        scopes: scopes?.unwrap_or_default(),
        vault: vault?,
        close: close?,
        setup: setup?,
        steps: steps?,
        verify,
        unseen: unseen?,
        undo: undo?,
        content: content?,
    };
    whole(action, irreversible?, node)
}

/// What only the whole action can tell.
fn whole(action: Action, irreversible: bool, node: &Node<'_>) -> Option<Action> {
    let kind = action.kind.word();
    let seen = action.verify.iter().any(|step| !step.expect.is_empty());
    match &action.unseen {
        None if !seen => {
            return node.wrong(format!(
                "`{kind}` needs `verify` with something to `expect`"
            ));
        }
        Some(_) if action.kind != RemedyKind::EndSessions => {
            return node.wrong(format!(
                "`{kind}` can be seen in a service: only `end_sessions` may be `unseen`"
            ));
        }
        Some(reason) if seen || reason.trim().chars().count() < REASON_CHARS_MIN => {
            return node
                .wrong("`unseen` says why there is nothing to verify by, in place of `verify`");
        }
        _ => {}
    }
    let takes = action.kind == RemedyKind::QuarantineToVault;
    if takes != action.vault.is_some() || (!takes && !action.close.is_empty()) {
        return node.wrong_with(
            "`vault` and `close` belong to `quarantine_to_vault`, which needs `vault`",
            Some(
                "such as `vault: {bytes: \"{snapshot.size}\", sha256: \"{snapshot.sha256}\"}`"
                    .into(),
            ),
        );
    }
    let begins = action.undo.first().map(|part| part.name.as_str());
    if takes && begins != Some(CONTENT_PART) {
        return node.wrong(format!(
            "`undo` of `{kind}` needs `{CONTENT_PART}` as its first part: nothing else is set on an object \
             whose content is not back"
        ));
    }
    // A label is taken back by writing the manifest again: see `ServiceClient::write_labels`.
    let is_rewritten = action.kind == RemedyKind::ApplyLabel;
    if action.undo.is_empty() && !irreversible && !is_rewritten {
        return node.wrong_with(
            format!("`{kind}` has no `undo`"),
            Some("if it cannot be undone, say `irreversible: true`".into()),
        );
    }
    let about_user = matches!(
        action.kind,
        RemedyKind::SuspendUser | RemedyKind::EndSessions
    );
    if about_user && action.spare.is_empty() {
        return node.wrong_with(
            format!("`{kind}` spares nobody"),
            Some("`spare` the administrators, and the account that the connection acts as".into()),
        );
    }
    let scoped = action.kind == RemedyKind::SetLinkScope;
    if scoped != (action.scopes.len() == LinkScope::ALL.len()) {
        return node.wrong_with(
            "`scopes` belongs to `set_link_scope`, and has a word of the service for each scope",
            Some("such as `scopes: {people_in_company: company, specific_people: invited}`".into()),
        );
    }
    Some(action)
}

/// A condition, and what is said by it: of `needs` when it does not hold, of `spare` when it does.
fn read_reasoned(node: &Node<'_>, names: &Names, key: &'static str) -> Option<(Condition, String)> {
    let fields = node.fields()?;
    let condition = fields
        .require("condition")
        .and_then(|node| Condition::read(&node, names));
    let reason = fields.require(key).and_then(|node| node.text());
    Some((condition?, reason?))
}

/// Reads `vault`: one content, or each of a list of the snapshot.
fn read_keeping(node: &Node<'_>, names: &Names) -> Option<Keeping> {
    let fields = node.fields()?;
    let list = fields.maybe("each", |node| node.take(Ref::parse(&node.text()?, names)));
    let filter = fields.maybe("where", |node| Condition::read(node, names));
    let bytes = fields.maybe("bytes", |node| read_template(node, names));
    let hashes = HashKind::WORDS.map(|(word, kind)| {
        let told = fields.maybe(word, |node| read_template(node, names));
        told.map(|told| told.map(|told| (kind, told)))
    });
    let content = fields.read("content", Vec::new(), |node| read_content(node, names));
    let hashes = hashes.into_iter().collect::<Option<Vec<_>>>()?;
    let mut hashes = hashes.into_iter().flatten();
    let (hash, None) = (hashes.next(), hashes.next()) else {
        return node.wrong("one hash is enough");
    };
    let (list, filter) = (list?, filter?);
    if list.is_none() && filter.is_some() {
        return node.wrong("`where` belongs to `each`");
    }
    Some(Keeping {
        each: list.map(|list| ForEach {
            list,
            filter,
            label: None,
        }),
        bytes: bytes?,
        hash,
        content: content?,
    })
}

fn read_scopes(node: &Node<'_>) -> Option<Vec<(LinkScope, String)>> {
    let read = node.entries()?.into_iter().map(|(name, node)| {
        let Some(scope) = LinkScope::from_word(&name) else {
            let hint = did_you_mean(&name, LinkScope::ALL.iter().map(|scope| scope.word()));
            return node.wrong_with(format!("`{name}` is not a scope of a link"), hint);
        };
        Some((scope, node.text()?))
    });
    read.collect()
}

fn read_part(node: &Node<'_>, names: &Names) -> Option<Part> {
    let fields = node.fields()?;
    let name = fields.require("name").and_then(|node| node.text());
    let steps = fields
        .require("steps")
        .and_then(|node| read_steps(&node, names));
    let verify = fields
        .require("verify")
        .and_then(|node| read_steps(&node, names));
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
