//! The page for people: plain forms, each answered with a redirect back. A form is taken only from our own page, for the session's
//! cookie would also come with a form that another site sends.

use axum::extract::multipart::MultipartError;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Multipart, Path, Query, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;

use super::Shared;
use super::answers::ApiError;
use super::asked::{peer_ip, user_agent};
use super::content::{as_attachment, bytes_of};
use super::oauth::see_other;
use super::session;
use crate::act::{Act, Verb};
use crate::model::activity::Kind;
use crate::model::links::{Visibility, Visitor};
use crate::model::objects::Content;
use crate::model::permissions::Role;
use crate::model::{By, Refusal};
use crate::pages::home::{HomePage, SignInPage, TenantUsers};
use crate::pages::{FormTarget, RefusedPage, STYLE, respond};
use crate::service::Service;

const USERS_SHOWN_MAX: usize = 12;
const SAMPLE: &str = "Refunds to be paid out this week\n\n\
    Customer A. Jones, payment card number 4111 1111 1111 1111, valid thru 09/29, 120.00 EUR\n\
    Customer B. Smith, payment card number 5500-0000-0000-0004, valid thru 01/28, 80.00 EUR\n\
    Customer C. Brown, payment card number 4012888888881881, valid thru 11/27, 45.50 EUR\n";

