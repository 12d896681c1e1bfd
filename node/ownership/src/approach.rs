//! A setpoint that is approached step by step: from the reading, at its rate, held and stopped as people wish. A pure state machine; time is
//! passed in.
//!
//! ```text
//!              a number was read                 the device has the target
//!   reading ──────────────────────► ramping ──────────────────────────────► written: a `Job` verifies it
//!     │  ▲                           │ ▲ │ hold, resume
//!     │  └───────────────────────────┘ └─┤
//!     │     a step did not arrive        └──► failed: the device, or an interlock, refuses a step
//!     ├──► stopped, where it stands
//!     └──► expired, unknown: the deadline passed and nothing was driven, or nobody knows
//! ```
//!
//! A ramp is begun before its deadline, and then takes as long as it takes: a command that is `dispatched` is gone on with by whoever owns the
//! segment, from what the device reads. A step that may not have arrived is not repeated either: the device is read again, and the ramp
//! begins anew from there. So however often owners change, the device moves no faster than the rate.
//!
//! Knows nothing of sockets and of the log.

use crate::Moment;
use crate::job::Event;
use crate::ramp::{Manner, Ramp, Wish, as_value};
use labkeeper_machine::command::CommandReport;
use labkeeper_machine::state::CommandRecord;
use labkeeper_model::{CommandId, CommandState, Epoch, ErrorCode, Quality, Sample, Timestamp, Value};
use std::time::Duration;

/// Pause before a reading is tried again; the bus has its own back-off, and refuses at once where there is no prospect.
const READ_AGAIN: Duration = Duration::from_millis(100);

/// What the shell must do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Read the device after a pause.
    Read(Duration),
    /// Write a step.
    Write(Value),
    /// Look again after a pause.
    Wait(Duration),
    /// The device has the target since this time: hand over to a job that verifies it.
    Arrived(Timestamp),
    /// Nothing: the ramp is over.
    End,
}

/// Something to be said about a ramp: few words for each, never samples.
#[derive(Clone, Debug, PartialEq)]
pub enum Word {
    /// About its command.
    Command(CommandReport),
    /// It has begun, or was gone on with by another owner, at this value.
    Started(Value),
    /// It is held at this value.
    Held(Value),
    /// It goes on from this value.
    Resumed(Value),
    /// It was stopped at this value, if the device could be read.
    Stopped(Option<Value>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// The device is asked where it stands.
    Reading,
    Ramping(Ramp),
}

/// What is known when a ramp begins or is gone on with.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// The value to arrive at.
    pub target: Value,
    /// How to approach it.
    pub manner: Manner,
    /// Under which epoch.
    pub epoch: Epoch,
    /// Whether the command is older than this ownership.
    pub is_inherited: bool,
}

/// The state machine of one ramp.
#[derive(Debug)]
pub struct Approach {
    id: CommandId,
    course: Course,
    target: f64,
    deadline: Timestamp,
    phase: Phase,
    /// Whether the replicated state has, or is about to have, that it was begun.
    is_begun: bool,
    is_held: bool,
    last_error: String,
    /// Whether the latest attempt to read the device failed.
    is_unread: bool,
    words: Vec<Word>,
}

impl Approach {
    /// A ramp for a command that is committed or dispatched; `None` if its target is no number, which is approached in one step.
    #[must_use]
    pub fn new(record: &CommandRecord, course: Course) -> Option<Self> {
        let target = course.target.as_f64().filter(|target| target.is_finite())?;
        Some(Self {
            id: record.id,
            course,
            target,
            deadline: record.deadline,
            phase: Phase::Reading,
            is_begun: record.state() == CommandState::Dispatched,
            is_held: false,
            last_error: String::new(),
            is_unread: false,
            words: vec![],
        })
    }

    /// The first thing to do.
    #[must_use]
    pub fn start(&mut self, wish: Wish, now: Timestamp) -> Next {
        self.read(wish, Duration::ZERO, now)
    }

    /// What to do after a pause.
    #[must_use]
    pub fn look(&mut self, wish: Wish, now: Timestamp, at: Moment) -> Next {
        let Phase::Ramping(mut ramp) = self.phase else { return self.read(wish, Duration::ZERO, now) };
        if wish == Wish::Stop {
            return self.stop(Some(ramp.written()));
        }
        self.hold(&mut ramp, wish == Wish::Hold, at);
        let step = ramp.step(at);
        self.phase = Phase::Ramping(ramp);
        match step {
            _ if self.is_too_late(now) => self.give_up(now),
            None if ramp.is_at_target(ramp.written()) => self.arrive(now),
            None => Next::Wait(ramp.pause(at)),
            Some(step) => Next::Write(as_value(step, &self.course.target)),
        }
    }

