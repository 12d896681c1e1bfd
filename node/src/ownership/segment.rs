//! One segment that this node keeps: its subtree of the supervision tree, and what those in it share.
//!
//! ```text
//!   cryo
//!   ├── 10.1.0.40:502    one bus for each connection; failing too often it is quarantined, alone
//!   ├── 10.1.0.41:502
//!   └── control          takeover, commands, reach
//! ```
//!
//! It is stopped without waiting: a dropped bus resets its connection. Knows nothing of other segments.

use super::control;
use super::keeper::KeeperContext;
use super::node_clock::NodeClock;
use super::sink::BusSink;
use labkeeper_drivers::bus::{BusFactory, BusHandle, BusOptions, buses};
use labkeeper_machine::Command;
use labkeeper_model::site::{OnLeaseLoss, SiteSpec};
use labkeeper_model::{Epoch, Name, Sample, SessionId, TagPath, Value};
use labkeeper_ownership::reach::Share;
use labkeeper_supervision::{Backoff, ChildError, ChildSpec, Context, MailboxStats, OnGiveUp, Restart, Strategy, SupervisorSpec};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Most restarts of one bus within [`PERIOD`] before it is quarantined: with pauses that double from [`PAUSE_MIN`] to [`PAUSE_MAX`] a bus
/// that always fails is started 9 times in the first minute, so it is given up within two; one that fails now and then never is.
const INTENSITY: u32 = 12;
/// The time over which restarts are counted.
const PERIOD: Duration = Duration::from_secs(120);
/// First pause before a bus is started again: a crash costs its device a few polls.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// Longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// A bus that was up this long has got over its trouble: as long as its restarts are counted.
const STABLE: Duration = PERIOD;
/// How long a report may take: an election and a commit; what is lost is said again by the next owner, or shown as missing.
const REPORT_MAX: Duration = Duration::from_secs(5);
/// Pause before a report is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// One ownership of one segment.
pub struct Segment {
    /// What the node gives it.
    pub context: KeeperContext,
    /// Its name.
    pub name: String,
    /// The session that it was granted to.
    pub session: SessionId,
    /// The fencing token of the grant.
    pub epoch: Epoch,
    /// The declaration by which it is kept.
    pub site: Arc<SiteSpec>,
    /// Cancelled when a successor waits: what is in flight may end, nothing else is begun.
    pub finish: CancellationToken,
    buses: BTreeMap<String, (BusHandle, BusFactory)>,
}

impl Segment {
    /// Opens the segment's buses; nothing happens before its subtree is started.
    #[must_use]
    pub fn open(context: KeeperContext, name: String, session: SessionId, epoch: Epoch, site: Arc<SiteSpec>) -> Arc<Self> {
        let devices = site.devices.iter().filter(|(_, device)| device.segment.as_str() == name);
        let mut opened = BTreeMap::new();
        for spec in buses(devices.map(|(name, device)| (name.clone(), device.clone()))) {
            let tenure = context.tenure.clone();
            let options = BusOptions {
                node: context.name.to_string(),
                epoch,
                session,
                source: context.source,
                write_timeout: context.write_timeout,
                permit: Arc::new(move || tenure.may_write(session)),
            };
            let address = spec.address.clone();
            let sink = BusSink::new(&spec, context.latest.clone(), context.me, context.taken.clone());
            opened.insert(address, BusHandle::open(spec, options, Arc::new(sink), Arc::new(NodeClock)));
        }
        Arc::new(Self { context, name, session, epoch, site, finish: CancellationToken::new(), buses: opened })
    }

    /// Its subtree.
    #[must_use]
    pub fn child(self: &Arc<Self>) -> ChildSpec {
        let mut children: Vec<ChildSpec> = self.buses.iter().map(|(address, bus)| bus_child(address, bus.clone())).collect();
        let segment = Arc::clone(self);
        let control = ChildSpec::worker("control", move |actor| control::run(Arc::clone(&segment), actor));
        // Finishing is how it ends at a hand-over.
        let (restart, shutdown, hang_after) = (Restart::Transient, Duration::ZERO, Some(control::HANG_AFTER));
        children.push(ChildSpec { restart, shutdown, hang_after, ..control });
        let spec = SupervisorSpec { strategy: Strategy::OneForOne, intensity: INTENSITY, period: PERIOD, children };
        // A segment that fails as a whole does not take the others with it.
        ChildSpec { on_give_up: OnGiveUp::Quarantine, ..ChildSpec::supervisor(self.name.as_str(), spec) }
    }

    /// Its buses by address.
    pub fn buses(&self) -> impl Iterator<Item = (&String, &BusHandle)> {
        self.buses.iter().map(|(address, (handle, _))| (address, handle))
    }

