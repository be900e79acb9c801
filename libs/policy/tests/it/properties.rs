//! What holds of every rule and every activity.

use event_model::{Effect, EventType, Field, Outcome, TriggerAction, Truth};
use policy::{Chain, CompiledPolicy, Coverage, Expression, PolicySet};
use proptest::prelude::*;

use crate::facts::{Content, Facts, connection, sample, version};

/// Truths that a rule can be made of; those of content come last.
const LEAVES: &[&str] = &[
    "true",
    "false",
    "_share.public",
    "_share.onlyUsersFromDomain('example.com')",
    "_share.pathMatches('/team/*')",
    "_file.ext == 'docx'",
    "_file.pathStartsWith('/hr/')",
    "_user.isEmailInDomain('example.com', '*.example.com')",
    "_user.inGroup('Internal')",
    "_request.inIpV4CidrRange('10.2.1.0/24')",
    "_activity.actor_type == _activity.target_user_type",
    "_activity.role in ['a', 'admin']",
    "_activity.actor_id != 'a'",
    "_activity.event_timestamp == '2026-03-01T09:30:00.000Z'",
    "'bob@partner.com' not in _share.allowedUsers",
    "_content.has('us-ssn')",
    "_content.has('us-ssn', 'high')",
    "_content.count('us-ssn') >= 2",
    "_content.count('us-ssn', 'low') == 1",
    "_content.count('us-ssn') != _content.count('iban')",
    "_content.label('secret')",
    "'secret' not in _content.labels",
    "_content.kind == 'pdf'",
    "_content.coverage == 'full'",
    "_metadata.existsWithValue('label.secret', true)",
    "_metadata.existsWithCondition('document.level', '>=', 3)",
    "_time.hour('Europe/Berlin') >= 10",
    "_time.weekday() in ['monday', 'sunday']",
    "_user.isMasterAdmin",
    "_user.anonymous",
    "_user.email ends with 'example.com'",
    "_file.path matches '/^.team/i'",
    "_share.hasUsersFromDomain('partner.com')",
];
/// How much of the content was read changes when less of it is read, as it should.
const ABOUT_COVERAGE: &str = "_content.coverage";

fn rule() -> impl Strategy<Value = String> {
    // These are for one effect only; a rule under both effects cannot have them.
    let leaf = prop::sample::select(LEAVES)
        .prop_filter("for both effects", |leaf| !leaf.contains("UsersFromDomain"));
    leaf.prop_map(str::to_owned)
        .prop_recursive(4, 24, 3, |inner| {
            let some = prop::collection::vec(inner.clone(), 2..4);
            prop_oneof![
                some.clone()
                    .prop_map(|parts| format!("({})", parts.join(" or "))),
                some.prop_map(|parts| format!("({})", parts.join(" and "))),
                inner.clone().prop_map(|part| format!("not ({part})")),
                (inner.clone(), inner).prop_map(|(left, right)| format!("({left}) == ({right})")),
            ]
        })
}

