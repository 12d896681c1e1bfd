//! The times of one node that must fit each other, and the arithmetic by which they do.
//!
//! ```text
//! |- heartbeat -|- heartbeat -|- heartbeat -|     a follower may miss two heartbeats and still hear the third
//! |-------------- election_min -------------|
//! |-------------- election_min -------------|~~~~~ random ~~~~~| election_max
//!
//! |- notice: election_max -|- wait: election_max -|- votes, first entry: heartbeat -|    the longest election
//!
//! |-- renew --|-- renew --|------------- the longest election -------------|             one renewal is under way and the next is
//! |------------------------------- lease ----------------------------------|             lost, and still nobody loses a segment
//!                                                          | write_timeout |             no write begins in the lease's last part
//!                                                                          |- guard -|   write_timeout + stall, or more
//! ```
//!
//! After a crash of the leader, followers notice within `election_max`; each waits for a random time up to `election_max` before it asks for
//! votes; the votes and the first entry take less than a heartbeat on any network on which heartbeats make sense. Votes that are split
//! cost another round, which the default lease does not bridge: then segments change hands, safely, and nothing else happens. Nor does it bridge a
//! leader that is heard and hears nobody: followers notice nothing until it falls silent, `election_max` after its last answer.
//!
//! Contradictions are refused at start, with the numbers: a cluster with wrong times works until its first bad day.

use super::kinds::{self, Wrong};
use super::source::Table;
use humantime::format_duration as show;
use labkeeper_model::LeaseTerms;
use std::time::Duration;

/// How fast a node notices and how long its rights last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How often a leader says that it is there.
    pub heartbeat: Duration,
    /// A follower that heard nothing for a random time between this ...
    pub election_min: Duration,
    /// ... and this asks for votes.
    pub election_max: Duration,
    /// How often a node renews its lease.
    pub renew: Duration,
    /// How long the right to drive devices lasts without renewal.
    pub lease: Duration,
    /// How much longer everybody else waits before they do.
    pub guard: Duration,
    /// T_io: the longest time that a write which was sent may take until it has had its effect.
    pub write_timeout: Duration,
    /// S: how long the process may stand still between looking at its clock and sending.
    pub stall: Duration,
    /// How wrong a clock may run, in millionths.
    pub drift_ppm: u32,
}

impl Default for Timing {
    /// 60 ms is thirty round trips of a lab's network and six `fdatasync` of a slow disk. The rest follows by the arithmetic in this file's
    /// header: 3 x 60 ms = 180 ms, rounded up to 200 ms, and as much again to spread over; 2 x 400 ms + 60 ms = 860 ms fit into
    /// 1.5 s - 2 x 300 ms = 900 ms, with 40 ms to spare for the disk. The lease's own terms have their reasons where they are declared.
    fn default() -> Self {
        let ms = Duration::from_millis;
        let LeaseTerms { renew, lease, guard, drift_ppm } = LeaseTerms::default();
        Self {
            heartbeat: ms(60),
            election_min: ms(200),
            election_max: ms(400),
            renew,
            lease,
            guard,
            write_timeout: ms(200),
            stall: ms(200),
            drift_ppm,
        }
    }
}

/// Shortest heartbeat: five nodes' heartbeats every 10 ms are 400 small messages a second at the leader, and one
/// `fdatasync` of a slow disk takes as long.
const HEARTBEAT_MIN: Duration = Duration::from_millis(10);
/// Shortest renewal: five nodes that renew every 50 ms put 100 entries a second into the log, a tenth of what a slow disk commits.
const RENEW_MIN: Duration = Duration::from_millis(50);
/// Shortest time for a write or a stall: one slice of a busy scheduler.
const STALL_MIN: Duration = Duration::from_millis(10);
/// Smallest drift: time keeping speeds a clock up or slows it down by up to 500 millionths, and a crystal adds 100 of its own.
const DRIFT_PPM_MIN: u32 = 1_000;

