//! What a process holds in memory, and the order in which it looks at things. All of it is lost when it dies.

use super::{Keeping, Node};
use crate::clock::{Clock, SimTime};
use crate::env::Env;
use crate::event::{Event, NodeEvent};
use crate::mutation::Mutation;
use crate::node::outbox::{Outbox, Wish};
use crate::rights::Rights;
use crate::timers::Timers;
use labkeeper_model::{Epoch, NodeId};
use labkeeper_ownership::lease::{Action, Lease};
use labkeeper_ownership::reach::{Probe, Probes};
use labkeeper_ownership::{Moment, duty};
use std::collections::BTreeMap;
use std::time::Duration;

/// The memory of a process.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) rights: Rights,
    pub(crate) timers: Timers,
    /// What it keeps, by segment.
    pub(crate) kept: BTreeMap<usize, Keeping>,
    pub(crate) probes: Probes,
    pub(crate) probing: BTreeMap<usize, Probe>,
    pub(crate) outbox: Outbox,
    /// The newest term that it has heard of.
    pub(crate) term: u64,
    /// Whom it believes to lead.
    pub(crate) hint: Option<usize>,
    /// Whether it believes to lead itself.
    pub(crate) leads: bool,
    /// Segments whose release was proposed, with their epochs; true while there is no answer.
    pub(crate) released: BTreeMap<(usize, Epoch), bool>,
    /// Whether it lets go of everything and then ends.
    pub(crate) is_stopping: bool,
    pub(crate) look: Look,
    pub(crate) wake_at: Option<SimTime>,
    pub(crate) is_apply_due: bool,
    /// Until when what a segment that failed has sent may take effect.
    pub(crate) quiet_at: Option<SimTime>,
    /// When to look at everything again, whatever was hinted.
    pub(crate) review_at: Moment,
}

/// What is worth looking at. Hints: everything is looked at every [`REVIEW_EVERY`] in any case.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Look {
    pub(crate) duties: bool,
    pub(crate) jobs: bool,
    pub(crate) probes: bool,
}

/// How often a shell compares everything without a hint, as the product does.
const REVIEW_EVERY: Duration = Duration::from_secs(1);

impl Process {
    pub(crate) fn new(id: NodeId, clock: &Clock, env: &Env) -> Self {
        let setting = &env.setting;
        let now = clock.boot(env.now);
        let lease = Lease::new(id, setting.terms, setting.t_io, now);
        Self {
            rights: Rights::new(lease, setting.t_io, setting.mutation),
            timers: Timers::new(setting.mutation),
            kept: BTreeMap::new(),
            probes: Probes::new(),
            probing: BTreeMap::new(),
            outbox: Outbox::default(),
            term: 0,
            hint: None,
            leads: false,
            released: BTreeMap::new(),
            is_stopping: false,
            look: Look { duties: true, jobs: true, probes: true },
            wake_at: None,
            is_apply_due: false,
            quiet_at: None,
            review_at: now,
        }
    }
}

impl Node {
    /// Looks at everything that may have something to do, until nothing has.
    pub(crate) fn settle(&mut self, env: &mut Env) {
        let now = self.boot(env);
        if now >= self.process.review_at {
            self.process.review_at = now.saturating_add(REVIEW_EVERY);
            self.process.look = Look { duties: true, jobs: true, probes: true };
        }
        if self.process.quiet_at.is_some_and(|at| env.now >= at) {
            self.process.quiet_at = None;
            self.process.look.duties = true;
        }
        self.follow_lease(env);
        self.follow_timers(env);
        self.follow_duties(env);
        self.follow_takeovers(env);
        self.follow_reach(env);
        self.follow_jobs(env);
        self.follow_stop(env);
        self.flush(env);
        self.plan_wake(env);
    }

    fn follow_lease(&mut self, env: &mut Env) {
        let now = self.boot(env);
        if let Some(newest) = self.replica.session(self.id) {
            let over = self.process.rights.handle_view(newest.id, newest.alive, now);
            over.into_iter().for_each(|action| self.act(env, action));
        }
        while let Some(action) = self.process.rights.handle_timeout(now) {
            self.act(env, action);
        }
    }

