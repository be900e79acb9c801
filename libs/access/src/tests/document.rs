//! Documents, and where their mistakes are.

use super::*;

fn read(text: &str) -> Result<AccessDocument, AccessDocumentError> {
    AccessDocument::read(text, |bytes| bytes.fill(0))
}

const DOCUMENT: &str = r#"{
  "policies": [
    { "name": "backup", "user": "backup@<localhost>", "access": "ReadCipher" },
    { "name": "office", "group": "DOMAIN\\Office", "process": "C:\\Office\\Word.exe", "access": "ReadWrite" }
  ],
  "groups": [
    { "name": "documents", "default_access": "NoAccess", "policies": [ "backup", "office", { "user": "eve" } ] },
    { "name": "logs", "os_type": "Linux", "encrypt_data": false, "default_access": "Read",
      "policies": [ { "name": "rotate", "process": "/usr/sbin/logrotate", "access": "Write" } ] }
  ]
}"#;

#[test]
fn a_document_is_read_with_its_defaults() {
    let document = read(DOCUMENT).unwrap();
    let documents = document.group("documents").unwrap();
    assert_eq!(
        (documents.os(), documents.group_type()),
        (OsType::Windows, GroupType::AccessControlAndEncryption)
    );
    let lines: Vec<String> = documents
        .by_priority()
        .iter()
        .map(|one| format!("{}: {}: {}", one.name(), one.entity(), one.access()))
        .collect();
    let expected = [
        r"office: group `DOMAIN\Office` and process `C:\Office\Word.exe`: ReadWrite",
        "backup: user `backup@<localhost>`: ReadCipher",
        "Access-Policy-0000000000000000000: user `eve`: NoAccess",
    ];
    assert_eq!(lines, expected);
    let logs = document.group("logs").unwrap();
    assert_eq!(
        (logs.os(), logs.default_access()),
        (OsType::Linux, Permission::Read)
    );
    assert_eq!(document.groups().len(), 2);
    assert!(document.group("other").is_none());
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let group = |rest: &str| {
        format!("{{\"groups\": [\n {{\"name\": \"g\", \"os_type\": \"Linux\", {rest}}}\n]}}")
    };
    let policy = |policy: &str| group(&format!("\"policies\": [{policy}]"));
    let many = "{\"policies\": [{\"name\": \"a\"}, {\"name\": \"b\", \"user\": \"u\", \"group\": \"g\"}],\
                 \"groups\": [{\"name\": \"\"}, {\"name\": \"g\", \"policies\": [\"x\"]}, {\"name\": \"g\"}]}";
    let rows: Vec<(String, Vec<&str>)> = vec![
        ("{".into(), vec!["line 1, column 1: EOF while parsing"]),
        (
            "{}".into(),
            vec!["line 1, column 2: missing field `groups`"],
        ),
        (
            group("\"default\": 1"),
            vec!["line 2, column 44: unknown field `default`"],
        ),
        (
            group("\"default_access\": \"All\""),
            vec!["line 2, column 58: unknown variant `All`, expected one of `NoAccess`"],
        ),
        (
            policy("{\"user\": \"@x\"}"),
            vec!["line 2, column 62: `@x` is not the name of a user or group"],
        ),
        (
            policy("{\"process\": \"bin/cat\"}"),
            vec!["line 2, column 70: `bin/cat` is not the name of a process"],
        ),
        (
            policy("3"),
            vec![
                "line 2, column 49: invalid type: integer `3`, expected the name of a policy, or a policy",
            ],
        ),
        (
            policy("{\"access\": \"Read\"}"),
            vec!["groups[0].policies[0]: a policy names a user, a group, a process"],
        ),
        (
            policy("{\"process\": \"C:\\\\x.exe\"}"),
            vec!["groups[0].policies[0]: the process `C:\\x.exe` is not of Linux"],
        ),
        (
            group("\"encrypt_data\": false, \"default_access\": \"ReadCipher\""),
            vec!["groups[0]: `ReadCipher` is about ciphertext"],
        ),
        (
            group(
                "\"encrypt_data\": false, \"policies\": [{\"user\": \"a\", \"access\": \"ReadWriteCipher\"}]",
            ),
            vec![
                "groups[0].policies[0]: `ReadWriteCipher` is about ciphertext, and the group `g` does not encrypt data",
            ],
        ),
        (
            many.into(),
            vec![
                "policies[0]: a policy names a user, a group, a process",
                "policies[1]: a policy names a user or a group, not both",
                "groups[0]: a name has 1 to 256 bytes",
                "groups[1].policies[0]: there is no policy `x`",
                "groups[2]: there are two groups `g`",
            ],
        ),
    ];
    for (text, expected) in rows {
        let AccessDocumentError(mistakes) = read(&text).unwrap_err();
        assert_eq!(mistakes.len(), expected.len(), "{text}: {mistakes:?}");
        for (mistake, expected) in mistakes.iter().zip(expected) {
            let told = mistake.to_string();
            assert!(told.starts_with(expected), "{text}: {told}");
        }
    }
    let long = " ".repeat(DOCUMENT_BYTES_MAX + 1);
    assert!(read(&long).is_err());
}
