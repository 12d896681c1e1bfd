//! The machine's whole state as the bytes of a `Snapshot`. Equal states give equal bytes: maps are ordered by their keys, and
//! commands by their ids.

use super::CodecError;
use super::command::{node_from_wire, node_to_wire, once_from_wire, once_to_wire, value_required};
use super::field::{drift_from_wire, drift_to_wire, hold_from_wire, hold_to_wire, quarantine_from_wire, quarantine_to_wire};
use super::reply::{command_from_wire, command_to_wire, error_code};
use super::tenure::{
    cooldown_from_wire, cooldown_to_wire, ownership_from_wire, ownership_to_wire, session_from_wire, sessions_to_wire, takeover_from_wire,
    takeover_to_wire, words_from_wire, words_to_wire,
};
use super::{alarms, authority, interlocks, notices, operate};
use bytes::Bytes;
use labkeeper_machine::chain::{Hash, ORIGIN};
use labkeeper_machine::{AuditEntry, Departures, Dump, Setpoint};
use labkeeper_model::{TagPath, Timestamp};
use labkeeper_proto::convert::{ConvertError, command_id, command_state, required, tag_path, uuid};
use labkeeper_proto::v1;
use prost::Message as _;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The version of this format. A larger one is refused, as it may mean what this version cannot know.
///
/// | format | what it added |
/// |---|---|
/// | 1 | |
/// | 2 | sessions, and with them what takeovers leave behind |
/// | 3 | alarms, authority, interlocks, actions and notices |
/// | 4 | deeds that are done once |
pub const FORMAT: u32 = 4;
/// The oldest format that is read. What it lacks is as it was then: no session was ever opened, no alarm was ever raised.
const FORMAT_MIN: u32 = 1;

/// A state as bytes.
#[must_use]
pub fn encode(dump: &Dump) -> Bytes {
    let mut commands: Vec<_> = dump.commands.iter().map(|command| command_to_wire(command)).collect();
    commands.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    let snapshot = v1::Snapshot {
        format: FORMAT,
        applied_index: dump.applied,
        time_unix_ns: dump.time.0,
        site_id: dump.site_id.map_or_else(Vec::new, |id| id.to_vec()),
        site: Some((&*dump.site).into()),
        site_version: dump.site_version,
        nodes: dump.nodes.iter().map(|(id, node)| v1::NodeState { id: *id, node: Some(node_to_wire(node)) }).collect(),
        ownerships: dump.ownerships.iter().map(|(segment, o)| ownership_to_wire(segment, *o)).collect(),
        setpoints: dump.setpoints.iter().map(|(tag, setpoint)| setpoint_to_wire(tag, setpoint)).collect(),
        commands,
        audit: dump.audit.iter().map(|entry| audit_to_wire(entry)).collect(),
        audit_next: dump.audit_next,
        audit_anchor: dump.audit_anchor.to_vec(),
        sessions: sessions_to_wire(&dump.sessions),
        last_session_id: dump.last_session,
        draining_ids: dump.draining.iter().copied().collect(),
        reach: words_to_wire(&dump.words),
        cooldowns: dump.cooldowns.iter().map(|(segment, cooldown)| cooldown_to_wire(segment, cooldown)).collect(),
        takeovers: dump.takeovers.iter().map(|record| takeover_to_wire(record)).collect(),
        holds: dump.holds.iter().map(|(tag, hold)| hold_to_wire(tag, hold)).collect(),
        drifts: dump.drifts.iter().map(|(tag, drift)| drift_to_wire(tag, drift)).collect(),
        quarantines: dump.quarantined.iter().map(|(device, quarantine)| quarantine_to_wire(device, quarantine)).collect(),
        alarms: Some(alarms::state_to_wire(&dump.alarms)),
        authority: Some(authority::state_to_wire(&dump.authority)),
        interlocks: Some(interlocks::state_to_wire(&dump.interlocks)),
        operate: Some(operate::state_to_wire(&dump.operate)),
        notices: Some(notices::state_to_wire(&dump.notices)),
        term: dump.term,
        departures: departures_to_wire(&dump.departures),
        deeds: dump.deeds.iter().map(|(id, deed)| once_to_wire(id, deed)).collect(),
    };
    snapshot.encode_to_vec().into()
}

