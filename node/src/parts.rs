//! What the children of the node's tree share, and how each of them is run. Everything here outlives a restart of any child.

use crate::api::cluster::Membership;
use crate::api::grpc::{self, Services};
use crate::api::http::{self, HttpState};
use crate::api::status::StatusSource;
use crate::api::tags::Tags;
use crate::commands::Commands;
use crate::config::NodeConfig;
use crate::notify::NotifyContext;
use crate::observe::metrics::Metrics;
use crate::observe::own_alarms::OwnAlarmsContext;
use crate::observe::rate;
use crate::ownership::context::OwnerContext;
use crate::ownership::probes::ProbeContext;
use crate::ownership::reporter::Reports;
use crate::ownership::session::SessionContext;
use crate::ownership::tenure::Tenure;
use crate::peers::Peers;
use crate::start::{self, StartError};
use crate::telemetry::latest::Latest;
use crate::telemetry::relay;
use labkeeper_machine::command::NodeInfo;
use labkeeper_model::NodeId;
use labkeeper_raft::Cluster;
use labkeeper_supervision::{ChildError, ChildSpec, Context, System};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// The shared parts of a node. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Parts {
    /// The replicated state.
    pub(crate) cluster: Cluster,
    /// What owners say about commands, on its way into the log.
    pub(crate) reports: Reports,
    config: Arc<NodeConfig>,
    me: NodeInfo,
    listeners: Arc<Listeners>,
    latest: Arc<Latest>,
    peers: Arc<Peers>,
    commands: Commands,
    status: Arc<StatusSource>,
    tenure: Tenure,
}

/// Taken once, so that a restart of a server does not lose its port.
struct Listeners {
    grpc: TcpListener,
    http: TcpListener,
}

impl Parts {
    /// Takes the ports, opens the store and, if the node belongs to a site, starts consensus.
    ///
    /// # Errors
    /// [`StartError`], with what to do about it.
    pub(crate) async fn open(config: NodeConfig) -> Result<Self, StartError> {
        let grpc = start::bind("listen.grpc", config.listen_grpc)?;
        let http = start::bind("listen.http", config.listen_http)?;
        let cluster = start::open_cluster(&config).await?;
        let me = start::node_info(&config, &cluster);
        tracing::info!(node = %me.name, grpc = me.grpc, http = me.http, version = crate::VERSION, "started");
        let peers = Arc::new(Peers::default());
        let tenure = Tenure::default();
        let status = Arc::new(StatusSource {
            cluster: cluster.clone(),
            me: me.clone(),
            peers: peers.clone(),
            board: Arc::default(),
            taken: Arc::new(AtomicU64::new(0)),
            rate_milli: Arc::new(AtomicU64::new(0)),
            started: std::time::Instant::now(),
            tenure: tenure.clone(),
            tree: Arc::default(),
        });
        Ok(Self {
            commands: Commands::new(cluster.clone()),
            reports: Reports::default(),
            config: Arc::new(config),
            listeners: Arc::new(Listeners { grpc, http }),
            latest: Arc::default(),
            cluster,
            me,
            peers,
            status,
            tenure,
        })
    }

    /// Lets the API show the tree.
    pub(crate) fn show(&self, system: System) {
        // Set once, right after the tree was made.
        let _ = self.status.tree.set(system);
    }

