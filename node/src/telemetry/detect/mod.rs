//! The alarms of one segment, at its owner: every reading goes to the detectors, their words go to the log.
//!
//! ```text
//!  buses ──► intake ──► Watch (labkeeper-detect) ──► one report at a time ──► log ──► machine
//!  health, time ───────────┘  ▲                                                        │
//!                             └── what the machine has: at the start, and once a second ┘
//! ```
//!
//! It decides nothing: the detectors say whether a condition holds, the machine what that means. While a report is on its way, words gather
//! for the next, so a burst of alarms costs few entries.

pub mod intake;
mod view;

use crate::ownership::segment::Segment;
use labkeeper_detect::{Answering, Spoken, Watch};
use labkeeper_drivers::health::HealthState;
use labkeeper_machine::alarms::AlarmCommand;
use labkeeper_machine::{Command, Reply};
use labkeeper_model::site::SiteSpec;
use labkeeper_model::{LogIndex, Name, TagPath};
use labkeeper_raft::Cluster;
use labkeeper_supervision::{ChildError, Context};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use view::{World, condition_word, now, recorded};

/// How often time alone is looked at: silence and expressions are told within a quarter of a second, and a look at 10,000 alarms takes
/// milliseconds.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How often what was said is compared with what the machine has: a word that was lost is said again within a second.
const SETTLE_EVERY: Duration = Duration::from_secs(1);
/// Most readings taken at once: between two batches, time is looked at.
const BATCH_MAX: usize = 1_024;
/// Most words in one report: of 100 bytes each some 25 kB, and 10,000 alarms at once are 40 entries.
const WORDS_MAX: usize = 256;
/// How long one report may take: several elections. What is lost is said again, with the same times.
const ATTEMPT: Duration = Duration::from_secs(5);
/// Pause before a report is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// When the tree takes it for hung: twenty looks.
pub const HANG_AFTER: Duration = Duration::from_secs(5);

/// Detects alarms for as long as the segment is owned.
///
/// # Errors
/// None; a panic is its supervisor's to see.
pub async fn run(segment: Arc<Segment>, actor: Context) -> Result<(), ChildError> {
    let Ok(name) = Name::new(&segment.name) else { return Ok(()) };
    let mut readings = segment.intake.readings().await;
    let mut desk = Desk::new(segment, name);
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut batch = Vec::new();
    actor.ready();
    loop {
        actor.progress();
        desk.report();
        tokio::select! {
            biased;
            () = actor.cancelled() => return Ok(()),
            Some(delivered) = desk.reports.join_next() => desk.delivered(delivered.ok().flatten()),
            _ = looks.tick() => desk.look(),
            count = readings.recv_many(&mut batch, BATCH_MAX) => {
                if count == 0 {
                    return Ok(());
                }
                let now = now();
                for (tag, sample) in batch.drain(..) {
                    desk.watch.handle_sample(&tag, &sample, now, &desk.world);
                }
            }
        }
    }
}

/// What came of a report: the entry that has its words; `None` if it may not be in the log.
type Delivered = Option<(LogIndex, Vec<Spoken>)>;

struct Desk {
    segment: Arc<Segment>,
    name: Name,
    /// The declaration that is watched.
    site: Arc<SiteSpec>,
    watch: Watch,
    world: World,
    /// At most one report is on its way.
    reports: JoinSet<Delivered>,
    /// The latest entry with words of this watch: what this node has applied before it is older than what was said.
    said_at: LogIndex,
    settled: Instant,
}

impl Desk {
    fn new(segment: Arc<Segment>, name: Name) -> Self {
        let world = World { tags: segment.inputs(), cluster: segment.context.cluster.clone() };
        let (site, watch) = watch(&segment, &name);
        Self { segment, name, site, watch, world, reports: JoinSet::new(), said_at: 0, settled: Instant::now() }
    }

