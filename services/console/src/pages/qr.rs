//! A QR code as a path of SVG: made here, so that the secret in it goes to nobody else.

use std::fmt::Write;

use qrcodegen::{QrCode, QrCodeEcc};

/// Light modules around the code, as the standard wants.
const BORDER: i32 = 4;

/// A code to be drawn: its width and height in modules, and the dark ones.
pub(super) struct Qr {
    pub(super) size: i32,
    pub(super) path: String,
}

/// The code of a text; absent when the text is longer than codes can be.
pub(super) fn qr(text: &str) -> Option<Qr> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            write!(path, "M{} {}h1v1h-1z", x + BORDER, y + BORDER).ok()?;
        }
    }
    let size = code.size() + 2 * BORDER;
    Some(Qr { size, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_three_corners_and_a_border() {
        let qr = qr("otpauth://totp/Tidegate:ada?secret=ABC").unwrap();
        let last = qr.size - BORDER - 1;
        for (x, y) in [(BORDER, BORDER), (last, BORDER), (BORDER, last)] {
            assert!(qr.path.contains(&format!("M{x} {y}h1v1h-1z")), "{x} {y}");
        }
        assert!(!qr.path.contains("M0 0"));
        assert!(super::qr(&"x".repeat(10_000)).is_none());
    }
}
