//! Custom detectors: what each kind finds, what is refused and in which words, and that nothing that
//! is stored holds a value.

use inspect::{
    Confidence, CustomDetector, CustomError, DetectorSet, Documents, Findings, LooksFor, Rows,
    Sketch, Validator,
};

fn detector(name: &str, looks_for: LooksFor) -> CustomDetector {
    CustomDetector {
        name: name.to_owned(),
        title: "Ours".to_owned(),
        group: None,
        looks_for,
        confidence: Some(Confidence::Medium),
        positive: Vec::new(),
        negative: Vec::new(),
    }
}

fn pattern(pattern: &str) -> LooksFor {
    LooksFor::Pattern {
        pattern: pattern.to_owned(),
        validator: None,
    }
}

fn words(entries: &[&str], case_matters: bool, accents_matter: bool) -> LooksFor {
    LooksFor::Dictionary {
        entries: entries.iter().map(|entry| (*entry).to_owned()).collect(),
        case_matters,
        accents_matter,
    }
}

fn scan(detectors: &[CustomDetector], text: &str) -> Findings {
    let set = DetectorSet::built_in().with(detectors);
    set.expect("the detectors are in order").scan_text(text)
}

fn count(detectors: &[CustomDetector], text: &str) -> usize {
    scan(detectors, text).count("ours", Confidence::Low)
}

#[test]
fn a_dictionary_finds_what_stands_alone() {
    let rows = [
        ("Blue Heron", false, false, "the blue heron plan", 1),
        ("Blue Heron", true, false, "the blue heron plan", 0),
        ("Blue Heron", true, false, "the Blue Heron plan", 1),
        ("blue heron", false, false, "Blue Heron, BLUE HERON", 1),
        ("heron", false, false, "herons and heronry", 0),
        ("café", false, false, "a cafe, a CAFÉ, a cafe\u{301}", 1),
        ("café", false, true, "a cafe", 0),
        ("café", false, true, "a CAFÉ", 1),
        ("苍鹭", false, false, "关于苍鹭计划", 1),
        ("цапля", false, false, "план ЦАПЛЯ", 1),
    ];
    for (entry, case_matters, accents_matter, text, expected) in rows {
        let ours = detector("ours", words(&[entry], case_matters, accents_matter));
        assert_eq!(count(&[ours], text), expected, "{entry} in {text}");
    }
    let both = detector("ours", words(&["blue", "blue heron"], false, false));
    let found = scan(&[both], "é the blue heron");
    let found: Vec<_> = found
        .iter()
        .map(|found| (found.offset, found.masked.as_str()))
        .collect();
    assert_eq!(found, [(7, "******eron")], "the longest, where it stands");
}

#[test]
fn a_pattern_finds_what_its_validator_holds_true() {
    let checked = |validator| LooksFor::Pattern {
        pattern: r"\b[A-Z0-9]{10,22}\b".to_owned(),
        validator,
    };
    let rows = [
        (checked(None), "79927398713 79927398710", 2),
        (checked(Some(Validator::Luhn)), "79927398713 79927398710", 1),
        (
            checked(Some(Validator::Mod97)),
            "GB82WEST12345698765432 GB83WEST12345698765432",
            1,
        ),
        (
            pattern(r"(?i)\bproj-\d{4}\b"),
            "PROJ-1234, proj-1234, proj-12345",
            2,
        ),
        (pattern(r"^x"), "x\nx", 1),
        (pattern(r"(?m)^x."), "xa\nxb", 2),
        (pattern("."), "", 0),
    ];
    for (looks_for, text, expected) in rows {
        let ours = detector("ours", looks_for.clone());
        assert_eq!(count(&[ours], text), expected, "{looks_for:?} in {text}");
    }
}

#[test]
fn a_pattern_finds_the_same_wherever_a_stretch_ends() {
    let ours = [detector("ours", pattern("id-[0-9]{6}"))];
    for padding in 4_060..4_120 {
        let text = format!(
            "{}id-123456 {}id-654321",
            "é".repeat(padding / 2),
            "-".repeat(4_100)
        );
        assert_eq!(count(&ours, &text), 2, "{padding}");
    }
}

#[test]
fn no_pattern_makes_a_scan_slow() {
    let texts = ["a".repeat(300_000), "ab".repeat(150_000)];
    for written in [
        "(a|a)*b",
        "(.*)(.*)(.*)b",
        ".*[^A-Z]",
        "(a+)+c",
        "[ab]{1,500}c",
    ] {
        for text in &texts {
            let findings = scan(&[detector("ours", pattern(written))], text);
            assert!(
                findings.work() <= (1 << 20) + 256 * text.len() as u64,
                "{written}"
            );
        }
    }
}

