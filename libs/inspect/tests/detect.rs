//! The detectors' tables: each row of `detect.txt` and its like is a text and what must be found in it;
//! each row of `detect-noise.txt` is a text in which nothing may be found but with low confidence.

use inspect::{Confidence, DetectorSet, Findings, Limits};

const TABLE: &str = concat!(
    include_str!("detect.txt"),
    include_str!("detect-identifiers.txt"),
    include_str!("detect-secrets.txt"),
    include_str!("detect-assigned.txt"),
);

struct Row<'t> {
    text: String,
    detector: &'t str,
    count: usize,
    confidence: Option<Confidence>,
}

fn rows() -> impl Iterator<Item = Row<'static>> {
    TABLE
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let [confidence, count, detector, text] =
                line.rsplitn(4, " | ").collect::<Vec<_>>()[..]
            else {
                panic!("four columns in `{line}`");
            };
            let text = text
                .replace("\\\\", "\u{1}")
                .replace("\\n", "\n")
                .replace("\\~", "\u{2}")
                .replace('\u{1}', "\\");
            Row {
                text: text.replace('~', "").replace('\u{2}', "~"),
                detector,
                count: count.parse().expect("it is there"),
                confidence: match confidence {
                    "low" => Some(Confidence::Low),
                    "medium" => Some(Confidence::Medium),
                    "high" => Some(Confidence::High),
                    _ => None,
                },
            }
        })
}

fn lowest(findings: &Findings, detector: &str) -> Option<Confidence> {
    findings
        .iter()
        .filter(|found| found.detector == detector || found.group.as_deref() == Some(detector))
        .map(|found| found.confidence)
        .min()
}