    /// Carries out what the lease wants.
    pub(crate) fn act(&mut self, env: &mut Env, action: Action) {
        let now = self.boot(env);
        let command = Lease::new(self.id, env.setting.terms, env.setting.t_io, now).command(action);
        match action {
            Action::Open { .. } => {
                env.say(|| format!("n{} wants a session", self.at));
                command.into_iter().for_each(|command| self.propose(env, Wish::Open(now), command));
            }
            Action::Renew { seq, .. } => command.into_iter().for_each(|command| self.propose(env, Wish::Renew(seq), command)),
            Action::GoSafe => self.go_safe(env),
            Action::Fence { why } => {
                env.say(|| format!("n{} is fenced: {why}", self.at));
                env.counts.fences += 1;
                self.process.kept.clear();
                self.process.look.duties = true;
            }
        }
    }

    fn follow_duties(&mut self, env: &mut Env) {
        if !std::mem::take(&mut self.process.look.duties) || self.process.is_stopping {
            return;
        }
        let duties = duty::duties(&self.replica, self.id, self.process.rights.session());
        for (at, keeping) in &mut self.process.kept {
            // A successor may be withdrawn before the release was proposed.
            let duty = duties.get(&self.plant.segments[*at]);
            keeping.is_letting_go = duty.is_some_and(|duty| duty.stance == duty::Stance::HandOver);
        }
        let plant = std::sync::Arc::clone(&self.plant);
        self.process.released.retain(|(at, epoch), _| duties.get(&plant.segments[*at]).is_some_and(|duty| duty.epoch == *epoch));
        let released = self.process.released.clone();
        let is_binding = env.setting.mutation != Some(Mutation::TakeReleaseBack);
        let was_released = |segment: &str, epoch: Epoch| is_binding && released.contains_key(&(plant.segment(segment), epoch));
        let kept = self.process.kept.iter().map(|(at, keeping)| (self.plant.segments[*at].clone(), keeping.epoch)).collect();
        for step in duty::steps(&duties, &kept, was_released) {
            match step {
                duty::Step::LetGo { segment, epoch } => self.let_go(env, self.plant.segment(&segment), epoch),
                duty::Step::Take { segment, epoch } => self.take(env, self.plant.segment(&segment), epoch),
                duty::Step::Release { segment, epoch } => self.release(env, self.plant.segment(&segment), epoch),
            }
        }
    }

    /// Ends as planned, once nothing is in flight.
    fn follow_stop(&mut self, env: &mut Env) {
        if !self.process.is_stopping || (0..self.plant.segments.len()).any(|segment| !self.is_quiet(env, segment)) {
            return;
        }
        self.process.kept.clear();
        if let Some(session) = self.process.rights.close() {
            let node = self.id;
            self.propose(env, Wish::End, labkeeper_machine::Command::EndSession { node, session });
        }
    }

    fn plan_wake(&mut self, env: &mut Env) {
        let process = &self.process;
        let cores = [process.rights.poll_timeout(), process.timers.poll_timeout(), process.probes.poll_timeout().map(|due| due.0)];
        let keeping = process.kept.values().filter_map(Keeping::poll_timeout);
        let probing = process.probing.values().filter_map(|probe| probe.poll_timeout()).map(|due| due.0);
        let due = cores.into_iter().flatten().chain(keeping).chain(probing).chain([process.review_at]).min();
        let due = due.map(|due| self.clock.when(due)).into_iter().chain(process.quiet_at).min();
        let Some(due) = due.map(|due| due.max(env.now)) else { return };
        if process.wake_at.is_none_or(|at| at > due.after(Duration::from_millis(1))) {
            // A task is not run at the very moment when its timer ends.
            let at = due.after(env.dice.us(10, 1_000));
            self.process.wake_at = Some(at);
            env.at(at, Event::Node(self.at, self.life, NodeEvent::Wake));
        }
    }
}
