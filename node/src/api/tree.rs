//! The supervision trees of all nodes: each node shows its own, and asks the node that is named for another's.
//!
//! ```text
//!   client ──► any node ──it is the one that is named──► its tree
//!                  └──────another is named, not passed on before──► that node, which answers itself or refuses
//! ```

use super::status::StatusSource;
use crate::error::ApiError;
use labkeeper_model::ErrorCode;
use labkeeper_proto::v1;
use labkeeper_proto::v1::tree_service_client::TreeServiceClient;
use labkeeper_supervision::{ChildStatus, CommandError, Exit, Kind, MailboxStats, State, System};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tonic::Status;
use tonic::transport::{Channel, Endpoint};

/// How often a tree is looked at for a stream: one of 1,000 devices takes a millisecond to look at, and is some 150 kB to send if it has
/// changed. Mailboxes fill and threads block without a sign, so there is nothing to wait for.
const SHOW_EVERY: Duration = Duration::from_millis(500);
/// How long a connection to another node may take to open: a lab's network needs milliseconds.
const CONNECT_MAX: Duration = Duration::from_millis(1_500);
/// How long another node may take to answer: a task that is ended gets five seconds.
const ANSWER_MAX: Duration = Duration::from_secs(8);
/// A step that takes less than this is no news: at any moment some task is in one.
const BUSY_MIN: Duration = Duration::from_millis(100);
/// Largest tree: 20,000 tasks.
const TREE_BYTES_MAX: usize = 4 << 20;

/// Whose tree is asked for.
pub enum Whose {
    /// This node's own.
    Own,
    /// That of the node behind this connection.
    Other(TreeServiceClient<Channel>),
}

/// Finds out whose tree is asked for; opens a connection to the node if it is another's.
///
/// # Errors
/// No such node, it does not answer, or the request was passed on already and is not for this node.
pub async fn whose(source: &StatusSource, node: &str, passed_on: bool) -> Result<Whose, ApiError> {
    if node.is_empty() || node == source.me.name.as_str() {
        return Ok(Whose::Own);
    }
    if passed_on {
        return Err(ApiError::new(ErrorCode::UnknownNode, format!("this is {}, not {node:?}", source.me.name)));
    }
    let address = source.cluster.read(|machine| machine.node_by_name(node).map(|(_, info)| info.grpc.clone()));
    let address = address.ok_or_else(|| ApiError::new(ErrorCode::UnknownNode, format!("the site has no node {node:?}")))?;
    let unreachable = |error: tonic::transport::Error| ApiError::new(ErrorCode::NodeUnreachable, format!("{node} at {address}: {error}"));
    let endpoint = Endpoint::from_shared(format!("http://{address}")).map_err(unreachable)?;
    let channel = endpoint.connect_timeout(CONNECT_MAX).tcp_nodelay(true).connect().await.map_err(unreachable)?;
    Ok(Whose::Other(TreeServiceClient::new(channel).max_decoding_message_size(TREE_BYTES_MAX)))
}

/// Waits for another node's answer.
///
/// # Errors
/// Its own error, or that it does not answer.
pub async fn answer<T>(node: &str, asked: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    match tokio::time::timeout(ANSWER_MAX, asked).await {
        Ok(answered) => answered,
        Err(_) => Err(ApiError::new(ErrorCode::NodeUnreachable, format!("{node} does not answer")).into()),
    }
}

/// This node's tree. Empty before it runs.
#[must_use]
pub fn own(source: &StatusSource) -> v1::Tree {
    let children = source.tree.get().map(System::tree).unwrap_or_default();
    let now = Instant::now();
    let clock = Clock { started: source.started, now };
    let children = children.iter().map(|child| clock.child(child)).collect();
    v1::Tree { node: source.me.name.to_string(), now_ms: clock.ms(now), children }
}

/// Shows this node's tree at first and after each change, until nobody listens.
pub async fn watch(source: Arc<StatusSource>, out: mpsc::Sender<Result<v1::WatchTreeResponse, Status>>) {
    let mut ticks = interval(SHOW_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = None;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = out.closed() => return,
        }
        let tree = own(&source);
        if told.as_ref() == Some(&tree.children) {
            continue;
        }
        told = Some(tree.children.clone());
        // The receiver takes one message at a time, so a slow reader holds this task and nobody else.
        if out.send(Ok(v1::WatchTreeResponse { tree: Some(tree) })).await.is_err() {
            return;
        }
    }
}

