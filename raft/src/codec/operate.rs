//! Commands and state about actions, selections and ramps, as the log and snapshots hold them.

use labkeeper_machine::operate::{OperateCommand, Operation};
use labkeeper_proto::convert::ConvertError;
use labkeeper_proto::v1;

pub(super) fn command_to_wire(command: &OperateCommand) -> v1::OperateCommandRecord {
    match *command {}
}

pub(super) fn command_from_wire(_: v1::OperateCommandRecord) -> Result<OperateCommand, ConvertError> {
    Err(ConvertError::new("operate", "no command of this kind is known"))
}

pub(super) fn state_to_wire(_: &Operation) -> v1::OperateStateRecord {
    v1::OperateStateRecord {}
}

pub(super) fn state_from_wire(_: Option<v1::OperateStateRecord>) -> Result<Operation, ConvertError> {
    Ok(Operation::default())
}
