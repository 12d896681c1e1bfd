//! One setpoint's way from the replicated state to the device and back, as a pure state machine. Time is passed in.
//!
//! ```text
//!              inherited                    within tolerance
//!   start ───────────────► comparing ────────────────────────► verified
//!     │                        │ differs            ▲
//!     │ fresh                  ▼                    │ within tolerance
//!     └───────────────────► writing ──────────► verifying ───► verify_failed
//!                              │      written
//!                              ├─► failed (the device refuses it)
//!                              └─► expired (deadline passed, nothing sent), unknown (sent, and cannot be read back)
//! ```
//!
//! A command is *inherited* when it was committed before this node began to own the segment: it may have been written already
//! by an owner that died before it could say so, so the device is read first and is not driven twice. For the same reason it never ends as
//! expired, which says that nothing was driven: what an earlier owner wrote may have been driven to a safe value, or changed at the device
//! itself, before this one reads it.
//!
//! Writing a setpoint again is harmless (it is absolute), so a write whose answer was lost is repeated until the deadline
//! unless a reading shows that it arrived. Actions, which must not be repeated, have rules of their own ([`crate::action`]), and so have
//! values that are approached step by step ([`crate::approach`]).

use labkeeper_machine::command::CommandReport;
use labkeeper_machine::state::CommandRecord;
use labkeeper_model::site::Verify;
use labkeeper_model::{CommandId, CommandState, Epoch, ErrorCode, Sample, Timestamp, Value};
use std::time::Duration;

/// Pause before a write or a first reading is tried again: ten tries within a second; the bus has its own back-off.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// Shortest and longest pause between two readings that verify a write; between them, a twentieth of the time-out.
const VERIFY_EVERY: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(250));

/// What the shell must do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Read the readback tag after a pause.
    Read(Duration),
    /// Write the value after a pause.
    Write(Duration),
    /// Nothing: the job is over.
    End,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A reading of the readback tag, or why there is none.
    Read(Result<Sample, String>),
    /// The device acknowledged the write, at this time.
    Written(Timestamp),
    /// Nothing was sent: worth another try.
    NotSent(String),
    /// The device, its declaration or an interlock refuses the value: nothing happened, and there is no use trying again.
    Refused(ErrorCode, String),
    /// The frame may have reached the device; no answer came.
    MayHaveReached(String),
}

#[derive(Clone, Debug, PartialEq)]
enum Phase {
    Comparing,
    Writing,
    Verifying { until: Timestamp },
}

/// The state machine of one command.
#[derive(Debug)]
pub struct Job {
    id: CommandId,
    epoch: Epoch,
    wanted: Value,
    verification: Option<Verify>,
    deadline: Timestamp,
    phase: Phase,
    /// Whether the device may have got the value, from this owner or an earlier one that could not say so any more.
    may_have_it: bool,
    /// Whether the replicated state has, or is about to have, that the command was begun.
    is_dispatched: bool,
    /// Whether the device is known to have taken it.
    was_written: bool,
    last_error: String,
    reports: Vec<CommandReport>,
}

impl Job {
    /// A job for a command in the replicated state. `is_inherited`: the command is older than this node's ownership.
    #[must_use]
    pub fn new(record: &CommandRecord, wanted: Value, verification: Option<Verify>, epoch: Epoch, is_inherited: bool) -> Self {
        let state = record.state();
        let is_dispatched = matches!(state, CommandState::Dispatched | CommandState::Written);
        let may_have_it = is_inherited || is_dispatched;
        let reads_first = may_have_it && verification.is_some();
        Self {
            id: record.id,
            epoch,
            wanted,
            verification,
            deadline: record.deadline,
            phase: if reads_first { Phase::Comparing } else { Phase::Writing },
            may_have_it,
            is_dispatched,
            was_written: state == CommandState::Written,
            last_error: String::new(),
            reports: vec![],
        }
    }

    /// A job for a value that the device took at this time, and that is only to be verified: the end of a ramp.
    #[must_use]
    pub fn of_written(record: &CommandRecord, wanted: Value, verification: Option<Verify>, epoch: Epoch, at: Timestamp) -> Self {
        let timeout = verification.as_ref().map_or(Duration::ZERO, |v| v.timeout);
        let phase = Phase::Verifying { until: at.saturating_add(timeout) };
        let job = Self::new(record, wanted, verification, epoch, false);
        Self { phase, may_have_it: true, is_dispatched: true, was_written: true, ..job }
    }

    /// The value to write.
    #[must_use]
    pub fn wanted(&self) -> &Value {
        &self.wanted
    }

    /// The first thing to do.
    #[must_use]
    pub fn start(&mut self, now: Timestamp) -> Next {
        match self.phase {
            Phase::Comparing => Next::Read(Duration::ZERO),
            Phase::Verifying { .. } if self.verification.is_none() => Next::End,
            Phase::Verifying { .. } => Next::Read(Duration::ZERO),
            Phase::Writing => self.write_or_give_up(now, Duration::ZERO),
        }
    }

