use event_model::Permission::*;

use super::operation::{Operation, PAGED, get, post};

/// The operations of accounts and tokens.
pub(super) const ACCOUNTS: &[Operation] = &[
    get("/me", "Who asks, and what they may.", "Me").known(),
    get("/users", "The accounts, oldest first.", "Page<Account>")
        .query(PAGED)
        .needs(AccountsRead),
    post(
        "/users",
        "Makes an account; answers the link by which its person sets a password.",
        (201, "Invited"),
    )
    .body("NewAccount")
    .needs(AccountsManage),
    get(
        "/users/{id}",
        "One account; its ETag is its revision.",
        "Account",
    )
    .needs(AccountsRead),
    Operation::new(
        "patch",
        "/users/{id}",
        "Changes roles, groups, connections, and whether they may sign in.",
        (200, "Account"),
    )
    .body("AccountChange")
    .if_match()
    .needs(AccountsManage),
    post(
        "/users/{id}/reset",
        "A new link by which the person sets a password.",
        (200, "Invited"),
    )
    .needs(AccountsManage),
    post(
        "/users/{id}/end-sessions",
        "Signs the person out everywhere.",
        (200, "object"),
    )
    .needs(AccountsManage),
    post(
        "/users/{id}/remove-second-factor",
        "For who lost the device and the codes to recover by.",
        (200, "Account"),
    )
    .needs(AccountsManage),
    get(
        "/tokens",
        "One's own tokens; everybody's for who sees accounts.",
        "Page<ApiToken>",
    )
    .query(&["user", "limit", "cursor"])
    .known(),
    post(
        "/tokens",
        "Makes a token; its text is answered this once. Only in a browser's session.",
        (201, "NewTokenAnswer"),
    )
    .body("NewToken")
    .known(),
    post(
        "/tokens/{id}/revoke",
        "Revokes a token for good.",
        (200, "ApiToken"),
    )
    .known(),
];
