//! Who is told about alarms, over the API. The sending is the leader's; here is only what the site knows of it.

use super::commit::commit_and_see;
use crate::error::ApiError;
use labkeeper_machine::notices::{Pending, RouteRecord, TEST};
use labkeeper_machine::{Command, Machine, NoticeCommand};
use labkeeper_model::site::RouteSpec;
use labkeeper_model::{AlarmId, ErrorCode, Name, Timestamp};
use labkeeper_proto::v1;
use labkeeper_raft::Cluster;

/// How each route has done, what waits, and what was given up.
#[must_use]
pub fn list(cluster: &Cluster) -> v1::ListNoticesResponse {
    cluster.read(|machine| v1::ListNoticesResponse {
        routes: machine.notice_routes().filter_map(|(name, record)| route(machine, name, record)).collect(),
        waiting: machine.notices().map(|pending| notice(pending, pending.next)).collect(),
        given_up: machine.notices_given_up().map(|pending| notice(pending, Timestamp(0))).collect(),
    })
}

/// Puts a test into the outbox. One whose outcome was in doubt may be there twice, and is sent twice.
///
/// # Errors
/// There is no such route, or no majority confirmed it in time.
pub async fn test(cluster: &Cluster, request: v1::TestNoticeRouteRequest) -> Result<v1::TestNoticeRouteResponse, ApiError> {
    let unknown = |error| ApiError::new(ErrorCode::UnknownRoute, format!("{:?}: {error}", request.route));
    let route = Name::new(&request.route).map_err(unknown)?;
    let command = NoticeCommand::Test { route: route.clone(), actor: request.actor, reason: request.reason };
    let log_index = commit_and_see(cluster, Command::Notice(command)).await?;
    Ok(v1::TestNoticeRouteResponse { key: Pending::key_of(&AlarmId::notify_test(&route), 0, TEST, &route, log_index) })
}

fn route(machine: &Machine, name: &Name, record: RouteRecord) -> Option<v1::NoticeRoute> {
    let spec: &RouteSpec = machine.site().routes.get(name)?;
    let waiting = machine.notices().filter(|pending| pending.route == *name).count();
    Some(v1::NoticeRoute {
        name: name.to_string(),
        webhook: spec.webhook.is_some(),
        email: spec.email.clone(),
        // At most a thousand.
        waiting: u32::try_from(waiting).unwrap_or(u32::MAX),
        told: record.told,
        told_unix_ms: record.told_at.map_or(0, Timestamp::as_millis),
        given_up: record.given_up,
        failing: record.failing.unwrap_or_default(),
    })
}

fn notice(pending: &Pending, next: Timestamp) -> v1::Notice {
    v1::Notice {
        number: pending.number,
        key: pending.key(),
        route: pending.route.to_string(),
        alarm: pending.alarm.to_string(),
        occurrence: pending.occurrence,
        transition: pending.transition.clone(),
        state: pending.state.clone(),
        priority: pending.priority.as_str().to_owned(),
        segment: pending.segment.as_ref().map_or_else(String::new, Name::to_string),
        text: pending.text.clone(),
        at_unix_ms: pending.at.as_millis(),
        attempts: pending.attempts,
        next_unix_ms: next.as_millis(),
        error: pending.why.clone(),
    }
}
