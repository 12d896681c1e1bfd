//! Control over the API: what the machine has of it, in the words of `proto/`, and what people do about it.
//!
//! Who may have control is decided in the machine; every deed may be repeated, as the same one twice is one.

use super::commit::{commit_and_see, once};
use crate::error::ApiError;
use labkeeper_machine::authority::{Control, HOLD_DEFAULT, Loss, Lost};
use labkeeper_machine::{AuthorityCommand, Command, Machine};
use labkeeper_model::{ErrorCode, Scope};
use labkeeper_proto::v1;
use labkeeper_raft::Cluster;
use std::time::Duration;

/// What needs no more than a scope, a name and a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    /// Give it back.
    Give,
    /// Ask for it.
    Ask,
    /// Take it away from whoever has it.
    Break,
}

/// Who has control of what, and who lost it how.
#[must_use]
pub fn list(cluster: &Cluster) -> v1::ListControlResponse {
    cluster.read(|machine| v1::ListControlResponse {
        held: machine.controls().map(|(scope, control)| control_to_wire(scope, control)).collect(),
        lost: machine.control_losses().map(|(scope, loss)| loss_to_wire(scope, loss)).collect(),
    })
}

/// Takes control.
///
/// # Errors
/// Another has it, there is no such scope, or no majority confirmed it in time.
pub async fn take(cluster: &Cluster, request: v1::TakeControlRequest) -> Result<v1::ControlResponse, ApiError> {
    let scope = scope(&request.scope)?;
    let hold = if request.hold_ms == 0 { HOLD_DEFAULT } else { Duration::from_millis(request.hold_ms.into()) };
    let (actor, client, reason) = (request.actor, request.client, request.reason);
    let command = AuthorityCommand::Take { scope: scope.clone(), actor, client, reason, hold };
    done(cluster, &scope, once(&request.id, Command::Authority(command))?).await
}

/// Says that the holder is still there.
///
/// # Errors
/// He has it no more, there is no such scope, or no majority confirmed it in time.
pub async fn renew(cluster: &Cluster, request: v1::RenewControlRequest) -> Result<v1::ControlResponse, ApiError> {
    let scope = scope(&request.scope)?;
    // Twice is once: it lasts from the later one.
    let command = AuthorityCommand::Renew { scope: scope.clone(), actor: request.actor, client: request.client };
    done(cluster, &scope, Command::Authority(command)).await
}

/// Gives control back, asks for it, or breaks it.
///
/// # Errors
/// The machine refuses it, there is no such scope, or no majority confirmed it in time.
pub async fn plain(cluster: &Cluster, what: Plain, request: v1::ControlDeedRequest) -> Result<v1::ControlResponse, ApiError> {
    let scope = scope(&request.scope)?;
    let (of, actor, reason) = (scope.clone(), request.actor, request.reason);
    let command = match what {
        Plain::Give => AuthorityCommand::Give { scope: of, actor },
        Plain::Ask => AuthorityCommand::Ask { scope: of, actor, reason },
        Plain::Break => AuthorityCommand::Break { scope: of, actor, reason },
    };
    done(cluster, &scope, once(&request.id, Command::Authority(command))?).await
}

async fn done(cluster: &Cluster, scope: &Scope, command: Command) -> Result<v1::ControlResponse, ApiError> {
    commit_and_see(cluster, command).await?;
    Ok(cluster.read(|machine| v1::ControlResponse { held: overlapping(machine, scope) }))
}

fn overlapping(machine: &Machine, scope: &Scope) -> Vec<v1::Control> {
    let overlapping = machine.controls().filter(|(held, _)| held.overlaps(scope, machine.site()));
    overlapping.map(|(scope, control)| control_to_wire(scope, control)).collect()
}

fn scope(text: &str) -> Result<Scope, ApiError> {
    let unknown = || ApiError::new(ErrorCode::UnknownScope, format!("{text:?} is not device/NAME, segment/NAME or group/NAME"));
    Scope::parse(text).ok_or_else(unknown)
}

fn control_to_wire(scope: &Scope, control: &Control) -> v1::Control {
    let yields_at = control.yields_at().unwrap_or_default();
    let asked = control.asked.as_ref().map(|asked| v1::ControlAsked {
        actor: asked.actor.clone(),
        reason: asked.reason.clone(),
        at_unix_ms: asked.at.as_millis(),
        yields_at_unix_ms: yields_at.as_millis(),
    });
    v1::Control {
        scope: scope.to_string(),
        holder: control.holder.clone(),
        client: control.client.clone(),
        reason: control.reason.clone(),
        since_unix_ms: control.since.as_millis(),
        until_unix_ms: control.until.as_millis(),
        // Ten minutes at most.
        hold_ms: u64::try_from(control.hold.as_millis()).unwrap_or(u64::MAX),
        asked,
    }
}

fn loss_to_wire(scope: &Scope, loss: &Loss) -> v1::ControlLoss {
    let by = match &loss.how {
        Lost::Expired => String::new(),
        Lost::Taken { by } | Lost::Broken { by, .. } => by.clone(),
    };
    v1::ControlLoss {
        scope: scope.to_string(),
        holder: loss.holder.clone(),
        client: loss.client.clone(),
        at_unix_ms: loss.at.as_millis(),
        how: loss.how.in_words(),
        by,
    }
}
