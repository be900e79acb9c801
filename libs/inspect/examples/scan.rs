//! Measures how fast text is scanned: `cargo run --release -p inspect --example scan [BYTES] [ROUNDS] [NAME]`
//!
//! It counts time on the processor where the system tells it, so that other work hardly matters.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::time::{Duration, Instant};

use inspect::speed;

fn main() {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| given.get(at).and_then(|number| number.parse().ok());
    let (bytes, rounds) = (number(0).unwrap_or(8_000_000), number(1).unwrap_or(3));
    let only = given.get(2).map_or("", String::as_str);
    let start = now();
    println!("{}", speed::HEADER);
    let rounds = u32::try_from(rounds).unwrap_or(3);
    let clock = || on_processor().unwrap_or_else(|| start.elapsed());
    let measured = speed::measure(bytes, rounds, only, &clock, |row| {
        println!("{}", speed::line(row));
    });
    let broken = measured.iter().filter(|row| !row.holds()).count();
    println!("{broken} of {} promises broken", measured.len());
}

/// How long this thread has run, as Linux tells it.
fn on_processor() -> Option<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds = told.split(' ').next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

#[expect(clippy::disallowed_methods, reason = "a benchmark is a clock")]
fn now() -> Instant {
    Instant::now()
}
