//! What is written in pictures, read by the real `tesseract` through the real program's confined processes; and every
//! way in which it is not read is said. Without `tesseract` the reading itself is skipped, aloud: `scripts/setup`
//! installs it.
//!
//! The letter was made with Chromium, the PDF around it with LibreOffice, the other pictures with Pillow.
#![expect(clippy::unwrap_used, reason = "a failing test is meant to panic")]

use std::io::{Cursor, Write};
use std::process::Command;

use bytes::Bytes;
use inspect::{Confidence, Coverage, Inspection, Limits, Reason, Unread};
use inspector::{Inspector, PictureOptions, PoolOptions, WorkerPool};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tidegate");

fn picture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/pictures/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn pool(pictures: PictureOptions) -> WorkerPool {
    WorkerPool::new(PoolOptions {
        pictures: Some(pictures),
        ..PoolOptions::new(PROGRAM.into(), &["inspect-worker"])
    })
}

/// A pool that reads pictures; none, aloud, where nothing reads them.
async fn reading() -> Option<WorkerPool> {
    let pool = pool(PictureOptions::default());
    match pool.picture_reader().await.unwrap() {
        Ok(reader) => {
            assert_eq!(reader.languages, ["eng"]);
            Some(pool)
        }
        Err(no) => {
            assert_eq!(no.why, Unread::NoProgram, "{}", no.detail);
            eprintln!("SKIPPED: reading pictures, for tesseract is not installed (scripts/setup)");
            None
        }
    }
}

async fn inspect(pool: &WorkerPool, bytes: impl Into<Bytes>, name: &str) -> Inspection {
    let inspected = pool.inspect(bytes.into(), Some(name.to_owned())).await;
    inspected.expect("a worker can be started")
}