    /// Takes that time has passed, and what the buses say of their devices.
    fn look(&mut self) {
        let left_out = self.segment.intake.take_left_out();
        if left_out > 0 {
            tracing::warn!(segment = self.segment.name, left_out, "readings came faster than alarms could look at them");
        }
        if self.settled.elapsed() >= SETTLE_EVERY && self.reports.is_empty() {
            self.settle();
        }
        let now = now();
        for (_, bus) in self.segment.buses() {
            for (device, stats) in bus.stats().devices {
                let is_left_alone = self.segment.context.cluster.read(|machine| machine.quarantine(device.as_str()).is_some());
                let answering = if is_left_alone { Answering::Unknown } else { answering(stats.health) };
                self.watch.handle_device(&device, answering, now);
            }
        }
        self.watch.handle_time(now, &self.world);
    }

    /// Compares with the replicated state, unless this node has not come as far as the last report. Another declaration is watched anew, from
    /// what the state has.
    fn settle(&mut self) {
        self.settled = Instant::now();
        let cluster = self.segment.context.cluster.clone();
        let (applied, site) = cluster.read(|machine| (machine.applied(), machine.site().clone()));
        if applied < self.said_at {
            return;
        }
        if Arc::ptr_eq(&site, &self.site) {
            cluster.read(|machine| self.watch.settle(&|alarm| recorded(machine, alarm)));
        } else {
            (self.site, self.watch) = watch(&self.segment, &self.name);
        }
    }

    /// Sends what waits, unless a report is on its way.
    fn report(&mut self) {
        if !self.reports.is_empty() {
            return;
        }
        let words = self.watch.pending(WORDS_MAX);
        if words.is_empty() {
            return;
        }
        let Segment { context, name, epoch, .. } = self.segment.as_ref();
        for Spoken { alarm, at, word } in &words {
            tracing::debug!(%alarm, at = at.0, ?word, "about an alarm");
        }
        let said = words.iter().cloned().map(condition_word).collect();
        let report = AlarmCommand::Report { node: context.me, segment: name.clone(), epoch: *epoch, words: said };
        self.reports.spawn(deliver(context.cluster.clone(), Command::Alarm(report), words));
    }

    fn delivered(&mut self, delivered: Delivered) {
        if let Some((log_index, words)) = delivered {
            self.said_at = self.said_at.max(log_index);
            self.watch.delivered(&words);
        }
    }
}

/// The alarms of a segment by the present declaration, going on from what the replicated state has.
fn watch(segment: &Segment, name: &Name) -> (Arc<SiteSpec>, Watch) {
    let (site, mut watch) = segment.context.cluster.read(|machine| {
        let site = machine.site().clone();
        let watch = Watch::new(&site, name, &|alarm| recorded(machine, alarm), now());
        (site, watch)
    });
    let sources: Vec<TagPath> = watch.sources().cloned().collect();
    for tag in &sources {
        if let Some(value) = segment.context.latest.get(tag).and_then(|measured| measured.sample.value) {
            watch.handle_last_known(tag, &value);
        }
    }
    segment.intake.want(&sources.iter().collect());
    (site, watch)
}

async fn deliver(cluster: Cluster, command: Command, words: Vec<Spoken>) -> Delivered {
    match cluster.propose(command, Instant::now() + ATTEMPT).await {
        Ok(proposed) => {
            match proposed.reply {
                Ok(Reply::Reported { refused: 0 }) => {}
                Ok(reply) => tracing::debug!(?reply, "some words about alarms were refused"),
                Err(rejection) => tracing::warn!(%rejection, "words about alarms were refused"),
            }
            Some((proposed.log_index, words))
        }
        Err(error) => {
            tracing::debug!(%error, "words about alarms wait");
            sleep(RETRY_AFTER).await;
            None
        }
    }
}

const fn answering(health: HealthState) -> Answering {
    match health {
        HealthState::Connecting => Answering::Unknown,
        HealthState::Online | HealthState::Degraded => Answering::Yes,
        HealthState::Offline => Answering::No,
    }
}
