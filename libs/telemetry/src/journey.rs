//! One trace from a delivery to its effect, across processes.
//!
//! A journey begins where an activity is appended to the log; its `traceparent` travels in the
//! record and in the incident, and each later stage is a child of it, whatever process it runs in.
//! Stages are spans of the target [`TARGET`]: only they leave for the collector.

use std::collections::HashMap;
use std::sync::OnceLock;

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Target of every stage's span.
pub const TARGET: &str = "journey";
/// The header's name. Source: W3C Trace Context, section 3.2.
const TRACEPARENT: &str = "traceparent";

/// Of how many journeys in 2^32 the stages are sent; absent while no collector is.
static CHOSEN_OF_2_32: OnceLock<u64> = OnceLock::new();

/// From now on journeys are traced; once in a process.
pub(crate) fn trace(ratio: f64) {
    let chosen = (ratio.clamp(0.0, 1.0) * 4_294_967_296.0) as u64;
    // A second call would come from a second subscriber, which cannot be.
    let _ = CHOSEN_OF_2_32.set(chosen);
}

/// A stage of a journey: a span of the target [`TARGET`].
#[macro_export]
macro_rules! stage {
    ($($rest:tt)*) => { $crate::tracing::info_span!(target: $crate::journey::TARGET, $($rest)*) };
}

/// Begins a journey, if chance chooses it: the first stage, and the `traceparent` that it gives.
pub fn begin(chance: u128, first: impl FnOnce() -> Span) -> Option<(Span, String)> {
    let chosen = CHOSEN_OF_2_32.get()?;
    if u64::from(chance as u32) >= *chosen {
        return None;
    }
    let span = first();
    let traceparent = traceparent(&span)?;
    Some((span, traceparent))
}

/// Makes the span a part of the journey that the `traceparent` names. A journey that is not traced
/// leaves it as it is.
pub fn follow(span: Span, traceparent: Option<&str>) -> Span {
    if let (Some(_), Some(traceparent)) = (CHOSEN_OF_2_32.get(), traceparent) {
        let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
        let context = TraceContextPropagator::new().extract(&carrier);
        // A span that has begun already keeps its parent: it was made for this one.
        let _ = span.set_parent(context);
    }
    span
}

/// The `traceparent` by which a later stage follows this one; none when it is not traced.
pub fn traceparent(span: &Span) -> Option<String> {
    CHOSEN_OF_2_32.get()?;
    let context = span.context();
    if !context.span().span_context().is_valid() {
        return None;
    }
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&context, &mut carrier);
    carrier.remove(TRACEPARENT)
}
