//! HTTP: the web UI's files, the API in the protobuf messages' canonical JSON, the live socket, health and metrics.
//!
//! | path | what |
//! |---|---|
//! | `GET /api/v1/tags?selector=GLOB` | latest values (repeat `selector` for more) |
//! | `POST /api/v1/commands` | set a setpoint; `GET` lists, `GET /api/v1/commands/{id}` waits if asked to |
//! | `POST /api/v1/commands/run`, `cancel`, `steer`, `select`, `deselect` | actions, ramps and selections |
//! | `GET /api/v1/cluster?why=true` | who is there, who leads, who owns what, and, if asked, why |
//! | `GET /api/v1/site`, `POST /api/v1/site/plan`, `POST /api/v1/site/apply` | as over gRPC |
//! | `GET /api/v1/alarms?all=true`, `GET /api/v1/alarms/journal?alarm=..&limit=..&before=..` | what needs attention, and what happened |
//! | `POST /api/v1/alarms/acknowledge`, `shelve`, `unshelve`, `out-of-service`, `return-to-service`, `reset`, `comment` | as over gRPC |
//! | `GET /api/v1/control`, `POST /api/v1/control/take`, `renew`, `give`, `ask`, `break` | who may write to what |
//! | `GET /api/v1/interlocks`, `POST /api/v1/interlocks/reset`, `defeat`, `restore` | what must not be driven |
//! | `GET /api/v1/explain?tag=TAG&actor=NAME` | why somebody cannot set a tag |
//! | `GET /api/v1/notices`, `POST /api/v1/notices/test` | who is told about alarms, and trying it |
//! | `GET /api/v1/live` | the live socket |
//! | `GET /healthz`, `GET /readyz`, `GET /metrics` | for machines |
//! | everything else | the web UI |

mod alarms;
mod assets;
mod control;
mod cors;
mod live;
mod notices;
mod operate;
mod routes;

use crate::api::grpc::Services;
use crate::observe::metrics::Metrics;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Largest request: as over gRPC.
const REQUEST_BYTES_MAX: usize = 32 << 20;

/// What the routes need.
#[derive(Clone)]
pub struct HttpState {
    /// The same services as gRPC's.
    pub services: Services,
    /// Figures for `/metrics`.
    pub metrics: Arc<Metrics>,
}

/// Serves until `stop`.
///
/// # Errors
/// The listener failed.
pub async fn serve(state: HttpState, listener: TcpListener, stop: CancellationToken) -> Result<(), String> {
    axum::serve(listener, router(state)).with_graceful_shutdown(stop.cancelled_owned()).await.map_err(|error| error.to_string())
}

fn router(state: HttpState) -> Router {
    let api = Router::new()
        .route("/tags", get(routes::tags))
        .route("/commands", post(routes::set).get(routes::commands))
        .route("/commands/{id}", get(routes::command))
        .route("/audit", get(routes::audit))
        .route("/cluster", get(routes::cluster))
        .route("/site", get(routes::site))
        .route("/site/plan", post(routes::plan))
        .route("/site/apply", post(routes::apply))
        .merge(alarms::router())
        .merge(control::router())
        .merge(notices::router())
        .merge(operate::router())
        .route("/live", get(live::upgrade))
        .fallback(routes::unknown)
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .layer(axum::middleware::from_fn_with_state(state.clone(), cors::guard));
    Router::new()
        .nest("/api/v1", api)
        .route("/healthz", get(routes::healthz))
        .route("/readyz", get(routes::readyz))
        .route("/metrics", get(routes::metrics))
        .fallback(assets::serve)
        .with_state(state)
}
