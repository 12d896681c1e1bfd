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

/// What a child is given.
#[derive(Clone)]
pub struct Context {
    pub(crate) system: System,
    pub(crate) cell: Arc<Cell>,
    pub(crate) key: Key,
    pub(crate) generation: u64,
    pub(crate) token: CancellationToken,
    pub(crate) events: mpsc::UnboundedSender<Event>,
}

impl Context {
    /// Ids from the root, joined by `/`: `node/segments/cryo/bus`.
    #[must_use]
    pub fn path(&self) -> String {
        self.cell.path()
    }

    /// Which incarnation this is, counted from one.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// The tree that the child is in.
    #[must_use]
    pub const fn system(&self) -> &System {
        &self.system
    }

    /// Waits until the child is asked to end.
    pub async fn cancelled(&self) {
        self.token.cancelled().await;
    }

    /// Cancelled when the child is asked to end, and when it has ended: whatever it started can hang on it.
    #[must_use]
    pub const fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// The child is running: those after it may be started. Call it as soon as the child can take messages, before any
    /// connection is made. Only the first call of an incarnation counts.
    pub fn ready(&self) {
        if self.cell.set_ready(self.generation) {
            // A supervisor that is gone takes the child with it.
            let _ = self.events.send(Event::Ready { key: self.key, generation: self.generation });
        }
    }

    /// The child is alive: to be called in every turn of its loop, more often than its `hang_after`. Costs two atomics
    /// and a reading of the clock.
    pub fn progress(&self) {
        self.cell.set_progress(self.generation, self.system.nanos(now()));
    }

    /// Shows how full the child's mailbox is. `gauge` is called by whoever looks at the tree, and kept until the
    /// incarnation has ended; it must not block, and must not keep the mailbox open (use a `WeakSender`).
    pub fn mailbox(&self, gauge: impl Fn() -> MailboxStats + Send + Sync + 'static) {
        self.cell.set_mailbox(self.generation, Arc::new(gauge));
    }
}
