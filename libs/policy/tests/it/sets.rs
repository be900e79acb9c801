//! Which policies an activity triggers, in what order, and where the chain stops.

use event_model::{
    Effect, EventType, Field, Mode, Outcome, PolicyVersion, Severity, TriggerAction,
};
use policy::{Chain, Evaluation, Needs, PolicySet};

use crate::facts::{Facts, connection, version};

/// A row: number, severity, mode, rule.
fn share(number: i64, severity: Severity, mode: Mode, rule: &str) -> PolicyVersion {
    let mut version = version(number, rule, &[TriggerAction::Share], Effect::Deny);
    version.document.severity = severity;
    version.document.mode = mode;
    version
}

fn outcomes(evaluation: &Evaluation) -> Vec<(&str, Outcome)> {
    let outcomes = evaluation.verdict.outcomes.iter();
    outcomes
        .map(|outcome| (outcome.policy.name.as_str(), outcome.outcome))
        .collect()
}

#[test]
fn the_more_severe_policy_comes_first_and_among_equals_the_older() {
    use Mode::{Enforce, Permissive};
    let versions = [
        share(5, Severity::Low, Enforce, "true"),
        share(4, Severity::Critical, Permissive, "true"),
        share(3, Severity::High, Enforce, "true"),
        share(2, Severity::High, Enforce, "true"),
        share(1, Severity::Critical, Enforce, "false"),
    ];
    let (set, refused) = PolicySet::compile(&versions);
    assert!(refused.is_empty());
    let facts = Facts::parse("-", EventType::Sharing);
    let whole = set.evaluate(connection(1), &facts.input(), Chain::Whole);
    let names: Vec<&str> = outcomes(&whole).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["policy 4", "policy 2", "policy 3", "policy 5"]);
    assert_eq!(whole.evaluated, 5);
    assert_eq!(whole.verdict.winner().unwrap().policy.name, "policy 2");

    let inline = set.evaluate(connection(1), &facts.input(), Chain::StopAtFirstBlock);
    let names: Vec<&str> = outcomes(&inline)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(
        names,
        ["policy 4", "policy 2"],
        "a permissive violation is logged and the chain goes on"
    );
    assert_eq!(inline.verdict.winner(), whole.verdict.winner());
}

#[test]
fn a_policy_looks_at_its_connections_and_actions_only() {
    let mut one = version(
        1,
        "true",
        &[TriggerAction::Share, TriggerAction::Upload],
        Effect::Deny,
    );
    one.document.trigger.connections = vec![connection(2), connection(1)];
    let mut off = version(2, "true", &[TriggerAction::Share], Effect::Deny);
    off.enabled = false;
    let (set, _) = PolicySet::compile(&[one, off]);
    assert_eq!(set.len(), 1);
    let rows = [
        (1, EventType::Sharing, 1),
        (2, EventType::DataCreation, 1),
        (3, EventType::Sharing, 0),
        (1, EventType::DataAccess, 0),
        (1, EventType::Other, 0),
    ];
    for (number, event_type, wanted) in rows {
        let facts = Facts::parse("-", event_type);
        let evaluation = set.evaluate(connection(number), &facts.input(), Chain::Whole);
        assert_eq!(
            evaluation.evaluated, wanted,
            "connection {number}, {event_type}"
        );
    }
}

#[test]
fn a_policy_that_does_not_compile_is_left_out_and_named() {
    let good = version(1, "true", &[TriggerAction::Share], Effect::Deny);
    let bad = version(2, "_share.publik", &[TriggerAction::Share], Effect::Deny);
    let (set, refused) = PolicySet::compile(&[good, bad.clone()]);
    assert_eq!((set.len(), set.is_empty()), (1, false));
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].0, bad.id);
    assert_eq!(refused[0].1[0].message, "there is no `_share.publik`");
}

#[test]
fn needs_are_gathered_over_all_policies_and_vanish_once_something_blocks() {
    use Mode::Enforce;
    let versions = [
        share(1, Severity::High, Enforce, "_content.has('us-ssn')"),
        share(
            2,
            Severity::High,
            Enforce,
            "_activity.role == 'x' and _user.email == 'y'",
        ),
        share(3, Severity::High, Enforce, "_activity.role == 'z'"),
    ];
    let facts = Facts::parse("actor_email=y", EventType::Sharing);
    let (set, _) = PolicySet::compile(&versions);
    let evaluation = set.evaluate(connection(1), &facts.input(), Chain::StopAtFirstBlock);
    let wanted = Needs {
        content: true,
        fields: vec![Field::Role],
    };
    assert_eq!(evaluation.needs, wanted);
    assert!(
        outcomes(&evaluation)
            .iter()
            .all(|(_, outcome)| *outcome == Outcome::Undecided)
    );

    let blocking = share(4, Severity::Low, Enforce, "true");
    let (set, _) = PolicySet::compile(&[versions.as_slice(), &[blocking]].concat());
    let inline = set.evaluate(connection(1), &facts.input(), Chain::StopAtFirstBlock);
    assert_eq!(inline.needs, Needs::default());
    assert_eq!(
        set.evaluate(connection(1), &facts.input(), Chain::Whole)
            .needs,
        wanted
    );
}

