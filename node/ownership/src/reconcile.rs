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
//! A tag that is held for another reason (a dangerous one after its owner was lost) is treated as one of `hold`. A setpoint that is
//! outstanding is not looked at here: it is a command on its way, and its job reads first by itself. One that never reached its device (it
//! expired, was refused or cancelled) says nothing about what the device should have.

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

/// Decides about every setpoint of a device that was just read completely. `readings` has a sample for each readable tag.
#[must_use]
pub fn reconcile_device(machine: &Machine, device: &Name, readings: &BTreeMap<Name, Sample>) -> Vec<(TagPath, Decision)> {
    let Some(spec) = machine.site().devices.get(device) else { return vec![] };
    let of_tag = |(name, tag): (&Name, &TagSpec)| {
        let path = TagPath::new(&spec.segment, device, name);
        let setpoint = machine.setpoint(&path)?;
        let decision = reconcile(name, tag, setpoint, machine.hold(&path).is_some(), readings)?;
        Some((path, decision))
    };
    spec.tags.iter().filter_map(of_tag).collect()
}

/// Decides about one setpoint; `None` if there is nothing to decide.
#[must_use]
pub fn reconcile(name: &Name, spec: &TagSpec, setpoint: &Setpoint, is_held: bool, readings: &BTreeMap<Name, Sample>) -> Option<Decision> {
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
        return Some(Decision { outcome: Reconciled::Unreadable, write: None });
    };
    let matches = |wanted: &Value| actual.within(wanted, tolerance);
    let only = |outcome| Some(Decision { outcome, write: None });
    match (spec.takeover, &spec.safe) {
        (Takeover::Hold, _) => only(Reconciled::Held { actual }),
        _ if is_held => only(Reconciled::Held { actual }),
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
