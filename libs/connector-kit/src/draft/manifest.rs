//! Writes the manifest of a draft.

use event_model::Field;

use super::{Answers, Authorization, OPEN_PLACE, Pages};

/// The manifest's text.
pub(super) fn write(answers: &Answers) -> String {
    let mut out = head(answers);
    out += &auth(&answers.authorization);
    out += &http(answers);
    out += &pull(answers);
    out += &push(answers);
    out += &normalize(answers);
    out += &objects(answers);
    out += &health(answers);
    out += &actions(answers);
    out
}

/// A text as YAML takes it anywhere: quoted as in JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn head(answers: &Answers) -> String {
    let mut out = format!(
        "# A draft. `tidegate connector lint` says which places are open; docs/connector-tutorial.md goes through all of them.\n\
         manifest: 1\nid: {}\nname: {}\n",
        answers.id,
        quoted(&answers.name)
    );
    if let Some(url) = &answers.docs_url {
        out += &format!("docs_url: {}\n", quoted(url));
    }
    if answers.base.is_none() {
        out += "self_hosted: true\n";
    }
    out += "params:\n  internal_domains:\n    title: Internal domains\n    description: Separated by commas; tells internal from external users.\n    required: true\n";
    if answers.authorization == Authorization::Basic {
        out += "  user: {title: User, required: true}\n";
    }
    out + "\n"
}

fn auth(authorization: &Authorization) -> String {
    let scopes = |scopes: &[String]| {
        let all: Vec<String> = scopes.iter().map(|scope| quoted(scope)).collect();
        all.join(", ")
    };
    let inside = match authorization {
        Authorization::Code {
            authorize,
            token,
            scopes: wanted,
        } => format!(
            "  kind: oauth2_code\n  authorize: {}\n  token: {}\n  scopes: [{}]\n  pkce: S256\n  client_auth: basic\n  dead: [invalid_grant]\n",
            quoted(authorize),
            quoted(token),
            scopes(wanted)
        ),
        Authorization::ClientCredentials {
            token,
            scopes: wanted,
        } => format!(
            "  kind: client_credentials\n  token: {}\n  scopes: [{}]\n  client_auth: basic\n",
            quoted(token),
            scopes(wanted)
        ),
        Authorization::ApiKey { header, prefix } => format!(
            "  kind: api_key\n  header: {}\n  prefix: {}\n",
            quoted(header),
            quoted(prefix)
        ),
        Authorization::Basic => "  kind: basic\n  user: \"{params.user}\"\n".to_owned(),
    };
    format!("auth:\n{inside}\n")
}

fn http(answers: &Answers) -> String {
    let base = answers.base.as_deref().unwrap_or("{base_url}");
    let mut hosts = vec![host_of(base)];
    let endpoints = match &answers.authorization {
        Authorization::Code { token, .. } | Authorization::ClientCredentials { token, .. } => {
            Some(host_of(token))
        }
        Authorization::ApiKey { .. } | Authorization::Basic => None,
    };
    hosts.extend(endpoints.filter(|host| !hosts.contains(host)));
    let hosts: Vec<String> = hosts.iter().map(|host| quoted(host)).collect();
    format!(
        "http:\n  base: {}\n  hosts: [{}]\n  throttle: [{{status: 429, otherwise: 10s}}, {{status: 503, otherwise: 5s}}]\n  budget: {{requests: 60, per: 60s}}   # {OPEN_PLACE}: what the service allows\n\n",
        quoted(base),
        hosts.join(", ")
    )
}

/// The host and port of an address; of `{base_url}/..` that name.
fn host_of(address: &str) -> String {
    if address.starts_with("{base_url}") {
        return "{base_url}".to_owned();
    }
    let parsed = url::Url::parse(address).ok();
    let host = parsed.as_ref().and_then(|url| {
        let host = url.host_str()?;
        Some(match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        })
    });
    host.unwrap_or_else(|| "api.example.com".to_owned())
}

fn pull(answers: &Answers) -> String {
    let feed = &answers.feed;
    let page = match &feed.pages {
        Pages::Cursor { query, next } => format!(
            "      kind: cursor\n      query: {}\n      items: {}\n      next: {}\n",
            quoted(query),
            quoted(&feed.items),
            quoted(next)
        ),
        Pages::Link => format!(
            "      kind: link\n      items: {}\n      next: {{header: link}}\n",
            quoted(&feed.items)
        ),
        Pages::Since { query } => format!(
            "      kind: watermark\n      items: {}\n      since: {{query: {}, format: rfc3339}}\n      overlap: 10m\n      next: {{header: link}}   # {OPEN_PLACE}: how the next page is asked for\n",
            quoted(&feed.items),
            quoted(query)
        ),
    };
    format!(
        "pull:\n  - stream: activity\n    request: {{get: {}, query: {{{}: 100}}}}\n    page:\n{page}    first: start\n    every: 60s\n    retention: 30d   # {OPEN_PLACE}: how long the service keeps its activity\n    lag: 5m   # {OPEN_PLACE}: how late an event may appear\n\n",
        quoted(&feed.path),
        quoted(&feed.limit)
    )
}

