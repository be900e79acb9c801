//! The operations of access policies. Whoever may read them may ask what they give whom.

use event_model::Permission::*;

use super::operation::{Operation, PAGED, get, post};

/// Every one of them.
pub(super) const ACCESS: &[Operation] = &[
    get(
        "/quarantine/{id}/content",
        "What the vault holds of it, as access policies let who asks see it: the header `x-tidegate-view` says `plaintext` or `ciphertext`.",
        "string",
    )
    .query(&["version"])
    .media_type("application/octet-stream")
    .needs(QuarantineContent),
    get(
        "/access-policies",
        "Access policies, the oldest first.",
        "Page<AccessPolicyRecord>",
    )
    .query(PAGED)
    .needs(AccessRead),
    post(
        "/access-policies",
        "Makes an access policy; it counts where it is linked.",
        (201, "AccessPolicyRecord"),
    )
    .body("AccessPolicyBody")
    .needs(AccessManage),
    get(
        "/access-policies/{id}",
        "One access policy; its ETag is its version.",
        "AccessPolicyRecord",
    )
    .needs(AccessRead),
    put(
        "/access-policies/{id}",
        "Writes an access policy anew, in every group that has it.",
        "AccessPolicyRecord",
    )
    .body("AccessPolicyBody")
    .if_match()
    .needs(AccessManage),
    Operation::new(
        "delete",
        "/access-policies/{id}",
        "Removes an access policy that no group has.",
        (204, ""),
    )
    .if_match()
    .needs(AccessManage),
    get(
        "/access-policy-groups",
        "Groups of access policies, the oldest first. The one called `vault` holds for everything that the vault holds.",
        "Page<AccessGroupRecord>",
    )
    .query(PAGED)
    .needs(AccessRead),
    post(
        "/access-policy-groups",
        "Makes a group.",
        (201, "AccessGroupRecord"),
    )
    .body("AccessGroupBody")
    .needs(AccessManage),
    get(
        "/access-policy-groups/{id}",
        "One group, its policies in the order added; its ETag is its version.",
        "AccessGroupRecord",
    )
    .needs(AccessRead),
    put(
        "/access-policy-groups/{id}",
        "Writes a group anew.",
        "AccessGroupRecord",
    )
    .body("AccessGroupBody")
    .if_match()
    .needs(AccessManage),
    Operation::new(
        "delete",
        "/access-policy-groups/{id}",
        "Removes a group; its policies stay.",
        (204, ""),
    )
    .if_match()
    .needs(AccessManage),
    get(
        "/access-policy-groups/{id}/policies",
        "The policies of a group, in the order in which they are looked at.",
        "Page<RankedPolicy>",
    )
    .needs(AccessRead),
    put(
        "/access-policy-groups/{id}/policies/{policy_id}",
        "Links a policy behind those that the group has.",
        "AccessGroupRecord",
    )
    .needs(AccessManage),
    Operation::new(
        "delete",
        "/access-policy-groups/{id}/policies/{policy_id}",
        "Takes a policy out of a group.",
        (200, "AccessGroupRecord"),
    )
    .needs(AccessManage),
    post(
        "/access-policy-groups/{id}/explain",
        "Says which policy of a group wins for somebody and why, and which lose.",
        (200, "AccessAnswer"),
    )
    .body("AccessQuestion")
    .needs(AccessRead),
];

const fn put(path: &'static str, summary: &'static str, answer: &'static str) -> Operation {
    Operation::new("put", path, summary, (200, answer))
}
