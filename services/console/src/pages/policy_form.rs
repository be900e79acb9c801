//! A policy as a form shows it and sends it back.

use event_model::{
    ApprovalRule, Connection, ConnectionId, Effect, Limit, LinkScope, Mode, PolicyDocument,
    Response, ResponseKind, Severity, Trigger, TriggerAction, Whom,
};

use crate::auth::CheckedForm;

/// Places for responses in the form.
const RESPONSE_PLACES: usize = 5;

/// Something to choose.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) chosen: bool,
}

/// A place for a response.
pub(super) struct ResponsePlace {
    pub(super) kinds: Vec<Choice>,
    pub(super) to: String,
    /// What the response is told besides: the one word that its kind takes.
    pub(super) particular: String,
}

/// What the form holds.
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) rule: String,
    pub(super) notification: String,
    pub(super) severities: Vec<Choice>,
    pub(super) effects: Vec<Choice>,
    pub(super) modes: Vec<Choice>,
    pub(super) actions: Vec<Choice>,
    pub(super) connections: Vec<Choice>,
    pub(super) responses: Vec<ResponsePlace>,
    pub(super) approvals: Vec<Choice>,
    pub(super) approvers: String,
    pub(super) undo_window_minutes: String,
    pub(super) limit_actions: String,
    pub(super) limit_per_hours: String,
    document: PolicyDocument,
}

impl Draft {
    /// The form of a document.
    pub(super) fn of(document: &PolicyDocument, connections: &[Connection]) -> Self {
        let places = document.responses.len().max(RESPONSE_PLACES);
        let responses = (0..places).map(|place| response_place(document.responses.get(place)));
        let effects = [
            (Effect::Deny, "DENY", "DENY: a true rule is a violation"),
            (Effect::Allow, "ALLOW", "ALLOW: a false rule is a violation"),
        ];
        let modes = [
            (Mode::Enforce, "Enforce: carry the responses out"),
            (Mode::Permissive, "Permissive: only record"),
        ];
        Draft {
            name: document.name.clone(),
            rule: document.rule.clone(),
            notification: document.notification.clone().unwrap_or_default(),
            severities: Severity::ALL
                .iter()
                .map(|severity| choice(severity.word(), *severity == document.severity))
                .collect(),
            effects: effects
                .into_iter()
                .map(|(effect, value, label)| labelled(value, label, effect == document.effect))
                .collect(),
            modes: modes
                .into_iter()
                .map(|(mode, label)| labelled(mode.word(), label, mode == document.mode))
                .collect(),
            actions: TriggerAction::ALL
                .iter()
                .map(|action| choice(action.word(), document.trigger.actions.contains(action)))
                .collect(),
            connections: connections
                .iter()
                .map(|connection| {
                    let chosen = document.trigger.connections.contains(&connection.id);
                    labelled(&connection.id.to_string(), &connection.name, chosen)
                })
                .collect(),
            responses: responses.collect(),
            approvals: approvals(document.approval),
            approvers: number(document.approvers),
            undo_window_minutes: number(document.undo_window_minutes),
            limit_actions: number(document.limit.map(|limit| limit.actions)),
            limit_per_hours: number(document.limit.map(|limit| limit.per_hours)),
            document: document.clone(),
        }
    }

    /// What was written into the form.
    pub(super) fn read(form: &CheckedForm, connections: &[Connection]) -> Self {
        let ids = form
            .all("connection")
            .filter_map(|id| id.parse::<ConnectionId>().ok());
        let document = PolicyDocument {
            name: form.text("name").trim().to_owned(),
            severity: Severity::from_word(form.text("severity")).unwrap_or(Severity::Medium),
            trigger: Trigger {
                connections: ids.collect(),
                actions: form
                    .all("action")
                    .filter_map(TriggerAction::from_word)
                    .collect(),
            },
            rule: form.text("rule").to_owned(),
            effect: match form.text("effect") {
                "ALLOW" => Effect::Allow,
                _ => Effect::Deny,
            },
            mode: Mode::from_word(form.text("mode")).unwrap_or(Mode::Enforce),
            notification: form.given("notification"),
            responses: responses(form),
            approval: ApprovalRule::from_word(form.text("approval"))
                .filter(|rule| *rule != ApprovalRule::None),
            approvers: typed(form, "approvers"),
            undo_window_minutes: typed(form, "undo_window_minutes"),
            limit: limit(form),
        };
        Draft::of(&document, connections)
    }

