//! A segment that is kept: taking it over, letting go of it, and the watch over its devices.

use super::Node;
use crate::env::Env;
use crate::event::{Answer, Asking, Event, NodeEvent, Purpose, Request};
use crate::fact::Fact;
use crate::mutation::Mutation;
use crate::node::jobs::Running;
use crate::node::outbox::Wish;
use crate::plant::POLL;
use labkeeper_machine::{Command, TakeoverReport};
use labkeeper_model::{CommandId, Epoch, LogIndex, SessionId};
use labkeeper_ownership::Moment;
use labkeeper_ownership::reach::{Reach, Share};
use labkeeper_ownership::reconcile::reconcile_device;
use labkeeper_ownership::takeover::{self, Takeover};
use std::collections::BTreeMap;
use std::time::Duration;

/// Pause before a device that did not answer is tried again.
const CONNECT_AGAIN: Duration = Duration::from_millis(200);

/// A segment that is kept under one epoch.
#[derive(Debug)]
pub(crate) struct Keeping {
    pub(crate) epoch: Epoch,
    pub(crate) number: u64,
    pub(crate) session: SessionId,
    /// What had been applied when it was taken: older commands are inherited.
    pub(crate) since: LogIndex,
    pub(crate) takeover: Takeover,
    pub(crate) reach: Reach,
    /// Whether each device answered when it was polled last.
    pub(crate) answers: BTreeMap<usize, bool>,
    pub(crate) jobs: BTreeMap<CommandId, Running>,
    /// Writes that were looked at and have no answer.
    pub(crate) in_flight: u32,
    /// Whether nothing is begun any more.
    pub(crate) is_letting_go: bool,
}

impl Keeping {
    pub(crate) fn poll_timeout(&self) -> Option<Moment> {
        let due = self.takeover.poll_timeout().into_iter().chain(self.reach.poll_timeout());
        due.map(|due| due.0).min()
    }
}

impl Node {
    /// Begins to take a segment over.
    pub(crate) fn take(&mut self, env: &mut Env, segment: usize, epoch: Epoch) {
        let Some(session) = self.process.rights.session() else { return };
        env.say(|| format!("n{} takes s{segment} under epoch {epoch}", self.at));
        let (wall, now, number) = (self.wall(env), self.boot(env), env.ticket());
        let takeover = Takeover::new(self.replica.site(), &self.plant.segments[segment], wall, now);
        let keeping = Keeping {
            epoch,
            number,
            session,
            since: self.replica.applied(),
            takeover,
            reach: Reach::new(),
            answers: BTreeMap::new(),
            jobs: BTreeMap::new(),
            in_flight: 0,
            is_letting_go: false,
        };
        self.process.kept.insert(segment, keeping);
        for device in self.plant.devices_of(segment) {
            for (purpose, after) in [(Purpose::Connect, env.dice.us(100, 20_000)), (Purpose::Poll, env.dice.ms(20, 500))] {
                let asking = Asking { segment, epoch, keeping: number, device, purpose };
                env.after(after, Event::Node(self.at, self.life, NodeEvent::Ask(asking)));
            }
        }
        if self.process.rights.may_write(now) {
            env.facts.push(Fact::Took { node: self.at, segment });
        }
    }

    /// Lets go of a segment that is somebody else's.
    pub(crate) fn let_go(&mut self, env: &mut Env, segment: usize, epoch: Epoch) {
        env.say(|| format!("n{} lets go of s{segment}, which it kept under epoch {epoch}", self.at));
        self.process.kept.remove(&segment);
    }

    /// What keeps a segment fails, and is started again by its supervisor: its connections are cut, its jobs forgotten. What it has sent
    /// may take effect for a stall and `T_io` longer, and nobody awaits its answer.
    pub(crate) fn crash_segment(&mut self, env: &mut Env, segment: usize) {
        if self.process.kept.remove(&segment).is_some() {
            env.say(|| format!("what keeps s{segment} on n{} fails", self.at));
            let setting = &env.setting;
            self.process.quiet_at = Some(env.now.after(setting.stall).after(setting.t_io));
            self.process.look.duties = true;
        }
    }

    /// Whether nothing that this process has sent to a segment's devices is in flight.
    pub(crate) fn is_quiet(&self, env: &Env, segment: usize) -> bool {
        let in_flight = self.process.kept.get(&segment).is_some_and(|keeping| keeping.in_flight > 0);
        env.setting.mutation == Some(Mutation::ReleaseInFlight) || (!in_flight && self.process.quiet_at.is_none())
    }

