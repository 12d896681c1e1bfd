//! The times of one node that must fit each other, and the arithmetic by which they do.
//!
//! ```text
//! |-heartbeat-|-heartbeat-|-heartbeat-|            a follower may miss two heartbeats and still see the third
//! |----------- election_min ----------|
//! |----------- election_min ----------|~ random ~| election_max
//! |--- notice: election_max ---|--- vote: election_max ---|-heartbeat-|   worst election and the first word after it
//! |------------------------------- lease ------------------------------|
//! ```
//!
//! Contradictions are refused at start, with the numbers: a cluster with wrong times works until its first bad day.

use super::kinds::{self, Wrong};
use super::source::Table;
use humantime::format_duration;
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
    /// How long the right to drive a segment lasts without renewal.
    pub lease: Duration,
}

impl Default for Timing {
    /// 100 ms is fifty round trips of a lab's network and ten `fdatasync` of a slow disk; the rest follows by the
    /// arithmetic in this file's header: 3 x 100 ms = 300 ms, twice that is 600 ms, and
    /// 2 x 600 ms + 100 ms = 1.3 s fits into 1.5 s.
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_millis(100),
            election_min: Duration::from_millis(300),
            election_max: Duration::from_millis(600),
            lease: Duration::from_millis(1500),
        }
    }
}

/// Shortest heartbeat: five nodes' heartbeats every 10 ms are 400 small messages a second at the leader, and one
/// `fdatasync` of a slow disk takes as long.
const HEARTBEAT_MIN: Duration = Duration::from_millis(10);
/// Longest of all times: a minute without a leader is an outage, not a setting.
const TIME_MAX: Duration = Duration::from_secs(60);

impl Timing {
    /// Reads `[timing]`; what is left out is the default.
    pub(super) fn read(table: Option<&Table<'_>>) -> Self {
        let default = Self::default();
        let Some(table) = table else { return default };
        let heartbeat = table.get("heartbeat", kinds::duration);
        let election = table.get("election_timeout", kinds::list(kinds::duration));
        let lease = table.get("lease", kinds::duration);
        let (election_min, election_max) = match election.as_deref() {
            None => (default.election_min, default.election_max),
            Some([min, max]) => (*min, *max),
            Some(other) => {
                let what = format!("takes two durations, not {}", other.len());
                table.error("election_timeout", Wrong::new(what, "write it like [\"300ms\", \"600ms\"]"));
                return default;
            }
        };
        let timing =
            Self { heartbeat: heartbeat.unwrap_or(default.heartbeat), election_min, election_max, lease: lease.unwrap_or(default.lease) };
        if let Err((key, wrong)) = timing.check() {
            table.error(key, wrong);
        }
        timing
    }

    /// Whether the times fit each other; if not, the key to change and why.
    fn check(&self) -> Result<(), (&'static str, Wrong)> {
        let show = format_duration;
        let Self { heartbeat, election_min, election_max, lease } = *self;
        if heartbeat < HEARTBEAT_MIN {
            let what = format!("{} is shorter than {}", show(heartbeat), show(HEARTBEAT_MIN));
            return Err(("heartbeat", Wrong::new(what, "choose a longer one; the default is \"100ms\"")));
        }
        let three = heartbeat.saturating_mul(3);
        if election_min < three {
            let what =
                format!("{} is shorter than 3 x heartbeat = {}: two lost messages would depose a leader", show(election_min), show(three));
            return Err(("election_timeout", Wrong::new(what, format!("begin it at {} or later, or shorten heartbeat", show(three)))));
        }
        let spread = election_min.saturating_add(heartbeat);
        if election_max < spread {
            let what = format!(
                "{} is shorter than {} + {} = {}: candidates would ask at the same moment and split the votes",
                show(election_max),
                show(election_min),
                show(heartbeat),
                show(spread)
            );
            return Err(("election_timeout", Wrong::new(what, format!("end it at {} or later", show(spread)))));
        }
        let election = election_max.saturating_mul(2).saturating_add(heartbeat);
        if lease < election {
            let what = format!(
                "{} is shorter than 2 x {} + {} = {}: owners would lose their segments in every election",
                show(lease),
                show(election_max),
                show(heartbeat),
                show(election)
            );
            return Err(("lease", Wrong::new(what, format!("raise it to {} or more, or shorten election_timeout", show(election)))));
        }
        if lease > TIME_MAX {
            let what = format!("{} is longer than {}", show(lease), show(TIME_MAX));
            return Err(("lease", Wrong::new(what, "choose a shorter one; the default is \"1.5s\"")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(timing: Timing) -> String {
        timing.check().map_or_else(|(key, wrong)| format!("{key}: {}", wrong.what), |()| "accepted".into())
    }

    #[test]
    fn the_defaults_fit_each_other() {
        assert_eq!(Timing::default().check(), Ok(()));
    }

    #[test]
    fn each_contradiction_is_refused_with_its_arithmetic_and_its_edge_is_not() {
        let ms = Duration::from_millis;
        let with = |heartbeat, min, max, lease| Timing {
            heartbeat: ms(heartbeat),
            election_min: ms(min),
            election_max: ms(max),
            lease: ms(lease),
        };
        assert_eq!(refused(with(9, 300, 600, 1500)), "heartbeat: 9ms is shorter than 10ms");
        assert_eq!(refused(with(10, 30, 40, 90)), "accepted");
        assert!(refused(with(100, 299, 600, 1500)).starts_with("election_timeout: 299ms is shorter than 3 x heartbeat = 300ms"));
        assert!(refused(with(100, 300, 399, 1500)).starts_with("election_timeout: 399ms is shorter than 300ms + 100ms = 400ms"));
        assert_eq!(refused(with(100, 300, 400, 900)), "accepted");
        assert!(refused(with(100, 300, 600, 1299)).starts_with("lease: 1s 299ms is shorter than 2 x 600ms + 100ms = 1s 300ms"));
        assert_eq!(refused(with(100, 300, 600, 60_001)), "lease: 1m 1ms is longer than 1m");
    }
}
