//! Ownership before the first session: what the entries of a site's early log mean.
//!
//! Version 0.1 knew no sessions; it assigned each segment whenever the site or its nodes changed. Its logs are replayed and its snapshots
//! taken up entry by entry, on one replica from here and on another from there, so its entries must mean what they meant. The first
//! session of a site ends that, at the same entry everywhere: whoever was assigned a segment without a session loses it.
//!
//! ```text
//!   home declared:  the home node, if it belongs to the site and reaches the segment; else nobody
//!   no home:        the present owner, as long as it belongs to the site and reaches the segment;
//!                   else whoever reaches it and owns the fewest segments, of several the smallest number; else nobody
//! ```
//!
//! Nobody drives a device by such an assignment: [`Machine::ownership`] does not show it. It only says whose reports were true.

use crate::Machine;
use crate::audit::{Deed, SELF};
use crate::ownership::reaches;
use crate::reply::Effect;
use crate::state::Ownership;
use labkeeper_model::{Name, NodeId};
use std::collections::BTreeMap;

impl Machine {
    /// Whether no session was ever opened.
    pub(crate) fn is_sessionless(&self) -> bool {
        self.last_session == 0
    }

    /// Gives every segment the owner that version 0.1 gave it.
    pub(crate) fn assign_without_sessions(&mut self, effects: &mut Vec<Effect>) {
        let assignment = self.assignment();
        let gone = self.ownerships.keys().filter(|segment| !self.site.segments.contains_key(segment.as_str()));
        let nobody: Vec<(String, Option<NodeId>)> = gone.map(|segment| (segment.clone(), None)).collect();
        let wanted = assignment.into_iter().map(|(segment, owner)| (segment.to_string(), owner));
        for (segment, owner) in nobody.into_iter().chain(wanted) {
            self.assign(segment, owner, effects);
        }
    }

    /// Takes every segment from its owner without a session: from here on only sessions own.
    pub(crate) fn end_sessionless_time(&mut self, effects: &mut Vec<Effect>) {
        let owned = self.ownerships.iter().filter(|(_, ownership)| ownership.owner.is_some());
        for segment in owned.map(|(segment, _)| segment.clone()).collect::<Vec<_>>() {
            self.assign(segment, None, effects);
        }
    }

    /// The owner that each segment of the site should have.
    fn assignment(&self) -> BTreeMap<Name, Option<NodeId>> {
        let mut assignment = BTreeMap::new();
        let mut orphans = Vec::new();
        for (segment, spec) in &self.site.segments {
            let present = self.recorded(segment.as_str()).owner;
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
        let before = self.recorded(&segment);
        if before.owner == owner {
            return;
        }
        // Times stay zero: version 0.1 kept none, and a replica that comes from its snapshot could not know them. Saturates after 2^64
        // changes of one segment: half a million years at one per microsecond.
        let after = Ownership { owner, epoch: before.epoch.saturating_add(1), ..Ownership::default() };
        let detail = format!("{} -> {} (epoch {})", self.in_words(before.owner), self.in_words(owner), after.epoch);
        self.note(Deed { actor: SELF, action: "ownership", target: &segment, detail, reason: "" });
        self.ownerships.insert(segment.clone(), after);
        effects.push(Effect::OwnershipChanged { segment });
    }
}
