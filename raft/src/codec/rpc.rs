//! What nodes say to each other about consensus. Generic over the runtime, so that the simulation sends the same bytes.

use super::log::{entry_from_wire, entry_to_wire, id_from_wire, id_to_wire, meta_from_wire, meta_to_wire, vote_from_wire, vote_to_wire};
use crate::types::{SnapshotMeta, Types, Vote};
use labkeeper_proto::convert::{ConvertError, required};
use labkeeper_proto::v1;
use openraft::raft::{
    AppendEntriesRequest, SnapshotResponse, StreamAppendError, StreamAppendResult, TransferLeaderError, TransferLeaderRequest,
    TransferLeaderResponse, VoteRequest, VoteResponse,
};
use openraft_rt::AsyncRuntime;
use v1::append_response::Kind;

/// A request to append.
#[must_use]
pub fn append_to_wire<Rt: AsyncRuntime>(request: &AppendEntriesRequest<Types<Rt>>) -> v1::AppendRequest {
    v1::AppendRequest {
        vote: Some(vote_to_wire(&request.vote)),
        previous: request.prev_log_id.map(id_to_wire),
        entries: request.entries.iter().map(entry_to_wire).collect(),
        committed: request.leader_commit.map(id_to_wire),
    }
}

/// A request to append.
///
/// # Errors
/// [`ConvertError`] when a field is missing or the entries do not follow one another.
pub fn append_from_wire<Rt: AsyncRuntime>(request: v1::AppendRequest) -> Result<AppendEntriesRequest<Types<Rt>>, ConvertError> {
    let entries = request.entries.into_iter().map(entry_from_wire).collect::<Result<Vec<_>, _>>()?;
    let previous = request.previous.map(id_from_wire);
    // The core takes it for granted that entries follow one another; a gap would become a hole in the log.
    let mut next = previous.map_or(0, |id| id.index.saturating_add(1));
    for entry in &entries {
        if entry.log_id.index != next {
            return Err(ConvertError::new("entries", format!("index {} where {next} was to come", entry.log_id.index)));
        }
        next = next.saturating_add(1);
    }
    Ok(AppendEntriesRequest {
        vote: vote_from_wire(required("vote", request.vote)?),
        prev_log_id: previous,
        entries,
        leader_commit: request.committed.map(id_from_wire),
    })
}

/// What became of an append.
#[must_use]
pub fn appended_to_wire<Rt: AsyncRuntime>(result: &StreamAppendResult<Types<Rt>>) -> v1::AppendResponse {
    let kind = match result {
        Ok(last) => Kind::Stored(v1::AppendStored { last: last.map(id_to_wire) }),
        Err(StreamAppendError::Conflict(id)) => Kind::Conflict(id_to_wire(*id)),
        Err(StreamAppendError::HigherVote(vote)) => Kind::HigherVote(vote_to_wire(vote)),
    };
    v1::AppendResponse { kind: Some(kind) }
}

/// That the follower cannot answer.
#[must_use]
pub fn fatal_to_wire(message: String) -> v1::AppendResponse {
    v1::AppendResponse { kind: Some(Kind::Fatal(message)) }
}

/// What became of an append.
///
/// # Errors
/// [`ConvertError`] when a field is missing, or with the follower's words when it could not answer.
pub fn appended_from_wire<Rt: AsyncRuntime>(response: v1::AppendResponse) -> Result<StreamAppendResult<Types<Rt>>, ConvertError> {
    Ok(match required("kind", response.kind)? {
        Kind::Stored(stored) => Ok(stored.last.map(id_from_wire)),
        Kind::Conflict(id) => Err(StreamAppendError::Conflict(id_from_wire(id))),
        Kind::HigherVote(vote) => Err(StreamAppendError::HigherVote(vote_from_wire(vote))),
        Kind::Fatal(message) => return Err(ConvertError::new("fatal", message)),
    })
}

/// A request for a vote.
#[must_use]
pub fn vote_request_to_wire<Rt: AsyncRuntime>(request: &VoteRequest<Types<Rt>>) -> v1::VoteRequest {
    v1::VoteRequest {
        vote: Some(vote_to_wire(&request.vote)),
        last_log_id: request.last_log_id.map(id_to_wire),
        leadership_transfer: request.leadership_transfer,
    }
}

/// A request for a vote.
///
/// # Errors
/// [`ConvertError`] when a field is missing.
pub fn vote_request_from_wire<Rt: AsyncRuntime>(request: v1::VoteRequest) -> Result<VoteRequest<Types<Rt>>, ConvertError> {
    Ok(VoteRequest {
        vote: vote_from_wire(required("vote", request.vote)?),
        last_log_id: request.last_log_id.map(id_from_wire),
        leadership_transfer: request.leadership_transfer,
    })
}

