//! What the write path looks at: under which session this node may drive devices, and until when on its boot clock.
//!
//! One task writes it (the session's), everybody else reads it: guards right before a frame is sent, and the keeper, which runs buses
//! for as long as there is a session and cuts them when it is gone.
//!
//! ```text
//!   session.rs --- set ---> Tenure --- may_write? ---> guards of writes
//!                             |  ^
//!                     session |  | driving: under which session buses run
//!                             v  |
//!                            keeper.rs
//! ```
//!
//! Knows nothing of consensus, segments and devices.

use crate::clock;
use labkeeper_model::SessionId;
use labkeeper_ownership::Moment;
use labkeeper_ownership::lease::Lease;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The right to drive, shared. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tenure {
    held: Arc<Mutex<Option<Held>>>,
    session: Arc<watch::Sender<Option<SessionId>>>,
    driving: Arc<watch::Sender<Option<SessionId>>>,
    last_call: Arc<watch::Sender<u64>>,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    session: SessionId,
    write_until: Moment,
    valid_until: Moment,
}

impl Default for Tenure {
    fn default() -> Self {
        Self {
            held: Arc::default(),
            session: Arc::new(watch::channel(None).0),
            driving: Arc::new(watch::channel(None).0),
            last_call: Arc::new(watch::channel(0).0),
        }
    }
}

impl Tenure {
    /// Whether a write may begin at this very moment under that session. To be asked right before sending, with nothing awaited in
    /// between.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn may_write(&self, session: SessionId) -> Result<(), String> {
        let held = *self.held.lock();
        match held {
            None => Err("this node's lease has ended".into()),
            Some(held) if held.session != session => Err("this node's session is another one".into()),
            Some(held) if clock::boot() >= held.write_until => Err("this node's lease is about to end, and is not renewed".into()),
            Some(_) => Ok(()),
        }
    }

    /// How long the rights last without a renewal; `None` without a session.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        let held = *self.held.lock();
        held.map(|held| held.valid_until.saturating_since(clock::boot()))
    }

    /// The session that is held, as it changes.
    #[must_use]
    pub fn session(&self) -> watch::Receiver<Option<SessionId>> {
        self.session.subscribe()
    }

    /// Counts how often the lease was about to run out: what has a safe value is driven there while that is allowed.
    #[must_use]
    pub fn last_calls(&self) -> watch::Receiver<u64> {
        self.last_call.subscribe()
    }

    /// Takes over what the lease says.
    pub(super) fn set(&self, lease: &Lease) {
        let held = match (lease.session(), lease.write_until(), lease.valid_until()) {
            (Some(session), Some(write_until), Some(valid_until)) => Some(Held { session, write_until, valid_until }),
            _ => None,
        };
        *self.held.lock() = held;
        let session = held.map(|held| held.session);
        self.session.send_if_modified(|before| std::mem::replace(before, session) != session);
    }

    /// Says that the lease is about to run out.
    pub(super) fn call_last(&self) {
        self.last_call.send_modify(|calls| *calls = calls.saturating_add(1));
    }

    /// Says under which session buses run; `None` when no connection to a device is open.
    pub(super) fn drive_under(&self, session: Option<SessionId>) {
        self.driving.send_if_modified(|before| std::mem::replace(before, session) != session);
    }

    /// Waits until no connection to a device is open.
    pub(super) async fn idle(&self) {
        let mut driving = self.driving.subscribe();
        // The sender lives as long as this handle.
        let _ = driving.wait_for(Option::is_none).await;
    }
}
