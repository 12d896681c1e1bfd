//! Who hears whom: the network of a test as a set of ways that are cut.
//!
//! A way leads from one end to another and is cut in one direction; two cuts make a link dead. Plain data: what carries the
//! bytes looks here, and knows nothing of scenarios.

use std::collections::BTreeSet;

/// An end of a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// A node, by its position in the cluster.
    Node(usize),
    /// The devices: all of them, since they hang on one network.
    Field,
}

/// From where to where.
pub type Way = (End, End);

/// The ways that are cut. Every other way carries what it is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    cut: BTreeSet<Way>,
}

impl Links {
    /// Whether bytes pass this way.
    #[must_use]
    pub fn passes(&self, way: Way) -> bool {
        !self.cut.contains(&way)
    }

    /// Cuts one direction: `to` hears nothing of `from`, and still is heard by it.
    pub fn cut_way(&mut self, from: End, to: End) {
        self.cut.insert((from, to));
    }

    /// Cuts both directions.
    pub fn cut(&mut self, a: End, b: End) {
        self.cut_way(a, b);
        self.cut_way(b, a);
    }

    /// Opens both directions.
    pub fn join(&mut self, a: End, b: End) {
        self.cut.remove(&(a, b));
        self.cut.remove(&(b, a));
    }

    /// Nodes of different groups neither hear nor are heard by each other. A node that no group names keeps its links.
    pub fn partition(&mut self, groups: &[Vec<usize>]) {
        for (at, group) in groups.iter().enumerate() {
            for other in groups[at + 1..].iter().flatten() {
                for node in group {
                    self.cut(End::Node(*node), End::Node(*other));
                }
            }
        }
    }

    /// Opens every way.
    pub fn heal(&mut self) {
        self.cut.clear();
    }

    /// The ways that are cut.
    #[must_use]
    pub fn all_cut(&self) -> &BTreeSet<Way> {
        &self.cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use End::{Field, Node};

    #[test]
    fn a_partition_cuts_between_groups_and_not_within_them() {
        let mut links = Links::default();
        links.partition(&[vec![0], vec![1, 2]]);
        for (from, to, passes) in [(0, 1, false), (2, 0, false), (0, 2, false), (1, 2, true), (2, 1, true)] {
            assert_eq!(links.passes((Node(from), Node(to))), passes, "{from} to {to}");
        }
        assert!(links.passes((Node(0), Field)), "the field network is another one");
        links.heal();
        assert!(links.passes((Node(0), Node(1))));
    }

    #[test]
    fn one_way_is_one_way_and_joining_opens_both() {
        let mut links = Links::default();
        links.cut_way(Node(0), Field);
        assert!(!links.passes((Node(0), Field)) && links.passes((Field, Node(0))));
        links.cut(Node(1), Field);
        links.join(Node(0), Field);
        assert_eq!(links.all_cut().len(), 2, "{links:?}");
    }
}
