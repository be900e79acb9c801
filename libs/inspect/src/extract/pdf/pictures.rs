//! Pictures that a page shows, as files that readers of pictures know: what is a file already (JPEG, JPEG 2000) is
//! taken as it is, a fax gets the header of a TIFF, and samples become a grey PNG. Masks and what a page paints over
//! a picture are left aside: more is read than is shown, never less.
//!
//! Source: ISO 32000-1, 7.4 (filters) and 8.9 (images).

use lopdf::{Dictionary, Document, Object, Stream};

use super::inflate;
use crate::extract::harvest::Harvest;
use crate::extract::raster;

/// The picture as a file; `None`, with the reason noted, when it cannot be made one.
pub(super) fn file(
    harvest: &mut Harvest<'_>,
    document: &Document,
    stream: &Stream,
) -> Option<Vec<u8>> {
    let image = Image { document, stream };
    let filters = stream.filters().unwrap_or_default();
    match filters.last() {
        Some(&b"DCTDecode" | &b"JPXDecode") => image.before_last(harvest, &filters),
        Some(&b"CCITTFaxDecode") => {
            let fax = image.before_last(harvest, &filters)?;
            let tiff = image.fax(&fax);
            if tiff.is_none() {
                harvest.unsupported("pdf picture: fax");
            }
            tiff
        }
        Some(&b"JBIG2Decode") => {
            harvest.unsupported("pdf picture: jbig2");
            None
        }
        _ => image.samples(harvest),
    }
}

struct Image<'d> {
    document: &'d Document,
    stream: &'d Stream,
}

/// How samples become grey.
enum Colours {
    /// Of so many components, one that grows darker as it grows when `is_ink`.
    Direct { components: usize, is_ink: bool },
    /// A table of grey values.
    Table(Vec<u8>),
}