/// A PDF of one page that shows one picture, and beside it what `text` draws.
fn pdf(attributes: &str, content: &[u8], text: &str) -> Vec<u8> {
    let page = format!("q 500 0 0 300 20 400 cm /P Do Q {text}");
    let objects = [
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</XObject<</P 5 0 R>>/Font<</F 6 0 R>>>>>>".to_vec(),
        format!("<</Length {}>>stream\n{page}\nendstream", page.len()).into_bytes(),
        [
            format!("<</Subtype/Image {attributes}/Length {}>>stream\n", content.len()).as_bytes(),
            content,
            b"\nendstream",
        ]
        .concat(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_vec(),
    ];
    let mut file = b"%PDF-1.7\n".to_vec();
    let mut places = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        places.push(file.len());
        writeln!(file, "{} 0 obj", index + 1).unwrap();
        file.extend(object);
        file.extend(b"\nendobj\n");
    }
    let start = file.len();
    write!(file, "xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).unwrap();
    for place in places {
        writeln!(file, "{place:010} 00000 n ").unwrap();
    }
    write!(
        file,
        "trailer<</Size {}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n",
        objects.len() + 1
    )
    .unwrap();
    file
}

/// The letter's samples as a PDF holds them: what the chunks of its PNG hold, one after the other.
fn samples(png: &[u8]) -> Vec<u8> {
    let (mut at, mut samples) = (8, Vec::new());
    while let Some(head) = png.get(at..at + 8) {
        let length = u32::from_be_bytes(head[..4].try_into().unwrap()) as usize;
        if &head[4..] == b"IDAT" {
            samples.extend(&png[at + 8..at + 8 + length]);
        }
        at += 12 + length;
    }
    samples
}

/// The first page of the fax: its picture, without the file around it.
fn fax(tiff: &[u8]) -> &[u8] {
    let long = |at: usize| u32::from_le_bytes(tiff[at..at + 4].try_into().unwrap()) as usize;
    let short = |at: usize| usize::from(u16::from_le_bytes(tiff[at..at + 2].try_into().unwrap()));
    let first = long(4);
    let value = |tag: usize| {
        let mut entries = (0..short(first)).map(|index| first + 2 + 12 * index);
        let entry = entries.find(|entry| short(*entry) == tag).unwrap();
        if short(entry + 2) == 3 {
            short(entry + 8)
        } else {
            long(entry + 8)
        }
    };
    &tiff[value(273)..value(273) + value(279)]
}

/// A white picture. Source of the header: BITMAPINFOHEADER of Windows.
fn bitmap(width: u32, height: u32) -> Vec<u8> {
    let pixels = vec![0xFF; (width * 3).next_multiple_of(4) as usize * height as usize];
    let mut file = b"BM".to_vec();
    let words = [
        54 + pixels.len() as u32,
        0,
        54,
        40,
        width,
        height,
        1 | 24 << 16,
        0,
        0,
        2_835,
        2_835,
        0,
        0,
    ];
    file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    file.extend(pixels);
    file
}

fn docx(body: &str, picture: &[u8]) -> Vec<u8> {
    let types = r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#;
    let document = format!(
        r#"<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>{body}</w:t></w:r></w:p></w:body></w:document>"#
    );
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let parts: [(&str, &[u8]); 3] = [
        ("[Content_Types].xml", types.as_bytes()),
        ("word/document.xml", document.as_bytes()),
        ("word/media/image1.png", picture),
    ];
    for (name, part) in parts {
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file(name, options).unwrap();
        archive.write_all(part).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_in_pictures_is_found_wherever_they_stand() {
    let Some(pool) = reading().await else { return };
    let png = picture("letter.png");
    let flate = "/Width 720/Height 400/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/FlateDecode/DecodeParms<</Predictor 15/Colors 1/BitsPerComponent 8/Columns 720>>";
    let ccitt = "/Width 1440/Height 800/ColorSpace/DeviceGray/BitsPerComponent 1/Filter[/CCITTFaxDecode]/DecodeParms[<</K -1/Columns 1440/Rows 800>>]";
    let jpeg = "/Width 794/Height 1123/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/DCTDecode";
    let tiff = picture("fax.tiff");
    let rows = [
        ("letter.png", png.clone(), ""),
        ("letter.jpg", picture("letter.jpg"), ""),
        ("letter.gif", picture("letter.gif"), ""),
        ("letter.webp", picture("letter.webp"), ""),
        ("fax.tiff", tiff.clone(), ""),
        ("upside down.png", picture("turned.png"), ""),
        (
            "by LibreOffice.pdf",
            picture("letter.pdf"),
            "page 1/picture 1",
        ),
        (
            "samples.pdf",
            pdf(flate, &samples(&png), ""),
            "page 1/picture 1",
        ),
        ("fax.pdf", pdf(ccitt, fax(&tiff), ""), "page 1/picture 1"),
        (
            "jpeg.pdf",
            pdf(jpeg, &picture("letter.jpg"), ""),
            "page 1/picture 1",
        ),
        (
            "text.docx",
            docx("The letter that we got:", &png),
            "word/media/image1.png",
        ),
        ("no text.docx", docx("", &png), "word/media/image1.png"),
    ];
    for (name, bytes, place) in rows {
        let inspection = inspect(&pool, bytes, name).await;
        let reasons = inspection.coverage.reasons();
        assert_eq!(reasons, [], "{name}: {reasons:?}");
        assert_eq!(inspection.pictures.with_text, 1, "{name}");
        let card = inspection
            .findings
            .iter()
            .find(|found| found.detector == "credit-card");
        let card = card.unwrap_or_else(|| panic!("{name}: no card in {:?}", inspection.findings));
        assert!(card.masked.ends_with("1486"), "{name}: {}", card.masked);
        assert_eq!(card.confidence, Confidence::High, "{name}");
        assert_eq!(card.place.to_string(), place, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_read_in_a_picture_is_said() {
    let Some(pool) = reading().await else { return };
    let blank = bitmap(200, 100);
    let png = picture("letter.png");
    let jbig2 = "/Width 720/Height 400/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/JBIG2Decode";
    let words = "BT /F 12 Tf 20 700 Td (a page that says enough) Tj ET";
    let reason = |reason: Reason| Coverage::None { reason };
    let unsupported = |kind: &str| Reason::Unsupported { kind: kind.into() };
    let rows = [
        ("blank.bmp", blank, reason(Unread::NoText.into())),
        (
            "cut.png",
            png[..200].to_vec(),
            reason(Unread::Failed.into()),
        ),
        (
            "cut.tiff",
            picture("fax.tiff")[..100].to_vec(),
            reason(Unread::Format.into()),
        ),
        (
            "photo.heic",
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic\xFF\xFE\xFD".to_vec(),
            reason(Unread::Format.into()),
        ),
        (
            "jbig2.pdf",
            pdf(jbig2, b"\0\x01", ""),
            reason(unsupported("pdf picture: jbig2")),
        ),
        ("text.pdf", pdf(jbig2, b"\0\x01", words), Coverage::Full),
        (
            "logo.docx",
            docx("words enough", &bitmap(20, 20)),
            Coverage::Full,
        ),
    ];
    for (name, bytes, coverage) in rows {
        assert_eq!(
            inspect(&pool, bytes, name).await.coverage,
            coverage,
            "{name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_past_the_bounds_of_a_document_are_said() {
    let Some(_) = reading().await else { return };
    let limits = |limits: Limits| {
        WorkerPool::new(PoolOptions {
            limits,
            pictures: Some(PictureOptions::default()),
            ..PoolOptions::new(PROGRAM.into(), &["inspect-worker"])
        })
    };
    let usual = Limits::default;
    let rows = [
        (
            "picture_pixels_max",
            Limits {
                picture_pixels_max: 287_999,
                ..usual()
            },
        ),
        (
            "pictures_bytes_max",
            Limits {
                pictures_bytes_max: 10_000,
                ..usual()
            },
        ),
    ];
    for (name, limit) in rows {
        let inspection = inspect(&limits(limit), picture("letter.png"), "letter.png").await;
        let reason = Reason::Limit { name: name.into() };
        assert_eq!(inspection.coverage, Coverage::None { reason });
    }
    let one_page = limits(Limits {
        picture_pages_max: 1,
        ..usual()
    });
    let inspection = inspect(&one_page, picture("fax.tiff"), "fax.tiff").await;
    let reason = Reason::Limit {
        name: "picture_pages_max".into(),
    };
    assert_eq!(
        inspection.coverage,
        Coverage::Partial {
            reasons: vec![reason]
        }
    );
    assert!(
        inspection.findings.has("credit-card", Confidence::High),
        "the first page is read"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_reader_pictures_are_blind_spots_that_say_why() {
    let nowhere = PictureOptions {
        program: "/nowhere/tesseract".into(),
        ..PictureOptions::default()
    };
    let no_reader = PictureOptions {
        program: "/bin/false".into(),
        ..PictureOptions::default()
    };
    let rows = [
        (Some(nowhere), Unread::NoProgram),
        (Some(no_reader), Unread::NoUse),
        (None, Unread::NotRead),
    ];
    for (pictures, why) in rows {
        let pool = WorkerPool::new(PoolOptions {
            pictures,
            ..PoolOptions::new(PROGRAM.into(), &["inspect-worker"])
        });
        for name in ["letter.png", "letter.pdf"] {
            let inspection = inspect(&pool, picture(name), name).await;
            assert_eq!(inspection.coverage.reasons(), [Reason::from(why)], "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_hangs_or_floods_costs_its_picture_only() {
    let folder = tempfile::tempdir().unwrap();
    let script = |name: &str, says: &str| {
        let path = folder.path().join(name);
        let text = format!(
            "#!/bin/sh\n[ \"$1\" = --list-langs ] && {{ echo languages; echo eng; exit; }}\n{says}\n"
        );
        std::fs::write(&path, text).unwrap();
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&path, executable).unwrap();
        path.display().to_string()
    };
    let limit = |name: &str| Reason::Limit { name: name.into() };
    let rows = [
        (
            script("hangs", "while :; do read line || :; done"),
            limit("pictures_seconds_max"),
        ),
        (
            script(
                "floods",
                "while :; do echo 0123456789abcdef0123456789abcdef; done",
            ),
            limit("picture_words_bytes_max"),
        ),
        (script("fails", "exit 3"), Unread::Failed.into()),
    ];
    for (program, reason) in rows {
        let pool = pool(PictureOptions {
            seconds_max: if program.ends_with("hangs") { 1 } else { 60 },
            program,
            ..PictureOptions::default()
        });
        let inspection = inspect(&pool, picture("letter.png"), "letter.png").await;
        assert_eq!(inspection.coverage, Coverage::None { reason });
        let text = inspect(&pool, "ssn 536-22-8145", "a.txt").await;
        assert!(text.coverage.is_full());
    }
}

/// What becomes the reader can do nothing that reading a picture does not need.
#[test]
fn what_reads_pictures_is_confined() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("written");
    let run = |seconds: &str, script: &str| {
        let arguments = ["inspect-picture", seconds, "/bin/sh", "-c", script];
        let output = Command::new(PROGRAM).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (said, output.status.success())
    };
    assert_eq!(run("5", "echo it runs"), ("it runs".to_owned(), true));
    let tries = [
        format!("echo x > {} && echo done", target.display()),
        "(echo done)".to_owned(),
        "/bin/true && echo done".to_owned(),
    ];
    for tried in &tries {
        assert_eq!(run("5", tried), (String::new(), false), "{tried}");
    }
    assert!(!target.exists());
    let (_, ended_well) = run("0", "while :; do :; done");
    assert!(!ended_well, "processor time ends it");
}
