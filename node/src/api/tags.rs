//! Reading tags: the latest values by glob, and a stream of changes.

use crate::clock;
use crate::error::ApiError;
use crate::peers::Peers;
use crate::telemetry::filter::Filter;
use crate::telemetry::latest::Latest;
use crate::telemetry::readings::Readings;
use labkeeper_machine::Machine;
use labkeeper_model::{ErrorCode, LogIndex, NodeId, Quality, Selector, TagPath};
use labkeeper_proto::v1;
use labkeeper_raft::{Cluster, ReadKind};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::wire;

/// Most globs in one request: more than a screen has groups.
const SELECTORS_MAX: usize = 64;
/// Updates a second where a watcher names none, and the most that it may name.
const RATE_HZ: (u32, u32) = (10, 50);
/// How often qualities are judged anew: values go stale and owners fall silent without any sample to say so.
const JUDGE_EVERY: Duration = Duration::from_millis(500);
/// How long confirming leadership may take for a linearizable read: several elections.
const BARRIER_MAX: Duration = Duration::from_secs(5);

/// The service behind gRPC and HTTP.
#[derive(Clone)]
pub struct Tags {
    /// The replicated state.
    pub cluster: Cluster,
    /// The samples.
    pub latest: Arc<Latest>,
    /// Who is heard of.
    pub peers: Arc<Peers>,
}

/// Parses a request's globs; none means everything.
///
/// # Errors
/// Too many, or one is not a glob over `segment/device/tag`.
pub fn selectors(texts: &[String]) -> Result<Vec<Selector>, ApiError> {
    if texts.len() > SELECTORS_MAX {
        return Err(ApiError::new(ErrorCode::BadSelector, format!("{} selectors are more than {SELECTORS_MAX}", texts.len())));
    }
    let parse = |text: &String| Selector::parse(text).map_err(|error| ApiError::new(ErrorCode::BadSelector, format!("{text:?}: {error}")));
    texts.iter().map(parse).collect()
}

/// The interval of a requested rate.
///
/// # Errors
/// The rate is more than 50 a second.
pub fn rate_interval(rate_hz_max: u32) -> Result<Duration, ApiError> {
    match rate_hz_max {
        0 => Ok(Duration::from_secs(1) / RATE_HZ.0),
        hz if hz <= RATE_HZ.1 => Ok(Duration::from_secs(1) / hz),
        hz => Err(ApiError::new(ErrorCode::BadRequest, format!("rate_hz_max: {hz} is more than {}", RATE_HZ.1))),
    }
}

impl Tags {
    /// The latest values of the selected tags, ordered by name.
    ///
    /// # Errors
    /// A malformed glob; a glob without wildcards that names no tag; no leader for a linearizable read.
    pub async fn get(&self, request: &v1::GetTagsRequest) -> Result<v1::GetTagsResponse, ApiError> {
        let globs = selectors(&request.selectors)?;
        if request.linearizable {
            self.cluster.read_barrier(ReadKind::ReadIndex, Instant::now() + BARRIER_MAX).await.map_err(wire::propose_error)?;
        }
        let tags = self.readings(&globs);
        let literal = request.selectors.iter().find(|text| !text.contains(['*', '?']) && TagPath::parse(text).is_ok());
        match literal {
            Some(text) if !tags.iter().any(|reading| reading.tag == *text) => {
                Err(ApiError::new(ErrorCode::UnknownTag, format!("{text} is not a tag of this site")))
            }
            _ => Ok(v1::GetTagsResponse { tags }),
        }
    }

    /// The selected tags with everything about them, ordered by name.
    #[must_use]
    pub fn readings(&self, globs: &[Selector]) -> Vec<v1::TagReading> {
        self.with_readings(|machine, readings| {
            let wanted = |path: &TagPath| globs.is_empty() || globs.iter().any(|glob| glob.matches(path));
            let tags = machine.site().tags().filter(|(path, ..)| wanted(path));
            let mut selected: Vec<v1::TagReading> = tags.map(|(path, device, tag)| readings.reading(&path, device, tag)).collect();
            selected.sort_by(|a, b| a.tag.cmp(&b.tag));
            selected
        })
    }