#[test]
fn phrases_and_field_names_decide_how_sure_a_match_is() {
    let mut ours = detector("ours", pattern(r"\bK\d{5}\b"));
    ours.positive = vec!["customer number".to_owned(), "kundennummer".to_owned()];
    ours.negative = vec!["model".to_owned()];
    let rows = [
        (Some(Confidence::Medium), "K12345", Some(Confidence::Medium)),
        (
            Some(Confidence::Medium),
            "Customer number: K12345",
            Some(Confidence::High),
        ),
        (
            Some(Confidence::Medium),
            "K12345 is his Kundennummer",
            Some(Confidence::High),
        ),
        (
            Some(Confidence::Medium),
            "model K12345",
            Some(Confidence::Low),
        ),
        (None, "K12345", None),
        (None, "model K12345", None),
        (None, "Kundennummer K12345", Some(Confidence::High)),
    ];
    for (alone, text, expected) in rows {
        ours.confidence = alone;
        let findings = scan(std::slice::from_ref(&ours), text);
        let found = findings.iter().find(|found| found.detector == "ours");
        assert_eq!(found.map(|found| found.confidence), expected, "{text}");
    }
}

const TABLE: &str = "name,account,city\nHollis Quayle,4471-0093,Deal\n\"Marsh, Una\",4471-0177,Deal\nTove Lind,5520-1188,Hythe\n";

fn rows(columns: &[&str], together: usize) -> Rows {
    Rows::of_csv(TABLE, columns, together, [7; 16]).expect("the table is in order")
}

#[test]
fn rows_are_found_when_enough_of_one_row_stands_near() {
    let texts = [
        ("account 4471-0093 of Hollis Quayle", 2, 1),
        ("account 44710093 of HOLLIS QUAYLE", 2, 1),
        ("account 4471 0093 of Una Marsh", 2, 0),
        ("account 4471-0177 of Marsh, Una", 2, 1),
        ("account 4471-0093 and 4471-0177", 1, 2),
        ("account 4471-0093", 2, 0),
        ("Hollis Quayle", 1, 0),
        ("account 4471-009", 1, 0),
        ("account 94471-0093", 1, 0),
    ];
    for (text, together, expected) in texts {
        let ours = detector("ours", LooksFor::Rows(rows(&["account", "name"], together)));
        assert_eq!(count(&[ours], text), expected, "{text} {together}");
    }
    let far = format!("4471-0093 {} Hollis Quayle", "x ".repeat(200));
    let ours = detector("ours", LooksFor::Rows(rows(&["account", "name"], 2)));
    assert_eq!(count(&[ours], &far), 0, "too far apart");
}

#[test]
fn neither_the_table_nor_the_documents_can_be_read_from_what_is_stored() {
    let rows = LooksFor::Rows(rows(&["account", "name"], 2));
    let sketch = Sketch::of("plan", PLAN).expect("it is long enough");
    let documents = LooksFor::Documents(Documents {
        at_least: 60,
        sketches: vec![sketch],
    });
    let stored = serde_json::to_string(&[detector("a1", rows), detector("a2", documents)]);
    let stored = stored.expect("it serialises").to_lowercase();
    for value in ["hollis", "quayle", "4471", "44710093", "harbour", "heron"] {
        assert!(!stored.contains(value), "{value}");
    }
}

const PLAN: &str = "The heron plan moves the harbour office to the north quay before the winter tides. \
    Every crew is told on the same morning, and nobody speaks of it before. The old office is let to \
    the museum from the first of May, at a rent that the council fixed in March. Boats of the night \
    fleet moor at the long pier until the new cranes are tested, and the ferry keeps its berth. \
    Whoever asks is sent to the harbour master, who answers in writing within five days.";

#[test]
fn a_copy_of_a_document_is_found_whole_changed_and_within_another() {
    let sketch = Sketch::of("plan", PLAN).expect("it is long enough");
    let ours = [detector(
        "ours",
        LooksFor::Documents(Documents {
            at_least: 60,
            sketches: vec![sketch],
        }),
    )];
    let half = &PLAN[..PLAN.len() / 3];
    let texts = [
        (PLAN.to_owned(), 1),
        (PLAN.to_uppercase().replace(' ', "\n"), 1),
        (PLAN.replace("north", "south").replace("May", "June"), 1),
        (format!("Fwd: see below\n\n{PLAN}\n\nBest, Una"), 1),
        (half.to_owned(), 0),
        (
            "The harbour office is open in winter, and so is the museum. ".repeat(20),
            0,
        ),
        (String::new(), 0),
    ];
    for (text, expected) in texts {
        assert_eq!(count(&ours, &text), expected, "{text}");
    }
    let found = scan(&ours, PLAN);
    let shown = found.iter().find(|found| found.detector == "ours");
    assert_eq!(
        shown.map(|found| found.masked.as_str()),
        Some("document 1 (100 %)")
    );
}

