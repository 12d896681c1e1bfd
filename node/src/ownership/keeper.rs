//! The shell of ownership: runs the buses that the plan names, and a job for each outstanding command.
//!
//! One task owns the running set. It wakes when the replicated state moves, and once a second in any case, so that a missed
//! hint costs latency only. It knows nothing of registers; buses know nothing of commands.

use super::job::Job;
use super::plan::{self, Action, Basis, BusKey, Wanted};
use super::runner::Runner;
use super::sink::BusSink;
use crate::telemetry::latest::Latest;
use labkeeper_drivers::bus::{BusHandle, BusStats};
use labkeeper_drivers::clock::SystemClock;
use labkeeper_drivers::health::HealthState;
use labkeeper_machine::Machine;
use labkeeper_machine::command::CommandReport;
use labkeeper_machine::state::CommandRecord;
use labkeeper_model::site::Verify;
use labkeeper_model::{CommandId, LogIndex, Name, NodeId};
use labkeeper_raft::Cluster;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How often the plan is made even if nothing seems to have changed.
const PLAN_EVERY: Duration = Duration::from_secs(1);

/// The running buses, for status and metrics.
pub type BusBoard = Mutex<BTreeMap<BusKey, BusHandle>>;

/// Everything that keeping needs from the node.
#[derive(Clone)]
pub struct KeeperContext {
    /// The replicated state.
    pub cluster: Cluster,
    /// This node.
    pub me: NodeId,
    /// Where samples go.
    pub latest: Arc<Latest>,
    /// Counts readings taken.
    pub taken: Arc<AtomicU64>,
    /// Where reports go.
    pub reports: mpsc::Sender<CommandReport>,
    /// Where running buses are listed.
    pub board: Arc<BusBoard>,
}

/// The statistics of all running buses.
#[must_use]
pub fn statistics(board: &BusBoard) -> Vec<(BusKey, BusStats)> {
    board.lock().iter().map(|(key, handle)| (key.clone(), handle.stats())).collect()
}

/// Devices of a bus that answer.
#[must_use]
pub fn devices_online(stats: &BusStats) -> u64 {
    stats.devices.values().filter(|device| matches!(device.health, HealthState::Online | HealthState::Degraded)).count() as u64
}

/// Runs until `stop`; then stops all buses and lets go of their connections.
pub async fn run(context: KeeperContext, stop: CancellationToken) {
    let mut applied = context.cluster.applied();
    let mut keeper = Keeper { context, basis: Basis::default(), buses: BTreeMap::new(), jobs: BTreeMap::new() };
    loop {
        keeper.follow_plan().await;
        keeper.start_jobs();
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            changed = applied.changed() => if changed.is_err() { break },
            () = sleep(PLAN_EVERY) => {}
        }
    }
    keeper.stop_all().await;
}

struct Keeper {
    context: KeeperContext,
    /// What the running buses were planned from.
    basis: Basis,
    buses: BTreeMap<BusKey, Running>,
    /// At most one for each tag, as a newer setpoint of a tag supersedes the older one. A job that has ended stays here until the
    /// replicated state has its last report: until then its command looks as if nobody had carried it out.
    jobs: BTreeMap<CommandId, (BusKey, JoinHandle<()>)>,
}

