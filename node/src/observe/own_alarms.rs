//! What a node says about itself, as alarms: its clock is apart from the site's time, its disk is nearly full.
//!
//! Level-triggered: what is found is compared with what the replicated state has, and said again until that agrees.

use crate::clock;
use crate::config::NodeConfig;
use crate::ownership::tenure::Tenure;
use labkeeper_detect::{ClockWatch, DiskWatch, Now};
use labkeeper_machine::Command;
use labkeeper_machine::alarms::AlarmCommand;
use labkeeper_model::{AlarmId, Name, NodeId, SessionId};
use labkeeper_raft::Cluster;
use labkeeper_supervision::{ChildError, Context};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// How often a node looks at itself. A disk does not fill within a second, nor does a clock drift.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Longest wait for an entry to compare the clock with: renewals alone are three a second. Without a leader there are none, and nothing is said.
const ENTRY_MAX: Duration = Duration::from_secs(1);
/// How long one report may take; what is lost is said again at the next look.
const ATTEMPT: Duration = Duration::from_secs(2);

/// What it needs from the node.
#[derive(Clone)]
pub struct OwnAlarmsContext {
    /// The replicated state.
    pub cluster: Cluster,
    /// This node.
    pub me: NodeId,
    /// Its settings.
    pub config: Arc<NodeConfig>,
    /// Whether it has a session: a node that catches up compares nothing.
    pub tenure: Tenure,
}

/// Runs until it is told to end.
///
/// # Errors
/// None; a panic is its supervisor's to see.
pub async fn run(context: OwnAlarmsContext, actor: Context) -> Result<(), ChildError> {
    actor.ready();
    let Some([clock_id, disk_id]) = ids(&context.config.name) else { return Ok(()) };
    let [clock_said, disk_said] = [&clock_id, &disk_id].map(|alarm| was_said(&context.cluster, alarm));
    let (mut clock, mut disk) = (ClockWatch::new(clock_said), DiskWatch::new(disk_said));
    let look = async {
        loop {
            sleep(LOOK_EVERY).await;
            let Some(session) = *context.tenure.session().borrow() else { continue };
            let words = [
                compared(&context.cluster, &mut clock).await.map(|(found, text)| (clock_id.clone(), found, text)),
                measured(&context.config.data_dir, &mut disk).map(|(found, text)| (disk_id.clone(), found, text)),
            ];
            say(&context, session, words.into_iter().flatten()).await;
        }
    };
    actor.token().run_until_cancelled(look).await;
    Ok(())
}

fn ids(node: &Name) -> Option<[AlarmId; 2]> {
    let of_kind = |kind: &str| Some(AlarmId::system(&Name::new(kind).ok()?, node));
    Some([of_kind("clock")?, of_kind("disk")?])
}

fn was_said(cluster: &Cluster, alarm: &AlarmId) -> bool {
    cluster.read(|machine| machine.alarm(alarm).is_some_and(|alarm| alarm.told().active.is_some()))
}

/// Compares the clock with the time of an entry that has just come.
async fn compared(cluster: &Cluster, watch: &mut ClockWatch) -> Option<(bool, String)> {
    let mut applied = cluster.applied();
    applied.mark_unchanged();
    timeout(ENTRY_MAX, applied.changed()).await.ok()?.ok()?;
    let (now, site_time) = (Now { time: clock::now(), moment: clock::boot() }, cluster.read(labkeeper_machine::Machine::time));
    let (is_apart, ahead_s) = watch.handle(now, site_time)?;
    let side = if ahead_s < 0.0 { "behind" } else { "ahead of" };
    Some((is_apart, format!("its clock is {:.1} s {side} the site's time", ahead_s.abs())))
}

#[expect(clippy::cast_precision_loss, reason = "a share of a disk to three digits")]
fn measured(dir: &Path, watch: &mut DiskWatch) -> Option<(bool, String)> {
    let disk = rustix::fs::statvfs(dir).inspect_err(|error| tracing::debug!(%error, "how full the disk is cannot be told")).ok()?;
    // Blocks that only root may use are nobody's who runs as it should.
    let usable = disk.f_blocks.saturating_sub(disk.f_bfree).saturating_add(disk.f_bavail).max(1);
    let used = 1.0 - disk.f_bavail as f64 / usable as f64;
    Some((watch.handle(used), format!("{:.0} % of the disk under {} are in use", used * 100.0, dir.display())))
}

/// Says what the replicated state has otherwise.
async fn say(context: &OwnAlarmsContext, session: SessionId, found: impl Iterator<Item = (AlarmId, bool, String)>) {
    let words: Vec<_> = found.filter(|(alarm, found, _)| was_said(&context.cluster, alarm) != *found).collect();
    if words.is_empty() {
        return;
    }
    for (alarm, found, text) in &words {
        tracing::warn!(%alarm, found, text, "a node about itself");
    }
    let report = Command::Alarm(AlarmCommand::ReportSystem { node: context.me, session, words });
    if let Err(error) = context.cluster.propose(report, Instant::now() + ATTEMPT).await {
        tracing::debug!(%error, "what a node says about itself is said again");
    }
}
