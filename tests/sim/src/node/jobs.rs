//! Commands on their way to devices: a job for each that may be carried out, as the product's keeper and runner have them.

use super::Node;
use crate::env::Env;
use crate::event::{Answer, Asking, Event, NodeEvent, Purpose};
use labkeeper_machine::{Command, CommandRecord};
use labkeeper_model::{CommandId, Name};
use labkeeper_ownership::duty;
use labkeeper_ownership::job::{self, Job, Next};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A job and where it stands.
#[derive(Debug)]
pub(crate) struct Running {
    job: Job,
    record: Arc<CommandRecord>,
    readback: Option<Name>,
    /// Over, but kept until the replicated state has its last report.
    is_over: bool,
}

impl Node {
    /// Starts a job for each command that has none, and forgets those whose end is in the replicated state.
    pub(crate) fn follow_jobs(&mut self, env: &mut Env) {
        if !std::mem::take(&mut self.process.look.jobs) || self.process.is_stopping {
            return;
        }
        let wall = self.wall(env);
        let mut begun = Vec::new();
        for (segment, keeping) in self.process.kept.iter_mut().filter(|(_, keeping)| !keeping.is_letting_go) {
            let name = &self.plant.segments[*segment];
            let outstanding: BTreeSet<CommandId> = self.replica.outstanding(name).map(|record| record.id).collect();
            keeping.jobs.retain(|id, running| !running.is_over || outstanding.contains(id));
            for (record, verification) in duty::commands(&self.replica, name, &keeping.takeover) {
                let Some(wanted) = record.accepted.clone().filter(|_| !keeping.jobs.contains_key(&record.id)) else { continue };
                let is_inherited = record.log_index <= keeping.since;
                let readback = verification.as_ref().map(|verify| verify.readback.clone());
                let mut job = Job::new(&record, wanted, verification, keeping.epoch, is_inherited);
                let next = job.start(wall);
                let id = record.id;
                keeping.jobs.insert(id, Running { job, record, readback, is_over: false });
                begun.push((*segment, id, next));
            }
        }
        for (segment, id, next) in begun {
            self.follow_job(env, segment, id, &next);
        }
    }

    /// Hands a job's reports on, and does what it wants.
    fn follow_job(&mut self, env: &mut Env, segment: usize, id: CommandId, next: &Next) {
        let Some(keeping) = self.process.kept.get_mut(&segment) else { return };
        let Some(running) = keeping.jobs.get_mut(&id) else { return };
        let reports = running.job.take_reports();
        let (pause, purpose) = match (next, running.readback.clone()) {
            (Next::Read(pause), Some(readback)) => (*pause, Purpose::JobReading(id, readback)),
            (Next::Write(pause), _) => (*pause, Purpose::JobWrite(id)),
            (Next::Read(_), None) | (Next::End, _) => {
                running.is_over = true;
                (std::time::Duration::ZERO, Purpose::Poll)
            }
        };
        let device = self.plant.device(running.record.tag.device());
        if !running.is_over {
            let asking = Asking { segment, epoch: keeping.epoch, keeping: keeping.number, device, purpose };
            env.after(pause, Event::Node(self.at, self.life, NodeEvent::Ask(asking)));
        }
        if !reports.is_empty() {
            self.post(Command::ReportCommands { node: self.id, reports });
        }
    }

    fn handle_job(&mut self, env: &mut Env, segment: usize, id: CommandId, event: job::Event) {
        let wall = self.wall(env);
        let running = self.process.kept.get_mut(&segment).and_then(|keeping| keeping.jobs.get_mut(&id));
        let Some(next) = running.map(|running| running.job.handle(event, wall)) else { return };
        self.follow_job(env, segment, id, &next);
    }

    /// Whether the replicated state, as far as this node has it, still has this node carry a command out.
    fn stands(&self, segment: usize, id: CommandId) -> bool {
        let Some(keeping) = self.process.kept.get(&segment) else { return false };
        let name = &self.plant.segments[segment];
        let record = self.replica.command(&id).filter(|record| !record.state().is_terminal());
        self.replica.holds(self.id, keeping.session, name, keeping.epoch)
            && record.is_some_and(|record| self.replica.hold(&record.tag).is_none())
    }

    pub(crate) fn job_reads(&mut self, env: &mut Env, asking: Asking) {
        let Purpose::JobReading(id, _) = &asking.purpose else { return };
        if self.stands(asking.segment, *id) {
            self.request(env, asking);
        } else {
            self.drop_job(asking.segment, *id);
        }
    }

    pub(crate) fn job_writes(&mut self, env: &mut Env, id: CommandId, asking: Asking) {
        let segment = asking.segment;
        let running = self.process.kept.get(&segment).and_then(|keeping| keeping.jobs.get(&id));
        let Some((tag, wanted, deadline)) =
            running.map(|running| (running.record.tag.clone(), running.job.wanted().clone(), running.record.deadline))
        else {
            return;
        };
        if !self.stands(segment, id) {
            return self.drop_job(segment, id);
        }
        let is_late = self.wall(env) >= deadline;
        if is_late || !self.write(env, asking, Some((tag, wanted))) {
            let why = if is_late { "the deadline has passed" } else { "the lease does not allow it" };
            self.handle_job(env, segment, id, job::Event::NotSent(why.into()));
        }
    }

    /// A job whose command is not this node's to carry out, at present: another begins if it is again.
    fn drop_job(&mut self, segment: usize, id: CommandId) {
        if let Some(keeping) = self.process.kept.get_mut(&segment) {
            keeping.jobs.remove(&id);
        }
    }

    pub(crate) fn job_read(&mut self, env: &mut Env, segment: usize, id: CommandId, tag: &Name, answer: Answer) {
        let wall = self.wall(env);
        let reading = match answer {
            Answer::Readings(mut readings) => readings.remove(tag).ok_or_else(|| "no such tag".to_owned()),
            _ => Err("no answer".into()),
        };
        let reading = reading.map(|sample| labkeeper_model::Sample { time: wall, ..sample });
        self.handle_job(env, segment, id, job::Event::Read(reading));
    }

    pub(crate) fn job_wrote(&mut self, env: &mut Env, segment: usize, id: CommandId, answer: &Answer) {
        let event = match answer {
            Answer::Done | Answer::Readings(_) => job::Event::Written(self.wall(env)),
            Answer::Refused => job::Event::NotSent("the fence knows a newer epoch".into()),
            Answer::NotSent => job::Event::NotSent("the process stalled".into()),
            Answer::Silence => job::Event::MayHaveReached("no answer".into()),
        };
        self.handle_job(env, segment, id, event);
    }
}
