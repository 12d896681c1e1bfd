//! What a node does besides driving: the leader ends sessions and looks after what time alone changes; any node probes when it is asked
//! to, and says when it reaches too little of what it keeps.

use super::Node;
use crate::env::Env;
use crate::event::{Answer, Asking, Event, NodeEvent, Purpose};
use crate::node::outbox::Wish;
use labkeeper_machine::Command;
use labkeeper_model::Epoch;
use labkeeper_ownership::reach::{Probe, Share};
use std::time::Duration;

impl Node {
    /// What the leader proposes because time has passed.
    pub(crate) fn follow_timers(&mut self, env: &mut Env) {
        let now = self.boot(env);
        for expire in self.process.timers.handle_timeout(now) {
            env.say(|| format!("n{} proposes to end session {} of {}", self.at, expire.session, expire.node));
            self.propose(env, Wish::Other, expire.into());
        }
        // With the other looks, so at least once a second; a hint that a duty changed is one that a review may be due.
        if self.process.leads && self.process.look.duties {
            let wall = self.wall(env);
            if self.replica.next_review().is_some_and(|due| due <= wall) {
                self.propose(env, Wish::Other, Command::PlaceSegments);
            }
            if self.replica.next_deadline().is_some_and(|due| due <= wall) {
                self.propose(env, Wish::Other, Command::ExpireCommands);
            }
        }
    }

    /// Says what it reaches too little of, and probes what it is asked to.
    pub(crate) fn follow_reach(&mut self, env: &mut Env) {
        let now = self.boot(env);
        let told: Vec<_> = self
            .process
            .kept
            .iter_mut()
            .filter_map(|(segment, keeping)| Some((*segment, Some(keeping.epoch), keeping.reach.handle_timeout(now)?)))
            .collect();
        let over: Vec<_> =
            self.process.probing.iter().filter_map(|(segment, probe)| Some((*segment, None, probe.handle_timeout(now)?))).collect();
        self.process.probing.retain(|_, probe| probe.handle_timeout(now).is_none());
        for (segment, epoch, share) in told.into_iter().chain(over) {
            self.tell_reach(env, segment, epoch, share);
        }
        if std::mem::take(&mut self.process.look.probes) {
            self.process.probes.handle_wanted(self.replica.probes_wanted(self.id), now);
        }
        for segment in self.process.probes.handle_timeout(now) {
            self.probe(env, self.plant.segment(&segment));
        }
    }

    fn tell_reach(&mut self, env: &mut Env, segment: usize, epoch: Option<Epoch>, Share { reached, of }: Share) {
        let Some(session) = self.process.rights.session() else { return };
        env.say(|| format!("n{} reaches {reached} of {of} in s{segment}", self.at));
        let segment = self.plant.segments[segment].clone();
        self.post(Command::ReportReach { node: self.id, session, segment, epoch, reached, of });
    }

    fn probe(&mut self, env: &mut Env, segment: usize) {
        let devices: Vec<usize> = self.plant.devices_of(segment).collect();
        let names = devices.iter().map(|device| self.plant.devices[*device].name.clone()).collect();
        self.process.probing.insert(segment, Probe::new(names, self.boot(env)));
        for device in devices {
            let asking = Asking { segment, epoch: 0, keeping: 0, device, purpose: Purpose::Probe };
            env.after(Duration::ZERO, Event::Node(self.at, self.life, NodeEvent::Ask(asking)));
        }
    }

    pub(crate) fn probed(&mut self, segment: usize, device: usize, answer: &Answer) {
        if let Some(probe) = self.process.probing.get_mut(&segment) {
            probe.handle_device(&self.plant.devices[device].name, matches!(answer, Answer::Done));
        }
    }
}
