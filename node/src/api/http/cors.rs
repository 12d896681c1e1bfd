//! Which pages may call: those that a node of this site has served, and nobody else's.
//!
//! A page keeps working when the node that served it dies, so it must be allowed to call the other nodes; a page of another
//! site must not, since a browser on the lab's network would lend it its reach. A request without an `Origin` comes from a
//! program, not from a page.

use super::HttpState;
use crate::error::ApiError;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use labkeeper_model::ErrorCode;

/// Lets requests of the site's own pages through and answers their preflights.
pub(super) async fn guard(State(state): State<HttpState>, request: Request, next: Next) -> Response {
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else { return next.run(request).await };
    if !is_own(&state, request.headers(), &origin) {
        let error = ApiError::new(ErrorCode::BadRequest, format!("a page from {origin:?} is not one of this site's"));
        return (StatusCode::FORBIDDEN, axum::Json(error.to_wire())).into_response();
    }
    let mut response = if request.method() == Method::OPTIONS { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type, idempotency-key"));
    response
}

/// Whether a page comes from the very address that it calls, or from the advertised address of a node of the site.
fn is_own(state: &HttpState, headers: &HeaderMap, origin: &HeaderValue) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let is_same = host.is_some_and(|host| origin.split_once("://").is_some_and(|(_, rest)| rest == host));
    is_same || state.services.cluster.read(|machine| machine.nodes().values().any(|node| node.http.trim_end_matches('/') == origin))
}