    /// What to do after `event`.
    #[must_use]
    pub fn handle(&mut self, event: Event, now: Timestamp) -> Next {
        match event {
            Event::Read(reading) => self.handle_reading(reading, now),
            Event::Written(at) => self.handle_written(at),
            Event::NotSent(error) => {
                self.last_error = error;
                self.write_or_give_up(now, RETRY_AFTER)
            }
            Event::Refused(code, error) => self.end(CommandState::Failed, now, Some((code, error))),
            Event::MayHaveReached(error) => self.handle_lost_answer(error, now),
        }
    }

    /// Takes the reports that are due, in order.
    #[must_use]
    pub fn take_reports(&mut self) -> Vec<CommandReport> {
        std::mem::take(&mut self.reports)
    }

    fn handle_reading(&mut self, reading: Result<Sample, String>, now: Timestamp) -> Next {
        let tolerance = self.verification.as_ref().map_or(0.0, |v| v.tolerance);
        let got = match reading {
            Ok(sample) if sample.value.as_ref().is_some_and(|value| value.within(&self.wanted, tolerance)) => {
                return self.end(CommandState::Verified, sample.time, None);
            }
            Ok(sample) => sample.value.map_or_else(|| sample.quality.to_string(), |value| value.to_string()),
            Err(error) => {
                self.last_error.clone_from(&error);
                if self.phase == Phase::Comparing {
                    return self.read_again_or_give_up(now);
                }
                error
            }
        };
        match self.phase {
            Phase::Verifying { until } if now >= until => self.verify_failed(&got, now),
            Phase::Verifying { .. } => Next::Read(self.verify_pause()),
            _ if self.was_written => self.verify_from(now),
            // The device has another value: it has not got this one, or has not kept it, which nobody can tell apart afterwards.
            _ => self.write_or_give_up(now, Duration::ZERO),
        }
    }

    fn handle_written(&mut self, at: Timestamp) -> Next {
        self.mark_sent(at);
        self.report(CommandState::Written, at, None);
        self.was_written = true;
        if self.verification.is_some() { self.verify_from(at) } else { Next::End }
    }

    fn handle_lost_answer(&mut self, error: String, now: Timestamp) -> Next {
        self.mark_sent(now);
        self.last_error = error;
        if self.verification.is_some() {
            self.phase = Phase::Comparing;
            return Next::Read(Duration::ZERO);
        }
        self.write_or_give_up(now, RETRY_AFTER)
    }

    fn mark_sent(&mut self, at: Timestamp) {
        self.may_have_it = true;
        if !self.is_dispatched {
            self.is_dispatched = true;
            self.report(CommandState::Dispatched, at, None);
        }
    }

    fn verify_from(&mut self, at: Timestamp) -> Next {
        let timeout = self.verification.as_ref().map_or(Duration::ZERO, |v| v.timeout);
        self.phase = Phase::Verifying { until: at.saturating_add(timeout) };
        Next::Read(Duration::ZERO)
    }

    fn verify_pause(&self) -> Duration {
        let timeout = self.verification.as_ref().map_or(Duration::ZERO, |v| v.timeout);
        (timeout / 20).clamp(VERIFY_EVERY.0, VERIFY_EVERY.1)
    }

    fn verify_failed(&mut self, got: &str, now: Timestamp) -> Next {
        let message = format!("wanted {}, got {got}", self.wanted);
        self.end(CommandState::VerifyFailed, now, Some((ErrorCode::VerifyFailed, message)))
    }

    fn write_or_give_up(&mut self, now: Timestamp, pause: Duration) -> Next {
        if now >= self.deadline {
            return self.give_up(now);
        }
        self.phase = Phase::Writing;
        Next::Write(pause)
    }

    fn read_again_or_give_up(&mut self, now: Timestamp) -> Next {
        if now >= self.deadline { self.give_up(now) } else { Next::Read(RETRY_AFTER) }
    }

    /// The deadline has passed.
    fn give_up(&mut self, now: Timestamp) -> Next {
        let cause = if self.last_error.is_empty() { String::new() } else { format!(": {}", self.last_error) };
        if self.may_have_it {
            let message = format!("the device may have taken {}, but could not be read{cause}", self.wanted);
            return self.end(CommandState::Unknown, now, Some((ErrorCode::OutcomeUnknown, message)));
        }
        let message = format!("the deadline passed before the device could be reached{cause}");
        self.end(CommandState::Expired, now, Some((ErrorCode::Expired, message)))
    }

    fn end(&mut self, state: CommandState, time: Timestamp, error: Option<(ErrorCode, String)>) -> Next {
        self.report(state, time, error);
        Next::End
    }

    fn report(&mut self, state: CommandState, time: Timestamp, error: Option<(ErrorCode, String)>) {
        self.reports.push(CommandReport { id: self.id, epoch: self.epoch, state, time, error, mark: None });
    }
}

#[cfg(test)]
#[path = "job_tests.rs"]
mod tests;
