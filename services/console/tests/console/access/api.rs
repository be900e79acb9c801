//! Access policies and their groups over the API, from the first to the last.

use super::*;

#[tokio::test]
async fn policies_and_groups_are_administered_over_the_api() {
    let world = World::new().await;
    let policy = world
        .makes("/access-policies", json!({"user": "ada", "access": "Read"}))
        .await;
    let named = world.get(&format!("/access-policies/{policy}")).await;
    let name = named["name"].as_str().unwrap();
    assert!(
        name.starts_with("Access-Policy-") && name.len() == 33,
        "{name}"
    );
    let windows = world
        .makes(
            "/access-policies",
            json!({"name": "w", "process": "C:\\x.exe"}),
        )
        .await;
    let group = world
        .makes(
            "/access-policy-groups",
            json!({"name": "g", "os_type": "Linux", "encrypt_data": false}),
        )
        .await;
    let (policies, groups) = ("/access-policies", "/access-policy-groups");
    let one = format!("{policies}/{policy}");
    let of = format!("{groups}/{group}");
    let both = r#"{"user":"a","group":"b","access":"Read"}"#;
    let none = "acp_00000000000000000000000000";
    // method, path, body, If-Match => status, what is said
    let rows: [(&str, String, &str, &str, u16, &str); 24] = [
        (
            "POST",
            policies.into(),
            "{}",
            "",
            422,
            "names a user, a group",
        ),
        ("POST", policies.into(), both, "", 422, "not both"),
        (
            "POST",
            policies.into(),
            r#"{"user":"a/b"}"#,
            "",
            422,
            "\"/user\"",
        ),
        (
            "POST",
            policies.into(),
            r#"{"process":"cat"}"#,
            "",
            422,
            "\"/process\"",
        ),
        (
            "POST",
            policies.into(),
            r#"{"name":" x","user":"a"}"#,
            "",
            422,
            "\"/name\"",
        ),
        (
            "POST",
            policies.into(),
            r#"{"user":"a","access":"All"}"#,
            "",
            422,
            "/access",
        ),
        (
            "POST",
            policies.into(),
            r#"{"name":"w","user":"a"}"#,
            "",
            422,
            "two policies",
        ),
        (
            "POST",
            groups.into(),
            r#"{"name":""}"#,
            "",
            422,
            "\"/name\"",
        ),
        (
            "POST",
            groups.into(),
            r#"{"name":"g"}"#,
            "",
            422,
            "two groups",
        ),
        (
            "POST",
            groups.into(),
            r#"{"name":"h","encrypt_data":false,"default_access":"ReadCipher"}"#,
            "",
            422,
            "\"/default_access\"",
        ),
        (
            "PUT",
            one.clone(),
            r#"{"user":"eve","access":"Read"}"#,
            "\"9\"",
            412,
            "TG-045",
        ),
        (
            "PUT",
            one.clone(),
            r#"{"user":"eve","access":"Read"}"#,
            "\"1\"",
            200,
            name,
        ),
        (
            "PUT",
            format!("{of}/policies/{policy}"),
            "",
            "",
            200,
            &policy,
        ),
        (
            "PUT",
            format!("{of}/policies/{policy}"),
            "",
            "",
            200,
            &policy,
        ),
        (
            "PUT",
            format!("{of}/policies/{windows}"),
            "",
            "",
            422,
            "is not of Linux",
        ),
        (
            "PUT",
            format!("{of}/policies/{none}"),
            "",
            "",
            404,
            "no access policy",
        ),
        (
            "PUT",
            one.clone(),
            r#"{"user":"eve","access":"ReadCipher"}"#,
            "",
            422,
            "does not encrypt",
        ),
        ("DELETE", one.clone(), "", "", 409, "linked to `g`"),
        (
            "GET",
            format!("{policies}?limit=1"),
            "",
            "",
            200,
            "\"next\":\"acp_",
        ),
        (
            "GET",
            format!("{policies}?cursor=x"),
            "",
            "",
            400,
            "not a cursor",
        ),
        (
            "POST",
            format!("{of}/explain"),
            r#"{"user":""}"#,
            "",
            400,
            "/user",
        ),
        (
            "POST",
            format!("{of}/explain"),
            r#"{"user":"eve"}"#,
            "",
            200,
            "\"wins\"",
        ),
        ("DELETE", of.clone(), "", "\"1\"", 412, "TG-045"),
        (
            "PUT",
            of.clone(),
            r#"{"name":"g2","os_type":"Linux"}"#,
            "\"2\"",
            200,
            "\"version\":3",
        ),
    ];
    for (method, path, body, if_match, status, said) in rows {
        let headers: &[(&str, &str)] = match if_match {
            "" => &[],
            _ => &[("if-match", if_match)],
        };
        let answer = world.call_with(method, &path, body, headers).await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{method} {path} {body}: {}",
            answer.text
        );
        assert!(
            answer.text.contains(said),
            "{method} {path} {body}: {}",
            answer.text
        );
    }
    let ranked = world.get(&format!("{of}/policies")).await;
    assert_eq!(ranked["items"][0]["class"], "user or group", "{ranked}");
    let unlinked = world
        .call("DELETE", &format!("{of}/policies/{policy}"), "")
        .await;
    assert_eq!(unlinked.json()["policies"], json!([]));
    for path in [one, of] {
        let gone = world.call("DELETE", &path, "").await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT, "{path}: {}", gone.text);
        assert_eq!(
            world.call("GET", &path, "").await.status,
            StatusCode::NOT_FOUND
        );
    }
    let trail = world.audited().await;
    let acts: Vec<&str> = trail
        .iter()
        .map(String::as_str)
        .rev()
        .filter(|one| one.starts_with("access"))
        .collect();
    let expected = [
        "access_policy.created",
        "access_policy.created",
        "access_group.created",
        "access_policy.changed",
        "access_group.linked",
        "access_group.changed",
        "access_group.unlinked",
        "access_policy.removed",
        "access_group.removed",
    ];
    assert_eq!(acts, expected);
}
