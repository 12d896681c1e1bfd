//! Refuses numbers that contradict each other, before anything is started by them.
//!
//! Back-off and intensity speak of the same thing, and one can make the other meaningless: pauses of 0.1 s doubling to
//! 30 s let a child fail 10 to 12 times in its first minute. With an intensity of 8 a minute it is given up long before
//! the pauses have grown to their 30 s; with 12 it never is, and an "and then quarantine" would be an empty promise.

use crate::backoff::Backoff;
use crate::spec::{ChildSpec, OnGiveUp, Role, SupervisorSpec};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Why a specification is refused, and where: the ids from the supervisor that was checked down to the child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecError {
    /// Ids joined by `/`; empty for the supervisor itself.
    pub path: String,
    /// What is wrong with it.
    pub fault: SpecFault,
}

/// What is wrong with a specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpecFault {
    /// The id is empty or has a `/`.
    BadId,
    /// A sibling has the same id.
    DuplicateId,
    /// A duration is zero that must not be; its name.
    Zero(&'static str),
    /// The first pause is longer than the longest.
    BackoffReversed,
    /// A supervisor has no [`progress`](crate::Context::progress) to be silent about.
    HangOfSupervisor,
    /// The pauses keep the child below the limit for ever, so it is never quarantined.
    NeverQuarantined {
        /// Most failures within the period that are sure to come.
        failures: u32,
    },
    /// The child is given up before the pauses have grown to their longest.
    MaxNeverReached {
        /// The intensity from which on they do.
        intensity_min: u32,
    },
}

impl SupervisorSpec {
    /// Whether its numbers, and those of everything below it, make sense together.
    ///
    /// # Errors
    /// [`SpecError`]: the first thing that does not.
    pub fn check(&self) -> Result<(), SpecError> {
        if self.period.is_zero() {
            return Err(SpecError { path: String::new(), fault: SpecFault::Zero("period") });
        }
        let mut ids = BTreeSet::new();
        for child in &self.children {
            let unique = if ids.insert(Arc::clone(&child.id)) { Ok(()) } else { Err(child.fault(SpecFault::DuplicateId)) };
            unique.and_then(|()| self.check_child(child))?;
        }
        Ok(())
    }

    /// Whether a child's numbers make sense under this supervisor.
    pub(crate) fn check_child(&self, child: &ChildSpec) -> Result<(), SpecError> {
        if child.id.is_empty() || child.id.contains('/') {
            return Err(child.fault(SpecFault::BadId));
        }
        let durations = [("start_timeout", Some(child.start_timeout)), ("hang_after", child.hang_after)];
        let backoff = [("backoff.min", child.backoff.map(|backoff| backoff.min))];
        if let Some((name, _)) = durations.into_iter().chain(backoff).find(|(_, duration)| *duration == Some(Duration::ZERO)) {
            return Err(child.fault(SpecFault::Zero(name)));
        }
        if let Some(backoff) = &child.backoff {
            self.check_backoff(backoff, child.on_give_up).map_err(|fault| child.fault(fault))?;
        }
        match &child.role {
            Role::Supervisor(_) if child.hang_after.is_some() => Err(child.fault(SpecFault::HangOfSupervisor)),
            Role::Supervisor(below) => below.check().map_err(|error| error.under(&child.id)),
            Role::Worker(_) => Ok(()),
        }
    }

    fn check_backoff(&self, backoff: &Backoff, on_give_up: OnGiveUp) -> Result<(), SpecFault> {
        if backoff.min > backoff.max {
            return Err(SpecFault::BackoffReversed);
        }
        // Counting to one beyond the limit is enough to know that it is passed.
        let beyond = self.intensity.saturating_add(1);
        let (fewest, most) = (backoff.failures_within(self.period, 1.0, beyond), backoff.failures_within(self.period, 0.0, beyond));
        if on_give_up == OnGiveUp::Quarantine && fewest <= self.intensity {
            return Err(SpecFault::NeverQuarantined { failures: fewest });
        }
        let intensity_min = backoff.failures_until_max();
        if most > self.intensity && self.intensity < intensity_min {
            return Err(SpecFault::MaxNeverReached { intensity_min });
        }
        Ok(())
    }
}

impl ChildSpec {
    fn fault(&self, fault: SpecFault) -> SpecError {
        SpecError { path: self.id.to_string(), fault }
    }
}

