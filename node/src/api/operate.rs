//! Steering ramps and selecting tags over the API: what the machine has of them, in the words of `proto/`, and what people do about them.
//!
//! Every deed may be repeated, as the same one twice is one.

use super::commit::{commit_and_see, once};
use super::{request, wire};
use crate::error::ApiError;
use labkeeper_machine::{Command, Machine, OperateCommand, RampState, SelectionRequest, Steer};
use labkeeper_model::{ErrorCode, TagPath};
use labkeeper_proto::convert::value_opt;
use labkeeper_proto::v1;
use labkeeper_raft::Cluster;
use tokio::time::timeout_at;

/// Steers a ramp; a stop waits for its owner to say where it stands. The command whose setpoint is approached.
///
/// # Errors
/// The tag is not on its way step by step, somebody who may not set it resumes it, or no majority confirmed it in time.
pub async fn steer(cluster: &Cluster, request: v1::SteerRampRequest) -> Result<v1::Command, ApiError> {
    let tag = request::tag(&request.tag)?;
    let until = request::wait_until(request.wait_ms_max)?;
    let how = match request.how() {
        v1::RampSteer::Hold => Steer::Hold,
        v1::RampSteer::Resume => Steer::Resume,
        v1::RampSteer::Stop => Steer::Stop,
        v1::RampSteer::Unspecified => return Err(ApiError::new(ErrorCode::BadRequest, "how: hold, resume or stop is missing")),
    };
    let (actor, reason) = (request.actor, request.reason);
    let steer = Command::Operate(OperateCommand::Steer { tag: tag.clone(), how, actor, reason });
    commit_and_see(cluster, once(&request.id, steer)?).await?;
    let is_stopping = || cluster.read(|machine| machine.ramp(&tag).is_some_and(|ramp| ramp.state == RampState::Stopping));
    let mut applied = cluster.applied();
    while is_stopping() {
        if !matches!(timeout_at(until, applied.changed()).await, Ok(Ok(()))) {
            break;
        }
    }
    let gone = || ApiError::new(ErrorCode::NoRamp, format!("{tag}: another command has taken its place"));
    cluster.read(|machine| steered(machine, &tag)).ok_or_else(gone)
}

fn steered(machine: &Machine, tag: &TagPath) -> Option<v1::Command> {
    let record = machine.command(&machine.ramp(tag)?.command)?;
    Some(wire::command(machine, record))
}

/// Selects a tag for a command that is to follow under the same id.
///
/// # Errors
/// The command would be refused, somebody else is about to write to the tag, it needs no selection, or no majority confirmed it in time.
pub async fn select(cluster: &Cluster, request: v1::SelectTagRequest) -> Result<v1::SelectTagResponse, ApiError> {
    let (id, tag) = (request::id(&request.id)?, request::tag(&request.tag)?);
    let bad = |error| ApiError::new(ErrorCode::BadRequest, format!("value: {error}"));
    let value = value_opt(request.value).map_err(bad)?;
    let wish = SelectionRequest { id, tag: tag.clone(), value, actor: request.actor, client: request.client };
    commit_and_see(cluster, Command::Operate(OperateCommand::Select(wish))).await?;
    let made = cluster.read(|machine| machine.selection(&tag).filter(|selection| selection.id == id).cloned());
    let void = || ApiError::new(ErrorCode::StaleSelection, format!("the selection of {tag} was void before it could be told"));
    let made = made.ok_or_else(void)?;
    Ok(v1::SelectTagResponse { value: Some((&made.value).into()), until_unix_ms: made.until.as_millis() })
}

/// Gives a selection up.
///
/// # Errors
/// It is somebody else's, or no majority confirmed it in time.
pub async fn deselect(cluster: &Cluster, request: v1::DeselectTagRequest) -> Result<v1::DeselectTagResponse, ApiError> {
    let (id, tag) = (request::id(&request.id)?, request::tag(&request.tag)?);
    commit_and_see(cluster, Command::Operate(OperateCommand::Deselect { id, tag, actor: request.actor })).await?;
    Ok(v1::DeselectTagResponse {})
}
