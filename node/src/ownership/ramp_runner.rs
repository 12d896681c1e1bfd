//! Carries out what an approach asks for: reads, steps and pauses, and then the verification of its target.
//!
//! It asks the replicated state what people want of the ramp before each step, and decides nothing itself.

use super::runner::Runner;
use crate::clock;
use labkeeper_model::site::Verify;
use labkeeper_model::{Name, Value};
use labkeeper_ownership::approach::{Approach, Next, Word};
use labkeeper_ownership::job::Job;
use labkeeper_ownership::ramp::Wish;
use tokio::time::sleep;

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
                    sleep(pause).await;
                    approach.look(self.wish(), clock::now(), clock::boot())
                }
                Next::Read(pause) => {
                    sleep(pause).await;
                    let reading = self.read(position.as_ref()).await;
                    approach.handle(reading, self.wish(), clock::now(), clock::boot())
                }
                Next::Write(step) => {
                    // A ramp that was begun in time takes as long as it takes.
                    let deadline = (!approach.is_begun()).then_some(self.record.deadline);
                    let written = self.write(step, deadline).await;
                    approach.handle(written, self.wish(), clock::now(), clock::boot())
                }
            };
        }
    }
    /// What people want of the ramp.
    fn wish(&self) -> Wish {
        Wish::Go
    }

    /// Says something about the ramp; `false` if there is nobody to hear it.
    async fn say(&self, word: Word) -> bool {
        match word {
            Word::Command(report) => self.report(report).await,
            other => {
                tracing::info!(command = %self.record.id, tag = %self.record.tag, ?other, "ramp");
                true
            }
        }
    }
}