    /// A child that is given these parts.
    pub(crate) fn worker<F, W>(&self, id: &'static str, run: F) -> ChildSpec
    where
        F: Fn(Self, Context) -> W + Send + Sync + 'static,
        W: Future<Output = Result<(), ChildError>> + Send + 'static,
    {
        let parts = self.clone();
        ChildSpec::worker(id, move |actor| run(parts.clone(), actor))
    }

    pub(crate) async fn grpc(self, actor: Context) -> Result<(), ChildError> {
        let (listener, services, stop) = (self.listeners.grpc.try_clone()?, self.services(actor.token()), actor.token().clone());
        // Heartbeats come in by this port: it is served where neither devices nor the user interface can starve it.
        let serving = self.cluster.runtime().spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).map_err(|error| error.to_string())?;
            grpc::serve(services, listener, stop).await
        });
        actor.ready();
        Ok(AbortOnDropHandle::new(serving).await??)
    }

    pub(crate) async fn http(self, actor: Context) -> Result<(), ChildError> {
        let listener = tokio::net::TcpListener::from_std(self.listeners.http.try_clone()?)?;
        let metrics = Metrics { latest: self.latest.clone(), taken: self.status.taken.clone() };
        let state = HttpState { services: self.services(actor.token()), metrics: Arc::new(metrics) };
        actor.ready();
        Ok(http::serve(state, listener, actor.token().clone()).await?)
    }

    /// Keeps consensus until it is told to end; then hands leadership over and closes the log.
    pub(crate) async fn consensus(self, actor: Context) -> Result<(), ChildError> {
        actor.ready();
        actor.cancelled().await;
        self.cluster.shutdown().await;
        Ok(())
    }

    pub(crate) async fn relay(self, actor: Context) -> Result<(), ChildError> {
        actor.ready();
        // Before it belongs to a site there are no other nodes.
        let follow = async {
            let Some(me) = start::membership(&self.cluster).await else { return };
            relay::run(self.cluster.clone(), me, self.latest.clone(), self.peers.clone()).await;
        };
        actor.token().run_until_cancelled(follow).await;
        Ok(())
    }

    pub(crate) async fn peers(self, actor: Context) -> Result<(), ChildError> {
        actor.ready();
        actor.token().run_until_cancelled(self.peers.run(self.cluster.clone())).await;
        Ok(())
    }

    pub(crate) async fn rate(self, actor: Context) -> Result<(), ChildError> {
        actor.ready();
        actor.token().run_until_cancelled(rate::run(&self.status.taken, &self.status.rate_milli)).await;
        Ok(())
    }

    /// Ready once the node belongs to a site and a majority has confirmed what it knows.
    pub(crate) async fn membership(self, actor: Context) -> Result<(), ChildError> {
        let stop = actor.token();
        let Some(_) = start::wait_for_membership(&self.cluster, &self.config, stop).await else { return Ok(()) };
        let Some(()) = start::confirm(&self.cluster, &self.me, stop).await else { return Ok(()) };
        actor.ready();
        actor.cancelled().await;
        Ok(())
    }

    pub(crate) fn session(&self) -> SessionContext {
        SessionContext {
            cluster: self.cluster.clone(),
            me: self.node_id(),
            terms: self.config.timing.terms(),
            write_timeout: self.config.timing.write_timeout,
            tenure: self.tenure.clone(),
        }
    }

    pub(crate) fn owner(&self) -> OwnerContext {
        OwnerContext {
            cluster: self.cluster.clone(),
            me: self.node_id(),
            name: self.me.name.clone(),
            tenure: self.tenure.clone(),
            source: self.config.field_source,
            write_timeout: self.config.timing.write_timeout,
            latest: self.latest.clone(),
            peers: self.peers.clone(),
            taken: self.status.taken.clone(),
            reports: self.reports.sender.clone(),
            board: self.status.board.clone(),
        }
    }

    pub(crate) fn probes(&self) -> ProbeContext {
        ProbeContext { cluster: self.cluster.clone(), me: self.node_id(), tenure: self.tenure.clone(), source: self.config.field_source }
    }

    pub(crate) fn own_alarms(&self) -> OwnAlarmsContext {
        OwnAlarmsContext { cluster: self.cluster.clone(), me: self.node_id(), config: self.config.clone(), tenure: self.tenure.clone() }
    }

    pub(crate) fn notify(&self) -> NotifyContext {
        NotifyContext {
            cluster: self.cluster.clone(),
            name: self.me.name.clone(),
            mail_password_file: self.config.mail_password_file.clone(),
        }
    }

    /// This node's number; 0, which no node has, before it belongs to a site.
    pub(crate) fn node_id(&self) -> NodeId {
        self.cluster.identity().map_or(0, |identity| identity.node_id)
    }

    fn services(&self, stop: &CancellationToken) -> Services {
        let (cluster, peers) = (self.cluster.clone(), self.peers.clone());
        Services {
            tags: Tags { cluster: cluster.clone(), latest: self.latest.clone(), peers },
            commands: self.commands.clone(),
            membership: Membership { cluster: cluster.clone(), me: self.me.clone() },
            status: self.status.clone(),
            cluster,
            stop: stop.clone(),
        }
    }
}