    /// Lets go of a segment for its successor: first what is in flight ends, then the release is proposed.
    pub(crate) fn release(&mut self, env: &mut Env, segment: usize, epoch: Epoch) {
        if let Some(keeping) = self.process.kept.get_mut(&segment) {
            keeping.is_letting_go = true;
        }
        if !self.is_quiet(env, segment) {
            return;
        }
        if self.process.kept.contains_key(&segment) {
            self.let_go(env, segment, epoch);
        }
        let Some(session) = self.process.rights.session() else { return };
        if self.process.released.insert((segment, epoch), true) == Some(true) {
            return;
        }
        let command = Command::ReleaseSegment { node: self.id, session, segment: self.plant.segments[segment].clone(), epoch };
        self.propose(env, Wish::Release(segment, epoch), command);
    }

    /// Carries out what the takeovers want.
    pub(crate) fn follow_takeovers(&mut self, env: &mut Env) {
        let now = self.boot(env);
        let mut events = Vec::new();
        for (segment, keeping) in &mut self.process.kept {
            keeping.takeover.handle_timeout(now);
            events.extend(
                std::iter::from_fn(|| keeping.takeover.poll_event()).map(|event| (*segment, (keeping.epoch, keeping.number), event)),
            );
        }
        for (segment, kept, event) in events {
            self.follow_takeover(env, segment, kept, event);
        }
    }

    fn follow_takeover(&mut self, env: &mut Env, segment: usize, (epoch, keeping): (Epoch, u64), event: takeover::Event) {
        let (node, name) = (self.id, self.plant.segments[segment].clone());
        match event {
            takeover::Event::Write { device, tag, value } => {
                let device = self.plant.device(device.as_str());
                let asking = Asking { segment, epoch, keeping, device, purpose: Purpose::Policy(tag, value) };
                env.after(Duration::ZERO, Event::Node(self.at, self.life, NodeEvent::Ask(asking)));
            }
            takeover::Event::Enabled { device } => {
                env.say(|| format!("n{} controls {device} under epoch {epoch}", self.at));
                let device = self.plant.device(device.as_str());
                let asking = Asking { segment, epoch, keeping, device, purpose: Purpose::Beat };
                let after = env.dice.ms(0, 50);
                env.after(after, Event::Node(self.at, self.life, NodeEvent::Ask(asking)));
                self.process.look.jobs = true;
            }
            takeover::Event::Reconciled(outcomes) => {
                self.post(Command::ReportReconciled { node, segment: name, epoch, outcomes });
            }
            takeover::Event::Taken(TakeoverReport { connected, read, enabled, devices_reached, devices }) => {
                self.post(Command::ReportTakeover { node, segment: name, epoch, connected, read, enabled, devices_reached, devices });
            }
        }
    }

    /// A device's answer on the way to control: each step asks for the next.
    pub(crate) fn step_takeover(&mut self, env: &mut Env, request: &Request, answer: Answer) {
        let Asking { segment, device: at, .. } = request.asking;
        let (wall, info) = (self.wall(env), &self.plant.devices[at]);
        let name = info.name.clone();
        let Some(keeping) = self.process.kept.get_mut(&segment) else { return };
        let reads_first = env.setting.mutation != Some(Mutation::WriteUnread);
        let next = match (&request.asking.purpose, answer) {
            (Purpose::Connect, Answer::Done) if !reads_first => {
                keeping.takeover.handle_read(&name, vec![], wall);
                None
            }
            (Purpose::Connect, Answer::Done) => {
                keeping.takeover.handle_connected(&name, wall);
                Some((if info.has_fence { Purpose::Claim } else { Purpose::FirstReading }, Duration::ZERO))
            }
            (Purpose::Claim, Answer::Done) => {
                keeping.takeover.handle_claimed(&name, wall);
                Some((Purpose::FirstReading, Duration::ZERO))
            }
            (Purpose::FirstReading, Answer::Readings(readings)) => {
                let decisions = reconcile_device(&self.replica, &name, &readings);
                keeping.takeover.handle_read(&name, decisions, wall);
                None
            }
            _ => Some((Purpose::Connect, CONNECT_AGAIN)),
        };
        if let Some((purpose, after)) = next {
            let asking = Asking { purpose, ..request.asking };
            env.after(after, Event::Node(self.at, self.life, NodeEvent::Ask(asking)));
        }
    }

    /// A poll's answer, and the next poll.
    pub(crate) fn watch(&mut self, env: &mut Env, request: &Request, answer: &Answer) {
        let Asking { segment, device, .. } = request.asking;
        let now = self.boot(env);
        let all = self.plant.devices_of(segment).count();
        let Some(keeping) = self.process.kept.get_mut(&segment) else { return };
        keeping.answers.insert(device, matches!(answer, Answer::Done));
        if keeping.answers.len() == all {
            let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            let reached = keeping.answers.values().filter(|answers| **answers).count();
            keeping.reach.handle_share(Share { reached: count(reached), of: count(all) }, now);
        }
        env.after(POLL, Event::Node(self.at, self.life, NodeEvent::Ask(request.asking.clone())));
    }
}
