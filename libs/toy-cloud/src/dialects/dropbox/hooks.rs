//! The application's one webhook: it says whose files changed and nothing else, and is signed with the application's secret.

use reqwest::{Client, RequestBuilder};
use ring::hmac;
use serde_json::json;
use url::Url;

use crate::clock::Moment;
use crate::model::activity::Kind;
use crate::webhooks::style::{Letter, Parcel};

/// Whether files are kept in the account's folder otherwise than before.
fn changes_files(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::FileCreated
            | Kind::FileUpdated
            | Kind::FileMoved
            | Kind::FileRestored
            | Kind::FileTrashed
            | Kind::FileDeleted
            | Kind::FolderCreated
    )
}

/// The challenge stands in the query of a GET.
pub(super) fn question(
    http: &Client,
    url: &Url,
    _secret: &str,
    challenge: &str,
    _now: Moment,
) -> RequestBuilder {
    let mut asked = url.clone();
    asked.query_pairs_mut().append_pair("challenge", challenge);
    http.get(asked)
}

pub(super) fn letter(parcel: &Parcel<'_>) -> Option<Letter> {
    let activity = parcel.activity;
    if !changes_files(activity.kind) {
        return None;
    }
    let member = format!("dbmid:{}", activity.actor.id);
    let teams = json!({ activity.tenant_id.as_str(): [member] });
    let body = serde_json::to_vec(&json!({"list_folder": {"teams": teams}})).ok()?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, parcel.key);
    let signature = hex::encode(hmac::sign(&key, &body));
    Some(Letter {
        headers: vec![("x-dropbox-signature", signature)],
        body,
    })
}
