//! The metrics of one process: counted, set and timed by the names of the enums, shown to Prometheus.

use prometheus::{
    CounterVec, Encoder, GaugeVec, HistogramOpts, HistogramVec, Opts, Registry, TextEncoder,
};

use crate::names::{Counter, Gauge, Spec, Timing};

/// Upper bounds of the timing histograms, in seconds.
const BUCKETS: [f64; 16] = [
    0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0,
    600.0,
];

/// The metrics of one process.
pub struct Metrics {
    registry: Registry,
    counters: Vec<CounterVec>,
    gauges: Vec<GaugeVec>,
    timings: Vec<HistogramVec>,
}

impl Metrics {
    /// All metrics, at zero.
    pub fn new() -> Self {
        let registry = Registry::new();
        let opts = |spec: Spec| Opts::new(spec.name, spec.help);
        let valid = "names and labels are constants that a test registers";
        let counters = Counter::ALL.iter().map(|counter| {
            let spec = counter.spec();
            let vector = CounterVec::new(opts(spec), spec.labels).expect(valid);
            registry.register(Box::new(vector.clone())).expect(valid);
            vector
        });
        let counters = counters.collect();
        let gauges = Gauge::ALL.iter().map(|gauge| {
            let spec = gauge.spec();
            let vector = GaugeVec::new(opts(spec), spec.labels).expect(valid);
            registry.register(Box::new(vector.clone())).expect(valid);
            vector
        });
        let gauges = gauges.collect();
        let timings = Timing::ALL.iter().map(|timing| {
            let spec = timing.spec();
            let opts = HistogramOpts::new(spec.name, spec.help).buckets(BUCKETS.to_vec());
            let vector = HistogramVec::new(opts, spec.labels).expect(valid);
            registry.register(Box::new(vector.clone())).expect(valid);
            // A timing without labels is shown from the start, at zero.
            if spec.labels.is_empty() {
                vector.with_label_values::<&str>(&[]);
            }
            vector
        });
        let timings = timings.collect();
        Metrics {
            registry,
            counters,
            gauges,
            timings,
        }
    }

    /// Adds to a counter. Label values are given in the order of its [`Spec`].
    pub fn count(&self, counter: Counter, labels: &[&str], by: u64) {
        if let Ok(metric) = self.counters[counter as usize].get_metric_with_label_values(labels) {
            metric.inc_by(by as f64);
        }
    }

    /// Sets a gauge.
    pub fn set(&self, gauge: Gauge, labels: &[&str], value: f64) {
        if let Ok(metric) = self.gauges[gauge as usize].get_metric_with_label_values(labels) {
            metric.set(value);
        }
    }

    /// Forgets a gauge's value for these labels: what it was about is gone.
    pub fn forget(&self, gauge: Gauge, labels: &[&str]) {
        // It may never have been set: then there is nothing to forget.
        let _ = self.gauges[gauge as usize].remove_label_values(labels);
    }

    /// Notes how long something took, in seconds; negative durations (skewed clocks) count as zero.
    pub fn time(&self, timing: Timing, labels: &[&str], seconds: f64) {
        if let Ok(metric) = self.timings[timing as usize].get_metric_with_label_values(labels) {
            metric.observe(seconds.max(0.0));
        }
    }

    /// All metrics in the Prometheus text format.
    pub fn exposition(&self) -> String {
        let mut out = Vec::new();
        TextEncoder::new()
            .encode(&self.registry.gather(), &mut out)
            .expect("writing to memory does not fail");
        String::from_utf8(out).expect("the text format is UTF-8")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_of_the_enums_can_be_written_and_is_shown() {
        let metrics = Metrics::new();
        let values = ["a", "b", "c"];
        for counter in Counter::ALL {
            metrics.count(*counter, &values[..counter.spec().labels.len()], 1);
        }
        for gauge in Gauge::ALL {
            metrics.set(*gauge, &values[..gauge.spec().labels.len()], 2.0);
        }
        for timing in Timing::ALL {
            metrics.time(*timing, &values[..timing.spec().labels.len()], 0.2);
        }
        let shown = metrics.exposition();
        let specs = Counter::ALL.iter().map(|m| m.spec());
        let specs = specs.chain(Gauge::ALL.iter().map(|m| m.spec()));
        for spec in specs.chain(Timing::ALL.iter().map(|m| m.spec())) {
            assert!(
                shown.contains(&format!("# HELP {} {}", spec.name, spec.help)),
                "{}",
                spec.name
            );
            assert!(spec.name.starts_with("tidegate_"));
        }
    }

    #[test]
    fn a_forgotten_gauge_is_not_shown() {
        let metrics = Metrics::new();
        metrics.set(Gauge::FeedLag, &["conn_1"], 3.0);
        metrics.forget(Gauge::FeedLag, &["conn_1"]);
        assert!(!metrics.exposition().contains("conn_1"));
    }
}
