//! The leader's side of the lease: how long a session may go without a renewal before the leader proposes to end it.
//!
//! ```text
//!  another renewal applied              timer ran out
//!     +---> counting ---------------------------------> Expire proposed --+
//!     |        |  ^                                          ^             | every PROPOSE_AGAIN, until the session is over
//!     +--------+  +---- a new leader starts all in full      +-------------+
//! ```
//!
//! The timer runs on the leader's boot clock for [`LeaseTerms::leader_waits`] of the terms that the holder declared, from the moment when the
//! leader has applied the renewal: later than its sending, from which the holder counts. The proposal names the renewal that was
//! seen, and the machine ends the session only if none is newer, so a renewal that is on its way wins.
//!
//! A new leader starts every timer in full. While there was no leader, no holder could renew; those that are well must be given the time.
//!
//! Knows nothing of segments: what becomes of them is decided by the machine in the entry that ends the session.

use crate::Moment;
use labkeeper_machine::{Command, Session};
use labkeeper_model::{NodeId, SessionId};
use std::collections::BTreeMap;
use std::time::Duration;

/// Pause before an expiry is proposed again whose session is not over: a commit takes a few milliseconds, a quarter of a second
/// means that the proposal was lost, and adds at most that to a takeover.
pub const PROPOSE_AGAIN: Duration = Duration::from_millis(250);

/// A proposal to end a session whose holder has not renewed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expire {
    /// Whose session.
    pub node: NodeId,
    /// Which one.
    pub session: SessionId,
    /// The newest renewal that was seen; one that is newer voids the proposal.
    pub seq: u64,
}

impl From<Expire> for Command {
    fn from(Expire { node, session, seq }: Expire) -> Self {
        Self::ExpireSession { node, session, seq }
    }
}

/// The timers of a node, which run while it leads.
#[derive(Clone, Debug, Default)]
pub struct Expiry {
    /// The term in which this node leads.
    term: Option<u64>,
    /// One for each living session: at most as many as the site has nodes.
    timers: BTreeMap<NodeId, Timer>,
}

#[derive(Clone, Debug)]
struct Timer {
    session: SessionId,
    seq: u64,
    due: Moment,
}

impl Expiry {
    /// Without leadership, and without timers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes that this node leads in `term`, or does not lead. In a term that it did not lead before, every timer starts in full at the
    /// next [`Expiry::handle_view`], which must follow.
    pub fn handle_leadership(&mut self, leading: bool, term: u64, _now: Moment) {
        let term = leading.then_some(term);
        if term != self.term {
            self.timers.clear();
            self.term = term;
        }
    }

