//! Hostile input: no panic, no lie about coverage, and every bound holds.

use std::io::Write;

use inspect::{Coverage, DetectorSet, FileKind, Limits, Reason, extract};
use proptest::prelude::*;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

macro_rules! samples {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_bytes!(concat!("../samples/", $name)) as &[u8])),*]
    };
}

const SAMPLES: [(&str, &[u8]); 29] = samples![
    "customers.docx",
    "ledger.xlsx",
    "letter.odt",
    "places.pdf",
    "statement.pdf",
    "scan.pdf",
    "locked.pdf",
    "bundle.zip",
    "payroll.csv",
    "notes.html",
    "libreoffice.rtf",
    "libreoffice.doc",
    "libreoffice.xls",
    "hidden.ods",
    "harbour.epub",
    "message.eml",
    "mailbox.mbox",
    "orders.json",
    "orders.xml",
    "tape.tar",
    "tape.tar.gz",
    "tape.tar.bz2",
    "tape.tar.xz",
    "files.7z",
    "locked.7z",
    "nested.tar.xz",
    "note.txt.zst",
    "photo.jpg",
    "note.png",
];

fn limit(name: &str) -> Reason {
    Reason::Limit {
        name: name.to_owned(),
    }
}

fn zip_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, content) in members {
        writer.start_file(*name, options).expect("it is there");
        writer.write_all(content).expect("it is there");
    }
    writer.finish().expect("it is there").into_inner()
}

fn gzip_of(content: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(content).expect("memory takes it");
    writer.finish().expect("memory takes it")
}

fn tape_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tape = tar::Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        tape.append_data(&mut header, name, *content)
            .expect("memory takes it");
    }
    tape.into_inner().expect("memory takes it")
}

fn mail_of(parts: usize) -> Vec<u8> {
    let head =
        "From: a@b.example\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n";
    format!("{head}{}--b--\n", "--b\n\ntext\n".repeat(parts)).into_bytes()
}

/// Extracts, scans, and checks what must hold whatever the bytes are.
fn survive(bytes: &[u8], name: &str) {
    let limits = Limits {
        text_bytes_max: 1 << 20,
        work_max: 1 << 26,
        ..Limits::default()
    };
    let extraction = extract(bytes, Some(name), &limits);
    assert!(extraction.text_bytes() <= limits.text_bytes_max);
    match &extraction.coverage {
        Coverage::Full => {}
        Coverage::Partial { reasons } => assert!(!reasons.is_empty()),
        Coverage::None { .. } => assert!(extraction.text.is_empty()),
    }
    for segment in &extraction.text {
        for field in &segment.fields {
            assert!(segment.text.get(field.start..field.end).is_some());
        }
    }
    DetectorSet::built_in().scan(&extraction);
}

