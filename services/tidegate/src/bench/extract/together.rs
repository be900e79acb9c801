//! Many documents of many sizes at a time, inspected as the evaluator has them inspected.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::StreamExt;
use ports::{Clock, SystemClock};

use super::documents::Format;
use crate::bench::child::peak_mib;
use crate::bench::report::Report;
use crate::config::Inspection;
use crate::wiring::Inspecting;

/// Contents that the evaluator has in memory at a time.
const AT_ONCE_MAX: usize = 12;
/// Sizes of the documents, in bytes of text: each as often as the others.
const SIZES: [usize; 8] = [
    1 << 10,
    4 << 10,
    16 << 10,
    64 << 10,
    256 << 10,
    1 << 20,
    8 << 20,
    50_000_000,
];
/// What is asked for of the large sizes is asked for this often less.
const LARGE_FROM: usize = 1 << 20;
const LARGE_EVERY: usize = 16;

pub(super) async fn run(
    report: &mut Report,
    documents: usize,
    settings: &Inspection,
) -> anyhow::Result<()> {
    let inspecting = Inspecting::new(settings);
    if let Some(isolation) = inspecting.isolation().await? {
        report.line(&format!("\n{} workers: {isolation}", settings.workers));
    }
    let clock = SystemClock::new();
    let (bytes, blind) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let began = clock.monotonic();
    let mut outcomes = futures::stream::iter(0..documents)
        .map(|index| {
            let (inspecting, bytes, blind) =
                (inspecting.clone(), Arc::clone(&bytes), Arc::clone(&blind));
            async move {
                let (format, size) = nth(index);
                let document = tokio::task::spawn_blocking(move || format.document(size)).await??;
                bytes.fetch_add(document.len() as u64, Ordering::Relaxed);
                let name = Some(format!("document.{}", format.ending()));
                let inspection = inspecting.inspector.inspect(document.into(), name).await?;
                blind.fetch_add(u64::from(!inspection.coverage.is_full()), Ordering::Relaxed);
                anyhow::Ok(())
            }
        })
        .buffer_unordered(AT_ONCE_MAX);
    while let Some(outcome) = outcomes.next().await {
        outcome?;
    }
    let workers = inspecting.idle_processes();
    let workers = workers.into_iter().map(|id| peak_mib(&id.to_string()));
    let worker = workers.filter_map(Result::ok).fold(0.0, f64::max);
    let bound = bound_mib(settings);
    let took = clock.monotonic().saturating_sub(began).as_secs_f64();
    let megabytes = bytes.load(Ordering::Relaxed) as f64 / 1e6;
    report.line(&format!(
        "{documents} documents of 1 KB to 50 MB, {AT_ONCE_MAX} at a time: {megabytes:.0} MB in {took:.1} s, {:.0} MB/s, {} not read in full; this process {:.0} MiB at most, a worker {worker:.0} MiB. The bound of all: {bound:.0} MiB",
        megabytes / took,
        blind.load(Ordering::Relaxed),
        peak_mib("self")?,
    ));
    Ok(())
}

/// What inspecting may take in all, whatever is inspected: the contents in memory,
/// and the workers' address space.
fn bound_mib(settings: &Inspection) -> f64 {
    const CONTENT_MIB: u64 = 64;
    let contents = AT_ONCE_MAX as u64 * CONTENT_MIB;
    (contents + settings.workers as u64 * settings.memory_mb) as f64
}

fn nth(index: usize) -> (Format, usize) {
    let format = Format::ALL[index % Format::ALL.len()];
    let size = SIZES[index / Format::ALL.len() % SIZES.len()];
    let is_left_out = size >= LARGE_FROM && !index.is_multiple_of(LARGE_EVERY);
    (format, if is_left_out { SIZES[index % 5] } else { size })
}
