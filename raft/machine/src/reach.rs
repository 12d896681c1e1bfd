//! Lack of reach: a segment whose owner is alive but cannot talk to its devices.
//!
//! ```text
//!   owner says: 1 of 4 --> the others that declare reach are asked to probe --> one says: 4 of 4 --> the segment moves (placement)
//!                                                                               none is clearly better: asked again every 5 s
//! ```
//!
//! A node's word stands until it says otherwise, through restarts too: a node that did not reach a segment is not given it back because
//! it forgot. The home of a segment that does not reach it is therefore asked again and again.
//!
//! **Never back and forth.** A segment that moved for this reason stays for a *rest*, which doubles with each such move and begins anew
//! after a long quiet. Whether a word is good enough, `placement` decides.
//!
//! Knows nothing of how a device is probed.

use crate::Machine;
use crate::reply::{Effect, Rejection, Reply};
use crate::state::{Cooldown, ReachWord, Session};
use labkeeper_model::{Epoch, ErrorCode, NodeId, SessionId, Timestamp};
use std::time::Duration;

/// Rest after a first move: three times what an owner waits before it complains (3 s), and a second for the probe.
pub(crate) const REST_MIN: Duration = Duration::from_secs(10);
/// Longest rest. From 10 s it is reached at the fifth doubling; a field network that comes and goes costs twelve moves an hour from there on.
pub(crate) const REST_MAX: Duration = Duration::from_secs(300);
/// After this long without a move the next rest is the shortest again: twice the longest rest, so that a segment that moves as often as
/// it may does not count as quiet.
const QUIET: Duration = Duration::from_secs(600);
/// How often a node is asked for its word again. A word is one entry of the log: with 7 nodes and 20 segments in trouble, 28 a second.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// What a node says about a segment.
pub(crate) struct Word<'a> {
    pub(crate) node: NodeId,
    pub(crate) session: SessionId,
    pub(crate) segment: &'a str,
    pub(crate) epoch: Option<Epoch>,
    pub(crate) reached: u32,
    pub(crate) of: u32,
}

impl Machine {
    pub(crate) fn report_reach(&mut self, said: &Word<'_>, effects: &mut Vec<Effect>) -> Result<Reply, Rejection> {
        let Session { .. } = self.held_session(said.node, said.session)?;
        if let Some(epoch) = said.epoch {
            self.owned_under(said.node, said.segment, epoch)?;
        }
        if !self.has_segment(said.segment) || !self.nodes.contains_key(&said.node) {
            let segment = crate::text::cut(said.segment.to_owned(), 100);
            return Err(Rejection::new(ErrorCode::BadRequest, format!("the site has no segment {segment}, or no node {}", said.node)));
        }
        self.take_word(said.segment, said.node, said.reached.min(said.of), said.of, effects);
        self.review(effects);
        Ok(Reply::Done)
    }

    /// Remembers what a node reaches of a segment.
    pub(crate) fn take_word(&mut self, segment: &str, node: NodeId, reached: u32, of: u32, effects: &mut Vec<Effect>) {
        let words = self.words.entry(segment.to_owned()).or_default();
        let mut word = ReachWord { reached, of, at: self.time, since: self.time };
        if let Some(before) = words.get(&node).filter(|before| before.is_poor() == word.is_poor()) {
            word.since = before.since;
        }
        words.insert(node, word);
        effects.push(Effect::ReachChanged { segment: segment.to_owned() });
    }

    /// A segment has moved for lack of reach: it stays for a while.
    pub(crate) fn rest(&mut self, segment: &str) {
        let before = self.cooldowns.get(segment).filter(|before| before.moved.saturating_add(QUIET) > self.time);
        let rest = before.map_or(REST_MIN, |before| before.rest.saturating_mul(2).min(REST_MAX));
        self.cooldowns.insert(segment.to_owned(), Cooldown { moved: self.time, rest });
    }

    /// Until when a segment does not move for lack of reach.
    pub(crate) fn rests_until(&self, segment: &str) -> Timestamp {
        self.cooldowns.get(segment).map_or(Timestamp(i64::MIN), |cooldown| cooldown.moved.saturating_add(cooldown.rest))
    }

    /// The segments that a node should probe and tell of: those whose owner reaches less than half of the devices, if the node could
    /// take over; and those whose home it is, if it did not reach them when it said so last. Not more often than every 5 s.
    #[must_use]
    pub fn probes_wanted(&self, node: NodeId) -> Vec<String> {
        let Some(info) = self.nodes.get(&node) else { return vec![] };
        let is_candidate = self.sessions.get(&node).is_some_and(|session| session.alive) && !self.draining.contains(&node);
        let segments = self.site.segments.iter().filter(|(segment, spec)| {
            let is_home = spec.home.as_ref() == Some(&info.name);
            is_candidate && crate::ownership::reaches(info, segment) && self.is_probe_wanted(node, segment.as_str(), is_home)
        });
        segments.map(|(segment, _)| segment.to_string()).collect()
    }

    fn is_probe_wanted(&self, node: NodeId, segment: &str, is_home: bool) -> bool {
        let Some(owner) = self.ownership(segment).owner.filter(|owner| *owner != node) else { return false };
        let word = |node| self.words.get(segment).and_then(|words| words.get(&node));
        let is_old = |word: &ReachWord| word.at.saturating_add(ASK_AGAIN_AFTER) <= self.time;
        match (word(owner).filter(|word| word.is_poor()), word(node)) {
            (Some(poor), own) => own.is_none_or(|own| own.at < poor.at || is_old(own)),
            (None, Some(own)) => is_home && own.is_poor() && is_old(own),
            (None, None) => false,
        }
    }
}
