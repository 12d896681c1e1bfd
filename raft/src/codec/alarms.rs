//! Commands and state about alarms, as the log and snapshots hold them.

use labkeeper_machine::alarms::{AlarmCommand, Alarms};
use labkeeper_proto::convert::ConvertError;
use labkeeper_proto::v1;

pub(super) fn command_to_wire(command: &AlarmCommand) -> v1::AlarmCommandRecord {
    match *command {}
}

pub(super) fn command_from_wire(_: v1::AlarmCommandRecord) -> Result<AlarmCommand, ConvertError> {
    Err(ConvertError::new("alarm", "no command of this kind is known"))
}

pub(super) fn state_to_wire(_: &Alarms) -> v1::AlarmStateRecord {
    v1::AlarmStateRecord {}
}

pub(super) fn state_from_wire(_: Option<v1::AlarmStateRecord>) -> Result<Alarms, ConvertError> {
    Ok(Alarms::default())
}
