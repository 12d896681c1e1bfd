//! Interlocks over the API: how they stand, what people do about them, and why a tag cannot be driven.
//!
//! What an interlock requires is evaluated by the owner of its tags; here is only what the site knows of it.

use super::commit::{commit_and_see, once};
use super::request::tag;
use crate::error::ApiError;
use labkeeper_machine::explain::{Reason, Weight};
use labkeeper_machine::interlocks::Standing;
use labkeeper_machine::{Command, InterlockCommand};
use labkeeper_model::{ErrorCode, Name, Timestamp};
use labkeeper_proto::v1;
use labkeeper_raft::Cluster;

/// How each interlock stands.
#[must_use]
pub fn list(cluster: &Cluster) -> v1::ListInterlocksResponse {
    let interlocks = cluster.read(|machine| machine.interlocks().map(|(name, standing)| status(name, &standing)).collect());
    v1::ListInterlocksResponse { interlocks }
}

/// Releases a latch.
///
/// # Errors
/// There is no such interlock, its requirement does not hold, or no majority confirmed it in time.
pub async fn reset(cluster: &Cluster, request: v1::ResetInterlockRequest) -> Result<v1::InterlockResponse, ApiError> {
    let interlock = name(&request.interlock)?;
    let command = InterlockCommand::Reset { interlock: interlock.clone(), actor: request.actor, reason: request.reason };
    done(cluster, &request.id, &interlock, command).await
}

/// Takes an interlock out of force.
///
/// # Errors
/// There is no such interlock, the time is not within a day, nobody gave a reason, or no majority confirmed it in time.
pub async fn defeat(cluster: &Cluster, request: v1::DefeatInterlockRequest) -> Result<v1::InterlockResponse, ApiError> {
    let interlock = name(&request.interlock)?;
    let until = Timestamp::from_millis(request.until_unix_ms);
    let command = InterlockCommand::Defeat { interlock: interlock.clone(), until, actor: request.actor, reason: request.reason };
    done(cluster, &request.id, &interlock, command).await
}

/// Puts an interlock back in force.
///
/// # Errors
/// There is no such interlock, or no majority confirmed it in time.
pub async fn restore(cluster: &Cluster, request: v1::RestoreInterlockRequest) -> Result<v1::InterlockResponse, ApiError> {
    let interlock = name(&request.interlock)?;
    let command = InterlockCommand::EndDefeat { interlock: interlock.clone(), actor: request.actor, reason: request.reason };
    done(cluster, &request.id, &interlock, command).await
}

/// Everything that bears on commands of somebody to a tag.
///
/// # Errors
/// It is not the name of a tag.
pub fn explain(cluster: &Cluster, request: &v1::ExplainTagRequest) -> Result<v1::ExplainTagResponse, ApiError> {
    let tag = tag(&request.tag)?;
    let reasons = cluster.read(|machine| machine.explain(&tag, &request.actor));
    let refused = reasons.iter().any(|reason| reason.weight == Weight::Refuses);
    Ok(v1::ExplainTagResponse { refused, reasons: reasons.into_iter().map(reason).collect() })
}

async fn done(cluster: &Cluster, id: &str, interlock: &Name, command: InterlockCommand) -> Result<v1::InterlockResponse, ApiError> {
    commit_and_see(cluster, once(id, Command::Interlock(command))?).await?;
    let after = cluster.read(|machine| machine.interlock(interlock.as_str()).map(|standing| status(interlock, &standing)));
    Ok(v1::InterlockResponse { interlock: after })
}

fn name(text: &str) -> Result<Name, ApiError> {
    Name::new(text).map_err(|error| ApiError::new(ErrorCode::UnknownInterlock, format!("{text:?}: {error}")))
}

fn status(name: &Name, standing: &Standing<'_>) -> v1::InterlockStatus {
    let defeat = standing.defeat().map(|defeat| v1::InterlockDefeat {
        by: defeat.by.clone(),
        reason: defeat.reason.clone(),
        since_unix_ms: defeat.since.as_millis(),
        until_unix_ms: defeat.until.as_millis(),
    });
    v1::InterlockStatus {
        name: name.to_string(),
        description: standing.spec.description.clone(),
        stage: standing.spec.stage.as_str().to_owned(),
        require: standing.spec.require.clone(),
        tags: standing.spec.tags.iter().map(ToString::to_string).collect(),
        state: standing.word().to_string(),
        blocks: standing.blocks(),
        why: standing.requirement_in_words(),
        since_unix_ms: standing.state.since.as_millis(),
        forced: standing.state.forced.iter().map(ToString::to_string).collect(),
        defeat,
    }
}

fn reason(reason: Reason) -> v1::ExplainReason {
    v1::ExplainReason {
        weight: reason.weight.as_str().to_owned(),
        about: reason.about.to_owned(),
        code: reason.code.map_or_else(String::new, |code| code.to_string()),
        message: reason.message,
        remedy: reason.code.map_or_else(String::new, |code| code.remedy().to_owned()),
    }
}
