//! The product's lease, as it is, or with one of its rules left out.
//!
//! Left out, a *ghost* of the session outlives the lease: the holder goes on as if it had not run out. With
//! [`Mutation::CountFromAck`] until a lease's length after the last answer; with [`Mutation::NoSelfFence`] until the replica
//! or an answer says that the session is over.

use crate::mutation::Mutation;
use labkeeper_model::SessionId;
use labkeeper_ownership::Moment;
use labkeeper_ownership::lease::{Action, Lease};
use std::time::Duration;

/// The right to drive, as a node believes it to be.
#[derive(Clone, Debug)]
pub struct Rights {
    lease: Lease,
    t_io: Duration,
    mutation: Option<Mutation>,
    /// When the newest answer came.
    answered: Moment,
    ghost: Option<Ghost>,
}

#[derive(Clone, Copy, Debug)]
struct Ghost {
    session: SessionId,
    until: Moment,
}

impl Rights {
    pub(crate) fn new(lease: Lease, t_io: Duration, mutation: Option<Mutation>) -> Self {
        Self { lease, t_io, mutation, answered: Moment(0), ghost: None }
    }

    pub(crate) fn session(&self) -> Option<SessionId> {
        self.ghost.map(|ghost| ghost.session).or_else(|| self.lease.session())
    }

    /// Until when the holder believes in its rights.
    pub(crate) fn valid_until(&self) -> Option<Moment> {
        match self.ghost {
            Some(ghost) => Some(ghost.until),
            None => self.lease.valid_until().map(|until| until.max(self.stretched())),
        }
    }

    pub(crate) fn may_write(&self, now: Moment) -> bool {
        self.valid_until().is_some_and(|until| now < until.saturating_sub(self.t_io))
    }

    pub(crate) fn poll_timeout(&self) -> Option<Moment> {
        let ghost = self.ghost.map(|ghost| ghost.until);
        self.lease.poll_timeout().map(|due| due.0).into_iter().chain(ghost).min()
    }

    pub(crate) fn handle_timeout(&mut self, now: Moment) -> Option<Action> {
        if self.ghost.is_some_and(|ghost| now >= ghost.until) {
            return self.end_ghost("the ghost's time is over");
        }
        let held = self.lease.session();
        let action = self.lease.handle_timeout(now);
        let has_run_out = action == Some(Action::Fence { why: "the lease ran out" });
        if let Some(session) = held.filter(|_| has_run_out && now < self.stretched()) {
            self.ghost = Some(Ghost { session, until: self.stretched() });
            return None;
        }
        action
    }

    pub(crate) fn handle_opened(&mut self, session: SessionId, sent: Moment, now: Moment) -> Option<Action> {
        self.lease.handle_opened(session, sent, now);
        self.answered = now;
        self.end_ghost("another session is open")
    }

    pub(crate) fn handle_lost_answer(&mut self, sent: Moment, now: Moment) {
        self.lease.handle_lost_answer(sent, now);
    }

    pub(crate) fn handle_renewed(&mut self, seq: u64, now: Moment) {
        self.lease.handle_renewed(seq, now);
        self.answered = now;
    }

    pub(crate) fn handle_fenced(&mut self, seq: u64, now: Moment) {
        self.lease.handle_fenced(seq, now);
    }

    pub(crate) fn handle_view(&mut self, newest: SessionId, is_alive: bool, now: Moment) -> Option<Action> {
        self.lease.handle_view(newest, is_alive, now);
        let is_over = self.ghost.is_some_and(|ghost| newest > ghost.session || (newest == ghost.session && !is_alive));
        if is_over { self.end_ghost("the replicated state has ended the ghost's session") } else { None }
    }

    pub(crate) fn close(&mut self) -> Option<SessionId> {
        self.ghost = None;
        self.lease.close()
    }

    fn end_ghost(&mut self, why: &'static str) -> Option<Action> {
        self.ghost.take().map(|_| Action::Fence { why })
    }

    /// Until when the rule that was left out lets the holder go on.
    fn stretched(&self) -> Moment {
        match self.mutation {
            Some(Mutation::CountFromAck) => self.answered.saturating_add(self.lease.terms().lease),
            Some(Mutation::NoSelfFence) => Moment(u64::MAX / 4),
            _ => Moment(0),
        }
    }
}
