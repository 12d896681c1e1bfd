//! The service of the audit: a line to what answers it.

use super::Services;
use crate::api::audit;
use labkeeper_proto::v1;
use labkeeper_proto::v1::audit_service_server::AuditService;
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl AuditService for Services {
    async fn list_audit(&self, request: Request<v1::ListAuditRequest>) -> Result<Response<v1::ListAuditResponse>, Status> {
        Ok(Response::new(self.cluster.read(|machine| audit::list(machine, request.get_ref()))))
    }
}
