//! Commands and state about actions, selections and ramps, as the log and snapshots hold them.

use labkeeper_machine::ActionRequest;
use labkeeper_machine::operate::{OperateCommand, Operation};
use labkeeper_model::Timestamp;
use labkeeper_proto::convert::{ConvertError, command_id, required, tag_path, value_opt};
use labkeeper_proto::v1;
use labkeeper_proto::v1::operate_command_record::Kind;

pub(super) fn command_to_wire(command: &OperateCommand) -> v1::OperateCommandRecord {
    let kind = match command {
        OperateCommand::SubmitAction(request) => Kind::SubmitAction(v1::SubmitAction {
            id: request.id.0.to_vec(),
            tag: request.tag.to_string(),
            value: request.value.as_ref().map(Into::into),
            deadline_unix_ns: request.deadline.0,
            actor: request.actor.clone(),
            reason: request.reason.clone(),
        }),
        OperateCommand::Cancel { id, actor, reason } => {
            Kind::Cancel(v1::CancelRecord { id: id.0.to_vec(), actor: actor.clone(), reason: reason.clone() })
        }
    };
    v1::OperateCommandRecord { kind: Some(kind) }
}

pub(super) fn command_from_wire(record: v1::OperateCommandRecord) -> Result<OperateCommand, ConvertError> {
    Ok(match required("operate", record.kind)? {
        Kind::SubmitAction(submit) => OperateCommand::SubmitAction(ActionRequest {
            id: command_id("id", &submit.id)?,
            tag: tag_path("tag", &submit.tag)?,
            value: value_opt(submit.value)?,
            deadline: Timestamp(submit.deadline_unix_ns),
            actor: submit.actor,
            reason: submit.reason,
        }),
        Kind::Cancel(cancel) => OperateCommand::Cancel { id: command_id("id", &cancel.id)?, actor: cancel.actor, reason: cancel.reason },
    })
}

pub(super) fn state_to_wire(_: &Operation) -> v1::OperateStateRecord {
    v1::OperateStateRecord {}
}

pub(super) fn state_from_wire(_: Option<v1::OperateStateRecord>) -> Result<Operation, ConvertError> {
    Ok(Operation::default())
}
