//! The routes about what a command may need besides a setpoint, each a line to what is behind it.

use super::HttpState;
use super::routes::{Answer, Body, parse};
use crate::api::operate;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use labkeeper_proto::v1;

pub(super) fn router() -> Router<HttpState> {
    Router::new()
        .route("/commands/run", post(run))
        .route("/commands/cancel", post(cancel))
        .route("/commands/steer", post(steer))
        .route("/commands/select", post(select))
        .route("/commands/deselect", post(deselect))
}

async fn run(State(state): State<HttpState>, body: Body) -> Answer<v1::RunActionResponse> {
    Ok(Json(v1::RunActionResponse { command: Some(state.services.commands.run(parse(body)?).await?) }))
}

async fn cancel(State(state): State<HttpState>, body: Body) -> Answer<v1::CancelCommandResponse> {
    Ok(Json(v1::CancelCommandResponse { command: Some(state.services.commands.cancel(parse(body)?).await?) }))
}

async fn steer(State(state): State<HttpState>, body: Body) -> Answer<v1::SteerRampResponse> {
    Ok(Json(v1::SteerRampResponse { command: Some(operate::steer(&state.services.cluster, parse(body)?).await?) }))
}

async fn select(State(state): State<HttpState>, body: Body) -> Answer<v1::SelectTagResponse> {
    Ok(Json(operate::select(&state.services.cluster, parse(body)?).await?))
}

async fn deselect(State(state): State<HttpState>, body: Body) -> Answer<v1::DeselectTagResponse> {
    Ok(Json(operate::deselect(&state.services.cluster, parse(body)?).await?))
}
