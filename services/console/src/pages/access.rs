//! Access policies and their groups: listed as they are looked at, written in forms that work without
//! JavaScript, linked, and explained.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Extension, Router};
use event_model::{
    AccessGroupId, AccessGroupRecord, AccessPermission, AccessPolicyId, AccessPolicyRecord,
    AccessRecords, OsType, Permission, VAULT_GROUP,
};

use super::incident::unknown_act;
use super::{Frame, Page, failure, render, see};
use crate::acts::access::explained::{AccessAnswer, AccessQuestion};
use crate::acts::access::groups::ranked;
use crate::acts::access::{AccessGroupBody, AccessPolicyBody, RankedPolicy, class_of};
use crate::api::id;
use crate::auth::{Actor, CheckedForm, Session};
use crate::problem::{Mistake, Problem};
use crate::query::Query;
use crate::{Console, Shared};

/// The pages and forms of access policies.
pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/access", get(page))
        .route("/access/policies", post(create_policy))
        .route("/access/policies/{id}", get(policy))
        .route("/access/policies/{id}/{act}", post(act_on_policy))
        .route("/access/groups", post(create_group))
        .route("/access/groups/{id}", get(group))
        .route("/access/groups/{id}/{act}", post(act_on_group))
}

/// A policy in the list.
struct Row {
    id: String,
    name: String,
    class: &'static str,
    entity: Vec<(&'static str, String)>,
    access: AccessPermission,
    /// The groups that have it: where they are, and their names.
    groups: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "access.html")]
struct Overview {
    frame: Frame,
    may_manage: bool,
    /// Whether there is a group that holds for the vault.
    guarded: bool,
    rows: Vec<Row>,
    groups: Vec<AccessGroupRecord>,
    permissions: [AccessPermission; 6],
    policy: PolicyForm,
    new_group: GroupForm,
}

#[derive(Template)]
#[template(path = "access_policy.html")]
struct PolicyPage {
    frame: Frame,
    may_manage: bool,
    record: AccessPolicyRecord,
    row: Row,
    permissions: [AccessPermission; 6],
    policy: PolicyForm,
}

