//! `labkeeper cluster drain` and `undrain`: hand a node's segments over as planned, for work on that computer.
//!
//! ```text
//! ask --in force--> told of each segment that moved --nothing left, all driven--> exit 0
//!  ^                  |        \__ time is up: says what is left --> exit 1 (the node stays drained)
//!  +-- stream broke --+
//! ```

use super::client::{Client, ClientArgs, Repeat};
use super::error::CliError;
use super::failure::Failure;
use super::identity::{new_id, whoami};
use super::output::{Form, Output, note};
use super::status::{self, TakeoverJson};
use labkeeper_model::ErrorCode;
use labkeeper_proto::v1;
use labkeeper_proto::v1::cluster_service_client::ClusterServiceClient;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;
use tonic::{Response, Streaming};

/// Longest wait that a node grants.
const WAIT_MAX: Duration = Duration::from_secs(600);
/// How long a node may take to answer beyond what it was asked to wait: an election, and a slow network.
const GRACE: Duration = Duration::from_secs(5);

/// Arguments of `drain`.
#[derive(Debug, clap::Args)]
#[command(mut_arg("timeout", |timeout| timeout.default_value("30s")))]
pub(super) struct DrainArgs {
    /// The node's name
    node: String,
    /// Why
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    client: ClientArgs,
}

/// Arguments of `undrain`.
#[derive(Debug, clap::Args)]
pub(super) struct UndrainArgs {
    /// The node's name
    node: String,
    /// Why
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    client: ClientArgs,
}

/// A drain in JSON. Its keys are a promise.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct DrainJson {
    node: String,
    done: bool,
    left: Vec<String>,
    handed_over: Vec<TakeoverJson>,
}

/// What is known of a drain, over all streams that told of it.
#[derive(Debug, Default)]
struct Progress {
    left: Vec<String>,
    /// By the log entry that granted the segment, and the segment.
    moved: BTreeMap<(u64, String), v1::TakeoverStatus>,
    done: bool,
}

impl Progress {
    /// Takes a message; the takeovers that it completed, in the order of their grants.
    fn take(&mut self, message: v1::DrainNodeResponse) -> Vec<v1::TakeoverStatus> {
        let mut completed = vec![];
        for takeover in message.handed_over {
            let key = (takeover.log_index, takeover.segment.clone());
            let is_driven = takeover.enabled_ms.is_some();
            let was_driven = self.moved.insert(key, takeover.clone()).is_some_and(|before| before.enabled_ms.is_some());
            if is_driven && !was_driven {
                completed.push(takeover);
            }
        }
        (self.left, self.done) = (message.left, message.done);
        completed
    }

    /// Why it counts as failed; `None` if everything was handed over.
    fn shortfall(&self, node: &str, waited: Duration) -> Option<CliError> {
        if self.left.is_empty() {
            return None;
        }
        let what = format!("{node} still owns {} after {waited:?}; it stays drained", self.left.join(", "));
        Some(CliError::failed_with(ErrorCode::WaitTimedOut, what, "`labkeeper cluster status --why` says what keeps them"))
    }
}

/// Runs `drain`.
///
/// # Errors
/// The cluster refuses, no node answers, or something is left when time is up.
pub(super) async fn drain(args: &DrainArgs) -> Result<(), CliError> {
    let output = Output { json: args.client.json };
    let waited = args.client.timeout.min(WAIT_MAX);
    let client = Client::of(args.client.endpoint.clone(), waited + GRACE)?;
    let mut progress = Progress::default();
    follow(&client, args, Instant::now() + waited, |message| {
        for takeover in progress.take(message) {
            if output.json {
                note(status::took(&takeover));
            } else {
                output.line(status::took(&takeover))?;
            }
        }
        Ok(progress.done)
    })
    .await?;
    let shortfall = progress.shortfall(&args.node, waited);
    if output.json {
        let handed_over = progress.moved.into_values().map(Into::into).collect();
        let json = DrainJson { node: args.node.clone(), done: progress.done, left: progress.left, handed_over };
        output.json(&json, Form::Document)?;
    } else if shortfall.is_none() {
        for takeover in progress.moved.values().filter(|takeover| takeover.enabled_ms.is_none()) {
            output.line(status::took(takeover))?;
        }
        output.line(format!("{0} owns no segment, and gets none until `labkeeper cluster undrain {0}`", args.node))?;
    }
    shortfall.map_or(Ok(()), Err)
}

