//! What is said of a policy document before it is saved.

use event_model::{
    ApprovalRule, Effect, Limit, PolicyDocument, Response, ResponseKind, TriggerAction, Whom,
};
use policy::{Mistake, check};

use crate::facts::version;

const DETECTORS: &[&str] = &["us-ssn", "credit-card", "iban"];

fn document() -> PolicyDocument {
    let mut document = version(
        1,
        "_content.has('us-ssn')",
        &[TriggerAction::Share],
        Effect::Deny,
    )
    .document;
    document.responses = vec![
        Response::plain(ResponseKind::Incident),
        Response::plain(ResponseKind::RemoveLink),
        Response {
            to: vec![
                "soc@example.com".into(),
                "actor".into(),
                "o'hara+x@sub.example.co.uk".into(),
            ],
            ..Response::plain(ResponseKind::Notify)
        },
        Response {
            role: Some("viewer".into()),
            ..Response::plain(ResponseKind::DowngradeRole)
        },
    ];
    document.notification = Some(
        "<p>Do not share this.<br/><a href=\"https://example.com/why\">Why?</a></p> 1 &lt; 2"
            .into(),
    );
    document
}

fn everything(_: ResponseKind) -> Option<String> {
    None
}

fn said(mistakes: &[Mistake]) -> Vec<String> {
    let said = mistakes.iter().map(|mistake| {
        let place = mistake
            .position
            .map(|place| format!(" {}:{}", place.line, place.column));
        let hint = mistake.hint.as_ref().map(|hint| format!(" ({hint})"));
        format!(
            "{}{} {}{}",
            mistake.field,
            place.unwrap_or_default(),
            mistake.message,
            hint.unwrap_or_default()
        )
    });
    said.collect()
}

#[test]
fn a_sound_policy_has_no_mistakes() {
    assert_eq!(said(&check(&document(), DETECTORS, everything)), [""; 0]);
}

