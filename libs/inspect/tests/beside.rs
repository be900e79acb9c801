//! Text that stands where few look: beside the pages of a PDF, and in what parts of an office document say in
//! attributes. What is planted is found, and what is no text is not read.

use std::io::Write;

use inspect::{Coverage, Extraction, Limits, extract};
use zip::write::SimpleFileOptions;

fn texts(extraction: &Extraction) -> String {
    let texts = extraction.text.iter();
    texts
        .map(|segment| segment.text.as_str())
        .collect::<Vec<_>>()
        .join("\n")
}

/// A PDF of these objects, the first of which is its catalog.
fn pdf(objects: &[&str]) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n".to_vec();
    let mut places = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        places.push(file.len());
        write!(file, "{} 0 obj\n{object}\nendobj\n", index + 1).expect("memory holds it");
    }
    let start = file.len();
    write!(file, "xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).expect("memory holds it");
    for place in places {
        writeln!(file, "{place:010} 00000 n ").expect("memory holds it");
    }
    let size = objects.len() + 1;
    write!(file, "trailer\n<</Size {size} /Root 1 0 R /Info <</Title (in the properties)>> >>\nstartxref\n{start}\n%%EOF\n")
        .expect("memory holds it");
    file
}

fn stream(dictionary: &str, content: &str) -> String {
    format!(
        "<<{dictionary} /Length {}>>\nstream\n{content}\nendstream",
        content.len()
    )
}

#[test]
fn what_a_pdf_says_beside_its_pages_is_read_however_deep_it_lies() {
    let catalog = "<</Type /Catalog /Pages 2 0 R
        /Names <</EmbeddedFiles <</Names [(a) <</Type /Filespec /F (name of a file.txt) /Desc (about a file) /EF <</F 4 0 R>>>>]>>>>
        /Outlines <</First <</Title (in the outline)>>>>
        /PageLabels <</Nums [0 <</P (label of a page)>>]>>
        /StructTreeRoot <</K <</S /Figure /Alt (alternative) /E (expansion)>>>>
        /AA <</WC <</S /JavaScript /JS 5 0 R>>>>
        /AcroForm <</Fields [<</FT /Ch /T (choice) /V (chosen) /DV (by default) /Opt [[(exported) (offered)]]>>]>>
        /Perms <</DocMDP <</ByteRange [0 1] /Contents (a signature) /Reason (why it is signed)>>>>
        /Colours [/Indexed /DeviceRGB 1 (\\001\\002table)]>>";
    let content = "/Span <</ActualText (said instead)>> BDC BT /F 12 Tf 50 700 Td (xx) Tj ET EMC";
    let bytes = pdf(&[
        catalog,
        "<</Type /Pages /Kids [3 0 R] /Count 1>>",
        "<</Type /Page /Parent 2 0 R /Contents 6 0 R /Annots [7 0 R]
            /Resources <</Font <</F <</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>>>>>>>",
        &stream("", "within the attached file"),
        &stream("", "a long script"),
        &stream("", content),
        "<</Type /Annot /Rect [0 0 9 9] /Subtype /FileAttachment /T (who noted) /Contents (a note)
            /FS <</F (b.txt) /EF <</F 8 0 R>>>>>>",
        &stream("", "within the pinned file"),
    ]);
    let extraction = extract(&bytes, Some("a.pdf"), &Limits::default());
    assert_eq!(extraction.coverage, Coverage::Full);
    let texts = texts(&extraction);
    for planted in [
        "in the properties",
        "name of a file.txt",
        "about a file",
        "within the attached file",
        "in the outline",
        "label of a page",
        "alternative",
        "expansion",
        "a long script",
        "chosen",
        "by default",
        "exported",
        "offered",
        "why it is signed",
        "said instead",
        "who noted",
        "a note",
        "within the pinned file",
    ] {
        assert_eq!(texts.matches(planted).count(), 1, "{planted}: {texts}");
    }
    for technical in ["a signature", "table"] {
        assert!(!texts.contains(technical), "{technical}: {texts}");
    }
}

