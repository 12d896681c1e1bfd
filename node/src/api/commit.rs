//! Bringing a wish of a client into the log. What is not the same twice goes under an id ([`once`]).

use super::{request, wire};
use crate::error::ApiError;
use labkeeper_machine::Command;
use labkeeper_model::{CommandId, LogIndex};
use labkeeper_raft::Cluster;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// How long an entry may take to be committed: several elections.
const COMMIT_MAX: Duration = Duration::from_secs(5);
/// Pause before a proposal whose outcome is in doubt is repeated: a tenth of an election.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// What a person does, under the id that its client gave it; else under a new one, by which at least this node's own attempts are one.
///
/// # Errors
/// The id is malformed.
pub(super) fn once(id: &str, deed: Command) -> Result<Command, ApiError> {
    let id = if id.is_empty() { CommandId(uuid::Uuid::now_v7().into_bytes()) } else { request::id(id)? };
    Ok(Command::Once { id, deed: Box::new(deed) })
}

/// Brings a command into the log, again if the leader died over it; the entry. Only for commands that may be repeated.
///
/// # Errors
/// The machine refuses it, or no majority confirmed it in time.
pub(super) async fn commit(cluster: &Cluster, command: Command) -> Result<LogIndex, ApiError> {
    let until = Instant::now() + COMMIT_MAX;
    loop {
        match cluster.propose(command.clone(), until).await {
            Ok(proposed) => return Ok(proposed.reply.map(|_| proposed.log_index)?),
            Err(error) if error.in_doubt() && Instant::now() + RETRY_AFTER < until => sleep(RETRY_AFTER).await,
            Err(error) => return Err(wire::propose_error(error)),
        }
    }
}

/// As [`commit`], and then waits until this node has applied the entry, so that what it reads next is the outcome. A node that does not
/// catch up in time shows what it has.
///
/// # Errors
/// As [`commit`].
pub(super) async fn commit_and_see(cluster: &Cluster, command: Command) -> Result<LogIndex, ApiError> {
    let index = commit(cluster, command).await?;
    let until = Instant::now() + COMMIT_MAX;
    let _ = timeout_at(until, cluster.applied().wait_for(|applied| *applied >= index)).await;
    Ok(index)
}
