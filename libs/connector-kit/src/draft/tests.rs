use connector::Connector;

use super::*;

/// The API of a service that was made up for this test.
const NOTES_API: &str = include_str!("notes-api.yaml");

fn said(found: &[connector::Mistake]) -> Vec<String> {
    found.iter().map(ToString::to_string).collect()
}

/// It loads, and all that lint finds are places to be filled in.
fn assert_open_only(answers: &Answers) -> usize {
    let yaml = answers.manifest();
    let refused = Connector::parse(&yaml, "draft").err().unwrap_or_default();
    assert!(refused.is_empty(), "{:#?}\n{yaml}", said(&refused));
    let found = Connector::lint(&yaml, "draft").mistakes;
    let other: Vec<_> = found
        .iter()
        .filter(|mistake| !mistake.message.contains("still open"))
        .collect();
    assert!(other.is_empty(), "{other:#?}");
    found.len()
}

#[test]
fn a_draft_loads_and_only_its_marked_places_are_open() {
    let authorizations = [
        Authorization::open(),
        Authorization::ClientCredentials {
            token: "https://login.example.org/token".into(),
            scopes: vec![],
        },
        Authorization::ApiKey {
            header: "x-key".into(),
            prefix: "SSWS ".into(),
        },
        Authorization::Basic,
    ];
    let pages = [
        Pages::Link,
        Pages::Since {
            query: "from".into(),
        },
        Pages::Cursor {
            query: "c".into(),
            next: "/meta/next".into(),
        },
    ];
    for base in [None, Some("https://api.example.org:8443/v2/")] {
        for authorization in &authorizations {
            for pages in &pages {
                let mut answers =
                    Answers::bare("Example: \"Notes\" #1", "Example: \"Notes\"", base);
                answers.authorization = authorization.clone();
                answers.feed.pages = pages.clone();
                answers.hooks = Some(Hooks {
                    register: "/hooks".into(),
                    deregister: "/hooks/{registration.id}".into(),
                    url_property: "url".into(),
                });
                assert_eq!(answers.id, "example-notes-1");
                assert!(assert_open_only(&answers) > 5);
            }
        }
    }
}

#[test]
fn an_openapi_document_gives_what_it_has() {
    let answers = Answers::from_openapi(NOTES_API, None).unwrap();
    assert_open_only(&answers);
    assert_eq!(
        (answers.id.as_str(), answers.name.as_str()),
        ("quill-notes", "Quill Notes")
    );
    assert_eq!(
        answers.base.as_deref(),
        Some("https://api.quill.example/v3")
    );
    assert_eq!(
        answers.authorization,
        Authorization::Code {
            authorize: "https://login.quill.example/authorize".into(),
            token: "https://api.quill.example/v3/oauth/token".into(),
            scopes: vec!["audit".into(), "notes".into()],
        }
    );
    let feed = Feed {
        path: "/audit-events".into(),
        items: "/entries".into(),
        limit: "per_page".into(),
        pages: Pages::Cursor {
            query: "after".into(),
            next: "/paging/next".into(),
        },
    };
    assert_eq!(answers.feed, feed);
    let hooks = Hooks {
        register: "/webhooks".into(),
        deregister: "/webhooks/{registration.id}".into(),
        url_property: "target_url".into(),
    };
    assert_eq!(answers.hooks, Some(hooks));
    let objects = ObjectPaths {
        object: Some("/notes/{activity.object_id}".into()),
        content: Some("/notes/{activity.object_id}/export".into()),
        delete: Some("/notes/{activity.object_id}".into()),
        links: Some("/notes/{activity.object_id}/links".into()),
        link: Some("/notes/{activity.object_id}/links/{item.id}".into()),
        permissions: Some("/notes/{activity.object_id}/members".into()),
        permission: None,
    };
    assert_eq!(answers.objects, objects);
    let path = |field| answers.paths.iter().find(|(known, _)| *known == field);
    for (field, expected) in [
        (event_model::Field::EventId, "/id"),
        (event_model::Field::EventName, "/action"),
        (event_model::Field::EventTimestamp, "/occurred_at"),
        (event_model::Field::ActorEmail, "/user/email"),
        (event_model::Field::ActorIpAddress, "/client/ip"),
        (event_model::Field::ObjectName, "/resource/title"),
    ] {
        assert_eq!(path(field).map(|(_, path)| path.as_str()), Some(expected));
    }
    assert_eq!(answers.sample["action"], "note.created");
    assert_eq!(answers.sample["user"]["email"], "alice@acme.example");
}

#[test]
fn what_is_no_openapi_document_is_said_to_be_none() {
    let circle = r##"{"openapi": "3.1.0", "paths": {"/events": {"get": {"responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}}}}}}, "components": {"schemas": {"A": {"$ref": "#/components/schemas/B"}, "B": {"$ref": "#/components/schemas/A"}}}}"##;
    let itself = r##"{"openapi": "3.0.0", "paths": {"/events": {"get": {"responses": {"200": {"content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/A"}}}}}}}}}, "components": {"schemas": {"A": {"properties": {"a": {"$ref": "#/components/schemas/A"}, "b": {"items": {"$ref": "#/components/schemas/A"}}}}}}}"##;
    let deep = format!(
        "openapi: 3.0.0\nx: {}1{}",
        "[".repeat(5_000),
        "]".repeat(5_000)
    );
    let rows = [
        ("{}", Some("is no OpenAPI 3")),
        ("swagger: '2.0'", Some("is no OpenAPI 3")),
        ("a: [", Some("neither JSON nor YAML")),
        ("", Some("neither JSON nor YAML")),
        (&deep, Some("neither JSON nor YAML")),
        ("openapi: 3.0.3", None),
        (circle, None),
        (itself, None),
    ];
    for (text, expected) in rows {
        let error = Answers::from_openapi(text, None)
            .err()
            .map(|error| error.to_string());
        let start = &text[..text.len().min(40)];
        match (error, expected) {
            (Some(error), Some(expected)) => assert!(error.contains(expected), "{start}: {error}"),
            (error, expected) => assert_eq!(error.is_some(), expected.is_some(), "{start}"),
        }
    }
    for text in [circle, itself] {
        assert_open_only(&Answers::from_openapi(text, Some("x")).unwrap());
    }
}
