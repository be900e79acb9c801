//! Documents of many formats by writers that are not ours (`samples/make.py`): what is planted in
//! each place is found there, what cannot be read is said, and properties keep their names.

use std::io::{Read, Write};

use inspect::{Coverage, DetectorSet, FileKind, Inspection, Limits, Reason};

fn sample(name: &str) -> Vec<u8> {
    let path = format!("{}/samples/{name}", env!("CARGO_MANIFEST_DIR"));
    if let Ok(bytes) = std::fs::read(&path) {
        return bytes;
    }
    // LibreOffice fills its presentations up: they are kept compressed.
    let file =
        std::fs::File::open(format!("{path}.gz")).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(file)
        .read_to_end(&mut bytes)
        .expect("it is whole");
    bytes
}

fn inspect(bytes: &[u8], name: &str) -> Inspection {
    inspect::inspect(
        bytes,
        Some(name),
        &Limits::default(),
        DetectorSet::built_in(),
    )
}

/// Cards and social security numbers found, as `ending place`, sorted.
fn found(inspection: &Inspection) -> Vec<String> {
    let planted = ["credit-card", "us-ssn"];
    let findings = inspection
        .findings
        .iter()
        .filter(|f| planted.contains(&f.detector.as_ref()));
    let mut found: Vec<String> = findings
        .map(|f| {
            format!(
                "{} {} {:?} {}",
                f.detector,
                f.masked.trim_start_matches('*'),
                f.confidence,
                f.place
            )
        })
        .collect();
    found.sort();
    found
}

