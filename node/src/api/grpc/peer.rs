//! The service that the other nodes call. What only the leader can do is answered here or refused, never passed on again.

use super::Services;
use crate::error::ApiError;
use crate::telemetry::relay;
use labkeeper_model::ErrorCode;
use labkeeper_proto::v1;
use labkeeper_proto::v1::peer_service_server::PeerService;
use labkeeper_raft::{Cluster, ClusterError, ReadKind};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

/// Messages between a relay's task and its connection; what comes later is conflated.
const RELAY_QUEUE: usize = 1;

#[tonic::async_trait]
impl PeerService for Services {
    type WatchOwnedStream = ReceiverStream<Result<v1::WatchOwnedResponse, Status>>;

    async fn propose(&self, request: Request<v1::ProposeRequest>) -> Result<Response<v1::ProposeResponse>, Status> {
        Ok(Response::new(self.cluster.serve_propose(request.into_inner()).await))
    }

    async fn read_index(&self, request: Request<v1::ReadIndexRequest>) -> Result<Response<v1::ReadIndexResponse>, Status> {
        let kind = if request.get_ref().lease { ReadKind::Lease } else { ReadKind::ReadIndex };
        let index = self.cluster.read_index_here(kind).await.map_err(|error| Cluster::to_status(&error.into()))?;
        Ok(Response::new(v1::ReadIndexResponse { index }))
    }

    async fn admit(&self, request: Request<v1::AdmitRequest>) -> Result<Response<v1::AdmitResponse>, Status> {
        Ok(Response::new(self.membership.admit(request.into_inner()).await.map_err(for_peer)?))
    }

    async fn promote(&self, request: Request<v1::PromoteRequest>) -> Result<Response<v1::PromoteResponse>, Status> {
        self.membership.promote(request.into_inner()).await.map_err(for_peer)?;
        Ok(Response::new(v1::PromoteResponse {}))
    }

    async fn remove(&self, request: Request<v1::RemoveRequest>) -> Result<Response<v1::RemoveResponse>, Status> {
        self.cluster.remove(request.get_ref().node_id, &request.get_ref().actor).await.map_err(|error| Cluster::to_status(&error))?;
        Ok(Response::new(v1::RemoveResponse {}))
    }

    async fn transfer_to(&self, request: Request<v1::TransferToRequest>) -> Result<Response<v1::TransferToResponse>, Status> {
        let term = self.cluster.transfer(request.get_ref().node_id).await.map_err(|error| Cluster::to_status(&error))?;
        Ok(Response::new(v1::TransferToResponse { term }))
    }

    async fn get_node_state(&self, _: Request<v1::GetNodeStateRequest>) -> Result<Response<v1::GetNodeStateResponse>, Status> {
        Ok(Response::new(self.status.node_state()))
    }

    async fn watch_owned(&self, request: Request<v1::WatchOwnedRequest>) -> Result<Response<Self::WatchOwnedStream>, Status> {
        let Some(identity) = self.cluster.identity() else {
            return Err(for_peer(ApiError::new(ErrorCode::NotInitialised, "this node belongs to no cluster")));
        };
        tracing::debug!(node = request.get_ref().node, "another node follows this one's samples");
        let (out, stream) = mpsc::channel(RELAY_QUEUE);
        let serve = relay::serve(self.tags.latest.clone(), identity.node_id, self.cluster.clone(), out);
        tokio::spawn(self.stop.clone().run_until_cancelled_owned(serve));
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}

/// An error in the form that nodes understand among themselves.
fn for_peer(error: ApiError) -> Status {
    Cluster::to_status(&ClusterError::Remote { code: error.code, message: error.message })
}
