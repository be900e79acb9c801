//! Listing what exists, over real HTTP: users, their folders within folders, pages of each; and going on
//! from a place that was kept as text.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use connector::{CallError, Connector, CrawledElement};
use event_model::{CrawlList, ScanKind};
use serde_json::{Value, json};

use crate::world::{World, now};

const PAGE: usize = 2;

/// By user the folders, by folder what lies in it: names that end with a slash are folders.
const TREE: &[(&str, &str, &[&str])] = &[
    ("ada", "0", &["a1", "plans/", "a2", "a3"]),
    ("ada", "plans/", &["p1", "old/", "p2"]),
    ("ada", "old/", &["o1"]),
    ("bob", "0", &["b1"]),
    ("gone", "0", &[]),
    ("eve", "0", &["e1", "e2"]),
];

fn page_of(all: &[Value], asked: &BTreeMap<String, String>) -> (Vec<Value>, usize) {
    let from = asked.get("offset").map_or(0, |text| text.parse().unwrap());
    let page = all.iter().skip(from).take(PAGE).cloned().collect();
    (page, from + PAGE)
}

async fn users(Query(asked): Query<BTreeMap<String, String>>) -> Json<Value> {
    let names = ["ada", "bob", "gone", "off", "eve"];
    let all: Vec<Value> = names
        .iter()
        .map(|name| json!({"id": name, "suspended": *name == "off"}))
        .collect();
    let from = asked.get("cursor").map_or(0, |text| text.parse().unwrap());
    let users: Vec<&Value> = all.iter().skip(from).take(PAGE).collect();
    let next = (from + PAGE < all.len()).then(|| (from + PAGE).to_string());
    Json(json!({"users": users, "next": next}))
}

async fn items(
    Path((user, folder)): Path<(String, String)>,
    Query(asked): Query<BTreeMap<String, String>>,
) -> Result<Json<Value>, StatusCode> {
    if user == "gone" {
        return Err(StatusCode::FORBIDDEN);
    }
    let folder = folder.replace("-", "/");
    let found = TREE
        .iter()
        .find(|(of, name, _)| *of == user && *name == folder);
    let all: Vec<Value> = found
        .map_or(&[][..], |(.., items)| items)
        .iter()
        .map(|name| json!({"id": name.replace('/', "-"), "folder": name.ends_with('/')}))
        .collect();
    let (items, _) = page_of(&all, &asked);
    Ok(Json(json!({"items": items})))
}

fn connector() -> Connector {
    let fields = |place: &str| {
        let fields = event_model::Field::ALL.map(|field| match field.name() {
            "event_id" => format!("        event_id: {{hash_id: [{place}/id]}}\n"),
            "object_id" => format!("        object_id: {place}/id\n"),
            "actor_id" => "        actor_id: /over/user\n".to_owned(),
            name => format!("        {name}: {{absent: not here}}\n"),
        });
        fields.concat()
    };
    let yaml = format!(
        "manifest: 1\nid: tree\nname: Tree\nself_hosted: true\nauth: {{kind: oauth2_code, authorize: '{{base_url}}/a', token: '{{base_url}}/t'}}\n\
         http: {{base: '{{base_url}}', hosts: ['{{base_url}}']}}\n\
         pull: {{stream: s, first: start, request: {{get: /s}}, page: {{kind: cursor, query: c, items: /items, next: {{offset: true}}}}}}\n\
         normalize:\n  fields:\n{}\
         crawl:\n  content:\n    over:\n      - request: {{get: /users}}\n        page: {{items: /users, next: /next, query: cursor}}\n\
         \x20       where: {{path: /suspended, equals: 'false'}}\n        take: {{user: /id, folder: {{const: '0'}}}}\n\
         \x20   request: {{get: '/{{item.user}}/{{item.folder}}'}}\n    page: {{items: /items, offset: true, query: offset}}\n\
         \x20   descend: {{when: {{path: /folder, equals: 'true'}}, take: {{folder: /id}}}}\n\
         \x20   normalize:\n      skip: {{path: /item/folder, equals: 'true'}}\n      fields:\n{}",
        fields(""),
        fields("/item")
    );
    Connector::parse(&yaml, "tree").unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
}

