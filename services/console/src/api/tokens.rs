use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use event_model::{AccountId, ApiToken, Page, Permission};
use schemars::JsonSchema;
use serde::Serialize;

use super::id;
use crate::Shared;
use crate::acts::own::NewToken;
use crate::auth::Actor;
use crate::problem::Problem;
use crate::query::Query;

/// A token and its text, which is shown this once.
#[derive(Serialize, JsonSchema)]
pub(crate) struct NewTokenAnswer {
    token: ApiToken,
    /// What a program sends as `authorization: Bearer …`.
    text: String,
}

/// One's own tokens; everybody's, or one user's, for who sees accounts.
pub(crate) async fn list(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<Json<Page<ApiToken>>, Problem> {
    let mut query = Query::read(&uri, &["user", "limit", "cursor"]);
    let asked: Option<AccountId> = query.parsed("user");
    let request = query.page();
    query.finish(())?;
    let of = match by.may(Permission::AccountsRead) {
        true => asked,
        false => match by.account {
            Some(own) if asked.is_none_or(|asked| asked == own) => Some(own),
            _ => {
                return Ok(Json(Page {
                    items: Vec::new(),
                    next: None,
                }));
            }
        },
    };
    Ok(Json(console.token_page(of, &request).await?))
}

pub(crate) async fn create(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    crate::body::Strict(new): crate::body::Strict<NewToken>,
) -> Result<Response, Problem> {
    let (token, text) = console.create_token(&by, new).await?;
    let place = [(header::LOCATION, format!("/api/v1/tokens/{}", token.id))];
    let text = text.expose().clone();
    Ok((
        StatusCode::CREATED,
        place,
        Json(NewTokenAnswer { token, text }),
    )
        .into_response())
}

pub(crate) async fn revoke(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
) -> Result<Json<ApiToken>, Problem> {
    Ok(Json(console.revoke_token(&by, id(&given)?).await?))
}
