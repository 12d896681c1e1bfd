//! Calls to other nodes' consensus, as openraft makes them.
//!
//! Every call ends: short ones by openraft's own deadline, the append stream when an answer that is due stays out, a snapshot by its
//! own deadline. An error says whether trying again at once makes sense (openraft backs off from `Unreachable`).

use crate::applied::Replica;
use crate::codec::rpc;
use crate::network::pool::{Lane, Pool};
use crate::network::tag::{Addresses, Tag};
use crate::network::{CHUNK_BYTES_MAX, MESSAGE_BYTES_MAX};
use crate::store::data_dir::Identity;
use crate::types::{AppendRequest, Member, RpcError, Snapshot, TypeConfig, Vote};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use labkeeper_model::NodeId;
use labkeeper_proto::v1;
use labkeeper_proto::v1::raft_service_client::RaftServiceClient;
use labkeeper_proto::v1::snapshot_chunk::Kind;
use openraft::base::{BoxFuture, BoxStream};
use openraft::errors::{NetworkError, RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::{Backoff, NetBackoff, NetSnapshot, NetStreamAppend, NetTransferLeader, NetVote, RPCOption};
use openraft::raft::{SnapshotResponse, StreamAppendResult, TransferLeaderRequest, TransferLeaderResponse, VoteRequest, VoteResponse};
use openraft::{OptionalSend, RaftNetworkFactory};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Request, Status, Streaming};

/// Pause after a stream could not be opened. openraft's own back-off waits where a stream's first request is made, which a
/// connection that is refused never asks for: without a pause here, a dead node would be dialled thousands of times a second. Half a
/// heartbeat, so that a node that is back is noticed as soon as it could be.
const REDIAL_AFTER: Duration = Duration::from_millis(50);

type Client = RaftServiceClient<InterceptedService<Channel, Tag>>;
type Appended = Result<StreamAppendResult<TypeConfig>, RpcError>;

/// Makes links to other nodes.
#[derive(Clone)]
pub(crate) struct Dialer {
    pub(crate) pool: Pool,
    pub(crate) me: Identity,
    pub(crate) replica: Replica,
    pub(crate) addresses: Addresses,
    /// How long an answer to an append may take before the stream is given up: longer than any disk should pause, shorter than a
    /// broken connection would keep a healed network waiting.
    pub(crate) stalled_after: Duration,
}

/// Calls to one node on one lane.
pub(crate) struct Link {
    dialer: Dialer,
    target: NodeId,
    member: Member,
    lane: Lane,
}

impl RaftNetworkFactory<TypeConfig> for Dialer {
    type Network = Link;

    async fn new_client(&mut self, target: NodeId, node: &Member) -> Link {
        self.link(target, node, Lane::Append)
    }

    async fn new_heartbeat_client(&mut self, target: NodeId, node: &Member) -> Link {
        self.link(target, node, Lane::Heartbeat)
    }

    async fn new_snapshot_client(&mut self, target: NodeId, node: &Member) -> Link {
        self.link(target, node, Lane::Snapshot)
    }
}

impl Dialer {
    fn link(&self, target: NodeId, node: &Member, lane: Lane) -> Link {
        Link { dialer: self.clone(), target, member: node.clone(), lane }
    }
}

impl Link {
    /// Looked up at each call: a node may have come back under another address.
    fn client(&self, lane: Lane) -> Result<Client, RpcError> {
        let replicated = || self.dialer.replica.read(|machine| machine.nodes().get(&self.target).map(|node| node.grpc.clone()));
        let address = self.dialer.addresses.of(self.target).or_else(replicated).unwrap_or_else(|| self.member.grpc.clone());
        let channel = self.dialer.pool.channel(&address, lane).map_err(|e| RPCError::Unreachable(Unreachable::new(&e)))?;
        let client = RaftServiceClient::with_interceptor(channel, Tag::new(self.dialer.me, &self.dialer.addresses, self.target));
        Ok(client.max_decoding_message_size(MESSAGE_BYTES_MAX).max_encoding_message_size(MESSAGE_BYTES_MAX))
    }
}

/// A short call with openraft's deadline.
fn timed<T>(message: T, option: &RPCOption) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(option.soft_ttl());
    request
}

fn failed(status: &Status) -> RpcError {
    match status.code() {
        // Down, of another site, or not a member yet: no use in asking again at once.
        Code::Unavailable | Code::FailedPrecondition | Code::NotFound => RPCError::Unreachable(Unreachable::new(status)),
        _ => RPCError::Network(NetworkError::new(status)),
    }
}

fn garbled(error: &labkeeper_proto::convert::ConvertError) -> RpcError {
    RPCError::Network(NetworkError::new(error))
}