    /// The bus that leads to a device.
    #[must_use]
    pub fn bus_of(&self, device: &Name) -> Option<&BusHandle> {
        self.buses.get(&self.site.devices.get(device)?.address).map(|(handle, _)| handle)
    }

    /// Whether the devices of the segment are declared as they were when it was opened.
    #[must_use]
    pub fn is_declared_so(&self, site: &SiteSpec) -> bool {
        let ours = |site: &SiteSpec| -> Vec<_> {
            let ours = site.devices.iter().filter(|(_, device)| device.segment.as_str() == self.name);
            ours.map(|(name, device)| (name.clone(), device.clone())).collect()
        };
        ours(site) == ours(&self.site)
    }

    /// What must hold at the moment of a takeover's write, besides the lease: the replicated state has not moved the segment.
    pub fn guard(&self) -> impl Fn() -> Result<(), String> + Send + 'static {
        let (cluster, me, session, epoch, name) =
            (self.context.cluster.clone(), self.context.me, self.session, self.epoch, self.name.clone());
        move || {
            let holds = cluster.read(|machine| machine.holds(me, session, &name, epoch));
            if holds { Ok(()) } else { Err("the segment is not this node's any more".into()) }
        }
    }

    /// The latest readings of a device's tags.
    #[must_use]
    pub fn readings(&self, device: &Name) -> BTreeMap<Name, Sample> {
        let Some(spec) = self.site.devices.get(device) else { return BTreeMap::new() };
        let of_tag = |tag: &Name| {
            let measured = self.context.latest.get(&TagPath::new(&spec.segment, device, tag))?;
            (measured.origin == self.context.me).then(|| (tag.clone(), measured.sample))
        };
        spec.tags.keys().filter_map(of_tag).collect()
    }

    /// The safe values of devices that should not be left alone without a keeper.
    pub fn safe_values(&self) -> Vec<(Name, TagPath, Value)> {
        let ours = self
            .site
            .devices
            .iter()
            .filter(|(_, device)| device.segment.as_str() == self.name && device.on_lease_loss == OnLeaseLoss::Safe);
        let of_device = |(name, device): (&Name, &labkeeper_model::site::DeviceSpec)| -> Vec<_> {
            let safe = device.tags.iter().filter_map(|(tag, spec)| Some((tag, spec.safe.clone()?)));
            safe.map(|(tag, value)| (name.clone(), TagPath::new(&device.segment, name, tag), value)).collect()
        };
        ours.flat_map(of_device).collect()
    }

    /// The report of how many devices answer.
    #[must_use]
    pub fn reach_report(&self, share: Share) -> Command {
        Command::ReportReach {
            node: self.context.me,
            session: self.session,
            segment: self.name.clone(),
            epoch: Some(self.epoch),
            reached: share.reached,
            of: share.of,
        }
    }

    /// Brings a report into the log, in the background: neither devices nor commands wait for it.
    pub fn report(&self, command: Command) {
        let cluster = self.context.cluster.clone();
        tokio::spawn(async move {
            let until = Instant::now() + REPORT_MAX;
            loop {
                match cluster.propose(command.clone(), until).await {
                    Ok(proposed) => {
                        if let Err(rejection) = proposed.reply {
                            tracing::debug!(%rejection, "a report about a takeover was refused");
                        }
                        return;
                    }
                    Err(error) if Instant::now() + RETRY_AFTER >= until => {
                        tracing::warn!(%error, "a report about a takeover was not delivered");
                        return;
                    }
                    // Saying it twice is harmless: the machine takes each report once.
                    Err(_) => tokio::time::sleep(RETRY_AFTER).await,
                }
            }
        });
    }
}

/// A bus under supervision: what it panics or hangs by is its own affair.
fn bus_child(address: &str, (handle, factory): (BusHandle, BusFactory)) -> ChildSpec {
    let hang_after = factory.longest_turn() * 2;
    let run = move |actor: Context| {
        let (handle, factory) = (handle.clone(), factory.clone());
        async move {
            actor.mailbox(move || {
                let (depth, capacity, dropped) = handle.mailbox();
                MailboxStats { depth, capacity, dropped }
            });
            actor.ready();
            let (progress, token) = (actor.clone(), actor.token().clone());
            factory.task(Arc::new(move || progress.progress())).run(token).await;
            Ok::<(), ChildError>(())
        }
    };
    ChildSpec {
        shutdown: Duration::ZERO,
        backoff: Some(Backoff { min: PAUSE_MIN, max: PAUSE_MAX, stable: STABLE }),
        hang_after: Some(hang_after),
        on_give_up: OnGiveUp::Quarantine,
        ..ChildSpec::worker(address, run)
    }
}
