//! The terms of a lease: how long a node may drive its devices after its last renewal, and how long everybody else waits before they do.
//!
//! ```text
//! holder's clock  |-- renew --|-- renew --| ...
//!                 |------------ lease ------------|                  counted from sending a renewal
//! leader's clock      |------- lease x (1+drift)/(1-drift) -------|-- guard --|   counted from applying that renewal
//! ```
//!
//! Both clocks may be wrong by `drift`: while the holder's clock, at its slowest, counts `lease`, true time passes `lease / (1 - drift)`,
//! and the leader's clock, at its fastest, has counted (1 + drift) times that. The guard covers what the holder's clock cannot see: a
//! write in flight and a stall of the process between looking at the clock and sending.
//!
//! A holder declares its terms when it opens a session, and the leader counts by those: two nodes with different settings are both safe.
//! There is no clock here.

use std::time::Duration;

/// The number of a session, site-wide, growing by one with each session that is opened. 0 means "none".
pub type SessionId = u64;

/// What a node's session is held under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseTerms {
    /// How often the holder renews.
    pub renew: Duration,
    /// How long its rights last, counted on its own clock from sending a renewal that was committed.
    pub lease: Duration,
    /// How much longer the leader waits: at least the longest write in flight plus the stall that is tolerated.
    pub guard: Duration,
    /// How wrong a clock may run, in millionths.
    pub drift_ppm: u32,
}

/// Parts of a whole in `drift_ppm`.
const MILLION: u32 = 1_000_000;

impl LeaseTerms {
    /// Longest of all its times: a minute without an owner is an outage, not a setting.
    pub const TIME_MAX: Duration = Duration::from_secs(60);
    /// Largest drift, in millionths: 10 %. A clock that is worse is broken, and waiting longer does not mend it.
    pub const DRIFT_PPM_MAX: u32 = 100_000;

    /// Whether these terms can be kept at all. Terms come from other nodes; those that cannot be kept are refused, since a lease of an
    /// hour would leave a dead node's devices alone for an hour.
    #[must_use]
    pub fn are_possible(&self) -> bool {
        let Self { renew, lease, guard, drift_ppm } = *self;
        !renew.is_zero() && renew < lease && lease <= Self::TIME_MAX && guard <= Self::TIME_MAX && drift_ppm <= Self::DRIFT_PPM_MAX
    }

    /// How long the leader waits by its own clock, from applying a renewal, before it proposes to end the session:
    /// `lease x (1 + drift) / (1 - drift) + guard`, rounded up to a nanosecond. [`Duration::MAX`] if the drift is a whole or more, which
    /// no possible terms have.
    #[must_use]
    pub fn leader_waits(&self) -> Duration {
        let Some(slowest) = MILLION.checked_sub(self.drift_ppm).filter(|rate| *rate > 0) else { return Duration::MAX };
        let fastest = u128::from(MILLION) + u128::from(self.drift_ppm);
        let nanos = self.lease.as_nanos().saturating_mul(fastest).div_ceil(u128::from(slowest));
        u64::try_from(nanos).map_or(Duration::MAX, Duration::from_nanos).saturating_add(self.guard)
    }
}

impl Default for LeaseTerms {
    /// A lease of 1.5 s bridges an election; five renewals fit into it, of which three may be lost or late. The guard is 200 ms for a
    /// write in flight and 200 ms for a stall. 1 % is a hundred times worse than a crystal.
    fn default() -> Self {
        let ms = Duration::from_millis;
        Self { renew: ms(300), lease: ms(1_500), guard: ms(400), drift_ppm: 10_000 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leader_waits_out_both_clocks_and_the_guard() {
        // 1.5 s x 1.01 / 0.99 = 1.530 303 030 303... s, rounded up, and 0.4 s.
        assert_eq!(LeaseTerms::default().leader_waits(), Duration::from_nanos(1_930_303_031));
        let exact = LeaseTerms { drift_ppm: 0, ..LeaseTerms::default() };
        assert_eq!(exact.leader_waits(), Duration::from_millis(1_900));
    }

    #[test]
    fn absurd_terms_are_impossible_and_do_not_overflow() {
        let good = LeaseTerms::default();
        assert!(good.are_possible());
        let longest = LeaseTerms { lease: Duration::MAX, guard: Duration::MAX, ..good };
        let whole = LeaseTerms { drift_ppm: MILLION, ..good };
        for bad in [longest, whole] {
            assert_eq!(bad.leader_waits(), Duration::MAX);
            assert!(!bad.are_possible());
        }
        assert!(!LeaseTerms { renew: Duration::ZERO, ..good }.are_possible());
        assert!(!LeaseTerms { renew: good.lease, ..good }.are_possible());
        assert!(!LeaseTerms { drift_ppm: LeaseTerms::DRIFT_PPM_MAX + 1, ..good }.are_possible());
    }
}
