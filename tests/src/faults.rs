//! What was done to whom, and from when until when: so that a doubt can be held against the faults that there really were.
//!
//! ```text
//!   Freeze(Owner("cryo")) ---- Wait(3 s) ---- Thaw
//!   |<----------- lab-a was hit ----------->|
//! ```
//! Knows nothing of clusters and clocks: times are passed in, UTC in nanoseconds since 1970.

use std::ops::RangeInclusive;

/// What kind of harm it is; each kind is undone at once by one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// Its process is gone.
    Down,
    /// Its process is held still.
    Frozen,
    /// Some of its links are cut.
    Cut,
}

/// One fault of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The node's name.
    pub node: String,
    /// What kind.
    pub harm: Harm,
    /// Since when.
    pub from_ns: i64,
    /// Until when; `None` if it lasts.
    pub until_ns: Option<i64>,
}

/// Every fault that there was.
#[derive(Clone, Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// A node is hit.
    pub fn begin(&mut self, node: &str, harm: Harm, now_ns: i64) {
        self.0.push(Fault { node: node.to_owned(), harm, from_ns: now_ns, until_ns: None });
    }

    /// Harm of this kind is undone wherever it lasts.
    pub fn end(&mut self, harm: Harm, now_ns: i64) {
        for fault in self.0.iter_mut().filter(|fault| fault.harm == harm) {
            fault.until_ns.get_or_insert(now_ns);
        }
    }

    /// The faults of a node that lasted at any time of a span.
    pub fn of<'a>(&'a self, node: &'a str, span: RangeInclusive<i64>) -> impl Iterator<Item = &'a Fault> {
        let overlaps = move |fault: &&Fault| fault.from_ns <= *span.end() && fault.until_ns.is_none_or(|until| until >= *span.start());
        self.0.iter().filter(move |fault| fault.node == node).filter(overlaps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_lasts_from_its_step_until_that_which_undoes_its_kind() {
        let mut faults = Faults::default();
        faults.begin("a", Harm::Frozen, 10);
        faults.begin("b", Harm::Cut, 20);
        faults.end(Harm::Frozen, 30);
        faults.begin("a", Harm::Frozen, 50);
        let hit = |node, span| faults.of(node, span).count();
        assert_eq!([hit("a", 0..=9), hit("a", 0..=10), hit("a", 30..=49), hit("a", 31..=49), hit("a", 0..=99)], [0, 1, 1, 0, 2]);
        assert_eq!([hit("b", 21..=99), hit("c", 0..=99)], [1, 0], "links are cut until they are healed");
    }
}
