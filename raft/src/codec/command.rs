//! Commands and batches of them.

use super::CodecError;
use super::field::{release_to_wire, tag_outcome_from_wire, tag_outcome_to_wire};
use super::tenure::{self, terms_from_wire, terms_to_wire};
use super::{alarms, authority, interlocks, notices, operate};
use bytes::Bytes;
use labkeeper_machine::{Command, CommandReport, NodeInfo, SetpointRequest, TakeoverReport};
use labkeeper_model::{CommandId, ErrorCode, Timestamp, Value};
use labkeeper_proto::convert::{ConvertError, command_id, command_state, name, required, tag_path, uuid, value_opt};
use labkeeper_proto::v1;
use labkeeper_proto::v1::command_record::Kind;
use prost::Message as _;

/// A command as the bytes of a `CommandRecord`.
#[must_use]
pub fn encode(command: &Command) -> Bytes {
    record(command).encode_to_vec().into()
}

/// The command that the bytes of a `CommandRecord` stand for.
///
/// # Errors
/// [`CodecError`] when they stand for none that this version knows.
pub fn decode(bytes: &[u8]) -> Result<Command, CodecError> {
    let record = v1::CommandRecord::decode(bytes)?;
    Ok(from_wire(required("kind", record.kind)?)?)
}

/// Several encoded commands with the leader's time, as the bytes of a `Batch`.
#[must_use]
pub fn encode_batch(time: Timestamp, commands: Vec<Bytes>) -> Bytes {
    v1::Batch { time_unix_ns: time.0, commands }.encode_to_vec().into()
}

/// The time and the encoded commands of a `Batch`, without a copy of them.
///
/// # Errors
/// [`CodecError`] when the bytes are not a batch.
pub fn decode_batch(bytes: Bytes) -> Result<(Timestamp, Vec<Bytes>), CodecError> {
    let batch = v1::Batch::decode(bytes)?;
    Ok((Timestamp(batch.time_unix_ns), batch.commands))
}

/// What a person did under an id, as it is stored.
pub(super) fn once_to_wire(id: &CommandId, deed: &Command) -> v1::OnceRecord {
    v1::OnceRecord { id: id.0.to_vec(), deed: Some(Box::new(record(deed))) }
}

/// What a person did under an id, as it was stored.
pub(super) fn once_from_wire(once: v1::OnceRecord) -> Result<(CommandId, Command), ConvertError> {
    let deed = required("once.deed", once.deed)?;
    Ok((command_id("once.id", &once.id)?, from_wire(required("once.deed.kind", deed.kind)?)?))
}

fn record(command: &Command) -> v1::CommandRecord {
    v1::CommandRecord { kind: Some(to_wire(command)) }
}

