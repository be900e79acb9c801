use askama::Template;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use event_model::Secret;

use super::login::further;
use super::my_account::not_the_same;
use super::{Frame, Page, render};
use crate::Shared;
use crate::acts::sign_in::Given;
use crate::auth::passwords::LENGTH_MIN;
use crate::auth::{self, CheckedForm, Visitor, asked_by_another_site};
use crate::problem::{Mistake, NOT_SIGNED_IN, Problem};

#[derive(Template)]
#[template(path = "welcome.html")]
struct Welcome {
    frame: Frame,
    name: String,
    length_min: usize,
    mistakes: Vec<Mistake>,
}

/// The form behind a link. Whoever has the link may set the password.
pub(super) async fn page(State(console): State<Shared>, Path(link): Path<String>) -> Page {
    let account = console.account_of_link(&link).await?;
    Ok(show(account.name, Vec::new()))
}

fn show(name: String, mistakes: Vec<Mistake>) -> axum::response::Response {
    render(&Welcome {
        frame: Frame::outside("Welcome", ""),
        name,
        length_min: LENGTH_MIN,
        mistakes,
    })
}

/// Sets the password and signs in with it.
pub(super) async fn enter(
    State(console): State<Shared>,
    Path(link): Path<String>,
    request: Request,
) -> Page {
    let (parts, body) = request.into_parts();
    let visitor = Visitor::of(&parts);
    if asked_by_another_site(&parts.headers) {
        let detail = "set the password on Tidegate's own page";
        return Err(Problem::new(StatusCode::FORBIDDEN, detail)
            .code(NOT_SIGNED_IN)
            .into());
    }
    let form = CheckedForm::unchecked(auth::pairs(body).await?);
    let password = Secret::new(form.text("password").to_owned());
    let set = match form.text("password") == form.text("again") {
        true => console.set_password_by_link(&link, &password).await,
        false => Err(not_the_same()),
    };
    let account = match set {
        Ok(account) => account,
        Err(problem) if !problem.errors.is_empty() => {
            let name = console.account_of_link(&link).await?.name;
            let page = show(name, problem.errors);
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
        }
        Err(problem) => return Err(problem.into()),
    };
    let given = Given {
        name: &account.name,
        password,
    };
    let came = console.sign_in(given, &parts.headers, &visitor).await?;
    Ok(further(&came, "/"))
}
