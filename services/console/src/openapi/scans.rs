use event_model::Permission::*;

use super::operation::{Operation, get, post};

/// The operations of scans. Whoever may change policies may scan: what a scan does, policies do.
pub(super) const SCANS: &[Operation] = &[
    get("/scans", "Scans, newest first.", "Page<ScanItem>")
        .query(&["connection", "limit", "cursor"])
        .needs(PoliciesManage),
    post(
        "/scans",
        "Scans what exists already: a preview counts, acting records incidents and carries out responses.",
        (202, "ScanItem"),
    )
    .body("ScanAsk")
    .needs(PoliciesManage),
    get(
        "/scans/{id}",
        "One scan, how far it is, and what it found so far.",
        "ScanItem",
    )
    .needs(PoliciesManage),
    post("/scans/{id}/pause", "Pauses a scan.", (200, "ScanItem")).needs(PoliciesManage),
    post(
        "/scans/{id}/resume",
        "Goes on with a scan that is paused, or stands still after so many actions.",
        (200, "ScanItem"),
    )
    .needs(PoliciesManage),
    post(
        "/scans/{id}/cancel",
        "Ends a scan; what it planned stays planned.",
        (200, "ScanItem"),
    )
    .needs(PoliciesManage),
];
