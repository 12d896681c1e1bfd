//! The simulated plant from outside: faults to switch on, registers to look at, the log of writes. For tests and for
//! playing; a real plant has no such thing.
//!
//! | request | answer |
//! |---|---|
//! | `GET /devices` | every device with its address and its fault |
//! | `GET /writes?since=N` | the writes that arrived, without the first N of those that are kept |
//! | `POST /devices/NAME/fault` with `{"fault": "slow:250"}` | the fault begins (`no_answer`, `slow:MS`, `exception:CODE`, `garbage`, `disconnect`, `stuck`) |
//! | `DELETE /devices/NAME/fault` | the fault ends |
//! | `GET /devices/NAME/registers/TABLE/ADDRESS?count=N` | what stands there: `{"values": [...]}` |

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use labkeeper_drivers::sim::{Fault, Plant};
use labkeeper_model::site::Register;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// The routes.
pub(super) fn router(plant: Arc<Plant>) -> Router {
    Router::new()
        .route("/devices", get(devices))
        .route("/writes", get(writes))
        .route("/devices/{device}/fault", post(inject).delete(clear))
        .route("/devices/{device}/registers/{table}/{address}", get(registers))
        .with_state(plant)
}

async fn devices(State(plant): State<Arc<Plant>>) -> Response {
    let device = |name: &str| {
        let address = plant.address(name).map(|address| address.to_string());
        json!({ "device": name, "address": address, "fault": plant.fault(name).map(|fault| fault.to_string()) })
    };
    Json(plant.devices().map(|name| device(name.as_str())).collect::<Vec<_>>()).into_response()
}

#[derive(Deserialize)]
struct Since {
    #[serde(default)]
    since: usize,
}

async fn writes(State(plant): State<Arc<Plant>>, Query(Since { since }): Query<Since>) -> Response {
    let writes = plant.writes();
    Json(writes.get(since..).unwrap_or_default()).into_response()
}

#[derive(Deserialize)]
struct FaultText {
    fault: String,
}

async fn inject(State(plant): State<Arc<Plant>>, Path(device): Path<String>, Json(body): Json<FaultText>) -> Response {
    match body.fault.parse::<Fault>() {
        Ok(fault) => found(plant.inject(&device, Some(fault)), &device),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

async fn clear(State(plant): State<Arc<Plant>>, Path(device): Path<String>) -> Response {
    found(plant.inject(&device, None), &device)
}

fn found(is_there: bool, device: &str) -> Response {
    if is_there { StatusCode::NO_CONTENT.into_response() } else { no_device(device) }
}

fn no_device(device: &str) -> Response {
    (StatusCode::NOT_FOUND, format!("there is no device {device}")).into_response()
}

#[derive(Deserialize)]
struct Count {
    #[serde(default = "one")]
    count: u16,
}

const fn one() -> u16 {
    1
}

async fn registers(
    State(plant): State<Arc<Plant>>,
    Path((device, table, address)): Path<(String, String, String)>,
    Query(Count { count }): Query<Count>,
) -> Response {
    let Some(first) = Register::parse(&format!("{table}:{address}")) else {
        return (StatusCode::BAD_REQUEST, format!("{table}/{address} is no register")).into_response();
    };
    if plant.address(&device).is_none() {
        return no_device(&device);
    }
    match plant.peek(&device, first, count) {
        Some(cells) => Json(json!({ "values": cells })).into_response(),
        None => (StatusCode::NOT_FOUND, format!("{device} has no {count} cells from {first}")).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SiteFile;
    use axum::body::{Body, to_bytes};
    use axum::http::{Method, Request};
    use labkeeper_drivers::sim::{Bind, PlantOptions};
    use tower::ServiceExt as _;

    async fn plant() -> Arc<Plant> {
        let site = "[site]\nname=\"x\"\n[segments.s]\n[devices.a]\nsegment=\"s\"\ndriver=\"modbus-tcp\"\naddress=\"127.0.0.1:502\"\n";
        let site = SiteFile::parse(site, "s").expect("a site").site;
        let options = PlantOptions { bind: Bind::Loopback, ..PlantOptions::default() };
        Arc::new(Plant::start(&site.devices, options).await.expect("a plant"))
    }

    async fn ask(plant: &Arc<Plant>, method: Method, path: &str, body: &str) -> (u16, String) {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let answer = router(plant.clone()).oneshot(request.body(Body::from(body.to_owned())).expect("a request")).await.expect("an answer");
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
        (status, String::from_utf8(body.to_vec()).expect("text"))
    }

    #[tokio::test]
    async fn faults_begin_and_end() {
        let plant = plant().await;
        assert_eq!(ask(&plant, Method::POST, "/devices/a/fault", r#"{"fault":"slow:250"}"#).await.0, 204);
        assert_eq!(plant.fault("a"), Some(Fault::Slow { ms: 250 }));
        assert!(ask(&plant, Method::GET, "/devices", "").await.1.contains(r#""fault":"slow:250""#));
        assert_eq!(ask(&plant, Method::DELETE, "/devices/a/fault", "").await.0, 204);
        assert_eq!(plant.fault("a"), None);
        assert_eq!(ask(&plant, Method::POST, "/devices/a/fault", r#"{"fault":"fire"}"#).await.0, 400);
        assert_eq!(ask(&plant, Method::DELETE, "/devices/b/fault", "").await, (404, "there is no device b".into()));
    }

    #[tokio::test]
    async fn registers_and_writes_can_be_looked_at() {
        let plant = plant().await;
        let first = Register::parse("holding:10").expect("a register");
        plant.poke("a", first, &labkeeper_drivers::Cells::Words(vec![7, 8])).expect("a bank takes it");
        assert_eq!(ask(&plant, Method::GET, "/devices/a/registers/holding/10?count=2", "").await, (200, r#"{"values":[7,8]}"#.into()));
        assert_eq!(ask(&plant, Method::GET, "/devices/a/registers/coil/0", "").await, (200, r#"{"values":[false]}"#.into()));
        assert_eq!(ask(&plant, Method::GET, "/devices/a/registers/drawer/0", "").await.0, 400);
        assert_eq!(ask(&plant, Method::GET, "/devices/b/registers/coil/0", "").await.0, 404);
        assert_eq!(ask(&plant, Method::GET, "/writes?since=5", "").await, (200, "[]".into()));
    }
}
