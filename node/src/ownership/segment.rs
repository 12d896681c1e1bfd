//! One segment that this node keeps, under one ownership: its buses, and what all who work on it share.
//!
//! Opening it starts nothing: its subtree does. Knows nothing of other segments, and of leases only that its buses ask for one.

use super::context::OwnerContext;
use super::guardian::Guardian;
use super::node_clock::NodeClock;
use super::sink::BusSink;
use crate::telemetry::detect::intake::Intake;
use crate::telemetry::fresh::Fresh;
use crate::telemetry::inputs::TagInputs;
use labkeeper_drivers::bus::{BusFactory, BusHandle, BusOptions, buses};
use labkeeper_machine::Command;
use labkeeper_model::site::{DeviceSpec, OnLeaseLoss, Priority, SiteSpec};
use labkeeper_model::{Epoch, Name, Sample, SessionId, TagPath, Value};
use labkeeper_ownership::interlock::of_segment;
use labkeeper_ownership::reach::Share;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long a report may take: an election and a commit; what is lost is said again by the next owner, or shown as missing.
const REPORT_MAX: Duration = Duration::from_secs(5);
/// Pause before a report is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// One ownership of one segment.
pub struct Segment {
    /// What the node gives it.
    pub context: OwnerContext,
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
    /// Its readings on their way to its alarms.
    pub intake: Intake,
    /// What keeps its tags from being driven.
    pub guardian: Guardian,
    fresh: Arc<Fresh>,
    buses: BTreeMap<String, (BusHandle, BusFactory)>,
}

impl Segment {
    /// Opens the segment's buses; nothing happens before its subtree is started.
    #[must_use]
    pub fn open(context: OwnerContext, name: String, session: SessionId, epoch: Epoch, site: Arc<SiteSpec>) -> Arc<Self> {
        let devices = site.devices.iter().filter(|(_, device)| device.segment.as_str() == name);
        let mut opened = BTreeMap::new();
        let fresh = Arc::new(Fresh::new(&site, &name));
        let intake = Intake::new(fresh.tags().cloned());
        for spec in buses(devices.map(|(name, device)| (name.clone(), device.clone()))) {
            let (tenure, cluster, bus) = (context.tenure.clone(), context.cluster.clone(), spec.address.clone());
            let options = BusOptions {
                node: context.name.to_string(),
                epoch,
                session,
                source: context.source,
                write_timeout: context.write_timeout,
                permit: Arc::new(move || {
                    tenure.may_write(session)?;
                    let is_departing = cluster.read(|machine| machine.is_departing(&bus, session));
                    if is_departing { Err("its former owner has not let go of it yet".into()) } else { Ok(()) }
                }),
            };
            let address = spec.address.clone();
            let sink = BusSink::new(&spec, context.latest.clone(), &fresh, &intake, context.me, context.taken.clone());
            opened.insert(address, BusHandle::open(spec, options, Arc::new(sink), Arc::new(NodeClock)));
        }
        let inputs = TagInputs::new(context.cluster.clone(), context.latest.clone(), context.peers.clone(), fresh.clone());
        let guardian = Guardian::new(context.cluster.clone(), &site, &name, epoch, inputs);
        Arc::new(Self { guardian, context, name, session, epoch, site, finish: CancellationToken::new(), intake, fresh, buses: opened })
    }

    /// Its buses by address.
    pub fn buses(&self) -> impl Iterator<Item = (&String, &BusHandle)> {
        self.buses.iter().map(|(address, (handle, _))| (address, handle))
    }

    /// The same, with what starts each.
    pub(super) fn factories(&self) -> impl Iterator<Item = (&String, &(BusHandle, BusFactory))> {
        self.buses.iter()
    }

    /// The bus that leads to a device.
    #[must_use]
    pub fn bus_of(&self, device: &Name) -> Option<&BusHandle> {
        self.buses.get(&self.site.devices.get(device)?.address).map(|(handle, _)| handle)
    }

    /// Whether the devices of the segment are driven as they were when it was opened. Their alarms may differ: who detects them follows the
    /// declaration by itself, and no connection is closed for a limit.
    #[must_use]
    pub fn is_declared_so(&self, site: &SiteSpec) -> bool {
        let ours = |site: &SiteSpec| -> Vec<_> {
            let ours = site.devices.iter().filter(|(_, device)| device.segment.as_str() == self.name);
            ours.map(|(name, device)| (name.clone(), without_alarms(device.clone()))).collect()
        };
        let interlocks =
            |site: &SiteSpec| -> Vec<_> { of_segment(site, &self.name).map(|(name, spec)| (name.clone(), spec.clone())).collect() };
        // A condition may be named by an interlock.
        ours(site) == ours(&self.site) && interlocks(site) == interlocks(&self.site) && site.conditions == self.site.conditions
    }

    /// What must hold at the moment of a write without a command, besides the lease: the replicated state has not moved the segment, and no
    /// interlock forbids the value.
    pub fn guard(self: &Arc<Self>, tag: TagPath, value: Value) -> impl Fn() -> Result<(), String> + Send + 'static {
        let segment = Arc::clone(self);
        move || {
            let (me, session, epoch) = (segment.context.me, segment.session, segment.epoch);
            if !segment.context.cluster.read(|machine| machine.holds(me, session, &segment.name, epoch)) {
                return Err("the segment is not this node's any more".into());
            }
            segment.guardian.why_not(&tag, &value).map_or(Ok(()), |bar| Err(bar.why))
        }
    }

    /// What conditions over tags are evaluated over here.
    #[must_use]
    pub fn inputs(&self) -> TagInputs {
        let OwnerContext { cluster, latest, peers, .. } = &self.context;
        TagInputs::new(cluster.clone(), latest.clone(), peers.clone(), self.fresh.clone())
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
        let of_device = |(name, device): (&Name, &DeviceSpec)| -> Vec<_> {
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

fn without_alarms(mut device: DeviceSpec) -> DeviceSpec {
    device.tags.values_mut().for_each(|tag| tag.alarms.clear());
    DeviceSpec { comm_priority: Priority::default(), ..device }
}
