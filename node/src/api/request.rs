//! What clients ask for, taken from their messages: what is malformed is refused with the field's name.

use crate::error::ApiError;
use labkeeper_machine::ActionRequest;
use labkeeper_machine::command::SetpointRequest;
use labkeeper_model::{CommandId, ErrorCode, TagPath, Timestamp};
use labkeeper_proto::v1;
use std::time::Duration;
use tokio::time::Instant;

/// When a command loses its meaning, if its client does not say.
const DEADLINE_DEFAULT: Duration = Duration::from_secs(10);
/// How long a client waits, if it does not say.
const WAIT_DEFAULT: Duration = Duration::from_secs(5);
/// Longest wait that a client may ask for.
pub const WAIT_MAX: Duration = Duration::from_secs(60);

/// Until when a client waits.
///
/// # Errors
/// Longer than [`WAIT_MAX`].
pub fn wait_until(wait_ms_max: u32) -> Result<Instant, ApiError> {
    let wait = Duration::from_millis(wait_ms_max.into());
    if wait > WAIT_MAX {
        return Err(ApiError::new(ErrorCode::BadRequest, format!("wait_ms_max is {wait_ms_max}, more than {}", WAIT_MAX.as_millis())));
    }
    Ok(Instant::now() + if wait.is_zero() { WAIT_DEFAULT } else { wait })
}

/// An id that a client made.
///
/// # Errors
/// It is no UUID.
pub fn id(text: &str) -> Result<CommandId, ApiError> {
    CommandId::parse(text).ok_or_else(|| ApiError::new(ErrorCode::BadCommandId, format!("id: {text:?} is not a UUID")))
}

/// A tag by its path.
///
/// # Errors
/// It is no path.
pub fn tag(text: &str) -> Result<TagPath, ApiError> {
    TagPath::parse(text).map_err(|error| ApiError::new(ErrorCode::UnknownTag, format!("tag: {text:?}: {error}")))
}

fn deadline(unix_ms: i64, now: Timestamp) -> Timestamp {
    if unix_ms == 0 { now.saturating_add(DEADLINE_DEFAULT) } else { Timestamp::from_millis(unix_ms) }
}

fn bad(what: String) -> ApiError {
    ApiError::new(ErrorCode::BadRequest, what)
}

/// A setpoint as a client asks for it at this time.
///
/// # Errors
/// Its id, tag or value is malformed.
pub fn setpoint(request: v1::SetSetpointRequest, now: Timestamp) -> Result<SetpointRequest, ApiError> {
    let value = request.value.ok_or_else(|| bad("value: missing".into()))?;
    Ok(SetpointRequest {
        id: id(&request.id)?,
        tag: tag(&request.tag)?,
        value: value.try_into().map_err(|error| bad(format!("value: {error}")))?,
        expected_revision: request.expected_revision,
        deadline: deadline(request.deadline_unix_ms, now),
        actor: request.actor,
        reason: request.reason,
        ramp_per_s: request.ramp_per_s,
    })
}

/// An action as a client asks for it at this time.
///
/// # Errors
/// Its id, tag or value is malformed.
pub fn action(request: v1::RunActionRequest, now: Timestamp) -> Result<ActionRequest, ApiError> {
    Ok(ActionRequest {
        id: id(&request.id)?,
        tag: tag(&request.tag)?,
        value: request.value.map(TryInto::try_into).transpose().map_err(|error| bad(format!("value: {error}")))?,
        deadline: deadline(request.deadline_unix_ms, now),
        actor: request.actor,
        reason: request.reason,
    })
}
