//! Asking any of several nodes, in turn, until one answers.
//!
//! ```text
//! round:  first node --unreached, silent, elsewhere--> second node --> ... --> pause --> round again, until time is up
//!           \__ final: that is the answer
//! ```
//!
//! Followers hand requests to the leader, so any node will do; what is followed here is a node that died, hangs, or knows
//! no leader. What a failure means is decided in [`super::failure`].

use super::error::CliError;
use super::failure::{Failure, Kind};
use crate::config::is_host_port;
use labkeeper_model::ErrorCode;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use tonic::Status;
use tonic::transport::{Channel, Endpoint};

/// How long a connection may take to open: a lab's network needs milliseconds, and one lost packet a second.
const CONNECT_MAX: Duration = Duration::from_millis(1_500);
/// Shortest time that a node gets to answer while others are left to try: an election of the default timing takes
/// at most 2 x 600 ms, and most take less than half of that.
const ATTEMPT_MIN: Duration = Duration::from_millis(700);
/// Pause between two rounds: in the 300 ms of a quick election a client asks at most six times.
const PAUSE: Duration = Duration::from_millis(50);
/// Largest answer: 10,000 tags at 300 bytes each are 3 MB; twenty times that is a mistake.
pub(super) const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Which nodes to ask, and for how long.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ClientArgs {
    /// Nodes to ask; they are tried in turn
    #[arg(long, env = "LABKEEPER_ENDPOINTS", value_name = "HOST:PORT", value_delimiter = ',', default_value = "127.0.0.1:7600")]
    pub(super) endpoint: Vec<String>,
    /// Give up after this long, trying all nodes again and again until then
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = positive_duration)]
    pub(super) timeout: Duration,
    /// Print JSON with stable keys
    #[arg(long)]
    pub(super) json: bool,
}

/// A duration such as `5s`, longer than nothing.
pub(super) fn positive_duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("write it like 5s or 500ms".to_owned()),
    }
}

/// Whether a request may reach the cluster twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// It only reads, or carries an id by which it counts once.
    Harmless,
    /// It must be known not to have been done before it is sent again.
    OnlyIfUndone,
}

/// Several nodes of one cluster.
#[derive(Debug)]
pub(super) struct Client {
    endpoints: Vec<String>,
    patience: Duration,
    /// The node that answered last: the next request goes there first.
    first: AtomicUsize,
}

impl Client {
    /// The nodes that the arguments name.
    ///
    /// # Errors
    /// One of them is not `host:port`.
    pub(super) fn new(args: &ClientArgs) -> Result<Self, CliError> {
        Self::of(args.endpoint.clone(), args.timeout)
    }

    /// Several nodes, asked for up to `patience`.
    ///
    /// # Errors
    /// One of them is not `host:port`, or there is none.
    pub(super) fn of(endpoints: Vec<String>, patience: Duration) -> Result<Self, CliError> {
        match endpoints.iter().find(|endpoint| !is_host_port(endpoint)) {
            Some(bad) => {
                Err(CliError::usage(ErrorCode::BadRequest, format!("--endpoint {bad:?} is not host:port"), "write it like 10.1.0.5:7600"))
            }
            None if endpoints.is_empty() => Err(CliError::usage(ErrorCode::BadRequest, "no --endpoint is given", "name a node")),
            None => Ok(Self { endpoints, patience, first: AtomicUsize::new(0) }),
        }
    }

    /// How long a request is tried.
    #[must_use]
    pub(super) const fn patience(&self) -> Duration {
        self.patience
    }

    /// The only node, for requests that are about one node.
    ///
    /// # Errors
    /// Several are given.
    pub(super) fn only(&self) -> Result<&str, CliError> {
        match self.endpoints.as_slice() {
            [one] => Ok(one),
            _ => Err(CliError::usage(ErrorCode::BadRequest, "this is about one node, and several are given", "name one with --endpoint")),
        }
    }

