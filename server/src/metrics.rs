//! What the relay counts, for Prometheus. Codes and numbers only.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, LabelSetEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// A label `code`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Code(pub String);

impl EncodeLabelSet for Code {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), std::fmt::Error> {
        EncodeLabelSet::encode(&[("code", self.0.as_str())], encoder)
    }
}

/// All counters and gauges.
pub struct Metrics {
    registry: Registry,
    /// Envelopes pushed, by verdict.
    pub pushes: Family<Code, Counter>,
    /// Envelopes refused without being kept, by reason.
    pub refusals: Family<Code, Counter>,
    /// Requests answered with a problem, by its code.
    pub problems: Family<Code, Counter>,
    /// Feed entries served.
    pub entries: Counter,
    /// Envelopes given a place in a feed.
    pub fed: Counter,
    /// Envelopes kept out of the feeds, by state.
    pub quarantine: Family<Code, Gauge>,
    /// Seconds between arrival and decision of the last envelope decided on; 0 when none waits.
    pub merge_lag: Gauge<f64, AtomicU64>,
    /// Requests that wait for news.
    pub long_polls: Gauge,
    /// Seconds a sync took inside the relay.
    pub sync_seconds: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("sopu");
        let metrics = Self {
            pushes: Family::default(),
            refusals: Family::default(),
            problems: Family::default(),
            entries: Counter::default(),
            fed: Counter::default(),
            quarantine: Family::default(),
            merge_lag: Gauge::default(),
            long_polls: Gauge::default(),
            sync_seconds: Histogram::new(exponential_buckets(0.001, 2.0, 14)),
            registry: Registry::default(),
        };
        registry.register(
            "pushes",
            "Envelopes pushed, by verdict",
            metrics.pushes.clone(),
        );
        registry.register(
            "refusals",
            "Envelopes refused without being kept",
            metrics.refusals.clone(),
        );
        registry.register(
            "problems",
            "Requests answered with a problem",
            metrics.problems.clone(),
        );
        registry.register("entries", "Feed entries served", metrics.entries.clone());
        registry.register(
            "fed",
            "Envelopes given a place in a feed",
            metrics.fed.clone(),
        );
        registry.register(
            "quarantine",
            "Envelopes kept out of the feeds",
            metrics.quarantine.clone(),
        );
        registry.register(
            "merge_lag_seconds",
            "Age of the last envelope decided on",
            metrics.merge_lag.clone(),
        );
        registry.register(
            "long_polls",
            "Requests that wait for news",
            metrics.long_polls.clone(),
        );
        registry.register(
            "sync_seconds",
            "Time a sync took",
            metrics.sync_seconds.clone(),
        );
        Self {
            registry,
            ..metrics
        }
    }
}

impl Metrics {
    /// One more of this code.
    pub fn count(family: &Family<Code, Counter>, code: &str) {
        family.get_or_create(&Code(code.to_owned())).inc();
    }

    /// The text Prometheus reads (OpenMetrics).
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a String does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_in_the_text() {
        let metrics = Metrics::default();
        Metrics::count(&metrics.refusals, "bad_cbor");
        metrics.merge_lag.set(1.5);
        let text = metrics.text();
        assert!(
            text.contains("sopu_refusals_total{code=\"bad_cbor\"} 1"),
            "{text}"
        );
        assert!(text.contains("sopu_merge_lag_seconds 1.5"), "{text}");
    }
}
