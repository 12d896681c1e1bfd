//! The service of supervision trees: this node's own is answered here, another's is asked for at that node, once.

use super::Services;
use crate::api::tree::{self, Whose};
use labkeeper_proto::v1;
use labkeeper_proto::v1::tree_service_server::TreeService;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

/// Messages between a watcher's task and its connection: one being sent, one waiting; what comes later is conflated.
const WATCH_QUEUE: usize = 1;

#[tonic::async_trait]
impl TreeService for Services {
    type WatchTreeStream = ReceiverStream<Result<v1::WatchTreeResponse, Status>>;

    async fn get_tree(&self, request: Request<v1::GetTreeRequest>) -> Result<Response<v1::GetTreeResponse>, Status> {
        let v1::GetTreeRequest { node, passed_on } = request.into_inner();
        match tree::whose(&self.status, &node, passed_on).await? {
            Whose::Own => Ok(Response::new(v1::GetTreeResponse { tree: Some(tree::own(&self.status)) })),
            Whose::Other(mut peer) => {
                let request = v1::GetTreeRequest { node: node.clone(), passed_on: true };
                tree::answer(&node, peer.get_tree(request)).await
            }
        }
    }

    async fn watch_tree(&self, request: Request<v1::WatchTreeRequest>) -> Result<Response<Self::WatchTreeStream>, Status> {
        let v1::WatchTreeRequest { node, passed_on } = request.into_inner();
        let (out, stream) = mpsc::channel(WATCH_QUEUE);
        match tree::whose(&self.status, &node, passed_on).await? {
            Whose::Own => drop(tokio::spawn(self.stop.clone().run_until_cancelled_owned(tree::watch(self.status.clone(), out)))),
            Whose::Other(mut peer) => {
                let request = v1::WatchTreeRequest { node: node.clone(), passed_on: true };
                let trees = tree::answer(&node, peer.watch_tree(request)).await?.into_inner();
                tokio::spawn(self.stop.clone().run_until_cancelled_owned(pass_on(trees, out)));
            }
        }
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn control_child(&self, request: Request<v1::ControlChildRequest>) -> Result<Response<v1::ControlChildResponse>, Status> {
        let request = request.into_inner();
        match tree::whose(&self.status, &request.node, request.passed_on).await? {
            Whose::Own => Ok(Response::new(tree::control(&self.status, &request).await?)),
            Whose::Other(mut peer) => {
                let node = request.node.clone();
                tree::answer(&node, peer.control_child(v1::ControlChildRequest { passed_on: true, ..request })).await
            }
        }
    }
}

/// Hands another node's trees on, until either end is gone.
async fn pass_on(mut trees: Streaming<v1::WatchTreeResponse>, out: mpsc::Sender<Result<v1::WatchTreeResponse, Status>>) {
    loop {
        tokio::select! {
            () = out.closed() => return,
            tree = trees.next() => match tree {
                Some(tree) => if out.send(tree).await.is_err() { return },
                None => return,
            },
        }
    }
}