/// An answer to a request for a vote.
#[must_use]
pub fn vote_response_to_wire<Rt: AsyncRuntime>(response: &VoteResponse<Types<Rt>>) -> v1::VoteResponse {
    v1::VoteResponse {
        vote: Some(vote_to_wire(&response.vote)),
        granted: response.vote_granted,
        last_log_id: response.last_log_id.map(id_to_wire),
    }
}

/// An answer to a request for a vote.
///
/// # Errors
/// [`ConvertError`] when a field is missing.
pub fn vote_response_from_wire<Rt: AsyncRuntime>(response: v1::VoteResponse) -> Result<VoteResponse<Types<Rt>>, ConvertError> {
    Ok(VoteResponse {
        vote: vote_from_wire(required("vote", response.vote)?),
        vote_granted: response.granted,
        last_log_id: response.last_log_id.map(id_from_wire),
    })
}

/// A request to take leadership over.
#[must_use]
pub fn transfer_to_wire<Rt: AsyncRuntime>(request: &TransferLeaderRequest<Types<Rt>>) -> v1::TransferRequest {
    v1::TransferRequest {
        from: Some(vote_to_wire(request.from_leader())),
        to: *request.to_node_id(),
        last_log_id: request.last_log_id().copied().map(id_to_wire),
    }
}

/// A request to take leadership over.
///
/// # Errors
/// [`ConvertError`] when a field is missing.
pub fn transfer_from_wire<Rt: AsyncRuntime>(request: v1::TransferRequest) -> Result<TransferLeaderRequest<Types<Rt>>, ConvertError> {
    let from = vote_from_wire(required("from", request.from)?);
    Ok(TransferLeaderRequest::new(from, request.to, request.last_log_id.map(id_from_wire)))
}

/// An answer to a request to take over.
#[must_use]
pub fn transferred_to_wire<Rt: AsyncRuntime>(response: &TransferLeaderResponse<Types<Rt>>) -> v1::TransferResponse {
    let (accepted, vote, last_log_id) = match response {
        Ok(()) => (true, None, None),
        Err(TransferLeaderError::VoteChanged { actual, .. }) => (false, Some(vote_to_wire(actual)), None),
        Err(TransferLeaderError::LogNotFlushed { actual, .. }) => (false, None, actual.map(id_to_wire)),
    };
    v1::TransferResponse { accepted, vote, last_log_id }
}

/// The answer to `request`, which knows what was expected.
pub fn transferred_from_wire<Rt: AsyncRuntime>(
    request: &TransferLeaderRequest<Types<Rt>>,
    response: v1::TransferResponse,
) -> TransferLeaderResponse<Types<Rt>> {
    match (response.accepted, response.vote) {
        (true, _) => Ok(()),
        (false, Some(vote)) => Err(TransferLeaderError::VoteChanged { expected: *request.from_leader(), actual: vote_from_wire(vote) }),
        (false, None) => Err(TransferLeaderError::LogNotFlushed {
            expected: request.last_log_id().copied(),
            actual: response.last_log_id.map(id_from_wire),
        }),
    }
}

/// What a snapshot is.
#[must_use]
pub fn header_to_wire(vote: &Vote, meta: &SnapshotMeta, bytes: u64) -> v1::SnapshotHeader {
    v1::SnapshotHeader { vote: Some(vote_to_wire(vote)), meta: Some(meta_to_wire(meta)), bytes }
}

/// What a snapshot is: whose, of what, how many bytes.
///
/// # Errors
/// [`ConvertError`] when a field is missing.
pub fn header_from_wire(header: v1::SnapshotHeader) -> Result<(Vote, SnapshotMeta, u64), ConvertError> {
    let vote = vote_from_wire(required("vote", header.vote)?);
    Ok((vote, meta_from_wire(required("meta", header.meta)?)?, header.bytes))
}

/// An answer to a snapshot.
#[must_use]
pub fn installed_to_wire<Rt: AsyncRuntime>(response: &SnapshotResponse<Types<Rt>>) -> v1::SnapshotResponse {
    v1::SnapshotResponse { vote: Some(vote_to_wire(&response.vote)) }
}

/// An answer to a snapshot.
///
/// # Errors
/// [`ConvertError`] when a field is missing.
pub fn installed_from_wire<Rt: AsyncRuntime>(response: v1::SnapshotResponse) -> Result<SnapshotResponse<Types<Rt>>, ConvertError> {
    Ok(SnapshotResponse::new(vote_from_wire(required("vote", response.vote)?)))
}
