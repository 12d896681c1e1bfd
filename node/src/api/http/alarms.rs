//! The routes about alarms, each a line to what is behind it.

use super::HttpState;
use super::routes::{Answer, Body, Parameters, parameters, parse};
use crate::api::alarms::{self, Plain};
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use labkeeper_proto::v1;
use serde::Deserialize;

pub(super) fn router() -> Router<HttpState> {
    Router::new()
        .route("/alarms", get(list))
        .route("/alarms/journal", get(journal))
        .route("/alarms/acknowledge", post(acknowledge))
        .route("/alarms/shelve", post(shelve))
        .route("/alarms/unshelve", post(async |state, body| plain(Plain::Unshelve, state, body).await))
        .route("/alarms/out-of-service", post(async |state, body| plain(Plain::OutOfService, state, body).await))
        .route("/alarms/return-to-service", post(async |state, body| plain(Plain::ReturnToService, state, body).await))
        .route("/alarms/reset", post(async |state, body| plain(Plain::Reset, state, body).await))
        .route("/alarms/comment", post(async |state, body| plain(Plain::Comment, state, body).await))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    #[serde(default)]
    all: bool,
}

async fn list(State(state): State<HttpState>, query: Parameters<ListQuery>) -> Answer<v1::ListAlarmsResponse> {
    let request = v1::ListAlarmsRequest { all: parameters(query)?.all, alarms: vec![] };
    Ok(Json(alarms::list(&state.services.cluster, &request)?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JournalQuery {
    #[serde(default)]
    limit: u32,
    #[serde(default)]
    alarm: String,
    #[serde(default)]
    before: u64,
}

async fn journal(State(state): State<HttpState>, query: Parameters<JournalQuery>) -> Answer<v1::ListAlarmJournalResponse> {
    let JournalQuery { limit, alarm, before } = parameters(query)?;
    Ok(Json(alarms::journal(&state.services.cluster, &v1::ListAlarmJournalRequest { limit, alarm, before })))
}

async fn acknowledge(State(state): State<HttpState>, body: Body) -> Answer<v1::AlarmDeedResponse> {
    Ok(Json(alarms::acknowledge(&state.services.cluster, parse(body)?).await?))
}

async fn shelve(State(state): State<HttpState>, body: Body) -> Answer<v1::AlarmDeedResponse> {
    Ok(Json(alarms::shelve(&state.services.cluster, parse(body)?).await?))
}

async fn plain(what: Plain, State(state): State<HttpState>, body: Body) -> Answer<v1::AlarmDeedResponse> {
    Ok(Json(alarms::plain(&state.services.cluster, what, parse(body)?).await?))
}