fn push(answers: &Answers) -> String {
    let Some(hooks) = &answers.hooks else {
        return String::new();
    };
    format!(
        "push:\n  register:\n    post: {}\n    body: {{{}: \"{{webhook.url}}\"}}\n    capture: {{id: /id, secret: /secret}}   # {OPEN_PLACE}: where the answer has them\n  deregister: {{delete: {}, ok: [404]}}\n  verify: {{kind: standard_webhooks}}   # {OPEN_PLACE}: how deliveries are signed\n  events: \"\"\n  reconcile: {{pull: activity, every: 10m}}\n\n",
        quoted(&hooks.register),
        quoted(&hooks.url_property),
        quoted(&hooks.deregister)
    )
}

fn normalize(answers: &Answers) -> String {
    let mut out = String::from("normalize:\n  fields:\n");
    for field in Field::ALL {
        let found = answers.paths.iter().find(|(known, _)| *known == field);
        let path = found.map(|(_, path)| path.as_str());
        out += &format!("    {field}: {}\n", verb(field, path, answers));
    }
    out + "\n"
}

fn verb(field: Field, path: Option<&str>, answers: &Answers) -> String {
    let open = format!("{{absent: \"{OPEN_PLACE}: a path, or why the service does not have it\"}}");
    let party = |email: &str| {
        format!("{{domain_class: {{field: {email}}}, against: {{param: internal_domains}}}}")
    };
    match (field, path) {
        (Field::TenantId, None) => "{connection: tenant_id}".to_owned(),
        (Field::TenantId, Some(path)) => format!("[{}, {{connection: tenant_id}}]", quoted(path)),
        (Field::EventId, None) => "{hash_id: [/id, /at, /type]}".to_owned(),
        (Field::EventTimestamp | Field::LogTimestamp, Some(path)) => {
            format!("{{time: {}}}", quoted(path))
        }
        (Field::EventType, _) => {
            let name = answers
                .paths
                .iter()
                .find(|(known, _)| *known == Field::EventName);
            let name = name.map_or("/type", |(_, path)| path.as_str());
            format!(
                "\n      lookup: {}\n      table: {{\"file.created\": data_creation, \"login*\": authentication}}   # {OPEN_PLACE}: the service's words\n      default: other",
                quoted(name)
            )
        }
        (Field::ActorIpAddress, Some(path)) => format!("{{ip: {}}}", quoted(path)),
        (Field::ActorType, None) => party("actor_email"),
        (Field::TargetUserType, None) => party("target_user_email"),
        (Field::Visibility | Field::ActorType | Field::TargetUserType, Some(path)) => format!(
            "{{lookup: {}, table: {{}}}}   # {OPEN_PLACE}: the service's words",
            quoted(path)
        ),
        (_, Some(path)) => quoted(path),
        (_, None) => open,
    }
}

fn objects(answers: &Answers) -> String {
    match &answers.objects.content {
        Some(path) => format!("content: {{get: {}}}\n\n", quoted(path)),
        None => format!(
            "# {OPEN_PLACE}: content: {{get: \"/files/{{activity.object_id}}/content\"}}\n\n"
        ),
    }
}

fn health(answers: &Answers) -> String {
    let feed = &answers.feed;
    format!(
        "health:\n  - name: activity_of_all_users\n    steps: {{get: {}, query: {{{}: 1}}, expect: {{status: 200}}}}\n    proves: The activity of every user can be read.\n    fix: Consent must be given by an administrator of the service.\n",
        quoted(&feed.path),
        quoted(&feed.limit)
    )
}

fn actions(answers: &Answers) -> String {
    let paths = &answers.objects;
    let mut out = String::new();
    if let (Some(object), Some(delete)) = (&paths.object, &paths.delete) {
        out += &format!(
            "  delete:\n    needs: {{condition: {{field: object_id, present: true}}, otherwise: the activity names no object}}\n    steps: {{delete: {}, ok: [404]}}\n    verify: {{get: {}, ok: [404], expect: {{status: 404}}}}\n    irreversible: true   # {OPEN_PLACE}: or how it comes out of the trash again\n",
            quoted(delete),
            quoted(object)
        );
    }
    let lists = [
        ("remove_link", &paths.links, &paths.link),
        ("remove_collaborator", &paths.permissions, &paths.permission),
    ];
    for (action, list, one) in lists {
        if let (Some(list), Some(one)) = (list, one) {
            let which = match action {
                "remove_collaborator" => {
                    "\n        where: {path: /user/id, equals: \"{activity.target_user_id}\"}"
                }
                _ => "",
            };
            let expect = match which.is_empty() {
                true => "{path: /items, empty: true}",
                false => {
                    "{path: /items, none: {path: /user/id, equals: \"{activity.target_user_id}\"}}"
                }
            };
            out += &format!(
                "  {action}:\n    needs: {{condition: {{field: object_id, present: true}}, otherwise: the activity names no object}}\n    snapshot: {{get: {list}, capture: {{found: /items}}}}   # {OPEN_PLACE}: where the answer has the list\n    steps:\n      - delete: {one}\n        for_each: snapshot.found{which}\n        ok: [404]\n    verify: {{get: {list}, expect: {expect}}}\n    irreversible: true   # {OPEN_PLACE}: or how it is made again\n",
                list = quoted(list),
                one = quoted(one)
            );
        }
    }
    match out.is_empty() {
        true => out,
        false => format!("\nactions:\n{out}"),
    }
}
