//! The compressed body of Outlook messages. Source: [MS-OXRTFCP] 2.2.

use crate::extract::compound::Bytes;

/// The text that the dictionary begins with. Source: [MS-OXRTFCP] 2.1.2.1.
const DICTIONARY: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
const WINDOW: usize = 4_096;

/// The body, up to `bytes_max` bytes of it; `None` when it is not of this form.
pub(super) fn decompress(content: &[u8], bytes_max: usize) -> Option<Vec<u8>> {
    const COMPRESSED: u32 = 0x7546_5A4C;
    const PLAIN: u32 = 0x414C_454D;
    let mut reading = Bytes::new(content);
    let (_size, _raw_size) = (reading.u32()?, reading.u32()?);
    let kind = reading.u32()?;
    reading.u32()?;
    match kind {
        PLAIN => Some(reading.rest().to_vec()),
        COMPRESSED => Some(unpack(reading.rest(), bytes_max)),
        _ => None,
    }
}

fn unpack(mut rest: &[u8], bytes_max: usize) -> Vec<u8> {
    let mut window = [b' '; WINDOW];
    window[..DICTIONARY.len()].copy_from_slice(DICTIONARY);
    let mut write = DICTIONARY.len();
    let mut body = Vec::new();
    while let Some((flags, after)) = rest.split_first() {
        rest = after;
        for bit in 0..8 {
            if body.len() >= bytes_max {
                return body;
            }
            if flags & (1 << bit) == 0 {
                let Some((byte, after)) = rest.split_first() else {
                    return body;
                };
                body.push(*byte);
                window[write] = *byte;
                write = (write + 1) % WINDOW;
                rest = after;
                continue;
            }
            let Some((token, after)) = rest.split_first_chunk::<2>() else {
                return body;
            };
            rest = after;
            let token = usize::from(u16::from_be_bytes(*token));
            let (from, length) = (token >> 4, (token & 0x0F) + 2);
            // A copy from where the next byte is written ends the text.
            if from == write {
                return body;
            }
            for step in 0..length {
                let byte = window[(from + step) % WINDOW];
                body.push(byte);
                window[write] = byte;
                write = (write + 1) % WINDOW;
            }
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specifications_example_decompresses() {
        // Source: [MS-OXRTFCP] 3.1.
        let bytes = [
            0x2d, 0x00, 0x00, 0x00, 0x2b, 0x00, 0x00, 0x00, 0x4c, 0x5a, 0x46, 0x75, 0xf1, 0xc5,
            0xc7, 0xa7, 0x03, 0x00, 0x0a, 0x00, 0x72, 0x63, 0x70, 0x67, 0x31, 0x32, 0x35, 0x42,
            0x32, 0x0a, 0xf3, 0x20, 0x68, 0x65, 0x6c, 0x09, 0x00, 0x20, 0x62, 0x77, 0x05, 0xb0,
            0x6c, 0x64, 0x7d, 0x0a, 0x80, 0x0f, 0xa0,
        ];
        let body = decompress(&bytes, 1_000).expect("it is of this form");
        assert_eq!(body, b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
        assert_eq!(decompress(b"short", 1_000), None);
    }
}