#[test]
fn the_trace_shows_the_rules_parts_as_written_with_their_values() {
    let rule = "(_share.public or _activity.role == ‘owner’) and _content.count('us-ssn') >= 2";
    let (set, _) = PolicySet::compile(&[share(1, Severity::High, Mode::Enforce, rule)]);
    let facts = Facts::parse(
        "visibility=public; content=partial: limit; us-ssn=9/5/1",
        EventType::Sharing,
    );
    let evaluation = set.evaluate(connection(1), &facts.input(), Chain::Whole);
    insta::assert_json_snapshot!(evaluation.verdict.outcomes[0].trace);
}

#[test]
fn a_trace_is_bounded_however_large_the_rule() {
    let parts = vec!["_activity.actor_id == 'a'"; 500].join(" or ");
    let (set, _) = PolicySet::compile(&[share(1, Severity::High, Mode::Enforce, &parts)]);
    let facts = Facts::parse(
        &format!("actor_id={}", "b".repeat(5_000)),
        EventType::Sharing,
    );
    assert!(outcomes(&set.evaluate(connection(1), &facts.input(), Chain::Whole)).is_empty());
    let explained = set
        .triggered_by(connection(1), TriggerAction::Share)
        .next()
        .unwrap();
    let trace = explained.explain(&facts.input()).trace;
    let mut nodes = vec![&trace];
    let mut count = 0;
    while let Some(node) = nodes.pop() {
        count += 1;
        assert!(node.value.chars().count() <= policy::TRACE_TEXT_CHARS_MAX + 1);
        assert!(node.expression.chars().count() <= policy::TRACE_TEXT_CHARS_MAX + 1);
        nodes.extend(&node.parts);
    }
    assert!(count <= policy::TRACE_NODES_MAX);
    assert_eq!(trace.note.as_deref(), Some("400 more parts are not shown"));
}

#[test]
fn policies_of_one_connection_and_of_all_stand_in_one_order() {
    // Each third watches all, the first, or the second connection and the first; one is named twice.
    let versions: Vec<PolicyVersion> = (0..9)
        .map(|n| {
            let mut one = share(n, Severity::High, Mode::Enforce, "true");
            one.document.trigger.connections = match n % 3 {
                0 => vec![],
                1 => vec![connection(1), connection(1)],
                _ => vec![connection(2), connection(1)],
            };
            one
        })
        .collect();
    let (set, _) = PolicySet::compile(&versions);
    for (number, expected) in [(1, "0 1 2 3 4 5 6 7 8"), (2, "0 2 3 5 6 8"), (3, "0 3 6")] {
        let triggered = set.triggered_by(connection(number), TriggerAction::Share);
        let names: Vec<&str> = triggered
            .map(|policy| policy.policy().name.trim_start_matches("policy "))
            .collect();
        assert_eq!(names.join(" "), expected, "connection {number}");
    }
}

