//! What a new owner does about a setpoint that an earlier one had written, once it has read the device. Pure.
//!
//! The hardware is right until somebody decides otherwise: without a reading nothing is written, and with one, the tag's policy decides.
//!
//! | policy | the device has the setpoint | it has another value | it cannot be read |
//! |---|---|---|---|
//! | adopt | matches | adopted: the device keeps it | unreadable |
//! | reassert | matches | reasserted: the setpoint is written | unreadable |
//! | safe | driven to the safe value, unless that is the setpoint | the same | unreadable |
//! | hold | held until an operator confirms | the same | unreadable |
//!
//! A tag that an interlock has driven to its safe value, or may have, stays there whatever the policy is: neither the end of the interlock
//! nor a change of owner brings the setpoint back that was there before. Somebody sets it anew.
//!
//! A tag that is held for another reason (a dangerous one after its owner was lost) is treated as one of `hold`. A setpoint that is
//! outstanding is not looked at here: it is a command on its way, and its job reads first by itself. One that never reached its device (it
//! expired, was refused or cancelled) says nothing about what the device should have.

use labkeeper_machine::interlocks::{Standing as InterlockStanding, Verdict};
use labkeeper_machine::{Machine, Reconciled, Setpoint};
use labkeeper_model::site::{TagSpec, Takeover};
use labkeeper_model::{CommandState, Name, Quality, Sample, TagPath, Value};
use std::collections::BTreeMap;

/// What becomes of one setpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// What to report; if there is something to write, once it is written.
    pub outcome: Reconciled,
    /// What to write to the tag, if anything.
    pub write: Option<Value>,
}

/// What stands between a tag and its policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Free,
    /// An operator has to confirm first.
    Held,
    /// An interlock has driven it to its safe value, or may have: its owner may have been lost between the write and the word of it.
    Forced,
}

/// Decides about every setpoint of a device that was just read completely. `readings` has a sample for each readable tag.
#[must_use]
pub fn reconcile_device(machine: &Machine, device: &Name, readings: &BTreeMap<Name, Sample>) -> Vec<(TagPath, Decision)> {
    let Some(spec) = machine.site().devices.get(device) else { return vec![] };
    let of_tag = |(name, tag): (&Name, &TagSpec)| {
        let path = TagPath::new(&spec.segment, device, name);
        let setpoint = machine.setpoint(&path)?;
        let decision = reconcile(name, tag, setpoint, standing(machine, &path, tag), readings)?;
        Some((path, decision))
    };
    spec.tags.iter().filter_map(of_tag).collect()
}

fn standing(machine: &Machine, path: &TagPath, spec: &TagSpec) -> Standing {
    // Under the policy `safe` it is the takeover itself that says so.
    let was_driven = || {
        let is_driven = machine.drift(path).is_some_and(|drift| matches!(drift.outcome, Reconciled::DrivenSafe { .. }));
        is_driven && spec.takeover != Takeover::Safe
    };
    let may_force = |standing: InterlockStanding<'_>| {
        let has_tripped = standing.state.latched || matches!(standing.state.verdict, Some(Verdict::Tripped { .. }));
        standing.spec.stage.forces_safe() && standing.defeat().is_none() && has_tripped
    };
    if was_driven() || machine.interlocks_of(path).any(|(_, interlock)| may_force(interlock)) {
        Standing::Forced
    } else if machine.hold(path).is_some() {
        Standing::Held
    } else {
        Standing::Free
    }
}

/// Decides about one setpoint; `None` if there is nothing to decide.
#[must_use]
pub fn reconcile(
    name: &Name,
    spec: &TagSpec,
    setpoint: &Setpoint,
    standing: Standing,
    readings: &BTreeMap<Name, Sample>,
) -> Option<Decision> {
    use CommandState::{Unknown, Verified, VerifyFailed, Written};
    if !matches!(setpoint.state, Written | Verified | VerifyFailed | Unknown) {
        return None;
    }
    let verification = spec.verification(name, &setpoint.value);
    if verification.is_some() && setpoint.state == Written {
        return None;
    }
    let tolerance = verification.as_ref().map_or(0.0, |verify| verify.tolerance);
    let reading = verification.and_then(|verify| readings.get(&verify.readback));
    let Some(actual) = reading.filter(|sample| sample.quality == Quality::Good).and_then(|sample| sample.value.clone()) else {
        // What is remembered of a tag that was driven to its safe value stays.
        return (standing != Standing::Forced).then_some(Decision { outcome: Reconciled::Unreadable, write: None });
    };
    let matches = |wanted: &Value| actual.within(wanted, tolerance);
    let only = |outcome| Some(Decision { outcome, write: None });
    match (spec.takeover, &spec.safe) {
        _ if standing == Standing::Forced => only(Reconciled::DrivenSafe { actual }),
        (Takeover::Hold, _) => only(Reconciled::Held { actual }),
        _ if standing == Standing::Held => only(Reconciled::Held { actual }),
        (Takeover::Safe, Some(safe)) if matches(safe) && matches(&setpoint.value) => only(Reconciled::Matches),
        (Takeover::Safe, Some(safe)) => {
            let write = (!matches(safe)).then(|| safe.clone());
            Some(Decision { outcome: Reconciled::DrivenSafe { actual }, write })
        }
        _ if matches(&setpoint.value) => only(Reconciled::Matches),
        // Whoever was told that a write failed or is unknown was not promised that it would be made true later.
        (Takeover::Reassert, _) if matches!(setpoint.state, Written | Verified) => {
            Some(Decision { outcome: Reconciled::Reasserted { actual }, write: Some(setpoint.value.clone()) })
        }
        _ => only(Reconciled::Adopted { actual }),
    }
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
