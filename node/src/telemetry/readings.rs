//! What a tag's latest sample is worth: a pure judgement from who owns the segment, who measured, who answers, and age.
//!
//! An old value is never shown as if it were live, and a value without an owner is never shown as good.

use super::latest::{Latest, Measured};
use crate::api::{ramp, wire};
use labkeeper_machine::Machine;
use labkeeper_model::site::{DeviceSpec, TagSpec};
use labkeeper_model::{BadReason, NodeId, Quality, Sample, TagPath, Timestamp, UncertainReason};
use labkeeper_proto::v1;
use std::time::Duration;

/// What is known about the other end of a tag.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// Who owns the segment.
    pub owner: Option<NodeId>,
    /// Whether the owner has been heard of lately (always true for this node itself).
    pub owner_is_heard: bool,
    /// Whether the owner leaves the device alone.
    pub is_quarantined: bool,
    /// How often the tag is polled.
    pub poll: Duration,
    /// The time.
    pub now: Timestamp,
}

/// The age from which a good value counts as stale: three missed polls, but at least two seconds, twice the longest silence of
/// the deadband.
#[must_use]
pub fn stale_after(poll: Duration) -> Duration {
    (poll * 3).max(Duration::from_secs(2))
}

/// The sample as it should be shown.
#[must_use]
pub fn judge(measured: Option<Measured>, at: Circumstances) -> Sample {
    let Some(owner) = at.owner else { return spoilt(measured, BadReason::NotOwned, at.now) };
    if !at.owner_is_heard {
        return spoilt(measured, BadReason::OwnerUnreachable, at.now);
    }
    if at.is_quarantined {
        return spoilt(measured, BadReason::Quarantined, at.now);
    }
    match measured {
        Some(Measured { origin, sample }) if origin == owner => {
            let is_old = at.now.saturating_since(sample.time) > stale_after(at.poll);
            match sample.quality {
                Quality::Good if is_old => Sample { quality: Quality::Uncertain(UncertainReason::Stale), ..sample },
                _ => sample,
            }
        }
        other => spoilt(other, BadReason::NotYetRead, at.now),
    }
}

/// The last value, marked as bad.
fn spoilt(measured: Option<Measured>, reason: BadReason, now: Timestamp) -> Sample {
    let (time, value) = measured.map_or((now, None), |m| (m.sample.time, m.sample.value));
    Sample { time, value, quality: Quality::Bad(reason) }
}

/// Everything that readings are made from.
pub struct Readings<'a> {
    /// The replicated state.
    pub machine: &'a Machine,
    /// The samples.
    pub latest: &'a Latest,
    /// Whether a node has been heard of lately.
    pub is_heard: &'a dyn Fn(NodeId) -> bool,
    /// The time.
    pub now: Timestamp,
}

impl Readings<'_> {
    /// A tag's latest sample as it should be shown.
    #[must_use]
    pub fn sample(&self, path: &TagPath, device: &DeviceSpec) -> Sample {
        let owner = self.machine.ownership(path.segment()).owner;
        let owner_is_heard = owner.is_some_and(|id| (self.is_heard)(id));
        let is_quarantined = self.machine.quarantine(path.device()).is_some();
        judge(self.latest.get(path), Circumstances { owner, owner_is_heard, is_quarantined, poll: device.poll, now: self.now })
    }

    /// A tag with everything that a person wants to see at a glance.
    #[must_use]
    pub fn reading(&self, path: &TagPath, device: &DeviceSpec, tag: &TagSpec) -> v1::TagReading {
        let owner = self.machine.ownership(path.segment()).owner;
        let sample = if tag.access.is_readable() { Some(self.sample(path, device)) } else { None };
        v1::TagReading {
            tag: path.to_string(),
            unit: tag.unit.clone(),
            sample: sample.as_ref().map(wire::sample),
            owner: owner.map(|id| wire::node_name(self.machine, id)).unwrap_or_default(),
            access: wire::access(tag.access).into(),
            limits: tag.limits.map(|l| v1::Limits { min: l.min, max: l.max }),
            setpoint: self.machine.setpoint(path).map(|setpoint| wire::setpoint(setpoint)),
            description: tag.description.clone(),
            r#type: tag.value_type.to_string(),
            poll_ms: u64::try_from(device.poll.as_millis()).unwrap_or(u64::MAX),
            drift: self.machine.drift(path).map(wire::drift),
            hold: self.machine.hold(path).map(wire::hold),
            rung: device.fencing.rung().to_string(),
            ramp: self.machine.ramp(path).map(ramp::to_wire),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use labkeeper_model::Value;

    const NOW: Timestamp = Timestamp::from_millis(100_000);

    fn at(owner: Option<NodeId>, owner_is_heard: bool) -> Circumstances {
        Circumstances { owner, owner_is_heard, is_quarantined: false, poll: Duration::from_millis(100), now: NOW }
    }

    fn measured(age_ms: i64) -> Option<Measured> {
        let sample = Sample { time: Timestamp::from_millis(100_000 - age_ms), value: Some(Value::I64(7)), quality: Quality::Good };
        Some(Measured { origin: 1, sample })
    }

    #[test]
    fn only_the_owners_fresh_sample_is_good() {
        assert_eq!(judge(measured(10), at(Some(1), true)).quality, Quality::Good);
        assert_eq!(judge(measured(2_001), at(Some(1), true)).quality, Quality::Uncertain(UncertainReason::Stale));
        assert_eq!(judge(measured(10), at(Some(2), true)).quality, Quality::Bad(BadReason::NotYetRead));
        assert_eq!(judge(measured(10), at(Some(1), false)).quality, Quality::Bad(BadReason::OwnerUnreachable));
        assert_eq!(judge(measured(10), at(None, false)).quality, Quality::Bad(BadReason::NotOwned));
        assert_eq!(judge(None, at(Some(1), true)).quality, Quality::Bad(BadReason::NotYetRead));
    }

    #[test]
    fn a_device_that_is_left_alone_is_worse_than_stale_and_better_known_than_by_silence() {
        let left_alone = |owner, owner_is_heard| judge(measured(10), Circumstances { is_quarantined: true, ..at(owner, owner_is_heard) });
        assert_eq!(left_alone(Some(1), true).quality, Quality::Bad(BadReason::Quarantined));
        assert_eq!(left_alone(Some(1), false).quality, Quality::Bad(BadReason::OwnerUnreachable));
        assert_eq!(left_alone(None, false).quality, Quality::Bad(BadReason::NotOwned));
    }

    #[test]
    fn a_bad_sample_keeps_the_last_value_and_its_time() {
        let shown = judge(measured(10), at(Some(1), false));
        assert_eq!((shown.value, shown.time), (Some(Value::I64(7)), Timestamp::from_millis(99_990)));
    }

    #[test]
    fn slow_tags_are_given_three_polls() {
        assert_eq!(stale_after(Duration::from_secs(60)), Duration::from_secs(180));
        assert_eq!(stale_after(Duration::from_millis(10)), Duration::from_secs(2));
    }
}
