//! The live socket of the web UI: a welcome, then snapshots and frames of samples in columns, commands, and the cluster.
//!
//! Only the leader sends data; a follower sends heartbeats, so that a page that holds a socket to every node can tell a dead
//! node from a quiet one and is live again as soon as there is a new leader. One task serves a socket; while a
//! message is being written the task is held, samples are conflated, and nobody else notices.

use super::HttpState;
use crate::api::tags::{self, quality_number};
use crate::api::wire;
use crate::telemetry::filter::Filter;
use crate::telemetry::subscription::Subscription;
use crate::{VERSION, clock};
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use labkeeper_machine::reply::Effect;
use labkeeper_model::{CommandId, LogIndex, Sample, Selector, Value};
use labkeeper_proto::v1;
use labkeeper_proto::v1::live_response::Kind;
use prost::Message as _;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Longest silence towards a page; it takes 700 ms for a loss.
const HEARTBEAT_EVERY: Duration = Duration::from_millis(200);
/// Shortest time between two snapshots: declarations, owners and setpoints may change with every entry, a whole snapshot
/// need not follow each.
const SNAPSHOT_EVERY: Duration = Duration::from_millis(500);
/// How often the cluster's status is sent, changed or not.
const CLUSTER_EVERY: Duration = Duration::from_secs(1);
/// How often qualities are judged anew: values go stale and owners fall silent without any sample to say so.
const JUDGE_EVERY: Duration = Duration::from_millis(500);
/// Largest message from a page: a handful of globs.
const REQUEST_BYTES_MAX: usize = 64 << 10;
/// Longest time that a page may take for one message before it is given up: ten times what a page allows us.
const SEND_MAX: Duration = Duration::from_secs(7);

pub(super) async fn upgrade(State(state): State<HttpState>, socket: WebSocketUpgrade) -> Response {
    socket.max_message_size(REQUEST_BYTES_MAX).on_upgrade(move |socket| async move {
        let stop = state.services.stop.clone();
        let mut live = Live::new(state, socket);
        tokio::select! {
            () = stop.cancelled() => {}
            () = live.run() => {}
        }
    })
}

struct Live {
    state: HttpState,
    socket: WebSocket,
    selectors: Vec<Selector>,
    every: Duration,
    feed: Option<Feed>,
    effects: broadcast::Receiver<(LogIndex, Effect)>,
    commands: BTreeSet<CommandId>,
    welcomed: Option<v1::LiveWelcome>,
    sent: Instant,
    cluster_sent: Option<Instant>,
    generation: u32,
}

/// What the page has been told by the latest snapshot.
struct Feed {
    subscription: Arc<Subscription>,
    told_at: LogIndex,
    told: Instant,
    /// Positions in the snapshot, by tag.
    positions: HashMap<String, u32>,
    /// Readings without samples, to tell whether another snapshot is due.
    bare: Vec<v1::TagReading>,
    /// The qualities that were sent, by position, and when all of them were last judged.
    qualities: Vec<i32>,
    judged: Instant,
}

impl Live {
    fn new(state: HttpState, socket: WebSocket) -> Self {
        let effects = state.services.cluster.effects();
        Self {
            state,
            socket,
            selectors: vec![],
            every: Duration::from_millis(100),
            feed: None,
            effects,
            commands: BTreeSet::new(),
            welcomed: None,
            sent: Instant::now(),
            cluster_sent: None,
            generation: 0,
        }
    }

    async fn run(&mut self) {
        let mut ticks = interval(self.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                message = self.socket.recv() => match message {
                    Some(Ok(Message::Binary(bytes))) => {
                        if !self.take_request(&bytes) {
                            return;
                        }
                        ticks = interval(self.every);
                        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                    Some(Ok(_)) => {}
                },
                effect = self.effects.recv() => match effect {
                    Ok((_, Effect::CommandChanged { id })) => { self.commands.insert(id); }
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return,
                },
                _ = ticks.tick() => if !self.tick().await { return },
            }
        }
    }

