//! How long nothing came that a condition could be judged by.
//!
//! ```text
//!   starting ---- usable ----> fresh <---- usable ----- bad
//!      |                         |                       ^
//!      +-- START_PATIENCE -------+------- patience ------+
//! ```
//!
//! One lost answer is no news: a condition stays what it was, silently, until nothing usable has come for as long as makes a value stale. From a
//! device that was silent before the watch began, no more than that is waited for either: no takeover explains its silence.

use labkeeper_model::Moment;
use std::time::Duration;

/// How long a new owner waits for a first usable reading before it says that there is none: five times what a takeover takes (about two
/// seconds), and three failed tries of a device with its back-offs (3.6 s) are within it.
pub const START_PATIENCE: Duration = Duration::from_secs(10);

/// How long nothing usable may come from a tag that is polled so often: three missed polls, but at least two seconds; as long as a value takes to
/// be shown as stale.
#[must_use]
pub fn patience(poll: Duration) -> Duration {
    poll.saturating_mul(3).max(Duration::from_secs(2))
}

/// What is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness<'a> {
    /// Nothing usable has come yet, and it is too early to complain.
    Starting,
    /// Something usable came lately.
    Fresh,
    /// Nothing usable came, for this reason.
    Bad(&'a str),
}

/// Watches one source of judgements.
#[derive(Clone, Debug)]
pub(crate) struct Watcher {
    patience: Duration,
    /// The same before anything has come.
    start_patience: Duration,
    /// When something usable came last; before that, when the watch began.
    since: Moment,
    has_seen: bool,
    cause: Option<String>,
}

impl Watcher {
    /// A watch that begins.
    pub(crate) fn new(patience: Duration, now: Moment) -> Self {
        Self { patience, start_patience: patience.max(START_PATIENCE), since: now, has_seen: false, cause: None }
    }

    /// What is watched was silent before this watch began.
    pub(crate) const fn expect_silence(&mut self) {
        self.start_patience = self.patience;
    }

    /// Something usable came.
    pub(crate) fn seen(&mut self, now: Moment) {
        (self.since, self.has_seen, self.cause) = (now, true, None);
    }

    /// Something came that is of no use.
    pub(crate) fn missed(&mut self, cause: &str) {
        if self.cause.as_deref() != Some(cause) {
            self.cause = Some(cause.to_owned());
        }
    }

    /// How long nothing usable has come.
    pub(crate) const fn silence(&self, now: Moment) -> Duration {
        now.saturating_since(self.since)
    }

    /// What is known.
    pub(crate) fn state(&self, now: Moment) -> Freshness<'_> {
        let silence = self.silence(now);
        if self.has_seen && silence <= self.patience {
            Freshness::Fresh
        } else if !self.has_seen && silence <= self.start_patience {
            Freshness::Starting
        } else {
            Freshness::Bad(self.cause.as_deref().unwrap_or("it is not read"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(2);

    fn at(ms: u64) -> Moment {
        Moment(ms * 1_000_000)
    }

    #[test]
    fn one_lost_answer_is_no_news() {
        let mut watcher = Watcher::new(PATIENCE, at(0));
        watcher.seen(at(100));
        watcher.missed("bad:timeout");
        assert_eq!(watcher.state(at(2_100)), Freshness::Fresh);
        assert_eq!(watcher.state(at(2_101)), Freshness::Bad("bad:timeout"));
        watcher.seen(at(3_000));
        assert_eq!(watcher.state(at(3_000)), Freshness::Fresh);
        assert_eq!(watcher.state(at(9_000)), Freshness::Bad("it is not read"), "the earlier cause is over");
    }

    #[test]
    fn a_new_owner_is_given_the_time_of_a_takeover() {
        let mut watcher = Watcher::new(PATIENCE, at(0));
        watcher.missed("bad:comm_failure");
        assert_eq!(watcher.state(at(10_000)), Freshness::Starting);
        assert_eq!(watcher.state(at(10_001)), Freshness::Bad("bad:comm_failure"));
    }

    #[test]
    fn what_was_silent_before_is_given_the_usual_time() {
        let mut watcher = Watcher::new(PATIENCE, at(0));
        watcher.expect_silence();
        assert_eq!(watcher.state(at(2_000)), Freshness::Starting);
        assert_eq!(watcher.state(at(2_001)), Freshness::Bad("it is not read"));
    }

    #[test]
    fn a_slow_poll_is_given_three() {
        assert_eq!(patience(Duration::from_millis(100)), PATIENCE);
        assert_eq!(patience(Duration::from_secs(60)), Duration::from_secs(180));
    }
}
