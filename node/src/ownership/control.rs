//! One segment under one ownership: takes its devices over, then carries out its commands and watches how many devices answer.
//!
//! ```text
//!  milestones of buses ---> Takeover ---> writes of policies, reports
//!                              | enabled devices
//!  outstanding commands -------+--> one job each ---> bus
//!  devices that answer -----------> Reach ---> report
//! ```
//!
//! It decides nothing: the cores in `labkeeper_ownership` do. It ends when it is told to finish (a planned hand-over: what is on the wire
//! gets its answer first), or is aborted (the lease is gone: nothing may be waited for).

use super::errand::Errand;
use super::glide::Glide;
use super::runner::Runner;
use super::segment::Segment;
use crate::clock;
use futures::future::select_all;
use labkeeper_drivers::bus::Milestones;
use labkeeper_machine::{Command, Reconciled, TakeoverReport};
use labkeeper_model::{CommandId, LogIndex, Name, TagPath, Value};
use labkeeper_ownership::duty;
use labkeeper_ownership::reach::{Reach, Share};
use labkeeper_ownership::reconcile::reconcile_device;
use labkeeper_ownership::takeover::{Event, Stage, Takeover};
use labkeeper_supervision::{ChildError, Context};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};
use tokio::time::sleep;

/// How often devices are looked at without a sign from them: a tenth of what a person notices in a takeover.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often a tree's hang detector is told that all is well at least: [`LOOK_EVERY`], ten times in its budget.
pub const HANG_AFTER: Duration = Duration::from_secs(5);

/// Runs one ownership of one segment.
///
/// # Errors
/// None; a panic is its supervisor's to see.
pub async fn run(segment: Arc<Segment>, actor: Context) -> Result<(), ChildError> {
    let mut control = Control::new(segment);
    let mut applied = control.segment.context.cluster.applied();
    let mut last_calls = control.segment.context.tenure.last_calls();
    let mut milestones: Vec<_> = control.segment.buses().map(|(_, handle)| handle.watch_milestones()).collect();
    actor.ready();
    loop {
        actor.progress();
        control.look_at_devices();
        control.carry_out();
        control.start_jobs();
        control.watch_reach();
        tokio::select! {
            biased;
            () = actor.cancelled() => return Ok(()),
            () = control.segment.finish.cancelled() => break,
            Ok(()) = last_calls.changed() => control.go_safe(),
            () = passed(&mut milestones) => {}
            Some(_) = control.glides.join_next() => {}
            Some(written) = control.writes.join_next() => control.take_written(written.ok()),
            Some(ended) = control.jobs.join_next_with_id() => control.forget(ended.map_or_else(|error| error.id(), |(id, ())| id)),
            changed = applied.changed() => if changed.is_err() { return Ok(()) },
            () = sleep(LOOK_EVERY) => {}
        }
    }
    // Jobs end by themselves before their next step, as the segment has a successor; whoever waits for this knows how long to.
    control.drained().await;
    Ok(())
}

/// Waits until a bus has come further with a device.
async fn passed(milestones: &mut [watch::Receiver<BTreeMap<Name, Milestones>>]) {
    if milestones.is_empty() {
        return std::future::pending().await;
    }
    // A bus that is gone takes the segment with it.
    let _ = select_all(milestones.iter_mut().map(|bus| Box::pin(bus.changed()))).await;
}

struct Control {
    segment: Arc<Segment>,
    /// What had been applied when this ownership began: older commands are inherited.
    since: LogIndex,
    takeover: Takeover,
    reach: Reach,
    /// At most one for each tag, as a newer setpoint of a tag supersedes the older one.
    jobs: JoinSet<()>,
    /// What each job that runs is for; one that has ended is kept until the replicated state has its last report, as its command looks
    /// until then as if nobody had carried it out.
    started: BTreeMap<CommandId, Option<Id>>,
    /// Writes that the policies of the takeover asked for: at most one for each tag.
    writes: JoinSet<(Name, TagPath, bool)>,
    /// The same for tags that are approached step by step.
    glides: JoinSet<()>,
}

impl Control {
    fn new(segment: Arc<Segment>) -> Self {
        let since = segment.context.cluster.read(labkeeper_machine::Machine::applied);
        let takeover = Takeover::new(&segment.site, &segment.name, clock::now(), clock::boot());
        let (jobs, writes, glides) = (JoinSet::new(), JoinSet::new(), JoinSet::new());
        Self { segment, since, takeover, reach: Reach::new(), jobs, started: BTreeMap::new(), writes, glides }
    }

    /// Takes over what the buses have reached.
    fn look_at_devices(&mut self) {
        let now = clock::now();
        for (_, handle) in self.segment.buses() {
            for (device, milestones) in handle.milestones() {
                if self.takeover.stage(device.as_str()).is_none_or(|stage| stage >= Stage::Reconciling) {
                    continue;
                }
                if milestones.connected_at.is_some() {
                    self.takeover.handle_connected(&device, now);
                }
                if milestones.claimed_at.is_some() {
                    self.takeover.handle_claimed(&device, now);
                }
                if milestones.first_reading_at.is_some() {
                    let readings = self.segment.readings(&device);
                    let decisions = self.segment.context.cluster.read(|machine| reconcile_device(machine, &device, &readings));
                    self.takeover.handle_read(&device, decisions, now);
                }
            }
        }
        self.takeover.handle_timeout(clock::boot());
    }

