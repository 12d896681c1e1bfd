//! Who owns a segment: granting it, planning its move, and taking it back.
//!
//! ```text
//!            grant                     plan                      release by the owner
//!   nobody --------> owned by a -----------------> a, next b ---------------------------> owned by b
//!      ^                |  ^                          | |
//!      |                |  +--------------------------+ |  the plan is dropped
//!      +----------------+-------------------------------+
//!        a's session ends, and nobody else can have it
//! ```
//!
//! **An owner leaves a segment in two ways only**: its session ends, or it says itself that it has let go. Whatever else speaks for
//! another owner (the home is back, the node is drained or removed, the site was changed) is a plan, [`Ownership::successor`]: the present
//! owner drives on until it has closed its connections. So there is no moment at which two nodes may drive one segment, however late one
//! of them learns of an entry; a segment that left the site, or a node that did, is let go in the same way.
//!
//! Every grant takes the next epoch, also one to nobody, and to the same node again: what was said under an earlier one is refused
//! by its number. Epochs are kept when a segment leaves the site; if it comes back, it goes on from there. (This memory grows with the number
//! of names that segments ever had: a few bytes each, and people choose them.)
//!
//! Where a segment should be is decided in `placement`; before the first session of a site, in `sessionless`.

use crate::Machine;
use crate::audit::{Deed, SELF};
use crate::command::NodeInfo;
use crate::invariant::Invariant;
use crate::placement::{Decision, NodeView, View, decide};
use crate::reply::{Effect, Rejection, Reply};
use crate::state::{Cause, Ownership, Vacancy};
use labkeeper_model::{Epoch, ErrorCode, Name, NodeId, SessionId, Timestamp};
use std::collections::BTreeMap;

/// How an owner leaves a segment.
#[derive(Clone, Copy)]
pub(crate) struct Leaving {
    pub(crate) cause: Cause,
    /// When its session was renewed last.
    pub(crate) last_renewal: Timestamp,
}

/// How many segments each node owns or will be given.
pub(crate) struct Loads(BTreeMap<NodeId, usize>);

impl Machine {
    /// The ownership as it is recorded, without a session too.
    pub(crate) fn recorded(&self, segment: &str) -> Ownership {
        self.ownerships.get(segment).copied().unwrap_or_default()
    }

    /// The segments that a node owns, those too that the site does not have.
    pub(crate) fn owned_by(&self, node: NodeId) -> Vec<String> {
        self.ownerships.iter().filter(|(_, ownership)| ownership.owner == Some(node)).map(|(segment, _)| segment.clone()).collect()
    }

    /// Gives every segment without an owner to whom it should have, and plans the moves of the others.
    pub(crate) fn review(&mut self, effects: &mut Vec<Effect>) {
        if self.is_sessionless() {
            return self.assign_without_sessions(effects);
        }
        let mut loads = Loads::of(self);
        for segment in self.site.segments.keys().cloned().collect::<Vec<Name>>() {
            let before = self.recorded(segment.as_str());
            let choice = self.decision(&segment, before, &loads).choice;
            match before.owner {
                None => self.grant(segment.as_str(), choice, None, effects),
                Some(owner) => self.plan(segment.as_str(), choice.filter(|choice| *choice != owner), effects),
            }
            loads.moved(before, self.recorded(segment.as_str()));
        }
        for segment in self.ownerships.keys().filter(|segment| !self.has_segment(segment)).cloned().collect::<Vec<String>>() {
            self.plan(&segment, None, effects);
        }
    }

    pub(crate) fn place_segments(&mut self, effects: &mut Vec<Effect>) -> Reply {
        self.review(effects);
        Reply::Done
    }

    /// Takes segments from an owner that has left them, and gives each to whom it should have.
    pub(crate) fn hand_on(&mut self, segments: Vec<String>, leaving: Leaving, effects: &mut Vec<Effect>) {
        let mut loads = Loads::of(self);
        for segment in segments {
            let before = self.recorded(&segment);
            let declared = self.site.segments.get_key_value(segment.as_str()).map(|(name, _)| name.clone());
            let vacant = Ownership { owner: None, successor: None, ..before };
            loads.moved(before, vacant);
            let choice = declared.and_then(|name| self.decision(&name, vacant, &loads).choice);
            self.grant(&segment, choice, Some(leaving), effects);
            loads.moved(vacant, self.recorded(&segment));
        }
    }

