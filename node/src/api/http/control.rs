//! The routes about control and interlocks, each a line to what is behind it.

use super::HttpState;
use super::routes::{Answer, Body, Parameters, parameters, parse};
use crate::api::control::{self, Plain};
use crate::api::interlocks;
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use labkeeper_proto::v1;
use serde::Deserialize;

pub(super) fn router() -> Router<HttpState> {
    Router::new()
        .route("/control", get(list_control))
        .route("/control/take", post(take))
        .route("/control/renew", post(renew))
        .route("/control/give", post(async |state, body| plain(Plain::Give, state, body).await))
        .route("/control/ask", post(async |state, body| plain(Plain::Ask, state, body).await))
        .route("/control/break", post(async |state, body| plain(Plain::Break, state, body).await))
        .route("/interlocks", get(list_interlocks))
        .route("/interlocks/reset", post(reset))
        .route("/interlocks/defeat", post(defeat))
        .route("/interlocks/restore", post(restore))
        .route("/explain", get(explain))
}

async fn list_control(State(state): State<HttpState>) -> Json<v1::ListControlResponse> {
    Json(control::list(&state.services.cluster))
}

async fn take(State(state): State<HttpState>, body: Body) -> Answer<v1::ControlResponse> {
    Ok(Json(control::take(&state.services.cluster, parse(body)?).await?))
}

async fn renew(State(state): State<HttpState>, body: Body) -> Answer<v1::ControlResponse> {
    Ok(Json(control::renew(&state.services.cluster, parse(body)?).await?))
}

async fn plain(what: Plain, State(state): State<HttpState>, body: Body) -> Answer<v1::ControlResponse> {
    Ok(Json(control::plain(&state.services.cluster, what, parse(body)?).await?))
}

async fn list_interlocks(State(state): State<HttpState>) -> Json<v1::ListInterlocksResponse> {
    Json(interlocks::list(&state.services.cluster))
}

async fn reset(State(state): State<HttpState>, body: Body) -> Answer<v1::InterlockResponse> {
    Ok(Json(interlocks::reset(&state.services.cluster, parse(body)?).await?))
}

async fn defeat(State(state): State<HttpState>, body: Body) -> Answer<v1::InterlockResponse> {
    Ok(Json(interlocks::defeat(&state.services.cluster, parse(body)?).await?))
}

async fn restore(State(state): State<HttpState>, body: Body) -> Answer<v1::InterlockResponse> {
    Ok(Json(interlocks::restore(&state.services.cluster, parse(body)?).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExplainQuery {
    tag: String,
    #[serde(default)]
    actor: String,
}

async fn explain(State(state): State<HttpState>, query: Parameters<ExplainQuery>) -> Answer<v1::ExplainTagResponse> {
    let ExplainQuery { tag, actor } = parameters(query)?;
    Ok(Json(interlocks::explain(&state.services.cluster, &v1::ExplainTagRequest { tag, actor })?))
}
