//! Pictures of real documents, as they are handed to who reads them.

use inspect::{Coverage, DetectorSet, Limits, Reading, Reason, Unread, begin};

fn sample(name: &str) -> Vec<u8> {
    let path = format!("{}/samples/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn limits(pictures_max: usize) -> Limits {
    Limits {
        pictures_max,
        ..Limits::default()
    }
}

#[test]
fn the_pictures_of_a_document_are_collected_where_they_stand() {
    // document | most pictures | how many
    let rows = [
        ("picture.png", 9, 1),
        ("scan.pdf", 9, 1),
        ("bundle.zip", 9, 2),
        ("bundle.zip", 1, 1),
        ("customers.docx", 9, 1),
        ("scan.pdf", 0, 0),
        ("notes.html", 9, 0),
    ];
    for (name, most, expected) in rows {
        let limits = limits(most);
        let begun = begin(&sample(name), Some(name), &limits);
        assert_eq!(begun.pictures().len(), expected, "{name}");
        let text = |_| Reading::Text {
            text: "the card 4539 5787 6362 1486".into(),
            confidence: 90,
        };
        let readings = (0..expected).map(text).collect();
        let inspection = begun.finish(readings, DetectorSet::built_in());
        assert_eq!(inspection.pictures.with_text as usize, expected, "{name}");
        let bounded = Reason::Limit {
            name: "pictures_max".into(),
        };
        let reasons: &[Reason] = match most {
            0 => &[Unread::NotRead.into()],
            1 => &[bounded],
            _ => &[],
        };
        assert_eq!(inspection.coverage.reasons(), reasons, "{name}, {most}");
    }
    let limits = limits(9);
    let begun = begin(&sample("scan.pdf"), None, &limits);
    assert_eq!(begun.pictures()[0].place.to_string(), "page 1/picture 1");
    assert!(begun.pictures()[0].bytes.starts_with(b"\x89PNG"));
}

#[test]
fn a_scan_that_is_cut_off_is_never_covered_in_full() {
    let (whole, limits) = (sample("scan.pdf"), limits(9));
    for end in (0..whole.len()).step_by(3) {
        let begun = begin(&whole[..end], None, &limits);
        let inspection = begun.finish(Vec::new(), DetectorSet::built_in());
        assert!(end < 5 || inspection.coverage != Coverage::Full, "{end}");
    }
}
