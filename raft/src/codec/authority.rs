//! Commands and state about who has taken control of what, as the log and snapshots hold them.

use labkeeper_machine::authority::{Asked, Authorities, AuthorityCommand, Control, Loss, Lost};
use labkeeper_model::{Scope, Timestamp};
use labkeeper_proto::convert::{ConvertError, required};
use labkeeper_proto::v1;
use labkeeper_proto::v1::authority_command_record::Kind;
use std::time::Duration;

pub(super) fn command_to_wire(command: &AuthorityCommand) -> v1::AuthorityCommandRecord {
    let kind = match command {
        AuthorityCommand::Take { scope, actor, client, reason, hold } => Kind::Take(v1::TakeControl {
            scope: scope.to_string(),
            actor: actor.clone(),
            client: client.clone(),
            reason: reason.clone(),
            hold_ns: nanos(*hold),
        }),
        AuthorityCommand::Renew { scope, actor, client } => {
            Kind::Renew(v1::RenewControl { scope: scope.to_string(), actor: actor.clone(), client: client.clone() })
        }
        AuthorityCommand::Give { scope, actor } => Kind::Give(v1::GiveControl { scope: scope.to_string(), actor: actor.clone() }),
        AuthorityCommand::Ask { scope, actor, reason } => {
            Kind::Ask(v1::AskForControl { scope: scope.to_string(), actor: actor.clone(), reason: reason.clone() })
        }
        AuthorityCommand::Break { scope, actor, reason } => {
            Kind::Break(v1::BreakControl { scope: scope.to_string(), actor: actor.clone(), reason: reason.clone() })
        }
    };
    v1::AuthorityCommandRecord { kind: Some(kind) }
}

pub(super) fn command_from_wire(record: v1::AuthorityCommandRecord) -> Result<AuthorityCommand, ConvertError> {
    Ok(match required("authority.kind", record.kind)? {
        Kind::Take(take) => AuthorityCommand::Take {
            scope: scope(&take.scope)?,
            actor: take.actor,
            client: take.client,
            reason: take.reason,
            hold: Duration::from_nanos(take.hold_ns),
        },
        Kind::Renew(renew) => AuthorityCommand::Renew { scope: scope(&renew.scope)?, actor: renew.actor, client: renew.client },
        Kind::Give(give) => AuthorityCommand::Give { scope: scope(&give.scope)?, actor: give.actor },
        Kind::Ask(ask) => AuthorityCommand::Ask { scope: scope(&ask.scope)?, actor: ask.actor, reason: ask.reason },
        Kind::Break(broken) => AuthorityCommand::Break { scope: scope(&broken.scope)?, actor: broken.actor, reason: broken.reason },
    })
}

pub(super) fn state_to_wire(state: &Authorities) -> v1::AuthorityStateRecord {
    v1::AuthorityStateRecord {
        held: state.held.iter().map(|(scope, control)| control_to_wire(scope, control)).collect(),
        lost: state.lost.iter().map(|(scope, loss)| loss_to_wire(scope, loss)).collect(),
    }
}

pub(super) fn state_from_wire(record: Option<v1::AuthorityStateRecord>) -> Result<Authorities, ConvertError> {
    let record = record.unwrap_or_default();
    Ok(Authorities {
        held: record.held.into_iter().map(control_from_wire).collect::<Result<_, _>>()?,
        lost: record.lost.into_iter().map(loss_from_wire).collect::<Result<_, _>>()?,
    })
}

fn control_to_wire(scope: &Scope, control: &Control) -> v1::ControlRecord {
    let asked = control.asked.as_ref().map(|asked| v1::ControlAskedRecord {
        actor: asked.actor.clone(),
        reason: asked.reason.clone(),
        at_unix_ns: asked.at.0,
    });
    v1::ControlRecord {
        scope: scope.to_string(),
        holder: control.holder.clone(),
        client: control.client.clone(),
        reason: control.reason.clone(),
        since_unix_ns: control.since.0,
        hold_ns: nanos(control.hold),
        until_unix_ns: control.until.0,
        asked,
    }
}

fn control_from_wire(record: v1::ControlRecord) -> Result<(Scope, Control), ConvertError> {
    let asked = record.asked.map(|asked| Asked { actor: asked.actor, reason: asked.reason, at: Timestamp(asked.at_unix_ns) });
    let control = Control {
        holder: record.holder,
        client: record.client,
        reason: record.reason,
        since: Timestamp(record.since_unix_ns),
        hold: Duration::from_nanos(record.hold_ns),
        until: Timestamp(record.until_unix_ns),
        asked,
    };
    Ok((scope(&record.scope)?, control))
}

fn loss_to_wire(scope: &Scope, loss: &Loss) -> v1::ControlLossRecord {
    let (by, reason) = match &loss.how {
        Lost::Expired => ("", ""),
        Lost::Taken { by } => (by.as_str(), ""),
        Lost::Broken { by, reason } => (by.as_str(), reason.as_str()),
    };
    v1::ControlLossRecord {
        scope: scope.to_string(),
        holder: loss.holder.clone(),
        client: loss.client.clone(),
        at_unix_ns: loss.at.0,
        by: by.to_owned(),
        reason: reason.to_owned(),
    }
}

/// Neither an actor who takes or breaks control nor the reason for breaking it is ever empty.
fn loss_from_wire(record: v1::ControlLossRecord) -> Result<(Scope, Loss), ConvertError> {
    let how = match (record.by, record.reason) {
        (by, _) if by.is_empty() => Lost::Expired,
        (by, reason) if reason.is_empty() => Lost::Taken { by },
        (by, reason) => Lost::Broken { by, reason },
    };
    Ok((scope(&record.scope)?, Loss { holder: record.holder, client: record.client, at: Timestamp(record.at_unix_ns), how }))
}

fn scope(text: &str) -> Result<Scope, ConvertError> {
    Scope::parse(text).ok_or_else(|| ConvertError::new("authority.scope", format!("{text:?} is not a scope")))
}

/// Saturates after 584 years.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
