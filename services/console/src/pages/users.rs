//! The accounts: who there is, what they may, and the link by which a new person comes in.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::IntoResponse;
use event_model::{
    Account, AccountId, AccountState, Connection, ConnectionId, PAGE_ITEMS_MAX, PageRequest,
    Permission, Role,
};

use super::incident::unknown_act;
use super::links::link;
use super::{Frame, Page, failure, render, see, wording};
use crate::acts::accounts::{AccountChange, NewAccount};
use crate::api::id;
use crate::auth::{Actor, CheckedForm, Session};
use crate::problem::{Mistake, Problem};
use crate::query::Query;
use crate::{Console, Shared};

/// Accounts of one page.
const PAGE_ITEMS: u32 = 100;

struct Row {
    id: String,
    name: String,
    roles: String,
    within: String,
    state: &'static str,
    class: &'static str,
    second_factor: bool,
    seen: String,
}

/// One of several that may be ticked.
struct Tick {
    value: String,
    label: String,
    ticked: bool,
}

#[derive(Template)]
#[template(path = "users.html")]
struct Users {
    frame: Frame,
    rows: Vec<Row>,
    next: Option<String>,
    may_manage: bool,
    first: bool,
    form: Form,
}

/// The fields of the form of one account.
struct Form {
    name: String,
    roles: Vec<Tick>,
    groups: String,
    connections: Vec<Tick>,
    mistakes: Vec<Mistake>,
}

#[derive(Template)]
#[template(path = "user.html")]
struct User {
    frame: Frame,
    account: Account,
    row: Row,
    form: Form,
    tokens: Vec<super::my_account::TokenRow>,
    sessions: usize,
    may_manage: bool,
}

#[derive(Template)]
#[template(path = "invited.html")]
struct Invited {
    frame: Frame,
    name: String,
    link: String,
}

pub(super) async fn page(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
    uri: Uri,
) -> Page {
    let query = Query::read(&uri, &["cursor"]);
    let request = PageRequest {
        cursor: query.text("cursor"),
        limit: PAGE_ITEMS,
    };
    query.finish(())?;
    let form = console.account_form(None, None).await?;
    show(&console, &session, &request, form).await
}

async fn show(console: &Console, session: &Session, request: &PageRequest, form: Form) -> Page {
    let page = console.ports.accounts.account_page(request).await?;
    Ok(render(&Users {
        frame: Frame::new("Users", "users", session),
        rows: page.items.iter().map(row).collect(),
        next: page
            .next
            .map(|cursor| link("/users", [("cursor", cursor.as_str())])),
        may_manage: session.actor.may(Permission::AccountsManage),
        first: session.account.is_none(),
        form,
    }))
}

