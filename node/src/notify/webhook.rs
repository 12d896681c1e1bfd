//! Telling programs: one POST of JSON, with the notice's key as `Idempotency-Key`. Anything but a success (2xx) in time is a failure; a
//! redirection is one too, as whoever declared the URL meant that one.

use super::message::Message;
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, USER_AGENT};
use axum::http::{Request, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;
use std::error::Error as _;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::time::timeout;

/// How long a connection may take to open: two lost packets of the greeting, which are repeated after 1 and 2 s.
const CONNECT_MAX: Duration = Duration::from_secs(4);
/// How long all of it may take: what a busy service needs for an answer; the next attempt comes in seconds.
const ATTEMPT_MAX: Duration = Duration::from_secs(10);

type Plain = Client<HttpConnector, Body>;
type Secure = Client<HttpsConnector<HttpConnector>, Body>;

/// Posts to any number of servers. Each message takes a connection of its own: there are few, and a kept one may be dead.
pub(super) struct Webhooks {
    plain: Plain,
    /// Made at first use: most labs have certificates, and some need none.
    secure: OnceLock<Result<Secure, String>>,
}

impl Webhooks {
    pub(super) fn new() -> Self {
        Self { plain: builder().build(connector()), secure: OnceLock::new() }
    }

    /// Posts a message.
    ///
    /// # Errors
    /// In words; the URL is not in them, as it may hold a secret.
    pub(super) async fn post(&self, url: &str, message: &Message) -> Result<(), String> {
        let uri: Uri = url.parse().map_err(|_| "the URL is none".to_owned())?;
        let is_secure = uri.scheme_str() == Some("https");
        let request = Request::post(uri)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("labkeeper/", env!("CARGO_PKG_VERSION")))
            .header("idempotency-key", &message.key)
            .body(Body::from(Bytes::from(message.json())))
            .map_err(|error| error.to_string())?;
        let answer = async {
            if is_secure { self.secure()?.request(request).await } else { self.plain.request(request).await }.map_err(|e| in_words(&e))
        };
        let answer = timeout(ATTEMPT_MAX, answer).await.map_err(|_| format!("no answer within {} s", ATTEMPT_MAX.as_secs()))??;
        let status = answer.status();
        if status.is_success() { Ok(()) } else { Err(format!("the server answered {}", status.as_u16())) }
    }

    fn secure(&self) -> Result<&Secure, String> {
        self.secure.get_or_init(secure).as_ref().map_err(Clone::clone)
    }
}

/// A client that trusts the authorities that the machine trusts.
fn secure() -> Result<Secure, String> {
    let provider = rustls::crypto::ring::default_provider();
    let roots = HttpsConnectorBuilder::new().with_provider_and_native_roots(provider);
    let roots = roots.map_err(|error| format!("this node has no certificates of authorities: {error}"))?;
    Ok(builder().build(roots.https_only().enable_http1().wrap_connector(connector())))
}

fn builder() -> hyper_util::client::legacy::Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder.pool_max_idle_per_host(0);
    builder
}

fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    // The scheme is looked at above.
    connector.enforce_http(false);
    connector.set_connect_timeout(Some(CONNECT_MAX));
    connector
}

/// An error with what caused it: "connection refused" is the last of three.
fn in_words(error: &Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        words = format!("{words}: {inner}");
        cause = inner.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::super::message::tests::message;
    use super::*;

    #[tokio::test]
    async fn a_failure_is_said_without_the_url_over_tls_or_not() {
        // Bound and not listened to: whoever connects is refused.
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(([127, 0, 0, 1], 0).into()).expect("a port");
        let address = socket.local_addr().expect("an address");
        let webhooks = Webhooks::new();
        for scheme in ["http", "https"] {
            let why = webhooks.post(&format!("{scheme}://{address}/secret"), &message()).await.expect_err("nobody listens");
            assert!(!why.contains("secret"), "{why}");
            assert!(why.contains("refused") || why.contains("certificates"), "{why}");
        }
        assert!(webhooks.post("http://", &message()).await.is_err());
    }
}