/// Rules of which many depend on one field.
fn keyed() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "_share.public",
        "_activity.role == 'Admin'",
        "_activity.role != 'a'",
        "_activity.actor_email == 'ANN@example.com'",
        "'b' == _activity.actor_id",
        "_activity.actor_id in ['a', 'b']",
        "_activity.actor_id not in ['a']",
        "_user.email in ['bob@partner.com', 'x@y.z']",
        "_activity.visibility in ['public', 'restricted']",
        "_activity.event_timestamp == '2026-03-01T09:30:00.000Z'",
        "_activity.event_timestamp starts with '2026'",
        "_share.pathStartsWith('/T')",
        "_file.pathStartsWith('/team/plan')",
        "_file.path starts with '/HR/'",
        "_file.extIs('docx', 'csv')",
        "_file.ext in ['PDF', 'docx', '']",
        "_user.isEmailInDomain('example.com')",
        "_user.isEmailInDomain('partner.com, *.example.com')",
        "_request.inIpV4CidrRange('10.2.1.0/24')",
        "_request.inIpV4CidrRange('10.0.0.0/7')",
        "_share.hasUsersFromDomain('partner.com')",
        "_request.inIpv4Range('10.2.0.0', '10.2.9.9')",
        "_share.pathContains('PLAN')",
        "_file.fileNameContains('.d')",
        "_file.path contains 'am/p'",
        "_file.path ends with 'PLAN.docx'",
        "_file.path ends with 'x'",
        "_share.pathMatches('/team/*')",
        "_share.pathMatches('*pl#n*')",
        "_user.isEmailInDomain('*.example.com')",
        "_user.isEmailInDomain('*.com, partner.org')",
        "_activity.actor_name contains 'K'",
    ]);
    let leaf = prop_oneof![key.prop_map(str::to_owned), rule()];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let some = prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            some.clone()
                .prop_map(|parts| format!("({})", parts.join(" or "))),
            some.prop_map(|parts| format!("({})", parts.join(" and "))),
            inner.prop_map(|part| format!("not ({part})")),
        ]
    })
}

fn facts() -> impl Strategy<Value = Facts> {
    let fields = prop::collection::vec(prop::option::weighted(0.8, 0usize..4), 24);
    (fields, content()).prop_map(|(fields, content)| {
        let mut facts = Facts::parse("-", EventType::Sharing);
        for (field, choice) in Field::ALL.into_iter().zip(fields) {
            match choice {
                Some(choice) => facts.set(field, &sample(field, choice)),
                None => facts.forget(field),
            }
        }
        facts.content = content;
        facts
    })
}

fn content() -> impl Strategy<Value = Content> {
    let texts = [
        "content=full",
        "content=full; us-ssn=1/1/1; kind=pdf",
        "content=full; us-ssn=3/2/0; iban=2/2/2; label=Secret; kind=docx; property:level=4",
        "content=partial: limit; us-ssn=3/2/1; label=Secret",
        "content=partial: limit; iban=1/1/1",
        "content=none: encrypted; kind=pdf",
        "content=blind: the service does not answer",
        "-",
    ];
    prop::sample::select(texts.to_vec())
        .prop_map(|text| Facts::parse(text, EventType::Sharing).content)
}

fn compiled(rule: &str, effect: Effect) -> CompiledPolicy {
    CompiledPolicy::compile(&version(1, rule, &[TriggerAction::Share], effect)).unwrap()
}

fn truth(rule: &str, facts: &Facts) -> Truth {
    compiled(rule, Effect::Allow).explain(&facts.input()).truth
}

/// More cases than usual, and as many as `make fuzz` asks for.
fn many() -> ProptestConfig {
    let asked = ProptestConfig::default();
    ProptestConfig {
        cases: asked.cases.max(600),
        ..asked
    }
}

/// The same content, of which less was read.
fn read_in_part(content: &Content) -> Content {
    let Content::Known(facts) = content else {
        return content.clone();
    };
    let mut facts = facts.clone();
    if facts.coverage == Coverage::Full {
        let reasons = vec!["limit".to_owned()];
        facts.coverage = Coverage::Partial { reasons };
    }
    facts.labels.pop();
    facts.properties.pop();
    for counts in facts.counts.values_mut() {
        *counts = counts.map(|count| count.saturating_sub(1));
    }
    Content::Known(facts)
}

