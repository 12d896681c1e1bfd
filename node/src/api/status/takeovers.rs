//! Takeovers as the status shows them: each step in milliseconds since the outage began.

use crate::api::wire;
use labkeeper_machine::Machine;
use labkeeper_machine::state::TakeoverRecord;
use labkeeper_model::Timestamp;
use labkeeper_proto::v1;

/// Takeovers in one status: a node that fails takes ten segments or so with it, so these are the last failures of two nodes.
const TAKEOVERS_SHOWN: usize = 20;

/// The latest takeovers, newest first.
pub(super) fn latest(machine: &Machine) -> Vec<v1::TakeoverStatus> {
    machine.takeovers().rev().take(TAKEOVERS_SHOWN).map(|record| status(machine, record)).collect()
}

/// One takeover.
#[must_use]
pub fn status(machine: &Machine, record: &TakeoverRecord) -> v1::TakeoverStatus {
    let began = record.began();
    let after = |time: Timestamp| u64::try_from(time.saturating_since(began).as_millis()).unwrap_or(u64::MAX);
    let report = record.report;
    v1::TakeoverStatus {
        segment: record.segment.clone(),
        from: record.from.map(|id| wire::node_name(machine, id)).unwrap_or_default(),
        to: wire::node_name(machine, record.to),
        epoch: record.epoch,
        cause: wire::cause(record.cause).into(),
        log_index: record.log_index,
        began_unix_ms: began.as_millis(),
        ended_ms: record.ended.map(after),
        assigned_ms: after(record.assigned),
        connected_ms: report.map(|report| after(report.connected)),
        read_ms: report.map(|report| after(report.read)),
        enabled_ms: report.map(|report| after(report.enabled)),
        devices_reached: report.map_or(0, |report| report.devices_reached),
        devices: report.map_or(0, |report| report.devices),
    }
}
