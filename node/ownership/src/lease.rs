//! The right to drive: a session with the site that is good for a while after each renewal, on this node's own boot clock.
//!
//! ```text
//!            Open                  opened
//!  closed ---------> opening -------------------> held --+  Renew every `renew`; each answer moves `valid_until`
//!    ^  ^               |                          |  ^--+
//!    |  +-- no answer, refused, too late           |
//!    +------------------ Fence: the lease ran out, or the session is over
//!
//!  sending of the newest renewal that was acknowledged
//!    |--------------------- lease ---------------------------|
//!    |--- writes ----| GoSafe --- writes ---|---- none ------|---- none ---->|
//!                    |        T_io          |      T_io      |     guard     |
//!                                      write_until      valid_until      Open again
//! ```
//!
//! Why two nodes never drive at once, as far as this side goes:
//!
//! - **Counted from sending.** The leader counts its longer wait from applying the renewal, which is later than its sending. Counted
//!   from the answer, a slow answer would add its delay to the lease.
//! - **Nothing is begun after `write_until`.** A write takes effect at most `T_io` after it was sent, so by `valid_until` all is over. A
//!   process that stalls between looking and sending is late by the stall, for which the leader waits its `guard` longer.
//! - **An own opening is no shortcut.** Opening ends the node's earlier session at once and grants anew in the same entry, so it is sent
//!   only when nothing of the earlier session can be in flight: `guard` after the lease ran out or was called over, `T_io` after the
//!   process's start, since the process before it may have died in the middle of a write.
//! - **A late opening is void.** A proposal without an answer may be committed much later, and would end the session that is held by then.
//!   So an opening names the newest session that its sender knew (`after`), and the machine refuses it if there is a newer one.
//! - **Numbers are never used again.** An answer to another session's renewal, or to one that a newer answer has outdated, finds no number
//!   to belong to, and changes nothing.
//!
//! Knows nothing of segments and devices: whoever drives asks [`Lease::may_write`] immediately before each write.

use crate::Moment;
use labkeeper_machine::Command;
use labkeeper_model::{LeaseTerms, NodeId, SessionId};
use std::collections::BTreeMap;
use std::time::Duration;

/// Something for the shell to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Propose the opening of a session.
    Open {
        /// The newest session of this node that it knows of; 0: none.
        after: SessionId,
    },
    /// Propose a renewal.
    Renew {
        /// The session.
        session: SessionId,
        /// The renewal's number, larger than any before it.
        seq: u64,
    },
    /// The lease is about to run out: drive what has a safe value there, while that is still allowed.
    GoSafe,
    /// Cut every connection to a device, with a reset, and forget what was owned.
    Fence {
        /// In words.
        why: &'static str,
    },
}

/// The state machine of one node's lease.
#[derive(Clone, Debug)]
pub struct Lease {
    node: NodeId,
    terms: LeaseTerms,
    /// The longest time for which a write that was sent can still take effect.
    t_io: Duration,
    /// The newest session of this node that it has heard of.
    known: SessionId,
    /// The number of the last renewal, over all sessions of this process.
    last_seq: u64,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Closed {
        open_at: Moment,
    },
    Opening {
        sent: Moment,
    },
    Held(Held),
    /// The session is over; the shell has not been told to fence.
    Over {
        why: &'static str,
    },
    /// Closed for good.
    Ended,
}

#[derive(Clone, Debug)]
struct Held {
    session: SessionId,
    valid_until: Moment,
    renew_at: Moment,
    /// When renewals were sent that have no answer. One is sent every `renew` and forgotten after `lease`, when its answer could not help:
    /// at most lease / renew + 1, which is 6 by default.
    sent: BTreeMap<u64, Moment>,
    /// Whether the shell was told to drive to safe values since the last answer.
    has_warned: bool,
}

impl Lease {
    /// The lease of a process that started at `now`. It opens its first session `t_io` later.
    #[must_use]
    pub fn new(node: NodeId, terms: LeaseTerms, t_io: Duration, now: Moment) -> Self {
        let state = State::Closed { open_at: now.saturating_add(t_io) };
        Self { node, terms, t_io, known: 0, last_seq: 0, state }
    }

    /// Its terms, which are declared when a session is opened.
    #[must_use]
    pub fn terms(&self) -> LeaseTerms {
        self.terms
    }

