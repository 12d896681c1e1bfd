//! What a child is given: who it is, when to stop, and how to tell its supervisor how it is doing.
//!
//! A context belongs to one incarnation. A copy that outlives it (in a task that the child left behind) can still be asked, but
//! what it reports is ignored: the incarnation after it speaks for itself.

use crate::cell::Cell;
use crate::group::Key;
use crate::status::MailboxStats;
use crate::system::System;
use crate::{now, tree::Event};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// What a child is given. Cheap to clone, and small to hold: ten thousand children have one each, and more copies of it.
#[derive(Clone)]
pub struct Context(Arc<Inner>);

/// What a context is made of.
pub(crate) struct Inner {
    pub(crate) system: System,
    pub(crate) cell: Arc<Cell>,
    pub(crate) key: Key,
    pub(crate) generation: u64,
    pub(crate) token: CancellationToken,
    pub(crate) events: mpsc::UnboundedSender<Event>,
}

impl Context {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    /// Ids from the root, joined by `/`: `node/segments/cryo/bus`.
    #[must_use]
    pub fn path(&self) -> String {
        self.0.cell.path()
    }

    /// Which incarnation this is, counted from one.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.0.generation
    }

    /// The tree that the child is in.
    #[must_use]
    pub fn system(&self) -> &System {
        &self.0.system
    }

    /// Waits until the child is asked to end.
    pub async fn cancelled(&self) {
        self.0.token.cancelled().await;
    }

    /// Cancelled when the child is asked to end, and when it has ended: whatever it started can hang on it.
    #[must_use]
    pub fn token(&self) -> &CancellationToken {
        &self.0.token
    }

    /// The child is running: those after it may be started. Call it as soon as the child can take messages, before any
    /// connection is made. Only the first call of an incarnation counts.
    pub fn ready(&self) {
        let Inner { cell, key, generation, events, .. } = &*self.0;
        if cell.set_ready(*generation) {
            // A supervisor that is gone takes the child with it.
            let _ = events.send(Event::Ready { key: *key, generation: *generation });
        }
    }

    /// The child is alive: to be called in every turn of its loop, more often than its `hang_after`. Costs two atomics
    /// and a reading of the clock.
    pub fn progress(&self) {
        self.0.cell.set_progress(self.0.generation, self.0.system.nanos(now()));
    }

    /// Shows how full the child's mailbox is. `gauge` is called by whoever looks at the tree, and kept until the
    /// incarnation has ended; it must not block, and must not keep the mailbox open (use a `WeakSender`).
    pub fn mailbox(&self, gauge: impl Fn() -> MailboxStats + Send + Sync + 'static) {
        self.0.cell.set_mailbox(self.0.generation, Arc::new(gauge));
    }
}
