//! A first manifest: from answers, or from the service's OpenAPI document. What cannot be known from
//! them is marked with [`OPEN_PLACE`], and lint asks for it until it is filled in.

mod manifest;
mod openapi;
mod schema;

use serde_json::{Value, json};
use thiserror::Error;

pub use connector::OPEN_PLACE;
pub use openapi::OPENAPI_BYTES_MAX;

/// An OpenAPI document cannot be read.
#[derive(Debug, Error)]
pub enum DraftError {
    /// It is larger than is read.
    #[error("the document is larger than {OPENAPI_BYTES_MAX} bytes")]
    TooLarge,
    /// It is neither JSON nor YAML.
    #[error("the document is neither JSON nor YAML: {0}")]
    NotReadable(String),
    /// It is of another kind.
    #[error("the document is no OpenAPI 3: there is no `openapi: 3.x` in it")]
    NotOpenApi,
}

/// How the service is authorized at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorization {
    /// By an administrator's consent.
    Code {
        /// The consent page.
        authorize: String,
        /// The token endpoint.
        token: String,
        /// What is asked for.
        scopes: Vec<String>,
    },
    /// By the client's own credentials.
    ClientCredentials {
        /// The token endpoint.
        token: String,
        /// What is asked for.
        scopes: Vec<String>,
    },
    /// By a key in a header.
    ApiKey {
        /// The header.
        header: String,
        /// What stands before the key.
        prefix: String,
    },
    /// By a name and a password.
    Basic,
}

impl Authorization {
    /// What is open in it.
    fn open() -> Self {
        Authorization::Code {
            authorize: format!("https://login.example.com/authorize#{OPEN_PLACE}"),
            token: format!("https://login.example.com/token#{OPEN_PLACE}"),
            scopes: vec![OPEN_PLACE.to_owned()],
        }
    }
}

/// How the feed is paged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pages {
    /// By a cursor of the answer, in this parameter.
    Cursor {
        /// The parameter.
        query: String,
        /// Where the next one is: a path.
        next: String,
    },
    /// By the address of the next page in the `Link` header.
    Link,
    /// By spans of time: the parameter of the moment to begin at.
    Since {
        /// The parameter.
        query: String,
    },
}

/// The feed of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// The path that lists events.
    pub path: String,
    /// Where the events are in the answer: a path.
    pub items: String,
    /// The parameter that says how many.
    pub limit: String,
    /// How it goes on.
    pub pages: Pages,
}

/// Where webhooks are registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hooks {
    /// The path to post to.
    pub register: String,
    /// The path to delete, with `{registration.id}`.
    pub deregister: String,
    /// The property of the body that takes the address.
    pub url_property: String,
}

/// Paths about one object; in each the object's id is `{activity.object_id}`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectPaths {
    /// Its metadata.
    pub object: Option<String>,
    /// Its content.
    pub content: Option<String>,
    /// Its deletion.
    pub delete: Option<String>,
    /// Its links, a list.
    pub links: Option<String>,
    /// One of its links, with `{item.id}`, to be deleted.
    pub link: Option<String>,
    /// Its permissions, a list.
    pub permissions: Option<String>,
    /// One of its permissions, with `{item.id}`, to be deleted.
    pub permission: Option<String>,
}

/// What a draft is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// The connector's id: lower-case letters, digits, `-`.
    pub id: String,
    /// What people call the service.
    pub name: String,
    /// Where its vendor documents the API.
    pub docs_url: Option<String>,
    /// Its address; none when each connection has its own.
    pub base: Option<String>,
    /// How it is authorized at.
    pub authorization: Authorization,
    /// The feed of events.
    pub feed: Feed,
    /// Where webhooks are registered; none when it has none.
    pub hooks: Option<Hooks>,
    /// Paths about one object.
    pub objects: ObjectPaths,
    /// Where fields were found in the event: field and path.
    pub paths: Vec<(event_model::Field, String)>,
    /// One event.
    pub sample: Value,
}

impl Answers {
    /// A service of which only its name and address are known.
    pub fn bare(id: &str, name: &str, base: Option<&str>) -> Self {
        Answers {
            id: id_of(id),
            name: name.to_owned(),
            docs_url: None,
            base: base.map(|base| base.trim_end_matches('/').to_owned()),
            authorization: Authorization::open(),
            feed: Feed {
                path: "/events".into(),
                items: "/items".into(),
                limit: "limit".into(),
                pages: Pages::Cursor {
                    query: "cursor".into(),
                    next: "/next".into(),
                },
            },
            hooks: None,
            objects: ObjectPaths::default(),
            paths: Vec::new(),
            sample: json!({
                "id": OPEN_PLACE, "type": OPEN_PLACE, "at": "2026-01-02T03:04:05Z",
            }),
        }
    }

    /// A service as its OpenAPI document tells it. `id` and `name` are those of the document when none
    /// are given.
    ///
    /// # Errors
    /// See [`DraftError`].
    pub fn from_openapi(text: &str, id: Option<&str>) -> Result<Self, DraftError> {
        openapi::read(text, id)
    }

    /// The manifest. It loads as it is, and lint says which places are open.
    pub fn manifest(&self) -> String {
        manifest::write(self)
    }

    /// One event, to be replaced by a real one.
    pub fn sample(&self) -> String {
        format!("{:#}\n", self.sample)
    }
}

/// An id made of a name.
fn id_of(name: &str) -> String {
    let lower = name.trim().to_lowercase();
    let plain: String = lower
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(64)
        .collect();
    let words: Vec<&str> = plain.split('-').filter(|word| !word.is_empty()).collect();
    match words.is_empty() {
        true => "service".to_owned(),
        false => words.join("-"),
    }
}

#[cfg(test)]
mod tests;
