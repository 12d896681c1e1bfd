//! Watches over a segment's interlocks: says their verdicts, and drives tags to their safe values while one has tripped.
//!
//! ```text
//!   guardian ── look ──► verdicts that the replicated state has not ──► one report at a time
//!                  └───► tags that are to be safe ──► bus, under the segment's guard ──► read, so that it is seen
//! ```
//!
//! It decides nothing: the interlocks' cores do. It goes on while there is no leader.

use super::segment::Segment;
use crate::clock;
use labkeeper_machine::{Command, InterlockCommand};
use labkeeper_model::{Name, Quality, TagPath, Value};
use labkeeper_ownership::interlock::Forced;
use labkeeper_supervision::{ChildError, Context};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// How often interlocks are looked at: as often as the fastest default device is polled, five times over. A look at 100 interlocks of ten
/// inputs each takes a millisecond.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// When the tree takes it for hung: fifty looks.
pub const HANG_AFTER: Duration = Duration::from_secs(5);
/// How long one report may take: several elections. What is lost is said again, as it still differs.
const ATTEMPT: Duration = Duration::from_secs(5);

/// Watches for as long as the segment is owned.
///
/// # Errors
/// None; a panic is its supervisor's to see.
pub async fn run(segment: Arc<Segment>, actor: Context) -> Result<(), ChildError> {
    let mut watch = Watch { segment, reports: JoinSet::new(), writes: JoinSet::new(), forced: BTreeMap::new(), driven: vec![] };
    actor.ready();
    loop {
        actor.progress();
        if watch.segment.finish.is_cancelled() {
            return Ok(());
        }
        watch.look();
        tokio::select! {
            biased;
            () = actor.cancelled() => return Ok(()),
            Some(written) = watch.writes.join_next() => watch.take_written(written.ok()),
            Some(_) = watch.reports.join_next() => {}
            () = sleep(LOOK_EVERY) => {}
        }
    }
}

/// What came of driving a tag to its safe value.
type Driven = (Name, TagPath, bool);

struct Watch {
    segment: Arc<Segment>,
    /// At most one is on its way.
    reports: JoinSet<()>,
    /// At most one for each tag, as none takes as long as the pause between two.
    writes: JoinSet<Driven>,
    forced: BTreeMap<TagPath, Forced>,
    /// Tags that were driven to their safe values and of which nobody was told: at most one entry for each.
    driven: Vec<(Name, TagPath)>,
}

impl Watch {
    fn look(&mut self) {
        let findings = self.segment.guardian.look();
        self.forced.retain(|tag, _| findings.forced.contains_key(tag));
        for (tag, (value, interlock)) in findings.forced {
            self.force(tag, value, interlock);
        }
        if self.reports.is_empty() && !(findings.news.is_empty() && self.driven.is_empty()) {
            let (node, segment, epoch) = (self.segment.context.me, self.segment.name.clone(), self.segment.epoch);
            let forced = std::mem::take(&mut self.driven);
            let report = InterlockCommand::Report { node, segment, epoch, states: findings.news, forced };
            let cluster = self.segment.context.cluster.clone();
            self.reports.spawn(async move {
                if let Err(error) = cluster.propose(Command::Interlock(report), Instant::now() + ATTEMPT).await {
                    tracing::debug!(%error, "a word about interlocks will be said again");
                    sleep(LOOK_EVERY).await;
                }
            });
        }
    }

    fn force(&mut self, tag: TagPath, safe: Value, interlock: Name) {
        let (Ok(device), Ok(name)) = (Name::new(tag.device()), Name::new(tag.tag())) else { return };
        let Some(handle) = self.segment.bus_of(&device).cloned() else { return };
        let spec = self.segment.site.tag(&tag).map(|(_, spec)| spec.clone());
        let Some(spec) = spec else { return };
        let is_readable = spec.access.is_readable();
        let reading = self.segment.readings(&device).remove(&name).filter(|sample| is_readable && sample.quality == Quality::Good);
        let tolerance = spec.verification(&name, &safe).map_or(0.0, |verify| verify.tolerance);
        if is_readable && reading.is_none() {
            // Nothing is written to a device that does not answer, or was not read yet.
            return;
        }
        let forced = self.forced.entry(tag.clone()).or_default();
        if !forced.is_due(&safe, tolerance, reading.as_ref(), clock::boot()) {
            return;
        }
        tracing::warn!(%tag, value = %safe, %interlock, "an interlock has tripped: driving to the safe value");
        let guard = self.segment.guard(tag.clone(), safe.clone());
        self.writes.spawn(async move {
            let written = handle.write(&device, &name, safe, guard).await;
            if let Err(error) = &written {
                tracing::warn!(%tag, %error, "a tag could not be driven to its safe value");
            }
            if is_readable {
                // Whatever comes of it, the next look sees it.
                let _ = handle.read(&device, &name).await;
            }
            (interlock, tag, written.is_ok())
        });
    }

    fn take_written(&mut self, driven: Option<Driven>) {
        let Some((interlock, tag, is_written)) = driven else { return };
        if let Some(forced) = self.forced.get_mut(&tag) {
            forced.handle_written(is_written);
        }
        let word = (interlock, tag);
        if is_written && !self.driven.contains(&word) {
            self.driven.push(word);
        }
    }
}
