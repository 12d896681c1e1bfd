//! The services about control and interlocks, each method a line to what is behind it.

use super::Services;
use crate::api::control::{self, Plain};
use crate::api::interlocks;
use labkeeper_proto::v1;
use labkeeper_proto::v1::control_service_server::ControlService;
use labkeeper_proto::v1::interlock_service_server::InterlockService;
use tonic::{Request, Response, Status};

type Control = Result<Response<v1::ControlResponse>, Status>;
type Interlock = Result<Response<v1::InterlockResponse>, Status>;

impl Services {
    async fn plain_control(&self, what: Plain, request: Request<v1::ControlDeedRequest>) -> Control {
        Ok(Response::new(control::plain(&self.cluster, what, request.into_inner()).await?))
    }
}

#[tonic::async_trait]
impl ControlService for Services {
    async fn list_control(&self, _: Request<v1::ListControlRequest>) -> Result<Response<v1::ListControlResponse>, Status> {
        Ok(Response::new(control::list(&self.cluster)))
    }

    async fn take_control(&self, request: Request<v1::TakeControlRequest>) -> Control {
        Ok(Response::new(control::take(&self.cluster, request.into_inner()).await?))
    }

    async fn renew_control(&self, request: Request<v1::RenewControlRequest>) -> Control {
        Ok(Response::new(control::renew(&self.cluster, request.into_inner()).await?))
    }

    async fn give_control(&self, request: Request<v1::ControlDeedRequest>) -> Control {
        self.plain_control(Plain::Give, request).await
    }

    async fn ask_for_control(&self, request: Request<v1::ControlDeedRequest>) -> Control {
        self.plain_control(Plain::Ask, request).await
    }

    async fn break_control(&self, request: Request<v1::ControlDeedRequest>) -> Control {
        self.plain_control(Plain::Break, request).await
    }
}

#[tonic::async_trait]
impl InterlockService for Services {
    async fn list_interlocks(&self, _: Request<v1::ListInterlocksRequest>) -> Result<Response<v1::ListInterlocksResponse>, Status> {
        Ok(Response::new(interlocks::list(&self.cluster)))
    }

    async fn reset_interlock(&self, request: Request<v1::ResetInterlockRequest>) -> Interlock {
        Ok(Response::new(interlocks::reset(&self.cluster, request.into_inner()).await?))
    }

    async fn defeat_interlock(&self, request: Request<v1::DefeatInterlockRequest>) -> Interlock {
        Ok(Response::new(interlocks::defeat(&self.cluster, request.into_inner()).await?))
    }

    async fn restore_interlock(&self, request: Request<v1::RestoreInterlockRequest>) -> Interlock {
        Ok(Response::new(interlocks::restore(&self.cluster, request.into_inner()).await?))
    }

    async fn explain_tag(&self, request: Request<v1::ExplainTagRequest>) -> Result<Response<v1::ExplainTagResponse>, Status> {
        Ok(Response::new(interlocks::explain(&self.cluster, request.get_ref())?))
    }
}