fn to_wire(command: &Command) -> Kind {
    match command {
        Command::FoundSite { site_id, node } => {
            Kind::FoundSite(v1::FoundSite { site_id: site_id.to_vec(), node: Some(node_to_wire(node)) })
        }
        Command::AdmitNode { node } => Kind::AdmitNode(v1::AdmitNode { node: Some(node_to_wire(node)) }),
        Command::UpdateNode { id, node } => Kind::UpdateNode(v1::UpdateNode { node_id: *id, node: Some(node_to_wire(node)) }),
        Command::RemoveNode { id, actor } => Kind::RemoveNode(v1::RemoveNode { node_id: *id, actor: actor.clone() }),
        Command::ApplySite { site, expected_version, actor, reason } => Kind::ApplySite(v1::ApplySite {
            site: Some(site.into()),
            expected_version: *expected_version,
            actor: actor.clone(),
            reason: reason.clone(),
        }),
        Command::SubmitSetpoint(request) => Kind::SubmitSetpoint(setpoint_to_wire(request)),
        Command::ReportCommands { node, reports } => {
            Kind::ReportCommands(v1::ReportCommands { node_id: *node, reports: reports.iter().map(report_to_wire).collect() })
        }
        Command::ExpireCommands => Kind::ExpireCommands(v1::ExpireCommands {}),
        Command::OpenSession { node, after, terms } => {
            Kind::OpenSession(v1::OpenSession { node_id: *node, after: *after, terms: Some(terms_to_wire(terms)) })
        }
        Command::RenewSession { node, session, seq } => {
            Kind::RenewSession(v1::RenewSession { node_id: *node, session_id: *session, seq: *seq })
        }
        Command::ExpireSession { node, session, seq } => {
            Kind::ExpireSession(v1::ExpireSession { node_id: *node, session_id: *session, seq: *seq })
        }
        Command::EndSession { node, session } => Kind::EndSession(v1::EndSession { node_id: *node, session_id: *session }),
        Command::ReleaseSegment { node, session, segment, epoch } => {
            Kind::ReleaseSegment(v1::ReleaseSegment { node_id: *node, session_id: *session, segment: segment.clone(), epoch: *epoch })
        }
        Command::SetDraining { node, draining, actor, reason } => {
            Kind::SetDraining(v1::SetDraining { node_id: *node, draining: *draining, actor: actor.clone(), reason: reason.clone() })
        }
        Command::PlaceSegments => Kind::PlaceSegments(v1::PlaceSegments {}),
        Command::ReportReach { node, session, segment, epoch, reached, of } => Kind::ReportReach(v1::ReportReach {
            node_id: *node,
            session_id: *session,
            segment: segment.clone(),
            epoch: *epoch,
            reached: *reached,
            of: *of,
        }),
        Command::ReportTakeover { node, segment, epoch, connected, read, enabled, devices_reached, devices } => {
            let (connected, read, enabled, devices_reached, devices) = (*connected, *read, *enabled, *devices_reached, *devices);
            let report = Some(tenure::report_to_wire(&TakeoverReport { connected, read, enabled, devices_reached, devices }));
            Kind::ReportTakeover(v1::ReportTakeover { node_id: *node, segment: segment.clone(), epoch: *epoch, report })
        }
        Command::ReportReconciled { node, segment, epoch, outcomes } => Kind::ReportReconciled(v1::ReportReconciled {
            node_id: *node,
            segment: segment.clone(),
            epoch: *epoch,
            outcomes: outcomes.iter().map(tag_outcome_to_wire).collect(),
        }),
        Command::ReleaseHold { tag, actor, reason } => Kind::ReleaseHold(release_to_wire(tag, actor, reason)),
        Command::SetQuarantine { node, device, epoch, reason } => {
            Kind::SetQuarantine(v1::SetQuarantine { node_id: *node, device: device.to_string(), epoch: *epoch, reason: reason.clone() })
        }
        Command::Once { id, deed } => Kind::Once(Box::new(once_to_wire(id, deed))),
        Command::FireTimers => Kind::FireTimers(v1::Blank {}),
        Command::ConfirmSite { node, session, version } => Kind::ConfirmSite(tenure::confirmation_to_wire(*node, *session, *version)),
        Command::Alarm(command) => Kind::Alarm(alarms::command_to_wire(command)),
        Command::Authority(command) => Kind::Authority(authority::command_to_wire(command)),
        Command::Interlock(command) => Kind::Interlock(interlocks::command_to_wire(command)),
        Command::Operate(command) => Kind::Operate(operate::command_to_wire(command)),
        Command::Notice(command) => Kind::Notice(notices::command_to_wire(command)),
    }
}

fn from_wire(kind: Kind) -> Result<Command, ConvertError> {
    Ok(match kind {
        Kind::FoundSite(found) => {
            Command::FoundSite { site_id: uuid("site_id", &found.site_id)?, node: node_from_wire(required("node", found.node)?)? }
        }
        Kind::AdmitNode(admit) => Command::AdmitNode { node: node_from_wire(required("node", admit.node)?)? },
        Kind::UpdateNode(update) => Command::UpdateNode { id: update.node_id, node: node_from_wire(required("node", update.node)?)? },
        Kind::RemoveNode(remove) => Command::RemoveNode { id: remove.node_id, actor: remove.actor },
        Kind::ApplySite(apply) => Command::ApplySite {
            site: required("site", apply.site)?.try_into()?,
            expected_version: apply.expected_version,
            actor: apply.actor,
            reason: apply.reason,
        },
        Kind::SubmitSetpoint(submit) => Command::SubmitSetpoint(setpoint_from_wire(submit)?),
        Kind::ReportCommands(report) => Command::ReportCommands {
            node: report.node_id,
            reports: report.reports.into_iter().map(report_from_wire).collect::<Result<_, _>>()?,
        },
        Kind::ExpireCommands(_) => Command::ExpireCommands,
        Kind::OpenSession(open) => {
            Command::OpenSession { node: open.node_id, after: open.after, terms: terms_from_wire(required("terms", open.terms)?) }
        }
        Kind::RenewSession(renew) => Command::RenewSession { node: renew.node_id, session: renew.session_id, seq: renew.seq },
        Kind::ExpireSession(expire) => Command::ExpireSession { node: expire.node_id, session: expire.session_id, seq: expire.seq },
        Kind::EndSession(end) => Command::EndSession { node: end.node_id, session: end.session_id },
        Kind::ReleaseSegment(release) => {
            Command::ReleaseSegment { node: release.node_id, session: release.session_id, segment: release.segment, epoch: release.epoch }
        }
        Kind::SetDraining(drain) => {
            Command::SetDraining { node: drain.node_id, draining: drain.draining, actor: drain.actor, reason: drain.reason }
        }
        Kind::PlaceSegments(_) => Command::PlaceSegments,
        Kind::ReportReach(said) => Command::ReportReach {
            node: said.node_id,
            session: said.session_id,
            segment: said.segment,
            epoch: said.epoch,
            reached: said.reached,
            of: said.of,
        },
        Kind::ReportTakeover(said) => takeover_from_wire(said)?,
        Kind::ReportReconciled(said) => Command::ReportReconciled {
            node: said.node_id,
            segment: said.segment,
            epoch: said.epoch,
            outcomes: said.outcomes.into_iter().map(tag_outcome_from_wire).collect::<Result<_, _>>()?,
        },
        Kind::ReleaseHold(release) => {
            Command::ReleaseHold { tag: tag_path("tag", &release.tag)?, actor: release.actor, reason: release.reason }
        }
        Kind::SetQuarantine(set) => {
            Command::SetQuarantine { node: set.node_id, device: name("device", &set.device)?, epoch: set.epoch, reason: set.reason }
        }
        Kind::Once(once) => {
            let (id, deed) = once_from_wire(*once)?;
            Command::Once { id, deed: Box::new(deed) }
        }
        Kind::FireTimers(_) => Command::FireTimers,
        Kind::ConfirmSite(site) => Command::ConfirmSite { node: site.node_id, session: site.session_id, version: site.version },
        Kind::Alarm(record) => Command::Alarm(alarms::command_from_wire(record)?),
        Kind::Authority(record) => Command::Authority(authority::command_from_wire(record)?),
        Kind::Interlock(record) => Command::Interlock(interlocks::command_from_wire(record)?),
        Kind::Operate(record) => Command::Operate(operate::command_from_wire(record)?),
        Kind::Notice(record) => Command::Notice(notices::command_from_wire(record)?),
    })
}