/// A contradiction: the key to change, and why.
type Contradiction = (&'static str, Wrong);

fn contradiction(key: &'static str, what: String, remedy: impl Into<String>) -> Result<(), Contradiction> {
    Err((key, Wrong::new(what, remedy)))
}

impl Timing {
    /// Reads `[timing]`; what is left out is the default.
    pub(super) fn read(table: Option<&Table<'_>>) -> Self {
        let default = Self::default();
        let Some(table) = table else { return default };
        let time = |key, default| table.get(key, kinds::duration).unwrap_or(default);
        let election = table.get("election_timeout", kinds::list(kinds::duration));
        let drift_range = i64::from(DRIFT_PPM_MIN)..=i64::from(LeaseTerms::DRIFT_PPM_MAX);
        let drift_ppm = table.get("drift_ppm", kinds::whole(drift_range)).and_then(|ppm| u32::try_from(ppm).ok());
        let timing = Self {
            heartbeat: time("heartbeat", default.heartbeat),
            renew: time("renew", default.renew),
            lease: time("lease", default.lease),
            guard: time("guard", default.guard),
            write_timeout: time("write_timeout", default.write_timeout),
            stall: time("stall", default.stall),
            drift_ppm: drift_ppm.unwrap_or(default.drift_ppm),
            ..default
        };
        let timing = match election.as_deref() {
            None => timing,
            Some([min, max]) => Self { election_min: *min, election_max: *max, ..timing },
            Some(other) => {
                let what = format!("takes two durations, not {}", other.len());
                table.error("election_timeout", Wrong::new(what, "write it like [\"200ms\", \"400ms\"]"));
                return default;
            }
        };
        if let Err((key, wrong)) = timing.check() {
            table.error(key, wrong);
        }
        timing
    }

    /// What this node's sessions are held under.
    #[must_use]
    pub const fn terms(&self) -> LeaseTerms {
        LeaseTerms { renew: self.renew, lease: self.lease, guard: self.guard, drift_ppm: self.drift_ppm }
    }

    /// The longest election, from a leader's crash to its successor's first entry, unless votes are split.
    #[must_use]
    pub const fn election_worst(&self) -> Duration {
        self.election_max.saturating_mul(2).saturating_add(self.heartbeat)
    }

    /// What is left of the lease when one renewal is under way and the next is lost.
    #[must_use]
    pub const fn lease_window(&self) -> Duration {
        self.lease.saturating_sub(self.renew.saturating_mul(2))
    }

    /// What is wrong if the disk takes `sync` to keep what was written; `None` if the lease bridges that and an election.
    #[must_use]
    pub fn disk_too_slow(&self, sync: Duration) -> Option<String> {
        let (needed, window) = (self.election_worst().saturating_add(sync), self.lease_window());
        (needed > window).then(|| {
            format!(
                "the disk took {sync:.1?} to keep 4 KiB: an election and that, {} + {sync:.1?}, do not fit into lease - 2 x renew = {}, so \
                 owners may lose their segments in an election; use a faster disk, or a longer lease",
                show(self.election_worst()),
                show(window)
            )
        })
    }

    /// Whether the times fit each other; if not, the key to change and why.
    fn check(&self) -> Result<(), Contradiction> {
        self.check_election()?;
        self.check_guard()?;
        self.check_lease()
    }

    fn check_election(&self) -> Result<(), Contradiction> {
        let Self { heartbeat, election_min, election_max, .. } = *self;
        if heartbeat < HEARTBEAT_MIN {
            let what = format!("{} is shorter than {}", show(heartbeat), show(HEARTBEAT_MIN));
            return contradiction("heartbeat", what, "choose a longer one; the default is \"60ms\"");
        }
        let three = heartbeat.saturating_mul(3);
        if election_min < three {
            let what =
                format!("{} is shorter than 3 x heartbeat = {}: two lost messages would depose a leader", show(election_min), show(three));
            return contradiction("election_timeout", what, format!("begin it at {} or later, or shorten heartbeat", show(three)));
        }
        let spread = election_min.saturating_add(heartbeat);
        if election_max < spread {
            let (min, max) = (show(election_min), show(election_max));
            let what = format!(
                "{max} is shorter than {min} + {} = {}: candidates would ask at the same moment and split the votes",
                show(heartbeat),
                show(spread)
            );
            return contradiction("election_timeout", what, format!("end it at {} or later", show(spread)));
        }
        Ok(())
    }

    fn check_guard(&self) -> Result<(), Contradiction> {
        let Self { guard, write_timeout, stall, .. } = *self;
        for (key, time) in [("write_timeout", write_timeout), ("stall", stall)] {
            if time < STALL_MIN {
                let what = format!("{} is shorter than {}", show(time), show(STALL_MIN));
                return contradiction(key, what, "choose a longer one; the default is \"200ms\"");
            }
        }
        let late = write_timeout.saturating_add(stall);
        if guard < late {
            let what = format!(
                "{} is shorter than write_timeout + stall = {} + {} = {}: a late write would meet the next owner",
                show(guard),
                show(write_timeout),
                show(stall),
                show(late)
            );
            return contradiction("guard", what, format!("raise it to {} or more", show(late)));
        }
        if guard > LeaseTerms::TIME_MAX {
            let what = format!("{} is longer than {}", show(guard), show(LeaseTerms::TIME_MAX));
            return contradiction("guard", what, "choose a shorter one; the default is \"400ms\"");
        }
        Ok(())
    }

    fn check_lease(&self) -> Result<(), Contradiction> {
        let Self { heartbeat, election_max, renew, lease, write_timeout, .. } = *self;
        if renew < RENEW_MIN {
            let what = format!("{} is shorter than {}", show(renew), show(RENEW_MIN));
            return contradiction("renew", what, "choose a longer one; the default is \"300ms\"");
        }
        if lease > LeaseTerms::TIME_MAX {
            let what = format!("{} is longer than {}", show(lease), show(LeaseTerms::TIME_MAX));
            return contradiction("lease", what, "choose a shorter one; the default is \"1.5s\"");
        }
        let (two, election) = (renew.saturating_mul(2), self.election_worst());
        if self.lease_window() < election {
            let (needed, two_elections) = (two.saturating_add(election), election_max.saturating_mul(2));
            let what = format!(
                "{} is shorter than 2 x renew + 2 x election_max + heartbeat = {} + {} + {} = {}: owners would lose their segments in an election",
                show(lease),
                show(two),
                show(two_elections),
                show(heartbeat),
                show(needed)
            );
            return contradiction("lease", what, format!("raise it to {} or more, or shorten renew or election_timeout", show(needed)));
        }
        let unusable = two.saturating_add(write_timeout);
        if lease <= unusable {
            let what = format!(
                "no write begins in the lease's last {}, and 2 x renew + that = {} leaves nothing of the lease of {}",
                show(write_timeout),
                show(unusable),
                show(lease)
            );
            return contradiction("write_timeout", what, "shorten it, or lengthen the lease");
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "timing_tests.rs"]
mod tests;
