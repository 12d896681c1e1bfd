//! One action's way from the replicated state to the device: at most once, whatever fails. A pure state machine; time is passed in.
//!
//! ```text
//!              probe declared          mark            it is committed
//!   committed ───────────────► marking ────► declaring ───────────────► writing ───► written ──► verified, if declared
//!       │      no probe                          ▲  ▲                   │  │  │         └──────► verify_failed
//!       └────────────────────────────────────────┘  │ nothing was sent  │  │  └─► failed: the device refuses it
//!                                                   └───────────────────┘  │ no answer
//!                                                                          ▼
//!   dispatched, by whomever ────────────────────────────────────────► in doubt ──► counter as marked:   failed, it was not executed
//!                                                                              ├─► one more:            written
//!                                                                              └─► else, or no counter: unknown
//! ```
//!
//! **Intent first.** A frame leaves only after this owner's word that it begins is committed. So an action that is `committed` was
//! certainly not sent by anybody, and one that is `dispatched` may have been: from there nobody sends it again, not even the one who
//! began it and was restarted. The device's own counter, read before and after, is what tells the two cases apart; a device
//! without one leaves `unknown`, which a person decides. That is the honest version of exactly once.
//!
//! A write of which it is certain that nothing left may be tried again until the deadline: nothing has happened. For the same reason an
//! owner that hands its segment over ends what it has declared and not sent: its successor could only be in doubt.
//!
//! Knows nothing of sockets and of the log; whoever runs it says when its word is committed.

use crate::job::Event;
use labkeeper_machine::command::CommandReport;
use labkeeper_machine::state::CommandRecord;
use labkeeper_model::site::Verify;
use labkeeper_model::{CommandId, CommandState, Epoch, ErrorCode, Quality, Sample, Timestamp, Value};
use std::time::Duration;

/// Pause before something is tried again: ten tries within a second; the bus has its own back-off.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// How long the counter of a device is asked for to settle a doubt: the longest pause of a bus between two attempts to connect. A person
/// waits for the answer, and `unknown` is one.
const DOUBT_MAX: Duration = Duration::from_secs(10);
/// Pause between two readings that verify a write: a twentieth of the time-out, within these.
const VERIFY_EVERY: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(250));

/// What the shell must do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Read the probe after a pause.
    Probe(Duration),
    /// Report the action as dispatched, with this mark, and wait until the replicated state has it under this ownership.
    Declare {
        /// What the probe read before.
        mark: Option<Value>,
    },
    /// Write the value after a pause, once.
    Write(Duration),
    /// Read the tag that verifies it, after a pause.
    Verify(Duration),
    /// Nothing: the job is over.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Marking,
    Declaring,
    Writing,
    InDoubt { until: Timestamp },
    Verifying { until: Timestamp },
}

/// What the job needs to know of the tag.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Means {
    /// Whether the device counts what it does.
    pub has_probe: bool,
    /// A tag that shows afterwards that it was done, other than the action itself.
    pub verification: Option<Verify>,
    /// How long a frame that was sent can still take effect: a counter is asked no earlier.
    pub settle: Duration,
}

/// The state machine of one action.
#[derive(Debug)]
pub struct Action {
    id: CommandId,
    epoch: Epoch,
    wanted: Value,
    deadline: Timestamp,
    means: Means,
    mark: Option<Value>,
    phase: Phase,
    /// Whether this owner has said that it begins.
    is_declared: bool,
    last_error: String,
    reports: Vec<CommandReport>,
}

