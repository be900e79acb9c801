use std::fmt;

use ::md5::{Digest, Md5 as Hasher};

/// The MD5 of a file's content: it tells whether a label is current, and proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Md5([u8; 16]);

impl Md5 {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Md5(Hasher::digest(bytes).into())
    }

    /// Of content that is read in parts.
    ///
    /// # Errors
    /// Those of reading.
    pub fn of_reader(mut reader: impl std::io::Read) -> std::io::Result<Self> {
        const PART_BYTES: usize = 64 * 1024;
        let mut hasher = Hasher::new();
        let mut part = vec![0; PART_BYTES];
        loop {
            match reader.read(&mut part)? {
                0 => return Ok(Md5(hasher.finalize().into())),
                read => hasher.update(&part[..read]),
            }
        }
    }

    /// 32 hexadecimal digits of either case.
    pub fn parse(text: &str) -> Option<Self> {
        let mut digest = [0; 16];
        hex::decode_to_slice(text, &mut digest).ok()?;
        Some(Md5(digest))
    }
}

impl fmt::Display for Md5 {
    /// 32 hexadecimal digits of the upper case.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_upper(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_reads_in_either_case_and_is_written_in_the_upper() {
        // RFC 1321, appendix A.5
        let expected = "900150983CD24FB0D6963F7D28E17F72";
        assert_eq!(Md5::of(b"abc").to_string(), expected);
        assert_eq!(Md5::of_reader(&b"abc"[..]).unwrap(), Md5::of(b"abc"));
        assert_eq!(Md5::parse(&expected.to_lowercase()), Some(Md5::of(b"abc")));
        for wrong in [
            "",
            "90015098",
            "900150983CD24FB0D6963F7D28E17F7G",
            &expected.repeat(2),
        ] {
            assert_eq!(Md5::parse(wrong), None, "{wrong}");
        }
    }
}
