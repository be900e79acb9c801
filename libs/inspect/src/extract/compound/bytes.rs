use encoding_rs::{Encoding, UTF_16LE, WINDOWS_1252};

/// Little-endian values read one after the other; `None` where there are no more.
pub(crate) struct Bytes<'b> {
    rest: &'b [u8],
}

impl<'b> Bytes<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The bytes from `at` on.
    pub(crate) fn at(bytes: &'b [u8], at: usize) -> Option<Self> {
        bytes.get(at..).map(Self::new)
    }

    pub(crate) fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let taken = self.rest.get(..length)?;
        self.rest = &self.rest[length..];
        Some(taken)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    pub(crate) fn f64(&mut self) -> Option<f64> {
        Some(f64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    /// The bytes up to a NUL, which is passed over.
    pub(crate) fn until_nul(&mut self) -> Option<&'b [u8]> {
        let end = memchr::memchr(0, self.rest)?;
        let taken = self.take(end)?;
        self.rest = &self.rest[1..];
        Some(taken)
    }

    pub(crate) fn rest(&self) -> &'b [u8] {
        self.rest
    }
}

/// Text of two bytes a unit.
pub(crate) fn utf16(bytes: &[u8]) -> String {
    decode(UTF_16LE, bytes)
}

/// Text of one byte a character.
pub(crate) fn latin(bytes: &[u8]) -> String {
    decode(WINDOWS_1252, bytes)
}

pub(crate) fn decode(encoding: &'static Encoding, bytes: &[u8]) -> String {
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

/// The file in an OLE package, under its name. Source: [MS-OLEDS] 2.3.6 and what the packager writes.
pub(crate) fn package(native: &[u8]) -> Option<(String, &[u8])> {
    let mut reading = Bytes::new(native);
    reading.u16()?;
    let label = latin(reading.until_nul()?);
    let path = latin(reading.until_nul()?);
    reading.u32()?;
    let temporary_bytes = reading.u32()?;
    reading.take(temporary_bytes as usize)?;
    let content_bytes = reading.u32()?;
    let rest = reading.rest();
    let content = &rest[..rest.len().min(content_bytes as usize)];
    Some((if path.is_empty() { label } else { path }, content))
}
