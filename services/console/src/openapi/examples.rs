//! Examples of what requests and answers hold, by the name of their schema: as the description of the API shows them.

use serde_json::{Value, json};

/// An example of that schema, as a request or an answer may look; `null` where a schema says enough.
pub(super) fn of(schema: &str) -> Value {
    match schema {
        "NewConnection" => json!({
            "service": "toy-cloud",
            "name": "Toy Cloud, headquarters",
            "params": { "domain": "example.com" },
            "client": { "id": "tidegate", "secret": "…" },
            "base_url": "http://127.0.0.1:9090"
        }),
        "EnableBody" => json!({ "feed": "auto" }),
        "NewWebhookSecret" => {
            json!({ "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "keep_old_s": 3600 })
        }
        "AuthorizeAnswer" => json!({
            "authorize_url": "https://cloud.example/oauth/authorize?client_id=tidegate&state=…"
        }),
        "NewAccount" => json!({ "name": "ada", "roles": ["analyst"], "groups": ["soc"] }),
        "AccountChange" => json!({ "roles": ["reviewer"], "enabled": true }),
        "NewToken" => json!({
            "name": "SIEM", "permissions": ["incidents_read", "incidents_export"], "days": 90
        }),
        "Attempt" => attempt(),
        "AttemptBatch" => json!({ "attempts": [attempt()] }),
        "PolicyDocument" => policy(),
        "PolicyVersion" => {
            let mut version = policy();
            version["id"] = json!("pol_01JDYZ3E8V7Q2M5N9T0R4W6XBC");
            version["version"] = json!(1);
            version["enabled"] = json!(true);
            version["saved_at"] = json!("2026-01-31T09:30:00.000Z");
            version
        }
        "ReplayBody" => json!({
            "policy": "pol_01JDYZ3E8V7Q2M5N9T0R4W6XBC",
            "document": policy(),
            "from": "2026-01-01T00:00:00Z",
            "to": "2026-01-31T00:00:00Z"
        }),
        "ScanAsk" => json!({
            "connection": "conn_01JDYZ3E8V7Q2M5N9T0R4W6XBC",
            "kind": "shares",
            "mode": "preview",
            "path": "/Finance",
            "actions_max": 100,
            "budget_percent": 20
        }),
        "CheckAnswer" => json!({ "mistakes": [mistake()] }),
        "Problem" => json!({
            "type": "urn:tidegate:error:TG-041",
            "title": "Unprocessable Entity",
            "status": 422,
            "detail": "the policy has mistakes, see `errors`",
            "code": "TG-041",
            "errors": [mistake()]
        }),
        _ => of_work(schema),
    }
}

/// An example of what people do with incidents.
fn of_work(schema: &str) -> Value {
    match schema {
        "RulingBody" => {
            json!({ "status": "resolved", "verdict": "benign", "comment": "the link was meant for the press" })
        }
        "ExceptionBody" => json!({
            "policy_id": "pol_01JDYZ3E8V7Q2M5N9T0R4W6XBC",
            "matches": { "path_like": "/press/*" },
            "owner": "ada",
            "reason": "the press kit is meant to be public",
            "expires_at": "2026-12-31T00:00:00Z"
        }),
        "AccessPolicyBody" => json!({
            "name": "payroll", "group": "hr", "process": "/opt/payroll/run", "access": "ReadWrite"
        }),
        "AccessGroupBody" => json!({
            "name": "vault", "os_type": "Linux", "encrypt_data": true, "default_access": "NoAccess",
            "policies": ["acp_01JDYZ3E8V7Q2M5N9T0R4W6XBC"]
        }),
        "AccessQuestion" => json!({
            "user": "ada", "member_of": ["hr"], "process": "/bin/cat", "parents": ["/opt/payroll/run"]
        }),
        "ViewBody" => {
            json!({ "name": "My open cards", "shared": false, "query": "owner=ada&tag=cards" })
        }
        "WorkBody" => json!({
            "matching": "status=new&severity=low&policy=pol_01JDYZ3E8V7Q2M5N9T0R4W6XBC",
            "change": { "status": "in_progress", "owner": "ada", "add_tags": ["campaign-7"] }
        }),
        _ => super::sinks::example(schema),
    }
}

fn policy() -> Value {
    json!({
        "name": "No card numbers on public links",
        "severity": "high",
        "trigger": { "connections": [], "actions": ["share"] },
        "rule": "_share.public and _content.count('credit-card') >= 1",
        "effect": "DENY",
        "mode": "enforce",
        "notification": "Files with card numbers must not be public.",
        "responses": [{ "kind": "remove_link" }, { "kind": "quarantine" }]
    })
}

fn attempt() -> Value {
    json!({
        "service": "nextcloud",
        "action": "share",
        "activity": {
            "actor_email": "ann@example.com",
            "actor_ip_address": "203.0.113.7",
            "object_path": "/finance/cards.xlsx",
            "visibility": "public"
        },
        "request": { "user_agent": "Mozilla/5.0 (X11; Linux x86_64)" },
        "user": { "groups": ["Finance"] },
        "content": { "matches": { "credit-card": 12 }, "labels": ["Internal"] },
        "idempotency_key": "share-4711"
    })
}

fn mistake() -> Value {
    json!({
        "field": "/rule",
        "message": "there is no `_share.pubic`",
        "hint": "did you mean `_share.public`?",
        "line": 1, "column": 1, "offset": 0, "length": 12
    })
}
