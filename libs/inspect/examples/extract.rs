//! What is read out of files, and how fast: `cargo run --release -p inspect --example extract -- FILE...`;
//! with `--text` the text itself, place by place.

#![expect(clippy::print_stdout, reason = "a measurement prints what it measured")]

use std::time::{Duration, Instant};

use inspect::{Extraction, Limits};

const ROUNDS: usize = 3;

fn main() {
    let mut names: Vec<String> = std::env::args().skip(1).collect();
    let with_text = names.first().is_some_and(|first| first == "--text");
    names.drain(..usize::from(with_text));
    for name in names {
        match std::fs::read(&name) {
            Ok(bytes) => show(&name, &bytes, with_text),
            Err(error) => println!("{name}: {error}"),
        }
    }
}

fn show(name: &str, bytes: &[u8], with_text: bool) {
    let (extraction, took) = best_of(|| inspect::extract(bytes, Some(name), &Limits::default()));
    let rate = |bytes: usize| bytes as f64 / 1e6 / took.as_secs_f64();
    println!(
        "{name}: {} {:?}, {} bytes of text; {:.0} MB/s of the file, {:.0} MB/s of text; peak {} MiB",
        extraction.kind,
        extraction.coverage,
        extraction.text_bytes(),
        rate(bytes.len()),
        rate(extraction.text_bytes()),
        peak_mib(),
    );
    if with_text {
        for segment in &extraction.text {
            println!("--- {}\n{}", segment.place, segment.text);
        }
        for (name, value) in &extraction.metadata {
            println!("--- metadata {name}: {value}");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a measurement is a clock")]
fn best_of(run: impl Fn() -> Extraction) -> (Extraction, Duration) {
    let timed = || {
        let start = Instant::now();
        let extraction = run();
        (extraction, start.elapsed())
    };
    (1..ROUNDS).fold(timed(), |best, _| {
        let next = timed();
        if next.1 < best.1 { next } else { best }
    })
}

/// The most memory that this process has had resident.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1_024
}
