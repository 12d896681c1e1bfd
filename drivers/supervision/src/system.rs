//! A whole tree: made, run, looked at, and changed by path.
//!
//! There is no lock over the tree. Reading it copies each supervisor's list of children, and then one status after the other, so a
//! reading is true of each child, but not of all at one instant.

use crate::cell::Cell;
use crate::check::SpecError;
use crate::children::Children;
use crate::command::{Command, CommandError};
use crate::exit::{Exit, GaveUp, Reason};
use crate::spec::SupervisorSpec;
use crate::status::{ChildStatus, State};
use crate::{now, panic, tree};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// A tree, for those who look at it and change it. Cheap to clone; the tree runs without handles, and ends without asking them.
#[derive(Clone)]
pub struct System(Arc<Shared>);

struct Shared {
    root: Arc<Cell>,
    epoch: Instant,
    changes: watch::Sender<u64>,
}

/// The top supervisor, to be run once.
#[must_use = "nothing is started before it runs"]
pub struct Root {
    system: System,
    spec: SupervisorSpec,
}

impl Root {
    /// Runs the tree until `stop` is cancelled and everything has ended in reverse order. Dropping the future aborts everything.
    ///
    /// # Errors
    /// [`GaveUp`] when a fault could not be cured at any level. The process should end then, so that whoever started it starts
    /// it afresh.
    pub async fn run(self, stop: CancellationToken) -> Result<(), GaveUp> {
        let Self { system, spec } = self;
        let root = Arc::clone(&system.0.root);
        root.begin(1, now());
        root.show(State::Starting, now());
        let _stopped = Stopped { system: system.clone() };
        let shown = system.clone();
        let ready = move || {
            root.show(State::Running, now());
            shown.changed();
        };
        let outcome = tree::supervise(Arc::new(spec), Arc::clone(&system.0.root), system.clone(), stop, ready).await;
        let reason = outcome.as_ref().map_or_else(|gave_up| Reason::failed(gave_up), |()| Reason::Stopped);
        system.0.root.ended(Exit { at: now(), generation: 1, reason });
        outcome
    }
}

/// Says that the root is down, however it came to that.
struct Stopped {
    system: System,
}

impl Drop for Stopped {
    fn drop(&mut self) {
        self.system.0.root.show(State::Stopped, now());
        self.system.changed();
    }
}

impl System {
    /// A tree whose root has this name. Nothing is started before the [`Root`] runs. Installs a panic hook, once per
    /// process, that keeps message, place and backtrace of panics of children and hands all others on.
    ///
    /// # Errors
    /// [`SpecError`] when the specification contradicts itself.
    pub fn new(name: impl Into<Arc<str>>, spec: SupervisorSpec) -> Result<(Self, Root), SpecError> {
        spec.check()?;
        panic::install_hook();
        let root = Arc::new(Cell::root(name.into(), &spec, now()));
        let system = Self(Arc::new(Shared { root, epoch: now(), changes: watch::Sender::new(0) }));
        Ok((system.clone(), Root { system, spec }))
    }

    /// Every child, each supervisor right before its children, and these in the order in which they are started.
    #[must_use]
    pub fn tree(&self) -> Vec<ChildStatus> {
        let mut rows = Vec::new();
        self.walk(&self.0.root, self.0.root.id().to_string(), &mut rows);
        rows
    }

    /// One child, by its path.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<ChildStatus> {
        self.cell(path).map(|cell| cell.status(path.to_owned(), self.0.epoch, now()))
    }

    /// Changes whenever the tree has changed; a hint to look again. A reader that is slow misses values, not changes.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// A handle on the supervisor at `path`, whether it runs or not.
    #[must_use]
    pub fn children(&self, path: &str) -> Children {
        Children::new(self.clone(), path)
    }

    /// [`Children::restart_child`], by the child's path.
    ///
    /// # Errors
    /// As there.
    pub async fn restart(&self, path: &str) -> Result<(), CommandError> {
        let (children, id) = self.split(path)?;
        children.restart_child(id).await
    }

    /// [`Children::quarantine_child`], by the child's path.
    ///
    /// # Errors
    /// As there.
    pub async fn quarantine(&self, path: &str, reason: &str) -> Result<(), CommandError> {
        let (children, id) = self.split(path)?;
        children.quarantine_child(id, reason).await
    }

    /// [`Children::release_child`], by the child's path.
    ///
    /// # Errors
    /// As there.
    pub async fn release(&self, path: &str) -> Result<(), CommandError> {
        let (children, id) = self.split(path)?;
        children.release_child(id).await
    }

    /// The root has no supervisor, so it is nobody's child.
    fn split<'a>(&self, path: &'a str) -> Result<(Children, &'a str), CommandError> {
        let (parent, id) = path.rsplit_once('/').ok_or_else(|| CommandError::NoSuchChild(path.to_owned()))?;
        Ok((self.children(parent), id))
    }

    /// Where to ask the supervisor at `path`, if it runs.
    pub(crate) fn commands(&self, path: &str) -> Option<mpsc::Sender<Command>> {
        self.cell(path)?.desk()?.commands.lock().clone()
    }

    pub(crate) fn changed(&self) {
        self.0.changes.send_modify(|version| *version += 1);
    }

    /// Nanoseconds since the tree was made; enough for 584 years.
    pub(crate) fn nanos(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.0.epoch).as_nanos()).unwrap_or(u64::MAX)
    }

    pub(crate) fn epoch(&self) -> Instant {
        self.0.epoch
    }

    fn cell(&self, path: &str) -> Option<Arc<Cell>> {
        let mut ids = path.split('/');
        let root = Some(&self.0.root).filter(|root| ids.next() == Some(&**root.id())).map(Arc::clone)?;
        ids.try_fold(root, |cell, id| cell.desk()?.children.lock().values().find(|child| &**child.id() == id).map(Arc::clone))
    }

    fn walk(&self, cell: &Arc<Cell>, path: String, rows: &mut Vec<ChildStatus>) {
        let children: Vec<_> = cell.desk().map(|desk| desk.children.lock().values().cloned().collect()).unwrap_or_default();
        let below: Vec<_> = children.iter().map(|child| (child, format!("{path}/{}", child.id()))).collect();
        rows.push(cell.status(path, self.0.epoch, now()));
        below.into_iter().for_each(|(child, path)| self.walk(child, path, rows));
    }
}
