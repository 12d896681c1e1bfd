//! The log that all replicas agree on, as consensus would make it, without consensus: one leader at a time puts proposals in order, what
//! is on a majority is committed, and when the leader changes, a part of what was on its way survives.
//!
//! ```text
//!   proposal --> leader's log (stamped by its wall clock) --> committed, in order, while the leader has a majority
//!                     |
//!                     +-- another leader: of what has reached it, the first so many survive and are committed in its term;
//!                         the rest is gone
//! ```
//!
//! So a proposal without an answer may have been lost, or be committed much later, and nobody can tell which. A former leader that does
//! not know better still takes proposals, which lead nowhere.
//!
//! The agreed machine is what an observer would have who sees each entry at the moment of its commit. The invariants look at it; no node can.

use crate::clock::SimTime;
use crate::dice::Dice;
use crate::event::{Life, Proposal};
use crate::mutation::twist;
use crate::setting::Setting;
use labkeeper_machine::{Applied, Command, Machine, Stamp};
use labkeeper_model::{LogIndex, Timestamp};
use std::collections::VecDeque;
use std::time::Duration;

/// A committed entry.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Index and the leader's time.
    pub stamp: Stamp,
    /// What was proposed.
    pub asked: Command,
    /// What was applied: the same, unless a rule is left out.
    pub command: Command,
    /// When it was committed.
    pub committed: SimTime,
    /// The proposing node.
    pub from: usize,
    /// In which of its lives.
    pub life: Life,
    /// Which of its proposals.
    pub ticket: u64,
    /// When it was proposed first.
    pub sent: SimTime,
    /// What the machine answered.
    pub applied: Applied,
}

/// A proposal in the leader's log.
#[derive(Clone, Debug)]
struct Pending {
    proposal: Proposal,
    time: Timestamp,
    ready: SimTime,
    /// The nodes that it may have reached, one bit for each.
    spread: u64,
}

/// The log.
#[derive(Clone, Debug)]
pub struct Log {
    first: LogIndex,
    entries: Vec<Entry>,
    pending: VecDeque<Pending>,
    term: u64,
    leader: Option<usize>,
    /// While it is not zero, the leader's disk is slow.
    pub slow_disks: u8,
    agreed: Machine,
}

impl Log {
    /// A log whose entries follow those that founded the site.
    #[must_use]
    pub fn new(founded: Machine) -> Self {
        let first = founded.applied() + 1;
        Self { first, entries: vec![], pending: VecDeque::new(), term: 0, leader: None, slow_disks: 0, agreed: founded }
    }

    /// The state after every committed entry.
    #[must_use]
    pub fn agreed(&self) -> &Machine {
        &self.agreed
    }

    /// The newest entry.
    #[must_use]
    pub fn newest(&self) -> Option<&Entry> {
        self.entries.last()
    }

    /// The entries after `applied`, oldest first.
    pub fn since(&self, applied: LogIndex) -> impl Iterator<Item = &Entry> {
        let skip = usize::try_from((applied + 1).saturating_sub(self.first)).unwrap_or(usize::MAX);
        self.entries.iter().skip(skip)
    }

    /// The leader of the newest term, and the term.
    #[must_use]
    pub fn leader(&self) -> (Option<usize>, u64) {
        (self.leader, self.term)
    }

    /// Puts a proposal into the leader's log. When its commit is due, if nothing else comes before it.
    pub fn append(&mut self, proposal: Proposal, time: Timestamp, now: SimTime, is_calm: bool, dice: &mut Dice) -> Option<SimTime> {
        let ready = now.after(self.disk(is_calm, dice)).max(self.pending.back().map_or(now, |last| last.ready));
        self.pending.push_back(Pending { proposal, time, ready, spread: 0 });
        (self.pending.len() == 1).then_some(ready)
    }

    /// How long a write to a majority's disks takes.
    fn disk(&self, is_calm: bool, dice: &mut Dice) -> Duration {
        match (is_calm, self.slow_disks) {
            (true, _) => dice.us(500, 8_000),
            (false, 0) if !dice.permille(30) => dice.us(500, 20_000),
            (false, 0) => dice.ms(20, 400),
            (false, _) => dice.ms(50, 900),
        }
    }

    /// Commits the first entry that waits, and says when the next one is due.
    pub fn commit(&mut self, now: SimTime, setting: &Setting) -> Option<SimTime> {
        let Pending { proposal, time, .. } = self.pending.pop_front()?;
        let stamp = Stamp { index: self.agreed.applied() + 1, time, term: 1 };
        let command = twist(setting.mutation, proposal.command.clone(), &self.agreed, stamp.index);
        let applied = self.agreed.apply(stamp, command.clone());
        let Proposal { from, life, ticket, sent, command: asked } = proposal;
        self.entries.push(Entry { stamp, asked, command, committed: now, from, life, ticket, sent, applied });
        self.next_due(now)
    }

    /// When the first entry that waits is due, at the earliest at `now`.
    #[must_use]
    pub fn next_due(&self, now: SimTime) -> Option<SimTime> {
        self.pending.front().map(|next| next.ready.max(now))
    }

    /// The leader's log spreads to these nodes, one bit for each.
    pub fn spread(&mut self, to: u64) {
        self.pending.iter_mut().for_each(|pending| pending.spread |= to);
    }

    /// Another leader: of what was on its way and has reached it, a part from the front survives.
    pub fn elect(&mut self, leader: usize, dice: &mut Dice) {
        let reached = self.pending.iter().take_while(|pending| pending.spread & (1 << leader) != 0).count();
        self.pending.truncate(dice.below(reached + 1));
        self.term += 1;
        self.leader = Some(leader);
    }
}
