//! Log Event Extended Format. Source: IBM QRadar, "LEEF event components", version 2.0: a prefix of six fields, the
//! last of which names the delimiter, and `key=value` between delimiters. There is no escape, so a delimiter
//! in a value becomes a space.

use super::{Row, present, title};
use crate::{Severity, Told};

const DELIMITER: char = '^';

const ROWS: &[Row] = &[
    ("cat", "/class_name"),
    ("usrName", "/actor/user/email_addr"),
    ("target", "/user/email_addr"),
    ("operation", "/api/operation"),
    ("detail", "/status_detail"),
    ("identSrc", "/src_endpoint/ip"),
    ("src", "/src_endpoint/ip"),
    ("policy", "/finding_info/analytic/name"),
    ("resource", "/file/name"),
    ("filePath", "/file/path"),
    ("domain", "/metadata/tenant_uid"),
    ("service", "/metadata/log_provider"),
    ("serviceEvent", "/metadata/event_code"),
    ("status", "/status"),
    ("activity", "/activity_name"),
    ("incident", "/unmapped/number"),
    ("incidentId", "/finding_info/uid"),
    ("version", "/metadata/uid"),
    ("visibility", "/unmapped/visibility"),
    ("detector", "/data_security/detection_pattern"),
    ("msg", "/message"),
];

/// The event in one line.
pub(super) fn line(told: &Told) -> String {
    let mut line = format!(
        "LEEF:2.0|Tidegate|Tidegate|{}|{}|{DELIMITER}|devTime={}{DELIMITER}devTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ{DELIMITER}sev={}",
        env!("CARGO_PKG_VERSION"),
        clean(title(told), '|'),
        told.time().format("%Y-%m-%dT%H:%M:%S%.3f%z"),
        severity(told.severity()),
    );
    for (key, value) in present(told, ROWS) {
        line.push(DELIMITER);
        line.push_str(key);
        line.push('=');
        line.push_str(&clean(value, DELIMITER));
    }
    line
}

fn clean(value: &str, delimiter: char) -> String {
    let space = |c: char| {
        if c == delimiter || c.is_control() {
            ' '
        } else {
            c
        }
    };
    value.chars().map(space).collect()
}

/// 1 to 10. Source: LEEF attribute `sev`.
fn severity(severity: Severity) -> u8 {
    match severity {
        Severity::Informational => 1,
        Severity::Low => 3,
        Severity::Medium => 5,
        Severity::High => 8,
        Severity::Critical => 10,
    }
}
