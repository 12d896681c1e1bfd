//! Carries out what an approach asks for: reads, steps and pauses, and then the verification of its target.
//!
//! It asks the replicated state what people want of the ramp before each step, and decides nothing itself.

use super::runner::{Runner, rest};
use crate::clock;
use labkeeper_machine::state::CommandRecord;
use labkeeper_machine::{Command, Machine, OperateCommand, RampProgress, RampState};
use labkeeper_model::site::Verify;
use labkeeper_model::{Name, Value};
use labkeeper_ownership::approach::{Approach, Next, Word};
use labkeeper_ownership::job::Job;
use labkeeper_ownership::ramp::Wish;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long one attempt to say something may take: several elections.
const ATTEMPT: Duration = Duration::from_secs(5);
/// Pause between attempts while there is no leader.
const SAY_AGAIN: Duration = Duration::from_millis(100);

/// A setpoint that is approached step by step.
pub struct Climb {
    /// The ramp's core.
    pub approach: Approach,
    /// The value to arrive at.
    pub target: Value,
    /// The tag that says where the device stands; without one, nothing is driven.
    pub position: Option<Name>,
    /// How the target is verified.
    pub verification: Option<Verify>,
}

impl Runner {
    /// Runs a ramp to its end, or until its command is not this node's to carry out.
    pub async fn climb(&self, climb: Climb) {
        let Climb { mut approach, target, position, verification } = climb;
        let mut next = approach.start(self.wish(), clock::now());
        loop {
            for word in approach.take_words() {
                if !self.say(word).await {
                    return;
                }
            }
            next = match next {
                Next::End => return,
                Next::Arrived(at) => {
                    let readback = verification.as_ref().map(|verify| verify.readback.clone());
                    let job = Job::of_written(&self.record, target, verification, self.segment.epoch, at);
                    return self.run(job, readback).await;
                }
                _ if !self.stands() => return,
                Next::Wait(pause) => {
                    rest(pause).await;
                    approach.look(self.wish(), clock::now(), clock::boot())
                }
                Next::Read(pause) => {
                    rest(pause).await;
                    let reading = self.read(position.as_ref()).await;
                    approach.handle(reading, self.wish(), clock::now(), clock::boot())
                }
                Next::Write(step) => {
                    // A ramp that was begun in time takes as long as it takes.
                    let deadline = (!approach.is_begun()).then_some(self.record.deadline);
                    let written = self.write_if(step, deadline, |machine, record| wish_of(machine, record) == Wish::Go).await;
                    approach.handle(written, self.wish(), clock::now(), clock::boot())
                }
            };
        }
    }

    /// What people want of the ramp.
    fn wish(&self) -> Wish {
        self.segment.context.cluster.read(|machine| wish_of(machine, &self.record))
    }

    /// Says something about the ramp; `false` if there is nobody to hear it.
    async fn say(&self, word: Word) -> bool {
        let progress = match word {
            Word::Command(report) => return self.report(report).await,
            Word::Started(at) => RampProgress::Started(at),
            Word::Held(at) => RampProgress::Held(at),
            Word::Resumed(at) => RampProgress::Resumed(at),
            Word::Stopped(at) => RampProgress::Stopped(at),
        };
        tracing::info!(command = %self.record.id, tag = %self.record.tag, ?progress, "ramp");
        let is_last = matches!(progress, RampProgress::Stopped(_));
        let report = self.ramp_report(progress);
        if is_last {
            return self.insist(report).await;
        }
        // Where a ramp stands is good to know, and the device goes on meanwhile.
        self.segment.report(report);
        true
    }

    fn ramp_report(&self, progress: RampProgress) -> Command {
        Command::Operate(OperateCommand::ReportRamp {
            node: self.segment.context.me,
            segment: self.segment.name.clone(),
            epoch: self.segment.epoch,
            tag: self.record.tag.clone(),
            command: self.record.id,
            progress,
        })
    }

    /// Says something until it is heard: the command ends by it. Whoever owns the segment next says it anew.
    async fn insist(&self, report: Command) -> bool {
        while self.is_owned() {
            match self.segment.context.cluster.propose(report.clone(), Instant::now() + ATTEMPT).await {
                Ok(_) => return true,
                Err(error) => tracing::debug!(%error, "that a ramp was stopped will be said again"),
            }
            sleep(SAY_AGAIN).await;
        }
        false
    }
}

fn wish_of(machine: &Machine, record: &CommandRecord) -> Wish {
    match machine.ramp_of(record).map(|ramp| ramp.state) {
        Some(RampState::Held) => Wish::Hold,
        Some(RampState::Stopping) => Wish::Stop,
        _ => Wish::Go,
    }
}
