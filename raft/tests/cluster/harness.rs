//! Real nodes of a cluster within one process: sled on a real disk, gRPC over loopback, ports by the operating system.

use labkeeper_machine::{Command, NodeInfo, Reply, SetpointRequest};
use labkeeper_model::site::{
    Access, DeviceSpec, DriverKind, Fencing, OnLeaseLoss, Register, SegmentSpec, SiteSpec, TagSpec, Takeover, ValueType, WordOrder,
};
use labkeeper_model::{CommandId, ErrorCode, Name, TagPath, Timestamp, Value};
use labkeeper_proto::convert::uuid_text;
use labkeeper_proto::v1;
use labkeeper_proto::v1::peer_service_server::{PeerService, PeerServiceServer};
use labkeeper_raft::{Cluster, ClusterError, Options, ProposeError, Proposed, ReadKind};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// How long anything may take before a test says that it never will. Far more than it takes, as the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn soon() -> Instant {
    Instant::now() + PATIENCE
}

/// A running node.
pub(crate) struct Node {
    pub(crate) cluster: Cluster,
    pub(crate) address: String,
    pub(crate) name: &'static str,
    pub(crate) dir: TempDir,
    /// Proposals of others that the node takes and never answers, if it is told to.
    pub(crate) swallowed: Arc<Swallowed>,
    server: tokio::task::JoinHandle<()>,
}

impl Node {
    pub(crate) async fn start(name: &'static str) -> Self {
        Self::start_with(name, tempfile::tempdir().expect("a directory"), None, |_| {}).await
    }

    /// Starts a node over a directory; at the same address if it had one.
    pub(crate) async fn start_with(name: &'static str, dir: TempDir, address: Option<String>, tune: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options::new(dir.path(), Name::new(name).expect("a name"));
        tune(&mut options);
        let cluster = open(&options).await;
        let listener = bind(address.as_deref()).await;
        let moved = address.is_some_and(|old| old != local_address(&listener));
        let address = local_address(&listener);
        let swallowed = Arc::new(Swallowed::default());
        let peer = PeerServiceServer::new(Peer(cluster.clone(), swallowed.clone()));
        let router = tonic::transport::Server::builder().add_service(cluster.service()).add_service(peer);
        // On the consensus' runtime, so that killing it kills the server and its connections.
        let listener = listener.into_std().expect("a listener");
        let server = cluster.runtime().spawn(async move {
            let listener = TcpListener::from_std(listener).expect("a listener");
            // tonic's own setting for it is ignored where the listener is given. Without it, answers wait 40 ms for company.
            let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
            drop(router.serve_with_incoming(incoming).await);
        });
        let node = Self { cluster, address, name, dir, swallowed, server };
        if moved && node.cluster.identity().is_some() {
            let (cluster, info) = (node.cluster.clone(), node.info());
            tokio::spawn(async move { while cluster.announce(info.clone()).await.is_err() {} });
        }
        node
    }

    pub(crate) fn info(&self) -> NodeInfo {
        NodeInfo {
            name: Name::new(self.name).expect("a name"),
            instance: self.cluster.instance(),
            grpc: self.address.clone(),
            http: format!("http://{}", self.address),
            reach: vec!["*".into()],
        }
    }

    pub(crate) async fn join(&self, to: &Self) {
        self.cluster.join(&to.address, self.info(), |_| {}).await.expect("a join");
    }

    /// Kills the node as `kill -9` would and gives what is left of it: its directory and address.
    pub(crate) fn kill(self) -> (TempDir, String) {
        self.server.abort();
        self.cluster.crash();
        (self.dir, self.address)
    }

    pub(crate) fn id(&self) -> u64 {
        self.cluster.identity().expect("an identity").node_id
    }
}

