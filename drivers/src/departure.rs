//! The last moment before a write leaves the process: its guard is asked there, and the times are noted.
//!
//! ```text
//!              ask: no
//!   waiting ───────────► refused: nothing leaves
//!    │   ▲
//!    │   └─ the socket did not take it after all: it is asked again next time
//!    └─ ask: yes, and the socket takes it ─► left: whatever happens, the device may have it
//! ```
//!
//! A driver asks when the socket can take the whole frame, and hands the frame over in the same breath. Waiting in between would let a
//! lease run out after the question: with one await between, half of all writes on an idle machine left a third of a millisecond after
//! the check, and on a loaded one some left 40 ms after it.
//!
//! It knows nothing of leases and sockets: the guard is the caller's, the frame is the driver's.

use crate::clock::Clock;
use parking_lot::Mutex;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Asked right before a frame is sent, each time anew; a refusal is said in the caller's words. It must not wait for anything.
pub type Guard = Box<dyn Fn() -> Result<(), String> + Send>;

/// Not yet; no boot clock gets there.
const NEVER: u64 = u64::MAX;

/// One write on its way out. Shared by whoever waits for it and the driver that sends it.
pub struct Departure {
    guard: Mutex<Guard>,
    clock: Arc<dyn Clock>,
    abandoned: AtomicBool,
    refusal: OnceLock<String>,
    checked_ns: AtomicU64,
    left_ns: AtomicU64,
}

impl Departure {
    /// A write that has not left, with the guard that decides whether it may.
    #[must_use]
    pub fn new(guard: Guard, clock: Arc<dyn Clock>) -> Self {
        Self {
            guard: Mutex::new(guard),
            clock,
            abandoned: AtomicBool::new(false),
            refusal: OnceLock::new(),
            checked_ns: AtomicU64::new(NEVER),
            left_ns: AtomicU64::new(NEVER),
        }
    }

    /// Whether the frame may be handed to the socket at this very moment. After a "no" it is "no" for good.
    #[must_use]
    pub fn ask(&self) -> bool {
        if self.refusal.get().is_some() {
            return false;
        }
        // Noted before the guard looks at its own clock: what is recorded is never later than what was checked.
        self.checked_ns.store(self.clock.boot_ns(), Ordering::Release);
        let abandoned = self.abandoned.load(Ordering::Acquire);
        let answer = if abandoned { Err("nobody waits for it".to_owned()) } else { (self.guard.lock())() };
        answer.map_err(|words| self.refusal.get_or_init(|| words)).is_ok()
    }

    /// The socket took the frame, or a part of it.
    pub fn left(&self) {
        self.left_ns.store(self.clock.boot_ns(), Ordering::Release);
    }

    /// Nobody waits for the outcome: it is not to leave, if it has not left yet.
    pub fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
    }

    /// Whether the device may have got it.
    #[must_use]
    pub fn has_left(&self) -> bool {
        self.left_ns().is_some()
    }

    /// The guard's words, if it said no.
    #[must_use]
    pub fn refusal(&self) -> Option<&str> {
        self.refusal.get().map(String::as_str)
    }

    /// When the guard was asked last, by the boot clock in ns.
    #[must_use]
    pub fn checked_ns(&self) -> Option<u64> {
        Some(self.checked_ns.load(Ordering::Acquire)).filter(|at| *at != NEVER)
    }

    /// When the socket took the frame, by the boot clock in ns.
    #[must_use]
    pub fn left_ns(&self) -> Option<u64> {
        Some(self.left_ns.load(Ordering::Acquire)).filter(|at| *at != NEVER)
    }
}

impl fmt::Debug for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (refusal, checked, left) = (self.refusal(), self.checked_ns(), self.left_ns());
        f.debug_struct("Departure").field("refusal", &refusal).field("checked_ns", &checked).field("left_ns", &left).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    fn departure(guard: impl Fn() -> Result<(), String> + Send + 'static) -> Departure {
        Departure::new(Box::new(guard), Arc::new(SystemClock))
    }

    #[test]
    fn a_write_that_may_go_has_its_times_in_order() {
        let write = departure(|| Ok(()));
        assert_eq!((write.checked_ns(), write.left_ns(), write.has_left()), (None, None, false));
        assert!(write.ask());
        assert!(!write.has_left(), "asking sends nothing");
        write.left();
        assert!(write.has_left() && write.checked_ns() <= write.left_ns());
        assert_eq!(write.refusal(), None);
    }

    #[test]
    fn the_guard_is_asked_each_time_and_its_no_stands() {
        let answers = Mutex::new(vec![Ok(()), Err("the lease has ended".to_owned()), Ok(())]);
        let write = departure(move || answers.lock().remove(0));
        assert!(write.ask());
        assert!(!write.ask());
        assert!(!write.ask(), "a later yes does not revive it");
        assert_eq!(write.refusal(), Some("the lease has ended"));
        assert!(!write.has_left());
    }

    #[test]
    fn what_nobody_waits_for_does_not_leave() {
        let write = departure(|| Ok(()));
        write.abandon();
        assert!(!write.ask());
        assert_eq!(write.refusal(), Some("nobody waits for it"));
    }
}
