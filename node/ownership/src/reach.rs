//! Whether another node should try a segment: how many of its devices the owner reaches, and what a node finds that was asked to probe.
//!
//! ```text
//!  owner:   well ----------> poor ------------------> told, again every TELL_AGAIN
//!            ^                 |                         |
//!            +-- half or more -+-------- told once ------+     a segment that recovers says so
//!
//!  probing: asked -> one try for each device -> all answered or PROBE_TIMEOUT -> told; asked still: again after PROBE_EVERY
//! ```
//!
//! Within reach is what can be connected to, for an owner as for a probe: a device that accepts connections and answers nobody is nowhere better
//! off. Poor is less than half. The machine decides whether the segment moves: only to a node that reaches clearly more, and not back and
//! forth. Here is only who says what, when.

use crate::Moment;
use labkeeper_model::Name;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long an owner's reach must be poor before it says so: longer than a switch takes to restart a port (1 to 2 s), and about as long as
/// a takeover takes, so that a shorter trouble is over before a move would be.
pub const REACH_TIMEOUT: Duration = Duration::from_secs(3);
/// How often an owner repeats that its reach is poor: as often as the shortest rest of a segment that has moved, so that the machine
/// looks again when it may move it again.
pub const TELL_AGAIN: Duration = Duration::from_secs(10);
/// How long a probe waits for its devices: four of the default time-outs of one answer would be 4 s; a device that takes longer than one to
/// accept a connection is not clearly better reached.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
/// How often a segment is probed while that is wanted: each probe is a connection to every device, and some devices have few.
pub const PROBE_EVERY: Duration = Duration::from_secs(5);

/// How many devices of a segment are within reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// So many.
    pub reached: u32,
    /// Of so many.
    pub of: u32,
}

impl Share {
    /// Whether it is less than half. Nothing of nothing is not poor.
    #[must_use]
    pub fn is_poor(self) -> bool {
        u64::from(self.reached) * 2 < u64::from(self.of)
    }
}

/// The owner's watch over one segment.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    share: Option<Share>,
    /// When to say that it is poor.
    tell_at: Option<Moment>,
    /// Whether the machine was told that it is poor.
    has_told: bool,
}

impl Reach {
    /// A watch that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes how many devices are within reach at present.
    pub fn handle_share(&mut self, share: Share, now: Moment) {
        self.share = Some(share);
        if share.is_poor() {
            self.tell_at.get_or_insert_with(|| now.saturating_add(REACH_TIMEOUT));
        } else {
            self.tell_at = self.has_told.then_some(now);
        }
    }

    /// When [`Reach::handle_timeout`] has something to say, and what.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Moment, &'static str)> {
        let what = if self.share.is_some_and(Share::is_poor) { "the segment is poorly reached" } else { "the segment is reached again" };
        self.tell_at.map(|at| (at, what))
    }

    /// What to report, if it is time to.
    #[must_use]
    pub fn handle_timeout(&mut self, now: Moment) -> Option<Share> {
        self.tell_at.filter(|at| now >= *at)?;
        let share = self.share?;
        self.has_told = share.is_poor();
        self.tell_at = share.is_poor().then(|| now.saturating_add(TELL_AGAIN));
        Some(share)
    }
}

/// One probe of a segment that another node owns.
#[derive(Clone, Debug)]
pub struct Probe {
    waiting: BTreeSet<Name>,
    share: Share,
    until: Moment,
}

impl Probe {
    /// A probe of these devices. The shell tries to connect to each, and sends nothing.
    #[must_use]
    pub fn new(devices: BTreeSet<Name>, now: Moment) -> Self {
        // A site has at most 100,000 tags, so no more devices than that.
        let of = u32::try_from(devices.len()).unwrap_or(u32::MAX);
        Self { waiting: devices, share: Share { reached: 0, of }, until: now.saturating_add(PROBE_TIMEOUT) }
    }

    /// Takes what a try came to.
    pub fn handle_device(&mut self, device: &Name, is_reached: bool) {
        if self.waiting.remove(device) {
            self.share.reached += u32::from(is_reached);
        }
    }

    /// When [`Probe::handle_timeout`] ends it.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Moment, &'static str)> {
        Some((if self.waiting.is_empty() { Moment::default() } else { self.until }, "the probe is over"))
    }

    /// The probe's result, if it is over.
    #[must_use]
    pub fn handle_timeout(&self, now: Moment) -> Option<Share> {
        (self.waiting.is_empty() || now >= self.until).then_some(self.share)
    }
}

/// Which segments to probe, and when.
#[derive(Clone, Debug, Default)]
pub struct Probes {
    /// Those that are wanted, with the time of the next probe: at most as many as the site has segments.
    next: BTreeMap<String, Moment>,
}

