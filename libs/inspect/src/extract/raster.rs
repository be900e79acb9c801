//! How large a picture is by what it says of itself, so that none is handed on that a reader could not hold; and
//! pictures written as PNG. Nothing is decoded here.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// What a picture says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Raster {
    /// Pixels of its largest page.
    pub(crate) pixels: u64,
    /// Whether there are further frames, of which readers see the first only.
    pub(crate) more_frames: bool,
    /// Where it is to be cut to have no more than the pages that were asked for: the place of a link in a TIFF.
    pub(crate) cut_at: Option<usize>,
}

/// Blocks of a GIF, and chunks of a PNG, looked at.
const BLOCKS_MAX: usize = 10_000;

/// Measures a picture; of a TIFF at most `pages_max` pages. `None` for a format that is not known here.
pub(crate) fn measure(bytes: &[u8], pages_max: usize) -> Option<Raster> {
    let single = |(width, height): (u64, u64), more_frames| Raster {
        pixels: width.saturating_mul(height),
        more_frames,
        cut_at: None,
    };
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        let size = (u64::from(be32(bytes, 16)?), u64::from(be32(bytes, 20)?));
        return Some(single(size, is_animated_png(bytes)));
    }
    if bytes.starts_with(b"\xFF\xD8\xFF") {
        return Some(single(jpeg(bytes)?, false));
    }
    if bytes.starts_with(b"GIF8") {
        let size = (u64::from(le16(bytes, 6)?), u64::from(le16(bytes, 8)?));
        return Some(single(size, gif_images(bytes) > 1));
    }
    if bytes.starts_with(b"BM") {
        let height = le32(bytes, 22)?.cast_signed().unsigned_abs();
        return Some(single((le32(bytes, 18)?.into(), height.into()), false));
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return webp(bytes).map(|(size, animated)| single(size, animated));
    }
    if bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*") {
        return tiff(bytes, pages_max);
    }
    jpeg_2000(bytes).map(|size| single(size, false))
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The chunk that makes a PNG move stands before its picture. Source: PNG specification, third edition, 11.3.6.
fn is_animated_png(bytes: &[u8]) -> bool {
    let mut at = 8;
    for _ in 0..BLOCKS_MAX {
        match bytes.get(at + 4..at + 8) {
            Some(b"acTL") => return true,
            Some(b"IDAT") | None => return false,
            Some(_) => at += 12 + be32(bytes, at).unwrap_or(0) as usize,
        }
    }
    false
}

/// The frame header of a JPEG. Source: ITU-T T.81, B.2.2.
fn jpeg(bytes: &[u8]) -> Option<(u64, u64)> {
    let mut at = 2;
    for _ in 0..BLOCKS_MAX {
        let [0xFF, marker] = *bytes.get(at..)?.first_chunk()? else {
            return None;
        };
        match marker {
            0xFF => at += 1,
            0xC4 | 0xC8 | 0xCC => at += 2 + usize::from(be16(bytes, at + 2)?),
            0xC0..=0xCF => {
                let (height, width) = (be16(bytes, at + 5)?, be16(bytes, at + 7)?);
                return Some((width.into(), height.into()));
            }
            0x01 | 0xD0..=0xD8 => at += 2,
            _ => at += 2 + usize::from(be16(bytes, at + 2)?),
        }
    }
    None
}

/// How many images a GIF has, two at most. Source: GIF89a specification, appendix A.
fn gif_images(bytes: &[u8]) -> usize {
    let table = |packed: u8| {
        if packed & 0x80 == 0 {
            0
        } else {
            3 << ((packed & 7) + 1)
        }
    };
    let mut at = 13 + bytes.get(10).copied().map_or(0, table);
    let mut images = 0;
    for _ in 0..BLOCKS_MAX {
        match bytes.get(at) {
            Some(0x21) => at += 2,
            Some(0x2C) => {
                images += 1;
                at += 11 + bytes.get(at + 9).copied().map_or(0, table);
            }
            _ => return images,
        }
        while let Some(&length) = bytes.get(at) {
            at += 1 + usize::from(length);
            if length == 0 {
                break;
            }
        }
        if images > 1 {
            return images;
        }
    }
    images
}

