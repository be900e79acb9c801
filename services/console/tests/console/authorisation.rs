//! The golden table of who may do what: every cell is what the running server answers, and no route of the
//! source is missing in it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use event_model::{ConnectionScope, RemedyKind, RemedyState, Role};
use tower::ServiceExt;

use crate::people::Person;
use crate::world::World;

/// A row of `docs/authorisation.md`: method, path, need, and a cell for each role.
struct Row {
    method: String,
    path: String,
    needs: String,
    cells: Vec<bool>,
}

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

fn golden() -> Vec<Row> {
    let text = std::fs::read_to_string(project("docs/authorisation.md")).unwrap();
    let (_, endpoints) = text.split_once("## Paths").unwrap();
    let rows = endpoints.lines().filter(|line| line.contains("| `/"));
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        Row {
            method: cells[0].to_owned(),
            path: cells[1].trim_matches('`').to_owned(),
            needs: cells[2].to_owned(),
            cells: cells[3..].iter().map(|cell| *cell == "yes").collect(),
        }
    };
    rows.map(row).collect()
}

#[test]
fn the_committed_table_is_the_one_that_decides() {
    if std::env::var_os("TIDEGATE_GENERATE").is_some() {
        std::fs::write(project("docs/authorisation.md"), console::authorisation()).unwrap();
    }
    let committed = std::fs::read_to_string(project("docs/authorisation.md")).unwrap_or_default();
    assert!(
        committed == console::authorisation(),
        "`docs/authorisation.md` is not fresh: run `make generated`"
    );
}

/// A path that is there, of what the world has.
fn real(path: &str, names: &[(&str, String)]) -> String {
    let kind = path
        .trim_start_matches("/api/v1")
        .split('/')
        .nth(1)
        .unwrap_or_default();
    let id = names.iter().find(|(of, _)| *of == kind);
    let id = id.map_or("none", |(_, id)| id.as_str());
    let connection = &names[0].1;
    path.replace("{connection_id}", connection)
        .replace("{policy_id}", "pol_00000000000000000000000000")
        .replace("{event_id}", "e1")
        .replace("{document}", "allow")
        .replace("{name}", "archive")
        .replace("{id}", id)
}

#[tokio::test]
async fn each_cell_is_what_the_running_server_answers() {
    let world = World::new().await;
    let connection = world.connects("toy-cloud").await;
    let incident = world
        .violates(connection, "e1", &[RemedyKind::Quarantine])
        .await;
    let item = world.carries_out(RemedyState::Done).await.unwrap();
    let names = [
        ("connections", connection.to_string()),
        ("incidents", incident.id.to_string()),
        ("remedies", incident.remedies[0].id.to_string()),
        ("quarantine", item.to_string()),
    ];
    let mut wrong = Vec::new();
    for row in golden() {
        for (role, allowed) in Role::ALL.iter().zip(&row.cells) {
            let path = real(&row.path, &names);
            let person = Person::with(&world, *role, ConnectionScope::Every).await;
            let (status, refused) = answer(&world, Some(&person), &row.method, &path).await;
            let known = status != StatusCode::UNAUTHORIZED || row.needs == "nothing";
            if refused == *allowed || !known {
                wrong.push(format!("{} {} as {role}: {status}", row.method, row.path));
            }
        }
        let (status, _) = answer(&world, None, &row.method, &real(&row.path, &names)).await;
        let is_open = row.needs == "nothing";
        let turned_away = status == StatusCode::UNAUTHORIZED || status == StatusCode::SEE_OTHER;
        if !is_open && !turned_away {
            wrong.push(format!("{} {} as nobody: {status}", row.method, row.path));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The status, and whether it is the refusal of somebody who may not.
async fn answer(
    world: &World,
    person: Option<&Person>,
    method: &str,
    path: &str,
) -> (StatusCode, bool) {
    let mut request = Request::builder().method(method).uri(path);
    let mut form = String::new();
    if let Some(person) = person {
        request = request
            .header(header::COOKIE, person.cookie())
            .header("x-csrf-token", person.csrf());
        form = format!("csrf={}", person.csrf());
    }
    let is_page = !path.starts_with("/api/") && !path.starts_with("/v1/");
    let (kind, body) = match is_page {
        true => ("application/x-www-form-urlencoded", form),
        false => ("application/json", "{}".to_owned()),
    };
    let request = request.header(header::CONTENT_TYPE, kind);
    let request = request.body(Body::from(body)).unwrap();
    let response = world.router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    if status != StatusCode::FORBIDDEN {
        return (status, false);
    }
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await;
    let text = String::from_utf8_lossy(&body.unwrap()).into_owned();
    (status, text.contains("TG-060"))
}

#[tokio::test]
async fn no_form_of_the_table_is_taken_without_its_token() {
    let world = World::new().await;
    let mut forms = 0;
    for row in golden() {
        let is_page = !row.path.starts_with("/api/") && !row.path.starts_with("/v1/");
        if row.method != "POST" || !is_page || row.needs == "nothing" {
            continue;
        }
        let person = Person::with(&world, Role::Administrator, ConnectionScope::Every).await;
        let path = row.path.replace("{id}", "x");
        for body in ["", "csrf=", "csrf=stolen"] {
            let request = Request::post(&path)
                .header(header::COOKIE, person.cookie())
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            let answer = world.send(request.body(Body::from(body)).unwrap()).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {body}");
            assert!(answer.text.contains("TG-040"), "{path}: {}", answer.text);
        }
        forms += 1;
    }
    assert!(forms > 20, "{forms}");
}

#[test]
fn no_route_of_the_source_is_missing_in_the_table() {
    let mut files = Vec::new();
    collect(&project("services/console/src"), &mut files);
    let golden: BTreeSet<String> = golden().into_iter().map(|row| row.path).collect();
    let mut routes = 0;
    let mut missing = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let in_api = file.ends_with("src/api.rs") || file.to_string_lossy().contains("src/api/");
        for rest in text.split(".route(").skip(1) {
            let Some(path) = rest.trim_start().strip_prefix('"') else {
                continue;
            };
            let path = path.split('"').next().unwrap();
            let whole = match in_api && !path.starts_with("/v1/") {
                true => format!("/api/v1{path}"),
                false => path.to_owned(),
            };
            routes += 1;
            let known = whole == "/api/{*rest}" || golden.iter().any(|row| covers(&whole, row));
            if !known {
                missing.push(format!("{whole} ({})", file.display()));
            }
        }
    }
    assert!(routes > 60, "{routes}");
    assert!(missing.is_empty(), "no row for {missing:?}");
}

/// Whether a row is of that route; `{act}` stands for the acts that have rows of their own.
fn covers(route: &str, row: &str) -> bool {
    let (of, given): (Vec<&str>, Vec<&str>) =
        (route.split('/').collect(), row.split('/').collect());
    of.len() == given.len()
        && of
            .iter()
            .zip(&given)
            .all(|(of, given)| of == given || (*of == "{act}" && !given.starts_with('{')))
}

fn collect(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => collect(&path, into),
            false => into.push(path),
        }
    }
}