    /// Takes the page's choice; `false` ends the socket, since what sends malformed messages is not our page.
    fn take_request(&mut self, bytes: &[u8]) -> bool {
        let Ok(v1::LiveRequest { kind: Some(v1::live_request::Kind::Subscribe(subscribe)) }) = v1::LiveRequest::decode(bytes) else {
            return false;
        };
        let (Ok(selectors), Ok(every)) = (tags::selectors(&subscribe.selectors), tags::rate_interval(subscribe.rate_hz_max)) else {
            return false;
        };
        (self.selectors, self.every, self.feed) = (selectors, every, None);
        true
    }

    /// Sends what is due; `false` when the page is gone.
    async fn tick(&mut self) -> bool {
        let mut due = vec![];
        let welcome = self.welcome();
        let is_news =
            self.welcomed.as_ref().is_none_or(|last| last != &v1::LiveWelcome { time_unix_ms: last.time_unix_ms, ..welcome.clone() });
        let (is_leader, term) = (welcome.is_leader, welcome.term);
        if is_news {
            self.feed = None;
            self.cluster_sent = None;
            self.welcomed = Some(welcome.clone());
            due.push(Kind::Welcome(welcome));
        }
        if is_leader {
            self.add_snapshot(term, &mut due);
            self.add_frame(term, &mut due);
            self.add_commands(&mut due);
        } else {
            self.feed = None;
            self.commands.clear();
        }
        if self.cluster_sent.is_none_or(|at| at.elapsed() >= CLUSTER_EVERY) {
            self.cluster_sent = Some(Instant::now());
            due.push(Kind::Cluster(self.state.services.status.cluster_status(false)));
        }
        if due.is_empty() && self.sent.elapsed() >= HEARTBEAT_EVERY {
            due.push(Kind::Heartbeat(v1::LiveHeartbeat { term, time_unix_ms: clock::now().as_millis() }));
        }
        for kind in due {
            let bytes = v1::LiveResponse { kind: Some(kind) }.encode_to_vec();
            if !matches!(tokio::time::timeout(SEND_MAX, self.socket.send(Message::Binary(bytes.into()))).await, Ok(Ok(()))) {
                return false;
            }
            self.sent = Instant::now();
        }
        true
    }

    fn welcome(&self) -> v1::LiveWelcome {
        let services = &self.state.services;
        let raft = services.cluster.status();
        services.cluster.read(|machine| v1::LiveWelcome {
            node: services.membership.me.name.to_string(),
            is_leader: raft.leader.is_some() && raft.leader == raft.node_id,
            term: raft.term,
            leader: raft.leader.map(|id| wire::node_name(machine, id)).unwrap_or_default(),
            peers: machine.nodes().values().map(|node| node.http.clone()).collect(),
            time_unix_ms: clock::now().as_millis(),
            version: VERSION.to_owned(),
        })
    }

    fn add_snapshot(&mut self, term: u64, due: &mut Vec<Kind>) {
        let applied = self.state.services.cluster.read(|machine| machine.applied());
        if self.feed.as_ref().is_some_and(|feed| feed.told_at == applied || feed.told.elapsed() < SNAPSHOT_EVERY) {
            return;
        }
        let readings = self.state.services.tags.readings(&self.selectors);
        let bare: Vec<v1::TagReading> = readings.iter().map(|reading| v1::TagReading { sample: None, ..reading.clone() }).collect();
        if let Some(feed) = self.feed.as_mut().filter(|feed| feed.bare == bare) {
            (feed.told_at, feed.told) = (applied, Instant::now());
            return;
        }
        let subscription = match self.feed.take() {
            Some(feed) => feed.subscription,
            None => self.state.services.tags.latest.subscribe(Filter::by_selectors(self.selectors.clone())),
        };
        self.generation += 1;
        let positions = (0u32..).zip(&readings).map(|(position, reading)| (reading.tag.clone(), position)).collect();
        let qualities = readings.iter().map(|reading| reading.sample.as_ref().map_or(0, |sample| sample.quality)).collect();
        self.feed = Some(Feed { subscription, told_at: applied, told: Instant::now(), positions, bare, qualities, judged: Instant::now() });
        due.push(Kind::Snapshot(v1::LiveSnapshot { term, generation: self.generation, tags: readings }));
    }