#[test]
fn small_samples_cut_at_every_byte_are_survived() {
    for (name, bytes) in SAMPLES.iter().filter(|(_, bytes)| bytes.len() < 2_000) {
        for end in 0..bytes.len() {
            survive(&bytes[..end], name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn documents_damaged_anywhere_are_survived(
        sample in 0..SAMPLES.len(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        end in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let (name, bytes) = SAMPLES[sample];
        let mut bytes = bytes.to_vec();
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if cut {
            bytes.truncate(end.index(bytes.len()));
        }
        survive(&bytes, name);
    }

    #[test]
    fn any_bytes_behind_any_magic_are_survived(
        magic in prop::sample::select(vec![
            &b"%PDF-1.7\n"[..], b"PK\x03\x04", b"{\\rtf1 ", b"{\"a\":", b"From: a@b\nTo: c\nSubject: d\n\n",
            b"From: a@b\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n",
            b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", b"\x1F\x8B\x08\0\0\0\0\0\0\0", b"BZh91AY&SY", b"\xFD7zXZ\0\0\x04",
            b"7z\xBC\xAF\x27\x1C\0\x04", b"\x28\xB5\x2F\xFD", b"\xFF\xD8\xFF\xE1\0\x20Exif\0\0II*\0", b"\x89PNG\r\n\x1a\n", b"<html>", b"<?xml version=\"1.0\"?>", b"a,b\n1,2\n",
            b"\xFF\xFE", b"\xFE\xFF", b"\xEF\xBB\xBF", b"",
        ]),
        bytes in prop::collection::vec(any::<u8>(), 0..2_000),
    ) {
        survive(&[magic, &bytes].concat(), "a.bin");
    }

    #[test]
    fn any_text_is_scanned_without_panic(text in "\\PC{0,400}") {
        let findings = DetectorSet::built_in().scan_text(&text);
        prop_assert!(findings.iter().all(|found| found.offset <= text.len()));
    }

    #[test]
    fn numbers_and_separators_in_any_order_are_scanned_without_panic(
        text in "[0-9 .\\-\nA-Da-f@_+,/１２é\u{200b}]{0,300}",
    ) {
        let findings = DetectorSet::built_in().scan_text(&text);
        prop_assert!(findings.iter().all(|found| text.is_char_boundary(found.offset)));
    }
}

#[test]
fn every_bound_stops_what_it_bounds_and_says_so() {
    let default = Limits::default;
    let zeros = vec![b'0'; 4 << 20];
    let nested = (0..12).fold(b"deep".to_vec(), |inner, _| zip_of(&[("a.zip", &inner)]));
    let many: Vec<(String, &[u8])> = (0..50).map(|n| (format!("{n}.txt"), &b"x"[..])).collect();
    let many: Vec<(&str, &[u8])> = many
        .iter()
        .map(|(name, text)| (name.as_str(), *text))
        .collect();
    let deep_xml = format!("<?xml version='1.0'?>{}", "<a>".repeat(2_000));
    let rows: Vec<(&str, Vec<u8>, Limits)> = vec![
        (
            "input_bytes_max",
            zeros.clone(),
            Limits {
                input_bytes_max: 1 << 20,
                ..default()
            },
        ),
        (
            "text_bytes_max",
            zeros.clone(),
            Limits {
                text_bytes_max: 1 << 20,
                ..default()
            },
        ),
        (
            "expanded_bytes_max",
            zip_of(&[("a.txt", &zeros)]),
            Limits {
                expanded_bytes_max: 1 << 20,
                ..default()
            },
        ),
        (
            "ratio_max",
            zip_of(&[("a.txt", &vec![b'0'; 40 << 20])]),
            default(),
        ),
        ("depth_max", nested, default()),
        (
            "depth_max",
            (0..12).fold(b"deep".to_vec(), |inner, _| gzip_of(&inner)),
            default(),
        ),
        ("ratio_max", gzip_of(&vec![b'0'; 40 << 20]), default()),
        (
            "expanded_bytes_max",
            gzip_of(&zeros),
            Limits {
                expanded_bytes_max: 1 << 20,
                ..default()
            },
        ),
        (
            "members_max",
            tape_of(&many),
            Limits {
                members_max: 10,
                ..default()
            },
        ),
        (
            "members_max",
            mail_of(50),
            Limits {
                members_max: 10,
                ..default()
            },
        ),
        (
            "members_max",
            zip_of(&many),
            Limits {
                members_max: 10,
                ..default()
            },
        ),
        ("xml_depth_max", deep_xml.into_bytes(), default()),
        (
            "pages_max",
            SAMPLES[3].1.to_vec(),
            Limits {
                pages_max: 0,
                ..default()
            },
        ),
        (
            "work_max",
            zeros,
            Limits {
                work_max: 1_000,
                ..default()
            },
        ),
    ];
    for (bound, bytes, limits) in rows {
        let coverage = extract(&bytes, None, &limits).coverage;
        assert!(
            coverage.reasons().contains(&limit(bound)),
            "{bound}: {coverage:?}"
        );
    }
}

#[test]
fn messages_within_messages_without_end_are_survived() {
    let message = "From: a@b.example\nContent-Type: message/rfc822\n\n";
    for count in [100, 900, 20_000] {
        survive(message.repeat(count).as_bytes(), "a.eml");
    }
    let parts: String = (0..3_000)
        .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n"))
        .collect();
    survive(
        format!("MIME-Version: 1.0\nFrom: a@b.example\n{parts}").as_bytes(),
        "a.eml",
    );
}

#[test]
fn nesting_without_end_is_survived_in_every_format_that_nests() {
    for unit in [
        "[",
        "{\"a\":",
        "{\\rtf1 ",
        "{\\*\\x ",
        "<a><b>",
        "[{\"a\":[",
    ] {
        survive(unit.repeat(300_000).as_bytes(), "a.json");
    }
}

#[test]
fn a_table_that_says_it_is_huge_costs_what_it_holds() {
    let table = "<table:table><table:table-row table:number-rows-repeated='1048576'>\
        <table:table-cell table:number-columns-repeated='16384'><text:p>x</text:p></table:table-cell>\
        </table:table-row></table:table>";
    let ods = zip_of(&[
        (
            "mimetype",
            b"application/vnd.oasis.opendocument.spreadsheet",
        ),
        (
            "content.xml",
            format!("<office:document-content>{table}</office:document-content>").as_bytes(),
        ),
        ("META-INF/manifest.xml", b"<m/>"),
    ]);
    let sheet = "<worksheet><sheetData><row r='1048576'><c r='XFD1048576' t='inlineStr'><is><t>x</t></is></c></row></sheetData></worksheet>";
    let xlsx = zip_of(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ]);
    for (name, bytes) in [("a.ods", ods), ("a.xlsx", xlsx)] {
        let extraction = extract(&bytes, Some(name), &Limits::default());
        assert!(
            (1..2_000).contains(&extraction.text_bytes()),
            "{name}: {}",
            extraction.text_bytes()
        );
    }
}

#[test]
fn names_of_members_may_hold_anything_and_places_hold_no_control_characters() {
    let name = "a\u{7}\n\u{202e}/../../../etc/passwd\u{1b}[2J";
    for bytes in [
        zip_of(&[(name, b"hello")]),
        tape_of(&[("b\u{7}\r\u{1b}c", b"hello")]),
    ] {
        let extraction = extract(&bytes, None, &Limits::default());
        assert!(
            extraction
                .text
                .iter()
                .any(|segment| segment.text == "hello"),
            "{extraction:?}"
        );
        for segment in &extraction.text {
            assert!(
                !segment.place.to_string().contains(char::is_control),
                "{:?}",
                segment.place
            );
        }
    }
}

#[test]
fn entities_that_a_document_defines_are_never_expanded() {
    let laughs =
        "<?xml version='1.0'?><!DOCTYPE l [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'>]><l>&b;</l>";
    let extraction = extract(laughs.as_bytes(), None, &Limits::default());
    assert_eq!(extraction.kind, FileKind::Xml);
    assert!(extraction.text_bytes() < 200);
}

/// A PDF of one page: `content` is its content stream, `more` are objects from 6 on.
fn pdf(content: &str, resources: &str, more: &str) -> Vec<u8> {
    format!(
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n\
         2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
         3 0 obj<</Type/Page/Parent 2 0 R/Resources<<{resources}>>/Contents 4 0 R>>endobj\n\
         4 0 obj<</Length {}>>stream\n{content}\nendstream endobj\n\
         5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n{more}\n\
         trailer<</Root 1 0 R>>\n%%EOF",
        content.len() + 1,
    )
    .into_bytes()
}

fn form(number: usize, body: &str, resources: &str) -> String {
    format!(
        "{number} 0 obj<</Type/XObject/Subtype/Form/Resources<<{resources}>>/Length {}>>stream\n{body}\nendstream endobj\n",
        body.len() + 1,
    )
}

#[test]
fn forms_that_contain_themselves_end() {
    let font = "/Font<</F 5 0 R>>";
    let cycle = form(
        6,
        "BT /F 9 Tf (inside) Tj ET /X Do",
        &format!("{font}/XObject<</X 6 0 R>>"),
    );
    let bytes = pdf("/X Do", "/XObject<</X 6 0 R>>", &cycle);
    let extraction = extract(&bytes, None, &Limits::default());
    assert_eq!(extraction.text.len(), 1, "{extraction:?}");
    assert_eq!(extraction.text[0].text, "inside");
    let malformed = Reason::Malformed {
        what: "pdf form within itself".to_owned(),
    };
    assert_eq!(extraction.coverage.reasons(), [malformed]);
}

#[test]
fn forms_that_double_at_every_level_run_out_of_work() {
    let doubling: String = (6..20)
        .map(|n| {
            form(
                n,
                &"/X Do ".repeat(4),
                &format!("/XObject<</X {} 0 R>>", n + 1),
            )
        })
        .collect();
    let bytes = pdf("/X Do", "/XObject<</X 6 0 R>>", &doubling);
    let limits = Limits {
        work_max: 1 << 20,
        ..Limits::default()
    };
    let coverage = extract(&bytes, None, &limits).coverage;
    assert!(
        coverage.reasons().contains(&limit("work_max")),
        "{coverage:?}"
    );
}

#[test]
fn brackets_and_saved_states_without_end_are_survived() {
    for unit in [
        "[", "(", "<<", "q ", "BI ID ", "Q ", "0 ", "/F 1 Tf ", "() Tj ",
    ] {
        survive(
            &pdf(&unit.repeat(200_000), "/Font<</F 5 0 R>>", ""),
            "a.pdf",
        );
    }
}

#[test]
fn markup_and_tables_without_end_are_survived() {
    let units = [
        "<a>",
        "<a ",
        "<tc>",
        "<tbl><tr><tc>",
        "</a>",
        "&",
        "<!--",
        "\"",
        "a,b\n",
        "a,\"",
        "/ObjStm stream ",
        "/ObjStm stream endstream ",
        "PK\u{3}\u{4}",
        "{\\rtf",
        "\t\n",
    ];
    for magic in [
        "<?xml version=\"1.0\"?>",
        "a,b\n1,2\n3,4\n",
        "%PDF-1.7\n",
        "PK\u{3}\u{4}",
        "",
    ] {
        for unit in units {
            survive(
                format!("{magic}{}", unit.repeat(200_000 / unit.len())).as_bytes(),
                "a.csv",
            );
        }
    }
}

#[test]
fn a_font_that_maps_to_no_characters_is_a_blind_spot() {
    let font = "6 0 obj<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/DescendantFonts[7 0 R]>>endobj\n\
                7 0 obj<</Type/Font/Subtype/CIDFontType2/BaseFont/X>>endobj";
    let bytes = pdf("BT /F 9 Tf <00240025> Tj ET", "/Font<</F 6 0 R>>", font);
    let coverage = extract(&bytes, None, &Limits::default()).coverage;
    let reason = Reason::Unsupported {
        kind: "pdf font without characters".to_owned(),
    };
    assert_eq!(coverage, Coverage::None { reason });
}
