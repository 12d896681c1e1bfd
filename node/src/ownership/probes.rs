//! Tries the devices of segments that other nodes own but hardly reach, when the replicated state asks for it: a connection to each, and
//! nothing is sent. Whether a segment moves is the machine's to decide.

use super::tenure::Tenure;
use crate::clock;
use labkeeper_machine::Command;
use labkeeper_model::site::{DeviceSpec, Fencing};
use labkeeper_model::{Name, NodeId};
use labkeeper_ownership::reach::{PROBE_TIMEOUT, Probe, Probes, Share};
use labkeeper_raft::Cluster;
use labkeeper_supervision::{ChildError, Context};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpSocket, lookup_host};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// How often it is looked at what is wanted: a tenth of a probe's time.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long the report may take; the next probe says it again.
const REPORT_MAX: Duration = Duration::from_secs(2);

/// What probing needs from the node.
#[derive(Clone)]
pub struct ProbeContext {
    /// The replicated state.
    pub cluster: Cluster,
    /// This node.
    pub me: NodeId,
    /// Its session, under which it reports.
    pub tenure: Tenure,
    /// The local address of connections to devices.
    pub source: Option<IpAddr>,
}

/// Runs until it is told to end.
///
/// # Errors
/// None; a panic is its supervisor's to see.
pub async fn run(context: ProbeContext, actor: Context) -> Result<(), ChildError> {
    let mut probes = Probes::new();
    let mut under_way: JoinSet<()> = JoinSet::new();
    actor.ready();
    loop {
        actor.progress();
        let now = clock::boot();
        let wanted = context.cluster.read(|machine| machine.probes_wanted(context.me));
        probes.handle_wanted(wanted, now);
        for segment in probes.handle_timeout(now) {
            under_way.spawn(probe(context.clone(), segment));
        }
        tokio::select! {
            biased;
            () = actor.cancelled() => return Ok(()),
            Some(_) = under_way.join_next() => {}
            () = sleep(LOOK_EVERY) => {}
        }
    }
}

async fn probe(context: ProbeContext, segment: String) {
    let devices = context.cluster.read(|machine| {
        let ours = machine.site().devices.iter().filter(|(_, device)| device.segment.as_str() == segment && may_be_tried(device));
        ours.map(|(name, device)| (name.clone(), first_hop(device).to_owned())).collect::<BTreeMap<Name, String>>()
    });
    let mut tries: JoinSet<(Name, bool)> = JoinSet::new();
    let mut probe = Probe::new(devices.keys().cloned().collect(), clock::boot());
    for (device, address) in devices {
        let source = context.source;
        tries.spawn(async move { (device, is_reached(&address, source).await) });
    }
    while let Some(Ok((device, reached))) = tries.join_next().await {
        probe.handle_device(&device, reached);
    }
    if let Some(share) = probe.handle_timeout(clock::boot()) {
        tracing::info!(segment, reached = share.reached, of = share.of, "probed a segment");
        report(&context, segment, share).await;
    }
}

/// Whether a connection from here leaves the owner's alone. A device that serves its newest connection only would drop the owner's.
fn may_be_tried(device: &DeviceSpec) -> bool {
    device.fencing != Fencing::SingleConnection
}

/// What is connected to first on the way to a device.
fn first_hop(device: &DeviceSpec) -> &str {
    match &device.fencing {
        Fencing::Gate { address } => address,
        _ => &device.address,
    }
}

async fn is_reached(address: &str, source: Option<IpAddr>) -> bool {
    let connect = async {
        let to = lookup_host(address).await.ok()?.next()?;
        let socket = if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.ok()?;
        if let Some(source) = source {
            socket.bind(SocketAddr::new(source, 0)).ok()?;
        }
        socket.connect(to).await.ok()
    };
    matches!(timeout(PROBE_TIMEOUT, connect).await, Ok(Some(_)))
}

async fn report(context: &ProbeContext, segment: String, Share { reached, of }: Share) {
    let session = *context.tenure.session().borrow();
    let Some(session) = session else { return };
    let command = Command::ReportReach { node: context.me, session, segment, epoch: None, reached, of };
    if let Err(error) = context.cluster.propose(command, Instant::now() + REPORT_MAX).await {
        tracing::debug!(%error, "a probe's result is said again by the next");
    }
}