    fn add_frame(&mut self, term: u64, due: &mut Vec<Kind>) {
        let Some(feed) = &mut self.feed else { return };
        let changed = self.state.services.tags.latest.rows(&feed.subscription.take());
        let now = clock::now().as_millis();
        let mut frame = v1::LiveFrame {
            term,
            generation: self.generation,
            base_unix_ms: now,
            skipped: feed.subscription.skipped(),
            ..Default::default()
        };
        self.state.services.tags.with_readings(|machine, readings| {
            for (_, path, _) in changed {
                let (Some(position), Some((device, _))) = (feed.positions.get(path.as_str()), machine.site().tag(&path)) else { continue };
                let sample = readings.sample(&path, device);
                feed.qualities[*position as usize] = quality_number(sample.quality);
                push(&mut frame, *position, &sample, now);
            }
            if feed.judged.elapsed() < JUDGE_EVERY {
                return;
            }
            feed.judged = Instant::now();
            for (path, device, _) in machine.site().tags().filter(|(_, _, tag)| tag.access.is_readable()) {
                let Some(position) = feed.positions.get(path.as_str()) else { continue };
                let sample = readings.sample(&path, device);
                let number = quality_number(sample.quality);
                if std::mem::replace(&mut feed.qualities[*position as usize], number) != number {
                    push(&mut frame, *position, &sample, now);
                }
            }
        });
        if !frame.ids.is_empty() {
            due.push(Kind::Frame(frame));
        }
    }

    fn add_commands(&mut self, due: &mut Vec<Kind>) {
        let changed = std::mem::take(&mut self.commands);
        self.state.services.cluster.read(|machine| {
            let records = changed.iter().filter_map(|id| machine.command(id));
            due.extend(records.map(|record| Kind::Command(wire::command(machine, record))));
        });
    }
}

/// Adds one sample to the columns.
fn push(frame: &mut v1::LiveFrame, position: u32, sample: &Sample, now_unix_ms: i64) {
    let number = match &sample.value {
        Some(Value::Bool(value)) => f64::from(u8::from(*value)),
        Some(Value::Text(text)) => {
            frame.texts.insert(position, text.clone());
            f64::NAN
        }
        Some(value) => value.as_f64().unwrap_or(f64::NAN),
        None => f64::NAN,
    };
    frame.ids.push(position);
    frame.values.push(number);
    frame.dt_ms.push(i32::try_from(sample.time.as_millis().saturating_sub(now_unix_ms)).unwrap_or(i32::MIN));
    frame.qualities.push(quality_number(sample.quality));
}

#[cfg(test)]
mod tests {
    use super::*;
    use labkeeper_model::{Quality, Timestamp};

    #[test]
    fn samples_become_columns() {
        let mut frame = v1::LiveFrame::default();
        let sample = |value| Sample { time: Timestamp::from_millis(900), value, quality: Quality::Good };
        push(&mut frame, 3, &sample(Some(Value::Bool(true))), 1_000);
        push(&mut frame, 5, &sample(Some(Value::Text("SN-7".into()))), 1_000);
        push(&mut frame, 6, &sample(None), 1_000);
        assert_eq!((frame.ids.as_slice(), frame.dt_ms.as_slice()), ([3, 5, 6].as_slice(), [-100, -100, -100].as_slice()));
        assert_eq!(frame.values[0], 1.0);
        assert!(frame.values[1].is_nan() && frame.values[2].is_nan());
        assert_eq!(frame.texts[&5], "SN-7");
    }
}
