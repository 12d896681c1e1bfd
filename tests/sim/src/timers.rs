//! The product's expiry timers, as they are, or such that a leader goes on with the timers of its earlier term.
//!
//! The latter ([`Mutation::KeepTimers`]) is the fault that comes naturally: a time for each node that is put off whenever a renewal is
//! applied while leading, and looked at whenever leading.

use crate::mutation::Mutation;
use labkeeper_machine::Session;
use labkeeper_model::NodeId;
use labkeeper_ownership::Moment;
use labkeeper_ownership::expiry::{Expire, Expiry, PROPOSE_AGAIN};
use std::collections::BTreeMap;

/// The timers of a node's process.
#[derive(Clone, Debug)]
pub struct Timers {
    expiry: Expiry,
    kept: Option<Kept>,
}

#[derive(Clone, Debug, Default)]
struct Kept {
    is_leading: bool,
    due: BTreeMap<NodeId, Moment>,
    sessions: BTreeMap<NodeId, Session>,
}

impl Timers {
    pub(crate) fn new(mutation: Option<Mutation>) -> Self {
        let is_kept = mutation == Some(Mutation::KeepTimers);
        Self { expiry: Expiry::new(), kept: is_kept.then(Kept::default) }
    }

    pub(crate) fn handle_leadership(&mut self, leading: bool, term: u64, now: Moment) {
        self.expiry.handle_leadership(leading, term, now);
        if let Some(kept) = &mut self.kept {
            kept.is_leading = leading;
        }
    }

    /// `renewed`: whose sessions the entries applied last have opened or renewed.
    pub(crate) fn handle_view(&mut self, sessions: &BTreeMap<NodeId, Session>, renewed: &[NodeId], now: Moment) {
        match &mut self.kept {
            None => self.expiry.handle_view(sessions.iter().map(|(node, session)| (*node, session)), now),
            Some(kept) => kept.handle_view(sessions, renewed, now),
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Moment> {
        match &self.kept {
            None => self.expiry.poll_timeout().map(|due| due.0),
            Some(kept) => kept.due.values().min().copied().filter(|_| kept.is_leading),
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Moment) -> Vec<Expire> {
        match &mut self.kept {
            None => self.expiry.handle_timeout(now),
            Some(kept) => kept.handle_timeout(now),
        }
    }
}

impl Kept {
    fn handle_view(&mut self, sessions: &BTreeMap<NodeId, Session>, renewed: &[NodeId], now: Moment) {
        if !self.is_leading {
            return;
        }
        self.sessions.clone_from(sessions);
        for (node, session) in sessions {
            let due = now.saturating_add(session.terms.leader_waits());
            let timer = self.due.entry(*node).or_insert(due);
            if renewed.contains(node) {
                *timer = due;
            }
        }
    }

    fn handle_timeout(&mut self, now: Moment) -> Vec<Expire> {
        let mut expired = Vec::new();
        for (node, due) in self.due.iter_mut().filter(|(_, due)| self.is_leading && now >= **due) {
            *due = now.saturating_add(PROPOSE_AGAIN);
            let session = self.sessions.get(node).filter(|session| session.alive);
            expired.extend(session.map(|session| Expire { node: *node, session: session.id, seq: session.seq }));
        }
        expired
    }
}
