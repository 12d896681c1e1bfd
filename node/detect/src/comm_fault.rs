//! That a device does not answer: one alarm for the device, whatever alarms its tags have.
//!
//! A takeover is no fault: a new owner says nothing of a device that it has not reached yet, until [`START_PATIENCE`] has passed. If the former
//! owner had said that the device does not answer, that stands.

use crate::Word;
use crate::freshness::START_PATIENCE;
use crate::inputs::Now;
use crate::speech::Speech;
use crate::word::{Level, Recorded, SEVERITY_INNER};
use labkeeper_model::{Moment, Timestamp};
use std::collections::VecDeque;

/// Whether a device answers, by its bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answering {
    /// It does.
    Yes,
    /// Several requests in a row were not answered.
    No,
    /// It is too early to tell, or nobody asks it.
    Unknown,
}

/// The detector of one device.
pub struct CommFault {
    since: Moment,
    has_answered: bool,
    speech: Speech,
}

impl CommFault {
    /// A detector that goes on from what the machine has.
    #[must_use]
    pub fn new(recorded: Recorded, now: Now) -> Self {
        Self { since: now.moment, has_answered: false, speech: Speech::new(recorded) }
    }

    /// Takes what the bus finds; to be called again as time passes.
    pub fn handle(&mut self, answering: Answering, now: Now) {
        let is_taking_over = !self.has_answered && now.moment.saturating_since(self.since) < START_PATIENCE;
        match answering {
            Answering::Yes => {
                self.has_answered = true;
                self.speech.found(Level::Clear, None, now);
            }
            Answering::No if !is_taking_over => self.speech.found(Level::Active(SEVERITY_INNER), None, now),
            Answering::No | Answering::Unknown => {}
        }
        self.speech.speak(now);
    }

    /// The words that wait, oldest first.
    #[must_use]
    pub const fn words(&self) -> &VecDeque<(Timestamp, Word)> {
        self.speech.queue()
    }

    /// The log has the words up to this time.
    pub fn delivered(&mut self, up_to: Timestamp) {
        self.speech.delivered(up_to);
    }

    /// Compares with what the machine has, which must not be older than the last word that was delivered.
    pub fn settle(&mut self, recorded: Recorded) {
        self.speech.settle(recorded);
    }
}