pub(super) async fn create(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Extension(session): Extension<Session>,
    form: CheckedForm,
) -> Page {
    let (roles, groups, connections, mut mistakes) = read(&form);
    let new = NewAccount {
        name: form.text("name").trim().to_owned(),
        roles,
        groups,
        connections,
    };
    if mistakes.is_empty() {
        match console.create_account(&by, new).await {
            Ok((account, link)) => return Ok(invited(&account, link.expose(), &session)),
            Err(problem) if problem.errors.is_empty() => return Err(problem.into()),
            Err(problem) => mistakes = problem.errors,
        }
    }
    let again = console.account_form(None, Some((&form, mistakes))).await?;
    let page = show(&console, &session, &PageRequest::first(PAGE_ITEMS), again).await?;
    Ok((axum::http::StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

fn invited(account: &Account, link: &str, session: &Session) -> axum::response::Response {
    render(&Invited {
        frame: Frame::new("A link", "users", session),
        name: account.name.clone(),
        link: link.to_owned(),
    })
}

pub(super) async fn one(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
    Path(given): Path<String>,
) -> Page {
    let account = console.account(id(&given)?).await?;
    show_one(&console, &session, account, None).await
}

async fn show_one(
    console: &Console,
    session: &Session,
    account: Account,
    refused: Option<(&CheckedForm, Vec<Mistake>)>,
) -> Page {
    let form = console.account_form(Some(&account), refused).await?;
    let now = console.ports.clock.now();
    let all = PageRequest::first(PAGE_ITEMS_MAX);
    let tokens = console.token_page(Some(account.id), &all).await?;
    let sessions = console.ports.sessions.sessions_of(Some(account.id), now);
    Ok(render(&User {
        frame: Frame::new(account.name.clone(), "users", session),
        row: row(&account),
        form,
        tokens: super::my_account::token_rows(&tokens.items, now),
        sessions: sessions.await?.len(),
        may_manage: session.actor.may(Permission::AccountsManage),
        account,
    }))
}

pub(super) async fn act(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Extension(session): Extension<Session>,
    Path((given, act)): Path<(String, String)>,
    form: CheckedForm,
) -> Page {
    let account: AccountId = id(&given)?;
    let switched = |enabled| AccountChange {
        enabled: Some(enabled),
        ..AccountChange::default()
    };
    let done = match act.as_str() {
        "save" => return save(&console, &by, &session, account, &form).await,
        "reset" => {
            let (account, link) = console.reset_account(&by, account).await?;
            return Ok(invited(&account, link.expose(), &session));
        }
        "disable" => console
            .change_account(&by, account, None, switched(false))
            .await
            .map(drop),
        "enable" => console
            .change_account(&by, account, None, switched(true))
            .await
            .map(drop),
        "end-sessions" => console.end_sessions(&by, account).await.map(drop),
        "remove-second-factor" => console.remove_second_factor(&by, account).await.map(drop),
        _ => Err(unknown_act(&act)),
    };
    match done {
        Ok(()) => Ok(see(format!("/users/{account}"))),
        Err(problem) => Ok(failure(&problem, Some(&session))),
    }
}

async fn save(
    console: &Console,
    by: &Actor,
    session: &Session,
    id: AccountId,
    form: &CheckedForm,
) -> Page {
    let (roles, groups, connections, mut mistakes) = read(form);
    let change = AccountChange {
        roles: Some(roles),
        groups: Some(groups),
        every_connection: connections.is_none(),
        connections,
        enabled: None,
    };
    let seen = form.text("revision").parse().ok();
    if mistakes.is_empty() {
        match console.change_account(by, id, seen, change).await {
            Ok(_) => return Ok(see(format!("/users/{id}"))),
            Err(problem) if problem.errors.is_empty() => {
                return Ok(failure(&problem, Some(session)));
            }
            Err(problem) => mistakes = problem.errors,
        }
    }
    let account = console.account(id).await?;
    let page = show_one(console, session, account, Some((form, mistakes))).await?;
    Ok((axum::http::StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

type Read = (
    std::collections::BTreeSet<Role>,
    std::collections::BTreeSet<String>,
    Option<std::collections::BTreeSet<ConnectionId>>,
    Vec<Mistake>,
);

/// Roles, groups and connections of the form. No connection ticked means all of them.
fn read(form: &CheckedForm) -> Read {
    let mut mistakes = Vec::new();
    let roles = form.all("role").filter_map(Role::from_word).collect();
    let groups = form.text("groups").lines().map(str::trim);
    let groups = groups.filter(|group| !group.is_empty()).map(str::to_owned);
    let mut connections = std::collections::BTreeSet::new();
    for given in form.all("connection") {
        match given.parse() {
            Ok(id) => drop(connections.insert(id)),
            Err(_) => mistakes.push(Mistake::new("/connections", "is not a connection")),
        }
    }
    let connections = (!connections.is_empty()).then_some(connections);
    (roles, groups.collect(), connections, mistakes)
}

impl Console {
    /// The form, with what was typed before it was refused, or as the account is.
    async fn account_form(
        &self,
        account: Option<&Account>,
        refused: Option<(&CheckedForm, Vec<Mistake>)>,
    ) -> Result<Form, Problem> {
        let connections = self.every_connection().await?;
        let (typed, mistakes) = match refused {
            Some((form, mistakes)) => (Some(form), mistakes),
            None => (None, Vec::new()),
        };
        let (roles, groups, within, _) = match (typed, account) {
            (Some(form), _) => read(form),
            (None, Some(account)) => (
                account.roles.clone(),
                account.groups.clone(),
                account.scope.named().cloned(),
                Vec::new(),
            ),
            (None, None) => Read::default(),
        };
        let role = |role: &Role| Tick {
            value: role.word().to_owned(),
            label: role.word().to_owned(),
            ticked: roles.contains(role),
        };
        let connection = |one: &Connection| Tick {
            value: one.id.to_string(),
            label: one.name.clone(),
            ticked: within.as_ref().is_some_and(|some| some.contains(&one.id)),
        };
        Ok(Form {
            name: typed.map_or(String::new(), |form| form.text("name").to_owned()),
            roles: Role::ALL.iter().map(role).collect(),
            groups: groups.into_iter().collect::<Vec<_>>().join("\n"),
            connections: connections.iter().map(connection).collect(),
            mistakes,
        })
    }
}

fn row(account: &Account) -> Row {
    let roles: Vec<&str> = account.roles.iter().map(|role| role.word()).collect();
    Row {
        id: account.id.to_string(),
        name: account.name.clone(),
        roles: roles.join(", "),
        within: match account.scope.named() {
            None => "all".to_owned(),
            Some(some) => format!("{} of them", some.len()),
        },
        state: account.state.word(),
        class: match account.state {
            AccountState::Active => "good",
            AccountState::Invited => "warn",
            AccountState::Disabled => "quiet",
        },
        second_factor: account.second_factor,
        seen: account
            .signed_in_at
            .map_or("never".to_owned(), wording::time),
    }
}