impl Image<'_> {
    fn value(&self, key: &[u8]) -> Option<&Object> {
        self.stream.dict.get_deref(key, self.document).ok()
    }

    fn number(&self, key: &[u8]) -> Option<u32> {
        u32::try_from(self.value(key)?.as_i64().ok()?).ok()
    }

    /// The content with all filters undone but the last.
    fn before_last(&self, harvest: &mut Harvest<'_>, filters: &[&[u8]]) -> Option<Vec<u8>> {
        let names = |filters: &[&[u8]]| {
            let names = filters.iter().map(|name| Object::Name(name.to_vec()));
            Object::Array(names.collect())
        };
        match filters {
            [] | [_] => Some(self.stream.content.clone()),
            [first @ .., _] => {
                let mut dictionary = Dictionary::from_iter([("Filter", names(first))]);
                if let Some(parameters) = self.value(b"DecodeParms") {
                    dictionary.set("DecodeParms", parameters.clone());
                }
                inflate(
                    harvest,
                    &Stream::new(dictionary, self.stream.content.clone()),
                )
            }
        }
    }

    /// Whether the picture's values are turned around.
    fn is_inverted(&self) -> bool {
        let decode = self
            .value(b"Decode")
            .and_then(|value| value.as_array().ok());
        let end = |index: usize| decode?.get(index)?.as_float().ok();
        matches!((end(0), end(1)), (Some(low), Some(high)) if low > high)
    }

    /// A fax as TIFF: the content as it is, behind a header. Sources: ISO 32000-1, 7.4.6; TIFF 6.0, sections 10 and 11.
    fn fax(&self, content: &[u8]) -> Option<Vec<u8>> {
        let parameters = match self.value(b"DecodeParms") {
            Some(Object::Array(all)) => all
                .last()
                .and_then(|last| self.document.dereference(last).ok())
                .map(|(_, last)| last),
            single => single,
        };
        let parameters = parameters.and_then(|parameters| parameters.as_dict().ok());
        let parameter = |key: &[u8]| parameters?.get_deref(key, self.document).ok();
        let number = |key: &[u8]| parameter(key)?.as_i64().ok();
        let is_set =
            |key: &[u8]| parameter(key).is_some_and(|value| matches!(value, Object::Boolean(true)));
        if is_set(b"EncodedByteAlign") {
            return None;
        }
        let kind = number(b"K").unwrap_or(0);
        let width = u32::try_from(number(b"Columns").unwrap_or(1_728)).ok()?;
        let height = self.number(b"Height")?;
        let (compression, option) = if kind < 0 {
            (4, (293, 0))
        } else {
            (3, (292, u32::from(kind > 0)))
        };
        let photometric = u32::from(is_set(b"BlackIs1") != self.is_inverted());
        let length = u32::try_from(content.len()).ok()?;
        let mut tags = [
            (256, width),
            (257, height),
            (258, 1),
            (259, compression),
            (262, photometric),
            (266, 1),
            (273, 0),
            (277, 1),
            (278, height),
            (279, length),
            option,
        ];
        let content_at = 8 + 2 + 12 * tags.len() as u32 + 4;
        tags[6].1 = content_at;
        let mut file = b"II*\0\x08\0\0\0".to_vec();
        file.extend((tags.len() as u16).to_le_bytes());
        for (tag, value) in tags {
            file.extend((tag as u16).to_le_bytes());
            file.extend(4u16.to_le_bytes());
            file.extend(1u32.to_le_bytes());
            file.extend(value.to_le_bytes());
        }
        file.extend([0; 4]);
        file.extend(content);
        Some(file)
    }

    /// Samples of any usual colour space and depth, as grey.
    fn samples(&self, harvest: &mut Harvest<'_>) -> Option<Vec<u8>> {
        let (width, height) = (self.number(b"Width")?, self.number(b"Height")?);
        let pixels = u64::from(width) * u64::from(height);
        if pixels > harvest.limits.picture_pixels_max {
            harvest.limit("picture_pixels_max");
            return None;
        }
        let is_mask = matches!(self.value(b"ImageMask"), Some(Object::Boolean(true)));
        let bits = if is_mask {
            1
        } else {
            self.number(b"BitsPerComponent").unwrap_or(8) as usize
        };
        let colours = if is_mask {
            Some(Colours::Direct {
                components: 1,
                is_ink: false,
            })
        } else {
            self.value(b"ColorSpace")
                .and_then(|space| self.colours(harvest, space, bits))
        };
        let (Some(colours), 1 | 2 | 4 | 8 | 16) = (colours, bits) else {
            harvest.unsupported("pdf picture: colours");
            return None;
        };
        let content = inflate(harvest, self.stream)?;
        if !harvest.work(pixels) || pixels == 0 {
            return None;
        }
        let grey = grey(
            &content,
            width as usize,
            height as usize,
            bits,
            &colours,
            self.is_inverted(),
        );
        Some(raster::png(width, height, 8, &grey))
    }

    fn colours(&self, harvest: &mut Harvest<'_>, space: &Object, bits: usize) -> Option<Colours> {
        if let Object::Array(parts) = space
            && let Some(b"Indexed" | b"I") =
                self.part(parts, 0).and_then(|name| name.as_name().ok())
        {
            let (components, is_ink) = self.direct(self.part(parts, 1)?)?;
            let table = match self.part(parts, 3)? {
                Object::String(table, _) => table.clone(),
                Object::Stream(stream) => inflate(harvest, stream)?,
                _ => return None,
            };
            let entries = 1usize << bits.min(8);
            let entries = table.chunks_exact(components).take(entries);
            return Some(Colours::Table(
                entries.map(|entry| luma(entry, is_ink)).collect(),
            ));
        }
        let (components, is_ink) = self.direct(space)?;
        Some(Colours::Direct { components, is_ink })
    }

    /// How many components a colour space has that is no table, and whether they are ink.
    fn direct(&self, space: &Object) -> Option<(usize, bool)> {
        let parts = match space {
            Object::Name(name) => return plain(name),
            Object::Array(parts) => parts,
            _ => return None,
        };
        match self.part(parts, 0)?.as_name().ok()? {
            b"ICCBased" => match self
                .part(parts, 1)?
                .as_stream()
                .ok()?
                .dict
                .get(b"N")
                .ok()?
                .as_i64()
                .ok()?
            {
                1 => plain(b"DeviceGray"),
                3 => plain(b"DeviceRGB"),
                4 => plain(b"DeviceCMYK"),
                _ => None,
            },
            b"Separation" => Some((1, true)),
            name => plain(name),
        }
    }

    fn part<'o>(&'o self, parts: &'o [Object], index: usize) -> Option<&'o Object> {
        Some(self.document.dereference(parts.get(index)?).ok()?.1)
    }
}