    /// Runs `body` with the replicated state and the means to judge samples by it.
    pub fn with_readings<T>(&self, body: impl FnOnce(&Machine, &Readings<'_>) -> T) -> T {
        let me = self.cluster.identity().map(|identity| identity.node_id);
        let is_heard = |id: NodeId| Some(id) == me || self.peers.is_heard(id);
        self.cluster.read(|machine| body(machine, &Readings { machine, latest: &self.latest, is_heard: &is_heard, now: clock::now() }))
    }

    /// Streams a snapshot and then changes into `out` until its receiver is gone.
    pub async fn watch(self, globs: Vec<Selector>, every: Duration, out: mpsc::Sender<Result<v1::WatchTagsResponse, tonic::Status>>) {
        let mut watch = Watch::new(self, globs);
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = out.closed() => return,
            }
            if let Some(message) = watch.next() {
                // The receiver takes one message at a time, so a slow reader holds this task and nobody else.
                if out.send(Ok(message)).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// What one watcher has been told, so that it is told only what is new.
struct Watch {
    tags: Tags,
    globs: Vec<Selector>,
    subscription: Arc<crate::telemetry::subscription::Subscription>,
    /// The readings as they were last sent, without samples.
    told: BTreeMap<String, v1::TagReading>,
    qualities: BTreeMap<String, i32>,
    told_at: LogIndex,
    judged: Instant,
    has_begun: bool,
}

impl Watch {
    fn new(tags: Tags, globs: Vec<Selector>) -> Self {
        let subscription = tags.latest.subscribe(Filter::by_selectors(globs.clone()));
        Self {
            tags,
            globs,
            subscription,
            told: BTreeMap::new(),
            qualities: BTreeMap::new(),
            told_at: 0,
            judged: Instant::now(),
            has_begun: false,
        }
    }

    fn next(&mut self) -> Option<v1::WatchTagsResponse> {
        let pending = self.subscription.take();
        let applied = self.tags.cluster.read(Machine::applied);
        let must_judge = self.judged.elapsed() >= JUDGE_EVERY;
        if self.has_begun && pending.is_empty() && applied == self.told_at && !must_judge {
            return None;
        }
        let mut message = v1::WatchTagsResponse { skipped: self.subscription.skipped(), ..Default::default() };
        if !self.has_begun || applied != self.told_at || must_judge {
            self.told_at = applied;
            self.judged = Instant::now();
            self.compare(&mut message);
        }
        self.add_samples(&pending, &mut message);
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        (is_first || message != v1::WatchTagsResponse { skipped: message.skipped, ..Default::default() }).then_some(message)
    }

    /// Adds what changed in declarations, owners, setpoints and judged qualities.
    fn compare(&mut self, message: &mut v1::WatchTagsResponse) {
        let readings = self.tags.readings(&self.globs);
        let present: BTreeSet<&String> = readings.iter().map(|reading| &reading.tag).collect();
        message.removed = self.told.keys().filter(|tag| !present.contains(tag)).cloned().collect();
        for tag in &message.removed {
            self.told.remove(tag);
            self.qualities.remove(tag);
        }
        for reading in readings {
            let quality = reading.sample.as_ref().map_or(0, |sample| sample.quality);
            let bare = v1::TagReading { sample: None, ..reading.clone() };
            let is_news = self.told.get(&reading.tag) != Some(&bare) || self.qualities.get(&reading.tag) != Some(&quality);
            if is_news {
                self.qualities.insert(reading.tag.clone(), quality);
                self.told.insert(reading.tag.clone(), bare);
                message.readings.push(reading);
            }
        }
    }

    fn add_samples(&mut self, pending: &[u32], message: &mut v1::WatchTagsResponse) {
        let fresh: Vec<v1::TagSample> = self.tags.with_readings(|machine, readings| {
            let rows = self.tags.latest.rows(pending).into_iter();
            rows.filter_map(|(_, path, _)| {
                let (device, _) = machine.site().tag(&path)?;
                let sample = readings.sample(&path, device);
                Some(v1::TagSample { tag: path.to_string(), sample: Some(wire::sample(&sample)) })
            })
            .collect()
        });
        for sample in fresh {
            let quality = sample.sample.as_ref().map_or(0, |s| s.quality);
            self.qualities.insert(sample.tag.clone(), quality);
            message.samples.push(sample);
        }
    }
}

/// A quality as its number on the wire.
#[must_use]
pub fn quality_number(quality: Quality) -> i32 {
    v1::Quality::from(quality).into()
}
