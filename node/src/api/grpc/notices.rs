//! The service about notices, each method a line to what is behind it.

use super::Services;
use crate::api::notices;
use labkeeper_proto::v1;
use labkeeper_proto::v1::notice_service_server::NoticeService;
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl NoticeService for Services {
    async fn list_notices(&self, _: Request<v1::ListNoticesRequest>) -> Result<Response<v1::ListNoticesResponse>, Status> {
        Ok(Response::new(notices::list(&self.cluster)))
    }

    async fn test_notice_route(
        &self,
        request: Request<v1::TestNoticeRouteRequest>,
    ) -> Result<Response<v1::TestNoticeRouteResponse>, Status> {
        Ok(Response::new(notices::test(&self.cluster, request.into_inner()).await?))
    }
}
