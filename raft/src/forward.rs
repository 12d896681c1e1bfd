//! From any node to the leader, and back.
//!
//! A command is handed to one leader once. Only when it is certain that nothing was proposed (no leader yet, the node that was asked
//! does not lead, the connection was never made) is a leader looked for again, until the deadline. Anything else is answered at
//! once: proposed, or in doubt.
//!
//! ```text
//!   propose -+- this node leads ------> its queue -------------+-- outcome
//!            +- another leads --------> PeerService.Propose ---+-- certainly not proposed: wait for a leader, again
//!            +- nobody leads ---------> wait for a leader      +-- in doubt: say so
//! ```

use crate::cluster::{Cluster, Member};
use crate::codec::{command, reply};
use crate::error::ProposeError;
use crate::network::errors::{from_status, never_sent};
use crate::propose::COMMAND_BYTES_MAX;
use crate::types::{Proposed, ReadKind};
use bytes::Bytes;
use labkeeper_machine::Command;
use labkeeper_model::{ErrorCode, LogIndex};
use labkeeper_proto::v1;
use labkeeper_proto::v1::propose_response::Kind;
use openraft::ReadPolicy;
use openraft::errors::LinearizableReadError;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tonic::{Request, Status};

/// How long to wait before looking for a leader again when nothing says that there is another: a tenth of an election.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(30);

enum Way {
    Here,
    There(String),
    Nowhere,
}

impl Cluster {
    /// Proposes a command from any node and waits for its outcome, until `deadline`.
    ///
    /// # Errors
    /// [`ProposeError`]; nothing is tried again that may have been proposed.
    pub async fn propose(&self, command: Command, deadline: Instant) -> Result<Proposed, ProposeError> {
        let command = command::encode(&command);
        if command.len() > COMMAND_BYTES_MAX {
            return Err(ProposeError::TooLarge { bytes: command.len(), bytes_max: COMMAND_BYTES_MAX });
        }
        loop {
            let outcome = match self.way()? {
                Way::Here => self.propose_here(command.clone(), deadline).await,
                Way::There(address) => self.propose_there(&address, command.clone(), deadline).await,
                Way::Nowhere => Err(ProposeError::NoLeader { leader: None }),
            };
            match outcome {
                Err(ProposeError::NoLeader { .. }) => self.wait_for_leader(deadline).await?,
                other => return other,
            }
        }
    }

    /// Proposes an encoded command on this node, which must lead; never hands it on. What `PeerService.Propose` does.
    ///
    /// # Errors
    /// [`ProposeError`]; [`ProposeError::NoLeader`] if this node does not lead.
    pub async fn propose_here(&self, command: Bytes, deadline: Instant) -> Result<Proposed, ProposeError> {
        self.member()?.proposer.propose(command, deadline).await
    }

    /// `PeerService.Propose` as a whole.
    pub async fn serve_propose(&self, request: v1::ProposeRequest) -> v1::ProposeResponse {
        let deadline = Instant::now() + Duration::from_millis(request.timeout_ms.min(TIMEOUT_MS_MAX));
        match self.propose_here(request.command.into(), deadline).await {
            Ok(Proposed { reply, log_index }) => v1::ProposeResponse { kind: Some(Kind::Reply(reply::encode(&reply).into())), log_index },
            Err(error) => {
                let leader_id = match &error {
                    ProposeError::NoLeader { leader } => leader.unwrap_or(0),
                    _ => 0,
                };
                let refused = v1::ProposeRefused {
                    error: Some(labkeeper_proto::convert::error(error.code(), error.to_string())),
                    in_doubt: error.in_doubt(),
                    leader_id,
                };
                v1::ProposeResponse { kind: Some(Kind::Refused(refused)), log_index: 0 }
            }
        }
    }

    async fn propose_there(&self, address: &str, command: Bytes, deadline: Instant) -> Result<Proposed, ProposeError> {
        let mut peer = self.peer(address).map_err(|_| ProposeError::NoLeader { leader: None })?;
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        let request = Request::new(v1::ProposeRequest { command: command.into(), timeout_ms });
        match timeout_at(deadline, peer.propose(request)).await {
            Err(_) => Err(ProposeError::TimedOut { in_doubt: true }),
            Ok(Err(status)) => Err(not_answered(&status)),
            Ok(Ok(response)) => answered(response.into_inner()),
        }
    }

