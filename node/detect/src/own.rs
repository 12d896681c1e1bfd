//! What a node finds about itself: its wall clock is apart from the site's time, its disk is nearly full.

use crate::inputs::Now;
use crate::trigger::Trigger;
use labkeeper_model::{Moment, Timestamp};
use std::collections::VecDeque;
use std::time::Duration;

/// From how far apart on a clock is told of: what people compare from two nodes' displays, and a third of the shortest deadline that a
/// command sensibly has. Leases do not care: they are measured by the boot clock.
pub const CLOCK_APART_S: f64 = 1.0;
/// It is well again below half of that: clocks are slewed by half a millisecond a second, so it does not come and go.
const CLOCK_DEADBAND_S: f64 = 0.5;
/// How long a clock is compared before anything is said: the site's time comes with its entries, later than it was stamped by a commit, and
/// in ten seconds some are quick even on a busy disk.
const COMPARE_FOR: Duration = Duration::from_secs(10);
/// From which share of a disk in use on it is told of. Of 20 GB that leaves 1 GB, which the log of a busy site fills in days.
pub const DISK_USED: f64 = 0.95;
/// It is well again 2 % below.
const DISK_DEADBAND: f64 = 0.02;

/// Compares a node's wall clock with the site's time.
#[derive(Debug)]
pub struct ClockWatch {
    /// Differences of the last [`COMPARE_FOR`], in seconds; at most one a second is taken, so there are eleven.
    seen: VecDeque<(Moment, f64)>,
    since: Option<Moment>,
    trigger: Trigger,
}

impl ClockWatch {
    /// A watch that goes on from what was said last.
    #[must_use]
    pub const fn new(is_apart: bool) -> Self {
        let trigger = Trigger::at(CLOCK_APART_S, CLOCK_DEADBAND_S).set(is_apart);
        Self { seen: VecDeque::new(), since: None, trigger }
    }

    /// Takes the site's time of an entry that has just been applied; whether the clock is apart, and by how many seconds it is ahead.
    /// `None` until it has been compared for long enough.
    pub fn handle(&mut self, now: Now, site_time: Timestamp) -> Option<(bool, f64)> {
        let ahead = if now.time >= site_time {
            now.time.saturating_since(site_time).as_secs_f64()
        } else {
            -site_time.saturating_since(now.time).as_secs_f64()
        };
        self.seen.retain(|(at, _)| now.moment.saturating_since(*at) <= COMPARE_FOR);
        if self.seen.back().is_none_or(|(at, _)| now.moment.saturating_since(*at) >= Duration::from_secs(1)) {
            self.seen.push_back((now.moment, ahead));
        }
        let since = *self.since.get_or_insert(now.moment);
        (now.moment.saturating_since(since) >= COMPARE_FOR).then_some(())?;
        // Apart by at least as much as every entry says.
        let least = self.seen.iter().map(|(_, ahead)| *ahead).fold(f64::INFINITY, f64::min);
        let most = self.seen.iter().map(|(_, ahead)| *ahead).fold(f64::NEG_INFINITY, f64::max);
        let ahead = if least > 0.0 { least } else { most.min(0.0) };
        Some((self.trigger.feed(ahead.abs()), ahead))
    }
}

/// Watches how full a node's disk is.
#[derive(Debug)]
pub struct DiskWatch(Trigger);

impl DiskWatch {
    /// A watch that goes on from what was said last.
    #[must_use]
    pub const fn new(is_full: bool) -> Self {
        Self(Trigger::at(DISK_USED, DISK_DEADBAND).set(is_full))
    }

    /// Takes which share of the disk is in use, from 0 to 1; whether that is too much.
    pub fn handle(&mut self, used: f64) -> bool {
        self.0.feed(used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdicts of a watch of a clock that is ahead by so many seconds, for entries that are so many seconds late.
    fn watched(ahead_s: f64, late_s: &[f64]) -> Vec<Option<bool>> {
        let mut watch = ClockWatch::new(false);
        let verdict = |(second, late): (u64, &f64)| {
            let nanos = |s: f64| Duration::from_secs_f64(s).as_nanos() as i64;
            let truth = 1_000_000_000_000 + i64::try_from(second).expect("small") * 1_000_000_000;
            let time = Timestamp(if ahead_s < 0.0 { truth - nanos(-ahead_s) } else { truth + nanos(ahead_s) });
            watch.handle(Now { time, moment: Moment(second * 1_000_000_000) }, Timestamp(truth - nanos(*late))).map(|(apart, _)| apart)
        };
        (0..).zip(late_s).map(verdict).collect()
    }

    #[test]
    fn a_clock_is_apart_if_every_entry_says_so() {
        assert_eq!(watched(1.2, &[0.1; 11])[10], Some(true));
        assert_eq!(watched(-1.2, &[0.1; 11])[10], Some(true));
        assert_eq!(watched(0.7, &[0.1; 11])[10], Some(false));
        assert!(watched(5.0, &[0.1; 10]).iter().all(Option::is_none), "not compared for long enough");
    }

    #[test]
    fn slow_commits_are_no_clock_that_is_ahead() {
        let mut late = [4.0; 11];
        late[3] = 0.2;
        assert_eq!(watched(0.0, &late)[10], Some(false));
        assert_eq!(watched(0.0, &[4.0; 11])[10], Some(true), "ten seconds of it cannot be told from a clock");
    }

    #[test]
    fn a_full_disk_is_told_of_until_there_is_room() {
        let mut disk = DiskWatch::new(false);
        let said: Vec<bool> = [0.94, 0.95, 0.94, 0.925, 0.94].into_iter().map(|used| disk.handle(used)).collect();
        assert_eq!(said, [false, true, true, false, false]);
    }
}
