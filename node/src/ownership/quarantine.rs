//! Which devices are left alone because their bus failed too often: what the supervision tree says, brought into the replicated state. Pure.

use super::segment::Segment;
use labkeeper_machine::{Command, Machine};
use labkeeper_model::{Epoch, Name, NodeId};
use labkeeper_supervision::{ChildStatus, State};
use std::collections::BTreeSet;

/// One device of a segment that is kept, and why it is left alone, if it is.
pub struct DeviceState {
    device: Name,
    epoch: Epoch,
    reason: Option<String>,
}

/// The devices of a segment, each with the state of its bus.
pub fn states(segment: &Segment, below: &str, tree: &[ChildStatus]) -> Vec<DeviceState> {
    let mut found = Vec::new();
    for (address, handle) in segment.buses() {
        let path = format!("{below}/{}/{address}", segment.name);
        let Some(bus) = tree.iter().find(|child| child.path == path) else { continue };
        let reason = match &bus.state {
            State::Quarantined { reason } => Some(reason.to_string()),
            _ => None,
        };
        let epoch = segment.epoch;
        found.extend(handle.spec().devices.keys().map(|device| DeviceState { device: device.clone(), epoch, reason: reason.clone() }));
    }
    found
}

/// What must be said so that the replicated state has it.
pub fn changes(machine: &Machine, node: NodeId, states: impl Iterator<Item = DeviceState>) -> Vec<Command> {
    let quarantined: BTreeSet<&Name> = machine.quarantined().map(|(device, _)| device).collect();
    let differs = |state: &DeviceState| quarantined.contains(&state.device) != state.reason.is_some();
    let say = |state: DeviceState| Command::SetQuarantine { node, device: state.device, epoch: state.epoch, reason: state.reason };
    states.filter(differs).map(say).collect()
}
