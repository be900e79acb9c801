use crate::condition::Condition;
use crate::node::Node;
use crate::scope::Names;

/// What a service says about the webhook itself, in place of an activity.
#[derive(Debug)]
pub(crate) struct NoticeRule {
    when: Condition,
    does: Notice,
}

/// What is to be done about the webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Notice {
    /// Prolong it: the service is about to end it.
    Renew,
    /// Register it again: the service dropped it.
    Register,
    /// Read what deliveries missed, at once.
    Reconcile,
    /// Look whether the grant is still taken.
    Check,
}

const WORDS: [(&str, Notice); 4] = [
    ("renew", Notice::Renew),
    ("register", Notice::Register),
    ("reconcile", Notice::Reconcile),
    ("check", Notice::Check),
];

impl NoticeRule {
    /// What the document asks for, if it is of this rule.
    pub(crate) fn asks(&self, scope: &crate::scope::Scope<'_>) -> Option<Notice> {
        self.when.holds(scope).then_some(self.does)
    }

    pub(crate) fn when(&self) -> &Condition {
        &self.when
    }
}

pub(crate) fn read(node: &Node<'_>) -> Option<NoticeRule> {
    let fields = node.fields()?;
    let names = Names {
        document: true,
        ..Names::CONNECTION
    };
    let when = fields.require("when");
    let when = when.and_then(|node| Condition::read(&node, &names));
    let does = fields.require("do").and_then(|node| node.word(&WORDS));
    Some(NoticeRule {
        when: when?,
        does: does?,
    })
}
