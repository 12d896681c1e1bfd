//! The routes about notices, each a line to what is behind it.

use super::HttpState;
use super::routes::{Answer, Body, parse};
use crate::api::notices;
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use labkeeper_proto::v1;

pub(super) fn router() -> Router<HttpState> {
    Router::new().route("/notices", get(list)).route("/notices/test", post(test))
}

async fn list(State(state): State<HttpState>) -> Json<v1::ListNoticesResponse> {
    Json(notices::list(&state.services.cluster))
}

async fn test(State(state): State<HttpState>, body: Body) -> Answer<v1::TestNoticeRouteResponse> {
    Ok(Json(notices::test(&state.services.cluster, parse(body)?).await?))
}
