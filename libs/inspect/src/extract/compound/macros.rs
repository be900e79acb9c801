//! The source of VBA macros. Source: [MS-OVBA] 2.4.1, Compression and Decompression.

use memchr::memmem;

use super::bytes::latin;

/// Bytes that one chunk decompresses to, at most.
const CHUNK_BYTES_MAX: usize = 4_096;
/// Bytes of source of one module.
const SOURCE_BYTES_MAX: usize = 8 << 20;

/// The source in a module's stream, where one is found: it stands behind compiled code whose length
/// another stream tells, and always begins with the same word.
pub(super) fn source(stream: &[u8], bytes_max: usize) -> Option<String> {
    // A signature byte, two bytes of the chunk's header, then flags and the word.
    const BEGINS: &[u8] = b"\0Attribut";
    let at = memmem::find(stream, BEGINS)?.checked_sub(3)?;
    if stream[at] != 1 {
        return None;
    }
    let bytes_max = bytes_max.min(SOURCE_BYTES_MAX);
    Some(latin(&decompress(&stream[at + 1..], bytes_max)))
}

fn decompress(mut chunks: &[u8], bytes_max: usize) -> Vec<u8> {
    let mut source = Vec::new();
    while let Some((header, rest)) = chunks.split_first_chunk::<2>() {
        let header = u16::from_le_bytes(*header);
        let length = usize::from(header & 0x0FFF) + 1;
        let chunk = &rest[..rest.len().min(length)];
        if header & 0x8000 == 0 {
            source.extend_from_slice(chunk);
        } else {
            decompress_chunk(chunk, &mut source);
        }
        chunks = &rest[chunk.len()..];
        if chunk.len() < length || source.len() > bytes_max {
            break;
        }
    }
    source
}

fn decompress_chunk(mut chunk: &[u8], source: &mut Vec<u8>) {
    let start = source.len();
    while let Some((flags, rest)) = chunk.split_first() {
        chunk = rest;
        for bit in 0..8 {
            if chunk.is_empty() || source.len() - start >= CHUNK_BYTES_MAX {
                return;
            }
            if flags & (1 << bit) == 0 {
                source.push(chunk[0]);
                chunk = &chunk[1..];
                continue;
            }
            let Some((token, rest)) = chunk.split_first_chunk::<2>() else {
                return;
            };
            chunk = rest;
            let token = u16::from_le_bytes(*token);
            // The further the chunk has come, the more bits tell how far back the copy begins.
            let done = source.len() - start;
            let bits = (usize::BITS - done.saturating_sub(1).leading_zeros()).clamp(4, 12);
            let length = usize::from(token & (0xFFFF >> bits)) + 3;
            let back = usize::from(token >> (16 - bits)) + 1;
            if back > done {
                return;
            }
            for _ in 0..length.min(CHUNK_BYTES_MAX) {
                source.push(source[source.len() - back]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_read_behind_its_compiled_code() {
        // 16 literals, then 3 bytes from 16 back.
        let chunk = b"\0Attribut\0e x = \"y\x01\x00\xF0";
        let header = 0xB000u16 | u16::try_from(chunk.len() - 1).expect("it is short");
        let stream = [b"\xCC\x61\xFF\0code\x01", &header.to_le_bytes()[..], chunk].concat();
        assert_eq!(
            source(&stream, 1_000).as_deref(),
            Some("Attribute x = \"yAtt")
        );
        assert_eq!(source(b"nothing here", 1_000), None);
    }

    #[test]
    fn copies_from_before_the_beginning_end_the_chunk() {
        assert_eq!(decompress(b"\x02\xB0\x01\xFF\xFF", 1_000), b"");
    }
}
