//! A policy as a form shows it and sends it back.

use event_model::{
    Connection, ConnectionId, Effect, Mode, PolicyDocument, Response, ResponseKind, Severity,
    Trigger, TriggerAction,
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
    pub(super) role: String,
    pub(super) label: String,
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
        };
        Draft::of(&document, connections)
    }

    /// The document that the form holds.
    pub(super) fn document(&self) -> PolicyDocument {
        self.document.clone()
    }
}

fn responses(form: &CheckedForm) -> Vec<Response> {
    (0..PolicyDocument::RESPONSES_MAX)
        .filter_map(|place| {
            let kind = ResponseKind::from_word(form.text(&format!("response_{place}")))?;
            let to = form.given(&format!("to_{place}")).unwrap_or_default();
            let to = to
                .split([',', ' ', ';'])
                .filter(|address| !address.is_empty());
            Some(Response {
                kind,
                to: to.map(str::to_owned).collect(),
                role: form.given(&format!("role_{place}")),
                label: form.given(&format!("label_{place}")),
            })
        })
        .collect()
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
        role: response
            .and_then(|response| response.role.clone())
            .unwrap_or_default(),
        label: response
            .and_then(|response| response.label.clone())
            .unwrap_or_default(),
    }
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

/// A policy to start from.
pub(super) struct Example {
    pub(super) title: &'static str,
    pub(super) rule: &'static str,
    actions: &'static [TriggerAction],
    severity: Severity,
    responses: &'static [ResponseKind],
}

impl Example {
    /// The example as a document.
    pub(super) fn document(&self) -> PolicyDocument {
        PolicyDocument {
            name: self.title.to_owned(),
            severity: self.severity,
            trigger: Trigger {
                connections: Vec::new(),
                actions: self.actions.to_vec(),
            },
            rule: self.rule.to_owned(),
            effect: Effect::Deny,
            mode: Mode::Enforce,
            notification: None,
            responses: self
                .responses
                .iter()
                .map(|kind| Response::plain(*kind))
                .collect(),
        }
    }
}

/// What most organisations want first.
pub(super) const EXAMPLES: &[Example] = &[
    Example {
        title: "No public links",
        rule: "_share.public",
        actions: &[TriggerAction::Share],
        severity: Severity::Medium,
        responses: &[ResponseKind::RemoveLink],
    },
    Example {
        title: "No card numbers outside",
        rule: "_content.has('credit_card') and (_share.public or _activity.target_user_type == 'external')",
        actions: &[TriggerAction::Share],
        severity: Severity::High,
        responses: &[ResponseKind::Quarantine],
    },
    Example {
        title: "Shares only with partners",
        rule: "_activity.target_user_type == 'external' and not _share.hasUsersFromDomain('partner.com')",
        actions: &[TriggerAction::Share],
        severity: Severity::Medium,
        responses: &[ResponseKind::RemoveCollaborator],
    },
    Example {
        title: "Finance files stay inside",
        rule: "_file.pathStartsWith('/Finance') and _activity.visibility == 'public'",
        actions: &[TriggerAction::Share],
        severity: Severity::Critical,
        responses: &[ResponseKind::Quarantine],
    },
    Example {
        title: "External people download",
        rule: "_activity.actor_type == 'external'",
        actions: &[TriggerAction::Download],
        severity: Severity::Low,
        responses: &[],
    },
];

#[cfg(test)]
mod tests {
    use super::EXAMPLES;

    #[test]
    fn every_example_is_a_policy_without_mistakes() {
        for example in EXAMPLES {
            let mistakes = policy::check(&example.document(), &["credit_card"], |_| None);
            assert!(mistakes.is_empty(), "{}: {mistakes:?}", example.title);
        }
    }
}
