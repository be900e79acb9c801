//! The second factor: codes of a shared secret and the time (RFC 6238, SHA-1, six digits, 30 seconds), and
//! codes to recover by. No code is taken twice.

use chrono::{DateTime, Utc};
use event_model::Secret;
use ports::{Entropy, SecondFactor};
use ring::hmac;

use super::fingerprint;

/// Seconds of a step.
const STEP_S: u64 = 30;
/// Steps before and after now of which a code is taken: clocks differ, and people are slow.
const STEPS_OFF: u64 = 1;
/// Bytes of a shared secret. Source: RFC 4226, section 4.
const SECRET_BYTES: usize = 20;
/// Codes to recover by that are given out at a time.
const RECOVERY_CODES: usize = 10;
/// Bytes of chance in one of them.
const RECOVERY_BYTES: usize = 10;
/// RFC 4648, which authenticator apps read.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A fresh shared secret.
pub(crate) fn new_secret(entropy: &dyn Entropy) -> Secret<Vec<u8>> {
    let mut bytes = vec![0; SECRET_BYTES];
    entropy.fill(&mut bytes);
    Secret::new(bytes)
}

/// Fresh codes to recover by, as they are shown once.
pub(crate) fn new_recovery(entropy: &dyn Entropy) -> Vec<Secret<String>> {
    let code = |_| {
        let mut bytes = [0; RECOVERY_BYTES];
        entropy.fill(&mut bytes);
        let text = base32(&bytes).to_lowercase();
        Secret::new(format!("{}-{}", &text[..8], &text[8..]))
    };
    (0..RECOVERY_CODES).map(code).collect()
}

/// What is kept of codes to recover by.
pub(crate) fn hashes(codes: &[Secret<String>]) -> Vec<String> {
    codes.iter().map(|code| hash(code.expose())).collect()
}

fn hash(code: &str) -> String {
    let letters = code.chars().filter(char::is_ascii_alphanumeric);
    let plain: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
    hex::encode(fingerprint(&plain))
}

/// What an authenticator app is told: by a QR code, or typed.
pub(crate) fn address(name: &str, secret: &Secret<Vec<u8>>) -> String {
    let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    let secret = base32(secret.expose());
    format!("otpauth://totp/Tidegate:{name}?secret={secret}&issuer=Tidegate&digits=6&period=30")
}

/// The step of which it is the code, if it is one, and newer than what was taken before.
pub(crate) fn step_of(
    secret: &Secret<Vec<u8>>,
    given: &str,
    taken: u64,
    now: DateTime<Utc>,
) -> Option<u64> {
    let given: String = given
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .collect();
    let now = now.timestamp().max(0) as u64 / STEP_S;
    let steps = now.saturating_sub(STEPS_OFF)..=now + STEPS_OFF;
    // Every step is looked at, so that the time taken does not tell which.
    let matching = steps.filter(|step| {
        // Digests are compared: their bytes say nothing of the code.
        fingerprint(&code_of(secret.expose(), *step)) == fingerprint(&given)
    });
    matching.filter(|step| *step > taken).max()
}

/// Takes a code, of the app or to recover by. Gives what is left, or nothing when it is no code.
pub(crate) fn take(factor: &SecondFactor, given: &str, now: DateTime<Utc>) -> Option<SecondFactor> {
    if let Some(step) = step_of(&factor.secret, given, factor.step, now) {
        return Some(SecondFactor {
            step,
            ..factor.clone()
        });
    }
    let hash = hash(given);
    let left: Vec<String> = factor
        .recovery
        .iter()
        .filter(|kept| **kept != hash)
        .cloned()
        .collect();
    (left.len() < factor.recovery.len()).then(|| SecondFactor {
        recovery: left,
        ..factor.clone()
    })
}

/// RFC 4226, section 5.3.
fn code_of(secret: &[u8], step: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let from = usize::from(bytes[19] & 15);
    let four: [u8; 4] = bytes[from..from + 4].try_into().expect("four bytes");
    format!(
        "{:06}",
        (u32::from_be_bytes(four) & 0x7FFF_FFFF) % 1_000_000
    )
}

/// Without padding: what is encoded here fills its letters.
pub(crate) fn base32(bytes: &[u8]) -> String {
    let (mut text, mut held, mut bits) = (String::new(), 0u32, 0);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(BASE32[(held >> bits) as usize & 31]));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(char::from(BASE32[(held << (5 - bits)) as usize & 31]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use ports::SeededEntropy;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn factor() -> SecondFactor {
        SecondFactor {
            secret: Secret::new(b"12345678901234567890".to_vec()),
            step: 0,
            recovery: Vec::new(),
        }
    }

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, SHA-1, the last six of eight digits.
        for (time, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert!(take(&factor(), code, at(time)).is_some(), "{time}");
            assert!(
                take(&factor(), code, at(time + 30)).is_some(),
                "a slow hand"
            );
            assert!(take(&factor(), code, at(time + 90)).is_none(), "too late");
        }
        assert_eq!(base32(b"foobar"), "MZXW6YTBOI");
    }

    #[test]
    fn no_code_is_taken_twice() {
        let left = take(&factor(), "287 082", at(59)).unwrap();
        assert_eq!(left.step, 1);
        assert!(take(&left, "287082", at(59)).is_none());
        assert!(take(&left, "287082", at(61)).is_none());
        assert!(take(&factor(), "", at(59)).is_none());
    }

    #[test]
    fn a_code_to_recover_by_is_taken_once_however_it_is_written() {
        let codes = new_recovery(&SeededEntropy::new(1));
        let with = SecondFactor {
            recovery: hashes(&codes),
            ..factor()
        };
        let shouted = codes[3].expose().to_uppercase().replace('-', " ");
        let left = take(&with, &shouted, at(0)).unwrap();
        assert_eq!(left.recovery.len(), RECOVERY_CODES - 1);
        assert!(take(&left, &shouted, at(0)).is_none());
        assert!(take(&left, codes[4].expose(), at(0)).is_some());
    }
}
