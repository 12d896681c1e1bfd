//! What must hold at all times, numbered: the same numbers in the code, in simulations and in what an operator is shown.
//!
//! A breach is a fault in this crate. In a debug build (tests, simulations) it panics where it is noticed. In a release build
//! a panic would come back at every restart on every replica, so it is counted and the first one is kept: the node shows it as
//! a metric and as bad health until the process ends.
//!
//! Steps of the state are checked where they are made, at the cost of a comparison. [`Machine::violations`] checks a whole
//! state, for tests, simulations and restored snapshots.
//!
//! [`Machine::violations`]: crate::Machine::violations

use labkeeper_model::LogIndex;
use std::fmt;

/// A rule that every state, or every step between two states, keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[expect(missing_docs, reason = "each variant's meaning is its row in Invariant::TABLE")]
pub enum Invariant {
    TimeForward = 1,
    EpochGrows = 2,
    OwnerReaches = 3,
    NodesUnique = 4,
    RevisionGrows = 5,
    OneOutstanding = 6,
    SetpointFollows = 7,
    LifecycleForward = 8,
    IndexesAgree = 9,
    MemoryBounded = 10,
    AuditGapless = 11,
    SetpointDeclared = 12,
    OwnerAlive = 13,
    SessionsGrow = 14,
    SuccessorFits = 15,
    NothingUnowned = 16,
    NotesDeclared = 17,
    AuditChained = 18,
}

impl Invariant {
    /// Every invariant with what it says.
    pub const TABLE: &'static [(Self, &'static str)] = &[
        (Self::TimeForward, "neither the applied index nor the time goes back"),
        (Self::EpochGrows, "a segment's epoch grows at each change of its owner and never shrinks"),
        (Self::OwnerReaches, "another owner than before is a node of the site that reaches the segment"),
        (Self::NodesUnique, "no two nodes have the same name or instance, and no number exceeds the applied index"),
        (Self::RevisionGrows, "a setpoint's revision grows by one at each change"),
        (Self::OneOutstanding, "an outstanding command is the one that set its tag's setpoint: at most one per tag"),
        (Self::SetpointFollows, "a setpoint has the value, revision and state of the remembered command that set it"),
        (Self::LifecycleForward, "a command's states only go forward, its times never back, and it ends at most once"),
        (Self::IndexesAgree, "what finds commands and alarms by log index, id, deadline, segment or age agrees with them"),
        (Self::MemoryBounded, "remembered commands and deeds, audit entries, rows of the alarm journal and notices keep their bounds"),
        (Self::AuditGapless, "audit entries and rows of the alarm journal are numbered without gaps"),
        (Self::SetpointDeclared, "only declared tags have setpoints"),
        (Self::OwnerAlive, "a segment's owner has a session that is alive, the one under which the segment was granted"),
        (Self::SessionsGrow, "a session's number is larger than any before, and an ended session has an end"),
        (
            Self::SuccessorFits,
            "a successor is another node than the owner, is alive, is not drained and declares that it reaches the segment",
        ),
        (Self::NothingUnowned, "a segment of the site has an owner if any node that is alive and not drained declares that it reaches it"),
        (
            Self::NotesDeclared,
            "holds, drifts, quarantines, words, rests, control, interlocks, ramps, selections, alarms and notices are about what the site has",
        ),
        (Self::AuditChained, "each entry of the audit has the hash over itself and all before it"),
    ];

    /// The number after `INV-`.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// What it says, in one sentence.
    #[must_use]
    pub fn statement(self) -> &'static str {
        Self::TABLE.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "INV-{}", self.number())
    }
}

/// One breach of an invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which.
    pub invariant: Invariant,
    /// What was found.
    pub detail: String,
    /// The entry at which it was found.
    pub log_index: LogIndex,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}) broken at entry {}: {}", self.invariant, self.invariant.statement(), self.log_index, self.detail)
    }
}

/// Breaches that this replica has noticed: their number, and the first one in full. Not part of the replicated state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// How many.
    pub count: u64,
    /// The first; later ones are often its consequences.
    pub first: Option<Fault>,
}

impl Faults {
    /// Whether there was none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Panics in a debug build unless `holds`; in a release build counts and keeps the breach.
    pub(crate) fn check(&mut self, holds: bool, invariant: Invariant, log_index: LogIndex, detail: impl FnOnce() -> String) {
        if !holds {
            let fault = Fault { invariant, detail: detail(), log_index };
            debug_assert!(false, "{fault}");
            self.latch(fault);
        }
    }

    /// Counts a breach, and keeps it if it is the first.
    pub(crate) fn latch(&mut self, fault: Fault) {
        self.count = self.count.saturating_add(1);
        self.first.get_or_insert(fault);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_invariant_is_in_the_table_once_and_in_order() {
        let numbers: Vec<u8> = Invariant::TABLE.iter().map(|(invariant, _)| invariant.number()).collect();
        assert_eq!(numbers, (1..=18).collect::<Vec<u8>>());
        assert_eq!(Invariant::AuditGapless.statement(), "audit entries and rows of the alarm journal are numbered without gaps");
    }

    #[test]
    fn the_first_fault_is_kept_and_all_are_counted() {
        let fault = |log_index| Fault { invariant: Invariant::EpochGrows, detail: "cryo".into(), log_index };
        let mut faults = Faults::default();
        faults.latch(fault(7));
        faults.latch(fault(9));
        assert_eq!((faults.count, faults.first.clone().map(|f| f.log_index)), (2, Some(7)));
        assert!(!faults.is_empty());
    }

    #[test]
    #[should_panic(expected = "INV-2 (a segment's epoch grows")]
    #[cfg(debug_assertions)]
    fn a_breach_stops_a_debug_build() {
        Faults::default().check(false, Invariant::EpochGrows, 1, || "cryo".into());
    }

    #[test]
    #[cfg(not(debug_assertions))]
    fn a_breach_in_a_release_build_is_kept_and_work_goes_on() {
        let mut faults = Faults::default();
        faults.check(true, Invariant::EpochGrows, 1, || "fine".into());
        assert!(faults.is_empty());
        faults.check(false, Invariant::EpochGrows, 2, || "cryo".into());
        assert_eq!(faults.first.map(|fault| (fault.invariant, fault.log_index)), Some((Invariant::EpochGrows, 2)));
    }
}
