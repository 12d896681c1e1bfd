//! The API's routes, each a line to the service behind it.

use super::HttpState;
use crate::api::grpc::readiness;
use crate::api::site;
use crate::error::ApiError;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use labkeeper_model::ErrorCode;
use labkeeper_proto::v1;
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub(super) type Answer<T> = Result<Json<T>, ApiError>;

pub(super) type Body = Result<Bytes, BytesRejection>;
pub(super) type Parameters<T> = Result<Query<T>, QueryRejection>;

/// Parses a body as the canonical JSON of a message; what is wrong is said with line and column.
pub(super) fn parse<T: DeserializeOwned>(body: Body) -> Result<T, ApiError> {
    let body = body.map_err(|error| {
        let is_long = error.status() == StatusCode::PAYLOAD_TOO_LARGE;
        ApiError::new(if is_long { ErrorCode::TooLarge } else { ErrorCode::BadRequest }, format!("body: {}", error.body_text()))
    })?;
    serde_json::from_slice(&body).map_err(|error| ApiError::new(ErrorCode::BadRequest, format!("body: {error}")))
}

pub(super) fn parameters<T>(query: Parameters<T>) -> Result<T, ApiError> {
    query.map(|Query(parameters)| parameters).map_err(|error| ApiError::new(ErrorCode::BadRequest, format!("query: {}", error.body_text())))
}

pub(super) async fn tags(State(state): State<HttpState>, query: Parameters<Vec<(String, String)>>) -> Answer<v1::GetTagsResponse> {
    let mut request = v1::GetTagsRequest::default();
    for (key, value) in parameters(query)? {
        match key.as_str() {
            "selector" => request.selectors.push(value),
            "linearizable" => request.linearizable = value == "true",
            other => {
                return Err(ApiError::new(
                    ErrorCode::BadRequest,
                    format!("query: {other:?} is not known; it takes selector and linearizable"),
                ));
            }
        }
    }
    Ok(Json(state.services.tags.get(&request).await?))
}

pub(super) async fn set(State(state): State<HttpState>, body: Body) -> Answer<v1::SetSetpointResponse> {
    let command = state.services.commands.set(parse(body)?).await?;
    Ok(Json(v1::SetSetpointResponse { command: Some(command) }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    #[serde(default)]
    limit: u32,
}

pub(super) async fn commands(State(state): State<HttpState>, query: Parameters<ListQuery>) -> Answer<v1::ListCommandsResponse> {
    let limit = crate::api::grpc::list_limit(parameters(query)?.limit);
    Ok(Json(v1::ListCommandsResponse { commands: state.services.commands.list(limit) }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditQuery {
    #[serde(default)]
    from: u64,
    #[serde(default)]
    limit: u32,
}

pub(super) async fn audit(State(state): State<HttpState>, query: Parameters<AuditQuery>) -> Answer<v1::ListAuditResponse> {
    let AuditQuery { from, limit } = parameters(query)?;
    Ok(Json(state.services.cluster.read(|machine| crate::api::audit::list(machine, &v1::ListAuditRequest { from, limit }))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WaitQuery {
    #[serde(default)]
    wait: String,
    #[serde(default)]
    wait_ms_max: u32,
}

pub(super) async fn command(
    State(state): State<HttpState>,
    Path(id): Path<String>,
    query: Parameters<WaitQuery>,
) -> Answer<v1::GetCommandResponse> {
    let query = parameters(query)?;
    let wait = match query.wait.as_str() {
        "" | "committed" => v1::WaitLevel::Committed,
        "written" => v1::WaitLevel::Written,
        "verified" => v1::WaitLevel::Verified,
        other => return Err(ApiError::new(ErrorCode::BadRequest, format!("wait: {other:?} is not committed, written or verified"))),
    };
    let request = v1::GetCommandRequest { id, wait: wait.into(), wait_ms_max: query.wait_ms_max };
    Ok(Json(v1::GetCommandResponse { command: Some(state.services.commands.get(request).await?) }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WhyQuery {
    #[serde(default)]
    why: bool,
}

pub(super) async fn cluster(State(state): State<HttpState>, query: Parameters<WhyQuery>) -> Answer<v1::GetClusterStatusResponse> {
    Ok(Json(state.services.status.cluster_status(parameters(query)?.why)))
}

pub(super) async fn site(State(state): State<HttpState>) -> Json<v1::GetSiteResponse> {
    Json(site::get(&state.services.cluster))
}

pub(super) async fn plan(State(state): State<HttpState>, body: Body) -> Answer<v1::PlanSiteResponse> {
    Ok(Json(site::plan(&state.services.cluster, parse(body)?)?))
}

pub(super) async fn apply(State(state): State<HttpState>, body: Body) -> Answer<v1::ApplySiteResponse> {
    Ok(Json(site::apply(&state.services.cluster, parse(body)?).await?))
}

pub(super) async fn unknown() -> Response {
    (StatusCode::NOT_FOUND, Json(ApiError::new(ErrorCode::BadRequest, "there is no such path under /api/v1").to_wire())).into_response()
}

/// The process runs.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// The node can take commands: it belongs to a site, has caught up, and knows a leader.
pub(super) async fn readyz(State(state): State<HttpState>) -> Response {
    let cluster = &state.services.cluster;
    let Err(why) = readiness(cluster) else { return "ready\n".into_response() };
    let me = &state.services.membership.me.grpc;
    let remedy = if cluster.identity().is_none() {
        format!(
            "; found a site with `labkeeper cluster init --endpoint {me}`, \
             or join one with `labkeeper cluster join --endpoint {me} --to HOST:PORT`"
        )
    } else {
        String::new()
    };
    (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}{remedy}\n")).into_response()
}

/// Figures in Prometheus' text format.
pub(super) async fn metrics(State(state): State<HttpState>) -> Response {
    let text = state.metrics.encode(&state.services.status);
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response()
}
