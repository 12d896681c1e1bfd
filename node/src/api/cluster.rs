//! Changing the cluster: found a site, join, leave, move leadership. What only the leader may do is asked of it.

use super::wire::cluster_error;
use crate::error::ApiError;
use labkeeper_machine::command::NodeInfo;
use labkeeper_model::{CommandId, ErrorCode, Name, NodeId};
use labkeeper_proto::v1;
use labkeeper_proto::v1::peer_service_client::PeerServiceClient;
use labkeeper_raft::{Cluster, JoinStage};
use tokio::sync::mpsc;
use tonic::transport::Channel;

/// The service behind gRPC.
#[derive(Clone)]
pub struct Membership {
    /// The cluster.
    pub cluster: Cluster,
    /// This node as it declares itself.
    pub me: NodeInfo,
}

impl Membership {
    /// Founds a site with this node as its first voter.
    ///
    /// # Errors
    /// The node belongs to a site already.
    pub async fn init(&self) -> Result<v1::InitClusterResponse, ApiError> {
        let identity = self.cluster.initialize(self.me.clone()).await.map_err(cluster_error)?;
        Ok(v1::InitClusterResponse { node_id: identity.node_id, site_id: CommandId(identity.site_id).to_string() })
    }

    /// Joins the site of `to`, telling of each stage.
    pub async fn join(&self, to: &str, out: &mpsc::Sender<Result<v1::JoinClusterResponse, tonic::Status>>) {
        let progress = |stage: JoinStage| {
            let (stage, node_id, message) = match stage {
                JoinStage::Admitted { node_id } => ("admitted", node_id, format!("admitted as node {node_id}")),
                JoinStage::Learner => ("learner", 0, "a learner: catching up".to_owned()),
                JoinStage::Voter => ("voter", 0, "a voter of the site".to_owned()),
            };
            // Three stages fit into the channel; a client that is gone needs none.
            let _ = out.try_send(Ok(v1::JoinClusterResponse { stage: stage.to_owned(), node_id, message }));
        };
        if let Err(error) = self.cluster.join(to, self.me.clone(), progress).await {
            let _ = out.send(Err(cluster_error(error).into())).await;
        }
    }

    /// Removes a node by name.
    ///
    /// # Errors
    /// There is no such node, it is the only voter, or no majority confirmed it.
    pub async fn leave(&self, name: &str, actor: &str) -> Result<(), ApiError> {
        let id = self.id_of(name)?;
        match self.leader_elsewhere()? {
            None => self.cluster.remove(id, actor).await.map_err(cluster_error),
            Some((address, mut leader)) => {
                let request = v1::RemoveRequest { node_id: id, actor: actor.to_owned() };
                leader.remove(request).await.map(drop).map_err(|status| from_leader(&address, &status))
            }
        }
    }

    /// Moves leadership to a node by name; returns the term afterwards.
    ///
    /// # Errors
    /// There is no such node, or it did not take over in time.
    pub async fn transfer(&self, name: &str) -> Result<v1::TransferLeaderResponse, ApiError> {
        let id = self.id_of(name)?;
        let term = match self.leader_elsewhere()? {
            None => self.cluster.transfer(id).await.map_err(cluster_error)?,
            Some((address, mut leader)) => {
                let moved = leader.transfer_to(v1::TransferToRequest { node_id: id }).await;
                moved.map_err(|status| from_leader(&address, &status))?.into_inner().term
            }
        };
        Ok(v1::TransferLeaderResponse { leader: name.to_owned(), term })
    }

    /// Gives a joining node its number.
    ///
    /// # Errors
    /// The request is malformed, the name is taken, or there is no leader.
    pub async fn admit(&self, request: v1::AdmitRequest) -> Result<v1::AdmitResponse, ApiError> {
        let bad = |what: String| ApiError::new(ErrorCode::BadRequest, what);
        let name = Name::new(&request.name).map_err(|error| bad(format!("name: {error}")))?;
        let instance = CommandId::parse(&request.instance).ok_or_else(|| bad("instance: not a UUID".into()))?.0;
        let node = NodeInfo { name, instance, grpc: request.grpc, http: request.http, reach: request.reach };
        let identity = self.cluster.admit(node).await.map_err(cluster_error)?;
        Ok(v1::AdmitResponse { node_id: identity.node_id, site_id: CommandId(identity.site_id).to_string() })
    }

    /// Makes an admitted node a voter; the leader does it.
    ///
    /// # Errors
    /// The node cannot be reached or catch up, or another change is under way.
    pub async fn promote(&self, request: v1::PromoteRequest) -> Result<(), ApiError> {
        match self.leader_elsewhere()? {
            None => self.cluster.promote(request.node_id, &request.grpc).await.map_err(cluster_error),
            Some((address, mut leader)) => leader.promote(request).await.map(drop).map_err(|status| from_leader(&address, &status)),
        }
    }

    /// The leader's address and a connection to it if another node leads; `None` if this one does.
    fn leader_elsewhere(&self) -> Result<Option<(String, PeerServiceClient<Channel>)>, ApiError> {
        let status = self.cluster.status();
        if status.node_id.is_none() {
            return Err(ApiError::new(ErrorCode::NotInitialised, "this node belongs to no cluster"));
        }
        let leader = status.leader.ok_or_else(|| ApiError::new(ErrorCode::NoLeader, "no leader is known to this node"))?;
        if status.node_id == Some(leader) {
            return Ok(None);
        }
        let address = self.cluster.address_of(leader);
        let address = address.ok_or_else(|| ApiError::new(ErrorCode::NoLeader, "the leader's address is not known to this node"))?;
        let client = self.cluster.peer(&address).map_err(cluster_error)?;
        Ok(Some((address, client)))
    }

    fn id_of(&self, name: &str) -> Result<NodeId, ApiError> {
        let id = self.cluster.read(|machine| machine.node_by_name(name).map(|(id, _)| id));
        id.ok_or_else(|| ApiError::new(ErrorCode::UnknownNode, format!("the site has no node {name:?}")))
    }
}

/// The leader's own error, with its code.
fn from_leader(address: &str, status: &tonic::Status) -> ApiError {
    cluster_error(Cluster::from_status(address, status))
}
