//! One node: its clocks, its replica, and a process that lives, freezes and dies. What the process decides, it decides with the
//! product's cores; what is here is a shell as dull as the product's.
//!
//! ```text
//!            die, stop                 start: another life, an empty process, the replica as it was
//!   running -----------> dead ---------------------------------------------------> running
//!      |  ^
//!      +--+ freeze, thaw: what came meanwhile comes all at once, in any order
//! ```

mod chores;
mod driving;
mod jobs;
mod keeping;
mod outbox;
mod process;

pub(crate) use keeping::Keeping;
pub(crate) use process::Process;

use crate::clock::{Clock, SimTime};
use crate::env::Env;
use crate::event::{Event, Life, NodeEvent};
use crate::fact::Fact;
use crate::log::Log;
use crate::plant::Plant;
use labkeeper_machine::{Effect, Machine};
use labkeeper_model::{NodeId, Timestamp};
use labkeeper_ownership::Moment;
use std::sync::Arc;

/// A node.
#[derive(Debug)]
pub struct Node {
    /// Its place among the nodes.
    pub at: usize,
    /// Its number in the site.
    pub id: NodeId,
    /// Its clocks.
    pub clock: Clock,
    /// How often it was started.
    pub life: Life,
    /// What it knows of the agreed state.
    pub replica: Machine,
    pub(crate) state: State,
    pub(crate) process: Process,
    pub(crate) plant: Arc<Plant>,
}

/// What a process is doing.
#[derive(Debug)]
pub(crate) enum State {
    Running,
    Frozen { since: SimTime, waiting: Vec<NodeEvent> },
    Dead,
}

impl Node {
    pub(crate) fn new(at: usize, clock: Clock, plant: &Arc<Plant>, env: &Env) -> Self {
        let process = Process::new(plant.nodes[at], &clock, env);
        let replica = plant.founded.clone();
        Self { at, id: plant.nodes[at], clock, life: 1, replica, state: State::Running, process, plant: Arc::clone(plant) }
    }

    /// Whether its process runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(self.state, State::Running)
    }

    /// Whether its process is frozen.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        matches!(self.state, State::Frozen { .. })
    }

    /// Whether it has no process.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        matches!(self.state, State::Dead)
    }

    /// What its boot clock shows.
    #[must_use]
    pub fn boot(&self, env: &Env) -> Moment {
        self.clock.boot(env.now)
    }

    /// What its wall clock shows.
    #[must_use]
    pub fn wall(&self, env: &Env) -> Timestamp {
        self.clock.wall(env.now)
    }

    /// Whether it believes that it may drive a segment at this moment.
    #[must_use]
    pub fn believes(&self, segment: usize, now: SimTime) -> bool {
        !self.is_dead() && self.process.kept.contains_key(&segment) && self.process.rights.may_write(self.clock.boot(now))
    }

    /// Something for its process.
    pub(crate) fn deliver(&mut self, env: &mut Env, log: &Log, life: Life, event: NodeEvent) {
        if life != self.life {
            return;
        }
        match &mut self.state {
            State::Dead => {}
            State::Frozen { waiting, .. } => waiting.push(event),
            State::Running => self.handle(env, log, event),
        }
    }

    /// The process is killed. What it had sent is on its way.
    pub(crate) fn die(&mut self, env: &mut Env) {
        env.say(|| format!("n{} dies", self.at));
        env.counts.deaths += 1;
        self.state = State::Dead;
    }

    /// Another process, on the disk of the one before.
    pub(crate) fn start(&mut self, env: &mut Env) {
        self.life += 1;
        env.say(|| format!("n{} starts its life {}", self.at, self.life));
        self.replica = Machine::restore(self.replica.dump());
        self.state = State::Running;
        self.process = Process::new(self.id, &self.clock, env);
        self.settle(env);
    }

    pub(crate) fn freeze(&mut self, env: &mut Env) {
        env.say(|| format!("n{} freezes", self.at));
        env.counts.freezes += 1;
        self.state = State::Frozen { since: env.now, waiting: vec![] };
    }

    pub(crate) fn thaw(&mut self, env: &mut Env) {
        let State::Frozen { since, waiting } = &mut self.state else { return };
        let (since, waiting) = (*since, std::mem::take(waiting));
        self.state = State::Running;
        let frozen = env.now.since(since);
        env.say(|| format!("n{} thaws after {frozen:?}", self.at));
        for event in waiting {
            let after = env.dice.us(0, 2_000);
            env.after(after, Event::Node(self.at, self.life, event));
        }
        env.facts.push(Fact::Thawed { node: self.at, frozen });
    }

    fn handle(&mut self, env: &mut Env, log: &Log, event: NodeEvent) {
        match event {
            NodeEvent::Wake if self.process.wake_at != Some(env.now) => return,
            NodeEvent::Wake => self.process.wake_at = None,
            NodeEvent::Apply => self.apply(env, log),
            NodeEvent::Leader(leader, term) => self.hear_of_leader(env, leader, term),
            NodeEvent::Answer(ticket, outcome) => self.answered(env, ticket, outcome),
            NodeEvent::GiveUp(ticket) => self.give_up(env, ticket),
            NodeEvent::Send(request) => self.send(env, request),
            NodeEvent::Back(request, answer) => self.back(env, &request, answer),
            NodeEvent::Ask(asking) => self.ask(env, asking),
            NodeEvent::Submit(client, attempt, command) => self.propose(env, outbox::Wish::Client(client, attempt), command),
        }
        self.settle(env);
    }

    /// Applies what has arrived, and notes what is worth looking at.
    fn apply(&mut self, env: &mut Env, log: &Log) {
        self.process.is_apply_due = false;
        let mut renewed = Vec::new();
        for entry in log.since(self.replica.applied()) {
            let applied = self.replica.apply(entry.stamp, entry.command.clone());
            if applied != entry.applied {
                env.facts.push(Fact::Diverged { node: self.at, index: entry.stamp.index });
            }
            for effect in applied.effects {
                match effect {
                    Effect::SessionRenewed { node } => renewed.push(node),
                    Effect::SessionChanged { node } => {
                        renewed.push(node);
                        self.process.look.duties = true;
                    }
                    Effect::OwnershipChanged { .. } | Effect::SiteChanged => self.process.look.duties = true,
                    Effect::CommandChanged { .. } | Effect::TagChanged { .. } => self.process.look.jobs = true,
                    Effect::ReachChanged { .. } => self.process.look.probes = true,
                    _ => {}
                }
            }
        }
        if !renewed.is_empty() {
            let now = self.boot(env);
            self.process.timers.handle_view(self.replica.sessions(), &renewed, now);
        }
    }

    fn hear_of_leader(&mut self, env: &mut Env, leader: usize, term: u64) {
        let process = &mut self.process;
        if term <= process.term {
            return;
        }
        (process.term, process.hint) = (term, Some(leader));
        process.leads = leader == self.at;
        let now = self.clock.boot(env.now);
        process.timers.handle_leadership(process.leads, term, now);
        process.timers.handle_view(self.replica.sessions(), &[], now);
    }
}
