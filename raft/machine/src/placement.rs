//! Who should own a segment: a pure function of what is known about the nodes, with its reasons.
//!
//! ```text
//!   nobody owns it          any usable node may have it; of several, in this order:
//!                             not known to fail to reach it, its home, fewest segments, smallest number
//!   its owner must go       (removed, cannot reach it by its own declaration, being drained)
//!                             the successor that was chosen before, as long as it fits; else whoever fits, in the order above;
//!                             if nobody does, it stays
//!   its home is back        (fits, and has been alive and reaching for `failback`): the home
//!   its owner reaches       a node that was asked and reaches at least half and more devices, once the segment has rested
//!     less than half        since it last moved for that reason
//!   else                    it stays
//!
//!   usable = alive, declares that it reaches the segment, not being drained
//!   fits   = usable, and not known to reach less than half of the devices
//! ```
//!
//! **Why it comes to rest.** A segment that is owned moves for four reasons only, and none of them holds for where it went: a target
//! fits, so it is neither gone nor drained nor poor; the home stays at home; and whoever is left for lack of reach does not fit until it
//! says otherwise, and waits for `failback` after that. Loads are looked at only for segments that go to somebody else anyway, so
//! segments do not trade places. What could still go to and fro is a node whose field network comes and goes: `rest` grows with
//! each such move.
//!
//! **Time** enters in two places, `failback` and `rest`. [`Decision::due`] says when one of them will change the decision if nothing
//! else happens, so that nobody has to ask again and again.
//!
//! Knows nothing of epochs, sessions' numbers and how a segment is handed over.

use crate::state::{Cause, ReachWord};
use labkeeper_model::{NodeId, Timestamp};
use std::cmp::Reverse;
use std::fmt;
use std::time::Duration;

/// What is looked at, for one segment.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// The machine's time.
    pub(crate) now: Timestamp,
    /// How long a home must have been back; `None`: never.
    pub(crate) failback: Option<Duration>,
    /// The owner; it is alive, but may have been removed from the site.
    pub(crate) owner: Option<NodeId>,
    /// Who gets it next, as was decided before.
    pub(crate) successor: Option<NodeId>,
    /// It does not move for lack of reach before this.
    pub(crate) rests_until: Timestamp,
    /// Every node of the site, by number.
    pub(crate) nodes: Vec<NodeView>,
}

/// A node, seen from one segment.
#[derive(Clone, Debug)]
pub(crate) struct NodeView {
    pub(crate) id: NodeId,
    /// Whether it is the segment's home.
    pub(crate) is_home: bool,
    /// Since when its session is alive; `None` if it has none.
    pub(crate) alive_since: Option<Timestamp>,
    pub(crate) draining: bool,
    /// Whether it declares that it reaches the segment.
    pub(crate) declares: bool,
    /// What it said last about the segment's devices.
    pub(crate) word: Option<ReachWord>,
    /// How many other segments it owns or will be given.
    pub(crate) segments: usize,
}

/// Where the segment should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// The node; `None` if there is none for it.
    pub(crate) choice: Option<NodeId>,
    /// Why it should leave its owner; `None` if it has none, or should stay.
    pub(crate) cause: Option<Cause>,
    /// When time alone will change this.
    pub(crate) due: Option<Timestamp>,
}

/// Decides where a segment should be.
pub(crate) fn decide(view: &View) -> Decision {
    let Some(owner) = view.owner else {
        return Decision { choice: best(view.nodes.iter().filter(|node| node.is_usable())), cause: None, due: None };
    };
    let stays = Decision { choice: Some(owner), cause: None, due: None };
    let moves = |to: Option<NodeId>, cause| to.map(|to| Decision { choice: Some(to), cause: Some(cause), due: None });
    if let Some(cause) = must_go(view, owner) {
        return moves(fitting_successor(view, owner), cause).unwrap_or(stays);
    }
    let home = home_return(view, owner);
    let reach = better_reach(view, owner);
    let is_due = |due: &(NodeId, Timestamp)| due.1 <= view.now;
    if let Some((node, _)) = home.filter(is_due) {
        return moves(Some(node), Cause::HomeReturn).unwrap_or(stays);
    }
    if let Some((node, _)) = reach.filter(is_due) {
        return moves(Some(node), Cause::Reach).unwrap_or(stays);
    }
    Decision { due: home.into_iter().chain(reach).map(|(_, due)| due).min(), ..stays }
}

impl NodeView {
    fn is_usable(&self) -> bool {
        self.alive_since.is_some() && self.declares && !self.draining
    }

    fn fits(&self) -> bool {
        self.is_usable() && !self.is_poor()
    }

    fn is_poor(&self) -> bool {
        self.word.is_some_and(|word| word.is_poor())
    }
}

/// The best of several nodes for a segment that goes to somebody anyway.
fn best<'a>(nodes: impl Iterator<Item = &'a NodeView>) -> Option<NodeId> {
    nodes.min_by_key(|node| (node.is_poor(), Reverse(node.is_home), node.segments, node.id)).map(|node| node.id)
}

/// Why an owner cannot keep the segment whatever the others do.
fn must_go(view: &View, owner: NodeId) -> Option<Cause> {
    match view.nodes.iter().find(|node| node.id == owner) {
        None => Some(Cause::NodeRemoved),
        Some(node) if !node.declares => Some(Cause::SiteChanged),
        Some(node) if node.draining => Some(Cause::Drained),
        Some(_) => None,
    }
}

