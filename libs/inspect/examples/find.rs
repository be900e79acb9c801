//! What is found in texts, one a line as JSON strings: `cargo run --release -p inspect --example find < TEXTS`.
//! Each answer is a line of JSON, `[[detector, group, confidence], …]`, and the last one the seconds that it took.

#![expect(clippy::print_stdout, reason = "a measurement prints what it measured")]

use std::io::Read;
use std::time::Instant;

use inspect::DetectorSet;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut given = String::new();
    std::io::stdin().read_to_string(&mut given)?;
    let texts: Result<Vec<String>, _> = given.lines().map(serde_json::from_str).collect();
    let texts = texts?;
    let set = DetectorSet::built_in();
    let start = now();
    let found: Vec<_> = texts.iter().map(|text| set.scan_text(text)).collect();
    let took = start.elapsed();
    for findings in &found {
        let rows: Vec<_> = findings
            .iter()
            .map(|one| (&one.detector, &one.group, one.confidence.word()))
            .collect();
        println!("{}", serde_json::to_string(&rows)?);
    }
    println!("{}", took.as_secs_f64());
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a measurement is a clock")]
fn now() -> Instant {
    Instant::now()
}
