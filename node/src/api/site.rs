//! The site's declaration: show, plan, apply.

use super::wire;
use crate::error::ApiError;
use labkeeper_machine::command::Command;
use labkeeper_machine::reply::Reply;
use labkeeper_model::ErrorCode;
use labkeeper_model::site::SiteSpec;
use labkeeper_proto::v1;
use labkeeper_raft::Cluster;
use std::time::Duration;
use tokio::time::Instant;

/// How long applying may take: several elections, and a declaration of megabytes to replicate.
const APPLY_MAX: Duration = Duration::from_secs(15);

/// The declaration in force.
#[must_use]
pub fn get(cluster: &Cluster) -> v1::GetSiteResponse {
    cluster.read(|machine| {
        let site = (machine.site_version() > 0).then(|| v1::Site::from(machine.site().as_ref()));
        v1::GetSiteResponse { site, version: machine.site_version() }
    })
}

/// What a declaration would change.
///
/// # Errors
/// The declaration is malformed as a message.
pub fn plan(cluster: &Cluster, request: v1::PlanSiteRequest) -> Result<v1::PlanSiteResponse, ApiError> {
    let site = parse(request.site)?;
    Ok(cluster.read(|machine| {
        let plan = machine.plan_site(&site);
        let problems = plan.problems.iter().map(Into::into).collect();
        v1::PlanSiteResponse { base_version: machine.site_version(), changes: plan.changes, problems }
    }))
}

/// Puts a declaration in force as a whole, or says why not. A refused declaration is an answer, not an error.
///
/// # Errors
/// The declaration is malformed as a message, or no majority confirmed it in time.
pub async fn apply(cluster: &Cluster, request: v1::ApplySiteRequest) -> Result<v1::ApplySiteResponse, ApiError> {
    let site = parse(request.site)?;
    let warnings = labkeeper_model::site::check(&site).iter().map(Into::into).collect();
    let command = Command::ApplySite { site, expected_version: request.expected_version, actor: request.actor, reason: request.reason };
    let proposed = cluster.propose(command, Instant::now() + APPLY_MAX).await.map_err(wire::propose_error)?;
    let log_index = proposed.log_index;
    Ok(match proposed.reply {
        Ok(Reply::SiteVersion(version)) => v1::ApplySiteResponse { version, log_index, error: None, problems: warnings },
        Ok(_) => return Err(ApiError::new(ErrorCode::Internal, "the machine answered a declaration with something else")),
        Err(rejection) => v1::ApplySiteResponse {
            version: cluster.read(|machine| machine.site_version()),
            log_index,
            problems: rejection.problems.iter().map(Into::into).collect(),
            error: Some(ApiError::from(rejection).to_wire()),
        },
    })
}

fn parse(site: Option<v1::Site>) -> Result<SiteSpec, ApiError> {
    let site = site.ok_or_else(|| ApiError::new(ErrorCode::BadRequest, "site: missing"))?;
    site.try_into().map_err(|error: labkeeper_proto::convert::ConvertError| ApiError::new(ErrorCode::SiteInvalid, error.to_string()))
}
