//! The pages that people see. Everything that comes from outside is escaped by the templates; the pages run no script and load
//! nothing but their own style sheet.

pub(crate) mod consent;
pub(crate) mod home;

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, StatusCode};

pub(crate) const STYLE: &str = include_str!("../templates/style.css");

/// A page that says what went wrong, and how to get on.
#[derive(Debug, Template)]
#[template(path = "refused.html")]
pub(crate) struct RefusedPage<'a> {
    pub(crate) message: &'a str,
    /// Whether there is a page to go back to.
    pub(crate) back: bool,
}

/// The page with the headers that keep it harmless; `form_target` is the origin that its form may lead to in the end.
pub(crate) fn respond(
    status: StatusCode,
    page: &impl Template,
    form_target: FormTarget<'_>,
) -> Response {
    let html = match page.render() {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(%error, "a page could not be made");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let mut response = (status, Html(html)).into_response();
    let headers = response.headers_mut();
    let form_action = match form_target {
        FormTarget::Own => "; form-action 'self'".to_owned(),
        FormTarget::Origin(origin) => format!("; form-action 'self' {origin}"),
        FormTarget::Unnamed => String::new(),
    };
    let policy = format!(
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'{form_action}"
    );
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Where a page's forms may lead, redirects included.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FormTarget<'a> {
    /// To this service.
    Own,
    /// Here, and from here to this origin.
    Origin(&'a str),
    /// To an origin that a content security policy has no words for (an IPv6 address).
    Unnamed,
}
