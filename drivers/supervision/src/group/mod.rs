//! The children of one supervisor: which of them run, and in which order they start and stop. Pure.
//!
//! The shell tells what happened (`ready`, `ended`, `tick`, and what people ask for), and does what [`Group::next_act`] says.
//! Between the two, [`Group::advance`] looks at the state alone, not at how it came about:
//!
//! ```text
//!   a sweep?  ──yes──► the last of those to go down that is alive is told to stop; nothing else until it has ended
//!      │ no            (when none is alive the sweep is over)
//!      ▼
//!   ending?   ──yes──► over
//!      │ no
//!      ▼
//!   the first in the queue is started, unless one that it waits for blocks it
//! ```
//!
//! A sweep that is lowered while it runs, a child that crashes during it, a person who interferes: each only changes the
//! state that the next look is at. It knows nothing of tasks and clocks; what a failure means is decided in `decide.rs`.

mod flow;

use crate::decide::Scope;
use crate::exit::Reason;
use crate::intensity::RestartWindow;
use crate::member::{Member, Phase, SharedSpec, Then};
use crate::spec::{Strategy, SupervisorSpec};
use crate::status::State;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A child's place in the order of starting. Never used twice.
pub(crate) type Key = u64;

/// How long an aborted child may take to be gone. It is dropped where it next waits, which is microseconds later unless it
/// blocks its thread; a second is long for a loaded machine, and short for a person who waits for each blocked child to be given up.
pub(crate) const ABORT_GRACE: Duration = Duration::from_secs(1);

/// What the shell is to do.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Make a task for the child's present generation.
    Spawn(Key),
    /// Ask it to end.
    Cancel(Key),
    /// Abort it.
    Abort(Key),
    /// Its state has changed.
    Show(Key),
    /// A restart of it was counted.
    Counted(Key),
    /// An incarnation of it is gone: which, and why.
    Ended(Key, u64, Reason),
    /// It was aborted and is not gone: it blocks its thread.
    Stuck(Key),
    /// It has left the tree.
    Gone(Key),
}

/// How a group ends.
#[derive(Clone, Debug)]
pub(crate) enum Ending {
    /// It was told to.
    Told,
    /// A child failed too often.
    GaveUp { child: Arc<str>, reason: Reason, restarts: usize },
}

/// The children of one supervisor.
pub(crate) struct Group {
    strategy: Strategy,
    intensity: u32,
    period: Duration,
    members: BTreeMap<Key, Member>,
    next_key: Key,
    /// Those with a task that are waited for when they are to go down.
    alive: BTreeSet<Key>,
    /// Down, to be started in this order.
    queue: BTreeSet<Key>,
    /// Not as they should be, so that some in the queue wait for them.
    blockers: BTreeSet<Key>,
    timers: BTreeSet<(Instant, Key)>,
    /// All from this one on must go down before any is started.
    sweep: Option<Key>,
    ending: Option<Ending>,
    /// Restarts of all children that escalate.
    window: RestartWindow,
    /// What the shell has not done yet. Emptied after each call, so at most a few for each child.
    acts: VecDeque<Act>,
}

/// What the shell tells.
impl Group {
    /// With the children from the beginning, whose keys count from zero. Each waits until the one before it is ready; where
    /// children are independent of each other, until its first start has come to anything.
    pub(crate) fn new(spec: &Arc<SupervisorSpec>, now: Instant) -> Self {
        let listed = (0..spec.children.len()).map(|index| SharedSpec::Listed(Arc::clone(spec), index));
        let members: BTreeMap<_, _> = (Key::MIN..).zip(listed.map(|child| Member::new(child, now))).collect();
        let queue: BTreeSet<_> = members.keys().copied().collect();
        let (alive, blockers, timers, window, acts) = Default::default();
        let SupervisorSpec { strategy, intensity, period, .. } = **spec;
        let next_key = members.len() as Key;
        let (sweep, ending) = (None, None);
        let mut group =
            Self { strategy, intensity, period, members, next_key, alive, queue, blockers, timers, sweep, ending, window, acts };
        group.advance(now);
        group
    }

    /// A child that comes later, under [`Self::next_key`]. It waits only for those that it depends on.
    pub(crate) fn add(&mut self, spec: SharedSpec, now: Instant) {
        let key = self.next_key;
        self.next_key += 1;
        self.members.insert(key, Member::new(spec, now));
        self.settle(key, Then::Start, now);
        self.advance(now);
    }

