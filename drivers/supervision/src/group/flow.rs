//! How one thing leads to another in a [`Group`]: what follows an end, who goes down with whom, whose turn it is, and what it
//! means that a timer has run out.

use super::{ABORT_GRACE, Act, Ending, Group, Key};
use crate::decide::{Scope, Verdict, decide};
use crate::exit::Reason;
use crate::member::{Phase, Then};
use crate::spec::{OnGiveUp, Strategy};
use std::sync::Arc;
use std::time::{Duration, Instant};

impl Group {
    /// A child failed or finished, and nobody had decided what follows.
    pub(super) fn fell(&mut self, key: Key, reason: Reason, now: Instant, jitter: f64) {
        let Some(member) = self.members.get_mut(&key) else { return };
        let spec = member.spec.clone();
        let window = match spec.on_give_up {
            OnGiveUp::Escalate => &mut self.window,
            OnGiveUp::Quarantine => &mut member.window,
        };
        let (intensity, mut restarts) = (usize::try_from(self.intensity).unwrap_or(usize::MAX), 0);
        let verdict = decide(self.strategy, spec.restart, spec.on_give_up, reason.is_abnormal(), || {
            restarts = window.record(now, self.period);
            restarts <= intensity
        });
        if restarts > 0 {
            self.acts.push_back(Act::Counted(key));
        }
        match verdict {
            Verdict::Leave => self.settle(key, Then::Rest, now),
            Verdict::Forget => self.settle(key, Then::Forget, now),
            Verdict::Restart(scope) => {
                self.again(key, now, jitter);
                self.sweep(key, scope);
            }
            Verdict::Quarantine(scope) => {
                let why = format!("{restarts} failures within {:?}; the last: {reason}", self.period);
                self.settle(key, Then::Hold(why.into()), now);
                self.sweep(key, scope);
            }
            Verdict::Escalate => {
                self.settle(key, Then::Rest, now);
                self.end(Ending::GaveUp { child: Arc::clone(&spec.id), reason, restarts });
            }
        }
    }

    /// Starts a failed child again, after its pause.
    fn again(&mut self, key: Key, now: Instant, jitter: f64) {
        let pause = self.members.get_mut(&key).map_or(Duration::ZERO, |member| member.failed(now, jitter));
        if pause.is_zero() {
            return self.settle(key, Then::Start, now);
        }
        // A pause beyond the end of time is one without end.
        let until = now.checked_add(pause);
        self.set(key, Phase::BackingOff(until.unwrap_or(now)), until);
        self.block(key);
    }

    /// A child is down: what follows.
    pub(super) fn settle(&mut self, key: Key, then: Then, now: Instant) {
        match then {
            Then::Start if self.strategy == Strategy::OneForOne => self.spawn(key, now),
            Then::Start => self.enqueue(key),
            Then::Hold(reason) => {
                self.queue.remove(&key);
                self.set(key, Phase::Quarantined(reason), None);
                self.block(key);
            }
            Then::Rest => {
                self.set(key, Phase::Done, None);
                self.blockers.remove(&key);
            }
            Then::Forget => {
                self.set(key, Phase::Done, None);
                self.members.remove(&key);
                for keys in [&mut self.alive, &mut self.queue, &mut self.blockers] {
                    keys.remove(&key);
                }
                self.acts.push_back(Act::Gone(key));
            }
        }
    }

    /// Those that depend on this child wait for it.
    fn block(&mut self, key: Key) {
        if self.strategy != Strategy::OneForOne {
            self.blockers.insert(key);
        }
    }

    pub(super) fn enqueue(&mut self, key: Key) {
        self.set(key, Phase::Queued, None);
        self.blockers.remove(&key);
        self.queue.insert(key);
    }

    fn spawn(&mut self, key: Key, now: Instant) {
        let Some(member) = self.members.get_mut(&key) else { return };
        member.begin(now);
        let due = now.checked_add(member.spec.start_timeout);
        self.queue.remove(&key);
        self.alive.insert(key);
        self.set(key, Phase::Starting, due);
        self.acts.push_back(Act::Spawn(key));
    }

