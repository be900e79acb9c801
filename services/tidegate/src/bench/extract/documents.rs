//! Documents of each format with about as much text as asked for, made in memory.

use std::io::{Cursor, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A format that is measured.
#[derive(Debug, Clone, Copy)]
pub(super) enum Format {
    Text,
    Csv,
    Json,
    Xml,
    Html,
    Rtf,
    Mail,
    Pdf,
    Docx,
    Xlsx,
    Pptx,
    Ods,
    Zip,
    Gzip,
}

impl Format {
    pub(super) const ALL: [Format; 14] = [
        Format::Text,
        Format::Csv,
        Format::Json,
        Format::Xml,
        Format::Html,
        Format::Rtf,
        Format::Mail,
        Format::Pdf,
        Format::Docx,
        Format::Xlsx,
        Format::Pptx,
        Format::Ods,
        Format::Zip,
        Format::Gzip,
    ];

    /// How a file of it is named.
    pub(super) fn ending(self) -> &'static str {
        match self {
            Format::Text => "txt",
            Format::Csv => "csv",
            Format::Json => "json",
            Format::Xml => "xml",
            Format::Html => "html",
            Format::Rtf => "rtf",
            Format::Mail => "eml",
            Format::Pdf => "pdf",
            Format::Docx => "docx",
            Format::Xlsx => "xlsx",
            Format::Pptx => "pptx",
            Format::Ods => "ods",
            Format::Zip => "zip",
            Format::Gzip => "gz",
        }
    }

    /// A document with about `text_bytes` of text.
    pub(super) fn document(self, text_bytes: usize) -> anyhow::Result<Vec<u8>> {
        let body: String = lines(text_bytes).map(|line| self.line(&line)).collect();
        let typed = ("[Content_Types].xml", "<Types/>");
        Ok(match self {
            Format::Text | Format::Json => body.into_bytes(),
            Format::Csv => format!("a,b,c,d,e,f,g,h,i,j\n{body}").into_bytes(),
            Format::Xml => format!("<?xml version=\"1.0\"?><rows>{body}</rows>").into_bytes(),
            Format::Html => format!("<!DOCTYPE html><html><body>{body}</body></html>").into_bytes(),
            Format::Rtf => {
                format!("{{\\rtf1\\ansi{{\\fonttbl{{\\f0 Arial;}}}}{body}}}").into_bytes()
            }
            Format::Mail => mail(&body),
            Format::Pdf => pdf(&body.lines().collect::<Vec<_>>()),
            Format::Docx => {
                let part =
                    format!("<w:document xmlns:w=\"x\"><w:body>{body}</w:body></w:document>");
                zip_of(&[typed, ("word/document.xml", &part)])?
            }
            Format::Xlsx => {
                let part = format!("<worksheet><sheetData>{body}</sheetData></worksheet>");
                zip_of(&[typed, ("xl/worksheets/sheet1.xml", &part)])?
            }
            Format::Pptx => {
                let part = format!("<p:sld xmlns:a=\"x\" xmlns:p=\"y\">{body}</p:sld>");
                zip_of(&[typed, ("ppt/slides/slide1.xml", &part)])?
            }
            Format::Ods => {
                let part =
                    format!("<office:document><table:table>{body}</table:table></office:document>");
                zip_of(&[
                    ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
                    ("META-INF/manifest.xml", "<manifest/>"),
                    ("content.xml", &part),
                ])?
            }
            Format::Zip => zip_of(&[("notes.txt", &body)])?,
            Format::Gzip => {
                let mut writer = GzEncoder::new(Vec::new(), Compression::default());
                writer.write_all(body.as_bytes())?;
                writer.finish()?
            }
        })
    }

    /// One line of text as the format writes it.
    fn line(self, line: &str) -> String {
        let cells = |before: &str, behind: &str| -> String {
            line.split(' ')
                .map(|word| format!("{before}{word}{behind}"))
                .collect()
        };
        match self {
            Format::Csv => format!("{}\n", line.replace(' ', ",")),
            Format::Json => format!("{{\"note\": {{\"text\": \"{line}\"}}}}\n"),
            Format::Xml => format!("<row><note>{line}</note></row>"),
            Format::Html => format!("<p class=\"x\">{line} <b>bold</b></p>\n"),
            Format::Rtf => format!("\\pard\\plain {line}\\b bold\\b0\\par\r\n"),
            Format::Docx => format!("<w:p><w:r><w:t>{line}</w:t></w:r></w:p>"),
            Format::Pptx => format!("<a:p><a:r><a:t>{line}</a:t></a:r></a:p>"),
            Format::Xlsx => {
                let cells = cells("<c t=\"inlineStr\"><is><t>", "</t></is></c>");
                format!("<row>{cells}</row>")
            }
            Format::Ods => {
                let cells = cells("<table:table-cell><text:p>", "</text:p></table:table-cell>");
                format!("<table:table-row>{cells}</table:table-row>")
            }
            _ => format!("{line}\n"),
        }
    }
}

