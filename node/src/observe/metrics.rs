//! Figures for Prometheus, read from their sources at each scrape: nothing is counted twice, and nothing can run apart.

use crate::VERSION;
use crate::api::status::StatusSource;
use crate::ownership::board;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::telemetry::latest::Latest;

/// Where the figures come from.
pub struct Metrics {
    /// Samples put into the table, own and others'.
    pub latest: Arc<Latest>,
    /// Readings taken from own devices.
    pub taken: Arc<AtomicU64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BusLabels {
    segment: String,
    address: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SegmentLabels {
    segment: String,
}

impl Metrics {
    /// The figures in the OpenMetrics text format.
    #[must_use]
    pub fn encode(&self, status: &StatusSource) -> String {
        let mut registry = Registry::with_prefix("labkeeper");
        registry.register("build", "Version of the software", Info::new([("version", VERSION)]));
        registry.register("samples", "Readings taken from this node's devices", ConstCounter::new(self.taken.load(Ordering::Relaxed)));
        registry.register("samples_published", "Samples of all nodes that went to watchers", ConstCounter::new(self.latest.published()));
        register_raft(&mut registry, status);
        register_ownership(&mut registry, status);
        register_buses(&mut registry, status);
        let mut text = String::new();
        if let Err(error) = encode(&mut text, &registry) {
            tracing::error!(%error, "figures could not be written");
        }
        text
    }
}

fn register_raft(registry: &mut Registry, status: &StatusSource) {
    let raft = status.cluster.status();
    let as_gauge = |value: u64| ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
    registry.register("raft_term", "Election term", as_gauge(raft.term));
    registry.register("raft_is_leader", "1 on the leader", as_gauge(u64::from(raft.leader.is_some() && raft.leader == raft.node_id)));
    registry.register("raft_has_leader", "1 where a leader is known", as_gauge(u64::from(raft.leader.is_some())));
    registry.register("raft_last_log_index", "Last entry in the log", as_gauge(raft.last_log));
    registry.register("raft_applied_index", "Last entry applied", as_gauge(raft.applied));
    registry.register("raft_voters", "Voters of the cluster", as_gauge(raft.voters.len() as u64));
    let (site_version, setpoints) = status.cluster.read(|machine| (machine.site_version(), machine.setpoints().count()));
    registry.register("site_version", "Version of the site's declaration", as_gauge(site_version));
    registry.register("setpoints_current", "Tags that have a setpoint", as_gauge(setpoints as u64));
}

fn register_ownership(registry: &mut Registry, status: &StatusSource) {
    let epochs = Family::<SegmentLabels, Gauge>::default();
    let mine = Family::<SegmentLabels, Gauge>::default();
    let me = status.cluster.identity().map(|identity| identity.node_id);
    status.cluster.read(|machine| {
        for (segment, ownership) in machine.ownerships() {
            let labels = SegmentLabels { segment: segment.to_owned() };
            epochs.get_or_create(&labels).set(i64::try_from(ownership.epoch).unwrap_or(i64::MAX));
            mine.get_or_create(&labels).set(i64::from(ownership.owner.is_some() && ownership.owner == me));
        }
    });
    registry.register("segment_epoch", "Fencing token of each segment", epochs);
    registry.register("segment_owned", "1 for segments that this node owns", mine);
}

fn register_buses(registry: &mut Registry, status: &StatusSource) {
    let devices_online = Family::<BusLabels, Gauge>::default();
    let requests = Family::<BusLabels, Gauge>::default();
    let errors = Family::<BusLabels, Gauge>::default();
    let late = Family::<BusLabels, Gauge>::default();
    let skipped = Family::<BusLabels, Gauge>::default();
    let set = |family: &Family<BusLabels, Gauge>, labels: &BusLabels, value: u64| {
        family.get_or_create(labels).set(i64::try_from(value).unwrap_or(i64::MAX));
    };
    for (key, stats) in board::statistics(&status.board) {
        let labels = BusLabels { segment: key.segment, address: key.address };
        set(&devices_online, &labels, board::devices_online(&stats));
        set(&requests, &labels, stats.requests);
        set(&errors, &labels, stats.errors().total());
        set(&late, &labels, stats.late());
        set(&skipped, &labels, stats.skipped());
    }
    registry.register("bus_devices_online", "Devices of the bus that answer", devices_online);
    registry.register("bus_requests_sent", "Requests to the bus's devices since it was started", requests);
    registry.register("bus_requests_failed", "Requests that failed since the bus was started", errors);
    registry.register("bus_polls_late", "Polls that began late since the bus was started", late);
    registry.register("bus_polls_skipped", "Polls that were skipped since the bus was started", skipped);
}
