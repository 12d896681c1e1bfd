//! What follows when a child has ended: pure, and the whole policy of supervision on one screen.
//!
//! | child | ended by itself, well | failed, panicked, hung, was not ready in time |
//! |---|---|---|
//! | permanent | restart | restart |
//! | transient | stays down | restart |
//! | temporary | leaves the tree | leaves the tree |
//!
//! A restart within the limit concerns the child alone (one for one), it and those started after it (rest for one), or all
//! (one for all): they are stopped in the reverse of their order and then started in order. Beyond the limit a child
//! is quarantined, and those that depend on it stay down, or the supervisor gives up and fails to its own supervisor.
//!
//! It knows nothing of tasks, time, or how many restarts there have been: it asks whether one more is within the limit.

use crate::spec::{OnGiveUp, Restart, Strategy};

/// Whom a restart or a quarantine concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The child alone.
    One,
    /// The child and those after it.
    Rest,
    /// All children of the supervisor.
    All,
}

impl Strategy {
    /// Whom the end of one child concerns.
    #[must_use]
    pub const fn scope(self) -> Scope {
        match self {
            Self::OneForOne => Scope::One,
            Self::RestForOne => Scope::Rest,
            Self::OneForAll => Scope::All,
        }
    }
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The child stays down, and its siblings run on.
    Leave,
    /// The child leaves the tree, and its siblings run on.
    Forget,
    /// Stop whom it concerns, in reverse order, and start them in order.
    Restart(Scope),
    /// Stop whom it concerns, in reverse order; they stay down until a person releases the child.
    Quarantine(Scope),
    /// Stop all, in reverse order, and fail to the supervisor's own supervisor.
    Escalate,
}

/// What follows the end of a child that nobody had asked to end. `abnormal`: it did not simply return.
/// `within_limit` is asked once if a restart is called for, and not otherwise, so it may count the restart.
pub fn decide(strategy: Strategy, restart: Restart, on_give_up: OnGiveUp, abnormal: bool, within_limit: impl FnOnce() -> bool) -> Verdict {
    match restart {
        Restart::Temporary => Verdict::Forget,
        Restart::Transient if !abnormal => Verdict::Leave,
        Restart::Permanent | Restart::Transient => match (within_limit(), on_give_up) {
            (true, _) => Verdict::Restart(strategy.scope()),
            (false, OnGiveUp::Escalate) => Verdict::Escalate,
            (false, OnGiveUp::Quarantine) => Verdict::Quarantine(strategy.scope()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_strategy_meets_every_kind_of_child() {
        use {OnGiveUp::*, Restart::*, Strategy::*};
        let cases = [(OneForOne, Scope::One), (RestForOne, Scope::Rest), (OneForAll, Scope::All)];
        for (strategy, scope) in cases {
            for abnormal in [false, true] {
                let verdict = |restart, on_give_up, within: bool| decide(strategy, restart, on_give_up, abnormal, || within);
                assert_eq!(verdict(Permanent, Escalate, true), Verdict::Restart(scope));
                assert_eq!(verdict(Permanent, Escalate, false), Verdict::Escalate);
                assert_eq!(verdict(Permanent, Quarantine, false), Verdict::Quarantine(scope));
                let transient = if abnormal { Verdict::Restart(scope) } else { Verdict::Leave };
                assert_eq!(verdict(Transient, Escalate, true), transient);
                let transient = if abnormal { Verdict::Escalate } else { Verdict::Leave };
                assert_eq!(verdict(Transient, Escalate, false), transient);
                assert_eq!(verdict(Temporary, Escalate, false), Verdict::Forget);
            }
        }
    }

    #[test]
    fn a_child_that_stays_down_does_not_count_as_a_restart() {
        let unasked = || panic!("no restart is called for");
        assert_eq!(decide(Strategy::OneForAll, Restart::Temporary, OnGiveUp::Escalate, true, unasked), Verdict::Forget);
        assert_eq!(decide(Strategy::OneForAll, Restart::Transient, OnGiveUp::Escalate, false, unasked), Verdict::Leave);
    }
}