    /// A child says that it is running.
    pub(crate) fn ready(&mut self, key: Key, generation: u64, now: Instant) {
        let Some(member) = self.members.get(&key) else { return };
        if member.generation != generation || !matches!(member.phase, Phase::Starting) {
            return;
        }
        let due = member.spec.hang_after.and_then(|hang_after| now.checked_add(hang_after));
        self.set(key, Phase::Running, due);
        self.blockers.remove(&key);
        self.advance(now);
    }

    /// An incarnation is gone, and everything of it dropped. A stale report is ignored. `jitter` is a random number from 0 to 1.
    pub(crate) fn ended(&mut self, key: Key, generation: u64, reason: Reason, now: Instant, jitter: f64) {
        let Some(member) = self.members.get_mut(&key) else { return };
        if member.generation != generation || !member.phase.is_alive() {
            return;
        }
        let then = member.then.take();
        let reason = match &mut member.phase {
            // That it was killed is the supervisor's doing; why is what counts.
            Phase::Stopping { failure: Some(failure), .. } => failure.clone(),
            _ => reason,
        };
        self.alive.remove(&key);
        if self.strategy == Strategy::OneForOne {
            self.blockers.remove(&key);
        }
        self.acts.push_back(Act::Ended(key, generation, reason.clone()));
        match then {
            Some(Then::Forget) => self.settle(key, Then::Forget, now),
            _ if self.ending.is_some() => self.settle(key, Then::Rest, now),
            Some(then) => self.settle(key, then, now),
            None => self.fell(key, reason, now, jitter),
        }
        self.advance(now);
    }

    /// Timers that have run out. `progress`: when a child last reported progress.
    pub(crate) fn tick(&mut self, now: Instant, progress: impl Fn(Key) -> Option<Instant>) {
        while let Some((at, key)) = self.timers.first().copied()
            && at <= now
        {
            self.timers.pop_first();
            self.overdue(key, progress(key), now);
        }
        self.advance(now);
    }

    /// The supervisor is told to end.
    pub(crate) fn shutdown(&mut self, now: Instant) {
        self.end(Ending::Told);
        self.advance(now);
    }
}

/// What people ask for. The key must be a member's.
impl Group {
    /// Stops a child and forgets it. Its siblings stay as they are.
    pub(crate) fn stop(&mut self, key: Key, now: Instant) {
        self.direct(key, Then::Forget, Scope::One, now);
    }

    /// Restarts a child, with those that depend on it, and forgives its failures; also one that is quarantined or done.
    pub(crate) fn restart(&mut self, key: Key, now: Instant) {
        if let Some(member) = self.members.get_mut(&key) {
            member.forgive();
            self.acts.push_back(Act::Counted(key));
        }
        self.direct(key, Then::Start, self.strategy.scope(), now);
    }

    /// Stops a child, with those that depend on it, until it is restarted by a person.
    pub(crate) fn quarantine(&mut self, key: Key, reason: Arc<str>, now: Instant) {
        self.direct(key, Then::Hold(reason), self.strategy.scope(), now);
    }

    fn direct(&mut self, key: Key, then: Then, scope: Scope, now: Instant) {
        let Some(member) = self.members.get_mut(&key) else { return };
        let (alive, stopping) = (member.phase.is_alive(), matches!(member.phase, Phase::Stopping { .. }));
        if alive {
            member.then = Some(then);
        } else {
            self.settle(key, then, now);
        }
        match scope {
            Scope::One if alive && !stopping => self.tell_to_stop(key, now),
            scope => self.sweep(key, scope),
        }
        if alive && !self.alive.contains(&key) {
            self.stuck(key);
        }
        self.advance(now);
    }
}

/// What the shell asks.
impl Group {
    /// What to do next, in this order.
    pub(crate) fn next_act(&mut self) -> Option<Act> {
        self.acts.pop_front()
    }

    /// The key of the next child that is added.
    pub(crate) const fn next_key(&self) -> Key {
        self.next_key
    }

    /// When to call [`Self::tick`].
    pub(crate) fn next_tick(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Whether every child from the beginning has had its start.
    pub(crate) fn is_settled(&self) -> bool {
        self.queue.is_empty() && self.blockers.is_empty() && self.sweep.is_none()
    }

    /// Whether it is on its way to its end.
    pub(crate) const fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// How it ended, once all that was to go down has.
    pub(crate) fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref().filter(|_| self.sweep.is_none())
    }

    pub(crate) fn member(&self, key: Key) -> Option<&Member> {
        self.members.get(&key)
    }

    pub(crate) fn state(&self, key: Key) -> Option<State> {
        self.member(key).map(|member| member.phase.state())
    }

    /// Restarts of all children that escalate.
    pub(crate) const fn window(&self) -> &RestartWindow {
        &self.window
    }
}

#[cfg(test)]
mod tests;
