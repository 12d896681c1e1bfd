//! Commands and batches of them.

use super::CodecError;
use bytes::Bytes;
use labkeeper_machine::{Command, CommandReport, NodeInfo, SetpointRequest};
use labkeeper_model::{ErrorCode, Timestamp, Value};
use labkeeper_proto::convert::{ConvertError, command_id, command_state, name, required, tag_path, uuid, value_opt};
use labkeeper_proto::v1;
use labkeeper_proto::v1::command_record::Kind;
use prost::Message as _;

/// A command as the bytes of a `CommandRecord`.
#[must_use]
pub fn encode(command: &Command) -> Bytes {
    v1::CommandRecord { kind: Some(to_wire(command)) }.encode_to_vec().into()
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
    })
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
    })
}

fn report_to_wire(report: &CommandReport) -> v1::CommandReport {
    v1::CommandReport {
        id: report.id.0.to_vec(),
        epoch: report.epoch,
        state: v1::CommandState::from(report.state).into(),
        time_unix_ns: report.time.0,
        error: report.error.as_ref().map(Into::into),
    }
}

fn report_from_wire(report: v1::CommandReport) -> Result<CommandReport, ConvertError> {
    Ok(CommandReport {
        id: command_id("reports.id", &report.id)?,
        epoch: report.epoch,
        state: command_state("reports.state", report.state)?,
        time: Timestamp(report.time_unix_ns),
        error: report.error.map(<(ErrorCode, String)>::try_from).transpose().map_err(|e| e.within("reports.error"))?,
    })
}

/// A value that must be there.
pub(super) fn value_required(field: &str, value: Option<v1::Value>) -> Result<Value, ConvertError> {
    required(field, value_opt(value)?)
}

#[cfg(test)]
#[path = "command_tests.rs"]
pub(crate) mod tests;