struct Running {
    wanted: Wanted,
    /// What had been applied when this node began to run the bus: older commands are inherited.
    since: LogIndex,
    handle: BusHandle,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Keeper {
    /// Starts and stops buses until those run that should.
    async fn follow_plan(&mut self) {
        let me = self.context.me;
        let (basis, applied) = self.context.cluster.read(|machine| (Basis::of(machine, me), machine.applied()));
        if basis.is_same(&self.basis) {
            return;
        }
        let running = self.buses.iter().map(|(key, bus)| (key, &bus.wanted)).collect();
        let actions = plan::plan(&basis.wanted(), &running);
        self.basis = basis;
        for action in actions {
            match action {
                Action::Stop(key) => self.stop_bus(&key).await,
                Action::Start(key, wanted) => self.start_bus(key, wanted, applied),
            }
        }
    }

    fn start_bus(&mut self, key: BusKey, wanted: Wanted, since: LogIndex) {
        let devices = wanted.spec.devices.len();
        tracing::info!(segment = key.segment, address = key.address, epoch = wanted.epoch, devices, "keeping a bus");
        let context = &self.context;
        let stop = CancellationToken::new();
        let sink = BusSink::new(&wanted.spec, context.latest.clone(), context.me, context.taken.clone());
        let (handle, task) = BusHandle::spawn(wanted.spec.clone(), Arc::new(sink), Arc::new(SystemClock), stop.clone());
        context.board.lock().insert(key.clone(), handle.clone());
        self.buses.insert(key, Running { wanted, since, handle, stop, task });
    }

    /// Stops a bus and the jobs that use it. A job that is wanted still is started anew on the bus's successor, as inherited.
    async fn stop_bus(&mut self, key: &BusKey) {
        let Some(bus) = self.buses.remove(key) else { return };
        self.jobs.retain(|_, (bus, job)| {
            if bus == key {
                job.abort();
            }
            bus != key
        });
        bus.stop.cancel();
        self.context.board.lock().remove(key);
        if let Err(error) = bus.task.await {
            tracing::error!(segment = key.segment, address = key.address, %error, "a bus ended badly");
        }
        tracing::info!(segment = key.segment, address = key.address, "let go of a bus");
    }

    async fn stop_all(mut self) {
        for key in self.buses.keys().cloned().collect::<Vec<_>>() {
            self.stop_bus(&key).await;
        }
    }

    /// Starts a job for each outstanding command that has none, and forgets jobs whose end is in the replicated state.
    fn start_jobs(&mut self) {
        let (outstanding, fresh) = self.context.cluster.read(|machine| {
            let ids: BTreeSet<CommandId> = self.outstanding(machine).map(|record| record.id).collect();
            (ids, self.commands_without_job(machine))
        });
        self.jobs.retain(|id, (_, job)| !job.is_finished() || outstanding.contains(id));
        for (key, record, verification) in fresh {
            let (Some(bus), Some(wanted)) = (self.buses.get(&key), record.accepted.clone()) else { continue };
            let is_inherited = record.log_index <= bus.since;
            let job = Job::new(&record, wanted, verification.clone(), bus.wanted.epoch, is_inherited);
            let runner = Runner {
                cluster: self.context.cluster.clone(),
                me: self.context.me,
                epoch: bus.wanted.epoch,
                handle: bus.handle.clone(),
                readback: verification.map(|v| v.readback),
                record: record.clone(),
                reports: self.context.reports.clone(),
            };
            self.jobs.insert(record.id, (key, tokio::spawn(runner.run(job))));
        }
    }

    /// Outstanding commands of the segments that have running buses.
    fn outstanding<'a>(&self, machine: &'a Machine) -> impl Iterator<Item = &'a Arc<CommandRecord>> + use<'a> {
        let mut segments: Vec<String> = self.buses.keys().map(|key| key.segment.clone()).collect();
        segments.dedup();
        segments.into_iter().flat_map(|segment| machine.outstanding(&segment).collect::<Vec<_>>())
    }

    /// Outstanding commands of running buses that have no job, each with its bus and how it is verified.
    fn commands_without_job(&self, machine: &Machine) -> Vec<(BusKey, Arc<CommandRecord>, Option<Verify>)> {
        let without_job = self.outstanding(machine).filter(|record| !self.jobs.contains_key(&record.id));
        without_job
            .filter_map(|record| {
                let (device, tag) = machine.site().tag(&record.tag)?;
                let verification = tag.verification(&Name::new(record.tag.tag()).ok()?, record.accepted.as_ref()?);
                let key = BusKey { segment: device.segment.to_string(), address: device.address.clone() };
                self.buses.contains_key(&key).then(|| (key, record.clone(), verification))
            })
            .collect()
    }
}