#[test]
fn every_place_of_every_format_is_read() {
    let names = [
        "libreoffice.rtf",
        "libreoffice.doc",
        "libreoffice.odt",
        "libreoffice.pdf",
        "libreoffice.xls",
        "libreoffice.ods",
        "libreoffice.ppt",
        "libreoffice.odp",
        "contract.docx",
        "payments.xlsx",
        "plan.pptx",
        "legacy.xls",
        "hidden.ods",
        "harbour.epub",
        "message.eml",
        "mailbox.mbox",
        "orders.json",
        "events.jsonl",
        "orders.xml",
        "tape.tar",
        "tape.tar.gz",
        "tape.tar.bz2",
        "tape.tar.xz",
        "files.7z",
        "nested.tar.xz",
        "note.txt.zst",
        "photo.jpg",
        "note.png",
    ];
    let mut report = String::new();
    for name in names {
        let inspection = inspect(&sample(name), name);
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
fn locked_archives_are_encrypted_and_their_names_are_read_where_they_stand_open() {
    let rows = [("locked.7z", true), ("locked-names.7z", false)];
    for (name, names_are_open) in rows {
        let extraction = inspect::extract(&sample(name), Some(name), &Limits::default());
        assert!(
            extraction.coverage.reasons().contains(&Reason::Encrypted),
            "{name}: {extraction:?}"
        );
        assert_eq!(!extraction.text.is_empty(), names_are_open, "{name}");
    }
}

#[test]
fn properties_and_labels_keep_their_names() {
    let id = "5c1f7a2e-8d4b-4f60-9a3c-1e2d3c4b5a69";
    let site = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    let named = |attribute: &str| format!("MSIP_Label_{id}_{attribute}");
    let label = format!("enabled=1;removed=0;method=Privileged;siteId={{{site}}};contentBits=2");
    let header = format!("{}=True; {}=Confidential;", named("Enabled"), named("Name"));
    let rows = [
        ("labelled.docx", named("Name"), "Confidential"),
        ("labelled.docx", named("Enabled"), "true"),
        ("labelled.docx", format!("mip-label:{id}"), label.as_str()),
        ("contract.docx", "title".to_owned(), "Contract"),
        ("libreoffice.rtf", "title".to_owned(), "Contract"),
        ("libreoffice.doc", "title".to_owned(), "Contract"),
        ("libreoffice.odt", "title".to_owned(), "Contract"),
        ("libreoffice.xls", "title".to_owned(), "Payments"),
        ("libreoffice.pdf", "Title".to_owned(), "Contract"),
        ("message.eml", "Subject".to_owned(), "*****1444"),
        ("message.eml", "msip_labels".to_owned(), header.as_str()),
        ("harbour.epub", "title".to_owned(), "Harbour"),
        ("photo.jpg", "exif:Artist".to_owned(), "Ann Bell"),
        ("photo.jpg", "Classification".to_owned(), "Confidential"),
        ("note.png", "png:Title".to_owned(), "Grüße"),
    ];
    for (name, property, value) in rows {
        let metadata = inspect(&sample(name), name).metadata;
        let kept = metadata.iter().find(|(kept, _)| *kept == property);
        assert_eq!(
            kept.map(|(_, value)| value.as_str()),
            Some(value),
            "{name} {property}: {metadata:?}"
        );
    }
}

/// A compound file of these streams.
fn compound(streams: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut file =
        cfb::CompoundFile::create(std::io::Cursor::new(Vec::new())).expect("memory takes it");
    for (path, content) in streams {
        if let Some((storage, _)) = path.rsplit_once('/') {
            file.create_storage_all(format!("/{storage}"))
                .expect("memory takes it");
        }
        let mut stream = file
            .create_stream(format!("/{path}"))
            .expect("memory takes it");
        stream.write_all(content).expect("memory takes it");
    }
    file.flush().expect("memory takes it");
    file.into_inner().into_inner()
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn outlook_messages_give_their_properties_bodies_and_attachments() {
    let bytes = compound(&[
        ("__properties_version1.0", vec![0; 32]),
        ("__substg1.0_0037001F", wide("Quarterly numbers")),
        (
            "__substg1.0_1000001F",
            wide("The credit card is 4539578763621486, thanks"),
        ),
        ("__substg1.0_10130102", b"<p>SSN 536-22-8145</p>".to_vec()),
        ("__substg1.0_8001001F", wide("MSIP_Label_1_Enabled=true;")),
        (
            "__recip_version1.0_#00000000/__substg1.0_3003001F",
            wide("bob@example.org"),
        ),
        (
            "__attach_version1.0_#00000000/__substg1.0_3707001F",
            wide("staff.csv"),
        ),
        (
            "__attach_version1.0_#00000000/__substg1.0_37010102",
            b"name,ssn\nAnn,536-22-9273\nBob,none\n".to_vec(),
        ),
        (
            "__attach_version1.0_#00000001/__substg1.0_3701000D/__properties_version1.0",
            vec![0; 24],
        ),
        (
            "__attach_version1.0_#00000001/__substg1.0_3701000D/__substg1.0_1000001E",
            b"inner SSN 536-22-1190".to_vec(),
        ),
    ]);
    let inspection = inspect(&bytes, "note.msg");
    assert_eq!(
        (inspection.kind, &inspection.coverage),
        (FileKind::Msg, &Coverage::Full)
    );
    let found = found(&inspection);
    let places = [
        "credit-card 1486 High body",
        "us-ssn 1190 High attachment 2/body",
        "us-ssn 8145 High body",
        "us-ssn 9273 High attachment 1/staff.csv/row 2, column 2 (ssn)",
    ];
    assert_eq!(found, places);
    for (name, value) in [
        ("Subject", "Quarterly numbers"),
        ("msip_labels", "MSIP_Label_1_Enabled=true;"),
    ] {
        assert!(
            inspection
                .metadata
                .contains(&(name.to_owned(), value.to_owned())),
            "{name}"
        );
    }
}

#[test]
fn macros_are_metadata_and_their_source_is_text() {
    let chunk = b"\0Attribut\0e x='ssn\x005362281\x005 password";
    let head = 0xB000u16 | u16::try_from(chunk.len() - 1).expect("it is short");
    let module = [b"\x01", &head.to_le_bytes()[..], chunk].concat();
    let macros = compound(&[("VBA/_VBA_PROJECT", vec![1; 8]), ("VBA/Module1", module)]);
    let extraction = inspect::extract(&macros, None, &Limits::default());
    assert!(
        extraction
            .metadata
            .contains(&("macros".to_owned(), "vba".to_owned()))
    );
    assert!(
        extraction
            .text
            .iter()
            .any(|segment| segment.text.starts_with("Attribute x")),
        "{extraction:?}"
    );
}

#[test]
fn encrypted_office_documents_are_encrypted_and_their_labels_are_read() {
    let label = "<?xml version='1.0'?><labelList><label id='{A1}' enabled='1' removed='0' method='Standard'/></labelList>";
    let bytes = compound(&[
        ("EncryptedPackage", vec![7; 4_096]),
        ("EncryptionInfo", vec![4; 64]),
        ("\u{6}DataSpaces/LabelInfo", label.as_bytes().to_vec()),
    ]);
    let inspection = inspect(&bytes, "a.docx");
    assert!(
        inspection.coverage.reasons().contains(&Reason::Encrypted),
        "{:?}",
        inspection.coverage
    );
    let kept = (
        "mip-label:a1".to_owned(),
        "enabled=1;removed=0;method=Standard".to_owned(),
    );
    assert!(
        inspection.metadata.contains(&kept),
        "{:?}",
        inspection.metadata
    );
}

#[test]
fn what_old_documents_lock_is_encrypted() {
    let mut word = vec![0; 1_024];
    word[0x0B] = 0x03;
    let sheet = [&[0x09, 0x08, 4, 0, 0, 6, 5, 0][..], &[0x2F, 0, 2, 0, 1, 0]].concat();
    let slides = [&[0, 0][..], &0x2F14u16.to_le_bytes(), &[0; 4]].concat();
    let rows = [
        (
            FileKind::Doc,
            compound(&[("WordDocument", word), ("1Table", vec![1; 16])]),
        ),
        (FileKind::Xls, compound(&[("Workbook", sheet)])),
        (FileKind::Ppt, compound(&[("PowerPoint Document", slides)])),
    ];
    for (kind, bytes) in rows {
        let extraction = inspect::extract(&bytes, None, &Limits::default());
        let reason = Coverage::None {
            reason: Reason::Encrypted,
        };
        assert_eq!((extraction.kind, extraction.coverage), (kind, reason));
    }
}

#[test]
fn an_old_document_that_is_broken_is_swept_and_said_to_be() {
    let streams = [(
        "WordDocument",
        [&[0; 600][..], b"SSN 536-22-8145 in the bytes"].concat(),
    )];
    let inspection = inspect(&compound(&streams), "a.doc");
    assert_eq!(inspection.kind, FileKind::Doc);
    assert!(!inspection.coverage.is_full());
    assert_eq!(found(&inspection).len(), 1, "{inspection:?}");
}

#[test]
fn what_an_archive_says_of_its_members_is_read_and_so_is_every_way_of_packing_that_is_known() {
    use zip::CompressionMethod::{Bzip2, Deflated, Stored};
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, method) in [("a.txt", Bzip2), ("b.txt", Deflated), ("c.txt", Stored)] {
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        let options = options
            .into_full_options()
            .with_file_comment(format!("about {name}"));
        writer.start_file(name, options).expect("a member");
        write!(writer, "within {name}").expect("its content");
    }
    let bytes = writer.finish().expect("an archive").into_inner();
    let mut gzip = flate2::GzBuilder::new()
        .filename("packed.txt")
        .comment("about what is packed")
        .write(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"within gzip").expect("its content");
    let gzip = gzip.finish().expect("a stream");
    let texts = |bytes: &[u8], name: &str| {
        let extraction = inspect::extract(bytes, Some(name), &Limits::default());
        assert_eq!(extraction.coverage, Coverage::Full, "{name}");
        let texts = extraction.text.iter().map(|segment| segment.text.clone());
        texts.collect::<Vec<_>>().join("\n")
    };
    let read = texts(&bytes, "a.zip");
    for name in ["a.txt", "b.txt", "c.txt"] {
        for planted in [format!("about {name}"), format!("within {name}")] {
            assert!(read.contains(&planted), "{planted}: {read}");
        }
    }
    let read = texts(&gzip, "a.gz");
    for planted in ["packed.txt", "about what is packed", "within gzip"] {
        assert!(read.contains(planted), "{planted}: {read}");
    }
}

#[test]
fn a_way_of_packing_that_is_not_known_is_unsupported() {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    writer
        .start_file(
            "a.txt",
            options.compression_method(zip::CompressionMethod::Stored),
        )
        .expect("a member");
    writer.write_all(b"within").expect("its content");
    let mut bytes = writer.finish().expect("an archive").into_inner();
    // LZMA, in the header and in the directory. Source: APPNOTE 4.4.5.
    for (mark, at) in [(&b"PK\x03\x04"[..], 8), (&b"PK\x01\x02"[..], 10)] {
        let start = bytes
            .windows(4)
            .position(|four| four == mark)
            .expect("it has one");
        bytes[start + at] = 14;
    }
    let extraction = inspect::extract(&bytes, Some("a.zip"), &Limits::default());
    let reason = Reason::Unsupported {
        kind: "zip compression method".to_owned(),
    };
    assert!(
        format!("{:?}", extraction.coverage).contains(&format!("{reason:?}")),
        "{:?}",
        extraction.coverage
    );
}