#[test]
fn mistakes_are_all_told_in_words() {
    let phrase = |phrase: &str| CustomDetector {
        positive: vec!["fine".to_owned(), phrase.to_owned()],
        ..detector("ours", pattern("x1"))
    };
    let documents = LooksFor::Documents(Documents {
        at_least: 5,
        sketches: vec![Sketch::of("plan", PLAN).expect("it is long enough")],
    });
    let untitled = CustomDetector {
        title: " ".to_owned(),
        ..detector("ours", pattern("x1"))
    };
    let together = LooksFor::Rows(Rows {
        together: 3,
        ..rows(&["account", "name"], 2)
    });
    let table = [
        (
            detector("ours", pattern("ab(c")),
            "detector `ours`: the pattern at line 1, column 3: unclosed group",
        ),
        (
            detector("ours", pattern(r"(a)\1")),
            "detector `ours`: the pattern at line 1, column 4: backreferences are not supported",
        ),
        (
            detector("ours", pattern("(?=a)b")),
            "detector `ours`: the pattern at line 1, column 1: look-around, including look-ahead and look-behind, is not supported",
        ),
        (
            detector("ours", pattern("a*")),
            "detector `ours`: the pattern matches the empty text",
        ),
        (
            detector("ours", pattern("")),
            "detector `ours`: there is no pattern",
        ),
        (
            detector("ours", pattern(&"a".repeat(1_025))),
            "detector `ours`: there are more than 1024 bytes in the pattern",
        ),
        (
            detector("ours", pattern(r"(\w{1,1000}){1,1000}")),
            "detector `ours`: there are more than 1048576 bytes in the compiled pattern: shorten its repetitions",
        ),
        (
            detector("Ours", pattern("x1")),
            "detector `Ours`: a name has 2 to 64 lower-case letters, digits and dashes, and starts with a letter",
        ),
        (
            detector("credit-card", pattern("x1")),
            "detector `credit-card`: another detector or group has this name",
        ),
        (
            detector("secret", pattern("x1")),
            "detector `secret`: another detector or group has this name",
        ),
        (
            untitled,
            "detector `ours`: the title has 1 to 200 characters",
        ),
        (
            detector("ours", words(&[], false, false)),
            "detector `ours`: there is no entry",
        ),
        (
            detector("ours", words(&["fine", "-"], false, false)),
            "detector `ours`: number 2 of the entries must have 2 to 200 bytes, letters or digits among them",
        ),
        (
            phrase("#"),
            "detector `ours`: number 2 of the phrases must have 2 to 80 bytes, letters or digits among them",
        ),
        (
            detector("ours", documents),
            "detector `ours`: the share in percent must be 10 to 100",
        ),
        (
            detector("ours", together),
            "detector `ours`: the number of columns together must be 1 to 2",
        ),
    ];
    for (wrong, words) in table {
        let told = DetectorSet::built_in().with(&[wrong]).map(|_| ());
        let told: Vec<String> = told
            .err()
            .iter()
            .flatten()
            .map(CustomError::to_string)
            .collect();
        assert_eq!(told, [words]);
    }
    let two = [
        detector("X", pattern("a(")),
        detector("ours", pattern("a*")),
    ];
    let told = DetectorSet::built_in().with(&two).map(|_| ());
    assert_eq!(told.map_err(|all| all.len()), Err(3), "all at once");
    let csv = |text: &str| Rows::of_csv(text, &["account"], 1, [0; 16]).map_err(|p| p.to_string());
    assert_eq!(
        csv("name\nx\n"),
        Err("the table has no column `account`".to_owned())
    );
    assert_eq!(
        csv("account\nx\n\"y"),
        Err("line 3 of the table cannot be read".to_owned())
    );
    assert_eq!(csv(""), Err("there is no header".to_owned()));
}

#[test]
fn custom_detectors_survive_storage_and_are_counted_by_name_and_group() {
    let mut ours = detector("ours", words(&["blue heron"], false, false));
    ours.group = Some("plans".to_owned());
    let stored = serde_json::to_string_pretty(&ours).expect("it serialises");
    insta::assert_snapshot!(stored);
    let read: CustomDetector = serde_json::from_str(&stored).expect("it reads back");
    assert_eq!(read, ours);
    let set = DetectorSet::built_in()
        .with(&[read])
        .expect("it is in order");
    assert!(set.names().any(|name| name == "ours") && set.names().any(|name| name == "plans"));
    assert_eq!(set.title("ours"), Some("Ours"));
    let findings = set.scan_text("blue heron, card 4539578763621486");
    assert_eq!(findings.count("plans", Confidence::Low), 1);
    assert_eq!(findings.count("credit-card", Confidence::Low), 1);
    let stored = serde_json::to_string(&findings).expect("it serialises");
    let read: Findings = serde_json::from_str(&stored).expect("it reads back");
    assert_eq!(read.count("ours", Confidence::Low), 1);
}