#[test]
fn fonts_tell_their_characters_by_predefined_maps_and_by_maps_that_err_in_the_length_of_codes() {
    let composite = "<</Type /Font /Subtype /Type0 /BaseFont /A /Encoding /UniJIS-UCS2-H
        /DescendantFonts [<</Type /Font /Subtype /CIDFontType0 /BaseFont /A>>]>>";
    let simple = "<</Type /Font /Subtype /Type1 /BaseFont /B /ToUnicode 6 0 R>>";
    let shown = "BT /A 12 Tf 50 700 Td <0034003265E5> Tj /B 12 Tf 0 -50 Td (ab) Tj ET";
    let resources = format!("<</Font <</A {composite} /B {simple}>>>>");
    let map = "1 begincodespacerange <0000> <FFFF> endcodespacerange 2 beginbfchar <0061> <0078> <0062> <0079> endbfchar";
    let bytes = pdf(&[
        "<</Type /Catalog /Pages 2 0 R>>",
        "<</Type /Pages /Kids [3 0 R] /Count 1>>",
        &format!("<</Type /Page /Parent 2 0 R /Contents 4 0 R /Resources {resources}>>"),
        &stream("", shown),
        "null",
        &stream("", map),
    ]);
    let extraction = extract(&bytes, Some("a.pdf"), &Limits::default());
    assert_eq!(extraction.coverage, Coverage::Full);
    assert!(
        texts(&extraction).contains("42日\nxy"),
        "{}",
        texts(&extraction)
    );
}

#[test]
fn what_parts_of_office_documents_say_in_attributes_is_read() {
    let parts = [
        ("[Content_Types].xml", "<Types/>"),
        (
            "word/document.xml",
            r#"<w:document xmlns:w="w"><w:body><w:p><w:sdt><w:sdtPr><w:alias w:val="name of a control"/><w:color w:val="no colour"/></w:sdtPr></w:sdt>
            <w:ins w:author="who changed"/><w:del w:author="who changed"/></w:p></w:body></w:document>"#,
        ),
        (
            "word/settings.xml",
            r#"<w:settings xmlns:w="w"><w:docVars><w:docVar w:name="variable" w:val="its value"/></w:docVars></w:settings>"#,
        ),
        (
            "xl/workbook.xml",
            r#"<workbook><sheets><sheet name="Name of a sheet" sheetId="1"/></sheets></workbook>"#,
        ),
        (
            "xl/worksheets/sheet1.xml",
            r#"<worksheet><dataValidations><dataValidation error="what is wrong" prompt="what is asked"/></dataValidations></worksheet>"#,
        ),
        (
            "xl/pivotCache/pivotCacheRecords1.xml",
            r#"<pivotCacheRecords><r><s v="kept in the cache"/></r></pivotCacheRecords>"#,
        ),
        (
            "xl/connections.xml",
            r#"<connections><connection><dbPr connection="Provider=X;Password=hunter"/></connection></connections>"#,
        ),
        (
            "ppt/tags/tag1.xml",
            r#"<tagLst><tag name="TAG" val="value of a tag"/></tagLst>"#,
        ),
    ];
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in parts {
        writer
            .start_file(name, SimpleFileOptions::default())
            .expect("a member");
        writer.write_all(content.as_bytes()).expect("its content");
    }
    let bytes = writer.finish().expect("an archive").into_inner();
    let extraction = extract(&bytes, Some("a.docx"), &Limits::default());
    let texts = texts(&extraction);
    for planted in [
        "name of a control",
        "who changed",
        "its value",
        "Name of a sheet",
        "what is wrong",
        "what is asked",
        "kept in the cache",
        "Password=hunter",
        "value of a tag",
    ] {
        assert_eq!(texts.matches(planted).count(), 1, "{planted}: {texts}");
    }
    assert!(!texts.contains("no colour"), "{texts}");
}
