//! A network that delays, loses and cuts. What nodes say travels as the bytes that they would send.

use crate::disk::{SimDisk, random};
use bytes::Bytes;
use labkeeper_raft::codec::rpc;
use labkeeper_raft::types::{Member, RaftOf, Snapshot, Types, Vote};
use openraft::errors::{NetworkError, RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::{Backoff, RPCOption};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, TransferLeaderRequest, TransferLeaderResponse, VoteRequest, VoteResponse,
};
use openraft::{OptionalSend, RaftNetworkFactory, RaftNetworkV2};
use openraft_rt::AsyncRuntime;
use openraft_rt_sim::SimRuntime;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

pub(crate) type Config = Types<SimRuntime>;
pub(crate) type Raft = RaftOf<SimRuntime>;
type RpcError = RPCError<Config>;

/// Who is there, and what lies between them.
#[derive(Default)]
pub(crate) struct Wires {
    pub(crate) nodes: BTreeMap<u64, Raft>,
    /// Directions in which nothing passes.
    pub(crate) cut: BTreeSet<(u64, u64)>,
    /// Messages lost, of a thousand.
    pub(crate) loss: u64,
}

#[derive(Clone)]
pub(crate) struct SimNetwork {
    pub(crate) wires: Arc<Mutex<Wires>>,
    pub(crate) me: u64,
    pub(crate) disk: SimDisk,
}

pub(crate) struct SimLink {
    network: SimNetwork,
    to: u64,
}

impl RaftNetworkFactory<Config> for SimNetwork {
    type Network = SimLink;

    async fn new_client(&mut self, to: u64, _: &Member) -> SimLink {
        SimLink { network: self.clone(), to }
    }
}

fn unreachable(why: &str) -> RpcError {
    RPCError::Unreachable(Unreachable::from_string(why))
}

fn failed(error: impl std::fmt::Display) -> RpcError {
    RPCError::Network(NetworkError::from_string(error))
}

/// Bytes on the way: what cannot be decoded again would be a fault of the codec.
fn over_the_wire<M: prost::Message + Default>(message: &M) -> M {
    M::decode(&message.encode_to_vec()[..]).expect("own bytes")
}

impl SimLink {
    async fn hop(&self, from: u64, to: u64) -> Result<(), RpcError> {
        SimRuntime::sleep(Duration::from_micros(50 + random(3_000))).await;
        let wires = self.network.wires.lock();
        let (cut, loss) = (wires.cut.contains(&(from, to)), wires.loss);
        drop(wires);
        if cut || random(1_000) < loss { Err(unreachable("lost")) } else { Ok(()) }
    }

    /// There and back, within openraft's deadline. A node without power sends nothing.
    async fn call<T, F>(&self, option: &RPCOption, ask: impl FnOnce(Raft) -> F + Send) -> Result<T, RpcError>
    where
        T: Send,
        F: Future<Output = Result<T, RpcError>> + Send,
    {
        let call = async {
            if !self.network.disk.is_on() {
                return Err(unreachable("this node is off"));
            }
            self.hop(self.network.me, self.to).await?;
            let target = self.network.wires.lock().nodes.get(&self.to).cloned().ok_or_else(|| unreachable("the other is off"))?;
            let answer = ask(target).await?;
            self.hop(self.to, self.network.me).await?;
            Ok(answer)
        };
        SimRuntime::timeout(option.soft_ttl(), call).await.map_err(|_| failed("no answer in time"))?
    }
}

impl RaftNetworkV2<Config> for SimLink {
    type SnapshotData = Bytes;

    async fn append_entries(
        &mut self,
        request: AppendEntriesRequest<Config>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<Config>, RpcError> {
        let sent = over_the_wire(&rpc::append_to_wire(&request));
        let request = rpc::append_from_wire::<SimRuntime>(sent).map_err(failed)?;
        let (previous, last) = (request.prev_log_id, request.entries.last().map(|entry| entry.log_id).or(request.prev_log_id));
        self.call(&option, |target| async move {
            let answer = target.append_entries(request).await.map_err(failed)?;
            let whole = answer.is_success();
            let wire = over_the_wire(&rpc::appended_to_wire::<SimRuntime>(&answer.into_stream_result(previous, last)));
            Ok(match rpc::appended_from_wire::<SimRuntime>(wire).map_err(failed)? {
                Ok(stored) if !whole => AppendEntriesResponse::PartialSuccess(stored),
                other => other.into(),
            })
        })
        .await
    }

    async fn vote(&mut self, request: VoteRequest<Config>, option: RPCOption) -> Result<VoteResponse<Config>, RpcError> {
        let request = rpc::vote_request_from_wire(over_the_wire(&rpc::vote_request_to_wire(&request))).map_err(failed)?;
        self.call(&option, |target| async move { target.vote(request).await.map_err(failed) }).await
    }

    async fn pre_vote(&mut self, request: VoteRequest<Config>, option: RPCOption) -> Result<VoteResponse<Config>, RpcError> {
        let request = rpc::vote_request_from_wire(over_the_wire(&rpc::vote_request_to_wire(&request))).map_err(failed)?;
        let answer = self.call(&option, |target| async move { target.pre_vote(request).await.map_err(failed) }).await?;
        rpc::vote_response_from_wire(over_the_wire(&rpc::vote_response_to_wire(&answer))).map_err(failed)
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: Snapshot,
        _cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<Config>, StreamingError<Config>> {
        let header = over_the_wire(&rpc::header_to_wire(&vote, &snapshot.meta, snapshot.snapshot.len() as u64));
        let (vote, meta, _) = rpc::header_from_wire(header).map_err(failed)?;
        let snapshot = Snapshot { meta, snapshot: snapshot.snapshot };
        let answer = self.call(&option, |target| async move { target.install_full_snapshot(vote, snapshot).await.map_err(failed) }).await;
        Ok(answer?)
    }

    async fn transfer_leader(
        &mut self,
        request: TransferLeaderRequest<Config>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<Config>, RpcError> {
        let sent = rpc::transfer_from_wire(over_the_wire(&rpc::transfer_to_wire(&request))).map_err(failed)?;
        let answer = self.call(&option, |target| async move { target.handle_transfer_leader(sent).await.map_err(failed) }).await?;
        Ok(rpc::transferred_from_wire(&request, over_the_wire(&rpc::transferred_to_wire(&answer))))
    }

    fn backoff(&self) -> Option<Backoff> {
        None
    }
}
