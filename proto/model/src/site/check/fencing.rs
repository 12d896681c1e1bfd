//! What is wrong with how a device is protected from an earlier owner, and with what it does when nobody drives it.
//!
//! The watchdog is held against the default timing of nodes: a declaration is checked without any node, and each node may have its own.

use super::{Findings, INTERVAL_MAX, is_host_port};
use crate::site::{DeviceSpec, DriverKind, Fencing, OnLeaseLoss, Register, Rung, SiteSpec, Table, TakeoverTime};
use crate::{LeaseTerms, Name};
use std::collections::BTreeMap;
use std::time::Duration;

/// Longest election with the default timing of a node, until the new leader has committed an entry. The timing itself is each node's own;
/// a test there holds the two together.
pub const ELECTION_DEFAULT: Duration = Duration::from_millis(860);

/// Registers of a fence: a 32-bit epoch.
const FENCE_CELLS: u16 = 2;

/// What is wrong with one device.
pub(super) fn check(found: &mut Findings, device: &DeviceSpec) {
    match &device.fencing {
        Fencing::LeaseOnly | Fencing::SingleConnection => {}
        Fencing::DeviceLock => check_lock(found, device.driver),
        Fencing::DeviceToken { register } => check_register(found, device, *register),
        Fencing::Gate { address } => check_gate(found, device, address),
    }
    check_watchdog(found, device);
    check_dangers(found, device);
    if device.on_lease_loss == OnLeaseLoss::Safe && device.tags.values().all(|tag| tag.safe.is_none()) {
        found.error(&["on_lease_loss"], "no tag of the device has a safe value".into(), "add safe = ... to its tags, or choose \"hold\"");
    }
    if device.on_lease_loss == OnLeaseLoss::StopPolling && device.watchdog.is_none() {
        let what = "the device has no watchdog that would notice".into();
        found.warning(&["on_lease_loss"], what, "declare its watchdog, or choose \"hold\" or \"safe\"");
    }
}

fn check_lock(found: &mut Findings, driver: DriverKind) {
    match driver {
        DriverKind::ModbusTcp => found.error(
            &["fence"],
            format!("{} has no locks", driver.as_str()),
            "use a fence register, a gate, \"single_connection\" or \"lease_only\"",
        ),
    }
}

fn check_register(found: &mut Findings, device: &DeviceSpec, register: Register) {
    if register.table != Table::Holding {
        let what = format!("{register} cannot be written as two registers");
        found.error(&["fence", "register"], what, "use two holding registers, like \"holding:100\"");
        return;
    }
    let (from, to) = (u32::from(register.address), u32::from(register.address) + u32::from(FENCE_CELLS));
    if to > u32::from(u16::MAX) + 1 {
        found.error(&["fence", "register"], format!("{register} with {FENCE_CELLS} registers ends beyond 65535"), "correct the address");
    }
    for (name, tag) in device.tags.iter().filter(|(_, tag)| tag.register.table == Table::Holding) {
        let first = u32::from(tag.register.address);
        let end = first + u32::from(tag.value_type.cells());
        if first < to && from < end {
            let what = format!("{register} takes {from} to {}, and {name} takes {first} to {}", to - 1, end - 1);
            found.error(&["fence", "register"], what, "give the fence two registers of its own");
        }
    }
}

fn check_gate(found: &mut Findings, device: &DeviceSpec, address: &str) {
    if !is_host_port(address) {
        found.error(&["fence", "gate"], format!("{address:?} is not host:port"), "write it like \"10.1.0.9:7502\"");
    } else if *address == device.address {
        let what = format!("{address} is the device itself");
        found.error(&["fence", "gate"], what, "name the gate's own address; address stays the device's");
    }
}

fn check_watchdog(found: &mut Findings, device: &DeviceSpec) {
    let Some(watchdog) = device.watchdog else { return };
    if watchdog.is_zero() || watchdog > INTERVAL_MAX {
        let what = format!("{watchdog:?} is not between 1ms and {INTERVAL_MAX:?}");
        found.error(&["watchdog"], what, "choose a time in that range, or leave it out if the device has none");
        return;
    }
    let takeover = TakeoverTime::of(device, &LeaseTerms::default(), ELECTION_DEFAULT);
    if watchdog < takeover.total() {
        let what =
            format!("{watchdog:?} is shorter than a takeover with default timing may take, so losing one node would trip it: {takeover}");
        found.warning(&["watchdog"], what, "give the device a longer one, or shorten poll and timeout");
    }
}

fn check_dangers(found: &mut Findings, device: &DeviceSpec) {
    let dangerous: Vec<&str> = device.tags.iter().filter(|(_, tag)| tag.dangerous).map(|(name, _)| name.as_str()).collect();
    if dangerous.is_empty() {
        return;
    }
    let names = dangerous.join(", ");
    if device.fencing.rung() == Rung::F1 {
        let what =
            format!("{names}: dangerous, and protected by the lease alone; held after an unplanned takeover until an operator confirms");
        found.warning(&["fence"], what, "give the device a fence register or a gate, or be ready to say `labkeeper cluster confirm`");
    }
    if device.watchdog.is_none() {
        let what = format!("{names}: dangerous, and the device stays as it is if the whole cluster is lost");
        found.warning(&["watchdog"], what, "switch the device's watchdog on and declare it");
    }
}

/// Devices with one address share one connection, so they must agree on whom that connection goes to.
pub(super) fn check_shared(found: &mut Findings, site: &SiteSpec) {
    let mut connections: BTreeMap<&str, (&Name, &DeviceSpec)> = BTreeMap::new();
    let mut gates: BTreeMap<&str, (&Name, &DeviceSpec)> = BTreeMap::new();
    for (name, device) in &site.devices {
        let (other, first) = *connections.entry(&device.address).or_insert((name, device));
        if of_connection(&first.fencing) != of_connection(&device.fencing) {
            let what = format!("{} at the same address is declared as {}, and this as {}", other, first.fencing, device.fencing);
            found.error(&["devices", name.as_str(), "fence"], what, "they share one connection: declare the same for both");
        }
        if let Fencing::Gate { address } = &device.fencing {
            let (other, first) = *gates.entry(address).or_insert((name, device));
            if first.address != device.address {
                let what = format!("{address} is the gate of {other} at {}", first.address);
                found.error(&["devices", name.as_str(), "fence", "gate"], what, "a gate serves one address: run another one");
            }
        }
    }
}

/// The part of a device's fencing that its connection has, and not the unit behind it.
fn of_connection(fencing: &Fencing) -> Option<&Fencing> {
    matches!(fencing, Fencing::SingleConnection | Fencing::DeviceLock | Fencing::Gate { .. }).then_some(fencing)
}

#[cfg(test)]
#[path = "fencing_tests.rs"]
mod tests;
