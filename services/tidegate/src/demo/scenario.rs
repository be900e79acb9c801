use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Api;
use crate::cli::Stream;
use crate::say;

const CUSTOMERS: &[u8] = include_bytes!("../../../../libs/inspect/samples/customers.docx");
const PAYROLL: &[u8] = include_bytes!("../../../../libs/inspect/samples/payroll.csv");
const BROCHURE: &[u8] = include_bytes!("../../../../libs/inspect/samples/brochure.pdf");

/// A document that a user uploads.
struct Document {
    name: &'static str,
    bytes: &'static [u8],
    mime_type: &'static str,
}

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

/// Plays it; gives the number of incidents that it must cause.
pub(super) async fn play(toy: &Api) -> anyhow::Result<usize> {
    let customers = Document {
        name: "customers.docx",
        bytes: CUSTOMERS,
        mime_type: DOCX,
    };
    let file = upload(toy, "acme", "alice", &customers).await?;
    act(toy, json!({"tenant": "acme", "user": "alice", "do": "link", "file_id": file, "visibility": "public", "role": "viewer"})).await?;
    say(
        "  Acme    alice uploads customers.docx (payment cards) and makes a public link",
        Stream::Out,
    );

    let payroll = Document {
        name: "payroll.csv",
        bytes: PAYROLL,
        mime_type: "text/csv",
    };
    let file = upload(toy, "globex", "bob", &payroll).await?;
    act(toy, json!({"tenant": "globex", "user": "bob", "do": "share", "file_id": file, "with": "gus@partner.example", "role": "editor"})).await?;
    say(
        "  Globex  bob uploads payroll.csv (social security numbers) and shares it with gus@partner.example",
        Stream::Out,
    );

    let brochure = Document {
        name: "brochure.pdf",
        bytes: BROCHURE,
        mime_type: "application/pdf",
    };
    let file = upload(toy, "acme", "carol", &brochure).await?;
    act(toy, json!({"tenant": "acme", "user": "carol", "do": "link", "file_id": file, "visibility": "public", "role": "viewer"})).await?;
    say(
        "  Acme    carol uploads brochure.pdf (harmless) and makes a public link",
        Stream::Out,
    );
    // Cards behind a public link; numbers outside; and the watched public link of each of the two.
    Ok(4)
}

async fn upload(
    toy: &Api,
    tenant: &str,
    user: &str,
    document: &Document,
) -> anyhow::Result<String> {
    let done = act(
        toy,
        json!({
            "tenant": tenant,
            "user": user,
            "do": "upload",
            "name": document.name,
            "mime_type": document.mime_type,
            "content_base64": STANDARD.encode(document.bytes),
            "ip": "203.0.113.7",
            "user_agent": "Web browser",
        }),
    )
    .await?;
    done["file_id"]
        .as_str()
        .map(str::to_owned)
        .context("the upload gave no file id")
}

async fn act(toy: &Api, what: Value) -> anyhow::Result<Value> {
    toy.post("/control/act", &what).await
}