    /// Sends a request to one node after the other until one answers. `request` gets a connection, and the time that the
    /// node may take.
    ///
    /// # Errors
    /// [`Failure`]: the answer is final, nobody is there, or time is up.
    pub(super) async fn call<T>(
        &self,
        repeat: Repeat,
        request: impl AsyncFn(Channel, Duration) -> Result<T, Status>,
    ) -> Result<T, Failure> {
        self.call_until(Instant::now() + self.patience, repeat, request).await
    }

    /// As [`Client::call`], until a given time instead of for the whole patience.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub(super) async fn call_until<T>(
        &self,
        give_up: Instant,
        repeat: Repeat,
        request: impl AsyncFn(Channel, Duration) -> Result<T, Status>,
    ) -> Result<T, Failure> {
        let first = self.first.load(Ordering::Relaxed);
        // What each node said last: time may run out in the middle of a round.
        let mut failures: BTreeMap<usize, Failure> = BTreeMap::new();
        loop {
            for i in 0..self.endpoints.len() {
                let at = (first + i) % self.endpoints.len();
                let left = give_up.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(sum_up(failures));
                }
                let attempt = if self.endpoints.len() == 1 { left } else { left.min((left / 2).max(ATTEMPT_MIN)) };
                match attempt_at(&self.endpoints[at], attempt, &request).await {
                    Ok(answer) => {
                        self.first.store(at, Ordering::Relaxed);
                        return Ok(answer);
                    }
                    Err(failure) if failure.kind == Kind::Final => return Err(failure),
                    Err(failure) if failure.kind == Kind::InDoubt && repeat == Repeat::OnlyIfUndone => return Err(in_doubt(&failure)),
                    Err(failure) => failures.insert(at, failure),
                };
            }
            let pointless = failures.values().all(Failure::outlasts_a_moment);
            if pointless || Instant::now() + PAUSE >= give_up {
                return Err(sum_up(failures));
            }
            sleep(PAUSE).await;
        }
    }
}

async fn attempt_at<T>(
    endpoint: &str,
    time: Duration,
    request: &impl AsyncFn(Channel, Duration) -> Result<T, Status>,
) -> Result<T, Failure> {
    let deadline = Instant::now() + time;
    let channel = connect(endpoint, time).await?;
    let left = deadline.saturating_duration_since(Instant::now());
    match timeout(left, request(channel, left)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(status)) => Err(Failure::answered(endpoint, &status)),
        Err(_) => Err(Failure::silent(endpoint)),
    }
}

/// Opens a connection within `time`.
///
/// # Errors
/// Nobody is there.
pub(super) async fn connect(endpoint: &str, time: Duration) -> Result<Channel, Failure> {
    let target = Endpoint::from_shared(format!("http://{endpoint}")).map_err(|error| Failure::unreached(endpoint, &error.to_string()))?;
    match timeout(time.min(CONNECT_MAX), target.tcp_nodelay(true).connect()).await {
        Ok(Ok(channel)) => Ok(channel),
        Ok(Err(error)) => Err(Failure::unreached(endpoint, &innermost(&error))),
        Err(_) => Err(Failure::unreached(endpoint, "no connection in time")),
    }
}

/// The cause at the bottom: "Connection refused" says more than "transport error".
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// The one failure that stands for all nodes: what a node said before what no node said, and all nodes by name if nobody
/// was there.
fn sum_up(failures: BTreeMap<usize, Failure>) -> Failure {
    let unreached: Vec<String> = failures.values().map(|failure| failure.error.message.clone()).collect();
    let told = failures.into_values().filter(|failure| failure.kind != Kind::Unreached).max_by_key(|failure| failure.kind);
    told.unwrap_or_else(|| Failure::new(Kind::Unreached, ErrorCode::NodeUnreachable, unreached.join(", ")))
}

/// A request that may have been done and must not be done twice.
fn in_doubt(failure: &Failure) -> Failure {
    let what = format!("{}; whether it was done is not known", failure.error.message);
    let mut doubt = Failure::new(Kind::InDoubt, ErrorCode::CommitTimedOut, what);
    "Look before you repeat it.".clone_into(&mut doubt.error.remedy);
    doubt
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
