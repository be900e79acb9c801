//! Real documents, made by several producers: what is planted in each place is found there, and
//! what cannot be read is said.

use inspect::{Confidence, Coverage, DetectorSet, FileKind, Inspection, Limits, Reason, Unread};

fn sample(name: &str) -> Vec<u8> {
    let path = format!("{}/samples/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn inspect(name: &str) -> Inspection {
    inspect::inspect(
        &sample(name),
        Some(name),
        &Limits::default(),
        DetectorSet::built_in(),
    )
}

/// What is found, as `detector ending place`, sorted.
fn found(inspection: &Inspection) -> Vec<String> {
    let mut found: Vec<String> = inspection
        .findings
        .iter()
        .map(|f| {
            let ending = f.masked.trim_start_matches('*');
            format!("{} {ending} {:?} {}", f.detector, f.confidence, f.place)
        })
        .collect();
    found.sort();
    found
}

#[test]
fn every_place_of_every_sample_is_read() {
    let names = [
        "customers.docx",
        "places.docx",
        "ledger.xlsx",
        "accounts.xlsx",
        "deck.pptx",
        "letter.odt",
        "statement.pdf",
        "owner-locked.pdf",
        "places.pdf",
        "brochure.pdf",
        "payroll.csv",
        "notes.html",
        "bundle.zip",
        "latin1.txt",
        "utf16.txt",
    ];
    let mut report = String::new();
    for name in names {
        let inspection = inspect(name);
        report.push_str(&format!(
            "{name}: {} {:?}\n",
            inspection.kind, inspection.coverage
        ));
        for line in found(&inspection) {
            report.push_str(&format!("  {line}\n"));
        }
    }
    insta::assert_snapshot!(report);
}

#[test]
fn the_demos_documents_hold_what_the_demo_says() {
    let rows = [
        ("customers.docx", "credit-card", Confidence::High, 5),
        ("payroll.csv", "us-ssn", Confidence::High, 12),
        ("brochure.pdf", "credit-card", Confidence::Low, 0),
        ("brochure.pdf", "us-ssn", Confidence::Low, 0),
        ("brochure.pdf", "iban", Confidence::Low, 0),
        ("notes.html", "credit-card", Confidence::High, 1),
        ("notes.html", "us-ssn", Confidence::High, 1),
    ];
    for (name, detector, confidence, count) in rows {
        let inspection = inspect(name);
        assert_eq!(inspection.coverage, Coverage::Full, "{name}");
        assert_eq!(
            inspection.findings.count(detector, confidence),
            count,
            "{name} {detector}"
        );
        assert!(
            inspection.findings.iter().all(|found| !found.test_value),
            "{name}"
        );
    }
}

#[test]
fn what_cannot_be_read_never_reads_as_clean() {
    let rows = [
        ("locked.pdf", FileKind::Pdf, Reason::Encrypted),
        ("picture.png", FileKind::Image, Unread::NotRead.into()),
        ("scan.pdf", FileKind::Pdf, Unread::NotRead.into()),
        ("locked.zip", FileKind::Zip, Reason::Encrypted),
    ];
    for (name, kind, reason) in rows {
        let inspection = inspect(name);
        assert_eq!(inspection.kind, kind, "{name}");
        assert_eq!(
            inspection.coverage.reasons().first(),
            Some(&reason),
            "{name}"
        );
    }
    let bundle = inspect("bundle.zip");
    assert_eq!(bundle.coverage.reasons(), [Reason::from(Unread::NotRead)]);
}

#[test]
fn a_document_that_is_cut_off_is_never_covered_in_full() {
    for name in [
        "customers.docx",
        "places.pdf",
        "bundle.zip",
        "ledger.xlsx",
        "letter.odt",
    ] {
        let bytes = sample(name);
        for part in [4, 3, 2] {
            let cut = &bytes[..bytes.len() - bytes.len() / part];
            let extraction = inspect::extract(cut, Some(name), &Limits::default());
            assert!(
                !extraction.coverage.is_full(),
                "{name} without its last 1/{part}"
            );
        }
    }
}

#[test]
fn a_half_document_gives_the_text_that_it_still_holds() {
    let bytes = sample("places.docx");
    let directory = bytes
        .windows(4)
        .position(|w| w == b"PK\x01\x02")
        .expect("it is there");
    let extraction = inspect::extract(&bytes[..directory], Some("places.docx"), &Limits::default());
    assert_eq!(extraction.kind, FileKind::Docx);
    let findings = DetectorSet::built_in().scan(&extraction);
    assert!(findings.has("us-ssn", Confidence::High) && !extraction.coverage.is_full());
}

#[test]
fn properties_are_metadata() {
    let rows = [
        ("places.docx", "MSIP_Label_5c1f_Name", "Confidential"),
        ("places.docx", "title", "Places"),
        ("letter.odt", "title", "Brief"),
        ("places.pdf", "Title", "Places"),
        ("notes.html", "author", "Hannah Whitlock"),
    ];
    for (name, property, value) in rows {
        let metadata = inspect(name).metadata;
        assert!(
            metadata.contains(&(property.to_owned(), value.to_owned())),
            "{name}: {metadata:?}"
        );
    }
}