    /// Takes the sessions of this node's replica, after each change of them.
    pub fn handle_view<'a>(&mut self, sessions: impl IntoIterator<Item = (NodeId, &'a Session)>, now: Moment) {
        if self.term.is_none() {
            return;
        }
        let mut before = std::mem::take(&mut self.timers);
        for (node, session) in sessions.into_iter().filter(|(_, session)| session.alive) {
            let running = before.remove(&node).filter(|timer| (timer.session, timer.seq) == (session.id, session.seq));
            let start = || Timer { session: session.id, seq: session.seq, due: now.saturating_add(session.terms.leader_waits()) };
            self.timers.insert(node, running.unwrap_or_else(start));
        }
    }

    /// When [`Expiry::handle_timeout`] has something to do, and what.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Moment, &'static str)> {
        self.timers.values().map(|timer| (timer.due, "a session was not renewed")).min()
    }

    /// The sessions whose time has run out, to be proposed at once. They are proposed again as long as they live.
    #[must_use]
    pub fn handle_timeout(&mut self, now: Moment) -> Vec<Expire> {
        let due = self.timers.iter_mut().filter(|(_, timer)| now >= timer.due);
        due.map(|(node, timer)| {
            timer.due = now.saturating_add(PROPOSE_AGAIN);
            Expire { node: *node, session: timer.session, seq: timer.seq }
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use labkeeper_model::{LeaseTerms, Timestamp};

    fn at(ms: u64) -> Moment {
        Moment(ms * 1_000_000)
    }

    /// Without drift a leader waits 1,900 ms for it.
    fn session(id: SessionId, seq: u64) -> Session {
        let terms = LeaseTerms { drift_ppm: 0, ..LeaseTerms::default() };
        Session { id, seq, alive: true, opened: Timestamp::default(), renewed: Timestamp::default(), ended: None, terms }
    }

    fn leading() -> Expiry {
        let mut expiry = Expiry::new();
        expiry.handle_leadership(true, 1, at(0));
        expiry
    }

    fn expire(node: NodeId, session: SessionId, seq: u64) -> Expire {
        Expire { node, session, seq }
    }

    #[test]
    fn a_session_is_ended_by_the_terms_that_its_holder_declared() {
        let slow = Session { terms: LeaseTerms { lease: Duration::from_secs(3), ..session(8, 0).terms }, ..session(8, 0) };
        let mut expiry = leading();
        expiry.handle_view([(1, &session(7, 4)), (2, &slow)], at(100));
        assert_eq!(expiry.poll_timeout(), Some((at(2_000), "a session was not renewed")));
        assert_eq!(expiry.handle_timeout(at(1_999)), []);
        assert_eq!(expiry.handle_timeout(at(2_000)), [expire(1, 7, 4)]);
        assert_eq!(expiry.handle_timeout(at(3_500)), [expire(1, 7, 4), expire(2, 8, 0)]);
    }

    #[test]
    fn a_renewal_starts_the_timer_anew_and_anything_else_does_not() {
        let mut expiry = leading();
        expiry.handle_view([(1, &session(7, 4))], at(0));
        expiry.handle_view([(1, &session(7, 4))], at(1_000));
        assert_eq!(expiry.poll_timeout().map(|due| due.0), Some(at(1_900)));
        expiry.handle_view([(1, &session(7, 5))], at(1_000));
        assert_eq!(expiry.poll_timeout().map(|due| due.0), Some(at(2_900)));
        expiry.handle_view([(1, &session(9, 5))], at(1_200));
        assert_eq!(expiry.poll_timeout().map(|due| due.0), Some(at(3_100)));
    }

    #[test]
    fn a_proposal_that_ended_nothing_is_made_again() {
        let mut expiry = leading();
        expiry.handle_view([(1, &session(7, 4))], at(0));
        assert_eq!(expiry.handle_timeout(at(1_900)).len(), 1);
        assert_eq!(expiry.handle_timeout(at(2_149)), []);
        assert_eq!(expiry.handle_timeout(at(2_150)), [expire(1, 7, 4)]);
        expiry.handle_view([(1, &Session { alive: false, ..session(7, 4) })], at(2_200));
        assert_eq!((expiry.poll_timeout(), expiry.handle_timeout(at(60_000))), (None, vec![]));
    }

    #[test]
    fn a_new_leader_starts_every_timer_in_full() {
        let mut expiry = leading();
        expiry.handle_view([(1, &session(7, 4))], at(0));
        expiry.handle_leadership(false, 1, at(1_000));
        assert_eq!((expiry.poll_timeout(), expiry.handle_timeout(at(1_900))), (None, vec![]));
        expiry.handle_view([(1, &session(7, 4))], at(1_500));
        assert_eq!(expiry.poll_timeout(), None, "who does not lead counts nothing");
        expiry.handle_leadership(true, 3, at(1_950));
        expiry.handle_view([(1, &session(7, 4))], at(1_950));
        assert_eq!(expiry.poll_timeout().map(|due| due.0), Some(at(3_850)));
        expiry.handle_leadership(true, 3, at(2_000));
        assert_eq!(expiry.poll_timeout().map(|due| due.0), Some(at(3_850)), "hearing of the same term again changes nothing");
        expiry.handle_leadership(true, 5, at(2_500));
        expiry.handle_view([(1, &session(7, 4))], at(2_500));
        assert_eq!(expiry.poll_timeout().map(|due| due.0), Some(at(4_400)));
    }
}
