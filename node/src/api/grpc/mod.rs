//! gRPC: the client's services and the nodes' own on one port, with reflection and the standard health service, so that
//! grpcurl and grpc-health-probe work as they are.

mod alarms;
mod audit;
mod client;
pub(crate) use client::list_limit;
mod control;
mod notices;
mod peer;
mod tree;

use crate::api::cluster::Membership;
use crate::api::status::StatusSource;
use crate::api::tags::Tags;
use crate::commands::Commands;
use labkeeper_proto::DESCRIPTORS;
use labkeeper_proto::v1::alarm_service_server::AlarmServiceServer;
use labkeeper_proto::v1::audit_service_server::AuditServiceServer;
use labkeeper_proto::v1::cluster_service_server::ClusterServiceServer;
use labkeeper_proto::v1::command_service_server::CommandServiceServer;
use labkeeper_proto::v1::control_service_server::ControlServiceServer;
use labkeeper_proto::v1::interlock_service_server::InterlockServiceServer;
use labkeeper_proto::v1::notice_service_server::NoticeServiceServer;
use labkeeper_proto::v1::peer_service_server::PeerServiceServer;
use labkeeper_proto::v1::site_service_server::SiteServiceServer;
use labkeeper_proto::v1::tag_service_server::TagServiceServer;
use labkeeper_proto::v1::tree_service_server::TreeServiceServer;
use labkeeper_raft::Cluster;
use labkeeper_raft::network::MESSAGE_BYTES_MAX;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

/// Largest message from a client: a site's declaration of 100,000 tags is some 20 MB.
const REQUEST_BYTES_MAX: usize = 32 << 20;
/// Requests under way on one connection: a script has one or two; a gateway for a whole lab a few hundred.
const REQUESTS_PER_CONNECTION_MAX: usize = 1_024;
/// A dead connection is noticed within two of these.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// How often health is looked at without a change of leader or role.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// What the services are made of.
#[derive(Clone)]
pub struct Services {
    /// The replicated state.
    pub cluster: Cluster,
    /// Values.
    pub tags: Tags,
    /// Commands.
    pub commands: Commands,
    /// Membership.
    pub membership: Membership,
    /// Status.
    pub status: Arc<StatusSource>,
    /// Ends streams that would go on for ever.
    pub stop: CancellationToken,
}

/// Serves until `stop`.
///
/// # Errors
/// The listener failed.
pub async fn serve(services: Services, listener: TcpListener, stop: CancellationToken) -> Result<(), String> {
    let (health, health_service) = tonic_health::server::health_reporter();
    let health_task = tokio::spawn(report_health(health, services.cluster.clone()));
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let reflection_v1 = reflection().build_v1().map_err(|error| error.to_string())?;
    let reflection_v1alpha = reflection().build_v1alpha().map_err(|error| error.to_string())?;
    // Set here, as the server's own setting is for listeners that it makes itself. Without it a small answer waits for the
    // acknowledgement of the one before, 40 ms.
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let served = Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE))
        .concurrency_limit_per_connection(REQUESTS_PER_CONNECTION_MAX)
        .add_service(health_service)
        .add_service(reflection_v1)
        .add_service(reflection_v1alpha)
        .add_service(TagServiceServer::new(services.clone()))
        .add_service(CommandServiceServer::new(services.clone()))
        .add_service(SiteServiceServer::new(services.clone()).max_decoding_message_size(REQUEST_BYTES_MAX))
        .add_service(ClusterServiceServer::new(services.clone()))
        .add_service(ControlServiceServer::new(services.clone()))
        .add_service(InterlockServiceServer::new(services.clone()))
        .add_service(TreeServiceServer::new(services.clone()))
        .add_service(AlarmServiceServer::new(services.clone()))
        .add_service(AuditServiceServer::new(services.clone()))
        .add_service(NoticeServiceServer::new(services.clone()))
        .add_service(services.cluster.service())
        .add_service(PeerServiceServer::new(services.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX))
        .serve_with_incoming_shutdown(incoming, stop.cancelled_owned())
        .await;
    health_task.abort();
    served.map_err(|error| error.to_string())
}

/// Whether the node can take commands; if not, why, in words for people.
///
/// # Errors
/// It belongs to no site, is catching up with its own log, or knows no leader that a majority confirms.
pub(crate) fn readiness(cluster: &Cluster) -> Result<(), &'static str> {
    if cluster.identity().is_none() {
        return Err("the node belongs to no cluster");
    }
    if !cluster.is_recovered() {
        return Err("catching up");
    }
    let status = cluster.status();
    // A leader that has lost its majority goes on believing for a while.
    let is_led = match status.leader {
        Some(leader) if Some(leader) == status.node_id => cluster.is_leader(),
        leader => leader.is_some(),
    };
    if is_led { Ok(()) } else { Err("no leader is known; a majority of the nodes must run and reach each other") }
}

/// Serving once the node has a leader to hand commands to; not serving before, and while there is none.
async fn report_health(health: tonic_health::server::HealthReporter, cluster: Cluster) {
    let mut changes = cluster.status_changes();
    loop {
        let status =
            if readiness(&cluster).is_ok() { tonic_health::ServingStatus::Serving } else { tonic_health::ServingStatus::NotServing };
        health.set_service_status("", status).await;
        health.set_service_status("labkeeper.v1.CommandService", status).await;
        // Catching up with its own log is not a change of status, so the end of it is looked for.
        if matches!(timeout(LOOK_AGAIN_AFTER, changes.changed()).await, Ok(Err(_))) {
            return;
        }
    }
}
