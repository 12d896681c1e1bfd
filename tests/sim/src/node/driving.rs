//! Asking devices: every write passes the same guard, then the stall that nobody can see, then the wire.

use super::Node;
use crate::env::Env;
use crate::event::{Answer, Asking, Event, NodeEvent, Purpose, Request};
use crate::fact::Fact;
use labkeeper_model::site::OnLeaseLoss;
use labkeeper_model::{SessionId, TagPath, Value};
use std::time::Duration;

impl Node {
    /// Time to ask a device something, if its segment is still kept.
    pub(crate) fn ask(&mut self, env: &mut Env, asking: Asking) {
        if asking.purpose == Purpose::Probe {
            return self.request(env, asking);
        }
        let is_kept = self.process.kept.get(&asking.segment).is_some_and(|keeping| keeping.number == asking.keeping);
        if !is_kept {
            return;
        }
        match &asking.purpose {
            Purpose::JobReading(..) => self.job_reads(env, asking),
            Purpose::JobWrite(id) => self.job_writes(env, *id, asking.clone()),
            Purpose::Policy(tag, value) => self.policy_writes(env, (tag.clone(), value.clone()), asking),
            Purpose::Beat => self.beat(env, asking),
            _ => self.request(env, asking),
        }
    }

    /// Sends a request that writes nothing.
    pub(crate) fn request(&mut self, env: &mut Env, asking: Asking) {
        let session = self.process.kept.get(&asking.segment).map_or(0, |keeping| keeping.session);
        let request = self.compose(env, session, asking, None);
        let after = env.dice.us(300, 20_000);
        env.after(after, Event::Arrive(request));
    }

    fn compose(&self, env: &Env, session: SessionId, asking: Asking, write: Option<(TagPath, Value)>) -> Request {
        let (node, life, checked, wall) = (self.at, self.life, env.now, self.wall(env));
        Request { node, life, session, asking, write, checked, wall, sent: checked }
    }

    /// Writes, if the lease allows it at this moment. What was looked at is sent, even if the process stalls in between.
    pub(crate) fn write(&mut self, env: &mut Env, asking: Asking, write: Option<(TagPath, Value)>) -> bool {
        let now = self.boot(env);
        let may_write = self.process.rights.may_write(now) && !self.process.is_stopping;
        let kept = self.process.kept.get_mut(&asking.segment);
        let Some(keeping) = kept.filter(|keeping| may_write && keeping.number == asking.keeping && !keeping.is_letting_go) else {
            return false;
        };
        keeping.in_flight += 1;
        let session = keeping.session;
        env.facts.push(Fact::Checked { node: self.at, segment: asking.segment, session });
        let request = self.compose(env, session, asking, write);
        if !env.is_calm() && env.dice.permille(100) {
            let stall = up_to(env, env.setting.stall);
            env.after(stall, Event::Node(self.at, self.life, NodeEvent::Send(request)));
        } else {
            self.send(env, request);
        }
        true
    }

    /// The request leaves. A stall longer than is tolerated is what no clock can close: only a device with a fence is exposed to it here.
    pub(crate) fn send(&mut self, env: &mut Env, mut request: Request) {
        let has_fence = self.plant.devices[request.asking.device].has_fence;
        if !has_fence && env.now.since(request.checked) > env.setting.stall {
            return env.after(Duration::ZERO, Event::Node(self.at, self.life, NodeEvent::Back(request, Answer::NotSent)));
        }
        request.sent = env.now;
        let flight = if env.dice.permille(150) { up_to(env, env.setting.t_io) } else { env.dice.us(300, 20_000) };
        env.after(flight, Event::Arrive(request));
    }

