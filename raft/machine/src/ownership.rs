//! Who owns a segment, by simple assignment: decided anew whenever the site or its nodes change.
//!
//! ```text
//!   home declared:  the home node, if it belongs to the site and reaches the segment; else nobody
//!   no home:        the present owner, as long as it belongs to the site and reaches the segment;
//!                   else whoever reaches it and owns the fewest segments, of several the smallest number; else nobody
//! ```
//!
//! Every change, to nobody too, takes the next epoch: a report that was made under an earlier assignment is refused by its number.
//! Epochs are kept when a segment leaves the site; if it comes back, it goes on from there. (This memory grows with the number of
//! names that segments ever had: a few bytes each, and people choose them.)
//!
//! Knows nothing of leases and clocks: whether the owner is alive, nobody asks here.

use crate::Machine;
use crate::audit::{Deed, SELF};
use crate::command::NodeInfo;
use crate::invariant::Invariant;
use crate::reply::Effect;
use crate::state::Ownership;
use labkeeper_model::{Name, NodeId};
use std::collections::BTreeMap;

impl Machine {
    /// Gives every segment the owner that it should have.
    pub(crate) fn assign_segments(&mut self, effects: &mut Vec<Effect>) {
        let assignment = self.assignment();
        let gone = self.ownerships.keys().filter(|segment| !self.site.segments.contains_key(segment.as_str()));
        let nobody: Vec<(String, Option<NodeId>)> = gone.map(|segment| (segment.clone(), None)).collect();
        let wanted = assignment.into_iter().map(|(segment, owner)| (segment.to_string(), owner));
        for (segment, owner) in nobody.into_iter().chain(wanted) {
            self.assign(segment, owner, effects);
        }
    }

    /// The owner that each segment of the site should have.
    fn assignment(&self) -> BTreeMap<Name, Option<NodeId>> {
        let mut assignment = BTreeMap::new();
        let mut orphans = Vec::new();
        for (segment, spec) in &self.site.segments {
            let present = self.ownership(segment.as_str()).owner;
            let settled = match &spec.home {
                Some(home) => Some(self.node_by_name(home.as_str()).filter(|(_, node)| reaches(node, segment)).map(|(id, _)| id)),
                None => present.filter(|id| self.nodes.get(id).is_some_and(|node| reaches(node, segment))).map(Some),
            };
            match settled {
                Some(owner) => drop(assignment.insert(segment.clone(), owner)),
                None => orphans.push(segment),
            }
        }
        let mut load: BTreeMap<NodeId, usize> = self.nodes.keys().map(|id| (*id, 0)).collect();
        assignment.values().flatten().for_each(|owner| *load.entry(*owner).or_default() += 1);
        for segment in orphans {
            let candidates = self.nodes.iter().filter(|(_, node)| reaches(node, segment)).map(|(id, _)| *id);
            let owner = candidates.min_by_key(|id| (load.get(id).copied(), *id));
            if let Some(owner) = owner {
                *load.entry(owner).or_default() += 1;
            }
            assignment.insert(segment.clone(), owner);
        }
        assignment
    }

    fn assign(&mut self, segment: String, owner: Option<NodeId>, effects: &mut Vec<Effect>) {
        let before = self.ownership(&segment);
        if before.owner == owner {
            return;
        }
        // Saturates after 2^64 changes of one segment: half a million years at one per microsecond.
        let after = Ownership { owner, epoch: before.epoch.saturating_add(1) };
        self.faults.check(after.epoch > before.epoch || before.epoch == u64::MAX, Invariant::EpochGrows, self.applied, || {
            format!("{segment}: {} after {}", after.epoch, before.epoch)
        });
        let detail = format!("{} -> {} (epoch {})", self.owner_in_words(before), self.owner_in_words(after), after.epoch);
        self.note(Deed { actor: SELF, action: "ownership", target: &segment, detail, reason: "" });
        self.ownerships.insert(segment.clone(), after);
        effects.push(Effect::OwnershipChanged { segment });
    }

    fn owner_in_words(&self, ownership: Ownership) -> String {
        match ownership.owner {
            None => "nobody".to_owned(),
            Some(id) => self.nodes.get(&id).map_or_else(|| format!("node {id}"), |node| node.name.to_string()),
        }
    }
}

/// Whether a node can reach a segment's network.
pub(crate) fn reaches(node: &NodeInfo, segment: &Name) -> bool {
    node.reach.iter().any(|reached| reached == "*" || reached == segment.as_str())
}
