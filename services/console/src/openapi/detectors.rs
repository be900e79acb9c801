use event_model::Permission::*;

use super::operation::{Operation, get, post};

/// The operations of detectors of one's own.
pub(super) const DETECTORS: &[Operation] = &[
    get(
        "/detectors",
        "The detectors of one's own, by name.",
        "DetectorList",
    )
    .needs(PoliciesRead),
    get(
        "/detectors/{name}",
        "One detector; of a table or documents without their hashes.",
        "DetectorItem",
    )
    .needs(PoliciesRead),
    Operation::new(
        "put",
        "/detectors/{name}",
        "Saves a detector: checked together with all others, and in use for the next document.",
        (200, "DetectorEntry"),
    )
    .body("DetectorBody")
    .if_match()
    .needs(PoliciesManage),
    Operation::new(
        "delete",
        "/detectors/{name}",
        "Removes a detector that no policy names.",
        (204, ""),
    )
    .if_match()
    .needs(PoliciesManage),
    post(
        "/detectors/try",
        "What detectors find in a text, masked: all of them, or one that need not be saved.",
        (200, "TryAnswer"),
    )
    .body("TryBody")
    .needs(PoliciesTry),
];
