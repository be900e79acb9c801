//! Text swept out of bytes whose structure is not known: runs of characters of one byte and of two.

/// Characters that make a run worth keeping.
const RUN_CHARS_MIN: usize = 4;

/// Every run of text in `bytes`, one a line, up to `bytes_max` bytes of it.
pub(crate) fn text(bytes: &[u8], bytes_max: usize) -> String {
    let mut text = String::new();
    let mut at = 0;
    while at < bytes.len() && text.len() <= bytes_max {
        let wide = wide_run(&bytes[at..]);
        let narrow = narrow_run(&bytes[at..]);
        let (taken, run) = if wide.1 >= RUN_CHARS_MIN && wide.0 > narrow.0 {
            (wide.0, super::bytes::utf16(&bytes[at..at + wide.0]))
        } else if narrow.1 >= RUN_CHARS_MIN {
            (narrow.0, super::bytes::latin(&bytes[at..at + narrow.0]))
        } else {
            at += 1.max(narrow.0);
            continue;
        };
        text.push_str(run.trim_end());
        text.push('\n');
        at += taken;
    }
    text
}

/// Bytes and characters of the run of two-byte characters that starts here: of Latin, Greek,
/// Cyrillic, Hebrew or Arabic, for almost any two bytes are a character of some script.
fn wide_run(bytes: &[u8]) -> (usize, usize) {
    let is_text = |unit: &[u8; 2]| match unit[1] {
        0 => is_printable(unit[0]),
        1..=6 => true,
        0x20 => unit[0] < 0x70,
        _ => false,
    };
    let characters = bytes
        .as_chunks::<2>()
        .0
        .iter()
        .take_while(|unit| is_text(unit))
        .count();
    (characters * 2, characters)
}

fn narrow_run(bytes: &[u8]) -> (usize, usize) {
    let characters = bytes.iter().take_while(|byte| is_printable(**byte)).count();
    (characters, characters)
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7E | 0xA0..=0xFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_both_widths_are_found_wherever_they_start() {
        let wide: Vec<u8> = "Wide text"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let bytes = [&b"\0\x01narrow\x02\0"[..], &wide, b"\x02\xFF", b"ab\0\0"].concat();
        assert_eq!(text(&bytes, 1_000), "narrow\nWide text\n");
    }

    #[test]
    fn what_alternates_is_swept_in_one_pass() {
        for unit in [&b"a\0"[..], b"abcd\x01", b"a\0b", b"\x04\x04"] {
            let bytes = unit.repeat(1 << 20);
            assert!(text(&bytes, 1 << 22).len() <= (1 << 22) + bytes.len());
        }
    }
}
