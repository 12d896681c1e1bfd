//! One alarm of a tag: its judge, how fresh what it is judged by is, and what is said about it.

use crate::Word;
use crate::freshness::{Freshness, Watcher, patience};
use crate::inputs::{Inputs, Now};
use crate::judge::{Finding, Judge};
use crate::speech::Speech;
use crate::suppression::Suppression;
use crate::word::Recorded;
use labkeeper_expression::{Expression, Scope};
use labkeeper_model::site::{AlarmKind, AlarmSpec, DeviceSpec};
use labkeeper_model::{Name, Quality, Sample, TagPath, Timestamp, Value};
use std::collections::VecDeque;

/// The detector of one alarm.
pub struct Detector {
    tag: TagPath,
    /// The tag whose readings are judged: its readback, where a reading is compared with what was written.
    source: TagPath,
    judge: Judge,
    watcher: Watcher,
    suppression: Suppression,
    speech: Speech,
}

impl Detector {
    /// A detector of the alarm `spec` of a device's tag, that goes on from what the machine has.
    #[must_use]
    pub fn new(
        (device_name, device): (&Name, &DeviceSpec),
        tag: &Name,
        spec: &AlarmSpec,
        scope: &dyn Scope,
        recorded: Recorded,
        now: Now,
    ) -> Self {
        // The check of the site has refused what cannot be read.
        let parse = |text: &str| Expression::condition(text, scope).ok();
        let condition = match &spec.kind {
            AlarmKind::Expression { source } => parse(source),
            _ => None,
        };
        let verify = device.tags.get(tag).and_then(|tag| tag.verify.as_ref());
        let readback = verify.filter(|_| matches!(spec.kind, AlarmKind::Discrepancy { .. })).map(|verify| &verify.readback);
        let path = |tag: &Name| TagPath::new(&device.segment, device_name, tag);
        Self {
            tag: path(tag),
            source: path(readback.unwrap_or(tag)),
            judge: Judge::new(spec, recorded.level, condition),
            watcher: Watcher::new(patience(device.poll), now.moment),
            suppression: Suppression::new(spec.suppress_when.as_deref().and_then(parse), patience(device.poll), now.moment),
            speech: Speech::new(recorded),
        }
    }

    /// The tags whose readings it wants: the one that it judges, and those of its expression.
    #[must_use]
    pub fn sources(&self) -> Vec<TagPath> {
        let mut sources = vec![self.source.clone()];
        if let Judge::Expression(Some(condition)) = &self.judge {
            sources.extend(condition.tags());
        }
        sources.sort();
        sources.dedup();
        sources
    }

    /// Whoever watched before has said that the device does not answer.
    pub const fn expect_silence(&mut self) {
        self.watcher.expect_silence();
    }

    /// What its tag was last known to be, by whoever read it before: a change since then is one.
    pub fn handle_last_known(&mut self, value: Value) {
        self.judge.remember(value);
    }

    /// Takes a reading of one of [`Detector::sources`].
    pub fn handle_sample(&mut self, sample: &Sample, now: Now, inputs: &dyn Inputs) {
        let at = Now { time: sample.time, ..now };
        if self.judge.is_by_expression() {
            return self.handle_time(at, inputs);
        }
        if matches!(self.watcher.state(now.moment), Freshness::Bad(_)) {
            self.judge.forget();
        }
        let finding = match (&sample.quality, &sample.value) {
            (Quality::Bad(_), _) => Finding::Unusable(sample.quality.to_string()),
            (_, Some(value)) => self.judge.judge(&self.tag, value, now.moment, inputs),
            (_, None) => Finding::Unusable("it has no value".into()),
        };
        self.take(finding, sample.value.as_ref(), at);
        self.conclude(at);
    }

    /// Takes that time has passed.
    pub fn handle_time(&mut self, now: Now, inputs: &dyn Inputs) {
        if let Some(finding) = self.judge.judge_silence(self.watcher.silence(now.moment), inputs) {
            // Silence found by itself is no sign of life.
            match finding {
                Finding::Level(level) if self.judge.is_about_silence() => self.speech.found(level, None, now),
                other => self.take(other, None, now),
            }
        }
        if let Some(is_suppressed) = self.suppression.is_suppressed(now.moment, inputs) {
            self.speech.found_suppressed(is_suppressed);
        }
        self.conclude(now);
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

    fn take(&mut self, finding: Finding, value: Option<&Value>, now: Now) {
        match finding {
            Finding::Unusable(cause) => return self.watcher.missed(&cause),
            Finding::Level(level) => self.speech.found(level, value, now),
            Finding::Changed => value.into_iter().for_each(|value| self.speech.pulsed(value, now)),
            Finding::Unjudged => {}
        }
        self.watcher.seen(now.moment);
    }

    fn conclude(&mut self, now: Now) {
        if !self.judge.is_about_silence() {
            match self.watcher.state(now.moment) {
                Freshness::Starting => {}
                Freshness::Fresh => self.speech.can_tell(Ok(()), now),
                Freshness::Bad(cause) => self.speech.can_tell(Err(cause), now),
            }
        }
        self.speech.speak(now);
    }
}

#[cfg(test)]
#[path = "detector_tests.rs"]
mod tests;