#[test]
fn every_row_of_the_table_holds() {
    let set = DetectorSet::built_in();
    let mut wrong = Vec::new();
    for row in rows() {
        assert!(
            set.names().any(|name| name == row.detector),
            "{} is a detector",
            row.detector
        );
        let findings = set.scan_text(&row.text);
        let found = (
            findings.count(row.detector, Confidence::Low),
            lowest(&findings, row.detector),
        );
        if found != (row.count, row.confidence) {
            wrong.push(format!("{:?} {}: {found:?}", row.text, row.detector));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} rows:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(rows().count() >= 150);
}

#[test]
fn what_only_looks_like_a_secret_or_an_identifier_is_low_at_most() {
    let noise = include_str!("detect-noise.txt");
    let texts = noise
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("# "));
    let mut wrong = Vec::new();
    for text in texts {
        let text = text.replace("\\n", "\n").replace('~', "");
        let findings = DetectorSet::built_in().scan_text(&text);
        wrong.extend(
            findings
                .iter()
                .filter(|found| found.confidence > Confidence::Low)
                .map(|found| format!("{} {:?} in {text:?}", found.detector, found.confidence)),
        );
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn at_least_two_hundred_kinds_of_secrets_are_told_apart() {
    let set = DetectorSet::built_in();
    let opens = |name: &&str| {
        let group = set.describe(name).and_then(|detector| detector.group);
        let first = ["private-key", "github-token", "slack-token", "stripe-key"];
        group == Some("secret") || group == Some("cloud-access-key") || first.contains(name)
    };
    assert!(set.names().filter(opens).count() >= 200);
    assert!(set.names().count() >= 400);
}

#[test]
fn a_fields_name_tells_that_its_value_is_a_secret() {
    let rows = [
        ("user,password\nann,Tr0ub4dor&3x\n", "password", 1),
        ("user,db_password\nann,Sommer2024!\n", "password", 1),
        (
            "host,api_key\na,q4FBfFTdimyPGNcPyMZQz5OW\n",
            "generic-secret",
            1,
        ),
        (
            "host,datadog_api_key\na,0f3a9c1e77aab2d4486e1c5d9b7f2a60\n",
            "datadog-key",
            1,
        ),
        ("user,password\nann,changeme\n", "password", 0),
        ("user,password_policy\nann,Tr0ub4dor&3x\n", "password", 0),
        ("user,name\nann,Tr0ub4dor&3x\n", "password", 0),
    ];
    for (text, detector, count) in rows {
        let inspection = inspect::inspect(
            text.as_bytes(),
            Some("a.csv"),
            &Limits::default(),
            DetectorSet::built_in(),
        );
        let found = inspection.findings.count(detector, Confidence::Medium);
        assert_eq!(found, count, "{text}");
    }
}

#[test]
fn no_finding_shows_more_than_four_characters_of_its_value() {
    for row in rows() {
        for found in DetectorSet::built_in().scan_text(&row.text).iter() {
            let shown = found.masked.trim_start_matches('*').chars().count();
            assert!(
                shown <= 4 && found.masked.contains("***"),
                "{} of {:?}",
                found.masked,
                row.text
            );
        }
    }
}

#[test]
fn values_known_from_documentation_are_flagged_and_counted() {
    let rows = [
        ("4111 1111 1111 1111", "credit-card", true),
        ("4539578763621486", "credit-card", false),
        ("078-05-1120", "us-ssn", true),
        ("536-22-8145", "us-ssn", false),
        ("GB82 WEST 1234 5698 7654 32", "iban", true),
        ("ann@example.com", "email", true),
        ("ann@harbour.com", "email", false),
    ];
    for (text, detector, test_value) in rows {
        let findings = DetectorSet::built_in().scan_text(text);
        let found = findings.iter().find(|found| found.detector == detector);
        assert_eq!(
            found.map(|found| found.test_value),
            Some(test_value),
            "{text}"
        );
    }
}

#[test]
fn a_value_counts_once_however_often_and_however_it_is_written() {
    let text = "4539578763621486, 4539-5787-6362-1486, card 4539 5787 6362 1486";
    let findings = DetectorSet::built_in().scan_text(text);
    assert_eq!(findings.count("credit-card", Confidence::High), 1);
    assert_eq!(
        findings.iter().map(|found| found.occurrences).sum::<u32>(),
        3
    );
}

#[test]
fn a_columns_header_is_the_best_context() {
    let table = |header: &str| {
        let rows = "Ann,4539578763621486\nBob,4716461583322103\nJo,5424180279791732\n";
        let bytes = format!("name,{header}\n{rows}");
        inspect::inspect(
            bytes.as_bytes(),
            Some("a.csv"),
            &Limits::default(),
            DetectorSet::built_in(),
        )
    };
    let rows = [
        ("card_number", Confidence::High),
        ("cardNo", Confidence::High),
        ("PAN", Confidence::High),
        ("order_id", Confidence::Low),
        ("misc", Confidence::Medium),
    ];
    for (header, confidence) in rows {
        let inspection = table(header);
        let found: Vec<_> = inspection.findings.iter().collect();
        assert!(found.len() >= 2, "{header}");
        assert!(
            found.iter().all(|found| found.confidence == confidence),
            "{header}: {found:?}"
        );
        assert_eq!(
            found[0].place.to_string(),
            format!("row 2, column 2 ({header})")
        );
    }
}

#[test]
fn no_text_makes_a_scan_slow() {
    let card = "4539578763621486 ";
    let units = [
        "eyJ",
        "1",
        "a@",
        "1234 ",
        "@",
        "1234-",
        "1.",
        "AKIA",
        "ghp_",
        "-----BEGIN ",
        "sk_live_",
        "-----BEGIN PRIVATE KEY-----",
        "private_key_id",
        "DE75 ",
        "a.",
        "１",
        "é1 ",
        "AccountKey=",
        card,
        "order 4539 5787 6362 1486 card ",
        "536-22-8145 ",
        "token=token:",
        "://a:b@",
        "+fm2_",
        "$2b$",
        "card 123456789 ",
        "1\n",
    ];
    for unit in units {
        let text = unit.repeat(1_000_000 / unit.len());
        let findings = DetectorSet::built_in().scan_text(&text);
        let per_byte = findings.work() / text.len() as u64;
        assert!(per_byte <= 257, "{unit:?} took {per_byte} units a byte");
    }
}

#[test]
fn nothing_that_is_stored_shows_a_value() {
    let number = "4539578763621486";
    let rows = [
        ("a.csv", format!("{number},x\n{number},y\n{number},z\n")),
        (
            "a.xml",
            format!("<?xml version='1.0'?><card>{number}</card>"),
        ),
        (
            "a.html",
            format!(
                "<html><meta name='card' content='{number}'><input name='{number}' value='{number}'>"
            ),
        ),
    ];
    for (name, text) in rows {
        let inspection = inspect::inspect(
            text.as_bytes(),
            Some(name),
            &Limits::default(),
            DetectorSet::built_in(),
        );
        assert_eq!(
            inspection.findings.count("credit-card", Confidence::Low),
            1,
            "{name}"
        );
        let stored = serde_json::to_string(&inspection).expect("it serialises");
        assert!(!stored.contains(number), "{name}: {stored}");
    }
}

#[test]
fn an_xml_element_names_its_value() {
    let xml = b"<?xml version='1.0'?><list><ssn>536228145</ssn><orderId>528419273</orderId></list>";
    let inspection = inspect::inspect(xml, None, &Limits::default(), DetectorSet::built_in());
    assert_eq!(inspection.findings.count("us-ssn", Confidence::High), 1);
    assert_eq!(inspection.findings.count("us-ssn", Confidence::Low), 1);
}

#[test]
fn findings_and_inspections_survive_storage() {
    let bytes = b"card 4539578763621486, ssn 536-22-8145";
    let inspection = inspect::inspect(
        bytes,
        Some("a.txt"),
        &Limits::default(),
        DetectorSet::built_in(),
    );
    let stored = serde_json::to_string(&inspection).expect("it is there");
    let read: inspect::Inspection = serde_json::from_str(&stored).expect("it is there");
    insta::assert_json_snapshot!(inspection);
    assert_eq!(read, inspection);
}
