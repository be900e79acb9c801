//! How a delivery looks: what is told of an activity, and how it is signed. The service's own style is Standard Webhooks; dialects
//! bring theirs.

use serde::Serialize;
use url::Url;

use super::signer::sign;
use crate::clock::Moment;
use crate::model::activity::Activity;

/// What a delivery is made of.
#[derive(Debug)]
pub(crate) struct Parcel<'a> {
    pub(crate) delivery_id: &'a str,
    pub(crate) webhook_id: &'a str,
    /// Where it goes.
    pub(crate) url: &'a Url,
    pub(crate) activity: &'a Activity,
    /// The registration's key.
    pub(crate) key: &'a [u8],
    pub(crate) now: Moment,
}

/// What is posted.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

/// Writes a delivery; none where the style has nothing to tell of such an activity.
pub(crate) type Style = fn(&Parcel<'_>) -> Option<Letter>;

#[derive(Serialize)]
struct Payload<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: Moment,
    data: &'a Activity,
}

/// Standard Webhooks 1.0.0.
pub(crate) fn standard(parcel: &Parcel<'_>) -> Option<Letter> {
    let payload = Payload {
        kind: parcel.activity.kind.name(),
        timestamp: parcel.activity.occurred_at,
        data: parcel.activity,
    };
    let body = serde_json::to_vec(&payload).ok()?;
    let seconds = parcel.now.unix_seconds();
    let signature = sign(parcel.key, parcel.delivery_id, seconds, &body);
    let headers = vec![
        ("webhook-id", parcel.delivery_id.to_owned()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", signature),
    ];
    Some(Letter { headers, body })
}
