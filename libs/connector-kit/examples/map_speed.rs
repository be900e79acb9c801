//! Prints how long mapping takes, with the binary's allocator: `cargo run --release -p connector-kit --example map_speed`.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use connector_kit::{Folder, speed};
use ports::SystemClock;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "connectors".to_owned());
    let (clock, mut measured) = (SystemClock::new(), Vec::new());
    for folder in Folder::all_at(&PathBuf::from(root))? {
        measured.extend(speed::measure(&folder, &clock, Duration::from_millis(200))?);
    }
    write!(std::io::stdout(), "{}", speed::table(&measured))?;
    Ok(())
}
