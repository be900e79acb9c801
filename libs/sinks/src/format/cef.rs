//! Common Event Format. Source: ArcSight Common Event Format Implementation Standard, version 26: prefix of seven
//! fields where `\` and `|` are escaped, extension of `key=value` where `\`, `=` and line ends are.

use super::{Row, present, signature, title};
use crate::{Severity, Told};

const ROWS: &[Row] = &[
    ("externalId", "/finding_info/uid"),
    ("msg", "/message"),
    ("act", "/activity_name"),
    ("cat", "/class_name"),
    ("outcome", "/status"),
    ("suser", "/actor/user/email_addr"),
    ("suid", "/actor/user/uid"),
    ("duser", "/user/email_addr"),
    ("duid", "/user/uid"),
    ("request", "/api/operation"),
    ("reason", "/status_detail"),
    ("fname", "/file/name"),
    ("filePath", "/file/path"),
    ("fileId", "/file/uid"),
    ("deviceExternalId", "/metadata/tenant_uid"),
    ("requestClientApplication", "/metadata/log_provider"),
];

/// Custom strings: number, label and value.
const CUSTOM: &[(u8, &str, &str)] = &[
    (1, "Incident", "/unmapped/number"),
    (2, "Policy", "/finding_info/analytic/name"),
    (3, "Event", "/metadata/event_code"),
    (4, "Visibility", "/unmapped/visibility"),
    (5, "Version", "/metadata/uid"),
    (6, "Detector", "/data_security/detection_pattern"),
];

/// The event in one line.
pub(super) fn line(told: &Told) -> String {
    let mut line = format!(
        "CEF:0|Tidegate|Tidegate|{}|{}|{}|{}|rt={}",
        env!("CARGO_PKG_VERSION"),
        header(&signature(told)),
        header(title(told)),
        severity(told.severity()),
        told.time().timestamp_millis(),
    );
    for (key, value) in present(told, ROWS) {
        push(&mut line, key, value);
    }
    if let Some(ip) = told.text("/src_endpoint/ip") {
        // `src` holds IPv4 only.
        match ip.contains(':') {
            true => {
                push(&mut line, "c6a2", ip);
                push(&mut line, "c6a2Label", "Source IPv6 Address");
            }
            false => push(&mut line, "src", ip),
        }
    }
    for (number, label, pointer) in CUSTOM {
        if let Some(value) = told.text(pointer) {
            push(&mut line, &format!("cs{number}"), value);
            push(&mut line, &format!("cs{number}Label"), label);
        }
    }
    if let Some(revision) = told.number("/metadata/sequence") {
        push(&mut line, "cn1", &revision.to_string());
        push(&mut line, "cn1Label", "Revision");
    }
    line
}

fn push(line: &mut String, key: &str, value: &str) {
    line.push(' ');
    line.push_str(key);
    line.push('=');
    for character in value.chars() {
        match character {
            '\\' => line.push_str("\\\\"),
            '=' => line.push_str("\\="),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            other if other.is_control() => line.push(' '),
            other => line.push(other),
        }
    }
}

fn header(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '\\' => escaped.push_str("\\\\"),
            '|' => escaped.push_str("\\|"),
            other if other.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

fn severity(severity: Severity) -> u8 {
    match severity {
        Severity::Informational => 1,
        Severity::Low => 3,
        Severity::Medium => 5,
        Severity::High => 8,
        Severity::Critical => 10,
    }
}
