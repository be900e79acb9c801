//! What bytes are, told by their content. A name only chooses between readings that the content
//! allows (is this text a table or prose?), it never overrules the content.

mod container;

use std::fmt;

use memchr::memmem;
use serde::{Deserialize, Serialize};

use crate::extract::{charset, csv, json, mail};
pub(crate) use container::{Squeezed, squeezed};
use container::{compound_kind, zip_kind};

/// What bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FileKind {
    /// No bytes at all.
    Empty,
    /// Plain text in any charset.
    Text,
    /// Text in rows and columns.
    Csv,
    /// HTML.
    Html,
    /// XML of no kind known here.
    Xml,
    /// Word, Office Open XML.
    Docx,
    /// Excel, Office Open XML.
    Xlsx,
    /// PowerPoint, Office Open XML.
    Pptx,
    /// OpenDocument of any kind.
    OpenDocument,
    /// Rich Text Format.
    Rtf,
    /// JSON, one value or one a line.
    Json,
    /// An e-mail as it travels, or a mailbox of them.
    Mail,
    /// An e-mail as Outlook keeps it.
    Msg,
    /// Word before 2007.
    Doc,
    /// Excel before 2007.
    Xls,
    /// PowerPoint before 2007.
    Ppt,
    /// An electronic book.
    Epub,
    /// PDF.
    Pdf,
    /// A zip archive.
    Zip,
    /// An OLE compound file of another kind: encrypted Office documents, macros, embedded objects.
    Compound,
    /// An archive or a compressed file of another kind.
    Archive,
    /// A picture.
    Image,
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
    /// Anything else.
    Binary,
}

impl FileKind {
    /// The stable name, as serialised.
    pub fn name(self) -> &'static str {
        match self {
            FileKind::Empty => "empty",
            FileKind::Text => "text",
            FileKind::Csv => "csv",
            FileKind::Html => "html",
            FileKind::Xml => "xml",
            FileKind::Docx => "docx",
            FileKind::Xlsx => "xlsx",
            FileKind::Pptx => "pptx",
            FileKind::OpenDocument => "open-document",
            FileKind::Rtf => "rtf",
            FileKind::Json => "json",
            FileKind::Mail => "mail",
            FileKind::Msg => "msg",
            FileKind::Doc => "doc",
            FileKind::Xls => "xls",
            FileKind::Ppt => "ppt",
            FileKind::Epub => "epub",
            FileKind::Pdf => "pdf",
            FileKind::Zip => "zip",
            FileKind::Compound => "compound",
            FileKind::Archive => "archive",
            FileKind::Image => "image",
            FileKind::Audio => "audio",
            FileKind::Video => "video",
            FileKind::Binary => "binary",
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How far a PDF header may stand from the first byte, as readers tolerate.
const PDF_HEADER_WITHIN: usize = 1_024;

/// What `bytes` are.
pub(crate) fn sniff(bytes: &[u8], name: Option<&str>) -> FileKind {
    if bytes.is_empty() {
        return FileKind::Empty;
    }
    if memmem::find(&bytes[..bytes.len().min(PDF_HEADER_WITHIN)], b"%PDF-").is_some() {
        return FileKind::Pdf;
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return zip_kind(bytes);
    }
    if bytes.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        return compound_kind(bytes);
    }
    if squeezed(bytes).is_some() {
        return FileKind::Archive;
    }
    if let Some(kind) = magic(bytes) {
        return kind;
    }
    if charset::is_text(bytes) {
        text_kind(bytes, name)
    } else {
        FileKind::Binary
    }
}

/// The media type of something that nothing here reads.
pub(crate) fn media_type(bytes: &[u8]) -> &'static str {
    infer::get(bytes).map_or("application/octet-stream", |found| found.mime_type())
}

fn magic(bytes: &[u8]) -> Option<FileKind> {
    use infer::MatcherType;
    // Magic of two or three printable bytes would let a prefix hide text.
    if charset::is_text(bytes) {
        return None;
    }
    let found = infer::get(bytes)?;
    match found.matcher_type() {
        MatcherType::Image => Some(FileKind::Image),
        MatcherType::Audio => Some(FileKind::Audio),
        MatcherType::Video => Some(FileKind::Video),
        MatcherType::Archive => Some(FileKind::Archive),
        MatcherType::Text => None,
        _ => Some(FileKind::Binary),
    }
}