impl Action {
    /// A job for an action in the replicated state. `mark` is what was read before, if somebody has begun it.
    #[must_use]
    pub fn new(record: &CommandRecord, wanted: Value, mark: Option<Value>, means: Means, epoch: Epoch, now: Timestamp) -> Self {
        let phase = match record.state() {
            CommandState::Committed if means.has_probe => Phase::Marking,
            CommandState::Committed => Phase::Declaring,
            CommandState::Written => Phase::Verifying { until: now.saturating_add(patience(&means)) },
            _ => Phase::InDoubt { until: now.saturating_add(DOUBT_MAX) },
        };
        let (id, deadline) = (record.id, record.deadline);
        Self { id, epoch, wanted, deadline, means, mark, phase, is_declared: false, last_error: String::new(), reports: vec![] }
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
            _ if self.is_too_late(now) => self.expired(now),
            Phase::Marking => Next::Probe(Duration::ZERO),
            Phase::Declaring => self.declare(),
            Phase::Verifying { .. } if self.means.verification.is_some() => Next::Verify(Duration::ZERO),
            Phase::Verifying { .. } => Next::End,
            Phase::Writing | Phase::InDoubt { .. } => {
                self.doubt(now, "an earlier owner had begun and could not say what came of it".into())
            }
        }
    }

    /// What to do when the replicated state has it that this owner has begun.
    #[must_use]
    pub fn handle_declared(&mut self) -> Next {
        if self.phase == Phase::Declaring {
            self.phase = Phase::Writing;
        }
        self.again(Duration::ZERO)
    }

    /// What to do after `event`.
    #[must_use]
    pub fn handle(&mut self, event: Event, now: Timestamp) -> Next {
        match (self.phase, event) {
            (Phase::Marking, Event::Read(reading)) => self.handle_mark(reading, now),
            (Phase::InDoubt { until }, Event::Read(reading)) => self.settle_doubt(reading, until, now),
            (Phase::Verifying { until }, Event::Read(reading)) => self.handle_verification(reading, until, now),
            (Phase::Writing, Event::Written(at)) => self.handle_written(at),
            (Phase::Writing, Event::NotSent(error)) => self.handle_not_sent(error, now),
            (Phase::Writing, Event::Refused(code, error)) => self.end(CommandState::Failed, now, Some((code, error))),
            (Phase::Writing, Event::MayHaveReached(error)) => self.doubt(now, error),
            // An answer to something else: what this phase waits for is asked for again.
            _ => self.again(RETRY_AFTER),
        }
    }

    /// Takes that this owner is to begin nothing else. Nothing was sent, or the doubt is the successor's to settle.
    pub fn handle_withdrawn(&mut self, now: Timestamp) {
        if self.is_declared && matches!(self.phase, Phase::Declaring | Phase::Writing) {
            let message = "not executed: the segment was handed over before anything was sent".to_owned();
            let _ = self.end(CommandState::Failed, now, Some((ErrorCode::WriteFailed, message)));
        }
    }

    /// Takes the reports that are due, in order.
    #[must_use]
    pub fn take_reports(&mut self) -> Vec<CommandReport> {
        std::mem::take(&mut self.reports)
    }

    fn declare(&mut self) -> Next {
        self.is_declared = true;
        Next::Declare { mark: self.mark.clone() }
    }

    fn again(&self, pause: Duration) -> Next {
        match self.phase {
            Phase::Marking | Phase::InDoubt { .. } => Next::Probe(pause),
            Phase::Declaring => Next::Declare { mark: self.mark.clone() },
            Phase::Writing => Next::Write(pause),
            Phase::Verifying { .. } => Next::Verify(pause),
        }
    }

    fn handle_mark(&mut self, reading: Result<Sample, String>, now: Timestamp) -> Next {
        match good(reading) {
            Ok(mark) => {
                self.mark = Some(mark);
                self.phase = Phase::Declaring;
                if self.is_too_late(now) { self.expired(now) } else { self.declare() }
            }
            Err(error) => {
                self.last_error = error;
                if self.is_too_late(now) { self.expired(now) } else { Next::Probe(RETRY_AFTER) }
            }
        }
    }

    fn handle_written(&mut self, at: Timestamp) -> Next {
        self.report(CommandState::Written, at, None);
        if self.means.verification.is_none() {
            return Next::End;
        }
        self.phase = Phase::Verifying { until: at.saturating_add(patience(&self.means)) };
        Next::Verify(Duration::ZERO)
    }

    fn handle_not_sent(&mut self, error: String, now: Timestamp) -> Next {
        if now < self.deadline {
            self.last_error = error;
            return Next::Write(RETRY_AFTER);
        }
        let message = format!("not executed: nothing could be sent before the deadline: {error}");
        self.end(CommandState::Failed, now, Some((ErrorCode::WriteFailed, message)))
    }

    /// The device may have got it. Never sent again; its counter tells, if it has one and somebody had looked before.
    fn doubt(&mut self, now: Timestamp, why: String) -> Next {
        self.last_error = why;
        if !self.means.has_probe || self.mark.is_none() {
            return self.unknown(now, "nothing on the device counts what it does");
        }
        self.phase = Phase::InDoubt { until: now.saturating_add(DOUBT_MAX) };
        Next::Probe(self.means.settle)
    }

    fn settle_doubt(&mut self, reading: Result<Sample, String>, until: Timestamp, now: Timestamp) -> Next {
        match good(reading) {
            Ok(count) if self.mark.as_ref() == Some(&count) => {
                let message = format!("not executed: the device's counter still is {count} ({})", self.last_error);
                self.end(CommandState::Failed, now, Some((ErrorCode::WriteFailed, message)))
            }
            Ok(count) if self.mark.as_ref().is_some_and(|mark| is_one_more(mark, &count)) => self.handle_written(now),
            Ok(count) => {
                let mark = self.mark.as_ref().map_or_else(String::new, ToString::to_string);
                self.unknown(now, &format!("the device's counter went from {mark} to {count}, which does not tell"))
            }
            Err(_) if now < until => Next::Probe(RETRY_AFTER),
            Err(error) => self.unknown(now, &format!("the device's counter could not be read: {error}")),
        }
    }

    fn handle_verification(&mut self, reading: Result<Sample, String>, until: Timestamp, now: Timestamp) -> Next {
        let tolerance = self.means.verification.as_ref().map_or(0.0, |verify| verify.tolerance);
        let got = match good(reading) {
            Ok(value) if value.within(&self.wanted, tolerance) => return self.end(CommandState::Verified, now, None),
            Ok(value) => value.to_string(),
            Err(error) => error,
        };
        if now < until {
            return Next::Verify(self.verify_pause());
        }
        let message = format!("wanted {}, got {got}", self.wanted);
        self.end(CommandState::VerifyFailed, now, Some((ErrorCode::VerifyFailed, message)))
    }

    fn verify_pause(&self) -> Duration {
        (patience(&self.means) / 20).clamp(VERIFY_EVERY.0, VERIFY_EVERY.1)
    }

    /// Whether it must not be begun any more.
    fn is_too_late(&self, now: Timestamp) -> bool {
        matches!(self.phase, Phase::Marking | Phase::Declaring) && now >= self.deadline
    }

    /// Nothing was sent, and that is certain, whoever owned the segment before.
    fn expired(&mut self, now: Timestamp) -> Next {
        let cause = if self.last_error.is_empty() { String::new() } else { format!(": {}", self.last_error) };
        let message = format!("not executed: the deadline passed before it could be begun{cause}");
        self.end(CommandState::Expired, now, Some((ErrorCode::Expired, message)))
    }

    fn unknown(&mut self, now: Timestamp, why: &str) -> Next {
        let message = format!("it may have been executed, once; {why} ({})", self.last_error);
        self.end(CommandState::Unknown, now, Some((ErrorCode::OutcomeUnknown, message)))
    }

    fn end(&mut self, state: CommandState, time: Timestamp, error: Option<(ErrorCode, String)>) -> Next {
        self.report(state, time, error);
        Next::End
    }

    fn report(&mut self, state: CommandState, time: Timestamp, error: Option<(ErrorCode, String)>) {
        self.reports.push(CommandReport { id: self.id, epoch: self.epoch, state, time, error, mark: None });
    }
}

/// A reading that may be acted upon.
fn good(reading: Result<Sample, String>) -> Result<Value, String> {
    let sample = reading?;
    match (sample.quality, sample.value) {
        (Quality::Good, Some(value)) => Ok(value),
        (quality, _) => Err(quality.to_string()),
    }
}

/// Whether a counter has counted once. One that has begun anew at zero does not tell.
fn is_one_more(mark: &Value, count: &Value) -> bool {
    match (mark.as_f64(), count.as_f64()) {
        (Some(mark), Some(count)) => count - mark == 1.0,
        _ => false,
    }
}

fn patience(means: &Means) -> Duration {
    means.verification.as_ref().map_or(Duration::ZERO, |verify| verify.timeout)
}

#[cfg(test)]
#[path = "action_tests.rs"]
mod tests;
