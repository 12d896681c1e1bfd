//! What was done to whom, and from when until when: so that a doubt can be held against the faults that there really were.
//!
//! ```text
//!   Freeze(Owner("cryo")) ---- Wait(3 s) ---- Thaw
//!   |<----------- lab-a was hit ----------->|
//! ```
//! Knows nothing of clusters and clocks: times are passed in, UTC in nanoseconds since 1970.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// What kind of harm it is; each kind is undone at once by one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// Its process is gone.
    Down,
    /// Its process is held still.
    Frozen,
    /// Some of its links to other nodes are cut.
    Cut,
    /// The same, of a node that leads. One that is still heard keeps the others from electing another until it notices by itself, which takes
    /// as long again as an election: longer than an owner's lease may bridge, whoever the owner is.
    CutLeader,
    /// It does not reach the devices.
    OffField,
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

impl Fault {
    /// Whether it lasted at any time of a span.
    fn lasted_in(&self, span: &RangeInclusive<i64>) -> bool {
        self.from_ns <= *span.end() && self.until_ns.is_none_or(|until| until >= *span.start())
    }
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
        self.0.iter().filter(move |fault| fault.node == node && fault.lasted_in(&span))
    }

    /// Whether a node that led was cut off in a span: then no lease may have been renewed until another led.
    #[must_use]
    pub fn cut_a_leader(&self, span: RangeInclusive<i64>) -> bool {
        self.0.iter().any(|fault| fault.harm == Harm::CutLeader && fault.lasted_in(&span))
    }

    /// Whether so many nodes were hit at one moment of a span that the rest of `nodes` is no majority: then nothing can be decided, no lease
    /// be renewed, and no outcome be brought into the log.
    #[must_use]
    pub fn left_no_majority(&self, nodes: usize, span: RangeInclusive<i64>) -> bool {
        let moments = self.0.iter().map(|fault| fault.from_ns.max(*span.start())).filter(|at| span.contains(at));
        moments.into_iter().any(|at| {
            let lasts =
                |fault: &&Fault| fault.harm != Harm::OffField && fault.from_ns <= at && fault.until_ns.is_none_or(|until| until >= at);
            let hit: BTreeSet<&str> = self.0.iter().filter(lasts).map(|fault| fault.node.as_str()).collect();
            (nodes - hit.len().min(nodes)) * 2 <= nodes
        })
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

    #[test]
    fn a_leader_is_cut_off_for_as_long_as_its_links_are() {
        let mut faults = Faults::default();
        faults.begin("a", Harm::Cut, 10);
        faults.begin("b", Harm::CutLeader, 20);
        faults.end(Harm::CutLeader, 30);
        assert_eq!([(0..=19), (0..=20), (25..=40), (31..=40)].map(|span| faults.cut_a_leader(span)), [false, true, true, false]);
    }

    #[test]
    fn a_majority_is_gone_when_enough_are_hit_at_once() {
        let mut faults = Faults::default();
        faults.begin("a", Harm::Down, 10);
        faults.begin("b", Harm::OffField, 12);
        faults.begin("a", Harm::Cut, 14);
        assert!(!faults.left_no_majority(3, 0..=99), "one node, twice, and one that can vote");
        faults.begin("b", Harm::Frozen, 20);
        faults.end(Harm::Frozen, 30);
        let gone = |span| faults.left_no_majority(3, span);
        assert_eq!([gone(0..=19), gone(15..=20), gone(25..=40), gone(31..=40)], [false, true, true, false]);
        assert!(!faults.left_no_majority(5, 0..=99));
    }
}