    /// Makes sure that a read on this node, from any node, misses nothing that was committed before this call: returns once this
    /// node has applied everything up to then.
    ///
    /// # Errors
    /// [`ProposeError`]; never in doubt.
    pub async fn read_barrier(&self, kind: ReadKind, deadline: Instant) -> Result<LogIndex, ProposeError> {
        let index = loop {
            let outcome = match self.way()? {
                Way::Here => timeout_at(deadline, self.read_index_here(kind)).await.unwrap_or(Err(too_late())),
                Way::There(address) => self.read_index_there(&address, kind, deadline).await,
                Way::Nowhere => Err(ProposeError::NoLeader { leader: None }),
            };
            match outcome {
                Err(ProposeError::NoLeader { .. }) => self.wait_for_leader(deadline).await?,
                other => break other?,
            }
        };
        has_applied(self.applied(), index, deadline).await?;
        Ok(index)
    }

    /// The index up to which a node must have applied to read what was committed before this call. This node must lead. What
    /// `PeerService.ReadIndex` does.
    ///
    /// # Errors
    /// [`ProposeError::NoLeader`] if this node does not lead, or no majority confirms that it does.
    pub async fn read_index_here(&self, kind: ReadKind) -> Result<LogIndex, ProposeError> {
        let policy = match kind {
            ReadKind::ReadIndex => ReadPolicy::ReadIndex,
            ReadKind::Lease => ReadPolicy::LeaseRead,
        };
        match self.member()?.raft.get_read_log_id(policy).await {
            Ok((read, _)) => Ok(read.index()),
            Err(error) => Err(match error.into_api_error() {
                Some(LinearizableReadError::ForwardToLeader(to)) => ProposeError::NoLeader { leader: to.leader_id },
                Some(LinearizableReadError::QuorumNotEnough(_)) => ProposeError::NoLeader { leader: None },
                None => ProposeError::Stopped(self.why_stopped()),
            }),
        }
    }

    async fn read_index_there(&self, address: &str, kind: ReadKind, deadline: Instant) -> Result<LogIndex, ProposeError> {
        let mut peer = self.peer(address).map_err(|_| ProposeError::NoLeader { leader: None })?;
        let request = v1::ReadIndexRequest { lease: kind == ReadKind::Lease };
        match timeout_at(deadline, peer.read_index(request)).await {
            Err(_) => Err(too_late()),
            // A read changes nothing, so any failure may be tried again.
            Ok(Err(_)) => Err(ProposeError::NoLeader { leader: None }),
            Ok(Ok(response)) => Ok(response.into_inner().index),
        }
    }

    fn way(&self) -> Result<Way, ProposeError> {
        let Member { identity, .. } = self.member()?;
        let status = self.status();
        Ok(match status.leader {
            Some(leader) if leader == identity.node_id => Way::Here,
            Some(leader) => self.address_of(leader).map_or(Way::Nowhere, Way::There),
            None => Way::Nowhere,
        })
    }

    /// Waits for a sign of another leader, or a little.
    async fn wait_for_leader(&self, deadline: Instant) -> Result<(), ProposeError> {
        if let Some(fault) = self.fault() {
            return Err(ProposeError::Stopped(fault.to_string()));
        }
        let mut changes = self.status_changes();
        changes.mark_unchanged();
        let again = (Instant::now() + LOOK_AGAIN_AFTER).min(deadline);
        let _ = timeout_at(again, changes.changed()).await;
        if Instant::now() >= deadline { Err(ProposeError::NoLeader { leader: self.status().leader }) } else { Ok(()) }
    }
}

/// Waits until a node has applied an entry.
async fn has_applied(mut applied: watch::Receiver<LogIndex>, index: LogIndex, deadline: Instant) -> Result<(), ProposeError> {
    match timeout_at(deadline, applied.wait_for(|applied| *applied >= index)).await {
        Ok(Ok(_)) => Ok(()),
        _ => Err(too_late()),
    }
}

/// Longest time that another node may ask the leader to take: the longest that a client may wait.
const TIMEOUT_MS_MAX: u64 = 60_000;

const fn too_late() -> ProposeError {
    ProposeError::TimedOut { in_doubt: false }
}

/// What a call without an answer means.
fn not_answered(status: &Status) -> ProposeError {
    match from_status(status) {
        Some((ErrorCode::NotInitialised | ErrorCode::NoLeader, _)) => ProposeError::NoLeader { leader: None },
        Some((ErrorCode::Overloaded, _)) => ProposeError::Overloaded,
        _ if never_sent(status) => ProposeError::NoLeader { leader: None },
        _ => ProposeError::TimedOut { in_doubt: true },
    }
}