/// Acts on a task of this node.
///
/// # Errors
/// There is no such task, or it cannot be done to it.
pub async fn control(source: &StatusSource, request: &v1::ControlChildRequest) -> Result<v1::ControlChildResponse, ApiError> {
    let system = source.tree.get().ok_or_else(|| ApiError::new(ErrorCode::UnknownTask, "the tree does not run yet"))?;
    let path = full_path(system, &request.path);
    let v1::ControlChildRequest { actor, reason, .. } = request;
    let action = request.action();
    tracing::warn!(path, action = action.as_str_name(), actor, reason, "an operator acts on a task");
    let done = match action {
        v1::ChildAction::Unspecified => return Err(ApiError::new(ErrorCode::BadRequest, "action: missing, or not known to this version")),
        v1::ChildAction::Restart => system.restart(&path).await,
        v1::ChildAction::Quarantine => system.quarantine(&path, &quarantine_reason(actor, reason)).await,
        v1::ChildAction::Release => system.release(&path).await,
    };
    done.map_err(command_error)?;
    let now = Instant::now();
    let clock = Clock { started: source.started, now };
    let child = system.find(&path).map(|child| clock.child(&child));
    Ok(v1::ControlChildResponse { child, now_ms: clock.ms(now) })
}

/// The path from the root on, which people leave out: there is only one root.
fn full_path(system: &System, path: &str) -> String {
    if system.find(path).is_some() {
        return path.to_owned();
    }
    let root = system.tree().first().map(|root| root.path.clone()).unwrap_or_default();
    format!("{root}/{path}")
}

fn quarantine_reason(actor: &str, reason: &str) -> String {
    let actor = if actor.is_empty() { "an operator" } else { actor };
    if reason.is_empty() { format!("by {actor}") } else { format!("by {actor}: {reason}") }
}

fn command_error(error: CommandError) -> ApiError {
    let code = match error {
        CommandError::NoSuchSupervisor(_) | CommandError::NoSuchChild(_) => ErrorCode::UnknownTask,
        CommandError::NotQuarantined(_) => ErrorCode::AlreadyDecided,
        CommandError::AlreadyThere(_) | CommandError::Refused(_) | CommandError::Stuck(_) => ErrorCode::Internal,
    };
    ApiError::new(code, error.to_string())
}

/// Turns moments of this process into milliseconds since the node started.
struct Clock {
    started: Instant,
    now: Instant,
}

impl Clock {
    fn ms(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.started).as_millis()).unwrap_or(u64::MAX)
    }

    fn child(&self, child: &ChildStatus) -> v1::TreeChild {
        let kind = match child.kind {
            Kind::Supervisor => v1::ChildKind::Supervisor,
            Kind::Worker => v1::ChildKind::Worker,
        };
        let (state, retry_at, quarantine) = match &child.state {
            State::Waiting => (v1::ChildState::Waiting, None, ""),
            State::Starting => (v1::ChildState::Starting, None, ""),
            State::Running => (v1::ChildState::Running, None, ""),
            State::BackingOff { until } => (v1::ChildState::BackingOff, Some(self.ms(*until)), ""),
            State::Stopping => (v1::ChildState::Stopping, None, ""),
            State::Stopped => (v1::ChildState::Stopped, None, ""),
            State::Quarantined { reason } => (v1::ChildState::Quarantined, None, &**reason),
        };
        v1::TreeChild {
            path: child.path.clone(),
            kind: kind.into(),
            state: state.into(),
            since_ms: self.ms(child.since),
            retry_at_ms: retry_at,
            quarantine: quarantine.to_owned(),
            restarts: child.restarts,
            restarts_in_window: u32::try_from(child.restarts_in_window).unwrap_or(u32::MAX),
            restarts_max: child.intensity,
            last_exit: child.last_exit.as_deref().map(|exit| self.exit(exit)),
            mailbox: child.mailbox.map(mailbox),
            busy_since_ms: child
                .busy_since
                .filter(|since| self.now.saturating_duration_since(*since) >= BUSY_MIN)
                .map(|since| self.ms(since)),
        }
    }

    fn exit(&self, exit: &Exit) -> v1::ChildExit {
        v1::ChildExit {
            at_ms: self.ms(exit.at),
            generation: exit.generation,
            reason: exit.reason.to_string(),
            location: exit.reason.location().unwrap_or_default().to_owned(),
            abnormal: exit.reason.is_abnormal(),
        }
    }
}

fn mailbox(stats: MailboxStats) -> v1::Mailbox {
    v1::Mailbox { depth: stats.depth as u64, capacity: stats.capacity as u64, dropped: stats.dropped }
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
