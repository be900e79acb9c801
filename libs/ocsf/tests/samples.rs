//! Every connector's samples, told as OCSF: what the schema's own validators let pass is held here, and
//! `scripts/ocsf-check` holds the rest against the schema (TIDEGATE_OCSF_SAMPLES names the file for it).
#![expect(clippy::unwrap_used, reason = "a failing test is meant to panic")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use event_model::{Activity, ActivityRecord};
use ports::contract::samples;
use serde_json::Value;

/// What each class must have, beside what all have. Source: <https://schema.ocsf.io/1.7.0>.
const REQUIRED: &[(u64, &[&str])] = &[
    (3001, &["/user"]),
    (3002, &["/user", "/service/name"]),
    (3005, &["/user", "/privileges/0"]),
    (
        6003,
        &[
            "/actor",
            "/api/operation",
            "/api/service/name",
            "/src_endpoint",
        ],
    ),
    (
        6006,
        &["/actor", "/src_endpoint", "/file/name", "/file/type_id"],
    ),
];
/// What every class must have.
const OF_ALL: &[&str] = &[
    "/activity_id",
    "/category_uid",
    "/class_uid",
    "/metadata/product/name",
    "/metadata/version",
    "/metadata/uid",
    "/severity_id",
    "/time",
    "/type_uid",
];
/// An object, and attributes of which it has one at the least.
const AT_LEAST_ONE: &[(&str, &[&str])] = &[
    ("/actor", &["user", "app_name"]),
    ("/actor/user", &["name", "uid"]),
    ("/user", &["name", "uid"]),
    ("/src_endpoint", &["ip", "svc_name"]),
];

struct Sample {
    service: String,
    name: String,
    record: ActivityRecord,
}

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

fn all() -> Vec<Sample> {
    let mut found = Vec::new();
    for connector in fs::read_dir(project("connectors")).unwrap() {
        let folder = connector.unwrap().path();
        let service = folder.file_name().unwrap().to_str().unwrap().to_owned();
        for file in fs::read_dir(folder.join("expected")).into_iter().flatten() {
            let path = file.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            let expected: Value = serde_json::from_str(&text).unwrap();
            let events = expected.as_array().cloned().unwrap_or_default();
            let activities = events.into_iter().filter_map(|event| {
                serde_json::from_value::<Activity>(event.get("activity")?.clone()).ok()
            });
            found.extend(activities.map(|activity| Sample {
                service: service.clone(),
                name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
                record: record(&service, activity),
            }));
        }
    }
    found.sort_by(|a, b| (&a.service, &a.name).cmp(&(&b.service, &b.name)));
    assert!(found.len() > 500, "only {} samples", found.len());
    found
}

fn record(service: &str, activity: Activity) -> ActivityRecord {
    ActivityRecord {
        service: service.to_owned(),
        activity,
        ..samples::record("e-1", "f_1", 3)
    }
}

fn complaints(event: &Value) -> Vec<String> {
    let class = event["class_uid"].as_u64().unwrap();
    let own = REQUIRED.iter().find(|(of, _)| *of == class);
    let own = own.unwrap_or_else(|| panic!("class {class}")).1;
    let missing = OF_ALL
        .iter()
        .chain(own)
        .filter(|path| event.pointer(path).is_none());
    let mut wrong: Vec<String> = missing.map(|path| format!("there is no {path}")).collect();
    for (path, wanted) in AT_LEAST_ONE {
        if let Some(there) = event.pointer(path)
            && !wanted.iter().any(|name| there.get(name).is_some())
        {
            wrong.push(format!("{path} has none of {wanted:?}"));
        }
    }
    let number = |name: &str| event[name].as_u64().unwrap();
    if number("type_uid") != class * 100 + number("activity_id") {
        wrong.push("type_uid is not that of the activity".into());
    }
    if number("category_uid") != class / 1000 {
        wrong.push("category_uid is not that of the class".into());
    }
    wrong
}

#[test]
fn every_sample_of_every_connector_is_a_whole_event_of_its_class() {
    let (mut lines, mut wrong, mut classes) = (String::new(), Vec::new(), BTreeMap::new());
    for sample in all() {
        let event = ocsf::activity(&sample.record, "0.0.0");
        *classes
            .entry(event["class_uid"].as_u64().unwrap())
            .or_insert(0) += 1;
        for complaint in complaints(&event) {
            wrong.push(format!("{}/{}: {complaint}", sample.service, sample.name));
        }
        let said = event.to_string();
        // A sample's link of a letter or two stands in every text.
        if let Some(link) = &sample.record.activity.shared_link
            && link.len() > 8
            && said.contains(link.as_str())
        {
            wrong.push(format!(
                "{}/{} tells a shared link",
                sample.service, sample.name
            ));
        }
        assert_eq!(said, ocsf::activity(&sample.record, "0.0.0").to_string());
        lines.push_str(&said);
        lines.push('\n');
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let seen: Vec<u64> = classes.keys().copied().collect();
    assert_eq!(seen, [3001, 3002, 3005, 6003, 6006], "{classes:?}");
    if let Some(path) = std::env::var_os("TIDEGATE_OCSF_SAMPLES") {
        fs::write(path, lines).unwrap();
    }
}

const HEAD: &str = "\
# Which event becomes which class of OCSF

Made of the samples of every connector; `make generated` writes it anew. What each attribute holds stands in
[ocsf-events](ocsf-events.md).

| service | event | class | activity |
|---|---|---|---|
";

#[test]
fn the_table_of_events_is_what_they_become() {
    let mut rows = BTreeMap::new();
    for sample in all() {
        let event = ocsf::activity(&sample.record, "0.0.0");
        let text = |name: &str| event[name].as_str().unwrap().to_owned();
        let Some(name) = sample.record.activity.event_name else {
            continue;
        };
        let deed = match event["activity_id"].as_u64() {
            Some(99) => "99 Other".to_owned(),
            id => format!("{} {}", id.unwrap(), text("activity_name")),
        };
        let class = format!("{} {}", event["class_uid"], text("class_name"));
        rows.entry((sample.service, name, class)).or_insert(deed);
    }
    let mut table = HEAD.to_owned();
    for ((service, name, class), deed) in rows {
        let plain = |c: char| !c.is_control() && c != '|' && c != '`';
        let name: String = name.chars().filter(|c| plain(*c)).take(80).collect();
        writeln!(table, "| {service} | `{name}` | {class} | {deed} |").unwrap();
    }
    let path = project("docs/ocsf-activities.md");
    if std::env::var_os("TIDEGATE_GENERATE").is_some() {
        fs::write(&path, &table).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == table,
        "`docs/ocsf-activities.md` is not fresh: run `make generated`"
    );
}

#[test]
fn what_is_hostile_or_absent_is_told_within_the_bounds() {
    let mut activity = all().remove(0).record.activity;
    let long = "é\u{0}\n".repeat(100_000);
    activity.event_name = Some(long.clone());
    activity.object_name = Some(long.clone());
    activity.object_path = Some(long.clone());
    activity.actor_email = Some(long);
    let said = ocsf::activity(&record("box", activity), "0.0.0");
    assert!(said.to_string().len() < 256 * 1024);
    assert_eq!(complaints(&said), Vec::<String>::new());
    for kind in event_model::EventType::ALL {
        let id = event_model::EventId::new("e").unwrap();
        let bare = ocsf::activity(&record("box", Activity::bare(id, *kind)), "0.0.0");
        assert_eq!(complaints(&bare), Vec::<String>::new(), "{kind}");
        assert_eq!(bare["src_endpoint"]["svc_name"], "box");
    }
}
