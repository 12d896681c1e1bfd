//! The handle to consensus that the rest of the node holds: cheap to clone, usable from any runtime, before and after the node
//! belongs to a site.
//!
//! Consensus runs on two threads of its own, so that neither devices nor the user interface can starve a heartbeat.

use crate::applied::Replica;
use crate::error::{ClusterError, OpenError, ProposeError};
use crate::fault::{Fault, Faults};
use crate::network::pool::{Lane, Pool};
use crate::network::server::{Core, RaftRpc};
use crate::network::tag::Addresses;
use crate::network::{MESSAGE_BYTES_MAX, errors};
use crate::options::{Options, config};
use crate::propose::Proposer;
use crate::start;
use crate::status::{RaftStatus, Role};
use crate::store::data_dir::{DataDir, Identity};
use crate::store::writer::WriterThread;
use crate::types::Raft;
use labkeeper_machine::{Effect, Machine};
use labkeeper_model::{ErrorCode, LogIndex, NodeId};
use labkeeper_proto::v1::peer_service_client::PeerServiceClient;
use labkeeper_proto::v1::raft_service_server::RaftServiceServer;
use openraft_rt::WatchReceiver as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::{Mutex, broadcast, watch};
use tonic::Status;
use tonic::transport::Channel;

/// Threads for consensus: one for the core, one for its network and disk callbacks.
const THREADS: usize = 2;
/// How long a planned stop waits for another node to take leadership over. A transfer takes some 20 ms.
const HAND_OVER_MAX: Duration = Duration::from_secs(2);

/// Consensus on this node.
#[derive(Clone)]
pub struct Cluster {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) dir: DataDir,
    pub(crate) replica: Replica,
    pub(crate) faults: Faults,
    pub(crate) pool: Pool,
    pub(crate) addresses: Addresses,
    pub(crate) core: Core,
    pub(crate) member: OnceLock<Member>,
    pub(crate) status: watch::Sender<RaftStatus>,
    pub(crate) recovered: watch::Sender<bool>,
    /// One founding or joining at a time.
    pub(crate) settling: Mutex<()>,
    handle: Handle,
    runtime: parking_lot::Mutex<Option<Runtime>>,
}

/// What runs once the node belongs to a site.
pub(crate) struct Member {
    pub(crate) identity: Identity,
    pub(crate) raft: Raft,
    pub(crate) proposer: Proposer,
    pub(crate) writer: Arc<WriterThread>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.lock().take() {
            // The last handle may go within a runtime, where waiting for another to end is not allowed.
            runtime.shutdown_background();
        }
    }
}