fn takeover_from_wire(said: v1::ReportTakeover) -> Result<Command, ConvertError> {
    let TakeoverReport { connected, read, enabled, devices_reached, devices } = tenure::report_from_wire(required("report", said.report)?);
    let (node, segment, epoch) = (said.node_id, said.segment, said.epoch);
    Ok(Command::ReportTakeover { node, segment, epoch, connected, read, enabled, devices_reached, devices })
}

/// A node as it is stored.
pub(super) fn node_to_wire(node: &NodeInfo) -> v1::NodeRecord {
    v1::NodeRecord {
        name: node.name.to_string(),
        instance: node.instance.to_vec(),
        grpc: node.grpc.clone(),
        http: node.http.clone(),
        reach: node.reach.clone(),
    }
}

/// A node as it was stored.
pub(super) fn node_from_wire(node: v1::NodeRecord) -> Result<NodeInfo, ConvertError> {
    let instance = uuid("node.instance", &node.instance)?;
    Ok(NodeInfo { name: name("node.name", &node.name)?, instance, grpc: node.grpc, http: node.http, reach: node.reach })
}

fn setpoint_to_wire(request: &SetpointRequest) -> v1::SubmitSetpoint {
    v1::SubmitSetpoint {
        id: request.id.0.to_vec(),
        tag: request.tag.to_string(),
        value: Some((&request.value).into()),
        expected_revision: request.expected_revision,
        deadline_unix_ns: request.deadline.0,
        actor: request.actor.clone(),
        reason: request.reason.clone(),
        ramp_per_s: request.ramp_per_s,
    }
}

fn setpoint_from_wire(submit: v1::SubmitSetpoint) -> Result<SetpointRequest, ConvertError> {
    Ok(SetpointRequest {
        id: command_id("id", &submit.id)?,
        tag: tag_path("tag", &submit.tag)?,
        value: value_required("value", submit.value)?,
        expected_revision: submit.expected_revision,
        deadline: Timestamp(submit.deadline_unix_ns),
        actor: submit.actor,
        reason: submit.reason,
        ramp_per_s: submit.ramp_per_s,
    })
}

fn report_to_wire(report: &CommandReport) -> v1::CommandReport {
    v1::CommandReport {
        id: report.id.0.to_vec(),
        epoch: report.epoch,
        state: v1::CommandState::from(report.state).into(),
        time_unix_ns: report.time.0,
        error: report.error.as_ref().map(Into::into),
        mark: report.mark.as_ref().map(Into::into),
    }
}

fn report_from_wire(report: v1::CommandReport) -> Result<CommandReport, ConvertError> {
    Ok(CommandReport {
        id: command_id("reports.id", &report.id)?,
        epoch: report.epoch,
        state: command_state("reports.state", report.state)?,
        time: Timestamp(report.time_unix_ns),
        error: report.error.map(<(ErrorCode, String)>::try_from).transpose().map_err(|e| e.within("reports.error"))?,
        mark: value_opt(report.mark)?,
    })
}

/// A value that must be there.
pub(super) fn value_required(field: &str, value: Option<v1::Value>) -> Result<Value, ConvertError> {
    required(field, value_opt(value)?)
}

#[cfg(test)]
#[path = "command_tests.rs"]
pub(crate) mod tests;