    /// The session that is held.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        self.held().map(|held| held.session)
    }

    /// When the session's rights end unless a renewal is acknowledged.
    #[must_use]
    pub fn valid_until(&self) -> Option<Moment> {
        self.held().map(|held| held.valid_until)
    }

    /// From when on no write may be begun: `T_io` before [`Lease::valid_until`].
    #[must_use]
    pub fn write_until(&self) -> Option<Moment> {
        self.valid_until().map(|until| until.saturating_sub(self.t_io))
    }

    /// Whether a write may be begun at `now`. To be asked immediately before sending, with nothing awaited in between.
    #[must_use]
    pub fn may_write(&self, now: Moment) -> bool {
        self.write_until().is_some_and(|until| now < until)
    }

    /// When [`Lease::handle_timeout`] has something to do, and what.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Moment, &'static str)> {
        match &self.state {
            State::Closed { open_at } => Some((*open_at, "open a session")),
            State::Opening { sent } => Some((sent.saturating_add(self.terms.lease), "the opening has no answer")),
            State::Over { why } => Some((Moment::default(), why)),
            State::Ended => None,
            State::Held(held) => {
                let safe = (!held.has_warned).then(|| (self.safe_at(held), "the lease is about to run out"));
                let others = [(held.renew_at, "renew the lease"), (held.valid_until, "the lease runs out")];
                others.into_iter().chain(safe).min()
            }
        }
    }

    /// Takes that a time has come; to be called until there is nothing to do.
    #[must_use]
    pub fn handle_timeout(&mut self, now: Moment) -> Option<Action> {
        match &mut self.state {
            State::Opening { sent } if now >= sent.saturating_add(self.terms.lease) => Some(self.open(now)),
            State::Closed { open_at } if now >= *open_at => Some(self.open(now)),
            State::Over { why } => {
                let why = *why;
                self.state = State::Closed { open_at: now.saturating_add(self.terms.guard) };
                Some(Action::Fence { why })
            }
            State::Held(_) => self.handle_held(now),
            State::Opening { .. } | State::Closed { .. } | State::Ended => None,
        }
    }

    /// What is to be proposed for an action; `None` if nothing is.
    #[must_use]
    pub fn command(&self, action: Action) -> Option<Command> {
        let Self { node, terms, .. } = *self;
        match action {
            Action::Open { after } => Some(Command::OpenSession { node, after, terms }),
            Action::Renew { session, seq } => Some(Command::RenewSession { node, session, seq }),
            Action::GoSafe | Action::Fence { .. } => None,
        }
    }

    /// Takes the answer to the opening that was proposed at `sent`. Counts as a renewal that was sent then.
    pub fn handle_opened(&mut self, session: SessionId, sent: Moment, now: Moment) {
        if !self.is_opening(sent) {
            return;
        }
        self.known = self.known.max(session);
        let valid_until = sent.saturating_add(self.terms.lease);
        self.state = if now < valid_until {
            let renew_at = sent.saturating_add(self.terms.renew);
            State::Held(Held { session, valid_until, renew_at, sent: BTreeMap::new(), has_warned: false })
        } else {
            // Nothing was driven under it, so nothing can be in flight.
            State::Closed { open_at: now }
        };
    }

    /// Takes that the opening proposed at `sent` was refused, or that its answer was lost: another follows after `renew`, as an opening is
    /// an entry like a renewal. Lost answers to renewals need no call, as the next renewal goes out in any case.
    pub fn handle_lost_answer(&mut self, sent: Moment, now: Moment) {
        if self.is_opening(sent) {
            self.state = State::Closed { open_at: now.saturating_add(self.terms.renew) };
        }
    }

    /// Takes that the renewal of that number was committed while the session stood.
    pub fn handle_renewed(&mut self, seq: u64, now: Moment) {
        let (lease, t_io) = (self.terms.lease, self.t_io);
        let State::Held(held) = &mut self.state else { return };
        let Some(sent) = held.sent.remove(&seq) else { return };
        held.sent.retain(|_, older| *older > sent);
        held.valid_until = held.valid_until.max(sent.saturating_add(lease));
        held.has_warned &= now >= held.valid_until.saturating_sub(t_io * 2);
    }

    /// Takes that the renewal of that number was refused because its session is over.
    pub fn handle_fenced(&mut self, seq: u64, _now: Moment) {
        if self.held().is_some_and(|held| held.sent.contains_key(&seq)) {
            self.state = State::Over { why: "a renewal was refused: the session is over" };
        }
    }

    /// Takes what this node's replica says about this node's newest session. The replica may lag: it can end the session that is
    /// held, but proves nothing in its favour.
    pub fn handle_view(&mut self, newest: SessionId, is_alive: bool, _now: Moment) {
        self.known = self.known.max(newest);
        if self.held().is_some_and(|held| newest > held.session || (newest == held.session && !is_alive)) {
            self.state = State::Over { why: "the replicated state has ended the session" };
        }
    }

    /// Closes the lease for good: a planned stop, after every connection to a device was closed. Gives the session to end, if one is held.
    #[must_use]
    pub fn close(&mut self) -> Option<SessionId> {
        let session = self.session();
        self.state = State::Ended;
        session
    }

    fn held(&self) -> Option<&Held> {
        if let State::Held(held) = &self.state { Some(held) } else { None }
    }

    fn is_opening(&self, asked: Moment) -> bool {
        matches!(self.state, State::Opening { sent } if sent == asked)
    }

    /// From when on there is time for one more write and its answer, and not for two.
    fn safe_at(&self, held: &Held) -> Moment {
        held.valid_until.saturating_sub(self.t_io * 2)
    }

    fn open(&mut self, now: Moment) -> Action {
        self.state = State::Opening { sent: now };
        Action::Open { after: self.known }
    }

    fn handle_held(&mut self, now: Moment) -> Option<Action> {
        let held = self.held()?;
        let (safe_at, valid_until) = (self.safe_at(held), held.valid_until);
        if now >= valid_until {
            self.state = State::Closed { open_at: valid_until.saturating_add(self.terms.guard) };
            return Some(Action::Fence { why: "the lease ran out" });
        }
        let State::Held(held) = &mut self.state else { return None };
        if now >= safe_at && !held.has_warned {
            held.has_warned = true;
            return Some(Action::GoSafe);
        }
        if now < held.renew_at {
            return None;
        }
        // Saturates after 2^64 renewals: at three a second, not in this world.
        self.last_seq = self.last_seq.saturating_add(1);
        held.renew_at = now.saturating_add(self.terms.renew);
        held.sent.retain(|_, sent| now < sent.saturating_add(self.terms.lease));
        held.sent.insert(self.last_seq, now);
        Some(Action::Renew { session: held.session, seq: self.last_seq })
    }
}

#[cfg(test)]
#[path = "lease_tests.rs"]
mod tests;