async fn served() -> World {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/users", get(users))
        .route("/{user}/{folder}", get(items));
    tokio::spawn(async move { axum::serve(listener, router).await });
    World::of(connector(), &address)
}

/// What a crawl lists from there on, with the lists that were refused.
async fn rest(world: &World, mut lists: Vec<CrawlList>) -> (Vec<(String, String)>, Vec<String>) {
    let mapper = world
        .connector
        .crawl_mapper(ScanKind::Content, &world.connection);
    let (mut found, mut refused) = (Vec::new(), Vec::new());
    while !lists.is_empty() {
        // As it is kept between two processes.
        let kept = serde_json::to_string(&lists).unwrap();
        let lists_kept: Vec<CrawlList> = serde_json::from_str(&kept).unwrap();
        let page = world
            .client
            .crawl_page(ScanKind::Content, &lists_kept)
            .await
            .unwrap();
        for CrawledElement { event, .. } in &page.elements {
            for mapped in mapper.map(event, now()).unwrap() {
                let activity = mapped.activity;
                assert!(activity.event_id.as_str().starts_with("crawl:content:"));
                found.push((activity.actor_id.unwrap(), activity.object_id.unwrap()));
            }
        }
        refused.extend(page.refused);
        lists = page.lists;
    }
    (found, refused)
}

#[tokio::test]
async fn everything_is_listed_once_through_users_folders_and_pages_and_a_refused_list_is_passed_over()
 {
    let world = served().await;
    let (found, refused) = rest(&world, vec![CrawlList::first()]).await;
    let expected: BTreeSet<(String, String)> = TREE
        .iter()
        .flat_map(|(user, _, items)| items.iter().map(|item| (*user, *item)))
        .filter(|(_, item)| !item.ends_with('/'))
        .map(|(user, item)| (user.to_owned(), item.to_owned()))
        .collect();
    assert_eq!(found.len(), expected.len(), "{found:?}");
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
    assert_eq!(refused.len(), 1, "{refused:?}");
}

#[tokio::test]
async fn a_crawl_goes_on_from_every_place_it_can_be_interrupted_at() {
    let world = served().await;
    let (whole, _) = rest(&world, vec![CrawlList::first()]).await;
    let mut lists = vec![CrawlList::first()];
    let mut before = 0;
    while !lists.is_empty() {
        let (found, _) = rest(&world, lists.clone()).await;
        assert_eq!(found, whole[before..], "after {before}");
        let page = world
            .client
            .crawl_page(ScanKind::Content, &lists)
            .await
            .unwrap();
        let mapper = world
            .connector
            .crawl_mapper(ScanKind::Content, &world.connection);
        for CrawledElement { event, .. } in &page.elements {
            before += mapper.map(event, now()).unwrap().len();
        }
        lists = page.lists;
    }
    assert_eq!(before, whole.len());
}

#[tokio::test]
async fn what_a_manifest_does_not_list_is_refused() {
    let world = served().await;
    let refused = world
        .client
        .crawl_page(ScanKind::Shares, &[CrawlList::first()])
        .await;
    assert!(matches!(refused, Err(CallError::NotSupported { .. })));
    let of_another = CrawlList {
        level: 7,
        ..CrawlList::first()
    };
    let refused = world
        .client
        .crawl_page(ScanKind::Content, &[of_another])
        .await;
    assert!(matches!(refused, Err(CallError::NotSupported { .. })));
}

#[test]
fn a_manifest_that_names_what_no_list_above_takes_is_refused() {
    let yaml = include_str!("../../../../connectors/box/connector.yaml");
    let wrong = yaml.replace(
        "/2.0/folders/{item.folder}/items",
        "/2.0/folders/{item.foldr}/items",
    );
    assert_ne!(yaml, wrong);
    let mistakes = Connector::parse(&wrong, "box").unwrap_err();
    let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    assert!(
        told.iter().any(|one| one.contains("`item.foldr`")),
        "{told:?}"
    );
}