#[derive(Template)]
#[template(path = "access_group.html")]
struct GroupPage {
    frame: Frame,
    may_manage: bool,
    record: AccessGroupRecord,
    holds_for_vault: bool,
    ranked: Vec<(RankedPolicy, Vec<(&'static str, String)>)>,
    /// Policies that it has not: id, name.
    others: Vec<(String, String)>,
    permissions: [AccessPermission; 6],
    new_group: GroupForm,
    asked: Asked,
    answer: Option<AccessAnswer>,
}

/// The fields of a policy, and what was wrong with them.
#[derive(Default)]
struct PolicyForm {
    name: String,
    user: String,
    group: String,
    process: String,
    access: AccessPermission,
    mistakes: Vec<Mistake>,
}

/// The fields of a group, and what was wrong with them.
struct GroupForm {
    name: String,
    os_type: OsType,
    encrypt_data: bool,
    default_access: AccessPermission,
    mistakes: Vec<Mistake>,
}

/// Who is asked about.
#[derive(Default)]
struct Asked {
    user: String,
    member_of: String,
    process: String,
    parents: String,
    item: String,
    mistakes: Vec<Mistake>,
}

fn entity_of(record: &AccessPolicyRecord) -> Vec<(&'static str, String)> {
    let parts = [
        ("user", &record.user),
        ("group", &record.group),
        ("process", &record.process),
    ];
    let named = parts.into_iter();
    named
        .filter_map(|(kind, name)| Some((kind, name.clone()?)))
        .collect()
}

fn row(record: &AccessPolicyRecord, records: &AccessRecords) -> Row {
    let groups = records.groups.iter();
    let groups = groups.filter(|group| group.policies.contains(&record.id));
    Row {
        id: record.id.to_string(),
        name: record.name.clone(),
        class: class_of(record),
        entity: entity_of(record),
        access: record.access,
        groups: groups
            .map(|group| (format!("/access/groups/{}", group.id), group.name.clone()))
            .collect(),
    }
}

async fn page(State(console): State<Shared>, Extension(session): Extension<Session>) -> Page {
    let overview = console.access_overview(&session, PolicyForm::default(), GroupForm::fresh());
    Ok(render(&overview.await?))
}

impl Console {
    async fn access_overview(
        &self,
        session: &Session,
        policy: PolicyForm,
        new_group: GroupForm,
    ) -> Result<Overview, Problem> {
        let records = self.ports.access.access_records().await?;
        let rows = records.policies.iter();
        Ok(Overview {
            frame: Frame::new("Access", "access", session),
            may_manage: session.actor.may(Permission::AccessManage),
            guarded: records.groups.iter().any(|one| one.name == VAULT_GROUP),
            rows: rows.map(|one| row(one, &records)).collect(),
            permissions: AccessPermission::ALL,
            policy,
            new_group,
            groups: records.groups,
        })
    }

    async fn access_policy_page(
        &self,
        session: &Session,
        id: AccessPolicyId,
        typed: Option<PolicyForm>,
    ) -> Result<PolicyPage, Problem> {
        let records = self.ports.access.access_records().await?;
        let record = records.policy(id).cloned();
        let record = record.ok_or_else(|| Problem::not_found("access policy", id))?;
        Ok(PolicyPage {
            frame: Frame::new(record.name.clone(), "access", session),
            may_manage: session.actor.may(Permission::AccessManage),
            row: row(&record, &records),
            permissions: AccessPermission::ALL,
            policy: typed.unwrap_or_else(|| PolicyForm::of(&record)),
            record,
        })
    }

    async fn access_group_page(
        &self,
        session: &Session,
        id: AccessGroupId,
        typed: Option<GroupForm>,
        mut asked: Asked,
    ) -> Result<GroupPage, Problem> {
        let (records, catalogue) = self.access().await?;
        let record = records.group(id).cloned();
        let record = record.ok_or_else(|| Problem::not_found("group of access policies", id))?;
        let mut answer = None;
        if !asked.user.is_empty() {
            match self.answered(id, &asked).await {
                Ok(given) => answer = Some(given),
                Err(problem) if !problem.errors.is_empty() => asked.mistakes = problem.errors,
                Err(problem) => asked.mistakes = vec![Mistake::new("/item", problem.detail)],
            }
        }
        let ranked = ranked(&records, &catalogue, id).into_iter();
        let others = records.policies.iter();
        let others = others.filter(|one| !record.policies.contains(&one.id));
        Ok(GroupPage {
            frame: Frame::new(record.name.clone(), "access", session),
            may_manage: session.actor.may(Permission::AccessManage),
            holds_for_vault: record.name == VAULT_GROUP,
            ranked: ranked
                .map(|one| {
                    let who = entity_of(&one.policy);
                    (one, who)
                })
                .collect(),
            others: others
                .map(|one| (one.id.to_string(), one.name.clone()))
                .collect(),
            permissions: AccessPermission::ALL,
            new_group: typed.unwrap_or_else(|| GroupForm::of(&record)),
            asked,
            answer,
            record,
        })
    }

    async fn answered(&self, id: AccessGroupId, asked: &Asked) -> Result<AccessAnswer, Problem> {
        let lines = |text: &str| -> Vec<String> {
            let lines = text.split(['\n', ',']).map(str::trim);
            lines
                .filter(|one| !one.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let item = match asked.item.as_str() {
            "" => None,
            text => Some(crate::api::id(text)?),
        };
        let question = AccessQuestion {
            user: asked.user.clone(),
            member_of: lines(&asked.member_of),
            process: (!asked.process.is_empty()).then(|| asked.process.clone()),
            parents: lines(&asked.parents),
            item,
            ..AccessQuestion::default()
        };
        self.explain_access(id, &question).await
    }
}

async fn create_policy(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Extension(session): Extension<Session>,
    form: CheckedForm,
) -> Page {
    let (mut typed, body) = PolicyForm::read(&form);
    match console.create_access_policy(&by, body).await {
        Ok(made) => Ok(see(format!("/access/policies/{}", made.id))),
        Err(problem) if !problem.errors.is_empty() => {
            typed.mistakes = problem.errors;
            let page = console.access_overview(&session, typed, GroupForm::fresh());
            Ok(mistaken(&page.await?))
        }
        Err(problem) => Ok(failure(&problem, Some(&session))),
    }
}

async fn create_group(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Extension(session): Extension<Session>,
    form: CheckedForm,
) -> Page {
    let (mut typed, body) = GroupForm::read(&form);
    match console.create_access_group(&by, body).await {
        Ok(made) => Ok(see(format!("/access/groups/{}", made.id))),
        Err(problem) if !problem.errors.is_empty() => {
            typed.mistakes = problem.errors;
            let page = console.access_overview(&session, PolicyForm::default(), typed);
            Ok(mistaken(&page.await?))
        }
        Err(problem) => Ok(failure(&problem, Some(&session))),
    }
}

async fn policy(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
    Path(given): Path<String>,
) -> Page {
    let page = console.access_policy_page(&session, id(&given)?, None);
    Ok(render(&page.await?))
}

async fn group(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
    Path(given): Path<String>,
    uri: Uri,
) -> Page {
    let names = ["user", "member_of", "process", "parents", "item"];
    let query = Query::read(&uri, &names);
    let [user, member_of, process, parents, item] =
        names.map(|name| query.text(name).unwrap_or_default().trim().to_owned());
    query.finish(())?;
    let asked = Asked {
        user,
        member_of,
        process,
        parents,
        item,
        mistakes: Vec::new(),
    };
    let page = console.access_group_page(&session, id(&given)?, None, asked);
    Ok(render(&page.await?))
}

async fn act_on_policy(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Extension(session): Extension<Session>,
    Path((given, act)): Path<(String, String)>,
    form: CheckedForm,
) -> Page {
    let policy: AccessPolicyId = id(&given)?;
    let seen = form.text("version").parse().ok();
    let (mut typed, body) = PolicyForm::read(&form);
    let done = match act.as_str() {
        "save" => {
            let done = console.replace_access_policy(&by, policy, seen, body).await;
            done.map(|_| format!("/access/policies/{policy}"))
        }
        "delete" => {
            let done = console.remove_access_policy(&by, policy, seen).await;
            done.map(|()| "/access".to_owned())
        }
        _ => Err(unknown_act(&act)),
    };
    match done {
        Ok(place) => Ok(see(place)),
        Err(problem) if !problem.errors.is_empty() => {
            typed.mistakes = problem.errors;
            let page = console.access_policy_page(&session, policy, Some(typed));
            Ok(mistaken(&page.await?))
        }
        Err(problem) => Ok(failure(&problem, Some(&session))),
    }
}

async fn act_on_group(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Extension(session): Extension<Session>,
    Path((given, act)): Path<(String, String)>,
    form: CheckedForm,
) -> Page {
    let group: AccessGroupId = id(&given)?;
    let seen = form.text("version").parse().ok();
    let (mut typed, body) = GroupForm::read(&form);
    let here = || format!("/access/groups/{group}");
    let done = match act.as_str() {
        "save" => {
            let done = console.replace_access_group(&by, group, seen, body).await;
            done.map(|_| here())
        }
        "link" => {
            let policy = id(form.text("policy"))?;
            let done = console.link_access_policy(&by, group, policy).await;
            done.map(|_| here())
        }
        "unlink" => {
            let policy = id(form.text("policy"))?;
            let done = console.unlink_access_policy(&by, group, policy).await;
            done.map(|_| here())
        }
        "delete" => {
            let done = console.remove_access_group(&by, group, seen).await;
            done.map(|()| "/access".to_owned())
        }
        _ => Err(unknown_act(&act)),
    };
    match done {
        Ok(place) => Ok(see(place)),
        Err(problem) if !problem.errors.is_empty() => {
            typed.mistakes = problem.errors;
            let typed = (act == "save").then_some(typed);
            let asked = Asked::default();
            let page = console.access_group_page(&session, group, typed, asked);
            Ok(mistaken(&page.await?))
        }
        Err(problem) => Ok(failure(&problem, Some(&session))),
    }
}

fn mistaken(page: &impl Template) -> axum::response::Response {
    (StatusCode::UNPROCESSABLE_ENTITY, render(page)).into_response()
}

fn permission(word: &str) -> AccessPermission {
    let mut all = AccessPermission::ALL.into_iter();
    all.find(|one| one.to_string() == word).unwrap_or_default()
}

impl PolicyForm {
    fn of(record: &AccessPolicyRecord) -> Self {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        PolicyForm {
            name: record.name.clone(),
            user: text(&record.user),
            group: text(&record.group),
            process: text(&record.process),
            access: record.access,
            mistakes: Vec::new(),
        }
    }

    fn read(form: &CheckedForm) -> (Self, AccessPolicyBody) {
        let body = AccessPolicyBody {
            name: form.given("name"),
            user: form.given("user"),
            group: form.given("group"),
            process: form.given("process"),
            access: permission(form.text("access")),
        };
        let typed = |name: &str| form.text(name).to_owned();
        let form = PolicyForm {
            name: typed("name"),
            user: typed("user"),
            group: typed("group"),
            process: typed("process"),
            access: body.access,
            mistakes: Vec::new(),
        };
        (form, body)
    }
}

impl GroupForm {
    /// As the console offers a new group: for this platform's names.
    fn fresh() -> Self {
        GroupForm {
            name: String::new(),
            os_type: OsType::Linux,
            encrypt_data: true,
            default_access: AccessPermission::NoAccess,
            mistakes: Vec::new(),
        }
    }

    fn of(record: &AccessGroupRecord) -> Self {
        GroupForm {
            name: record.name.clone(),
            os_type: record.os_type,
            encrypt_data: record.encrypt_data,
            default_access: record.default_access,
            mistakes: Vec::new(),
        }
    }

    fn read(form: &CheckedForm) -> (Self, AccessGroupBody) {
        let body = AccessGroupBody {
            name: form.text("name").trim().to_owned(),
            os_type: match form.text("os_type") {
                "Linux" => OsType::Linux,
                _ => OsType::Windows,
            },
            encrypt_data: form.text("encrypt_data") == "yes",
            default_access: permission(form.text("default_access")),
            policies: None,
        };
        let form = GroupForm {
            name: body.name.clone(),
            os_type: body.os_type,
            encrypt_data: body.encrypt_data,
            default_access: body.default_access,
            mistakes: Vec::new(),
        };
        (form, body)
    }
}
