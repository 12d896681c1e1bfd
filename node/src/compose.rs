//! One node, put together: what is started, in which order, and how it all ends. Fits a screen and stays so.
//!
//! ```text
//!   listeners ─► cluster ─► api (gRPC, HTTP) ─► wait until the node belongs to a site
//!                                             ─► announce ─► confirm with a majority ─► keep segments
//! ```
//!
//! A node drives no device before it has confirmed with a majority what it owns: what it remembers may be old.

use crate::api::cluster::Membership;
use crate::api::grpc::{self, Services};
use crate::api::http::{self, HttpState};
use crate::api::status::StatusSource;
use crate::api::tags::Tags;
use crate::commands::Commands;
use crate::config::NodeConfig;
use crate::observe::metrics::Metrics;
use crate::observe::rate;
use crate::ownership::keeper::{self, KeeperContext};
use crate::ownership::reporter;
use crate::peers::Peers;
use crate::telemetry::latest::Latest;
use crate::telemetry::relay;
use crate::{deadlines, start};
use labkeeper_machine::command::NodeInfo;
use labkeeper_raft::{Cluster, Identity};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use start::StartError;

/// Runs a node until it is told to stop (SIGTERM, SIGINT) or cannot go on.
///
/// # Errors
/// [`StartError`] when it cannot start, or when its store has failed.
pub async fn run(config: NodeConfig) -> Result<(), StartError> {
    let grpc_listener = start::bind("listen.grpc", config.listen_grpc).await?;
    let http_listener = start::bind("listen.http", config.listen_http).await?;
    let cluster = start::open_cluster(&config).await?;
    let me = start::node_info(&config, &cluster);
    tracing::info!(node = %me.name, grpc = me.grpc, http = me.http, version = crate::VERSION, "started");

    let stop = CancellationToken::new();
    let mut tasks: JoinSet<(&'static str, Result<(), String>)> = JoinSet::new();
    let node = Node::new(cluster.clone(), me);
    let services = node.services(stop.clone());
    let http_state = HttpState { services: services.clone(), metrics: Arc::new(node.metrics()) };
    let (grpc_stop, http_stop, work_stop) = (stop.clone(), stop.clone(), stop.clone());
    // Heartbeats come in by this port: it is served where neither devices nor the user interface can starve it.
    tasks.spawn_on(async move { ("grpc", grpc::serve(services, grpc_listener, grpc_stop).await) }, &cluster.runtime());
    tasks.spawn(async move { ("http", http::serve(http_state, http_listener, http_stop).await) });
    tasks.spawn(async move { ("work", node.work(config, work_stop).await) });

    let ended = tokio::select! {
        () = start::told_to_stop() => Ok(()),
        reason = cluster.fatal() => Err(StartError::fatal(reason.code, reason.message)),
        Some(ended) = tasks.join_next() => Err(StartError::task_ended(ended)),
    };
    tracing::info!("stopping");
    start::finish(&cluster, stop, tasks).await;
    ended
}

/// The parts that the services and the work share.
struct Node {
    cluster: Cluster,
    me: NodeInfo,
    latest: Arc<Latest>,
    peers: Arc<Peers>,
    commands: Commands,
    status: Arc<StatusSource>,
}

impl Node {
    fn new(cluster: Cluster, me: NodeInfo) -> Self {
        let peers = Arc::new(Peers::default());
        let status = StatusSource {
            cluster: cluster.clone(),
            me: me.clone(),
            peers: peers.clone(),
            board: Arc::default(),
            taken: Arc::new(AtomicU64::new(0)),
            rate_milli: Arc::new(AtomicU64::new(0)),
            started: std::time::Instant::now(),
        };
        Self { commands: Commands::new(cluster.clone()), cluster, me, latest: Arc::default(), peers, status: Arc::new(status) }
    }

    fn services(&self, stop: CancellationToken) -> Services {
        let (cluster, peers) = (self.cluster.clone(), self.peers.clone());
        Services {
            tags: Tags { cluster: cluster.clone(), latest: self.latest.clone(), peers },
            commands: self.commands.clone(),
            membership: Membership { cluster: cluster.clone(), me: self.me.clone() },
            status: self.status.clone(),
            cluster,
            stop,
        }
    }

    fn metrics(&self) -> Metrics {
        Metrics { latest: self.latest.clone(), taken: self.status.taken.clone() }
    }

    /// Everything that a member of a site does besides answering. Ends when it is told to, or when a part of it has ended.
    async fn work(self, config: NodeConfig, stop: CancellationToken) -> Result<(), String> {
        let Some(identity) = start::wait_for_membership(&self.cluster, &config, &stop).await else { return Ok(()) };
        let Some(()) = start::confirm(&self.cluster, &self.me, &stop).await else { return Ok(()) };
        let (reports, queue) = mpsc::channel(reporter::QUEUE_MAX);
        let keeper = KeeperContext {
            cluster: self.cluster.clone(),
            me: identity.node_id,
            latest: self.latest.clone(),
            taken: self.status.taken.clone(),
            reports,
            board: self.status.board.clone(),
        };
        let kept = tokio::spawn(keeper::run(keeper, stop.clone()));
        tokio::select! {
            biased;
            ended = kept => ended.map_err(|error| format!("keeping segments: {error}")),
            ended = self.background(&identity, queue) => Err(ended.to_owned()),
        }
    }

    /// The parts that only ever end by a fault.
    async fn background(&self, identity: &Identity, queue: mpsc::Receiver<labkeeper_machine::command::CommandReport>) -> &'static str {
        tokio::select! {
            () = reporter::run(self.cluster.clone(), identity.node_id, queue) => "reporting ended",
            () = relay::run(self.cluster.clone(), identity.node_id, self.latest.clone(), self.peers.clone()) => "relaying samples ended",
            () = self.peers.run(self.cluster.clone()) => "watching the other nodes ended",
            () = deadlines::run(self.cluster.clone()) => "watching deadlines ended",
            () = rate::run(&self.status.taken, &self.status.rate_milli) => "measuring rates ended",
        }
    }
}
