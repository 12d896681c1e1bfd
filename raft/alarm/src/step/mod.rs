//! The one function that changes an alarm. What the field does to it is in `condition`, what people do in `person`, how an override ends
//! in `overrides`, what time does in `time`.

mod condition;
mod overrides;
mod person;
mod time;

use crate::{Alarm, By, Event, Outcome, Refusal, Row, Rules, Transition, Word};
use labkeeper_model::Timestamp;

impl Alarm {
    /// Takes a word of an owner, once. An owner that does not know whether a word was taken says it again with the same time, and its words,
    /// as its successor's, have ever later times.
    pub fn hear(&mut self, rules: &Rules, now: Timestamp, at: Timestamp, word: Word) -> Outcome {
        if at <= self.heard {
            return Outcome::default();
        }
        self.heard = at;
        // A word is nobody's wish, so nothing is refused.
        self.step(rules, now, Event::Word { at, word }).unwrap_or_default()
    }

    /// Takes an event. What had become due before it comes first.
    ///
    /// # Errors
    /// [`Refusal`] of a person's wish; the alarm is as it was.
    pub fn step(&mut self, rules: &Rules, now: Timestamp, event: Event) -> Result<Outcome, Refusal> {
        let before = self.state();
        let mut step = Step { alarm: self.clone(), rules, now, rows: Vec::new() };
        step.alarm.priority = rules.priority;
        // A word that was long on its way tells of the time before a deadline that has passed since.
        let passed = if let Event::Word { at, .. } = &event { now.min(*at) } else { now };
        step.due_by(passed);
        step.take(event)?;
        let Step { mut alarm, rows, .. } = step;
        if alarm.state() != before {
            alarm.since = now;
        }
        alarm.review(rules);
        *self = alarm;
        Ok(Outcome { rows })
    }
}

/// An alarm on its way through an event.
struct Step<'a> {
    alarm: Alarm,
    rules: &'a Rules,
    now: Timestamp,
    rows: Vec<Row>,
}

impl Step<'_> {
    fn take(&mut self, event: Event) -> Result<(), Refusal> {
        match event {
            Event::Word { word, .. } => self.hear(word),
            Event::Due => {}
            Event::TakeoverBegan { until } => self.begin_takeover(until),
            Event::TakeoverEnded => self.end_takeover(),
            Event::Acknowledge { occurrence, by } => self.acknowledge(occurrence, by)?,
            Event::Shelve { until, by } => self.shelve(until, by)?,
            Event::Unshelve { by } => self.unshelve(by),
            Event::OutOfService { by } => self.take_out_of_service(by)?,
            Event::ReturnToService { by } => self.return_to_service(by),
            Event::Reset { by } => self.reset(by)?,
            Event::Comment { by } => self.comment(by)?,
        }
        Ok(())
    }

    /// A row of the journal about the alarm as it is.
    fn write(&mut self, transition: Transition, by: By) {
        self.push(transition, false, by);
    }

    /// A row that people are told of, if the alarm is shown at all.
    fn announce(&mut self, transition: Transition, by: By) {
        let announced = self.alarm.is_shown();
        self.push(transition, announced, by);
    }

    fn push(&mut self, transition: Transition, announced: bool, by: By) {
        let (occurrence, state) = (self.alarm.occurrence, self.alarm.state());
        self.rows.push(Row { transition, occurrence, state, announced, by });
    }
}

/// Nobody, with a remark.
fn remark(text: impl Into<String>) -> By {
    By { actor: String::new(), text: text.into() }
}