/// The port that the node had, unless somebody else took it meanwhile.
async fn bind(address: Option<&str>) -> TcpListener {
    let until = Instant::now() + Duration::from_secs(2);
    while let Some(address) = address
        && Instant::now() < until
    {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            // The killed node lets go within moments.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    TcpListener::bind("127.0.0.1:0").await.expect("a port")
}

fn local_address(listener: &TcpListener) -> String {
    listener.local_addr().expect("an address").to_string()
}

/// Opens a cluster; what a killed node of this process still holds is let go within moments.
async fn open(options: &Options) -> Cluster {
    let until = soon();
    loop {
        match Cluster::open(options.clone()).await {
            Ok(cluster) => return cluster,
            Err(error) if Instant::now() > until => panic!("not opened: {error}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// A site of one node.
pub(crate) async fn founded(name: &'static str) -> Node {
    let node = Node::start(name).await;
    node.cluster.initialize(node.info()).await.expect("a site");
    node
}

/// A site of three nodes with the declaration of [`site`].
pub(crate) async fn three() -> Vec<Node> {
    let mut nodes = vec![founded("a").await];
    for name in ["b", "c"] {
        let node = Node::start(name).await;
        node.join(&nodes[0]).await;
        nodes.push(node);
    }
    apply_site(&nodes[0].cluster).await;
    nodes
}

pub(crate) async fn apply_site(cluster: &Cluster) {
    let command = Command::ApplySite { site: site(), expected_version: None, actor: "ann".into(), reason: "a test".into() };
    let proposed = cluster.propose(command, soon()).await.expect("an outcome");
    assert_eq!(proposed.reply, Ok(Reply::SiteVersion(1)));
}

/// One segment, one device, one tag `setpoint`.
pub(crate) fn site() -> SiteSpec {
    let name = |text: &str| Name::new(text).expect("a name");
    let tag = TagSpec {
        description: String::new(),
        register: Register::parse("holding:0").expect("a register"),
        value_type: ValueType::F64,
        word_order: WordOrder::Big,
        access: Access::ReadWrite,
        unit: "degC".into(),
        scale: 1.0,
        offset: 0.0,
        deadband: 0.0,
        limits: None,
        verify: None,
        takeover: Takeover::Adopt,
        safe: None,
        dangerous: false,
        alarms: vec![],
        ..TagSpec::default()
    };
    let device = DeviceSpec {
        segment: name("cryo"),
        description: String::new(),
        driver: DriverKind::ModbusTcp,
        address: "127.0.0.1:502".into(),
        unit_id: 1,
        poll: Duration::from_millis(100),
        timeout: Duration::from_millis(100),
        fencing: Fencing::LeaseOnly,
        watchdog: None,
        on_lease_loss: OnLeaseLoss::Hold,
        simulate: None,
        tags: BTreeMap::from([(name("setpoint"), tag)]),
        ..DeviceSpec::default()
    };
    SiteSpec {
        name: "test".into(),
        failback: Some(SiteSpec::FAILBACK_DEFAULT),
        segments: BTreeMap::from([(name("cryo"), SegmentSpec::default())]),
        devices: BTreeMap::from([(name("chiller"), device)]),
        ..SiteSpec::default()
    }
}

pub(crate) fn tag() -> TagPath {
    TagPath::parse("cryo/chiller/setpoint").expect("a path")
}

/// A setpoint whose id and value are both `number`, so that what is read says which command it was.
pub(crate) fn set(number: u64) -> Command {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    id[15] = 1;
    Command::SubmitSetpoint(SetpointRequest {
        id: CommandId(id),
        tag: tag(),
        value: Value::F64(number as f64),
        expected_revision: None,
        deadline: Timestamp::from_millis(i64::try_from(now.as_millis()).expect("before 2262")).saturating_add(Duration::from_secs(600)),
        actor: "ann".into(),
        reason: String::new(),
        ramp_per_s: None,
    })
}

/// Sets the setpoint and waits for the outcome. Where it is in doubt, the same command is sent again: that is what ids are for.
pub(crate) async fn propose(cluster: &Cluster, number: u64) -> Proposed {
    let command = set(number);
    let proposed = loop {
        match cluster.propose(command.clone(), soon()).await {
            Err(error) if error.in_doubt() => {}
            outcome => break outcome.expect("an outcome"),
        }
    };
    assert!(matches!(proposed.reply, Ok(Reply::Command(_))), "{:?}", proposed.reply);
    proposed
}

/// The value of the setpoint as a node has applied it.
pub(crate) fn value(cluster: &Cluster) -> Option<Value> {
    cluster.read(|machine| machine.setpoint(&tag()).map(|setpoint| setpoint.value.clone()))
}

/// The state of a node as bytes.
pub(crate) fn bytes(cluster: &Cluster) -> bytes::Bytes {
    labkeeper_raft::codec::snapshot::encode(&cluster.read(labkeeper_machine::Machine::dump))
}

/// Waits until all have applied an entry.
pub(crate) async fn all_applied(nodes: &[Node], index: u64) {
    for node in nodes {
        let mut applied = node.cluster.applied();
        let done = tokio::time::timeout(PATIENCE, applied.wait_for(|applied| *applied >= index)).await;
        assert!(done.is_ok(), "{} never applied {index}; it is at {:?}", node.name, node.cluster.status());
    }
}

/// The position of the node that all others follow.
pub(crate) async fn leader(nodes: &[Node]) -> usize {
    let until = soon();
    loop {
        let believed: Vec<_> = nodes.iter().map(|node| node.cluster.status().leader).collect();
        let position = nodes.iter().position(|node| node.cluster.is_leader() && believed.iter().all(|l| *l == Some(node.id())));
        match position {
            Some(position) => return position,
            None => assert!(Instant::now() < until, "no leader that all agree on: {believed:?}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Proposals of others that are taken and never answered.
#[derive(Default)]
pub(crate) struct Swallowed {
    pub(crate) on: AtomicBool,
    pub(crate) count: AtomicUsize,
}

/// What the node does for its peers, as small as it can be.
struct Peer(Cluster, Arc<Swallowed>);

impl Peer {
    fn leader(&self, error: &ClusterError) -> Option<String> {
        match error {
            ClusterError::NotLeader { leader: Some(id) } => self.0.address_of(*id),
            _ => None,
        }
    }
}

fn status(error: &ClusterError) -> Status {
    Cluster::to_status(error)
}

#[tonic::async_trait]
impl PeerService for Peer {
    type WatchOwnedStream = Pin<Box<dyn futures::Stream<Item = Result<v1::WatchOwnedResponse, Status>> + Send>>;

    async fn propose(&self, request: Request<v1::ProposeRequest>) -> Result<Response<v1::ProposeResponse>, Status> {
        if self.1.on.load(Ordering::Relaxed) {
            self.1.count.fetch_add(1, Ordering::Relaxed);
            std::future::pending::<()>().await;
        }
        Ok(Response::new(self.0.serve_propose(request.into_inner()).await))
    }

    async fn read_index(&self, request: Request<v1::ReadIndexRequest>) -> Result<Response<v1::ReadIndexResponse>, Status> {
        let kind = if request.into_inner().lease { ReadKind::Lease } else { ReadKind::ReadIndex };
        let index = self.0.read_index_here(kind).await.map_err(|e: ProposeError| status(&e.into()))?;
        Ok(Response::new(v1::ReadIndexResponse { index }))
    }

    async fn admit(&self, request: Request<v1::AdmitRequest>) -> Result<Response<v1::AdmitResponse>, Status> {
        let request = request.into_inner();
        let node = NodeInfo {
            name: Name::new(&request.name).map_err(|e| Status::invalid_argument(e.to_string()))?,
            instance: labkeeper_proto::convert::uuid_parse("instance", &request.instance)
                .map_err(|e| Status::invalid_argument(e.to_string()))?,
            grpc: request.grpc,
            http: request.http,
            reach: request.reach,
        };
        let identity = self.0.admit(node).await.map_err(|e| status(&e))?;
        Ok(Response::new(v1::AdmitResponse { node_id: identity.node_id, site_id: uuid_text(identity.site_id) }))
    }

    async fn promote(&self, request: Request<v1::PromoteRequest>) -> Result<Response<v1::PromoteResponse>, Status> {
        let request = request.into_inner();
        match self.0.promote(request.node_id, &request.grpc).await {
            Ok(()) => Ok(Response::new(v1::PromoteResponse {})),
            Err(error) => match self.leader(&error) {
                Some(address) => self.0.peer(&address).map_err(|e| status(&e))?.promote(request).await,
                None => Err(status(&error)),
            },
        }
    }

    async fn remove(&self, request: Request<v1::RemoveRequest>) -> Result<Response<v1::RemoveResponse>, Status> {
        let request = request.into_inner();
        self.0.remove(request.node_id, &request.actor).await.map_err(|e| status(&e))?;
        Ok(Response::new(v1::RemoveResponse {}))
    }

    async fn transfer_to(&self, request: Request<v1::TransferToRequest>) -> Result<Response<v1::TransferToResponse>, Status> {
        let term = self.0.transfer(request.into_inner().node_id).await.map_err(|e| status(&e))?;
        Ok(Response::new(v1::TransferToResponse { term }))
    }

    async fn get_node_state(&self, _: Request<v1::GetNodeStateRequest>) -> Result<Response<v1::GetNodeStateResponse>, Status> {
        let site_id = self.0.read(|machine| machine.site_id()).map(uuid_text).unwrap_or_default();
        Ok(Response::new(v1::GetNodeStateResponse { site_id, ..Default::default() }))
    }

    async fn watch_owned(&self, _: Request<v1::WatchOwnedRequest>) -> Result<Response<Self::WatchOwnedStream>, Status> {
        Err(status(&ClusterError::Remote { code: ErrorCode::BadRequest, message: "no devices here".into() }))
    }
}