#[derive(Debug, Deserialize)]
pub(super) struct Came {
    done: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SignIn {
    tenant: String,
    user: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Wish {
    #[serde(rename = "do")]
    verb: Verb,
    file_id: String,
    with: Option<String>,
    role: Option<Role>,
    visibility: Option<Visibility>,
    link_id: Option<String>,
}

pub(super) async fn style() -> Response {
    (
        [(
            CONTENT_TYPE,
            HeaderValue::from_static("text/css; charset=utf-8"),
        )],
        STYLE,
    )
        .into_response()
}

pub(super) async fn page(
    State(service): Shared,
    Query(came): Query<Came>,
    headers: HeaderMap,
) -> Response {
    let signed_in = session::visitor(&service, &headers);
    let page = signed_in.and_then(|visitor| home(&service, &visitor, came.done.as_deref()).ok());
    match page {
        Some(page) => respond(StatusCode::OK, &page, FormTarget::Own),
        None => respond(StatusCode::OK, &sign_in_page(&service), FormTarget::Own),
    }
}

fn home(service: &Service, visitor: &Visitor, done: Option<&str>) -> Result<HomePage, Refusal> {
    let mut model = service.model();
    let overview = model.overview(visitor)?;
    let tenant = model.tenant(&visitor.tenant_id)?;
    let user = tenant.user(&visitor.user_id)?.clone();
    Ok(HomePage {
        tenant_name: tenant.name.clone(),
        may_upload: user.home.is_some(),
        user,
        done: done.and_then(sentence),
        overview,
    })
}

/// What the page says after a deed; only these words, for the query can be anyone's.
fn sentence(done: &str) -> Option<&'static str> {
    let table = [
        ("upload", "Uploaded."),
        ("share", "Shared."),
        ("unshare", "Not shared with them any more."),
        (
            "link",
            "The link is made: whoever has it can open the file.",
        ),
        ("unlink", "The link is removed."),
        ("trash", "It is in the trash."),
        ("restore", "It is back at its place."),
        ("login", "Signed in."),
    ];
    table.iter().find(|row| row.0 == done).map(|row| row.1)
}

fn sign_in_page(service: &Service) -> SignInPage {
    let model = service.model();
    let tenants = model.tenants().map(|tenant| TenantUsers {
        id: tenant.id.clone(),
        name: tenant.name.clone(),
        users: tenant
            .users
            .values()
            .take(USERS_SHOWN_MAX)
            .cloned()
            .collect(),
    });
    SignInPage {
        tenants: tenants.collect(),
    }
}

pub(super) async fn sign_in(
    State(service): Shared,
    parts: Parts,
    form: Result<Form<SignIn>, FormRejection>,
) -> Response {
    answer(own_form(&parts).and_then(|()| {
        let Form(who) = form.map_err(|_| ApiError::invalid("the form could not be read"))?;
        let mut model = service.model();
        let user = model
            .tenant(&who.tenant)?
            .find_user(&who.user)
            .ok_or(Refusal::NotFound)?;
        let visitor = Visitor {
            tenant_id: who.tenant.clone(),
            user_id: user.id.clone(),
        };
        model.tell_login(&person(&visitor, &parts), false)?;
        drop(model);
        let mut response = see_other("/?done=login");
        response
            .headers_mut()
            .insert(SET_COOKIE, session::cookie(&service, &visitor));
        Ok(response)
    }))
}

pub(super) async fn sign_out(parts: Parts) -> Response {
    answer(own_form(&parts).map(|()| {
        let mut response = see_other("/");
        response
            .headers_mut()
            .insert(SET_COOKIE, session::no_cookie());
        response
    }))
}

/// A chosen file, or the text, or the sample document with card numbers.
pub(super) async fn upload(State(service): Shared, parts: Parts, form: Multipart) -> Response {
    let _room = service.uploads.acquire().await;
    let given = match own_form(&parts) {
        Ok(()) => read_upload(form).await.map_err(|error| {
            ApiError::new(
                error.status(),
                "invalid_request",
                "the upload could not be read",
            )
        }),
        Err(error) => Err(error),
    };
    answer(given.and_then(|(name, mime_type, bytes)| {
        let by = signed_in(&service, &parts)?;
        let content = Content::new(bytes, &mime_type);
        let mut model = service.model();
        let home = model
            .user(&by, &by.user_id)?
            .home
            .map(|number| format!("f_{number}"));
        model.upload(&by, &name, home.as_deref(), content)?;
        Ok(see_other("/?done=upload"))
    }))
}

async fn read_upload(mut form: Multipart) -> Result<(String, String, Bytes), MultipartError> {
    let (mut name, mut text, mut file) = (String::new(), String::new(), None);
    while let Some(field) = form.next_field().await? {
        let field_name = field.name().unwrap_or_default().to_owned();
        match field_name.as_str() {
            "sample" => {
                let named = "card-refunds.txt".to_owned();
                return Ok((
                    named,
                    "text/plain".to_owned(),
                    Bytes::from_static(SAMPLE.as_bytes()),
                ));
            }
            "name" => name = field.text().await?,
            "text" => text = field.text().await?,
            "file" => {
                let file_name = field.file_name().unwrap_or_default().to_owned();
                let mime_type = field.content_type().unwrap_or_default().to_owned();
                let bytes = field.bytes().await?;
                file = (!file_name.is_empty()).then_some((file_name, mime_type, bytes));
            }
            _ => {}
        }
    }
    if let Some((file_name, mime_type, bytes)) = file {
        return Ok((
            if name.is_empty() { file_name } else { name },
            mime_type,
            bytes,
        ));
    }
    let name = if name.is_empty() {
        "note.txt".to_owned()
    } else {
        name
    };
    Ok((name, "text/plain".to_owned(), Bytes::from(text)))
}

pub(super) async fn act(
    State(service): Shared,
    parts: Parts,
    form: Result<Form<Wish>, FormRejection>,
) -> Response {
    answer(own_form(&parts).and_then(|()| {
        let Form(wish) = form.map_err(|_| ApiError::invalid("the form could not be read"))?;
        let by = signed_in(&service, &parts)?;
        let done = format!("/?done={:?}", wish.verb).to_lowercase();
        let act = Act {
            tenant: by.tenant_id,
            user: by.user_id,
            verb: wish.verb,
            file_id: Some(wish.file_id),
            with: wish.with,
            role: wish.role,
            visibility: wish.visibility,
            link_id: wish.link_id,
            ip: Some(by.ip),
            user_agent: Some(by.user_agent),
            ..Act::default()
        };
        service.model().act(&act)?;
        Ok(see_other(&done))
    }))
}

pub(super) async fn view(State(service): Shared, parts: Parts, Path(id): Path<String>) -> Response {
    answer(read(&service, &parts, &id, Kind::FileViewed))
}

pub(super) async fn download(
    State(service): Shared,
    parts: Parts,
    Path(id): Path<String>,
) -> Response {
    answer(read(&service, &parts, &id, Kind::FileDownloaded))
}

fn read(service: &Service, parts: &Parts, id: &str, kind: Kind) -> Result<Response, ApiError> {
    let by = signed_in(service, parts)?;
    let (read, version) = service.model().read(&by, id, None, Some(kind))?;
    let mut response = bytes_of(&read.view, version, None)?;
    if kind == Kind::FileDownloaded {
        as_attachment(&mut response, &read.view.name);
    }
    Ok(response)
}

fn signed_in(service: &Service, parts: &Parts) -> Result<By, ApiError> {
    let visitor = session::visitor(service, &parts.headers).ok_or_else(|| {
        ApiError::new(
            StatusCode::UNAUTHORIZED,
            "not_signed_in",
            "you are not signed in",
        )
    })?;
    Ok(person(&visitor, parts))
}

fn person(visitor: &Visitor, parts: &Parts) -> By {
    By {
        tenant_id: visitor.tenant_id.clone(),
        user_id: visitor.user_id.clone(),
        app_id: None,
        ip: peer_ip(parts),
        user_agent: user_agent(&parts.headers),
    }
}

/// Browsers say where a form comes from; programs say nothing.
fn own_form(parts: &Parts) -> Result<(), ApiError> {
    let from = parts
        .headers
        .get("sec-fetch-site")
        .map(HeaderValue::as_bytes);
    match from {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => {
            let message = "this form comes from another site";
            Err(ApiError::new(StatusCode::FORBIDDEN, "forbidden", message))
        }
    }
}

/// A refusal is a page too.
fn answer(result: Result<Response, ApiError>) -> Response {
    result.unwrap_or_else(|error| {
        let page = RefusedPage {
            message: error.message(),
            back: true,
        };
        respond(error.status(), &page, FormTarget::Own)
    })
}