/// Who takes over from an owner that must go. The one that was chosen before stays chosen: the owner may already be letting go.
fn fitting_successor(view: &View, owner: NodeId) -> Option<NodeId> {
    let fitting = || view.nodes.iter().filter(|node| node.id != owner && node.fits());
    fitting().find(|node| Some(node.id) == view.successor).map(|node| node.id).or_else(|| best(fitting()))
}

/// The home that the segment should return to, and when: it must have been alive, and not poor, for `failback`.
fn home_return(view: &View, owner: NodeId) -> Option<(NodeId, Timestamp)> {
    let home = view.nodes.iter().find(|node| node.is_home && node.id != owner && node.fits())?;
    let since = home.alive_since?.max(home.word.map_or(home.alive_since?, |word| word.since));
    Some((home.id, since.saturating_add(view.failback?)))
}

/// The node that clearly reaches more than a poor owner, and when the segment may move to it.
fn better_reach(view: &View, owner: NodeId) -> Option<(NodeId, Timestamp)> {
    let poor = view.nodes.iter().find(|node| node.id == owner)?.word.filter(ReachWord::is_poor)?;
    let better = || {
        let asked = view.nodes.iter().filter(|node| node.id != owner && node.fits());
        // A word from before the owner lost its devices says nothing about their loss.
        asked.filter(|node| node.word.is_some_and(|word| word.at >= poor.at && word.is_clearly_better_than(&poor)))
    };
    let chosen = better().find(|node| Some(node.id) == view.successor);
    let reached = |node: &NodeView| node.word.map_or(0, |word| word.reached);
    let node = chosen.or_else(|| better().min_by_key(|node| (Reverse(node.is_home), Reverse(reached(node)), node.segments, node.id)))?;
    Some((node.id, view.rests_until))
}

/// Where a segment should be, and what speaks for and against each node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The node that should own it; `None` if there is none for it.
    pub choice: Option<NodeId>,
    /// Every node of the site, by number.
    pub candidates: Vec<Candidate>,
    /// The decision in a sentence.
    pub in_words: String,
}

/// A node as a candidate for a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which node.
    pub node: NodeId,
    /// Whether it could be given the segment if nobody owned it.
    pub eligible: bool,
    /// What decides about it.
    pub why: Why,
}

/// What decides about a candidate; the first that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It has no session that is alive.
    NotAlive,
    /// It declares that it does not reach the segment's network.
    DoesNotReach,
    /// It is being drained.
    Draining,
    /// It reaches less than half of the devices, by its own word.
    Poor {
        /// How many devices answered it.
        reached: u32,
        /// Of how many.
        of: u32,
    },
    /// It owns the segment.
    Owner,
    /// It is the segment's home.
    Home,
    /// It is the home, but not back for long enough.
    HomeWaits {
        /// Until when.
        until: Timestamp,
    },
    /// It is the home, but segments stay where they are in this site.
    HomeOff,
    /// It reaches clearly more devices than the owner.
    ReachesMore {
        /// How many devices answered it.
        reached: u32,
        /// Of how many.
        of: u32,
        /// The segment moves not before this.
        from: Timestamp,
    },
    /// Nothing speaks against it.
    Available {
        /// How many other segments it has.
        segments: usize,
    },
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAlive => f.write_str("has no session"),
            Self::DoesNotReach => f.write_str("does not reach the segment's network"),
            Self::Draining => f.write_str("is being drained"),
            Self::Poor { reached, of } => write!(f, "reaches {reached} of {of} devices"),
            Self::Owner => f.write_str("owns it"),
            Self::Home => f.write_str("is its home"),
            Self::HomeWaits { .. } => f.write_str("is its home, but has not been back for long enough"),
            Self::HomeOff => f.write_str("is its home, but segments do not return by themselves"),
            Self::ReachesMore { reached, of, .. } => write!(f, "reaches {reached} of {of} devices, clearly more than the owner"),
            Self::Available { segments } => write!(f, "has {segments} other segments"),
        }
    }
}

/// Every candidate with what decides about it.
pub(crate) fn candidates(view: &View) -> Vec<Candidate> {
    view.nodes.iter().map(|node| Candidate { node: node.id, eligible: node.is_usable(), why: why(view, node) }).collect()
}

fn why(view: &View, node: &NodeView) -> Why {
    let more = || {
        let (better, from) = better_reach(view, view.owner?)?;
        node.word.filter(|_| better == node.id).map(|word| Why::ReachesMore { reached: word.reached, of: word.of, from })
    };
    match node.word {
        _ if node.alive_since.is_none() => Why::NotAlive,
        _ if !node.declares => Why::DoesNotReach,
        _ if node.draining => Why::Draining,
        Some(word) if word.is_poor() => Why::Poor { reached: word.reached, of: word.of },
        _ if view.owner == Some(node.id) => Why::Owner,
        _ if node.is_home => why_home(view),
        _ => more().unwrap_or(Why::Available { segments: node.segments }),
    }
}

/// What decides about a home that fits and is not the owner.
fn why_home(view: &View) -> Why {
    match view.owner.map(|owner| home_return(view, owner)) {
        None => Why::Home,
        Some(Some((_, due))) if due <= view.now => Why::Home,
        Some(Some((_, until))) => Why::HomeWaits { until },
        Some(None) => Why::HomeOff,
    }
}

#[cfg(test)]
#[path = "placement_tests.rs"]
mod tests;