proptest! {
    #![proptest_config(many())]

    #[test]
    fn deny_of_a_rule_is_allow_of_its_negation(rule in rule(), facts in facts()) {
        let deny = compiled(&rule, Effect::Deny).explain(&facts.input());
        let allow = compiled(&format!("not ({rule})"), Effect::Allow).explain(&facts.input());
        prop_assert_eq!(deny.outcome, allow.outcome);
        prop_assert_eq!(deny.outcome == Outcome::Undecided, deny.truth == Truth::Unknown);
    }

    #[test]
    fn absence_never_decides(rule in rule(), facts in facts(), gone in prop::collection::vec(0usize..24, 1..24)) {
        let mut poorer = facts.clone();
        for index in gone {
            poorer.forget(Field::ALL[index]);
        }
        let now = truth(&rule, &poorer);
        prop_assert!(now == Truth::Unknown || now == truth(&rule, &facts), "{}", rule);
    }

    #[test]
    fn absence_never_decides_for_a_share_with_a_domain(facts in facts(), gone in 0usize..24) {
        let mut poorer = facts.clone();
        poorer.forget(Field::ALL[gone]);
        for (rule, effect) in [
            ("_share.onlyUsersFromDomain('example.com')", Effect::Allow),
            ("_share.hasUsersFromDomain('example.com')", Effect::Deny),
        ] {
            let truth = |facts: &Facts| compiled(rule, effect).explain(&facts.input()).truth;
            prop_assert!(truth(&poorer) == Truth::Unknown || truth(&poorer) == truth(&facts));
        }
    }

    #[test]
    fn what_the_index_rules_out_would_have_complied(
        rules in prop::collection::vec((keyed(), any::<bool>(), any::<bool>()), 1..12),
        facts in facts(),
    ) {
        let versions: Vec<_> = rules.iter().zip(1..).map(|((rule, deny, of_all), number)| {
            let effect = if *deny { Effect::Deny } else { Effect::Allow };
            let mut version = version(number, rule, &[TriggerAction::Share], effect);
            if !of_all {
                version.document.trigger.connections = vec![connection(1), connection(2)];
            }
            version
        }).collect();
        let (set, _) = PolicySet::compile(&versions);
        let indexed = set.evaluate(connection(1), &facts.input(), Chain::Whole);
        let all = set.triggered_by(connection(1), TriggerAction::Share);
        let whole: Vec<_> = all
            .map(|policy| policy.explain(&facts.input()))
            .filter(|outcome| outcome.outcome != Outcome::Complied)
            .collect();
        prop_assert_eq!(indexed.verdict.outcomes, whole);
        prop_assert!(indexed.evaluated <= rules.len());
    }

    #[test]
    fn reading_less_never_decides(rule in rule(), facts in facts()) {
        prop_assume!(!rule.contains(ABOUT_COVERAGE));
        let mut poorer = facts.clone();
        for content in [read_in_part(&facts.content), Content::Unavailable("gone".into()), Content::NotFetched] {
            poorer.content = content;
            let now = truth(&rule, &poorer);
            prop_assert!(now == Truth::Unknown || now == truth(&rule, &facts), "{}", rule);
        }
    }

    #[test]
    fn content_that_is_not_needed_decides_nothing(rule in rule(), facts in facts(), content in content()) {
        let (set, _) = PolicySet::compile(&[version(1, &rule, &[TriggerAction::Share], Effect::Allow)]);
        let mut before = facts.clone();
        before.content = Content::NotFetched;
        let needs = set.evaluate(connection(1), &before.input(), Chain::Whole).needs;
        let mut after = facts;
        after.content = content;
        let fetched = truth(&rule, &after);
        prop_assert!(needs.content || fetched == truth(&rule, &before), "{}", rule);
    }

    #[test]
    fn a_rule_means_the_same_when_printed(rule in rule(), facts in facts()) {
        let printed = Expression::parse(&rule).unwrap().to_string();
        prop_assert_eq!(truth(&printed, &facts), truth(&rule, &facts));
    }

    #[test]
    fn any_text_is_a_rule_or_has_mistakes_in_it(text in prop_oneof![
        "\\PC{0,80}",
        "[ ()\\[\\].,'\"‘’“”<>=!&|_a-z0-9\\\\\n]{0,120}",
        prop::collection::vec(prop::sample::select(vec![
            "_user.email", "_share.public", "_content.count('x')", "==", "in", "not", "and", "or", "(", ")", "[", "]",
            ",", "'a'", "3", "_share", ".", "§", "true", "<", "_user.isEmailInDomain(", "contains", "starts", "with",
            "ends with", "matches", "'('", "_metadata.existsWithCondition(", "'a.b'", "'>'", "_time.between(", "'08:00'",
        ]), 0..24).prop_map(|words| words.join(" ")),
    ]) {
        let policy = version(1, &text, &[TriggerAction::Share], Effect::Deny);
        if let Err(mistakes) = CompiledPolicy::compile(&policy) {
            prop_assert!(!mistakes.is_empty());
            for mistake in mistakes {
                let place = mistake.position.unwrap();
                prop_assert!(text.is_char_boundary(place.offset));
                prop_assert!(text.is_char_boundary(place.offset + place.length));
            }
        }
    }
}

