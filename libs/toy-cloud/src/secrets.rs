use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// `N` bytes from the operating system, for tokens, keys and secrets (never for faults, which repeat under a seed).
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where toy-cloud takes entropy"
)]
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes).expect("an operating system without randomness runs no service");
    bytes
}

pub(crate) fn random_token() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes::<18>())
}

/// Compares without telling by its duration where two secrets differ.
pub(crate) fn same_secret(left: &str, right: &str) -> bool {
    let digest = |text: &str| ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let (left, right) = (digest(left), digest(right));
    let apart = left
        .as_ref()
        .iter()
        .zip(right.as_ref())
        .fold(0, |apart, (a, b)| apart | (a ^ b));
    apart == 0
}
