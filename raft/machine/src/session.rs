//! Sessions: a node's word that it lives, renewed through the log, and ended by itself or by the leader.
//!
//! ```text
//!            open                    renew (seq grows)
//!   none -----------> alive <-----------------------------+
//!    ^                 | | |                              |
//!    |                 | | +------------------------------+
//!    |    expire       | |   end              open again
//!    |    (seq as seen)| |   (as planned)     (a new process)
//!   ended <------------+-+------------------> alive, another number
//! ```
//!
//! **Renewals go through the log**, so that each is ordered before or after an expiry and there is nothing to guess: the leader, whose
//! timer ran out, says which renewal it saw last, and [`Command::ExpireSession`] does nothing if another was ordered first. The machine
//! reads no clock: how long a session lasts is known to its holder, which stops in time by its own clock, and to the leader, which waits
//! for longer by its own.
//!
//! **Opening again** says that nothing of the earlier session drives a device any more; so the node's segments are granted to it again
//! in the same entry, under the next epoch. They do not go to anybody else at that moment; if they should, that is planned from there on.
//! An opening names the newest session of the node that its sender knew, and is refused if there is a newer one: an opening that was delayed
//! on its way would otherwise end the session that was opened meanwhile and is driven under.
//!
//! A node that was removed from the site keeps its session until it ends or runs out, as its removal stops no process; it cannot renew it.
//!
//! [`Command::ExpireSession`]: crate::Command::ExpireSession

use crate::Machine;
use crate::audit::{Deed, SELF};
use crate::invariant::Invariant;
use crate::nodes::unknown;
use crate::ownership::{Leaving, reaches};
use crate::reply::{Effect, Rejection, Reply};
use crate::state::{Cause, Session};
use labkeeper_model::{ErrorCode, LeaseTerms, NodeId, SessionId};

impl Machine {
    pub(crate) fn open_session(
        &mut self,
        node: NodeId,
        after: SessionId,
        terms: LeaseTerms,
        effects: &mut Vec<Effect>,
    ) -> Result<Reply, Rejection> {
        let name = self.nodes.get(&node).ok_or_else(|| unknown(node))?.name.to_string();
        if let Some(newer) = self.sessions.get(&node).filter(|held| held.id > after) {
            let message = format!("{name} has opened session {} since {after}, the newest that this opening knew of", newer.id);
            return Err(Rejection::new(ErrorCode::Fenced, message));
        }
        if !terms.are_possible() {
            return Err(Rejection::new(ErrorCode::BadRequest, format!("the lease terms of {name} cannot be kept: {terms:?}")));
        }
        if self.is_sessionless() {
            self.end_sessionless_time(effects);
        }
        // Saturates after 2^64 sessions: half a million years at one per microsecond. The newest of all is the largest, unless a dump was
        // damaged.
        let newest = self.sessions.values().map(|held| held.id).fold(self.last_session, SessionId::max);
        let id = newest.saturating_add(1);
        let session = Session { id, seq: 0, alive: true, opened: self.time, renewed: self.time, ended: None, terms };
        self.last_session = id;
        let earlier = self.sessions.insert(node, session);
        self.faults.check(
            earlier.is_none_or(|earlier| earlier.id < id || id == SessionId::MAX),
            Invariant::SessionsGrow,
            self.applied,
            || format!("{id} after {earlier:?}"),
        );
        self.note_session(&name, format!("opened session {id}"));
        effects.push(Effect::SessionChanged { node });
        if let Some(earlier) = earlier {
            self.end_departures(earlier.id, u64::MAX, effects);
            self.take_back(node, Leaving { cause: Cause::Restarted, last_renewal: earlier.renewed }, effects);
        }
        self.node_found(node, effects);
        self.review(effects);
        Ok(Reply::Session(id))
    }

