//! Does one stage of mapping so often, so that its instructions can be counted where time is too noisy:
//! `valgrind --tool=callgrind target/release/examples/map_work toy-cloud mapped 2000`, and once more
//! with 1000; the difference is the work of 1000 events.

use std::hint::black_box;
use std::io::Write;
use std::path::Path;

use chrono::DateTime;
use connector_kit::{Folder, speed};
use event_model::RawEvent;
use serde_json::Value;
use serde_json::value::RawValue;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [id, stage, rounds] = &given[..] else {
        return Err("give a connector, a stage (value, parsed or mapped) and a number".into());
    };
    let folder = Folder::at(&Path::new("connectors").join(id));
    let connector = folder.connector()?;
    let mapper = connector.mapper(&connector.sample_connection());
    let samples = folder.samples()?.into_iter();
    let nearest = samples.min_by_key(|(_, text)| text.trim().len().abs_diff(speed::TYPICAL_BYTES));
    let (name, text) = nearest.ok_or("the connector has no samples")?;
    let event = RawEvent {
        json: RawValue::from_string(text)?.into(),
    };
    let at = DateTime::UNIX_EPOCH;
    let work: Box<dyn Fn()> = match stage.as_str() {
        "value" => Box::new(|| drop(black_box(serde_json::from_str::<Value>(event.json.get())))),
        "parsed" => Box::new(|| drop(black_box(mapper.parse(&event)))),
        "mapped" => Box::new(|| drop(black_box(mapper.map(&event, at)))),
        _ => return Err("there are the stages value, parsed and mapped".into()),
    };
    (0..rounds.parse::<u64>()?).for_each(|_| work());
    let bytes = event.json.get().len();
    writeln!(std::io::stdout(), "{id}/{name} {bytes} bytes {stage}")?;
    Ok(())
}
