use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use event_model::Secret;

use super::login::{inside, next_of};
use super::{Page, come_again, see};
use crate::Shared;
use crate::acts::sign_on::SignOnAnswer;
use crate::auth::{Visitor, cookie_of};
use crate::problem::Problem;

/// The cookie with the page to go on to.
const NEXT: &str = "tidegate_next";
/// Longest value that a provider may send back, in bytes.
const VALUE_BYTES_MAX: usize = 8 * 1024;

/// Sends the browser to the provider.
pub(super) async fn begin(State(console): State<Shared>, uri: Uri) -> Page {
    let (address, tie) = console.begin_sign_on().await?;
    let next = next_of(&uri);
    let next =
        percent_encoding::utf8_percent_encode(inside(&next), percent_encoding::NON_ALPHANUMERIC);
    let next = format!("{NEXT}={next}; Path=/login/sso; Max-Age=600; HttpOnly; SameSite=Lax");
    let mut response = see(address);
    keep(&mut response, &[tie, next]);
    Ok(response)
}

/// Takes what the provider sends back. The browser comes from another site, so that our own cookies of the
/// strict kind are sent only when it comes again from here.
pub(super) async fn callback(State(console): State<Shared>, request: Request) -> Page {
    let parts = request.into_parts().0;
    let visitor = Visitor::of(&parts);
    let answer = read(&parts.uri);
    let came = console
        .finish_sign_on(answer, &parts.headers, &visitor)
        .await?;
    let next = cookie_of(&parts.headers, NEXT).unwrap_or_default();
    let next = percent_encoding::percent_decode_str(next).decode_utf8_lossy();
    let mut response = come_again(inside(&next));
    let forget = format!("{NEXT}=; Path=/login/sso; Max-Age=0; HttpOnly; SameSite=Lax");
    keep(
        &mut response,
        &[came.cookie.expose().clone(), console.untie(), forget],
    );
    Ok(response)
}

fn keep(response: &mut Response, cookies: &[String]) {
    let name: HeaderName = header::SET_COOKIE;
    for cookie in cookies {
        match HeaderValue::from_str(cookie) {
            Ok(value) => drop(response.headers_mut().append(name.clone(), value)),
            Err(_) => {
                let detail = "a cookie could not be written";
                let problem = Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail);
                *response = problem.into_response();
                return;
            }
        }
    }
}

fn read(uri: &Uri) -> SignOnAnswer {
    let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri);
    let mut answer = SignOnAnswer::default();
    for (name, value) in pairs.map(|pairs| pairs.0).unwrap_or_default() {
        if value.len() > VALUE_BYTES_MAX {
            continue;
        }
        match name.as_str() {
            "state" => answer.state = value,
            "code" => answer.code = Some(Secret::new(value)),
            "error" => answer.error = Some(value),
            // Providers add parameters of their own.
            _ => {}
        }
    }
    answer
}
