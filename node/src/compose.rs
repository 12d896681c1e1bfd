//! One node, put together: the whole supervision tree, in the order in which it is started. Fits a screen and stays so.
//!
//! ```text
//!   node
//!   ├── api          grpc, http                        answers from the first moment on
//!   ├── consensus    hands leadership over at a planned stop, while gRPC is still served
//!   ├── telemetry    relay, peers, rate
//!   ├── notify       tells people about alarms, while the node leads
//!   ├── watchdog     tells systemd that the node goes on
//!   └── ownership    each builds on those before it: what fails takes what follows with it
//!       ├── membership   ready once the node belongs to a site and a majority has confirmed what it knows
//!       ├── leader       what only the leader does
//!       ├── reporter     the owner's reports, into the log
//!       ├── session      the lease: may this node drive devices?
//!       ├── segments     one subtree for each segment that is kept: its buses, its control, its alarms
//!       ├── keeper       takes segments and lets go of them
//!       ├── probes       tries other nodes' devices, when it is asked to
//!       └── own-alarms   says what is wrong with this node: its clock, its disk
//! ```
//!
//! Stopped in reverse: connections to devices are closed before the session is ended, and that before leadership is handed over. A node
//! drives no device before it has confirmed with a majority what it owns: what it remembers may be old.

use crate::config::NodeConfig;
use crate::notify;
use crate::observe::{own_alarms, watchdog};
use crate::ownership::{keeper, leader, probes, reporter, session};
use crate::parts::Parts;
use crate::start;
use labkeeper_supervision::{ChildSpec, Strategy, SupervisorSpec, System};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

pub use start::StartError;

/// Most restarts within [`PERIOD`] on each level. A part that fails for good thus ends the process within seconds, and systemd starts it
/// anew; one that fails once in a while never does.
const INTENSITY: u32 = 5;
/// The time over which restarts are counted.
const PERIOD: Duration = Duration::from_secs(30);

/// Runs a node until it is told to stop (SIGTERM, SIGINT) or cannot go on.
///
/// # Errors
/// [`StartError`] when it cannot start, or when its store has failed.
pub async fn run(config: NodeConfig) -> Result<(), StartError> {
    let parts = Parts::open(config).await?;
    let (system, root) = System::new("node", tree(&parts)).map_err(|error| StartError::internal(error.to_string()))?;
    parts.show(system);
    let stop = CancellationToken::new();
    let mut running = tokio::spawn(root.run(stop.clone()));
    let ended = tokio::select! {
        () = start::told_to_stop() => Ok(()),
        fault = parts.cluster.fatal() => Err(StartError::fatal(fault.code, fault.message)),
        ended = &mut running => return Err(StartError::tree_ended(ended)),
    };
    tracing::info!("stopping");
    stop.cancel();
    start::finish(running).await;
    ended
}

/// Everything that runs in a node.
fn tree(parts: &Parts) -> SupervisorSpec {
    let api = vec![parts.worker("grpc", Parts::grpc), parts.worker("http", Parts::http)];
    let telemetry = vec![parts.worker("relay", Parts::relay), parts.worker("peers", Parts::peers), parts.worker("rate", Parts::rate)];
    let membership = ChildSpec { start_timeout: Duration::MAX, ..parts.worker("membership", Parts::membership) };
    let ownership = vec![
        membership,
        parts.worker("leader", |parts, actor| leader::run(parts.cluster, actor)),
        parts.worker("reporter", |parts, actor| reporter::run(parts.cluster.clone(), parts.node_id(), parts.reports, actor)),
        parts.worker("session", |parts, actor| session::run(parts.session(), actor)),
        ChildSpec::supervisor(keeper::SEGMENTS, one_for_one(vec![])),
        parts.worker("keeper", |parts, actor| keeper::run(parts.owner(), actor)),
        parts.worker("probes", |parts, actor| probes::run(parts.probes(), actor)),
        parts.worker("own-alarms", |parts, actor| own_alarms::run(parts.own_alarms(), actor)),
    ];
    let ownership = SupervisorSpec { strategy: Strategy::RestForOne, ..one_for_one(ownership) };
    // A planned stop waits for another node to take leadership over, some ten milliseconds, two seconds at most.
    let consensus = ChildSpec { shutdown: Duration::from_secs(4), ..parts.worker("consensus", Parts::consensus) };
    one_for_one(vec![
        ChildSpec::supervisor("api", one_for_one(api)),
        consensus,
        ChildSpec::supervisor("telemetry", one_for_one(telemetry)),
        parts.worker("notify", |parts, actor| notify::run(parts.notify(), actor)),
        parts.worker("watchdog", |parts, actor| watchdog::run(parts.cluster.runtime(), actor)),
        ChildSpec::supervisor("ownership", ownership),
    ])
}

fn one_for_one(children: Vec<ChildSpec>) -> SupervisorSpec {
    SupervisorSpec { strategy: Strategy::OneForOne, intensity: INTENSITY, period: PERIOD, children }
}