    /// Does what the takeover asks for.
    fn carry_out(&mut self) {
        let segment = Arc::clone(&self.segment);
        while let Some(event) = self.takeover.poll_event() {
            match event {
                Event::Write { device, tag, value } => self.follow_policy(device, tag, value),
                Event::Enabled { device } => tracing::info!(segment = segment.name, %device, epoch = segment.epoch, "control enabled"),
                Event::Reconciled(outcomes) => {
                    let (node, epoch) = (segment.context.me, segment.epoch);
                    segment.report(Command::ReportReconciled { node, segment: segment.name.clone(), epoch, outcomes });
                }
                Event::Taken(report) => {
                    let TakeoverReport { connected, read, enabled, devices_reached, devices } = report;
                    let (node, segment_name, epoch) = (segment.context.me, segment.name.clone(), segment.epoch);
                    let segment_taken =
                        Command::ReportTakeover { node, segment: segment_name, epoch, connected, read, enabled, devices_reached, devices };
                    segment.report(segment_taken);
                }
            }
        }
    }

    /// A write that a policy asks for. Where the tag is approached step by step, the device's commands do not wait for the end of it; if it
    /// ends before, that is reported.
    fn follow_policy(&mut self, device: Name, tag: TagPath, value: Value) {
        let segment = Arc::clone(&self.segment);
        let Some(glide) = Glide::new(&segment, &device, &tag, &value) else { return self.write(device, tag, value) };
        self.takeover.handle_written(&device, &tag, true, clock::now());
        self.glides.spawn(async move {
            if let Err(error) = glide.run().await {
                tracing::warn!(%tag, %error, "a takeover's ramp has ended before its target");
                let actual = Name::new(tag.tag()).ok().and_then(|name| segment.readings(&device).remove(&name)?.value);
                let outcome = actual.map_or(Reconciled::Unreadable, |actual| Reconciled::Adopted { actual });
                let (node, epoch, outcomes) = (segment.context.me, segment.epoch, vec![(tag, outcome)]);
                segment.report(Command::ReportReconciled { node, segment: segment.name.clone(), epoch, outcomes });
            }
        });
    }

    /// A write in one step; its outcome is only whether the device has it.
    fn write(&mut self, device: Name, tag: TagPath, value: Value) {
        let Some(handle) = self.segment.bus_of(&device).cloned() else { return };
        let guard = self.segment.guard(tag.clone(), value.clone());
        self.writes.spawn(async move {
            let Ok(name) = Name::new(tag.tag()) else { return (device, tag, false) };
            let written = handle.write(&device, &name, value, guard).await;
            if let Err(error) = &written {
                tracing::warn!(%tag, %error, "a takeover's write failed");
            }
            (device, tag, written.is_ok())
        });
    }

    fn take_written(&mut self, written: Option<(Name, TagPath, bool)>) {
        if let Some((device, tag, is_written)) = written {
            self.takeover.handle_written(&device, &tag, is_written, clock::now());
        }
    }

    /// Starts a job for each command that may be carried out and has none, and forgets those whose end is in the replicated state.
    fn start_jobs(&mut self) {
        let segment = Arc::clone(&self.segment);
        let (outstanding, open) = segment.context.cluster.read(|machine| {
            let ids: BTreeSet<CommandId> = machine.outstanding(&segment.name).map(|record| record.id).collect();
            (ids, duty::commands(machine, &segment.name, &self.takeover))
        });
        self.started.retain(|id, running| running.is_some() || outstanding.contains(id));
        for (record, verification) in open {
            if self.started.contains_key(&record.id) {
                continue;
            }
            let Some(runner) = Runner::new(Arc::clone(&segment), Arc::clone(&record)) else { continue };
            let Some(errand) = Errand::of(&segment, &record, verification, record.log_index <= self.since) else { continue };
            let running = self.jobs.spawn(async move { errand.run(&runner).await });
            self.started.insert(record.id, Some(running.id()));
        }
    }

    fn forget(&mut self, ended: Id) {
        if let Some(running) = self.started.values_mut().find(|running| **running == Some(ended)) {
            *running = None;
        }
    }

    /// Counts the devices that can be connected to or answer, and says so if they are too few for too long.
    fn watch_reach(&mut self) {
        let now = clock::boot();
        let of = self.segment.site.devices.values().filter(|device| device.segment.as_str() == self.segment.name).count();
        let reached: u64 = self.segment.buses().map(|(_, handle)| super::board::devices_within_reach(&handle.stats())).sum();
        let count = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        self.reach.handle_share(Share { reached: count(reached), of: count(of as u64) }, now);
        if let Some(share) = self.reach.handle_timeout(now) {
            let (reached, of) = (share.reached, share.of);
            tracing::warn!(segment = self.segment.name, reached, of, "how many devices are within reach here");
            self.segment.report(self.segment.reach_report(share));
        }
    }

    /// The lease is about to run out: devices that should not be left alone are driven to their safe values, while that is allowed.
    fn go_safe(&mut self) {
        for (device, tag, value) in self.segment.safe_values() {
            tracing::warn!(%tag, %value, "the lease is about to run out: driving to the safe value");
            self.write(device, tag, value);
        }
    }

    async fn drained(&mut self) {
        while self.jobs.join_next().await.is_some() {}
        while self.writes.join_next().await.is_some() {}
        while self.glides.join_next().await.is_some() {}
    }
}