/// The state that bytes stand for.
///
/// # Errors
/// [`CodecError`] when they stand for none that this version knows.
pub fn decode(bytes: &[u8]) -> Result<Dump, CodecError> {
    let snapshot = v1::Snapshot::decode(bytes)?;
    if !(FORMAT_MIN..=FORMAT).contains(&snapshot.format) {
        let what = format!("{} is not one of {FORMAT_MIN} to {FORMAT}, which this version reads", snapshot.format);
        return Err(ConvertError::new("format", what).into());
    }
    let site_id = (!snapshot.site_id.is_empty()).then(|| uuid("site_id", &snapshot.site_id)).transpose()?;
    Ok(Dump {
        applied: snapshot.applied_index,
        time: Timestamp(snapshot.time_unix_ns),
        site_id,
        site: Arc::new(required("site", snapshot.site)?.try_into()?),
        site_version: snapshot.site_version,
        nodes: all(snapshot.nodes, |state| Ok((state.id, node_from_wire(required("nodes.node", state.node)?)?)))?,
        ownerships: all(snapshot.ownerships, ownership_from_wire)?,
        sessions: all(snapshot.sessions, session_from_wire)?,
        last_session: snapshot.last_session_id,
        draining: snapshot.draining_ids.into_iter().collect(),
        words: words_from_wire(snapshot.reach),
        cooldowns: snapshot.cooldowns.into_iter().map(cooldown_from_wire).collect(),
        takeovers: all(snapshot.takeovers, takeover_from_wire)?,
        holds: all(snapshot.holds, hold_from_wire)?,
        drifts: all(snapshot.drifts, drift_from_wire)?,
        quarantined: all(snapshot.quarantines, quarantine_from_wire)?,
        setpoints: all(snapshot.setpoints, setpoint_from_wire)?,
        commands: all(snapshot.commands, |command| command_from_wire(command).map(Arc::new))?,
        audit: all(snapshot.audit, |entry| audit_from_wire(entry).map(Arc::new))?,
        audit_next: snapshot.audit_next,
        audit_anchor: hash("audit_anchor", &snapshot.audit_anchor)?.unwrap_or(ORIGIN),
        alarms: alarms::state_from_wire(snapshot.alarms)?,
        authority: authority::state_from_wire(snapshot.authority)?,
        interlocks: interlocks::state_from_wire(snapshot.interlocks)?,
        operate: operate::state_from_wire(snapshot.operate)?,
        notices: notices::state_from_wire(snapshot.notices)?,
        deeds: all(snapshot.deeds, |once| once_from_wire(once).map(|(id, deed)| (id, Arc::new(deed))))?,
        term: snapshot.term,
        departures: departures_from_wire(snapshot.departures),
    })
}

fn all<W, M, C: FromIterator<M>>(wire: Vec<W>, convert: impl Fn(W) -> Result<M, ConvertError>) -> Result<C, ConvertError> {
    wire.into_iter().map(convert).collect()
}

fn setpoint_to_wire(tag: &TagPath, setpoint: &Setpoint) -> v1::SetpointRecord {
    v1::SetpointRecord {
        tag: tag.to_string(),
        value: Some((&setpoint.value).into()),
        revision: setpoint.revision,
        command_id: setpoint.command_id.0.to_vec(),
        actor: setpoint.actor.clone(),
        reason: setpoint.reason.clone(),
        state: v1::CommandState::from(setpoint.state).into(),
    }
}

fn setpoint_from_wire(record: v1::SetpointRecord) -> Result<(TagPath, Arc<Setpoint>), ConvertError> {
    let setpoint = Setpoint {
        value: value_required("setpoints.value", record.value)?,
        revision: record.revision,
        command_id: command_id("setpoints.command_id", &record.command_id)?,
        actor: record.actor,
        reason: record.reason,
        state: command_state("setpoints.state", record.state)?,
    };
    Ok((tag_path("setpoints.tag", &record.tag)?, Arc::new(setpoint)))
}

fn audit_to_wire(entry: &AuditEntry) -> v1::AuditRecord {
    v1::AuditRecord {
        number: entry.number,
        log_index: entry.log_index,
        time_unix_ns: entry.time.0,
        actor: entry.actor.clone(),
        action: entry.action.clone(),
        target: entry.target.clone(),
        detail: entry.detail.clone(),
        reason: entry.reason.clone(),
        command_id: entry.command_id.map_or_else(Vec::new, |id| id.0.to_vec()),
        error_code: entry.refused.map_or(0, |code| code.number().into()),
        before: entry.before.clone(),
        after: entry.after.clone(),
        hash: entry.hash.map_or_else(Vec::new, |hash| hash.to_vec()),
    }
}

/// Empty in what a version wrote that knew no hashes.
fn hash(field: &'static str, bytes: &[u8]) -> Result<Option<Hash>, ConvertError> {
    let wrong = |_| ConvertError::new(field, format!("{} bytes are no hash of SHA-256", bytes.len()));
    (!bytes.is_empty()).then(|| bytes.try_into().map_err(wrong)).transpose()
}

fn audit_from_wire(record: v1::AuditRecord) -> Result<AuditEntry, ConvertError> {
    Ok(AuditEntry {
        number: record.number,
        log_index: record.log_index,
        time: Timestamp(record.time_unix_ns),
        actor: record.actor,
        action: record.action,
        target: record.target,
        detail: record.detail,
        reason: record.reason,
        command_id: (!record.command_id.is_empty()).then(|| command_id("audit.command_id", &record.command_id)).transpose()?,
        refused: (record.error_code != 0).then(|| error_code("audit.error_code", record.error_code)).transpose()?,
        before: record.before,
        after: record.after,
        hash: hash("audit.hash", &record.hash)?,
    })
}

fn departures_to_wire(departures: &Departures) -> Vec<v1::DepartureRecord> {
    let of_address = |(address, sessions): (&String, &BTreeMap<_, _>)| -> Vec<_> {
        let record =
            |(session, version): (&u64, &u64)| v1::DepartureRecord { address: address.clone(), session_id: *session, version: *version };
        sessions.iter().map(record).collect()
    };
    departures.iter().flat_map(of_address).collect()
}

fn departures_from_wire(records: Vec<v1::DepartureRecord>) -> Departures {
    let mut departures = Departures::new();
    for record in records {
        departures.entry(record.address).or_default().insert(record.session_id, record.version);
    }
    departures
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
mod tests;
