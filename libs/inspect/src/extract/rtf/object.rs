//! Objects embedded in RTF. Source: [MS-OLEDS] 2.2.5, EmbeddedObject.

use crate::extract::compound::{Bytes, package};

/// The file within an object written in hexadecimal digits, and its name where it has one.
pub(super) fn content(hex: &[u8]) -> Option<(Option<String>, Vec<u8>)> {
    const EMBEDDED: u32 = 2;
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0) as u8;
    let bytes: Vec<u8> = hex
        .as_chunks::<2>()
        .0
        .iter()
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect();
    let mut reading = Bytes::new(&bytes);
    let (_version, format) = (reading.u32()?, reading.u32()?);
    if format != EMBEDDED {
        return None;
    }
    let class_bytes = reading.u32()?;
    let class = reading.take(class_bytes as usize)?;
    for _ in 0..2 {
        let skipped = reading.u32()?;
        reading.take(skipped as usize)?;
    }
    let _native_bytes = reading.u32()?;
    let native = reading.rest();
    if class.starts_with(b"Package") {
        let (name, content) = package(native)?;
        return Some((Some(name), content.to_vec()));
    }
    Some((None, native.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_gives_its_file_and_an_object_its_bytes() {
        let text = |text: &str| -> Vec<u8> {
            let length = u32::try_from(text.len() + 1).expect("it is short");
            [&length.to_le_bytes()[..], text.as_bytes(), b"\0"].concat()
        };
        let hex = |bytes: &[u8]| -> Vec<u8> {
            bytes
                .iter()
                .flat_map(|byte| format!("{byte:02x}").into_bytes())
                .collect()
        };
        let object = |class: &str, native: &[u8]| {
            let size = u32::try_from(native.len()).expect("it is short");
            let head = [&[1, 5, 0, 0, 2, 0, 0, 0][..], &text(class), &[0; 8]].concat();
            hex(&[&head[..], &size.to_le_bytes(), native].concat())
        };
        let native = [
            &b"\x02\0label\0C:\\a.txt\0\0\0\x03\0"[..],
            &text("C:\\a.txt"),
            &5u32.to_le_bytes(),
            b"hello",
        ]
        .concat();
        let rows = [
            (
                object("Package", &native),
                Some((Some("C:\\a.txt".to_owned()), b"hello".to_vec())),
            ),
            (
                object("Word.Document.8", b"bytes"),
                Some((None, b"bytes".to_vec())),
            ),
            (object("Package", b"\x02\0label"), None),
            (b"0105".to_vec(), None),
        ];
        for (hex, found) in rows {
            assert_eq!(content(&hex), found, "{}", String::from_utf8_lossy(&hex));
        }
    }
}