/// The size of a WebP, and whether it moves. Source: RFC 9649, 2.5 to 2.7.
fn webp(bytes: &[u8]) -> Option<((u64, u64), bool)> {
    let side = |at: usize| Some(u64::from(le32(bytes, at)? & 0x00FF_FFFF) + 1);
    match bytes.get(12..16)? {
        b"VP8X" => Some(((side(24)?, side(27)?), bytes.get(20)? & 2 != 0)),
        b"VP8 " => {
            let side = |at| Some(u64::from(le16(bytes, at)? & 0x3FFF));
            Some(((side(26)?, side(28)?), false))
        }
        b"VP8L" => {
            let bits = u64::from(le32(bytes, 21)?);
            Some((((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1), false))
        }
        _ => None,
    }
}

/// The size of a JPEG 2000, a file or a bare stream. Source: ITU-T T.800, A.5.1 and I.5.3.1.
fn jpeg_2000(bytes: &[u8]) -> Option<(u64, u64)> {
    const HEADER_WITHIN: usize = 512;
    if bytes.starts_with(b"\xFF\x4F\xFF\x51") {
        let side =
            |at: usize, offset: usize| Some(be32(bytes, at)?.saturating_sub(be32(bytes, offset)?));
        return Some((side(8, 16)?.into(), side(12, 20)?.into()));
    }
    if !bytes.starts_with(b"\0\0\0\x0CjP  ") {
        return None;
    }
    let head = &bytes[..bytes.len().min(HEADER_WITHIN)];
    let at = memchr::memmem::find(head, b"ihdr")?;
    Some((be32(bytes, at + 8)?.into(), be32(bytes, at + 4)?.into()))
}

/// The pages of a TIFF, each with the place of the link to the next. Source: TIFF 6.0, section 2.
fn tiff(bytes: &[u8], pages_max: usize) -> Option<Raster> {
    let little = bytes[0] == b'I';
    let word = |at| {
        if little {
            le16(bytes, at)
        } else {
            be16(bytes, at)
        }
    };
    let long = |at| {
        if little {
            le32(bytes, at)
        } else {
            be32(bytes, at)
        }
    };
    let (mut at, mut pixels, mut cut_at) = (long(4)? as usize, 0, None);
    for page in 0..=pages_max {
        if at == 0 {
            return Some(Raster {
                pixels,
                more_frames: false,
                cut_at: None,
            });
        }
        if page == pages_max {
            break;
        }
        let entries = usize::from(word(at)?);
        let value = |tag: u16| {
            let entry = (0..entries).map(|index| at + 2 + 12 * index);
            let entry = entry.into_iter().find(|entry| word(*entry) == Some(tag))?;
            let short = word(entry + 2)? == 3;
            Some(if short {
                u64::from(word(entry + 8)?)
            } else {
                u64::from(long(entry + 8)?)
            })
        };
        let size = value(256)?.saturating_mul(value(257)?);
        pixels = pixels.max(size);
        let link = at + 2 + 12 * entries;
        at = long(link)? as usize;
        cut_at = Some(link);
    }
    Some(Raster {
        pixels,
        more_frames: false,
        cut_at,
    })
}

/// A grey picture as PNG: `rows` of `width` pixels of `depth` bits, 1 or 8, black is zero; each row begins with a byte of
/// its own.
pub(crate) fn png(width: u32, height: u32, depth: u8, rows: &[u8]) -> Vec<u8> {
    let row_bytes = (width as usize * usize::from(depth)).div_ceil(8).max(1);
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    for row in rows.chunks_exact(row_bytes).take(height as usize) {
        packed.write_all(&[0]).expect("memory takes it");
        packed.write_all(row).expect("memory takes it");
    }
    let packed = packed.finish().expect("memory takes it");
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([depth, 0, 0, 0, 0]);
    for (kind, body) in [
        (b"IHDR", &header),
        (b"IDAT", &packed),
        (b"IEND", &Vec::new()),
    ] {
        file.extend((body.len() as u32).to_be_bytes());
        let mut checksum = flate2::Crc::new();
        for part in [&kind[..], body] {
            checksum.update(part);
            file.extend(part);
        }
        file.extend(checksum.sum().to_be_bytes());
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A TIFF of so many pages of two by three pixels.
    fn tiff_of(pages: u32) -> Vec<u8> {
        let mut file = b"II*\0\x08\0\0\0".to_vec();
        for page in 1..=pages {
            file.extend(2u16.to_le_bytes());
            for (tag, value) in [(256u16, 2u32), (257, 3)] {
                file.extend(tag.to_le_bytes());
                file.extend(4u16.to_le_bytes());
                file.extend(1u32.to_le_bytes());
                file.extend(value.to_le_bytes());
            }
            let next = if page == pages {
                0
            } else {
                file.len() as u32 + 4
            };
            file.extend(next.to_le_bytes());
        }
        file
    }

    #[test]
    fn a_picture_is_measured_by_what_it_says() {
        let gif = |images: usize| {
            let image = b"\x2C\0\0\0\0\x05\0\x04\0\0\x02\x01x\0";
            [
                &b"GIF89a\x05\0\x04\0\0\0\0"[..],
                &image.repeat(images),
                b";",
            ]
            .concat()
        };
        let rows = [
            ("png", png(30, 20, 8, &[0; 600]), Some((600, false))),
            ("gif", gif(1), Some((20, false))),
            ("gif that moves", gif(3), Some((20, true))),
            (
                "jpeg",
                b"\xFF\xD8\xFF\xE0\0\x04ab\xFF\xC0\0\x11\x08\0\x0A\0\x14\x03".to_vec(),
                Some((200, false)),
            ),
            (
                "webp",
                b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2F\x09\x40\x02\0".to_vec(),
                Some((100, false)),
            ),
            (
                "webp that moves",
                b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\x02\0\0\0\x09\0\0\x09\0\0\0".to_vec(),
                Some((100, true)),
            ),
            ("tiff", tiff_of(2), Some((6, false))),
            ("cut tiff", tiff_of(2)[..20].to_vec(), None),
            (
                "jpeg 2000",
                [
                    &b"\0\0\0\x0CjP  \r\n\x87\n....ihdr"[..],
                    &[0, 0, 0, 3, 0, 0, 0, 7],
                ]
                .concat(),
                Some((21, false)),
            ),
            ("heic", b"\0\0\0\x18ftypheic".to_vec(), None),
        ];
        for (name, bytes, expected) in rows {
            let found = measure(&bytes, 10).map(|raster| (raster.pixels, raster.more_frames));
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn pages_past_the_bound_are_cut_off() {
        let mut file = tiff_of(5);
        let raster = measure(&file, 3).expect("it is a tiff");
        let link = raster.cut_at.expect("there are more");
        file[link..link + 4].fill(0);
        let cut = measure(&file, 5).expect("it still is");
        assert_eq!((cut.cut_at, cut.pixels), (None, 6));
        assert!(measure(&file, 2).expect("it is a tiff").cut_at.is_some());
        assert_eq!(measure(&tiff_of(3), 3).expect("it is a tiff").cut_at, None);
    }

    #[test]
    fn hostile_pictures_are_measured_in_bounded_time() {
        let mut ring = tiff_of(1);
        let last = ring.len() - 4;
        ring[last..].copy_from_slice(&8u32.to_le_bytes());
        assert!(measure(&ring, 100).is_some_and(|raster| raster.cut_at.is_some()));
        let whole = tiff_of(3);
        for length in 0..whole.len() {
            let _ = measure(&whole[..length], 10);
        }
    }
}