    /// Gives a segment to a node with a session that is alive, or to nobody, under the next epoch. `leaving` says how the present owner
    /// leaves, if there is one.
    pub(crate) fn grant(&mut self, segment: &str, to: Option<NodeId>, leaving: Option<Leaving>, effects: &mut Vec<Effect>) {
        let before = self.recorded(segment);
        let session = to.and_then(|to| self.sessions.get(&to)).filter(|session| session.alive).map_or(0, |session| session.id);
        let owner = to.filter(|_| session != 0);
        if owner.is_none() && before.owner.is_none() {
            return;
        }
        // Saturates after 2^64 changes of one segment: half a million years at one per microsecond.
        let epoch = before.epoch.saturating_add(1);
        let left = self.vacancy(before, leaving);
        let after = Ownership { owner, session, epoch, since: self.time, successor: None, vacancy: left.filter(|_| owner.is_none()) };
        self.check_grant(segment, before, after);
        self.ownerships.insert(segment.to_owned(), after);
        self.note_grant(segment, before, after, left);
        effects.push(Effect::OwnershipChanged { segment: segment.to_owned() });
        self.end_quarantines(segment, effects);
        if let Some(to) = owner {
            self.begin_takeover(segment, to, left);
            let same_process = before.owner == owner && left.is_some_and(|left| left.cause != Cause::Restarted);
            if !same_process {
                self.hold_tags(segment, before.epoch, left.map_or(Cause::First, |left| left.cause), effects);
            }
        }
        if left.is_some_and(|left| left.cause == Cause::Reach) {
            self.rest(segment);
        }
    }

    /// How the last owner left: the present one, or an earlier one if there is none.
    fn vacancy(&self, before: Ownership, leaving: Option<Leaving>) -> Option<Vacancy> {
        let leaves = before.owner.zip(leaving);
        let vacancy = leaves.map(|(from, Leaving { cause, last_renewal })| Vacancy { from, cause, last_renewal, since: self.time });
        vacancy.or(before.vacancy)
    }

    fn check_grant(&mut self, segment: &str, before: Ownership, after: Ownership) {
        let grows = after.epoch > before.epoch || before.epoch == Epoch::MAX;
        self.faults.check(grows, Invariant::EpochGrows, self.applied, || format!("{segment}: {after:?} after {before:?}"));
        let node = after.owner.filter(|_| after.owner != before.owner).map(|owner| self.nodes.get(&owner));
        let declared = self.site.segments.get_key_value(segment).map(|(name, _)| name);
        let reached = node.is_none_or(|node| node.zip(declared).is_some_and(|(node, name)| reaches(node, name)));
        self.faults.check(reached, Invariant::OwnerReaches, self.applied, || format!("{segment}: {after:?} after {before:?}"));
    }

    /// An owner has let go of a segment: it goes to the one that was planned if that is still right, else to whom it should have.
    pub(crate) fn release_segment(
        &mut self,
        node: NodeId,
        session: SessionId,
        segment: &str,
        epoch: Epoch,
        effects: &mut Vec<Effect>,
    ) -> Result<Reply, Rejection> {
        let last_renewal = self.held_session(node, session)?.renewed;
        let before = self.owned_under(node, segment, epoch)?;
        let declared = self.site.segments.get_key_value(segment).map(|(name, _)| name.clone());
        let planned = declared.as_ref().map(|name| self.decision(name, before, &Loads::of(self)));
        let planned = planned.filter(|decision| decision.choice == before.successor && before.successor.is_some());
        match planned {
            Some(Decision { choice, cause, .. }) => {
                let cause = cause.unwrap_or(Cause::Released);
                self.grant(segment, choice, Some(Leaving { cause, last_renewal }), effects);
            }
            None => {
                let cause = if declared.is_some() { Cause::Released } else { Cause::SiteChanged };
                self.hand_on(vec![segment.to_owned()], Leaving { cause, last_renewal }, effects);
            }
        }
        self.review(effects);
        Ok(Reply::Done)
    }

