//! How fast all detectors together read text of several kinds, beside `memchr` on the same bytes.
//!
//! `cargo run --release -p inspect --example scan`

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use inspect::DetectorSet;

const TEXT_BYTES: usize = 8 << 20;
const ROUNDS: usize = 3;

fn main() {
    let kinds = kinds();
    let memchr = best_of(|| {
        black_box(memchr::memchr_iter(b'@', kinds[0].1.as_bytes()).count());
    });
    println!("memchr on prose: {:.0} MB/s", megabytes_per_second(memchr));
    for (name, text) in kinds {
        let took = best_of(|| {
            black_box(DetectorSet::built_in().scan_text(&text));
        });
        let findings = DetectorSet::built_in().scan_text(&text);
        println!(
            "{name:<20} {:>6.0} MB/s, 1/{:.0} of memchr, {} findings{}",
            megabytes_per_second(took),
            took.as_secs_f64() / memchr.as_secs_f64(),
            findings.iter().count(),
            if findings.truncated() {
                ", stopped early"
            } else {
                ""
            },
        );
    }
}

fn kinds() -> Vec<(&'static str, String)> {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let words = [
        "the", "harbour", "gate", "opens", "with", "a", "tide", "that", "nobody", "expected",
        "before", "noon", "and", "every", "boat", "waits,", "as", "boats", "do.", "In", "2024",
        "section", "3", "we", "Account", "token", "password", "call",
    ];
    let mut alphabet = |letters: &'static [u8]| {
        fill(|text| text.push(char::from(letters[random.below(letters.len())])))
    };
    let hex = alphabet(b"0123456789abcdef");
    let base64 = alphabet(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    let digits = alphabet(b"0123456789");
    let prose = fill(|text| {
        text.push_str(words[random.below(words.len())]);
        text.push(' ');
    });
    let numbers = fill(|text| {
        text.push_str(&random.below(1_000_000_000_000).to_string());
        text.push(if random.below(8) == 0 { '\n' } else { ',' });
    });
    let repeated = |unit: &str| unit.repeat(TEXT_BYTES / unit.len());
    vec![
        ("prose", prose),
        ("hex", hex),
        ("base64", base64),
        ("digits", digits),
        ("numeric CSV", numbers),
        ("eyJ", repeated("eyJ")),
        ("1234 ", repeated("1234 ")),
        ("one card", repeated("4539578763621486 ")),
        ("1.", repeated("1.")),
        ("password=", repeated("password=")),
        ("SSN with context", repeated("ssn 536-22-8145 ")),
    ]
}

fn fill(mut more: impl FnMut(&mut String)) -> String {
    let mut text = String::with_capacity(TEXT_BYTES + 32);
    while text.len() < TEXT_BYTES {
        more(&mut text);
    }
    text
}

/// Xorshift: the same texts in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

fn best_of(mut run: impl FnMut()) -> Duration {
    (0..ROUNDS)
        .map(|_| timed(&mut run))
        .min()
        .unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "a benchmark is a clock")]
fn timed(run: &mut impl FnMut()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

fn megabytes_per_second(took: Duration) -> f64 {
    TEXT_BYTES as f64 / 1e6 / took.as_secs_f64()
}
