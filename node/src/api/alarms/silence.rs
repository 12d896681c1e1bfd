//! The one alarm that no majority can agree on: that there is none. While nothing is committed, a node shows it by itself; what was, the
//! replicated state says afterwards (`labkeeper_machine`'s `alarms/silence.rs`).

use super::wire;
use labkeeper_machine::Machine;
use labkeeper_model::Timestamp;
use labkeeper_proto::v1;

/// The alarm, while this node has had nothing new for too long.
pub(super) fn status(machine: &Machine, now: Timestamp) -> Option<v1::AlarmStatus> {
    let since = machine.silent_since(now)?;
    let id = Machine::no_quorum_alarm()?;
    let known = wire::status(machine, &id)?;
    Some(v1::AlarmStatus {
        state: "unacknowledged".into(),
        letter: "B".into(),
        active: true,
        acknowledged: false,
        acknowledged_unix_ns: None,
        acknowledged_by: String::new(),
        severity: 1,
        occurrence: known.occurrence.saturating_add(1),
        raised_unix_ns: Some(since.0),
        since_unix_ns: since.0,
        text: "this node has had nothing from a majority since then; everything it shows is as of then, and nobody can command through it"
            .into(),
        ..known
    })
}

/// Puts it in its place among others, if it has one.
pub(super) fn add_to(alarms: &mut Vec<v1::AlarmStatus>, silence: Option<v1::AlarmStatus>) {
    if let Some(silence) = silence {
        alarms.retain(|alarm| alarm.alarm != silence.alarm);
        alarms.push(silence);
    }
}