    /// What to do after `event`.
    #[must_use]
    pub fn handle(&mut self, event: Event, wish: Wish, now: Timestamp, at: Moment) -> Next {
        match event {
            Event::Read(reading) => match number(reading) {
                Ok(reading) => self.begin(reading, wish, now, at),
                Err(error) => {
                    (self.last_error, self.is_unread) = (error, true);
                    self.read(wish, READ_AGAIN, now)
                }
            },
            Event::Written(time) => self.handle_written(time, at),
            Event::NotSent(error) => {
                self.last_error = error;
                match self.phase {
                    // What was not sent was not reached.
                    Phase::Ramping(ramp) if wish == Wish::Stop => self.stop(Some(ramp.written())),
                    _ => self.read(wish, READ_AGAIN, now),
                }
            }
            Event::MayHaveReached(error) => {
                self.last_error = error;
                self.mark_begun(now);
                self.read(wish, READ_AGAIN, now)
            }
            Event::Refused(code, error) => self.end(CommandState::Failed, now, (code, error)),
        }
    }

    /// Takes what is to be said, in order.
    #[must_use]
    pub fn take_words(&mut self) -> Vec<Word> {
        std::mem::take(&mut self.words)
    }

    /// Whether its command was begun.
    #[must_use]
    pub const fn is_begun(&self) -> bool {
        self.is_begun
    }

    fn begin(&mut self, reading: f64, wish: Wish, now: Timestamp, at: Moment) -> Next {
        self.is_unread = false;
        if wish != Wish::Stop {
            self.words.push(Word::Started(as_value(reading, &self.course.target)));
        }
        self.phase = Phase::Ramping(Ramp::new(reading, self.target, self.course.manner, at));
        self.look(wish, now, at)
    }

    fn handle_written(&mut self, time: Timestamp, at: Moment) -> Next {
        let Phase::Ramping(mut ramp) = self.phase else { return Next::Read(READ_AGAIN) };
        ramp.handle_written(ramp.at());
        self.phase = Phase::Ramping(ramp);
        self.mark_begun(time);
        if ramp.is_at_target(ramp.written()) { self.arrive(time) } else { Next::Wait(ramp.pause(at)) }
    }

    fn arrive(&mut self, time: Timestamp) -> Next {
        self.mark_begun(time);
        self.say(CommandState::Written, time, None);
        Next::Arrived(time)
    }

    fn mark_begun(&mut self, time: Timestamp) {
        if !self.is_begun {
            self.is_begun = true;
            self.say(CommandState::Dispatched, time, None);
        }
    }

    fn hold(&mut self, ramp: &mut Ramp, is_held: bool, at: Moment) {
        ramp.hold(is_held, at);
        if is_held != self.is_held {
            self.is_held = is_held;
            let value = as_value(ramp.written(), &self.course.target);
            self.words.push(if is_held { Word::Held(value) } else { Word::Resumed(value) });
        }
    }

    fn stop(&mut self, at: Option<f64>) -> Next {
        self.words.push(Word::Stopped(at.map(|at| as_value(at, &self.course.target))));
        Next::End
    }

    /// Reads the device, from which everything begins anew. Whoever stops a ramp does not wait for a device that does not answer.
    fn read(&mut self, wish: Wish, pause: Duration, now: Timestamp) -> Next {
        self.phase = Phase::Reading;
        match wish {
            Wish::Stop if self.is_unread => self.stop(None),
            _ if self.is_too_late(now) => self.give_up(now),
            _ => Next::Read(pause),
        }
    }

    fn is_too_late(&self, now: Timestamp) -> bool {
        !self.is_begun && now >= self.deadline
    }

    fn give_up(&mut self, now: Timestamp) -> Next {
        let cause = if self.last_error.is_empty() { String::new() } else { format!(": {}", self.last_error) };
        let (state, code, what) = if self.course.is_inherited {
            (CommandState::Unknown, ErrorCode::OutcomeUnknown, "and an earlier owner may have taken the first steps")
        } else {
            (CommandState::Expired, ErrorCode::Expired, "before the first step")
        };
        self.end(state, now, (code, format!("the deadline passed {what}{cause}")))
    }

    fn end(&mut self, state: CommandState, time: Timestamp, error: (ErrorCode, String)) -> Next {
        self.say(state, time, Some(error));
        Next::End
    }

    fn say(&mut self, state: CommandState, time: Timestamp, error: Option<(ErrorCode, String)>) {
        let (id, epoch) = (self.id, self.course.epoch);
        self.words.push(Word::Command(CommandReport { id, epoch, state, time, error, mark: None }));
    }
}

/// A reading that a ramp may begin from.
fn number(reading: Result<Sample, String>) -> Result<f64, String> {
    let sample = reading?;
    let value = sample.value.as_ref().and_then(Value::as_f64).filter(|value| value.is_finite());
    match (sample.quality, value) {
        (Quality::Good, Some(value)) => Ok(value),
        (Quality::Good, None) => Err("the reading is no number".into()),
        (quality, _) => Err(quality.to_string()),
    }
}

#[cfg(test)]
#[path = "approach_tests.rs"]
mod tests;
