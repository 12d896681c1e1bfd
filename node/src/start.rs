//! The steps of starting and stopping a node, each with the error that a person gets when it fails.

use crate::config::NodeConfig;
use crate::disk_probe;
use labkeeper_machine::command::NodeInfo;
use labkeeper_model::{CommandId, ErrorCode, NodeId};
use labkeeper_proto::v1;
use labkeeper_proto::v1::peer_service_client::PeerServiceClient;
use labkeeper_raft::{Cluster, ClusterError, Identity, Options, ReadKind};
use labkeeper_supervision::GaveUp;
use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;
use tokio::net::TcpSocket;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How long a planned stop may take: a second for what is in flight, one for the end of the session, two for handing leadership over, five
/// for open connections.
const FINISH_MAX: Duration = Duration::from_secs(10);
/// One attempt at confirming membership with a majority: several elections.
const CONFIRM_ATTEMPT: Duration = Duration::from_secs(5);
/// Pause between attempts.
const RETRY_AFTER: Duration = Duration::from_millis(200);
/// Connections that wait to be accepted: as many as Linux takes by default.
const BACKLOG: u32 = 4_096;
/// How long a seed may take to answer.
const SEED_MAX: Duration = Duration::from_secs(2);

/// Why a node did not start, or could not go on: one clear line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartError {
    /// Which kind.
    pub code: ErrorCode,
    /// What, and where.
    pub message: String,
}

impl StartError {
    fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The store has failed.
    pub(crate) fn fatal(code: ErrorCode, message: String) -> Self {
        Self::new(code, message)
    }

    /// The node is put together wrongly.
    pub(crate) fn internal(message: String) -> Self {
        Self::new(ErrorCode::Internal, message)
    }

    /// The supervision tree gave up: a part failed more often than a restart can cure.
    pub(crate) fn tree_ended(ended: Result<Result<(), GaveUp>, JoinError>) -> Self {
        let message = match ended {
            Ok(Ok(())) => "everything ended".to_owned(),
            Ok(Err(gave_up)) => gave_up.to_string(),
            Err(error) => error.to_string(),
        };
        Self::internal(message)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}; {}", self.code, self.code.name(), self.message, self.code.remedy())
    }
}

impl std::error::Error for StartError {}

/// Takes a port, or says which key of node.toml to look at.
pub(crate) fn bind(key: &str, address: SocketAddr) -> Result<TcpListener, StartError> {
    let unavailable = |error: std::io::Error| StartError::new(ErrorCode::PortUnavailable, format!("{key} = {address}: {error}"));
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.map_err(unavailable)?;
    // A node that comes back takes its port at once, without waiting for what is left of old connections.
    socket.set_reuseaddr(true).and_then(|()| socket.bind(address)).map_err(unavailable)?;
    socket.listen(BACKLOG).and_then(tokio::net::TcpListener::into_std).map_err(unavailable)
}

/// Opens the store and, if the node belongs to a site, starts consensus.
pub(crate) async fn open_cluster(config: &NodeConfig) -> Result<Cluster, StartError> {
    let timing = labkeeper_raft::Timing {
        heartbeat: config.timing.heartbeat,
        election_min: config.timing.election_min,
        election_max: config.timing.election_max,
    };
    let options = Options { timing, ..Options::new(&config.data_dir, config.name.clone()) };
    let cluster = Cluster::open(options).await.map_err(|error| StartError::new(error.code(), error.to_string()))?;
    disk_probe::watch(&config.data_dir, config.timing);
    Ok(cluster)
}

/// This node as it declares itself.
pub(crate) fn node_info(config: &NodeConfig, cluster: &Cluster) -> NodeInfo {
    NodeInfo {
        name: config.name.clone(),
        instance: cluster.instance(),
        grpc: config.advertise_grpc.clone(),
        http: config.advertise_http.clone(),
        reach: config.reach.clone(),
    }
}

