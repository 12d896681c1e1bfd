//! Commands and state about interlocks, as the log and snapshots hold them.

use labkeeper_machine::interlocks::{InterlockCommand, Interlocks};
use labkeeper_proto::convert::ConvertError;
use labkeeper_proto::v1;

pub(super) fn command_to_wire(command: &InterlockCommand) -> v1::InterlockCommandRecord {
    match *command {}
}

pub(super) fn command_from_wire(_: v1::InterlockCommandRecord) -> Result<InterlockCommand, ConvertError> {
    Err(ConvertError::new("interlock", "no command of this kind is known"))
}

pub(super) fn state_to_wire(_: &Interlocks) -> v1::InterlockStateRecord {
    v1::InterlockStateRecord {}
}

pub(super) fn state_from_wire(_: Option<v1::InterlockStateRecord>) -> Result<Interlocks, ConvertError> {
    Ok(Interlocks::default())
}
