//! The replicated state in the words of `proto/`. Whatever needs no state is converted by `labkeeper_proto::convert`.

use crate::error::ApiError;
use labkeeper_machine::Machine;
use labkeeper_machine::state::{Cause, CommandKind, CommandRecord, Drift, Hold, HoldReason, Reconciled, Setpoint};
use labkeeper_model::site::Access;
use labkeeper_model::{CommandState, ErrorCode, NodeId, Sample, WaitLevel};
use labkeeper_proto::v1;
use labkeeper_raft::{ClusterError, ProposeError};

/// A sample for the wire.
#[must_use]
pub fn sample(sample: &Sample) -> v1::Sample {
    sample.into()
}

/// A sample from another node; `None` if it is malformed, which only a foreign program would send.
#[must_use]
pub fn sample_from(sample: &v1::Sample) -> Option<Sample> {
    sample.clone().try_into().ok()
}

/// A node's name; its number if the node is not known (any more).
#[must_use]
pub fn node_name(machine: &Machine, id: NodeId) -> String {
    machine.nodes().get(&id).map_or_else(|| format!("node {id}"), |node| node.name.to_string())
}

/// What may be done with a tag.
#[must_use]
pub fn access(access: Access) -> v1::Access {
    access.into()
}

/// A tag's setpoint.
#[must_use]
pub fn setpoint(setpoint: &Setpoint) -> v1::Setpoint {
    v1::Setpoint {
        value: Some((&setpoint.value).into()),
        revision: setpoint.revision,
        state: v1::CommandState::from(setpoint.state).into(),
        actor: setpoint.actor.clone(),
        reason: setpoint.reason.clone(),
        command_id: setpoint.command_id.to_string(),
    }
}

/// What a takeover left different from a setpoint.
#[must_use]
pub fn drift(drift: &Drift) -> v1::TagDrift {
    let outcome = match drift.outcome {
        Reconciled::Matches => v1::ReconcileOutcome::Matches,
        Reconciled::Adopted { .. } => v1::ReconcileOutcome::Adopted,
        Reconciled::Reasserted { .. } => v1::ReconcileOutcome::Reasserted,
        Reconciled::DrivenSafe { .. } => v1::ReconcileOutcome::DrivenSafe,
        Reconciled::Held { .. } => v1::ReconcileOutcome::Held,
        Reconciled::Unreadable => v1::ReconcileOutcome::Unreadable,
    };
    v1::TagDrift {
        outcome: outcome.into(),
        actual: drift.outcome.actual().map(Into::into),
        epoch: drift.epoch,
        since_unix_ms: drift.since.as_millis(),
    }
}

/// Why a tag takes no setpoints until an operator confirms.
#[must_use]
pub fn hold(hold: &Hold) -> v1::TagHold {
    let reason = match hold.reason {
        HoldReason::Policy => v1::TagHoldReason::Policy,
        HoldReason::Dangerous => v1::TagHoldReason::Dangerous,
    };
    v1::TagHold {
        reason: reason.into(),
        actual: hold.actual.as_ref().map(Into::into),
        epoch: hold.epoch,
        since_unix_ms: hold.since.as_millis(),
    }
}

/// Why a segment was given to somebody.
#[must_use]
pub fn cause(cause: Cause) -> v1::GrantCause {
    match cause {
        Cause::First => v1::GrantCause::First,
        Cause::SessionExpired => v1::GrantCause::SessionExpired,
        Cause::SessionEnded => v1::GrantCause::SessionEnded,
        Cause::Restarted => v1::GrantCause::Restarted,
        Cause::Drained => v1::GrantCause::Drained,
        Cause::HomeReturn => v1::GrantCause::HomeReturn,
        Cause::Reach => v1::GrantCause::Reach,
        Cause::SiteChanged => v1::GrantCause::SiteChanged,
        Cause::NodeRemoved => v1::GrantCause::NodeRemoved,
        Cause::Released => v1::GrantCause::Released,
    }
}

/// A command and what became of it.
#[must_use]
pub fn command(machine: &Machine, record: &CommandRecord) -> v1::Command {
    let state: CommandState = record.state();
    v1::Command {
        id: record.id.to_string(),
        tag: record.tag.to_string(),
        value: Some(record.accepted.as_ref().unwrap_or(&record.asked).into()),
        revision: record.revision,
        state: v1::CommandState::from(state).into(),
        error: record.error.as_ref().map(Into::into),
        log_index: record.log_index,
        actor: record.actor.clone(),
        reason: record.reason.clone(),
        deadline_unix_ms: record.deadline.as_millis(),
        steps: record.steps.iter().map(Into::into).collect(),
        owner: record.owner.map(|id| node_name(machine, id)).unwrap_or_default(),
        kind: match record.kind {
            CommandKind::Setpoint => v1::CommandKind::Setpoint,
            CommandKind::Action => v1::CommandKind::Action,
        }
        .into(),
        ramp_per_s: record.ramp_per_s,
        ramp: machine.ramp_of(record).map(super::ramp::to_wire),
    }
}

/// How far a client wants to wait.
///
/// # Errors
/// The number is not one of the enum's.
pub fn wait_level(number: i32) -> Result<WaitLevel, ApiError> {
    labkeeper_proto::convert::wait_level("wait", number).map_err(|error| ApiError::new(ErrorCode::BadRequest, error.to_string()))
}

/// Why nothing was proposed, or why the outcome is not known.
#[must_use]
pub fn propose_error(error: ProposeError) -> ApiError {
    ApiError::new(error.code(), error.to_string())
}

/// Why a change of the cluster did not happen.
#[must_use]
pub fn cluster_error(error: ClusterError) -> ApiError {
    ApiError::new(error.code(), error.to_string())
}
