//! The web UI's files out of the binary.

use axum::body::Body;
use axum::http::{HeaderValue, Method, Response, StatusCode, Uri, header};

/// Only our own code and data, connections to any node, and no frames around us. The page connects to every node of the site,
/// whose addresses change; which pages may call a node is decided by the node.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' http: https: ws: wss:; \
                      frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// Serves a file, or the page itself for any other path without a dot, so that its own addresses can be opened.
pub(super) async fn serve(method: Method, uri: Uri) -> Response<Body> {
    if method != Method::GET && method != Method::HEAD {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "only GET here; the API is under /api/v1\n");
    }
    let path = uri.path().trim_start_matches('/');
    let asset = match labkeeper_ui::asset(path) {
        Some(asset) => asset,
        None if path.contains('.') => return plain(StatusCode::NOT_FOUND, "no such file\n"),
        None => labkeeper_ui::index(),
    };
    let caching = if asset.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = Response::new(Body::from(asset.bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
