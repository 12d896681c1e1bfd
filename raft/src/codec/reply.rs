//! The machine's replies, on their way from the leader to the node that proposed.

use super::CodecError;
use super::command::value_required;
use bytes::Bytes;
use labkeeper_machine::{CommandKind, CommandRecord, Rejection, Reply};
use labkeeper_model::{ErrorCode, Timestamp};
use labkeeper_proto::convert::{ConvertError, command_id, required, tag_path, value_opt};
use labkeeper_proto::v1;
use labkeeper_proto::v1::reply_record::Kind;
use prost::Message as _;
use std::sync::Arc;

/// A reply as the bytes of a `ReplyRecord`.
#[must_use]
pub fn encode(reply: &Result<Reply, Rejection>) -> Bytes {
    let kind = match reply {
        Ok(Reply::Done) => Kind::Done(v1::Blank {}),
        Ok(Reply::Node(id)) => Kind::NodeId(*id),
        Ok(Reply::SiteVersion(version)) => Kind::SiteVersion(*version),
        Ok(Reply::Command(command)) => Kind::Command(command_to_wire(command)),
        Ok(Reply::Reported { refused }) => Kind::RefusedReports(*refused),
        Ok(Reply::Session(id)) => Kind::SessionId(*id),
        Ok(Reply::Expired { ended }) => Kind::Expired(*ended),
        Err(rejection) => Kind::Rejected(v1::Rejected {
            code: rejection.code.number().into(),
            message: rejection.message.clone(),
            problems: rejection.problems.iter().map(Into::into).collect(),
        }),
    };
    v1::ReplyRecord { kind: Some(kind) }.encode_to_vec().into()
}

/// The reply that the bytes of a `ReplyRecord` stand for.
///
/// # Errors
/// [`CodecError`] when they stand for none that this version knows.
pub fn decode(bytes: &[u8]) -> Result<Result<Reply, Rejection>, CodecError> {
    let record = v1::ReplyRecord::decode(bytes)?;
    Ok(Ok(match required("kind", record.kind)? {
        Kind::Done(_) => Reply::Done,
        Kind::NodeId(id) => Reply::Node(id),
        Kind::SiteVersion(version) => Reply::SiteVersion(version),
        Kind::Command(command) => Reply::Command(Arc::new(command_from_wire(command)?)),
        Kind::RefusedReports(refused) => Reply::Reported { refused },
        Kind::SessionId(id) => Reply::Session(id),
        Kind::Expired(ended) => Reply::Expired { ended },
        Kind::Rejected(rejected) => {
            let problems = rejected.problems.into_iter().map(Into::into).collect();
            return Ok(Err(Rejection { code: error_code("rejected.code", rejected.code)?, message: rejected.message, problems }));
        }
    }))
}

/// A remembered command, as it is stored.
pub(super) fn command_to_wire(command: &CommandRecord) -> v1::CommandStateRecord {
    v1::CommandStateRecord {
        id: command.id.0.to_vec(),
        tag: command.tag.to_string(),
        asked: Some((&command.asked).into()),
        accepted: command.accepted.as_ref().map(Into::into),
        revision: command.revision,
        expected_revision: command.expected_revision,
        deadline_unix_ns: command.deadline.0,
        actor: command.actor.clone(),
        reason: command.reason.clone(),
        log_index: command.log_index,
        steps: command.steps.iter().map(Into::into).collect(),
        error_code: command.error.as_ref().map_or(0, |(code, _)| code.number().into()),
        error_message: command.error.as_ref().map_or_else(String::new, |(_, message)| message.clone()),
        owner_id: command.owner.unwrap_or(0),
        is_action: command.kind == CommandKind::Action,
        ramp_per_s: command.ramp_per_s,
        mark: command.mark.as_ref().map(Into::into),
        dispatched_epoch: command.dispatched_epoch,
    }
}

/// A remembered command, as it was stored.
pub(super) fn command_from_wire(command: v1::CommandStateRecord) -> Result<CommandRecord, ConvertError> {
    let error = match command.error_code {
        0 => None,
        number => Some((error_code("error_code", number)?, command.error_message)),
    };
    Ok(CommandRecord {
        id: command_id("id", &command.id)?,
        tag: tag_path("tag", &command.tag)?,
        asked: value_required("asked", command.asked)?,
        accepted: value_opt(command.accepted)?,
        revision: command.revision,
        expected_revision: command.expected_revision,
        deadline: Timestamp(command.deadline_unix_ns),
        actor: command.actor,
        reason: command.reason,
        log_index: command.log_index,
        steps: command.steps.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
        error,
        owner: (command.owner_id != 0).then_some(command.owner_id),
        kind: if command.is_action { CommandKind::Action } else { CommandKind::Setpoint },
        ramp_per_s: command.ramp_per_s,
        mark: value_opt(command.mark)?,
        dispatched_epoch: command.dispatched_epoch,
    })
}

/// A field that holds an error code by its number.
pub(super) fn error_code(field: &str, number: u32) -> Result<ErrorCode, ConvertError> {
    let code = u16::try_from(number).ok().and_then(ErrorCode::from_number);
    code.ok_or_else(|| ConvertError::new(field, format!("{number} is not an error code that this version knows")))
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