    /// The document that the form holds.
    pub(super) fn document(&self) -> PolicyDocument {
        self.document.clone()
    }
}

/// The number of that name; what is no number is 0, and checking says what it may be.
fn typed(form: &CheckedForm, name: &str) -> Option<u32> {
    let text = form.given(name)?;
    Some(text.parse().unwrap_or(0))
}

/// Of half a limit the other half is 0, so that checking complains: it is never dropped unsaid.
fn limit(form: &CheckedForm) -> Option<Limit> {
    let actions = typed(form, "limit_actions");
    let per_hours = typed(form, "limit_per_hours");
    (actions.is_some() || per_hours.is_some()).then(|| Limit {
        actions: actions.unwrap_or(0),
        per_hours: per_hours.unwrap_or(0),
    })
}

fn responses(form: &CheckedForm) -> Vec<Response> {
    (0..PolicyDocument::RESPONSES_MAX)
        .filter_map(|place| {
            let kind = ResponseKind::from_word(form.text(&format!("response_{place}")))?;
            let to = form.given(&format!("to_{place}")).unwrap_or_default();
            let to = to
                .split([',', ' ', ';'])
                .filter(|address| !address.is_empty());
            let mut response = Response::plain(kind);
            response.to = to.map(str::to_owned).collect();
            if let Some(word) = form.given(&format!("particular_{place}")) {
                take_particular(&mut response, word);
            }
            Some(response)
        })
        .collect()
}

/// The word of the form goes where the kind of the response has it; for a kind that takes none it stands as a
/// role, so that checking says that there is one too many. A word that is not one of those known is left out,
/// and checking says what is missing.
pub(super) fn take_particular(response: &mut Response, word: String) {
    match response.kind {
        ResponseKind::ExpireLink => response.after_hours = Some(word.parse().unwrap_or(0)),
        ResponseKind::SetLinkScope => response.scope = LinkScope::from_word(&word),
        ResponseKind::TransferOwner => response.new_owner = Some(word),
        ResponseKind::ApplyLabel => response.label = Some(word),
        ResponseKind::QuarantineToVault => response.tombstone = Some(word),
        ResponseKind::SuspendUser | ResponseKind::EndSessions => {
            response.whom = Whom::from_word(&word);
        }
        _ => response.role = Some(word),
    }
}

fn particular(response: &Response) -> String {
    let hours = response.after_hours.map(|hours| hours.to_string());
    let scope = response.scope.map(|scope| scope.word().to_owned());
    let whom = response.whom.map(|whom| whom.word().to_owned());
    let texts = [
        &response.role,
        &response.label,
        &response.new_owner,
        &response.tombstone,
    ]
    .map(Clone::clone);
    let mut given = texts.into_iter().chain([hours, scope, whom]).flatten();
    given.next().unwrap_or_default()
}

fn response_place(response: Option<&Response>) -> ResponsePlace {
    let chosen = |kind: ResponseKind| response.is_some_and(|response| response.kind == kind);
    let kinds = ResponseKind::ALL.iter();
    ResponsePlace {
        kinds: kinds
            .filter(|kind| **kind != ResponseKind::Incident || chosen(**kind))
            .map(|kind| choice(kind.word(), chosen(*kind)))
            .collect(),
        to: response
            .map(|response| response.to.join(", "))
            .unwrap_or_default(),
        particular: response.map(particular).unwrap_or_default(),
    }
}

fn approvals(rule: Option<ApprovalRule>) -> Vec<Choice> {
    let labels = [
        (ApprovalRule::None, "Nobody is asked"),
        (ApprovalRule::Irreversible, "For what cannot be undone"),
        (ApprovalRule::Required, "For every action in the service"),
    ];
    let rule = rule.unwrap_or(ApprovalRule::None);
    let choices = labels
        .into_iter()
        .map(|(one, label)| labelled(one.word(), label, one == rule));
    choices.collect()
}

fn number(given: Option<u32>) -> String {
    given.map_or_else(String::new, |number| number.to_string())
}

fn choice(word: &str, chosen: bool) -> Choice {
    labelled(word, &word.replace('_', " "), chosen)
}

fn labelled(value: &str, label: &str, chosen: bool) -> Choice {
    Choice {
        value: value.to_owned(),
        label: label.to_owned(),
        chosen,
    }
}