fn text_kind(bytes: &[u8], name: Option<&str>) -> FileKind {
    const LOOK_BYTES_MAX: usize = 16 << 10;
    let head = charset::decode(&bytes[..bytes.len().min(LOOK_BYTES_MAX)], None);
    let start = head.trim_start().to_ascii_lowercase();
    let extension = name
        .and_then(|name| name.rsplit_once('.'))
        .map(|(_, extension)| extension);
    let named = |wanted: &[&str]| {
        extension.is_some_and(|extension| wanted.iter().any(|w| extension.eq_ignore_ascii_case(w)))
    };
    const HTML_TAGS: [&str; 10] = [
        "<html", "<body", "<head", "<div", "<table", "<p>", "<script", "<form", "<span", "<meta",
    ];
    if start.starts_with("<?xml") && !start.contains("<html") {
        return FileKind::Xml;
    }
    if start.starts_with("<!doctype html")
        || start.starts_with("<html")
        || (start.starts_with('<') && HTML_TAGS.iter().any(|tag| start.contains(tag)))
        || (named(&["html", "htm", "xhtml"]) && start.contains('<') && start.contains("</"))
    {
        return FileKind::Html;
    }
    if start.starts_with("{\\rtf") {
        return FileKind::Rtf;
    }
    if json::is_json(
        &head,
        named(&["json", "jsonl", "ndjson", "geojson", "ipynb", "har"]),
    ) {
        return FileKind::Json;
    }
    if mail::is_mail(&head, named(&["eml", "mht", "mhtml", "mbox", "emlx"])) {
        return FileKind::Mail;
    }
    match csv::delimiter_of(&head, named(&["csv", "tsv", "tab"])) {
        Some(_) if !named(&PROGRAMS) => FileKind::Csv,
        _ => FileKind::Text,
    }
}

/// Endings of names of programs, settings and prose, whose lines may well have as many commas each.
const PROGRAMS: [&str; 43] = [
    "adoc",
    "asm",
    "bash",
    "bat",
    "c",
    "cc",
    "cfg",
    "clj",
    "conf",
    "cpp",
    "cs",
    "css",
    "dart",
    "env",
    "ex",
    "go",
    "gradle",
    "h",
    "hpp",
    "hs",
    "ini",
    "java",
    "js",
    "jsx",
    "kt",
    "lua",
    "md",
    "mjs",
    "php",
    "pl",
    "properties",
    "ps1",
    "py",
    "rb",
    "rs",
    "rst",
    "scala",
    "sh",
    "swift",
    "toml",
    "ts",
    "yaml",
    "yml",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides_what_a_file_is_and_the_name_only_breaks_ties() {
        let rows: [(&[u8], Option<&str>, FileKind); 28] = [
            (b"", Some("a.docx"), FileKind::Empty),
            (b"hello there", Some("a.pdf"), FileKind::Text),
            (b"%PDF-1.7 ...", Some("a.txt"), FileKind::Pdf),
            (b"junk\n%PDF-1.4", None, FileKind::Pdf),
            (
                b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
                None,
                FileKind::Zip,
            ),
            (
                b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
                Some("a.csv"),
                FileKind::Image,
            ),
            (b"<!DOCTYPE html><p>x", None, FileKind::Html),
            (b"<p>hello</p> <b>x</b>", Some("x"), FileKind::Html),
            (b"<?xml version=\"1.0\"?><a/>", None, FileKind::Xml),
            (
                b"<?xml version=\"1.0\"?><a><table/></a>",
                None,
                FileKind::Xml,
            ),
            (
                b"<?xml version=\"1.0\"?><html><p>x</p>",
                None,
                FileKind::Html,
            ),
            (b"a,b\n1,2\n3,4\n", None, FileKind::Csv),
            (b"name,ssn\nAnn,1\n", Some("x.csv"), FileKind::Csv),
            (b"just one line\n", Some("x.csv"), FileKind::Text),
            (b"{\\rtf1\\ansi x}", Some("a.txt"), FileKind::Rtf),
            (b"{\"a\": 1}", None, FileKind::Json),
            (b"{\"a\": 1}\n{\"a\": 2}\n", None, FileKind::Json),
            (b"[1] see there", None, FileKind::Text),
            (b"{ int x; }", Some("a.c"), FileKind::Text),
            (
                b"From: a@b.example\nTo: c@d.example\nSubject: x\n\nhello",
                None,
                FileKind::Mail,
            ),
            (b"Subject: x\n\nhello", Some("a.eml"), FileKind::Mail),
            (b"To: the reader\nFrom: me\nhello", None, FileKind::Text),
            (b"\x1F\x8B\x08\0\0\0\0\0", Some("a.txt"), FileKind::Archive),
            (b"BZh91AY&SY\0\0\0\0", None, FileKind::Archive),
            (b"BZh is how it starts", None, FileKind::Text),
            (b"7z\xBC\xAF\x27\x1C\0\x04", None, FileKind::Archive),
            (b"BM is how a bitmap starts", None, FileKind::Text),
            (
                b"\0\x01\x02\x03\x04\x05\x06",
                Some("a.txt"),
                FileKind::Binary,
            ),
        ];
        for (bytes, name, kind) in rows {
            assert_eq!(
                sniff(bytes, name),
                kind,
                "{:?}",
                String::from_utf8_lossy(bytes)
            );
        }
    }
}