impl NetStreamAppend<TypeConfig> for Link {
    fn stream_append<'s, S>(&'s mut self, input: S, _option: RPCOption) -> BoxFuture<'s, Result<BoxStream<'s, Appended>, RpcError>>
    where
        S: Stream<Item = AppendRequest> + OptionalSend + Unpin + 'static,
    {
        let (client, stalled_after) = (self.client(self.lane), self.dialer.stalled_after);
        Box::pin(async move {
            let unanswered = Arc::new(AtomicUsize::new(0));
            let sent = unanswered.clone();
            let requests = input.map(move |request| {
                sent.fetch_add(1, Ordering::Relaxed);
                rpc::append_to_wire(&request)
            });
            let answers = match tokio::time::timeout(stalled_after, client?.append(requests)).await {
                Ok(Ok(answers)) => answers.into_inner(),
                Ok(Err(status)) => {
                    tokio::time::sleep(REDIAL_AFTER).await;
                    return Err(failed(&status));
                }
                Err(_) => return Err(stalled()),
            };
            let state = Some(Answers { answers, unanswered, stalled_after });
            Ok(Box::pin(futures::stream::unfold(state, next_answer)) as BoxStream<'s, Appended>)
        })
    }
}

struct Answers {
    answers: Streaming<v1::AppendResponse>,
    unanswered: Arc<AtomicUsize>,
    stalled_after: Duration,
}

/// The next answer; an error if one is due and does not come.
async fn next_answer(state: Option<Answers>) -> Option<(Appended, Option<Answers>)> {
    let mut state = state?;
    loop {
        match tokio::time::timeout(state.stalled_after, state.answers.next()).await {
            Err(_) if state.unanswered.load(Ordering::Relaxed) > 0 => return Some((Err(stalled()), None)),
            // Nothing was asked, so no answer is due.
            Err(_) => {}
            Ok(None) => return None,
            Ok(Some(Err(status))) => return Some((Err(failed(&status)), None)),
            Ok(Some(Ok(answer))) => {
                state.unanswered.fetch_sub(1, Ordering::Relaxed);
                let answer = rpc::appended_from_wire(answer).map_err(|e| garbled(&e));
                let goes_on = answer.is_ok();
                return Some((answer, goes_on.then_some(state)));
            }
        }
    }
}

fn stalled() -> RpcError {
    RPCError::Network(NetworkError::from_string("no answer to an append in time"))
}

impl NetVote<TypeConfig> for Link {
    async fn vote(&mut self, request: VoteRequest<TypeConfig>, option: RPCOption) -> Result<VoteResponse<TypeConfig>, RpcError> {
        let call = timed(rpc::vote_request_to_wire(&request), &option);
        let answer = self.client(Lane::Heartbeat)?.vote(call).await.map_err(|status| failed(&status))?;
        rpc::vote_response_from_wire(answer.into_inner()).map_err(|e| garbled(&e))
    }

    async fn pre_vote(&mut self, request: VoteRequest<TypeConfig>, option: RPCOption) -> Result<VoteResponse<TypeConfig>, RpcError> {
        let call = timed(rpc::vote_request_to_wire(&request), &option);
        let answer = self.client(Lane::Heartbeat)?.pre_vote(call).await.map_err(|status| failed(&status))?;
        rpc::vote_response_from_wire(answer.into_inner()).map_err(|e| garbled(&e))
    }
}

impl NetTransferLeader<TypeConfig> for Link {
    async fn transfer_leader(
        &mut self,
        request: TransferLeaderRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<TypeConfig>, RpcError> {
        let call = timed(rpc::transfer_to_wire(&request), &option);
        let answer = self.client(Lane::Heartbeat)?.transfer(call).await.map_err(|status| failed(&status))?;
        Ok(rpc::transferred_from_wire(&request, answer.into_inner()))
    }
}

impl NetBackoff<TypeConfig> for Link {
    /// The policy of the configuration.
    fn backoff(&self) -> Option<Backoff> {
        None
    }
}

impl NetSnapshot<TypeConfig> for Link {
    type SnapshotData = Bytes;

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: Snapshot,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<TypeConfig>, StreamingError<TypeConfig>> {
        let call = timed(futures::stream::iter(chunks(&vote, snapshot)), &option);
        let mut client = self.client(self.lane)?;
        tokio::select! {
            closed = cancel => Err(StreamingError::Closed(closed)),
            answer = client.install_snapshot(call) => {
                let answer = answer.map_err(|status| failed(&status))?.into_inner();
                Ok(rpc::installed_from_wire(answer).map_err(|e| garbled(&e))?)
            }
        }
    }
}

/// A snapshot as messages; its bytes are not copied until they are sent.
fn chunks(vote: &Vote, snapshot: Snapshot) -> impl Iterator<Item = v1::SnapshotChunk> + use<> {
    let bytes = snapshot.snapshot;
    let header = rpc::header_to_wire(vote, &snapshot.meta, bytes.len() as u64);
    let starts = (0..bytes.len()).step_by(CHUNK_BYTES_MAX);
    let data = starts.map(move |from| bytes.slice(from..bytes.len().min(from + CHUNK_BYTES_MAX)));
    std::iter::once(Kind::Header(header)).chain(data.map(Kind::Data)).map(|kind| v1::SnapshotChunk { kind: Some(kind) })
}
