//! The place where a child's status is written by its supervisor and read by everybody.
//!
//! Each child has a cell of its own, and a restart touches that cell alone, so nobody who reads the tree holds up a restart of more
//! than the one child that is being read, and that for the time of a copy. A supervisor's cell also has its [`Desk`].
//!
//! It decides nothing and knows no task.

use crate::command::Command;
use crate::exit::Exit;
use crate::group::Key;
use crate::intensity::RestartWindow;
use crate::spec::{ChildSpec, OnGiveUp, Role, SupervisorSpec};
use crate::status::{ChildStatus, Kind, MailboxStats, State};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

type Gauge = Arc<dyn Fn() -> MailboxStats + Send + Sync>;

/// One child's status. Atomics are for what changes at each step of a child, the lock for what changes in its life.
pub(crate) struct Cell {
    id: Arc<str>,
    parent: Option<Arc<Cell>>,
    /// What a supervisor has besides.
    desk: Option<Box<Desk>>,
    /// Counts its failures alone, and not with its siblings'.
    counts_alone: bool,
    generation: AtomicU64,
    /// The last generation that was ready.
    ready: AtomicU64,
    /// Nanoseconds since the system's start, plus one; zero for never.
    progress: AtomicU64,
    /// As `progress`: when its present step began; zero between steps.
    step: AtomicU64,
    board: Mutex<Board>,
}

struct Board {
    state: State,
    since: Instant,
    window: Option<Box<RestartWindow>>,
    last_exit: Option<Arc<Exit>>,
    mailbox: Option<Gauge>,
}

/// Where a running supervisor is found: its children and its queue of commands.
pub(crate) struct Desk {
    pub(crate) intensity: u32,
    pub(crate) period: Duration,
    /// In the order in which they are started.
    pub(crate) children: Mutex<BTreeMap<Key, Arc<Cell>>>,
    pub(crate) commands: Mutex<Option<mpsc::Sender<Command>>>,
    pub(crate) window: Mutex<RestartWindow>,
}

impl Desk {
    fn new(spec: &SupervisorSpec) -> Self {
        let (children, commands, window) = Default::default();
        Self { intensity: spec.intensity, period: spec.period, children, commands, window }
    }
}

impl Cell {
    /// The root of a tree.
    pub(crate) fn root(id: Arc<str>, spec: &SupervisorSpec, now: Instant) -> Self {
        Self::new(id, None, Some(Box::new(Desk::new(spec))), false, now)
    }

    /// A child under `parent`.
    pub(crate) fn child(spec: &ChildSpec, parent: &Arc<Self>, now: Instant) -> Self {
        let desk = match &spec.role {
            Role::Worker(_) => None,
            Role::Supervisor(below) => Some(Box::new(Desk::new(below))),
        };
        Self::new(Arc::clone(&spec.id), Some(Arc::clone(parent)), desk, spec.on_give_up == OnGiveUp::Quarantine, now)
    }

    fn new(id: Arc<str>, parent: Option<Arc<Self>>, desk: Option<Box<Desk>>, counts_alone: bool, now: Instant) -> Self {
        let board = Mutex::new(Board { state: State::Waiting, since: now, window: None, last_exit: None, mailbox: None });
        let (generation, ready, progress, step) = Default::default();
        Self { id, parent, desk, counts_alone, generation, ready, progress, step, board }
    }

    pub(crate) fn id(&self) -> &Arc<str> {
        &self.id
    }

    pub(crate) fn desk(&self) -> Option<&Desk> {
        self.desk.as_deref()
    }

    pub(crate) fn counts_alone(&self) -> bool {
        self.counts_alone
    }

    /// Ids from the root, joined by `/`.
    pub(crate) fn path(&self) -> String {
        match &self.parent {
            None => self.id.to_string(),
            Some(parent) => format!("{}/{}", parent.path(), self.id),
        }
    }

    /// The supervisor's word on where the child is.
    pub(crate) fn show(&self, state: State, now: Instant) {
        let mut board = self.board.lock();
        if board.state != state {
            board.state = state;
            board.since = now;
        }
    }

    /// An incarnation begins. What the one before left behind is none of its own.
    pub(crate) fn begin(&self, generation: u64, now: Instant) {
        self.board.lock().since = now;
        self.progress.store(0, Relaxed);
        self.step.store(0, Relaxed);
        self.generation.store(generation, Relaxed);
    }

    /// An incarnation has ended.
    pub(crate) fn ended(&self, exit: Exit) {
        let mut board = self.board.lock();
        let gauge = board.mailbox.take();
        board.last_exit = Some(Arc::new(exit));
        drop(board);
        // May hold the last handle of something, and so run code of the child's: not under the lock.
        drop(gauge);
        self.step.store(0, Relaxed);
    }

    pub(crate) fn set_window(&self, window: RestartWindow) {
        self.board.lock().window = Some(Box::new(window));
    }

    /// Whether `generation` says for the first time that it is ready.
    pub(crate) fn set_ready(&self, generation: u64) -> bool {
        self.ready.fetch_max(generation, Relaxed) < generation
    }

    /// Registers a gauge; a stale incarnation's is ignored.
    pub(crate) fn set_mailbox(&self, generation: u64, gauge: Gauge) {
        let mut board = self.board.lock();
        let before = if self.generation.load(Relaxed) == generation { board.mailbox.replace(gauge) } else { Some(gauge) };
        drop(board);
        drop(before);
    }

    /// Progress at `at`, in nanoseconds since the system's start; a stale incarnation's is ignored.
    pub(crate) fn set_progress(&self, generation: u64, at: u64) {
        if self.generation.load(Relaxed) == generation {
            self.progress.store(at.saturating_add(1), Relaxed);
        }
    }

    /// A step begins, at `at`, or the last one has ended.
    pub(crate) fn set_step(&self, at: Option<u64>) {
        self.step.store(at.map_or(0, |at| at.saturating_add(1)), Relaxed);
    }

    /// Last progress of this incarnation, in nanoseconds since the system's start.
    pub(crate) fn progress(&self) -> Option<u64> {
        self.progress.load(Relaxed).checked_sub(1)
    }

    /// The row of the tree. `epoch` is the system's start.
    pub(crate) fn status(&self, path: String, epoch: Instant, now: Instant) -> ChildStatus {
        let instant = |at: u64| epoch + Duration::from_nanos(at);
        let (restarts_in_window, intensity) = self.restarts_in_window(now);
        let board = self.board.lock();
        let (state, since, last_exit, gauge) = (board.state.clone(), board.since, board.last_exit.clone(), board.mailbox.clone());
        drop(board);
        ChildStatus {
            path,
            kind: if self.desk.is_some() { Kind::Supervisor } else { Kind::Worker },
            state,
            since,
            restarts: self.generation.load(Relaxed).saturating_sub(1),
            restarts_in_window,
            intensity,
            last_exit,
            // Code of the child's: not under the lock.
            mailbox: gauge.map(|gauge| gauge()),
            busy_since: self.step.load(Relaxed).checked_sub(1).map(instant),
            progress_at: self.progress().map(instant),
        }
    }

    fn restarts_in_window(&self, now: Instant) -> (usize, u32) {
        let Some(desk) = self.parent.as_ref().map_or(self.desk(), |parent| parent.desk()) else { return (0, 0) };
        let count = if self.counts_alone {
            self.board.lock().window.as_ref().map_or(0, |window| window.count(now, desk.period))
        } else {
            desk.window.lock().count(now, desk.period)
        };
        (count, desk.intensity)
    }
}