impl Cluster {
    /// Opens the data directory and, if the node belongs to a site, starts consensus. Otherwise the node waits to be told to found
    /// a site or to join one.
    ///
    /// # Errors
    /// [`OpenError`]; nothing is left running.
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        config(options.timing, options.snapshot_every, options.snapshot_keep)?;
        let (path, name) = (options.data_dir.clone(), options.name.clone());
        let dir = tokio::task::spawn_blocking(move || DataDir::open(&path, &name)).await;
        let dir = dir.map_err(|e| OpenError::NotStarted(e.to_string()))??;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).thread_name("raft").enable_all().build();
        let runtime = runtime.map_err(|e| OpenError::NotStarted(e.to_string()))?;
        let shared = Arc::new(Shared {
            options,
            dir,
            replica: Replica::default(),
            faults: Faults::default(),
            pool: Pool::default(),
            addresses: Addresses::default(),
            core: Core::default(),
            member: OnceLock::new(),
            status: watch::channel(RaftStatus::default()).0,
            recovered: watch::channel(false).0,
            settling: Mutex::default(),
            handle: runtime.handle().clone(),
            runtime: parking_lot::Mutex::new(Some(runtime)),
        });
        let cluster = Self { shared };
        if let Some(identity) = cluster.identity() {
            start::start(&cluster.shared, identity).await?;
        }
        Ok(cluster)
    }

    /// Who the node is; `None` while it belongs to no site.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        self.shared.dir.identity()
    }

    /// The random number that the data directory got when it was made.
    #[must_use]
    pub fn instance(&self) -> [u8; 16] {
        self.shared.dir.instance()
    }

    /// Consensus for other nodes, for the node's tonic server. Best served on [`Cluster::runtime`]. Answers "not initialised" until
    /// the node belongs to a site.
    #[must_use]
    pub fn service(&self) -> RaftServiceServer<RaftRpc> {
        RaftRpc::service(self.shared.core.clone(), self.shared.replica.clone(), self.shared.addresses.clone())
    }

    /// The runtime that consensus runs on.
    #[must_use]
    pub fn runtime(&self) -> Handle {
        self.shared.handle.clone()
    }

    /// Looks at the state as this node has applied it. Applying waits meanwhile, so look briefly.
    pub fn read<T>(&self, look: impl FnOnce(&Machine) -> T) -> T {
        self.shared.replica.read(look)
    }

    /// The index of the last applied entry, as it grows.
    #[must_use]
    pub fn applied(&self) -> watch::Receiver<LogIndex> {
        self.shared.replica.applied()
    }

    /// Hints that something changed. May miss some and repeat others; the state is the truth.
    #[must_use]
    pub fn effects(&self) -> broadcast::Receiver<(LogIndex, Effect)> {
        self.shared.replica.effects()
    }

    /// How consensus stands at this moment.
    #[must_use]
    pub fn status(&self) -> RaftStatus {
        match self.shared.member.get() {
            // Cloned at once: a borrow that is held stops the core.
            Some(member) => {
                let server = member.raft.server_metrics().borrow_watched().clone();
                let metrics = member.raft.metrics().borrow_watched().clone();
                RaftStatus::of(&server, &metrics)
            }
            None => RaftStatus::default(),
        }
    }

    /// How consensus stands, told anew when role, term, leader or membership change; [`Cluster::status`] has fresh indexes.
    #[must_use]
    pub fn status_changes(&self) -> watch::Receiver<RaftStatus> {
        self.shared.status.subscribe()
    }

    /// Whether the node has applied at least what it had before its last stop. Until then it should not serve.
    #[must_use]
    pub fn is_recovered(&self) -> bool {
        *self.shared.recovered.borrow()
    }

    /// Waits until [`Cluster::is_recovered`].
    pub async fn recovered(&self) {
        let mut recovered = self.shared.recovered.subscribe();
        // The sender lives as long as this handle.
        let _ = recovered.wait_for(|recovered| *recovered).await;
    }

    /// Whether the node leads and a majority confirmed it within its lease.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        let status = self.status();
        let alone = status.node_id.is_some_and(|me| status.voters == [me]);
        let fresh = status.quorum_acked_ago.is_some_and(|ago| ago < self.shared.options.timing.election_max);
        status.role == Role::Leader && (alone || fresh)
    }

    /// The gRPC address of a node: what it said with its last call, what it had replicated, or where it was when it joined.
    #[must_use]
    pub fn address_of(&self, id: NodeId) -> Option<String> {
        let replicated = || self.read(|machine| machine.nodes().get(&id).map(|node| node.grpc.clone()));
        let joined = || {
            let server = self.shared.member.get()?.raft.server_metrics().borrow_watched().clone();
            server.membership_config.membership().get_node(&id).map(|member| member.grpc.clone())
        };
        self.shared.addresses.of(id).or_else(replicated).or_else(joined)
    }

    /// A client for another node's `PeerService`, on a shared connection that is made when it is first used.
    ///
    /// # Errors
    /// [`ClusterError::Unreachable`] when it is not an address.
    pub fn peer(&self, address: &str) -> Result<PeerServiceClient<Channel>, ClusterError> {
        let _within = self.shared.handle.enter();
        let channel = self.shared.pool.channel(address, Lane::Peer);
        let channel = channel.map_err(|e| ClusterError::Unreachable { address: address.to_owned(), what: e.to_string() })?;
        Ok(PeerServiceClient::new(channel).max_decoding_message_size(MESSAGE_BYTES_MAX).max_encoding_message_size(MESSAGE_BYTES_MAX))
    }

    /// An error as a status for another node, which gets code and message back by [`Cluster::from_status`].
    #[must_use]
    pub fn to_status(error: &ClusterError) -> Status {
        errors::to_status(error.code(), &error.to_string())
    }

    /// What another node's status means.
    #[must_use]
    pub fn from_status(address: &str, status: &Status) -> ClusterError {
        match errors::from_status(status) {
            Some((ErrorCode::NoLeader, _)) => ClusterError::NotLeader { leader: None },
            Some((code, message)) => ClusterError::Remote { code, message },
            None => ClusterError::Unreachable { address: address.to_owned(), what: status.message().to_owned() },
        }
    }

    /// A planned stop: hands leadership over if another node can take it, then stops consensus and closes the log.
    pub async fn shutdown(&self) {
        let Some(member) = self.shared.member.get() else { return };
        if let Some(to) = self.successor() {
            // Without a successor the others elect one, which takes longer.
            let _ = tokio::time::timeout(HAND_OVER_MAX, self.transfer(to)).await;
        }
        if let Err(error) = member.raft.shutdown().await {
            tracing::warn!(%error, "consensus did not stop in order");
        }
        let writer = member.writer.clone();
        // Waits for the thread, which writes what it still has.
        let _ = tokio::task::spawn_blocking(move || writer.stop()).await;
    }

    /// Stops at once, as if the process had been killed: nothing is handed over, nobody is told. For tests that kill nodes within
    /// one process.
    #[doc(hidden)]
    pub fn crash(&self) {
        if let Some(runtime) = self.shared.runtime.lock().take() {
            runtime.shutdown_background();
        }
        if let Some(member) = self.shared.member.get() {
            member.writer.stop();
        }
        self.shared.dir.release();
    }

    /// The voter that has most of the log, if this node leads.
    pub(crate) fn successor(&self) -> Option<NodeId> {
        let metrics = self.shared.member.get()?.raft.metrics().borrow_watched().clone();
        let replication = metrics.replication.filter(|_| metrics.state.is_leader())?;
        let voters = metrics.membership_config.membership().voter_ids().filter(|id| *id != metrics.id);
        voters.max_by_key(|id| replication.get(id).copied().flatten())
    }

    /// Waits until consensus on this node cannot go on. The process must say why, and end.
    pub async fn fatal(&self) -> Fault {
        self.shared.faults.first().await
    }

    pub(crate) fn fault(&self) -> Option<Fault> {
        self.shared.faults.current()
    }

    pub(crate) fn why_stopped(&self) -> String {
        self.fault().map_or_else(|| "the node is stopping".to_owned(), |fault| fault.to_string())
    }

    pub(crate) fn member(&self) -> Result<&Member, ProposeError> {
        self.shared.member.get().ok_or(ProposeError::NotInitialised)
    }
}
