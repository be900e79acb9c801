//! A body as a file in a form of several parts (RFC 7578), for services that take content in no other way.

use http::{HeaderMap, HeaderValue, header};
use ring::digest::{SHA256, digest};

use crate::egress::payload::Payload;

/// The headers and the body of a form whose only part is that file. The boundary is made of what is known of
/// the content, and of no more: the same body has the same one at every try.
pub(super) fn wrapped(
    field: &str,
    mut headers: HeaderMap,
    body: Payload,
) -> (HeaderMap, Option<Payload>) {
    let seed = match &body {
        Payload::Whole(bytes) => digest(&SHA256, bytes),
        Payload::Streamed(streamed) => {
            let sha256 = streamed.kept.sha256(&streamed.of).unwrap_or_default();
            digest(&SHA256, sha256.as_bytes())
        }
    };
    let boundary = format!("tidegate-{}", hex::encode(seed));
    let before = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"{field}\"; filename=\"content\"\r\n\
         content-type: application/octet-stream\r\n\r\n"
    );
    let after = format!("\r\n--{boundary}--\r\n");
    let body = match body {
        Payload::Whole(bytes) => {
            Payload::Whole([before.as_bytes(), &bytes, after.as_bytes()].concat())
        }
        Payload::Streamed(mut streamed) => {
            streamed.before = before.into_bytes();
            streamed.after = after.into_bytes();
            Payload::Streamed(streamed)
        }
    };
    let kind = format!("multipart/form-data; boundary={boundary}");
    let kind = HeaderValue::try_from(kind).expect("letters, digits, `-` and `=` fit into a header");
    headers.insert(header::CONTENT_TYPE, kind);
    (headers, Some(body))
}