#[test]
fn every_mistake_is_found_where_it_is() {
    type Change = fn(&mut PolicyDocument);
    let rows: &[(Change, &[&str])] = &[
        (|d| d.name = "  ".into(), &["/name the policy has no name"]),
        (
            |d| d.name = "n".repeat(201),
            &["/name the name has 201 bytes; it may have 200"],
        ),
        (
            |d| d.name = "a\u{7}b".into(),
            &["/name the name has control characters"],
        ),
        (
            |d| d.trigger.actions.clear(),
            &["/trigger/actions the policy watches no action"],
        ),
        (
            |d| d.rule = "_content.has('us-sn')".into(),
            &["/rule 1:14 there is no detector `us-sn` (did you mean `us-ssn`?)"],
        ),
        (
            |d| d.rule = "_content.count('passport') > 1 or _share.publik".into(),
            &[
                "/rule 1:16 there is no detector `passport`",
                "/rule 1:35 there is no `_share.publik` (did you mean `_share.public`?)",
            ],
        ),
        (
            |d| d.rule = "_share.onlyUsersFromDomain('a.com')".into(),
            &["/rule 1:1 `_share.onlyUsersFromDomain` is for effect ALLOW only"],
        ),
        (
            |d| d.rule = String::new(),
            &["/rule 1:1 the rule is empty (write `true` for a rule that always holds)"],
        ),
        (
            |d| d.notification = Some("n".repeat(4_097)),
            &["/notification the message has 4097 bytes; it may have 4096"],
        ),
        (
            |d| d.notification = Some("<script>alert(1)</script>".into()),
            &["/notification `<script>` is not taken: only <a>, <br> and <p> are"],
        ),
        (
            |d| d.notification = Some("<p onclick=\"x()\">".into()),
            &["/notification `<p onclick=\"x()\">` may have no attributes"],
        ),
        (
            |d| d.notification = Some("<a href=\"javascript:x\">".into()),
            &[
                "/notification `href=\"javascript:x\"` is not taken: a link is `<a href=\"https://…\">`",
            ],
        ),
        (
            |d| d.notification = Some("<a href=\"https://x.com\" style=\"x\">".into()),
            &[
                "/notification `href=\"https://x.com\" style=\"x\"` is not taken: a link is `<a href=\"https://…\">`",
            ],
        ),
        (
            |d| d.notification = Some("1 < 2".into()),
            &["/notification `<` opens a tag that is not closed; write `&lt;` for the sign"],
        ),
        (
            |d| d.responses[2].to.clear(),
            &["/responses/2/to `notify` has no one to tell"],
        ),
        (
            |d| d.responses[2].to[1] = "no one".into(),
            &[
                "/responses/2/to/1 `no one` is not an e-mail address (an address, or one of the words `actor` and `owner`)",
            ],
        ),
        (
            |d| d.responses[2].to[0] = "a@b.com\r\nBcc: c@d.com".into(),
            &[
                "/responses/2/to/0 `a@b.com\\r\\nBcc: c@d.com` is not an e-mail address (an address, or one of the words `actor` and `owner`)",
            ],
        ),
        (
            |d| d.responses[1].to = vec!["actor".into()],
            &["/responses/1/to `remove_link` tells no one: `to` belongs to `notify`"],
        ),
        (
            |d| d.responses[3].role = None,
            &["/responses/3/role the lesser role is missing"],
        ),
        (
            |d| d.responses[3].role = Some(" ".into()),
            &["/responses/3/role the lesser role is missing"],
        ),
        (
            |d| d.responses[1].role = Some("viewer".into()),
            &["/responses/1/role `remove_link` gives no role: `role` belongs to `downgrade_role`"],
        ),
        (
            |d| d.responses[1] = Response::plain(ResponseKind::ApplyLabel),
            &["/responses/1/label the label is missing"],
        ),
        (
            |d| d.responses[1].label = Some("Secret".into()),
            &["/responses/1/label `remove_link` has no `label`: it belongs to `apply_label`"],
        ),
        (
            |d| {
                d.responses[1] = Response {
                    label: Some("a\u{7}".into()),
                    ..Response::plain(ResponseKind::ApplyLabel)
                }
            },
            &["/responses/1/label the label has control characters"],
        ),
        (
            |d| d.responses[3] = Response::plain(ResponseKind::ExpireLink),
            &["/responses/3/after_hours after how many hours the link ends is missing"],
        ),
        (
            |d| {
                d.responses[3] = Response {
                    after_hours: Some(0),
                    ..Response::plain(ResponseKind::ExpireLink)
                }
            },
            &["/responses/3/after_hours 0 hours; there may be 1 to 8760"],
        ),
        (
            |d| d.responses[3] = Response::plain(ResponseKind::SetLinkScope),
            &[
                "/responses/3/scope whom the link is still for is missing: `people_in_company` or `specific_people`",
            ],
        ),
        (
            |d| {
                d.responses[3] = Response {
                    new_owner: Some("the boss".into()),
                    ..Response::plain(ResponseKind::TransferOwner)
                }
            },
            &["/responses/3/new_owner `the boss` is not an e-mail address"],
        ),
        (
            |d| {
                d.responses[3] = Response {
                    whom: Some(Whom::Actor),
                    ..Response::plain(ResponseKind::MakePrivate)
                }
            },
            &[
                "/responses/3/whom `make_private` has no `whom`: it belongs to `suspend_user` and `end_sessions`",
            ],
        ),
        (
            |d| {
                d.trigger.actions = vec![TriggerAction::Login];
                d.responses = vec![Response::plain(ResponseKind::EndSessions)];
                d.rule = "true".into();
                d.notification = None;
            },
            &["/responses/0/whom which user is missing: `actor` or `target`"],
        ),
        (
            |d| d.trigger.actions.push(TriggerAction::Login),
            &[
                "/rule 1:1 `_content.has` does not exist for login (it exists for download, share, upload, update, delete)",
                "/responses/1 `remove_link` cannot be done for login: it acts on no content",
                "/responses/3 `downgrade_role` cannot be done for login: it acts on no content",
            ],
        ),
        (
            |d| d.approvers = Some(3),
            &[
                "/approvers `approvers` has no effect: `approval` asks nobody",
                "/approvers 3; it may be 1 to 2",
            ],
        ),
        (
            |d| {
                d.approval = Some(ApprovalRule::Required);
                d.undo_window_minutes = Some(20_000);
                d.limit = Some(Limit {
                    actions: 0,
                    per_hours: 721,
                });
            },
            &[
                "/undo_window_minutes 20000; it may be 1 to 10080",
                "/limit/actions 0; it may be 1 to 1000000",
                "/limit/per_hours 721; it may be 1 to 720",
            ],
        ),
        (
            |d| {
                d.trigger.actions = vec![TriggerAction::Login];
                d.rule = "_request.isAdminLogin".into();
                d.responses.clear();
            },
            &[
                "/notification a login shows no message, and the policy watches nothing else (leave it out)",
            ],
        ),
        (
            |d| d.responses = vec![Response::plain(ResponseKind::Delete); 17],
            &["/responses the policy has 17 responses; it may have 16"],
        ),
    ];
    for (change, wanted) in rows {
        let mut document = document();
        change(&mut document);
        assert_eq!(said(&check(&document, DETECTORS, everything)), *wanted);
    }
}

#[test]
fn a_response_that_the_service_cannot_do_is_refused() {
    let cannot =
        |kind| (kind == ResponseKind::DowngradeRole).then(|| "`toy` has no roles".to_owned());
    assert_eq!(
        said(&check(&document(), DETECTORS, cannot)),
        ["/responses/3 `downgrade_role` cannot be done: `toy` has no roles"]
    );
}

#[test]
fn mistakes_have_a_stable_form_for_programs() {
    let mut document = document();
    document.rule = "true and\n  _share.publik".into();
    document.responses[3].role = None;
    let mistakes = check(&document, DETECTORS, everything);
    insta::assert_json_snapshot!(mistakes);
    let lines: Vec<String> = mistakes.iter().map(Mistake::to_string).collect();
    assert_eq!(
        lines,
        [
            "/rule, line 2, column 3: there is no `_share.publik` (did you mean `_share.public`?)",
            "/responses/3/role: the lesser role is missing",
        ]
    );
}