#[test]
fn one_look_rules_a_policy_out_unless_what_it_looks_at_is_absent_or_unclear() {
    // rule | what is known | whether it is evaluated
    let rows = [
        (
            "_share.pathStartsWith('/finance/')",
            "object_path=/Finance/a",
            true,
        ),
        (
            "_share.pathStartsWith('/finance/')",
            "object_path=/fin",
            false,
        ),
        ("_share.pathStartsWith('/finance/')", "-", true),
        ("_file.path starts with '/hr'", "object_path=/HR/a", true),
        (
            "_file.path starts with '/hr'",
            "object_path=/sales/a",
            false,
        ),
        ("_file.extIs('pdf', 'csv')", "object_name=a.CSV", true),
        ("_file.extIs('pdf', 'csv')", "object_name=a.docx", false),
        (
            "_file.ext == 'pdf' or _share.public",
            "object_name=a.docx; visibility=restricted",
            false,
        ),
        (
            "_file.ext == 'pdf' or _share.public",
            "object_name=a.docx",
            true,
        ),
        (
            "_user.isEmailInDomain('Rival.com')",
            "actor_email=a@rival.COM.",
            true,
        ),
        (
            "_user.isEmailInDomain('rival.com')",
            "actor_email=a@example.com",
            false,
        ),
        (
            "_user.isEmailInDomain('rival.com')",
            "actor_email=nobody",
            true,
        ),
        (
            "_user.isEmailInDomain('*.rival.com')",
            "actor_email=a@example.com",
            false,
        ),
        (
            "_user.isEmailInDomain('*.rival.com')",
            "actor_email=a@eu.Rival.com",
            true,
        ),
        (
            "_user.isEmailInDomain('*.com')",
            "actor_email=a@b.org",
            true,
        ),
        (
            "_share.pathContains('/Board/')",
            "object_path=/a/board/b",
            true,
        ),
        (
            "_share.pathContains('/board/')",
            "object_path=/a/boards/b",
            false,
        ),
        ("_share.pathContains('/board/')", "-", true),
        (
            "_share.pathContains('/board/')",
            "object_path=/straße/a",
            true,
        ),
        (
            "_share.pathMatches('/p/*/secret/*')",
            "object_path=/p/a/b",
            false,
        ),
        (
            "_share.pathMatches('/p/*/secret/*')",
            "object_path=/q/SECRET/b",
            true,
        ),
        (
            "_user.email ends with '@rival.com'",
            "actor_email=a@example.com",
            false,
        ),
        (
            "_user.email ends with '@rival.com'",
            "actor_email=a@rival.com",
            true,
        ),
        (
            "_share.hasUsersFromDomain('rival.com')",
            "target_user_email=a@example.com",
            false,
        ),
        (
            "_share.hasUsersFromDomain('rival.com')",
            "target_user_email=a@example.com; to_user=b@rival.com",
            true,
        ),
        (
            "_request.inIpV4CidrRange('10.2.0.0/15')",
            "actor_ip_address=10.3.0.1",
            true,
        ),
        (
            "_request.inIpV4CidrRange('10.2.0.0/15')",
            "actor_ip_address=11.3.0.1",
            false,
        ),
        (
            "_request.inIpV4CidrRange('10.2.0.0/15')",
            "actor_ip_address=::ffff:10.3.0.1",
            true,
        ),
        (
            "_request.inIpV4CidrRange('10.2.0.0/15')",
            "actor_ip_address=2001:db8::1",
            false,
        ),
        (
            "_request.inIpV4CidrRange('0.0.0.0/0')",
            "actor_ip_address=11.3.0.1",
            true,
        ),
        ("_activity.actor_id in []", "actor_id=a", true),
    ];
    for (rule, given, evaluated) in rows {
        let (set, _) = PolicySet::compile(&[share(1, Severity::Low, Mode::Enforce, rule)]);
        let facts = Facts::parse(given, EventType::Sharing);
        let evaluation = set.evaluate(connection(1), &facts.input(), Chain::Whole);
        assert_eq!(
            evaluation.evaluated,
            usize::from(evaluated),
            "{rule}: {given}"
        );
    }
}

#[test]
fn what_needs_more_looks_than_there_are_is_looked_at_each_time() {
    let fields = Field::ALL.iter().filter(|field| {
        !matches!(
            field,
            Field::EventTimestamp | Field::LogTimestamp | Field::EventType
        )
    });
    let tests = [
        "== '{}'",
        "starts with '{}'",
        "starts with '{}{}'",
        "starts with '{}{}{}{}'",
    ];
    let rules = fields.flat_map(|field| {
        let of =
            move |test: &str| format!("_activity.{} {}", field.name(), test.replace("{}", "a"));
        tests.map(of)
    });
    let versions: Vec<PolicyVersion> = rules
        .zip(1..)
        .map(|(rule, number)| share(number, Severity::Low, Mode::Enforce, &rule))
        .collect();
    let (set, _) = PolicySet::compile(&versions);
    let facts = Facts::parse(
        "actor_id=aaaa; object_path=aaaa; shared_link=aaaa",
        EventType::Sharing,
    );
    let evaluation = set.evaluate(connection(1), &facts.input(), Chain::Whole);
    let violated = outcomes(&evaluation);
    let violated = violated
        .iter()
        .filter(|(_, outcome)| *outcome == Outcome::Violated);
    assert!(set.len() > 60, "{}", set.len());
    assert_eq!(
        violated.count(),
        3 * 4 - 3,
        "`a` alone is the whole of none"
    );
}
