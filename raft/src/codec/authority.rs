//! Commands and state about who has taken control of what, as the log and snapshots hold them.

use labkeeper_machine::authority::{Authorities, AuthorityCommand};
use labkeeper_proto::convert::ConvertError;
use labkeeper_proto::v1;

pub(super) fn command_to_wire(command: &AuthorityCommand) -> v1::AuthorityCommandRecord {
    match *command {}
}

pub(super) fn command_from_wire(_: v1::AuthorityCommandRecord) -> Result<AuthorityCommand, ConvertError> {
    Err(ConvertError::new("authority", "no command of this kind is known"))
}

pub(super) fn state_to_wire(_: &Authorities) -> v1::AuthorityStateRecord {
    v1::AuthorityStateRecord {}
}

pub(super) fn state_from_wire(_: Option<v1::AuthorityStateRecord>) -> Result<Authorities, ConvertError> {
    Ok(Authorities::default())
}
