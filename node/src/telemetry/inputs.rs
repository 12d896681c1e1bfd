//! What a condition over tags may look at: the value of any tag of the site, its unit, how far it can be trusted, and how old it is.
//!
//! Tags of the segment that is driven here come right from its buses; others come from their owners, by the relay, after their deadbands: an
//! unchanged value of theirs may be a second old.
//!
//! It knows nothing of what the conditions are for.

use super::fresh::Fresh;
use super::latest::Latest;
use super::readings::{Readings, stale_after};
use crate::clock;
use crate::peers::Peers;
use labkeeper_expression::{Input, Inputs};
use labkeeper_model::{BadReason, Quality, Sample, TagPath, UncertainReason};
use labkeeper_raft::Cluster;
use std::sync::Arc;
use std::time::Duration;

/// Everything that conditions can be evaluated over, seen from the owner of one segment. Cheap to clone.
#[derive(Clone)]
pub struct TagInputs {
    cluster: Cluster,
    latest: Arc<Latest>,
    peers: Arc<Peers>,
    fresh: Arc<Fresh>,
}

impl TagInputs {
    /// The inputs of the owner whose buses put their readings into `fresh`.
    #[must_use]
    pub const fn new(cluster: Cluster, latest: Arc<Latest>, peers: Arc<Peers>, fresh: Arc<Fresh>) -> Self {
        Self { cluster, latest, peers, fresh }
    }
}

impl Inputs for TagInputs {
    /// With the quality that it is worth at present.
    fn input(&self, tag: &TagPath) -> Option<Input> {
        self.cluster.read(|machine| {
            let (device, spec) = machine.site().tag(tag)?;
            let (sample, age) = if let Some(fresh) = self.fresh.tag(tag) {
                let reading = fresh.lock().clone();
                let age = reading.as_ref().map_or(Duration::MAX, |reading| clock::boot().saturating_since(reading.at));
                (judge(reading.map(|reading| reading.sample), age, device.poll), age)
            } else {
                let (now, is_heard) = (clock::now(), |node| self.peers.is_heard(node));
                let sample = Readings { machine, latest: &self.latest, is_heard: &is_heard, now }.sample(tag, device);
                let age = if sample.value.is_some() { now.saturating_since(sample.time) } else { Duration::MAX };
                (sample, age)
            };
            Some(Input { value: sample.value, unit: spec.unit.clone(), quality: sample.quality, age })
        })
    }
}

/// A reading of this node's own, of this age.
fn judge(sample: Option<Sample>, age: Duration, poll: Duration) -> Sample {
    let never = || Sample { time: clock::now(), value: None, quality: Quality::Bad(BadReason::NotYetRead) };
    let sample = sample.unwrap_or_else(never);
    match sample.quality {
        Quality::Good if age > stale_after(poll) => Sample { quality: Quality::Uncertain(UncertainReason::Stale), ..sample },
        _ => sample,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use labkeeper_model::{Timestamp, Value};

    const POLL: Duration = Duration::from_millis(500);

    #[test]
    fn a_reading_is_good_while_it_is_fresh() {
        let good = Sample { time: Timestamp(0), value: Some(Value::I64(7)), quality: Quality::Good };
        let quality = |sample, age_ms| judge(sample, Duration::from_millis(age_ms), POLL).quality;
        assert_eq!(quality(Some(good.clone()), 2_000), Quality::Good);
        assert_eq!(quality(Some(good.clone()), 2_001), Quality::Uncertain(UncertainReason::Stale));
        let bad = Sample { quality: Quality::Bad(BadReason::Timeout), ..good };
        assert_eq!(quality(Some(bad), 60_000), Quality::Bad(BadReason::Timeout));
        assert_eq!(quality(None, 0), Quality::Bad(BadReason::NotYetRead));
    }
}
