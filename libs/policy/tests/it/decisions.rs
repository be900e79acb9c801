//! What a verdict decides of an attempt.

use event_model::{Effect, EventType, Mode, PolicyVersion, Severity, TriggerAction};
use policy::{Chain, Decision, PolicySet};

use crate::facts::{Facts, connection, version};

fn watching(number: i64, action: TriggerAction, mode: Mode, rule: &str) -> PolicyVersion {
    let mut version = version(number, rule, &[action], Effect::Deny);
    version.document.severity = Severity::ALL[5 - number as usize];
    version.document.mode = mode;
    version.document.notification = Some(format!("<p>No {number}.</p>"));
    version
}

fn decided(
    policies: &[PolicyVersion],
    action: TriggerAction,
    event: EventType,
    facts: &str,
) -> Decision {
    let (set, refused) = PolicySet::compile(policies);
    assert!(refused.is_empty(), "{refused:?}");
    let facts = Facts::parse(facts, event);
    Decision::of(
        set.evaluate(connection(1), &facts.input(), Chain::StopAtFirstBlock),
        action,
    )
}

#[test]
fn an_enforcing_denial_ends_the_chain_and_a_permissive_one_is_recorded_and_passed() {
    use Mode::{Enforce, Permissive};
    let share = |number, mode, rule| watching(number, TriggerAction::Share, mode, rule);
    let policies = [
        share(1, Permissive, "_share.public"),
        share(2, Enforce, "_activity.role == 'owner'"),
        share(
            3,
            Enforce,
            "_share.public and (_file.ext == 'pdf' or _file.ext == 'docx')",
        ),
        share(4, Enforce, "_share.public"),
    ];
    let (action, event) = (TriggerAction::Share, EventType::Sharing);
    let denied = decided(
        &policies,
        action,
        event,
        "visibility=public; object_name=a.docx",
    );
    let names = |outcomes: &[event_model::PolicyOutcome]| {
        let names = outcomes.iter().map(|one| one.policy.name.clone());
        names.collect::<Vec<_>>()
    };
    assert!(!denied.allow);
    assert_eq!(denied.winner.as_ref().unwrap().policy.name, "policy 3");
    assert_eq!(names(&denied.losers), ["policy 1"]);
    assert_eq!(names(&denied.undecided), ["policy 2"]);
    assert_eq!(
        denied.evaluated, 3,
        "the fourth is behind the break of the chain"
    );
    assert_eq!(denied.message.as_ref().unwrap().text, "No 3.");
    assert_eq!(
        denied.sentence,
        "`policy 3` (version 1) is violated and enforced: `_share.public` is true; `_file.ext == 'docx'` is true: \
         `_file.ext` is `docx`. only recorded: `policy 1` (version 1). could not be told: `policy 2` (version 1)"
    );

    let allowed = decided(
        &policies[..2],
        action,
        event,
        "visibility=public; role=viewer",
    );
    assert!(allowed.allow);
    assert_eq!(allowed.message, None);
    assert_eq!(
        allowed.sentence,
        "no enforcing policy is violated. only recorded: `policy 1` (version 1)"
    );
    let clean = decided(
        &policies,
        action,
        event,
        "visibility=restricted; role=viewer",
    );
    assert_eq!(
        (clean.allow, clean.sentence.as_str()),
        (true, "no policy is violated")
    );
}

#[test]
fn a_login_shows_no_message() {
    let both = [TriggerAction::Login, TriggerAction::Download];
    for (action, event, shown) in [
        (both[0], EventType::Authentication, false),
        (both[1], EventType::DataAccess, true),
    ] {
        let mut policy = watching(1, action, Mode::Enforce, "true");
        policy.document.trigger.actions = both.to_vec();
        let decision = decided(&[policy], action, event, "-");
        assert!(!decision.allow);
        assert_eq!(decision.message.is_some(), shown, "{action}");
    }
}

#[test]
fn the_reasons_are_the_parts_that_decided() {
    let rows = [
        (
            "_share.public",
            "visibility=public",
            "`_share.public` is true",
        ),
        (
            "not (_user.email ends with '@company.com')",
            "actor_email=eve@evil.org",
            "`_user.email ends with '@company.com'` is false: `_user.email` is `eve@evil.org`",
        ),
        (
            "_activity.role == 'x' or _share.public",
            "visibility=public",
            "`_share.public` is true",
        ),
        (
            "_activity.role == 'x' and _share.public",
            "visibility=public",
            "`_activity.role == 'x'` is unknown: role is absent: not sent",
        ),
        (
            "_content.count('us-ssn') >= 2",
            "content=partial: limit; us-ssn=3/3/0",
            "`_content.count('us-ssn') >= 2` is true: `_content.count('us-ssn')` is `at least 3`",
        ),
        (
            "'Sales' in _user.groups",
            "group=Sales; group=Staff",
            "`'Sales' in _user.groups` is true: `_user.groups` is `[Sales, Staff]`",
        ),
    ];
    for (rule, given, wanted) in rows {
        let policy = watching(1, TriggerAction::Share, Mode::Enforce, rule);
        let compiled = policy::CompiledPolicy::compile(&policy).unwrap();
        let facts = Facts::parse(given, EventType::Sharing);
        let reasons = compiled.explain(&facts.input()).reasons;
        assert_eq!(reasons.join("; "), wanted, "{rule}");
    }
}