/// Asks, and hands each message to `take` until that says that it was the last one, or the node ends the stream. A broken stream is opened
/// again, at any node: draining twice is draining once.
async fn follow(
    client: &Client,
    args: &DrainArgs,
    until: Instant,
    mut take: impl FnMut(v1::DrainNodeResponse) -> Result<bool, CliError>,
) -> Result<(), CliError> {
    loop {
        let mut stream = open(client, args, until.saturating_duration_since(Instant::now())).await?;
        let broken = loop {
            match stream.message().await {
                Ok(Some(message)) => {
                    if take(message)? {
                        return Ok(());
                    }
                }
                Ok(None) => return Ok(()),
                Err(status) => break status,
            }
        };
        if Instant::now() >= until {
            return Ok(());
        }
        note(format!("drain: the stream broke ({}); asking again", broken.message()));
    }
}

async fn open(client: &Client, args: &DrainArgs, wait: Duration) -> Result<Streaming<v1::DrainNodeResponse>, Failure> {
    let request = v1::DrainNodeRequest {
        node: args.node.clone(),
        actor: whoami(),
        reason: args.reason.clone(),
        // At most ten minutes, so it fits; nothing would be the node's default.
        wait_ms_max: u32::try_from(wait.as_millis()).unwrap_or(u32::MAX).max(1),
        id: new_id(),
    };
    client
        .call(Repeat::Harmless, async |channel, _| {
            ClusterServiceClient::new(channel).drain_node(request.clone()).await.map(Response::into_inner)
        })
        .await
}

/// Runs `undrain`.
///
/// # Errors
/// The cluster refuses, or no node answers.
pub(super) async fn undrain(args: &UndrainArgs) -> Result<(), CliError> {
    let request = v1::UndrainNodeRequest { node: args.node.clone(), actor: whoami(), reason: args.reason.clone(), id: new_id() };
    Client::new(&args.client)?
        .call(Repeat::Harmless, async |channel, _| ClusterServiceClient::new(channel).undrain_node(request.clone()).await)
        .await?;
    let output = Output { json: args.client.json };
    if output.json {
        return output.json(&json!({ "node": args.node, "draining": false }), Form::Document);
    }
    output.line(format!("{} may own segments again", args.node))
}

#[cfg(test)]
mod tests {
    use super::super::status::sample::takeover;
    use super::*;

    fn message(left: &[&str], handed_over: Vec<v1::TakeoverStatus>, done: bool) -> v1::DrainNodeResponse {
        v1::DrainNodeResponse { left: left.iter().map(|name| (*name).to_owned()).collect(), handed_over, done }
    }

    #[test]
    fn each_segment_is_told_once_when_it_is_driven_again() {
        let mut progress = Progress::default();
        assert!(progress.take(message(&["cryo", "vacuum"], vec![], false)).is_empty());
        let assigned = v1::TakeoverStatus { enabled_ms: None, ..takeover() };
        assert!(progress.take(message(&["vacuum"], vec![assigned], false)).is_empty(), "not driven yet");
        assert_eq!(progress.take(message(&["vacuum"], vec![takeover()], false)), [takeover()]);
        assert!(progress.take(message(&["vacuum"], vec![takeover()], false)).is_empty(), "told before");
        let late = v1::TakeoverStatus { segment: "vacuum".into(), log_index: 41, ..takeover() };
        // Another node tells only of what it saw since it was asked.
        assert_eq!(progress.take(message(&[], vec![late.clone()], true)), [late]);
        assert_eq!((progress.moved.len(), progress.done), (2, true));
        assert_eq!(progress.shortfall("lab-a", Duration::from_secs(30)), None);
    }

    #[test]
    fn what_is_left_is_said_with_the_way_to_find_out_why() {
        let mut progress = Progress::default();
        progress.take(message(&["cryo", "vacuum"], vec![], false));
        let error = progress.shortfall("lab-a", Duration::from_secs(30)).expect("a shortfall").to_string();
        assert_eq!(
            error,
            "LAB3018 wait_timed_out: lab-a still owns cryo, vacuum after 30s; it stays drained; `labkeeper cluster status --why` says what keeps them"
        );
    }
}