    /// Grants a node that started again what it owned before, unless it has said since that it does not reach it. (It says so before it
    /// opens a session, so there is no session of that process that could be driving it.)
    fn take_back(&mut self, node: NodeId, leaving: Leaving, effects: &mut Vec<Effect>) {
        for segment in self.owned_by(node) {
            let declared = self.site.segments.get_key_value(segment.as_str()).map(|(name, _)| name);
            let reached = declared.zip(self.nodes.get(&node)).is_some_and(|(name, node)| reaches(node, name));
            if reached {
                self.grant(&segment, Some(node), Some(leaving), effects);
            } else {
                self.hand_on(vec![segment], Leaving { cause: Cause::SiteChanged, ..leaving }, effects);
            }
        }
    }

    pub(crate) fn renew_session(
        &mut self,
        node: NodeId,
        session: SessionId,
        seq: u64,
        effects: &mut Vec<Effect>,
    ) -> Result<Reply, Rejection> {
        let Session { seq: newest, .. } = self.held_session(node, session)?;
        if !self.nodes.contains_key(&node) {
            return Err(fenced(node, session, "the node was removed from the site"));
        }
        if seq <= newest {
            // Neither good nor bad news to whoever sent it: a later renewal has been answered, or will be.
            return Err(Rejection::new(ErrorCode::AlreadyDecided, format!("renewal {seq} of session {session} comes after {newest}")));
        }
        if let Some(held) = self.sessions.get_mut(&node) {
            (held.seq, held.renewed) = (seq, self.time);
        }
        effects.push(Effect::SessionRenewed { node });
        Ok(Reply::Done)
    }

    pub(crate) fn expire_session(&mut self, node: NodeId, session: SessionId, seq: u64, effects: &mut Vec<Effect>) -> Reply {
        let Some(name) = self.held_session(node, session).ok().filter(|held| held.seq == seq).map(|_| self.in_words(Some(node))) else {
            return Reply::Expired { ended: false };
        };
        self.note_session(&name, format!("session {session} ran out after renewal {seq}"));
        self.close(node, Cause::SessionExpired, effects);
        self.node_lost(node, effects);
        Reply::Expired { ended: true }
    }

    pub(crate) fn end_session(&mut self, node: NodeId, session: SessionId, effects: &mut Vec<Effect>) -> Result<Reply, Rejection> {
        self.held_session(node, session)?;
        let name = self.in_words(Some(node));
        self.note_session(&name, format!("ended session {session}"));
        self.close(node, Cause::SessionEnded, effects);
        Ok(Reply::Done)
    }

    /// Ends a session that is alive, and hands on what was owned under it.
    fn close(&mut self, node: NodeId, cause: Cause, effects: &mut Vec<Effect>) {
        let Some(session) = self.sessions.get_mut(&node) else { return };
        (session.alive, session.ended) = (false, Some(self.time));
        let (last_renewal, ended) = (session.renewed, session.id);
        effects.push(Effect::SessionChanged { node });
        self.end_departures(ended, u64::MAX, effects);
        self.hand_on(self.owned_by(node), Leaving { cause, last_renewal }, effects);
        if !self.nodes.contains_key(&node) {
            self.sessions.remove(&node);
        }
        self.review(effects);
    }

    /// The session of that number, if it is the node's and alive.
    ///
    /// # Errors
    /// [`ErrorCode::Fenced`] otherwise.
    pub(crate) fn held_session(&self, node: NodeId, session: SessionId) -> Result<Session, Rejection> {
        let held = self.sessions.get(&node).filter(|held| held.alive && held.id == session);
        held.copied().ok_or_else(|| match self.sessions.get(&node).filter(|held| held.alive) {
            Some(other) => fenced(node, session, &format!("session {} has taken its place", other.id)),
            None => fenced(node, session, "the node has none"),
        })
    }

    fn note_session(&mut self, node: &str, detail: String) {
        self.note(Deed { actor: SELF, action: "session", target: node, detail, reason: "" });
    }
}

fn fenced(node: NodeId, session: SessionId, why: &str) -> Rejection {
    Rejection::new(ErrorCode::Fenced, format!("session {session} of node {node} is not alive: {why}"))
}