#[test]
fn a_rule_of_full_length_and_any_shape_is_answered() {
    let whole = |unit: &str| unit.repeat(16 * 1024 / unit.len());
    let nested = |open: &str, close: &str, depth: usize| {
        format!("{}true{}", open.repeat(depth), close.repeat(depth))
    };
    let rows = [
        whole("("),
        whole("!"),
        whole("["),
        whole(")"),
        whole("'"),
        whole("§"),
        whole("1§"),
        whole("1 "),
        whole("_a.b "),
        whole("_user.mail or "),
        whole("_a.b("),
        whole("true or "),
        whole("1 < "),
        format!("{}true", whole("not ")),
        nested("not (", ") == true", 31),
        format!("'a' in [{}]", whole("'b',")),
        format!("_share.pathMatches('{}')", "*#".repeat(400)),
        format!("_share.pathMatches('{}')", "#".repeat(1_000)),
        format!("_share.pathMatches('{}')", "#".repeat(1_001)),
        whole("_share.path contains "),
        format!("_share.path matches '{}'", "(a+)+".repeat(150)),
        format!("_share.path matches '{}'", "(".repeat(900)),
        format!("_share.path matches '{}'", "a{900}".repeat(100)),
        whole("_time.between('08:00', '09:00', 'Europe/Berlim') or "),
        whole("metadata.exists('a.b') and "),
    ];
    let facts = Facts::parse(
        &format!("object_path={}", "a/".repeat(4_000)),
        EventType::Sharing,
    );
    for rule in rows {
        let policy = version(1, &rule, &[TriggerAction::Share], Effect::Deny);
        match CompiledPolicy::compile(&policy) {
            Ok(compiled) => assert_ne!(compiled.explain(&facts.input()).truth, Truth::Unknown),
            Err(mistakes) => assert!(mistakes.len() <= policy::MISTAKES_MAX),
        }
    }
}

#[test]
fn bounds_are_told_by_name() {
    let said = |rule: &str| {
        let policy = version(1, rule, &[TriggerAction::Share], Effect::Deny);
        match CompiledPolicy::compile(&policy) {
            Ok(_) => "taken".to_owned(),
            Err(mistakes) => mistakes[0].message.clone(),
        }
    };
    let list = |items: usize| format!("'a' in [{}]", vec!["'b'"; items].join(","));
    let groups = |depth: usize| format!("{}true{}", "(".repeat(depth), ")".repeat(depth));
    let pattern = |length: usize| format!("_share.pathMatches('{}')", "#".repeat(length));
    let rows = [
        (groups(64), "taken"),
        (groups(65), "the rule is nested deeper than 64 levels"),
        (list(1_000), "taken"),
        (list(1_001), "a list has at most 1000 items"),
        (pattern(1_000), "taken"),
        (
            pattern(1_001),
            "the pattern has 1001 characters; it may have 1000",
        ),
        (format!("true{}", " ".repeat(16_380)), "taken"),
        (
            format!("true{}", " ".repeat(16_381)),
            "the rule has 16385 bytes; it may have 16384",
        ),
    ];
    for (rule, wanted) in rows {
        assert_eq!(said(&rule), wanted);
    }
}
