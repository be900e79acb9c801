//! Measures how fast text is scanned: `cargo run --release -p inspect --example scan [BYTES] [ROUNDS] [NAME]`

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::time::Instant;

use inspect::speed;

fn main() {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| given.get(at).and_then(|number| number.parse().ok());
    let (bytes, rounds) = (number(0).unwrap_or(8_000_000), number(1).unwrap_or(3));
    let only = given.get(2).map_or("", String::as_str);
    let start = now();
    println!("{}", speed::HEADER);
    let rounds = u32::try_from(rounds).unwrap_or(3);
    let clock = || start.elapsed();
    let measured = speed::measure(bytes, rounds, only, &clock, |row| {
        println!("{}", speed::line(row));
    });
    let broken = measured.iter().filter(|row| !row.holds()).count();
    println!("{broken} of {} promises broken", measured.len());
}

#[expect(clippy::disallowed_methods, reason = "a benchmark is a clock")]
fn now() -> Instant {
    Instant::now()
}
