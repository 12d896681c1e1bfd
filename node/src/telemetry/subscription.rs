//! One watcher's view: at most one pending entry per tag, the latest, and a count of what it missed.
//!
//! Like a letter box that holds one postcard per sender: a newer card replaces the older one, and the postman never
//! waits. So its memory is bounded by the number of tags, whatever the watcher does.

use super::filter::Filter;
use labkeeper_model::{NodeId, TagPath};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// A watcher's pending changes; shared between the table that publishes and the task that reads.
#[derive(Debug)]
pub struct Subscription {
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Debug)]
struct State {
    filter: Filter,
    /// Tag ids with a change that was not taken yet, oldest first.
    queue: Vec<u32>,
    /// By tag id: whether it is in `queue`.
    queued: Vec<bool>,
    skipped: u64,
}

impl Subscription {
    /// A watcher of what the filter chooses.
    #[must_use]
    pub fn new(filter: Filter) -> Self {
        Self { state: Mutex::new(State { filter, queue: vec![], queued: vec![], skipped: 0 }), wake: Notify::new() }
    }

    /// Marks a tag as changed; costs a lock and, for a tag that is pending already, a counter.
    pub(super) fn mark(&self, id: u32, path: &TagPath, origin: NodeId) {
        let mut state = self.state.lock();
        if !state.filter.wants(id, path, origin) {
            return;
        }
        let index = id as usize;
        if state.queued.len() <= index {
            state.queued.resize(index + 1, false);
        }
        if state.queued[index] {
            state.skipped += 1;
            return;
        }
        state.queued[index] = true;
        state.queue.push(id);
        if state.queue.len() == 1 {
            self.wake.notify_one();
        }
    }

    /// Waits until something is pending. Cancel safe.
    pub async fn changed(&self) {
        loop {
            if !self.state.lock().queue.is_empty() {
                return;
            }
            self.wake.notified().await;
        }
    }

    /// Takes the ids of all pending tags, oldest change first.
    #[must_use]
    pub fn take(&self) -> Vec<u32> {
        let mut state = self.state.lock();
        let taken = std::mem::take(&mut state.queue);
        for id in &taken {
            state.queued[*id as usize] = false;
        }
        taken
    }

    /// Samples that were replaced by newer ones before this watcher took them, since it began.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.state.lock().skipped
    }
}