/// Waits until the node belongs to a site, saying once which command makes it so. `None` when it is told to stop first.
pub(crate) async fn wait_for_membership(cluster: &Cluster, config: &NodeConfig, stop: &CancellationToken) -> Option<Identity> {
    if cluster.identity().is_none() {
        say_how_to_begin(config).await;
    }
    let mut changes = cluster.status_changes();
    loop {
        if let Some(identity) = cluster.identity() {
            return Some(identity);
        }
        tokio::select! {
            () = stop.cancelled() => return None,
            changed = changes.changed() => changed.ok()?,
        }
    }
}

/// This node's number, once it belongs to a site; `None` when consensus has stopped.
pub(crate) async fn membership(cluster: &Cluster) -> Option<NodeId> {
    let mut changes = cluster.status_changes();
    loop {
        if let Some(identity) = cluster.identity() {
            return Some(identity.node_id);
        }
        changes.changed().await.ok()?;
    }
}

/// Looks whether a seed belongs to a site, to name the right command.
async fn say_how_to_begin(config: &NodeConfig) {
    let me = &config.advertise_grpc;
    let mut silent = vec![];
    for seed in config.seeds.iter().filter(|seed| *seed != me) {
        match ask_seed(seed).await {
            Some(state) if !state.site_id.is_empty() => {
                tracing::warn!("this node belongs to no site yet; let it join: labkeeper cluster join --endpoint {me} --to {seed}");
                return;
            }
            Some(_) => {}
            None => silent.push(seed.as_str()),
        }
    }
    if !silent.is_empty() {
        let code = ErrorCode::SeedUnreachable;
        tracing::warn!(%code, seeds = silent.join(", "), "seeds do not answer; {}", code.remedy());
    }
    tracing::warn!("this node belongs to no site yet; found one, once per site: labkeeper cluster init --endpoint {me}");
}

async fn ask_seed(seed: &str) -> Option<v1::GetNodeStateResponse> {
    let ask = async {
        let mut client = PeerServiceClient::connect(format!("http://{seed}")).await.ok()?;
        client.get_node_state(v1::GetNodeStateRequest {}).await.ok().map(tonic::Response::into_inner)
    };
    timeout(SEED_MAX, ask).await.ok().flatten()
}

/// Tells the site how this node is reached, if that has changed, and makes sure by a majority that what this node knows
/// is up to date. Tries until it succeeds; `None` when it is told to stop first.
pub(crate) async fn confirm(cluster: &Cluster, me: &NodeInfo, stop: &CancellationToken) -> Option<()> {
    loop {
        if stop.is_cancelled() {
            return None;
        }
        match try_confirm(cluster, me).await {
            Ok(()) => return Some(()),
            Err(error) => tracing::debug!(error, "a majority has not confirmed this node yet"),
        }
        sleep(RETRY_AFTER).await;
    }
}

async fn try_confirm(cluster: &Cluster, me: &NodeInfo) -> Result<(), String> {
    match cluster.announce(me.clone()).await {
        Ok(()) => {}
        // A site that is being founded does not know its first node yet, and will in a moment.
        Err(ClusterError::Rejected(rejection)) if rejection.code != ErrorCode::NotInitialised => {
            tracing::warn!(%rejection, instance = %CommandId(me.instance), "the site does not take this node's new declaration");
        }
        Err(error) => return Err(error.to_string()),
    }
    cluster.read_barrier(ReadKind::ReadIndex, Instant::now() + CONFIRM_ATTEMPT).await.map_err(|error| error.to_string())?;
    Ok(())
}

/// Waits for SIGTERM or SIGINT.
pub(crate) async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        _ => std::future::pending().await,
    }
}

/// Waits until everything has stopped in order. Bounded in time.
pub(crate) async fn finish(tree: JoinHandle<Result<(), GaveUp>>) {
    match timeout(FINISH_MAX, tree).await {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(gave_up))) => tracing::warn!(%gave_up, "while stopping"),
        Ok(Err(error)) => tracing::warn!(%error, "while stopping"),
        Err(_) => tracing::warn!("some connections did not close in time; leaving them"),
    }
}
