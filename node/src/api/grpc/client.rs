//! The services that clients call, each method a line to the service behind it.

use super::Services;
use crate::api::drain::{self, Drain};
use crate::api::{operate, site, tags};
use labkeeper_proto::v1;
use labkeeper_proto::v1::cluster_service_server::ClusterService;
use labkeeper_proto::v1::command_service_server::CommandService;
use labkeeper_proto::v1::site_service_server::SiteService;
use labkeeper_proto::v1::tag_service_server::TagService;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

/// Messages between a watcher's task and its connection: one being sent, one waiting; what comes later is conflated.
const WATCH_QUEUE: usize = 1;
/// Stages of a join, and an error.
const JOIN_QUEUE: usize = 4;
/// Messages between a drain's task and its connection; each tells everything so far, so one that is missed is made up for by the next.
const DRAIN_QUEUE: usize = 1;
/// Most commands in one list.
const LIST_MAX: usize = 1_000;
/// Commands in a list where a client names no number.
const LIST_DEFAULT: usize = 100;

/// How many commands a client gets.
#[must_use]
pub(crate) fn list_limit(asked: u32) -> usize {
    if asked == 0 { LIST_DEFAULT } else { (asked as usize).min(LIST_MAX) }
}

#[tonic::async_trait]
impl TagService for Services {
    type WatchTagsStream = ReceiverStream<Result<v1::WatchTagsResponse, Status>>;

    async fn get_tags(&self, request: Request<v1::GetTagsRequest>) -> Result<Response<v1::GetTagsResponse>, Status> {
        Ok(Response::new(self.tags.get(request.get_ref()).await?))
    }

    async fn watch_tags(&self, request: Request<v1::WatchTagsRequest>) -> Result<Response<Self::WatchTagsStream>, Status> {
        let request = request.into_inner();
        let globs = tags::selectors(&request.selectors)?;
        let every = tags::rate_interval(request.rate_hz_max)?;
        let (out, stream) = mpsc::channel(WATCH_QUEUE);
        tokio::spawn(self.stop.clone().run_until_cancelled_owned(self.tags.clone().watch(globs, every, out)));
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}

#[tonic::async_trait]
impl CommandService for Services {
    async fn set_setpoint(&self, request: Request<v1::SetSetpointRequest>) -> Result<Response<v1::SetSetpointResponse>, Status> {
        let command = self.commands.set(request.into_inner()).await?;
        Ok(Response::new(v1::SetSetpointResponse { command: Some(command) }))
    }

    async fn run_action(&self, request: Request<v1::RunActionRequest>) -> Result<Response<v1::RunActionResponse>, Status> {
        let command = self.commands.run(request.into_inner()).await?;
        Ok(Response::new(v1::RunActionResponse { command: Some(command) }))
    }

    async fn cancel_command(&self, request: Request<v1::CancelCommandRequest>) -> Result<Response<v1::CancelCommandResponse>, Status> {
        let command = self.commands.cancel(request.into_inner()).await?;
        Ok(Response::new(v1::CancelCommandResponse { command: Some(command) }))
    }

    async fn steer_ramp(&self, request: Request<v1::SteerRampRequest>) -> Result<Response<v1::SteerRampResponse>, Status> {
        let command = operate::steer(&self.cluster, request.into_inner()).await?;
        Ok(Response::new(v1::SteerRampResponse { command: Some(command) }))
    }

    async fn select_tag(&self, request: Request<v1::SelectTagRequest>) -> Result<Response<v1::SelectTagResponse>, Status> {
        Ok(Response::new(operate::select(&self.cluster, request.into_inner()).await?))
    }

    async fn deselect_tag(&self, request: Request<v1::DeselectTagRequest>) -> Result<Response<v1::DeselectTagResponse>, Status> {
        Ok(Response::new(operate::deselect(&self.cluster, request.into_inner()).await?))
    }