impl SpecError {
    fn under(self, id: &str) -> Self {
        let path = if self.path.is_empty() { id.to_owned() } else { format!("{id}/{}", self.path) };
        Self { path, ..self }
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = if self.path.is_empty() { "the supervisor" } else { &self.path };
        match &self.fault {
            SpecFault::BadId => write!(f, "{whose:?}: an id is not empty and has no `/`"),
            SpecFault::DuplicateId => write!(f, "{whose}: another child has the same id"),
            SpecFault::Zero(name) => write!(f, "{whose}: {name} is zero"),
            SpecFault::BackoffReversed => write!(f, "{whose}: backoff.min is longer than backoff.max"),
            SpecFault::HangOfSupervisor => write!(f, "{whose}: a supervisor has no hang_after; give it to its workers"),
            SpecFault::NeverQuarantined { failures } => {
                write!(f, "{whose}: is never quarantined, as its pauses allow only {failures} failures in a period; lower the intensity")
            }
            SpecFault::MaxNeverReached { intensity_min } => {
                write!(
                    f,
                    "{whose}: is given up before its pauses reach backoff.max; raise the intensity to {intensity_min} or lower the max"
                )
            }
        }
    }
}

impl std::error::Error for SpecError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Strategy;

    fn child(id: &str) -> ChildSpec {
        ChildSpec::worker(id, |_| async { Ok(()) })
    }

    fn supervisor(intensity: u32, children: Vec<ChildSpec>) -> SupervisorSpec {
        SupervisorSpec { strategy: Strategy::OneForOne, intensity, period: Duration::from_secs(60), children }
    }

    fn backing_off(on_give_up: OnGiveUp) -> ChildSpec {
        let backoff = Backoff { min: Duration::from_millis(100), max: Duration::from_secs(30), stable: Duration::from_secs(60) };
        ChildSpec { backoff: Some(backoff), on_give_up, ..child("bus") }
    }

    #[track_caller]
    fn refused(spec: &SupervisorSpec, path: &str, fault: SpecFault) {
        assert_eq!(spec.check(), Err(SpecError { path: path.into(), fault }));
    }

    #[test]
    fn giving_up_before_the_longest_pause_is_refused() {
        let faults = |intensity| supervisor(intensity, vec![backing_off(OnGiveUp::Escalate)]).check().map_err(|error| error.fault);
        assert_eq!(faults(8), Err(SpecFault::MaxNeverReached { intensity_min: 10 }));
        assert_eq!(faults(9), Err(SpecFault::MaxNeverReached { intensity_min: 10 }));
        assert_eq!(faults(10), Ok(()), "the longest pause is reached before the limit can be passed");
        assert_eq!(faults(12), Ok(()), "the pauses keep it below the limit");
    }

    #[test]
    fn a_quarantine_that_never_comes_is_refused() {
        let never = supervisor(10, vec![backing_off(OnGiveUp::Quarantine)]);
        refused(&never, "bus", SpecFault::NeverQuarantined { failures: 10 });
        let short = Backoff { min: Duration::from_millis(100), max: Duration::from_secs(1), stable: Duration::from_secs(60) };
        let quarantined = ChildSpec { backoff: Some(short), ..backing_off(OnGiveUp::Quarantine) };
        assert_eq!(supervisor(10, vec![quarantined]).check(), Ok(()));
    }

    #[test]
    fn ids_are_names() {
        refused(&supervisor(1, vec![child("a/b")]), "a/b", SpecFault::BadId);
        refused(&supervisor(1, vec![child("")]), "", SpecFault::BadId);
        refused(&supervisor(1, vec![child("a"), child("b"), child("a")]), "a", SpecFault::DuplicateId);
    }

    #[test]
    fn durations_make_sense() {
        let reversed = Backoff { min: Duration::from_secs(2), max: Duration::from_secs(1), stable: Duration::ZERO };
        refused(&supervisor(9, vec![ChildSpec { backoff: Some(reversed), ..child("a") }]), "a", SpecFault::BackoffReversed);
        let silent = ChildSpec { hang_after: Some(Duration::ZERO), ..child("a") };
        refused(&supervisor(9, vec![silent]), "a", SpecFault::Zero("hang_after"));
        refused(&SupervisorSpec { period: Duration::ZERO, ..supervisor(9, vec![]) }, "", SpecFault::Zero("period"));
    }

    #[test]
    fn a_fault_below_is_named_by_its_path() {
        let below = ChildSpec::supervisor("cryo", supervisor(1, vec![ChildSpec { start_timeout: Duration::ZERO, ..child("bus") }]));
        let spec = supervisor(1, vec![ChildSpec::supervisor("segments", supervisor(1, vec![below]))]);
        refused(&spec, "segments/cryo/bus", SpecFault::Zero("start_timeout"));
        let hanging = ChildSpec { hang_after: Some(Duration::from_secs(1)), ..ChildSpec::supervisor("cryo", supervisor(1, vec![])) };
        refused(&supervisor(1, vec![hanging]), "cryo", SpecFault::HangOfSupervisor);
    }
}