    /// The ownership of a segment that a node owns under an epoch.
    ///
    /// # Errors
    /// [`ErrorCode::StaleEpoch`] if it does not.
    pub(crate) fn owned_under(&self, node: NodeId, segment: &str, epoch: Epoch) -> Result<Ownership, Rejection> {
        let ownership = self.recorded(segment);
        if ownership.owner == Some(node) && ownership.epoch == epoch {
            return Ok(ownership);
        }
        let segment = crate::text::cut(segment.to_owned(), 100);
        let owner = self.in_words(ownership.owner);
        Err(Rejection::new(
            ErrorCode::StaleEpoch,
            format!("{segment} is owned by {owner} under epoch {}, not by node {node} under {epoch}", ownership.epoch),
        ))
    }

    /// Where a segment of the site should be.
    pub(crate) fn decision(&self, segment: &Name, ownership: Ownership, loads: &Loads) -> Decision {
        decide(&self.view_of(segment, ownership, loads))
    }

    /// What `placement` looks at.
    pub(crate) fn view_of(&self, segment: &Name, ownership: Ownership, loads: &Loads) -> View {
        let home = self.site.segments.get(segment).and_then(|spec| spec.home.as_ref());
        let words = self.words.get(segment.as_str());
        let next = ownership.successor.or(ownership.owner);
        let nodes = self.nodes.iter().map(|(id, node)| NodeView {
            id: *id,
            is_home: home == Some(&node.name),
            alive_since: self.sessions.get(id).filter(|session| session.alive).map(|session| session.opened),
            draining: self.draining.contains(id),
            declares: reaches(node, segment),
            word: words.and_then(|words| words.get(id)).copied(),
            segments: loads.of_node(*id).saturating_sub(usize::from(next == Some(*id))),
        });
        View {
            now: self.time,
            failback: self.site.failback,
            owner: ownership.owner,
            successor: ownership.successor,
            rests_until: self.rests_until(segment.as_str()),
            nodes: nodes.collect(),
        }
    }

    fn plan(&mut self, segment: &str, successor: Option<NodeId>, effects: &mut Vec<Effect>) {
        if let Some(ownership) = self.ownerships.get_mut(segment).filter(|ownership| ownership.successor != successor) {
            ownership.successor = successor;
            effects.push(Effect::OwnershipChanged { segment: segment.to_owned() });
        }
    }

    fn note_grant(&mut self, segment: &str, before: Ownership, after: Ownership, left: Option<Vacancy>) {
        let cause = left.map_or(Cause::First, |left| left.cause);
        let detail = format!("{} -> {} (epoch {}): {cause}", self.in_words(before.owner), self.in_words(after.owner), after.epoch);
        self.note(Deed { actor: SELF, action: "ownership", target: segment, detail, reason: "" });
    }

    pub(crate) fn has_segment(&self, segment: &str) -> bool {
        self.site.segments.contains_key(segment)
    }

    pub(crate) fn in_words(&self, owner: Option<NodeId>) -> String {
        match owner {
            None => "nobody".to_owned(),
            Some(id) => self.nodes.get(&id).map_or_else(|| format!("node {id}"), |node| node.name.to_string()),
        }
    }
}

impl Loads {
    pub(crate) fn of(machine: &Machine) -> Self {
        let mut loads = Self(BTreeMap::new());
        for segment in machine.site.segments.keys() {
            loads.moved(Ownership::default(), machine.recorded(segment.as_str()));
        }
        loads
    }

    fn of_node(&self, node: NodeId) -> usize {
        self.0.get(&node).copied().unwrap_or(0)
    }

    /// Counts a change of one segment's ownership. Counts are those of segments, so they neither overflow nor fall below zero; both are
    /// saturated, as a segment that the site does not have was not counted before it goes.
    fn moved(&mut self, from: Ownership, to: Ownership) {
        if let Some(node) = from.successor.or(from.owner) {
            let count = self.0.entry(node).or_default();
            *count = count.saturating_sub(1);
        }
        if let Some(node) = to.successor.or(to.owner) {
            let count = self.0.entry(node).or_default();
            *count = count.saturating_add(1);
        }
    }
}

/// Whether a node declares that it can reach a segment's network.
pub(crate) fn reaches(node: &NodeInfo, segment: &Name) -> bool {
    node.reach.iter().any(|reached| reached == "*" || reached == segment.as_str())
}