/// Colour spaces that are a name.
fn plain(name: &[u8]) -> Option<(usize, bool)> {
    match name {
        b"DeviceGray" | b"CalGray" | b"G" => Some((1, false)),
        b"DeviceRGB" | b"CalRGB" | b"RGB" => Some((3, false)),
        b"DeviceCMYK" | b"CMYK" => Some((4, true)),
        _ => None,
    }
}

/// How light a colour is.
fn luma(components: &[u8], is_ink: bool) -> u8 {
    let light = |red: u8, green: u8, blue: u8| {
        ((299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue)) / 1_000) as u8
    };
    match *components {
        [single] if is_ink => 255 - single,
        [single] => single,
        [red, green, blue] => light(red, green, blue),
        [cyan, magenta, yellow, black] => {
            light(255 - cyan, 255 - magenta, 255 - yellow).saturating_sub(black)
        }
        _ => 255,
    }
}

/// One byte a pixel. What the content does not reach to is white.
fn grey(
    content: &[u8],
    width: usize,
    height: usize,
    bits: usize,
    colours: &Colours,
    is_inverted: bool,
) -> Vec<u8> {
    let components = match colours {
        Colours::Direct { components, .. } => *components,
        Colours::Table(_) => 1,
    };
    let row_bytes = (width * components * bits).div_ceil(8);
    let mut grey = Vec::with_capacity(width * height);
    let rows = content.chunks_exact(row_bytes.max(1)).take(height);
    for row in rows {
        let sample = |index: usize| match bits {
            8 => row[index],
            16 => row[index * 2],
            bits => row[index * bits / 8] >> (8 - bits - index * bits % 8) & ((1 << bits) - 1),
        };
        let full = if bits >= 8 { 255 } else { (1u8 << bits) - 1 };
        for pixel in 0..width {
            let value = match colours {
                Colours::Table(table) => table
                    .get(usize::from(sample(pixel)))
                    .copied()
                    .unwrap_or(255),
                Colours::Direct { is_ink, .. } => {
                    let mut values = [0; 4];
                    for (index, value) in values.iter_mut().take(components).enumerate() {
                        let scaled =
                            u32::from(sample(pixel * components + index)) * 255 / u32::from(full);
                        *value = scaled as u8;
                    }
                    luma(&values[..components], *is_ink)
                }
            };
            grey.push(if is_inverted { 255 - value } else { value });
        }
    }
    grey.resize(width * height, 255);
    grey
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the samples are | bits of one | content => grey
    const ROWS: &str = "\
        gray | 1 | A0 => FF 00 FF 00
        gray turned | 1 | A0 => 00 FF 00 FF
        gray | 2 | 1B => 00 55 AA FF
        gray | 8 | 07 09 => 07 09
        gray | 16 | FF 01 00 09 => FF 00
        ink | 8 | 00 FF => FF 00
        red-green-blue | 8 | FF FF FF 00 00 00 => FF 00
        cyan-to-black | 8 | 00 00 00 00 00 00 00 FF => FF 00
        table | 1 | 60 => 07 09 09
        table | 8 | 02 => FF
        gray | 8 | => FF FF";

    fn bytes(text: &str) -> Vec<u8> {
        let bytes = text.split_whitespace();
        let bytes = bytes.map(|byte| u8::from_str_radix(byte, 16).expect("it is a byte"));
        bytes.collect()
    }

    #[test]
    fn samples_of_every_depth_and_colour_become_grey() {
        for row in ROWS.lines() {
            let (given, expected) = row.split_once("=>").expect("it has both");
            let [what, bits, content] = given.split('|').collect::<Vec<_>>()[..] else {
                panic!("{row}");
            };
            let (expected, bits) = (bytes(expected), bits.trim().parse().expect("a number"));
            let direct = |components, is_ink| Colours::Direct { components, is_ink };
            let colours = match what.split_whitespace().next() {
                Some("ink") => direct(1, true),
                Some("red-green-blue") => direct(3, false),
                Some("cyan-to-black") => direct(4, true),
                Some("table") => Colours::Table(vec![7, 9]),
                _ => direct(1, false),
            };
            let (width, turned) = (expected.len(), what.contains("turned"));
            let found = grey(&bytes(content), width, 1, bits, &colours, turned);
            assert_eq!(found, expected, "{row}");
        }
    }
}