impl Probes {
    /// With nothing to probe.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes which segments the machine wants this node to probe. What is newly wanted is due at once.
    pub fn handle_wanted(&mut self, wanted: impl IntoIterator<Item = String>, now: Moment) {
        let before = std::mem::take(&mut self.next);
        let due = |segment: String| {
            let at = before.get(&segment).copied().unwrap_or(now);
            (segment, at)
        };
        self.next = wanted.into_iter().map(due).collect();
    }

    /// When the next probe is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Moment, &'static str)> {
        self.next.values().min().map(|at| (*at, "probe a segment"))
    }

    /// The segments to probe at once.
    #[must_use]
    pub fn handle_timeout(&mut self, now: Moment) -> Vec<String> {
        let due = self.next.iter_mut().filter(|(_, at)| now >= **at);
        due.map(|(segment, at)| {
            *at = now.saturating_add(PROBE_EVERY);
            segment.clone()
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Moment {
        Moment(ms * 1_000_000)
    }

    const fn share(reached: u32, of: u32) -> Share {
        Share { reached, of }
    }

    #[test]
    fn poor_reach_is_told_when_it_lasts_and_told_again() {
        let mut reach = Reach::new();
        reach.handle_share(share(1, 3), at(0));
        reach.handle_share(share(0, 3), at(2_000));
        assert_eq!(reach.poll_timeout(), Some((at(3_000), "the segment is poorly reached")));
        assert_eq!(reach.handle_timeout(at(2_999)), None);
        assert_eq!(reach.handle_timeout(at(3_000)), Some(share(0, 3)));
        assert_eq!(reach.handle_timeout(at(12_999)), None);
        assert_eq!(reach.handle_timeout(at(13_000)), Some(share(0, 3)));
    }

    #[test]
    fn a_short_trouble_is_nobodys_business() {
        let mut reach = Reach::new();
        reach.handle_share(share(0, 3), at(0));
        reach.handle_share(share(2, 3), at(2_900));
        assert_eq!((reach.poll_timeout(), reach.handle_timeout(at(9_000))), (None, None));
        reach.handle_share(share(0, 3), at(9_000));
        assert_eq!(reach.handle_timeout(at(11_000)), None, "it counts from the new trouble");
    }

    #[test]
    fn a_segment_that_recovers_says_so_once() {
        let mut reach = Reach::new();
        reach.handle_share(share(0, 2), at(0));
        assert!(reach.handle_timeout(at(3_000)).is_some());
        reach.handle_share(share(1, 2), at(4_000));
        assert_eq!(reach.poll_timeout(), Some((at(4_000), "the segment is reached again")));
        assert_eq!(reach.handle_timeout(at(4_000)), Some(share(1, 2)));
        reach.handle_share(share(2, 2), at(5_000));
        assert_eq!(reach.handle_timeout(at(60_000)), None);
    }

    #[test]
    fn half_is_not_poor_and_neither_is_nothing_of_nothing() {
        for (reached, of, poor) in [(0, 0, false), (0, 1, true), (1, 2, false), (1, 3, true), (2, 3, false)] {
            assert_eq!(share(reached, of).is_poor(), poor, "{reached} of {of}");
        }
    }

    #[test]
    fn a_probe_ends_when_all_have_answered_or_with_its_time() {
        let [a, b] = ["a", "b"].map(|name| Name::new(name).expect("a name"));
        let mut probe = Probe::new([a.clone(), b.clone()].into(), at(0));
        probe.handle_device(&a, true);
        probe.handle_device(&a, true);
        assert_eq!(probe.handle_timeout(at(999)), None);
        assert_eq!(probe.handle_timeout(at(1_000)), Some(share(1, 2)));
        probe.handle_device(&b, false);
        assert_eq!(probe.handle_timeout(at(999)), Some(share(1, 2)));
    }

    #[test]
    fn a_segment_is_probed_at_once_and_then_every_five_seconds_while_wanted() {
        let mut probes = Probes::new();
        let cryo = || ["cryo".to_owned()];
        probes.handle_wanted(cryo(), at(100));
        assert_eq!(probes.handle_timeout(at(100)), cryo());
        probes.handle_wanted(cryo(), at(200));
        assert_eq!(probes.handle_timeout(at(5_099)), [""; 0]);
        assert_eq!(probes.handle_timeout(at(5_100)), cryo());
        probes.handle_wanted([], at(6_000));
        assert_eq!(probes.poll_timeout(), None);
        probes.handle_wanted(cryo(), at(6_100));
        assert_eq!(probes.poll_timeout(), Some((at(6_100), "probe a segment")));
    }
}