    /// What came of a request.
    pub(crate) fn back(&mut self, env: &mut Env, request: &Request, answer: Answer) {
        let Asking { segment, keeping: number, device, purpose, .. } = &request.asking;
        if *purpose == Purpose::Probe {
            return self.probed(*segment, *device, &answer);
        }
        let kept = self.process.kept.get_mut(segment);
        let Some(keeping) = kept.filter(|keeping| keeping.number == *number) else { return };
        if is_write(purpose) {
            keeping.in_flight -= 1;
            self.process.look.duties |= keeping.is_letting_go;
        }
        match purpose {
            Purpose::Connect | Purpose::Claim | Purpose::FirstReading => self.step_takeover(env, request, answer),
            Purpose::Poll => self.watch(env, request, &answer),
            Purpose::JobReading(id, tag) => self.job_read(env, *segment, *id, tag, answer),
            Purpose::JobWrite(id) => self.job_wrote(env, *segment, *id, &answer),
            Purpose::Policy(tag, _) => {
                let (name, wall) = (self.plant.devices[*device].name.clone(), self.clock.wall(env.now));
                keeping.takeover.handle_written(&name, tag, matches!(answer, Answer::Done), wall);
            }
            Purpose::Beat => {
                let after = env.dice.ms(40, 120);
                env.after(after, Event::Node(self.at, self.life, NodeEvent::Ask(request.asking.clone())));
            }
            Purpose::GoSafe | Purpose::Probe => {}
        }
    }

    /// The owner keeps the device's watchdog quiet; what the lease does not allow is tried again.
    fn beat(&mut self, env: &mut Env, asking: Asking) {
        let enabled = self.process.kept.get(&asking.segment).is_some_and(|keeping| {
            let name = &self.plant.devices[asking.device].name;
            keeping.takeover.is_enabled(name.as_str())
        });
        if !enabled || !self.write(env, asking.clone(), None) {
            let after = env.dice.ms(40, 120);
            env.after(after, Event::Node(self.at, self.life, NodeEvent::Ask(asking)));
        }
    }

    fn policy_writes(&mut self, env: &mut Env, (tag, value): (TagPath, Value), asking: Asking) {
        let (segment, device) = (asking.segment, self.plant.devices[asking.device].name.clone());
        let is_sent = self.write(env, asking, Some((tag.clone(), value)));
        env.counts.policy_writes += u64::from(is_sent);
        if !is_sent && let Some(keeping) = self.process.kept.get_mut(&segment) {
            keeping.takeover.handle_written(&device, &tag, false, self.clock.wall(env.now));
        }
    }

    /// The lease is about to run out: devices that want it are driven to their safe values, while that is allowed.
    pub(crate) fn go_safe(&mut self, env: &mut Env) {
        env.say(|| format!("n{} goes safe", self.at));
        let site = std::sync::Arc::clone(self.replica.site());
        let kept: Vec<_> = self.process.kept.iter().map(|(segment, keeping)| (*segment, keeping.epoch, keeping.number)).collect();
        for (segment, epoch, keeping) in kept {
            for device in self.plant.devices_of(segment).collect::<Vec<_>>() {
                let name = self.plant.devices[device].name.clone();
                let Some(spec) = site.devices.get(&name).filter(|spec| spec.on_lease_loss == OnLeaseLoss::Safe) else { continue };
                let is_enabled = self.process.kept.get(&segment).is_some_and(|keeping| keeping.takeover.is_enabled(name.as_str()));
                for (tag, value) in spec.tags.iter().filter_map(|(tag, spec)| Some((tag, spec.safe.clone()?))).filter(|_| is_enabled) {
                    let path = TagPath::new(&spec.segment, &name, tag);
                    if self.replica.hold(&path).is_none() {
                        let asking = Asking { segment, epoch, keeping, device, purpose: Purpose::GoSafe };
                        self.write(env, asking, Some((path, value)));
                    }
                }
            }
        }
    }
}

/// Anything up to `most`, and often nearly that: what is tolerated is also what happens.
fn up_to(env: &mut Env, most: Duration) -> Duration {
    let micros = u64::try_from(most.as_micros()).unwrap_or(u64::MAX);
    let least = if env.dice.permille(500) { micros / 10 * 9 } else { 0 };
    env.dice.us(least, micros)
}

fn is_write(purpose: &Purpose) -> bool {
    matches!(purpose, Purpose::JobWrite(_) | Purpose::Policy(..) | Purpose::GoSafe | Purpose::Beat)
}