fn answered(response: v1::ProposeResponse) -> Result<Proposed, ProposeError> {
    match response.kind {
        Some(Kind::Reply(bytes)) => match reply::decode(&bytes) {
            Ok(reply) => Ok(Proposed { reply, log_index: response.log_index }),
            // It was committed; only what came of it cannot be read here.
            Err(_) => Err(ProposeError::TimedOut { in_doubt: true }),
        },
        Some(Kind::Refused(refused)) if refused.in_doubt => Err(ProposeError::TimedOut { in_doubt: true }),
        Some(Kind::Refused(refused)) => Err(refusal(refused)),
        None => Err(ProposeError::TimedOut { in_doubt: true }),
    }
}

fn refusal(refused: v1::ProposeRefused) -> ProposeError {
    let leader = (refused.leader_id != 0).then_some(refused.leader_id);
    let (code, message) = refused.error.and_then(|e| e.try_into().ok()).unwrap_or((ErrorCode::Internal, String::new()));
    match code {
        ErrorCode::NotInitialised | ErrorCode::NoLeader => ProposeError::NoLeader { leader },
        ErrorCode::Overloaded => ProposeError::Overloaded,
        _ => ProposeError::Malformed(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use labkeeper_machine::Reply;

    #[tokio::test]
    async fn a_barrier_is_passed_when_the_node_has_applied_and_not_before() {
        let (applied, watch) = watch::channel(4);
        let now = Instant::now();
        let soon = now + Duration::from_secs(60);
        assert_eq!(has_applied(watch.clone(), 4, now).await, Ok(()));
        assert_eq!(has_applied(watch.clone(), 5, now).await, Err(too_late()));
        let mut waiting = std::pin::pin!(has_applied(watch, 6, soon));
        for (index, passed) in [(5, false), (7, true)] {
            applied.send_replace(index);
            assert_eq!(futures::poll!(waiting.as_mut()).is_ready(), passed, "applied {index}");
        }
    }

    #[test]
    fn an_answer_says_whether_anything_was_proposed() {
        let answer = |kind| answered(v1::ProposeResponse { kind, log_index: 9 });
        let done = Kind::Reply(reply::encode(&Ok(Reply::Done)).into());
        assert_eq!(answer(Some(done)), Ok(Proposed { reply: Ok(Reply::Done), log_index: 9 }));
        assert_eq!(answer(None), Err(ProposeError::TimedOut { in_doubt: true }));
        assert_eq!(answer(Some(Kind::Reply(vec![0xff]))), Err(ProposeError::TimedOut { in_doubt: true }), "it was committed");
        let refused = |code, in_doubt| {
            let error = Some(labkeeper_proto::convert::error(code, "why"));
            answer(Some(Kind::Refused(v1::ProposeRefused { error, in_doubt, leader_id: 3 })))
        };
        assert_eq!(refused(ErrorCode::NoLeader, false), Err(ProposeError::NoLeader { leader: Some(3) }));
        assert_eq!(refused(ErrorCode::Overloaded, false), Err(ProposeError::Overloaded));
        assert_eq!(refused(ErrorCode::BadRequest, false), Err(ProposeError::Malformed("why".into())));
        for code in [ErrorCode::NoLeader, ErrorCode::CommitTimedOut, ErrorCode::Internal] {
            assert_eq!(refused(code, true), Err(ProposeError::TimedOut { in_doubt: true }), "{code}");
        }
    }

    #[test]
    fn a_call_without_an_answer_is_in_doubt_unless_it_was_refused_or_never_sent() {
        assert_eq!(not_answered(&Status::unavailable("connection reset")), ProposeError::TimedOut { in_doubt: true });
        assert_eq!(not_answered(&Status::cancelled("timeout")), ProposeError::TimedOut { in_doubt: true });
        let refused = crate::network::errors::to_status(ErrorCode::NotInitialised, "no site");
        assert_eq!(not_answered(&refused), ProposeError::NoLeader { leader: None });
        let never_sent = Status::from_error(Box::new(tonic::ConnectError("refused".into())));
        assert_eq!(not_answered(&never_sent), ProposeError::NoLeader { leader: None });
    }
}
