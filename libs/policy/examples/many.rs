//! How long one activity takes against more and more policies, nothing violated: `cargo run --release -p policy --example
//! many [ROUNDS]`. The rules are those of `tidegate bench rules`, half of which no field's whole value rules out.
#![expect(clippy::print_stdout, reason = "an example says what it saw")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]
#![expect(clippy::unwrap_used, reason = "an example may panic")]

use std::time::Instant;

use chrono::DateTime;
use event_model::{
    Activity, ConnectionId, Effect, EventId, EventType, Mode, PartyType, PolicyDocument, PolicyId,
    PolicyVersion, Provenance, Severity, Trigger, TriggerAction, Visibility,
};
use policy::{Chain, Circumstances, ContentState, Input, PolicySet};

const RULES: &[&str] = &[
    "_activity.object_path == '/projects/secret-{n}' and _activity.actor_email != 'owner-{n}@acme.example'",
    "_activity.actor_email in ['mallory-{n}@acme.example', 'trudy-{n}@acme.example'] and _share.public",
    "_share.public and _share.pathStartsWith('/finance-{n}/')",
    "_user.email == 'leaver-{n}@acme.example' and _activity.target_user_type == 'external'",
    "_share.pathStartsWith('/finance-{n}/') and _file.extIs('xlsx', 'csv')",
    "_user.isEmailInDomain('contractor-{n}.example') or _share.hasUsersFromDomain('rival-{n}.example')",
    "_request.inIpV4CidrRange('198.51.100.0/24') and _file.fileNameContains('plan-{n}')",
    "_file.path contains '/archive-{n}/' or _time.hour('Europe/Berlin') > 24",
    "_file.fileNameContains('plan-{n}') and _user.inGroup('Contractors')",
    "_share.pathMatches('/projects/*/secret-{n}/*')",
    "_user.isEmailInDomain('*.contractor-{n}.example')",
    "_activity.actor_email ends with '@rival-{n}.example' or _file.ext == 'exe'",
    "_file.pathContains('/board-{n}/') and not _user.isEmailInDomain('acme.example')",
    "_request.agent == 'Cloud Sync' and _file.pathContains('/plans-{n}/')",
];

fn version(n: usize) -> PolicyVersion {
    let epoch = DateTime::UNIX_EPOCH;
    PolicyVersion {
        id: PolicyId::new(epoch, n as u128),
        version: 1,
        enabled: true,
        saved_at: epoch,
        document: PolicyDocument {
            name: format!("Policy {n}"),
            severity: Severity::Medium,
            trigger: Trigger {
                connections: Vec::new(),
                actions: vec![TriggerAction::Share],
            },
            rule: RULES[n % RULES.len()].replace("{n}", &n.to_string()),
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
    let mut activity = Activity::bare(EventId::new("e").unwrap(), EventType::Sharing);
    activity.event_timestamp = DateTime::from_timestamp(1_772_445_600, 0);
    activity.actor_email = Some("alice@acme.example".into());
    activity.actor_ip_address = Some("203.0.113.7".into());
    activity.object_name = Some("third quarter results, final.docx".into());
    activity.object_path = Some("/alice/reports/2026/third quarter results, final.docx".into());
    activity.target_user_email = Some("gus@partner.example".into());
    activity.target_user_type = Some(PartyType::Internal);
    activity.visibility = Some(Visibility::Restricted);
    activity
}

fn main() {
    let rounds = std::env::args().nth(1);
    let rounds: u32 = rounds.and_then(|text| text.parse().ok()).unwrap_or(20_000);
    let (activity, provenance) = (activity(), Provenance::absent("not sent"));
    let groups = ["Staff".to_owned(), "Sales".to_owned()];
    let told = Circumstances {
        agent: Some("Chrome"),
        groups: Some(&groups),
        ..Circumstances::default()
    };
    let input = Input::of(&activity, &provenance, ContentState::NotFetched).under(told);
    let connection = ConnectionId::new(DateTime::UNIX_EPOCH, 1);
    println!("policies   us/activity   evaluated");
    for count in [1, 10, 100, 1_000] {
        let versions: Vec<_> = (0..count).map(version).collect();
        let (set, refused) = PolicySet::compile(&versions);
        assert!(refused.is_empty(), "{refused:?}");
        let began = Instant::now();
        let mut evaluated = 0;
        for _ in 0..rounds {
            let evaluation = set.evaluate(connection, std::hint::black_box(&input), Chain::Whole);
            assert!(evaluation.verdict.outcomes.is_empty());
            evaluated = evaluation.evaluated;
        }
        let each = began.elapsed().as_secs_f64() * 1e6 / f64::from(rounds);
        println!("{count:>8} {each:>13.2} {evaluated:>11}");
    }
}
