//! Other nodes' calls into this node's consensus. A call that is not for this node, or cannot be understood, is refused with a
//! code; none can stop the node.

use crate::applied::Replica;
use crate::codec::rpc;
use crate::network::errors::to_status;
use crate::network::tag::{self, Addresses};
use crate::network::{MESSAGE_BYTES_MAX, SNAPSHOT_BYTES_MAX};
use crate::store::data_dir::Identity;
use crate::types::{Raft, Snapshot};
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _};
use labkeeper_model::ErrorCode;
use labkeeper_proto::convert::ConvertError;
use labkeeper_proto::v1;
use labkeeper_proto::v1::raft_service_server::{RaftService, RaftServiceServer};
use labkeeper_proto::v1::snapshot_chunk::Kind;
use openraft_rt_tokio::TokioRuntime;
use parking_lot::Mutex;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use tonic::{Request, Response, Status, Streaming};

/// The consensus core, once the node belongs to a site.
pub(crate) type Core = Arc<OnceLock<(Identity, Raft)>>;

/// Serves consensus to other nodes.
#[derive(Clone)]
pub struct RaftRpc {
    core: Core,
    replica: Replica,
    addresses: Addresses,
}

impl RaftRpc {
    pub(crate) fn service(core: Core, replica: Replica, addresses: Addresses) -> RaftServiceServer<Self> {
        let service = RaftServiceServer::new(Self { core, replica, addresses });
        service.max_decoding_message_size(MESSAGE_BYTES_MAX).max_encoding_message_size(MESSAGE_BYTES_MAX)
    }

    fn core<T>(&self, request: &Request<T>) -> Result<Raft, Status> {
        let Some((me, raft)) = self.core.get() else {
            return Err(to_status(ErrorCode::NotInitialised, "the node belongs to no cluster"));
        };
        tag::check(request.metadata(), *me)?;
        self.addresses.learn(request.metadata(), |id| self.replica.read(|machine| machine.nodes().contains_key(&id)));
        Ok(raft.clone())
    }
}

fn garbled(error: &ConvertError) -> Status {
    to_status(ErrorCode::BadRequest, &error.to_string())
}

fn stopped(error: impl std::fmt::Display) -> Status {
    to_status(ErrorCode::Internal, &format!("consensus has stopped: {error}"))
}

#[tonic::async_trait]
impl RaftService for RaftRpc {
    type AppendStream = Pin<Box<dyn Stream<Item = Result<v1::AppendResponse, Status>> + Send>>;

    async fn append(&self, request: Request<Streaming<v1::AppendRequest>>) -> Result<Response<Self::AppendStream>, Status> {
        let raft = self.core(&request)?;
        // The core takes requests, not errors: the first error ends its input, and is told once all before it are answered.
        let wrong = Arc::new(Mutex::new(None));
        let found = wrong.clone();
        let requests = request.into_inner().map(|message| message.and_then(|m| rpc::append_from_wire(m).map_err(|e| garbled(&e))));
        let requests =
            requests.scan((), move |(), request| std::future::ready(request.map_err(|status| *found.lock() = Some(status)).ok()));
        let answers = raft.stream_append(requests).map(|answer| {
            Ok(answer.map_or_else(|fatal| rpc::fatal_to_wire(fatal.to_string()), |a| rpc::appended_to_wire::<TokioRuntime>(&a)))
        });
        let last = futures::stream::once(async move { wrong.lock().take() }).filter_map(|status| async { status.map(Err) });
        Ok(Response::new(Box::pin(answers.chain(last))))
    }

    async fn vote(&self, request: Request<v1::VoteRequest>) -> Result<Response<v1::VoteResponse>, Status> {
        let raft = self.core(&request)?;
        let request = rpc::vote_request_from_wire(request.into_inner()).map_err(|e| garbled(&e))?;
        let answer = raft.vote(request).await.map_err(stopped)?;
        Ok(Response::new(rpc::vote_response_to_wire::<TokioRuntime>(&answer)))
    }

    async fn pre_vote(&self, request: Request<v1::VoteRequest>) -> Result<Response<v1::VoteResponse>, Status> {
        let raft = self.core(&request)?;
        let request = rpc::vote_request_from_wire(request.into_inner()).map_err(|e| garbled(&e))?;
        let answer = raft.pre_vote(request).await.map_err(stopped)?;
        Ok(Response::new(rpc::vote_response_to_wire::<TokioRuntime>(&answer)))
    }

    async fn transfer(&self, request: Request<v1::TransferRequest>) -> Result<Response<v1::TransferResponse>, Status> {
        let raft = self.core(&request)?;
        let request = rpc::transfer_from_wire(request.into_inner()).map_err(|e| garbled(&e))?;
        let answer = raft.handle_transfer_leader(request).await.map_err(stopped)?;
        Ok(Response::new(rpc::transferred_to_wire::<TokioRuntime>(&answer)))
    }

    async fn install_snapshot(&self, request: Request<Streaming<v1::SnapshotChunk>>) -> Result<Response<v1::SnapshotResponse>, Status> {
        let raft = self.core(&request)?;
        let mut chunks = request.into_inner();
        let Some(Kind::Header(header)) = chunks.message().await?.and_then(|chunk| chunk.kind) else {
            return Err(to_status(ErrorCode::BadRequest, "a snapshot begins with its header"));
        };
        let (vote, meta, bytes) = rpc::header_from_wire(header).map_err(|e| garbled(&e))?;
        let snapshot = collect(&mut chunks, bytes).await?;
        let answer = raft.install_full_snapshot(vote, Snapshot { meta, snapshot }).await.map_err(stopped)?;
        Ok(Response::new(rpc::installed_to_wire::<TokioRuntime>(&answer)))
    }
}

/// The bytes of a snapshot; neither more nor fewer than its header said.
async fn collect(chunks: &mut Streaming<v1::SnapshotChunk>, bytes: u64) -> Result<Bytes, Status> {
    if bytes > SNAPSHOT_BYTES_MAX {
        return Err(to_status(ErrorCode::TooLarge, &format!("a snapshot of {bytes} bytes is larger than {SNAPSHOT_BYTES_MAX}")));
    }
    // Grows as chunks come, so that a header alone reserves nothing.
    let mut snapshot = BytesMut::new();
    while let Some(chunk) = chunks.message().await? {
        let Some(Kind::Data(data)) = chunk.kind else {
            return Err(to_status(ErrorCode::BadRequest, "a snapshot has one header, then data"));
        };
        if (snapshot.len() + data.len()) as u64 > bytes {
            return Err(to_status(ErrorCode::BadRequest, "a snapshot is longer than its header says"));
        }
        snapshot.extend_from_slice(&data);
    }
    if snapshot.len() as u64 != bytes {
        return Err(to_status(ErrorCode::BadRequest, "a snapshot ended before its header's length"));
    }
    Ok(snapshot.freeze())
}