    async fn get_command(&self, request: Request<v1::GetCommandRequest>) -> Result<Response<v1::GetCommandResponse>, Status> {
        let command = self.commands.get(request.into_inner()).await?;
        Ok(Response::new(v1::GetCommandResponse { command: Some(command) }))
    }

    async fn list_commands(&self, request: Request<v1::ListCommandsRequest>) -> Result<Response<v1::ListCommandsResponse>, Status> {
        Ok(Response::new(v1::ListCommandsResponse { commands: self.commands.list(list_limit(request.get_ref().limit)) }))
    }
}

#[tonic::async_trait]
impl SiteService for Services {
    async fn get_site(&self, _: Request<v1::GetSiteRequest>) -> Result<Response<v1::GetSiteResponse>, Status> {
        Ok(Response::new(site::get(&self.cluster)))
    }

    async fn plan_site(&self, request: Request<v1::PlanSiteRequest>) -> Result<Response<v1::PlanSiteResponse>, Status> {
        Ok(Response::new(site::plan(&self.cluster, request.into_inner())?))
    }

    async fn apply_site(&self, request: Request<v1::ApplySiteRequest>) -> Result<Response<v1::ApplySiteResponse>, Status> {
        Ok(Response::new(site::apply(&self.cluster, request.into_inner()).await?))
    }
}

#[tonic::async_trait]
impl ClusterService for Services {
    type JoinClusterStream = ReceiverStream<Result<v1::JoinClusterResponse, Status>>;

    async fn init_cluster(&self, _: Request<v1::InitClusterRequest>) -> Result<Response<v1::InitClusterResponse>, Status> {
        Ok(Response::new(self.membership.init().await?))
    }

    async fn join_cluster(&self, request: Request<v1::JoinClusterRequest>) -> Result<Response<Self::JoinClusterStream>, Status> {
        let (out, stream) = mpsc::channel(JOIN_QUEUE);
        let membership = self.membership.clone();
        tokio::spawn(async move { membership.join(&request.get_ref().to, &out).await });
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn leave_cluster(&self, request: Request<v1::LeaveClusterRequest>) -> Result<Response<v1::LeaveClusterResponse>, Status> {
        self.membership.leave(&request.get_ref().node, &request.get_ref().actor).await?;
        Ok(Response::new(v1::LeaveClusterResponse {}))
    }

    async fn transfer_leader(&self, request: Request<v1::TransferLeaderRequest>) -> Result<Response<v1::TransferLeaderResponse>, Status> {
        Ok(Response::new(self.membership.transfer(&request.get_ref().node).await?))
    }

    async fn get_cluster_status(
        &self,
        request: Request<v1::GetClusterStatusRequest>,
    ) -> Result<Response<v1::GetClusterStatusResponse>, Status> {
        Ok(Response::new(self.status.cluster_status(request.get_ref().why)))
    }

    type DrainNodeStream = ReceiverStream<Result<v1::DrainNodeResponse, Status>>;

    async fn drain_node(&self, request: Request<v1::DrainNodeRequest>) -> Result<Response<Self::DrainNodeStream>, Status> {
        let drain = Drain::order(&self.cluster, request.into_inner()).await?;
        let (out, stream) = mpsc::channel(DRAIN_QUEUE);
        tokio::spawn(self.stop.clone().run_until_cancelled_owned(drain.follow(out)));
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn undrain_node(&self, request: Request<v1::UndrainNodeRequest>) -> Result<Response<v1::UndrainNodeResponse>, Status> {
        drain::undrain(&self.cluster, request.into_inner()).await?;
        Ok(Response::new(v1::UndrainNodeResponse {}))
    }

    async fn confirm_hold(&self, request: Request<v1::ConfirmHoldRequest>) -> Result<Response<v1::ConfirmHoldResponse>, Status> {
        drain::confirm(&self.cluster, request.into_inner()).await?;
        Ok(Response::new(v1::ConfirmHoldResponse {}))
    }
}
