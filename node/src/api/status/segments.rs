//! A segment as the status shows it: who owns it and for how long yet, what protects its devices, and what wants a person's attention.

use super::StatusSource;
use crate::api::wire;
use crate::clock;
use labkeeper_machine::state::{Cause, Ownership};
use labkeeper_machine::{Candidate, Machine, Why};
use labkeeper_model::site::DeviceSpec;
use labkeeper_model::{NodeId, Timestamp};
use labkeeper_proto::v1;
use std::collections::BTreeMap;
use std::time::Duration;

/// Every segment of the site, ordered by name. With `why`, what speaks for and against each node as its owner.
pub(super) fn statuses(
    source: &StatusSource,
    machine: &Machine,
    states: &BTreeMap<NodeId, v1::GetNodeStateResponse>,
    why: bool,
) -> Vec<v1::SegmentStatus> {
    let me = source.cluster.identity().map(|identity| identity.node_id);
    let now = clock::now();
    let status = |(name, ownership): (&str, Ownership)| {
        let online = ownership.owner.and_then(|id| states.get(&id)?.devices_online.get(name).copied());
        let own_lease = ownership.owner.filter(|owner| Some(*owner) == me).and_then(|_| source.tenure.remaining());
        v1::SegmentStatus {
            devices_online: online.unwrap_or(0),
            lease_remaining_ms: own_lease.or_else(|| lease_remaining(machine, ownership, now)).map(millis),
            placement: why.then(|| placement(machine, name, now)).flatten(),
            ..segment(machine, name, ownership)
        }
    };
    machine.ownerships().map(status).collect()
}

/// What the replicated state says of a segment.
fn segment(machine: &Machine, name: &str, ownership: Ownership) -> v1::SegmentStatus {
    let site = machine.site();
    let devices = || site.devices.iter().filter(|(_, device)| device.segment.as_str() == name);
    let home = site.segments.get(name).and_then(|segment| segment.home.clone());
    let held = machine.holds_waiting().filter(|(tag, _)| tag.segment() == name);
    let drifting = machine.drifts().filter(|(tag, _)| tag.segment() == name);
    let quarantined = machine.quarantined().filter(|(_, quarantine)| quarantine.segment.as_str() == name);
    v1::SegmentStatus {
        name: name.to_owned(),
        owner: ownership.owner.map(|id| wire::node_name(machine, id)).unwrap_or_default(),
        epoch: ownership.epoch,
        home: home.map(|home| home.to_string()).unwrap_or_default(),
        devices: u32::try_from(devices().count()).unwrap_or(u32::MAX),
        successor: ownership.successor.map(|id| wire::node_name(machine, id)).unwrap_or_default(),
        since_unix_ms: ownership.since.as_millis(),
        cause: cause(machine, name, ownership).map_or(v1::GrantCause::Unspecified, wire::cause).into(),
        rungs: rungs(devices().map(|(_, device)| device)),
        held: held.map(|(tag, hold)| v1::HeldTag { tag: tag.to_string(), hold: Some(wire::hold(hold)) }).collect(),
        drifting: drifting
            .map(|(tag, drift)| v1::DriftingTag {
                tag: tag.to_string(),
                desired: machine.setpoint(tag).map(|setpoint| (&setpoint.value).into()),
                drift: Some(wire::drift(drift)),
            })
            .collect(),
        quarantined: quarantined
            .map(|(device, quarantine)| v1::QuarantinedDevice {
                device: device.to_string(),
                reason: quarantine.reason.clone(),
                since_unix_ms: quarantine.since.as_millis(),
            })
            .collect(),
        ..v1::SegmentStatus::default()
    }
}

/// How many devices stand on each rung of the fencing ladder.
fn rungs<'a>(devices: impl Iterator<Item = &'a DeviceSpec>) -> BTreeMap<String, u32> {
    let mut rungs = BTreeMap::new();
    for device in devices {
        *rungs.entry(device.fencing.rung().to_string()).or_default() += 1;
    }
    rungs
}

/// How the present owner came to a segment, or the last one left it.
fn cause(machine: &Machine, name: &str, ownership: Ownership) -> Option<Cause> {
    let granted = || machine.takeovers().rev().find(|record| record.segment == name && record.epoch == ownership.epoch);
    ownership.vacancy.map(|vacancy| vacancy.cause).or_else(|| ownership.owner.and_then(|_| granted()).map(|record| record.cause))
}

/// How long an owner's right lasts by its last renewal that this node has, as far as this node's clock and the leader's agree.
fn lease_remaining(machine: &Machine, ownership: Ownership, now: Timestamp) -> Option<Duration> {
    let session = machine.session(ownership.owner?).filter(|session| session.alive && session.id == ownership.session)?;
    Some(session.renewed.saturating_add(session.terms.lease).saturating_since(now).min(session.terms.lease))
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn placement(machine: &Machine, name: &str, now: Timestamp) -> Option<v1::PlacementStatus> {
    let placement = machine.placement(name)?;
    let candidate = |candidate: &Candidate| v1::CandidateStatus {
        node: wire::node_name(machine, candidate.node),
        eligible: candidate.eligible,
        why: in_words(candidate.why, now),
    };
    Some(v1::PlacementStatus {
        choice: placement.choice.map(|id| wire::node_name(machine, id)).unwrap_or_default(),
        candidates: placement.candidates.iter().map(candidate).collect(),
        in_words: placement.in_words,
    })
}

/// What decides about a candidate, with waiting times counted from now instead of dates.
fn in_words(why: Why, now: Timestamp) -> String {
    let in_seconds = |until: Timestamp| format!("{:.0} s", until.saturating_since(now).as_secs_f64().ceil());
    match why {
        Why::HomeWaits { until } => format!("is its home, and gets it back in {}", in_seconds(until)),
        Why::ReachesMore { from, .. } if from > now => format!("{why}, and gets it in {}", in_seconds(from)),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_times_are_counted_from_now() {
        let now = Timestamp::from_millis(100_000);
        let later = Timestamp::from_millis(111_001);
        assert_eq!(in_words(Why::HomeWaits { until: later }, now), "is its home, and gets it back in 12 s");
        let more = in_words(Why::ReachesMore { reached: 3, of: 4, from: later }, now);
        assert_eq!(more, "reaches 3 of 4 devices, clearly more than the owner, and gets it in 12 s");
        assert_eq!(in_words(Why::Owner, now), "owns it");
    }
}
