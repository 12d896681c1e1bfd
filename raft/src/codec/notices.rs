//! Commands and state about what somebody is told, as the log and snapshots hold them.

use labkeeper_machine::notices::{NoticeCommand, Outbox};
use labkeeper_proto::convert::ConvertError;
use labkeeper_proto::v1;

pub(super) fn command_to_wire(command: &NoticeCommand) -> v1::NoticeCommandRecord {
    match *command {}
}

pub(super) fn command_from_wire(_: v1::NoticeCommandRecord) -> Result<NoticeCommand, ConvertError> {
    Err(ConvertError::new("notice", "no command of this kind is known"))
}

pub(super) fn state_to_wire(_: &Outbox) -> v1::NoticeStateRecord {
    v1::NoticeStateRecord {}
}

pub(super) fn state_from_wire(_: Option<v1::NoticeStateRecord>) -> Result<Outbox, ConvertError> {
    Ok(Outbox::default())
}