/// Lines of ten words, until there are `bytes` of them: no two alike, so that they compress as text does.
fn lines(bytes: usize) -> impl Iterator<Item = String> {
    const WORDS: [&str; 32] = [
        "harbour", "gate", "tide", "opens", "before", "noon", "boat", "waits", "and", "every",
        "crew", "knows", "where", "salt", "water", "meets", "river", "mud", "while", "bells",
        "ring", "over", "roofs", "of", "slate", "that", "were", "laid", "long", "ago", "by",
        "hand",
    ];
    let (mut state, mut made) = (0x9E37_79B9_7F4A_7C15_u64, 0);
    std::iter::from_fn(move || {
        if made >= bytes {
            return None;
        }
        let mut line = String::new();
        for word in 0..10 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            if word > 0 {
                line.push(' ');
            }
            line.push_str(WORDS[(state % WORDS.len() as u64) as usize]);
            line.push_str(&(state >> 32 & 0xFF).to_string());
        }
        made += line.len();
        Some(line)
    })
}

fn zip_of(members: &[(&str, &str)]) -> anyhow::Result<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, content) in members {
        writer.start_file(*name, options)?;
        writer.write_all(content.as_bytes())?;
    }
    Ok(writer.finish()?.into_inner())
}

fn mail(text: &str) -> Vec<u8> {
    const LINE_CHARS: usize = 76;
    let encoded = STANDARD.encode(text);
    let mut mail = String::from(
        "From: a@example.org\r\nTo: b@example.org\r\nSubject: notes\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n",
    );
    for line in encoded.as_bytes().chunks(LINE_CHARS) {
        mail.push_str(&String::from_utf8_lossy(line));
        mail.push_str("\r\n");
    }
    mail.into_bytes()
}

/// A PDF with pages of fifty lines; its page contents are not compressed.
fn pdf(lines: &[&str]) -> Vec<u8> {
    const FIRST_PAGE: usize = 4;
    let pages: Vec<&[&str]> = lines.chunks(50).collect();
    let kids: String = (0..pages.len())
        .map(|page| format!("{} 0 R ", FIRST_PAGE + 2 * page))
        .collect();
    let mut file = format!(
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n\
         2 0 obj<</Type/Pages/Count {}/Kids[{kids}]>>endobj\n\
         3 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n",
        pages.len()
    );
    for (index, page) in pages.iter().enumerate() {
        let number = FIRST_PAGE + 2 * index;
        let shown: String = page
            .iter()
            .map(|line| format!("({line}) Tj T*\n"))
            .collect();
        let content = format!("BT /F 10 Tf 12 TL 40 800 Td\n{shown}ET");
        file.push_str(&format!(
            "{number} 0 obj<</Type/Page/Parent 2 0 R/Resources<</Font<</F 3 0 R>>>>/Contents {} 0 R>>endobj\n\
             {} 0 obj<</Length {}>>stream\n{content}\nendstream endobj\n",
            number + 1,
            number + 1,
            content.len() + 1,
        ));
    }
    file.push_str("trailer<</Root 1 0 R>>\n%%EOF");
    file.into_bytes()
}
