//! What the pages and their forms need; what is outside the API's version stands here, too. Acts that
//! share a route have a row each.

use super::Needs;
use event_model::Permission::*;

const fn may(permission: event_model::Permission) -> Needs {
    Needs::May(permission)
}

/// Method, path, need.
pub(super) const ROWS: &[(&str, &str, Needs)] = &[
    ("post", "/v1/data/tidegate/{document}", may(DecisionsAsk)),
    ("get", "/login", Needs::Nothing),
    ("post", "/login", Needs::Nothing),
    ("get", "/login/code", Needs::Nothing),
    ("post", "/login/code", Needs::Nothing),
    ("get", "/welcome/{link}", Needs::Nothing),
    ("post", "/welcome/{link}", Needs::Nothing),
    ("get", "/oauth/callback", Needs::Nothing),
    ("get", "/assets/{hash}/{file}", Needs::Nothing),
    ("post", "/logout", Needs::Known),
    ("get", "/account", Needs::Known),
    ("post", "/account/password", Needs::Known),
    ("get", "/account/second-factor", Needs::Known),
    ("post", "/account/second-factor", Needs::Known),
    ("post", "/account/second-factor/remove", Needs::Known),
    ("post", "/account/sessions/end", Needs::Known),
    ("post", "/account/sessions/{id}/end", Needs::Known),
    ("post", "/account/tokens", Needs::Known),
    ("post", "/tokens/{id}/revoke", Needs::Known),
    ("get", "/users", may(AccountsRead)),
    ("post", "/users", may(AccountsManage)),
    ("get", "/users/{id}", may(AccountsRead)),
    ("post", "/users/{id}/save", may(AccountsManage)),
    ("post", "/users/{id}/reset", may(AccountsManage)),
    ("post", "/users/{id}/enable", may(AccountsManage)),
    ("post", "/users/{id}/disable", may(AccountsManage)),
    ("post", "/users/{id}/end-sessions", may(AccountsManage)),
    (
        "post",
        "/users/{id}/remove-second-factor",
        may(AccountsManage),
    ),
    ("get", "/", may(IncidentsRead)),
    ("post", "/incidents/work", may(IncidentsWork)),
    ("get", "/incidents/{id}", may(IncidentsRead)),
    ("post", "/incidents/{id}/status", may(IncidentsWork)),
    ("post", "/remedies/{id}/undo", may(RemediesAsk)),
    ("post", "/remedies/{id}/retry", may(RemediesAsk)),
    ("post", "/remedies/{id}/cancel", may(RemediesCancel)),
    ("post", "/remedies/{id}/approve", may(RemediesApprove)),
    ("post", "/remedies/{id}/continue", may(RemediesApprove)),
    ("post", "/remedies/{id}/drop", may(RemediesApprove)),
    ("get", "/connections", may(ConnectionsRead)),
    ("post", "/connections", may(ConnectionsManage)),
    ("get", "/connections/{id}", may(ConnectionsRead)),
    (
        "post",
        "/connections/{id}/authorize",
        may(ConnectionsManage),
    ),
    ("post", "/connections/{id}/enable", may(ConnectionsManage)),
    ("post", "/connections/{id}/disable", may(ConnectionsManage)),
    ("post", "/connections/{id}/health", may(ConnectionsManage)),
    (
        "post",
        "/connections/{id}/webhook-secret",
        may(ConnectionsManage),
    ),
    ("get", "/activity", may(ActivitiesRead)),
    ("get", "/policies", may(PoliciesRead)),
    ("post", "/policies", may(PoliciesManage)),
    ("get", "/policies/new", may(PoliciesRead)),
    ("get", "/policies/{id}", may(PoliciesRead)),
    ("post", "/policies/{id}", may(PoliciesManage)),
    ("post", "/policies/{id}/enable", may(PoliciesManage)),
    ("post", "/policies/{id}/disable", may(PoliciesManage)),
    ("get", "/replays/{id}", may(PoliciesTry)),
    ("post", "/replays/{id}/cancel", may(PoliciesTry)),
    ("get", "/quarantine", may(QuarantineRead)),
    ("post", "/quarantine/{id}/restore", may(QuarantineRestore)),
    ("post", "/quarantine/{id}/delete", may(QuarantineDelete)),
];
