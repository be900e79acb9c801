//! Policies that are complied with cost no allocation: the common path of every activity.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use chrono::DateTime;
use event_model::{
    Activity, ConnectionId, Effect, EventId, EventType, Mode, PartyType, PolicyDocument, PolicyId,
    PolicyVersion, Provenance, Severity, Trigger, TriggerAction, Visibility,
};
use policy::{Chain, Circumstances, ContentFacts, ContentState, Coverage, Input, PolicySet};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

#[expect(
    unsafe_code,
    reason = "counts what the system's allocator is asked for, and asks it"
)]
// SAFETY: every call is handed on as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const RULES: &[&str] = &[
    "_share.public",
    "_share.public and _content.count('us-ssn') >= 5",
    "_content.has('us-ssn', 'high') or _content.label('confidential')",
    "_content.kind == 'pdf' or _content.coverage == 'none'",
    "_share.pathStartsWith('/finance/') or _share.pathMatches('/q#/*')",
    "_file.ext in ['xlsx', 'csv'] or _file.extIs('exe')",
    "not _user.isEmailInDomain('example.com')",
    "_share.hasUsersFromDomain('rival.com')",
    "_user.inGroup('Externals') or 'Guests' in _user.groups",
    "_request.inIpV4CidrRange('192.0.2.0/24') or _request.inIpv4Range('10.0.0.1', '10.0.0.9')",
    "_request.remoteCountryCode != 'DE' or _request.agent == 'Unknown'",
    "_activity.target_user_type == 'external' and _activity.role == 'editor'",
    "_activity.actor_email in ['mallory@example.com', 'trudy@example.com']",
    "_metadata.existsWithValue('Security.internal', true) or _metadata.exists('document.Author')",
    "_metadata.existsWithCondition('document.level', '>', 3)",
    "_time.hour('Europe/Berlin') < 6 or _time.weekday() == 'sunday'",
    "_user.email starts with 'ext-' or _file.path matches '/^.secret/'",
    "_user.isMasterAdmin or _user.anonymous",
];

/// What is false, and no index tells.
const UNTOLD: &str = "_share.pathContains('/nowhere/')";

fn version(number: u128, rule: &str) -> PolicyVersion {
    let epoch = DateTime::UNIX_EPOCH;
    PolicyVersion {
        id: PolicyId::new(epoch, number),
        version: 1,
        enabled: true,
        saved_at: epoch,
        document: PolicyDocument {
            name: rule.to_owned(),
            severity: Severity::Medium,
            trigger: Trigger {
                connections: Vec::new(),
                actions: vec![TriggerAction::Share],
            },
            rule: rule.to_owned(),
            effect: Effect::Deny,
            mode: Mode::Enforce,
            notification: None,
            responses: Vec::new(),
            approval: None,
            approvers: None,
            undo_window_minutes: None,
            limit: None,
        },
    }
}

fn activity() -> Activity {
    let mut activity = Activity::bare(
        EventId::new("e-1").expect("it is an id"),
        EventType::Sharing,
    );
    activity.event_timestamp = DateTime::from_timestamp(1_772_445_600, 0);
    activity.visibility = Some(Visibility::Restricted);
    activity.object_path = Some("/team/plan.docx".into());
    activity.object_name = Some("plan.docx".into());
    activity.actor_id = Some("u-1".into());
    activity.actor_role = Some("member".into());
    activity.actor_email = Some("ann@example.com".into());
    activity.actor_ip_address = Some("203.0.113.7".into());
    activity.target_user_email = Some("bob@partner.com".into());
    activity.target_user_type = Some(PartyType::Internal);
    activity.role = Some("viewer".into());
    activity
}

#[test]
fn evaluating_policies_that_are_complied_with_allocates_nothing() {
    // As they are, many are ruled out by one look; with what no look tells, none is.
    let unlooked = RULES.iter().map(|rule| format!("({rule}) or {UNTOLD}"));
    let rules = RULES.iter().map(|rule| (*rule).to_owned()).chain(unlooked);
    let versions: Vec<_> = rules.zip(1..).map(|(rule, n)| version(n, &rule)).collect();
    let (set, refused) = PolicySet::compile(&versions);
    assert!(refused.is_empty(), "{refused:?}");
    let (activity, groups) = (activity(), vec!["Staff".to_owned()]);
    let provenance = Provenance::absent("not sent");
    let facts = ContentFacts {
        more_labels: policy::MoreLabels::None,
        kind: "docx".into(),
        coverage: Coverage::Full,
        counts: [("us-ssn".to_owned(), [2, 2, 0])].into(),
        labels: vec!["Public".into()],
        properties: vec![("level".into(), "2".into())],
    };
    let told = Circumstances {
        agent: Some("Web browser"),
        country: Ok("DE"),
        groups: Some(&groups),
        ..Circumstances::default()
    };
    let input = Input::of(&activity, &provenance, ContentState::Known(&facts)).under(told);
    let connection = ConnectionId::new(DateTime::UNIX_EPOCH, 1);
    let evaluate = || set.evaluate(connection, &input, Chain::Whole);
    let first = evaluate();
    assert_eq!(first.verdict.outcomes, [], "all are complied with");
    assert!(first.evaluated >= RULES.len(), "{}", first.evaluated);
    assert!(first.evaluated < 2 * RULES.len(), "{}", first.evaluated);
    let before = ALLOCATIONS.get();
    for _ in 0..100 {
        assert!(evaluate().verdict.outcomes.is_empty());
    }
    assert_eq!(ALLOCATIONS.get() - before, 0);
}
