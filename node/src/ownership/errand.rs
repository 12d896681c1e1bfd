//! How a command is carried out: in one step, step by step, or once and never again. It only chooses; the cores decide and the runners do.

use super::action_runner;
use super::ramp_runner::Climb;
use super::runner::Runner;
use super::segment::Segment;
use crate::clock;
use labkeeper_machine::state::{CommandKind, CommandRecord};
use labkeeper_model::site::{DeviceSpec, TagSpec, Verify};
use labkeeper_model::{CommandState, Name, Value};
use labkeeper_ownership::action::{Action, Means};
use labkeeper_ownership::approach::{Approach, Course};
use labkeeper_ownership::job::Job;
use labkeeper_ownership::ramp::Manner;

/// One command, with the core that knows how.
pub enum Errand {
    /// Write, then verify.
    Step(Box<Job>, Option<Name>),
    /// Step by step to the value, then verify.
    Climb(Box<Climb>),
    /// Once.
    Act(Box<action_runner::Errand>),
}

impl Errand {
    /// The way of a command to a tag of this segment; `None` if the site has no such tag.
    #[must_use]
    pub fn of(segment: &Segment, record: &CommandRecord, verification: Option<Verify>, is_inherited: bool) -> Option<Self> {
        let (device, tag) = segment.site.tag(&record.tag)?;
        let target = record.accepted.clone()?;
        if record.kind == CommandKind::Action {
            return Some(Self::Act(Box::new(action(segment, record, device, tag, target))));
        }
        // What was written has arrived, and is only verified.
        let is_under_way = matches!(record.state(), CommandState::Committed | CommandState::Dispatched);
        let manner = Manner::of(device, tag, record.ramp_per_s).filter(|_| is_under_way);
        let course = manner.map(|manner| Course { target: target.clone(), manner, epoch: segment.epoch, is_inherited });
        if let Some(approach) = course.and_then(|course| Approach::new(record, course)) {
            let position = position(Name::new(record.tag.tag()).ok()?, tag, verification.as_ref());
            return Some(Self::Climb(Box::new(Climb { approach, target, position, verification })));
        }
        let readback = verification.as_ref().map(|verify| verify.readback.clone());
        let job = Job::new(record, target, verification, segment.epoch, is_inherited);
        Some(Self::Step(Box::new(job), readback))
    }

    /// Carries it out.
    pub async fn run(self, runner: &Runner) {
        match self {
            Self::Step(job, readback) => runner.run(*job, readback).await,
            Self::Climb(climb) => runner.climb(*climb).await,
            Self::Act(errand) => runner.act(*errand).await,
        }
    }
}

fn action(segment: &Segment, record: &CommandRecord, device: &DeviceSpec, tag: &TagSpec, wanted: Value) -> action_runner::Errand {
    let probe = tag.action.as_ref().and_then(|action| action.probe.clone());
    let readback = tag.verify.as_ref().map(|verify| verify.readback.clone());
    // A frame without an answer may still take effect for as long as a write can be under way, or as the device may take to answer.
    let settle = segment.context.write_timeout.max(device.timeout);
    let means = Means { has_probe: probe.is_some(), verification: tag.verify.clone(), settle };
    let action = Action::new(record, wanted, record.mark.clone(), means, segment.epoch, clock::now());
    action_runner::Errand { action, probe, readback }
}

/// The tag that says from where to go on: the one that is written, if it can be read, as it has the last step exactly; else the one that
/// shows the effect.
fn position(name: Name, tag: &TagSpec, verification: Option<&Verify>) -> Option<Name> {
    if tag.access.is_readable() { Some(name) } else { verification.map(|verify| verify.readback.clone()) }
}
