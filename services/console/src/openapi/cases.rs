//! The operations about people's work: many incidents at once, exceptions, kept views, verdicts.

use event_model::Permission::*;

use super::operation::{Operation, get, post};

/// Every one of them.
pub(super) const CASES: &[Operation] = &[
    post(
        "/incidents/work",
        "Changes many incidents: some that are named, or all that match. Each is changed or refused for itself.",
        (200, "WorkAnswer"),
    )
    .body("WorkBody")
    .needs(IncidentsWork),
    get(
        "/policies/verdicts",
        "What people concluded of each policy's incidents, and how precise that makes it.",
        "Page<PolicyVerdictsItem>",
    )
    .needs(StatsRead),
    get(
        "/exceptions",
        "What is let be, newest first.",
        "Page<Exception>",
    )
    .query(&["policy", "in_use", "limit", "cursor"])
    .needs(PoliciesRead),
    post(
        "/exceptions",
        "Lets a person, an object or a pattern be that violates a policy, until a moment.",
        (201, "Exception"),
    )
    .body("ExceptionBody")
    .needs(PoliciesManage),
    get("/exceptions/{id}", "One exception.", "Exception").needs(PoliciesRead),
    post(
        "/exceptions/{id}/end",
        "Ends an exception before its time.",
        (200, "Exception"),
    )
    .needs(PoliciesManage),
    get(
        "/views",
        "Kept views of the incidents: one's own, and those that are shared.",
        "Page<SavedView>",
    )
    .needs(IncidentsRead),
    post("/views", "Keeps a view.", (201, "SavedView"))
        .body("ViewBody")
        .needs(IncidentsRead),
    Operation::new(
        "delete",
        "/views/{id}",
        "Forgets a view of one's own.",
        (204, ""),
    )
    .needs(IncidentsRead),
];
