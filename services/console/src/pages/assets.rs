use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use ring::digest::{SHA256, digest};

/// A file that pages load, named by its content: it never changes under its name.
struct Asset {
    name: &'static str,
    media_type: &'static str,
    content: &'static str,
}

const ASSETS: [Asset; 2] = [
    Asset {
        name: "console.css",
        media_type: "text/css; charset=utf-8",
        content: include_str!("../../assets/console.css"),
    },
    Asset {
        name: "console.js",
        media_type: "text/javascript; charset=utf-8",
        content: include_str!("../../assets/console.js"),
    },
];

static HASHES: LazyLock<[String; 2]> = LazyLock::new(|| {
    ASSETS.map(|asset| {
        let digest = digest(&SHA256, asset.content.as_bytes());
        hex::encode(&digest.as_ref()[..8])
    })
});

/// Where the asset of that name is served.
pub(super) fn path(name: &str) -> String {
    let index = ASSETS.iter().position(|asset| asset.name == name);
    let hash = &HASHES[index.expect("pages name only assets that exist")];
    format!("/assets/{hash}/{name}")
}

pub(super) async fn serve(Path((hash, file)): Path<(String, String)>) -> Response {
    let assets = ASSETS.iter().zip(HASHES.iter());
    let mut named = assets.filter(|(asset, known)| asset.name == file && **known == hash);
    let Some((asset, _)) = named.next() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, asset.media_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, asset.content).into_response()
}