    /// All whom it concerns go down, in reverse order, and then up, in order; those that had finished too.
    pub(super) fn sweep(&mut self, key: Key, scope: Scope) {
        let from = match scope {
            Scope::One => return,
            Scope::Rest => key,
            Scope::All => Key::MIN,
        };
        self.sweep = Some(self.sweep.map_or(from, |sweep| sweep.min(from)));
        let mut finished = Vec::new();
        for (key, member) in self.members.range_mut(from..) {
            if member.phase.is_alive() && member.then.is_none() {
                member.then = Some(member.with_the_others());
            } else if matches!(member.phase, Phase::Done) {
                finished.push(*key);
            }
        }
        finished.into_iter().for_each(|key| self.enqueue(key));
    }

    pub(super) fn end(&mut self, ending: Ending) {
        if self.ending.is_none() {
            self.ending = Some(ending);
            self.queue.clear();
            self.sweep = Some(Key::MIN);
        }
    }

    /// See the head of the file.
    pub(super) fn advance(&mut self, now: Instant) {
        if let Some(from) = self.sweep {
            if let Some(last) = self.alive.range(from..).next_back().copied() {
                return self.tell_to_stop(last, now);
            }
            self.sweep = None;
        }
        while self.ending.is_none()
            && let Some(first) = self.queue.first().copied()
            && !self.is_blocked(first)
        {
            self.spawn(first, now);
            self.blockers.insert(first);
        }
    }

    fn is_blocked(&self, key: Key) -> bool {
        match self.strategy {
            Strategy::OneForAll => !self.blockers.is_empty(),
            Strategy::OneForOne | Strategy::RestForOne => self.blockers.range(..key).next().is_some(),
        }
    }

    /// Asks a child to end, unless it has been asked.
    pub(super) fn tell_to_stop(&mut self, key: Key, now: Instant) {
        let Some(member) = self.members.get(&key) else { return };
        if !matches!(member.phase, Phase::Stopping { .. }) {
            let due = now.checked_add(member.spec.shutdown);
            self.set(key, Phase::Stopping { failure: None, aborted: false }, due);
            self.acts.push_back(Act::Cancel(key));
        }
    }

    fn abort(&mut self, key: Key, failure: Option<Reason>, now: Instant) {
        if failure.is_some() {
            self.block(key);
        }
        self.set(key, Phase::Stopping { failure, aborted: true }, now.checked_add(ABORT_GRACE));
        self.acts.push_back(Act::Abort(key));
    }

    /// A child's timer has run out.
    pub(super) fn overdue(&mut self, key: Key, progress: Option<Instant>, now: Instant) {
        let Some(member) = self.members.get_mut(&key) else { return };
        member.due = None;
        let spec = member.spec.clone();
        match &member.phase {
            Phase::Starting => self.abort(key, Some(Reason::NotReady(spec.start_timeout)), now),
            Phase::Running => {
                let Some(hang_after) = spec.hang_after else { return };
                match progress.and_then(|at| at.checked_add(hang_after)).filter(|due| *due > now) {
                    Some(due) => self.arm(key, Some(due)),
                    None => self.abort(key, Some(Reason::Hung(hang_after)), now),
                }
            }
            Phase::Stopping { aborted: false, .. } => self.abort(key, None, now),
            Phase::Stopping { aborted: true, .. } => self.stuck(key),
            Phase::BackingOff(_) if self.ending.is_none() => self.settle(key, Then::Start, now),
            Phase::BackingOff(_) | Phase::Queued | Phase::Quarantined(_) | Phase::Done => {}
        }
    }

    /// A child cannot be ended: nobody waits for it any longer. It keeps its place, so nothing is started beside it.
    pub(super) fn stuck(&mut self, key: Key) {
        self.alive.remove(&key);
        self.blockers.remove(&key);
        self.block(key);
        self.acts.push_back(Act::Stuck(key));
    }

    pub(super) fn set(&mut self, key: Key, phase: Phase, due: Option<Instant>) {
        if let Some(member) = self.members.get_mut(&key) {
            member.phase = phase;
            self.arm(key, due);
            self.acts.push_back(Act::Show(key));
        }
    }

    fn arm(&mut self, key: Key, due: Option<Instant>) {
        let Some(member) = self.members.get_mut(&key) else { return };
        if let Some(before) = std::mem::replace(&mut member.due, due) {
            self.timers.remove(&(before, key));
        }
        self.timers.extend(due.map(|at| (at, key)));
    }
}
