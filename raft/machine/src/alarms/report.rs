//! What owners say about conditions, and how a takeover and a change of the site bear on them.

use super::JournalEntry;
use crate::Machine;
use crate::reply::{Effect, Rejection, Reply};
use crate::text::{MESSAGE_LEN_MAX, VALUE_LEN_MAX, cut};
use labkeeper_alarm::{Alarm, Condition, Event, State, Transition, Word};
use labkeeper_model::{AlarmId, Epoch, ErrorCode, NodeId, Timestamp, Value};
use std::sync::Arc;
use std::time::Duration;

/// Most words of one report: a segment of 10,000 alarms says everything it has to say in ten entries of some 100 kB.
pub const WORDS_MAX: usize = 1_000;
/// How long a takeover excuses what cannot be reached: twice what a takeover takes with the slowest lease, plus the devices' own time-outs.
pub const TAKEOVER_EXCUSE: Duration = Duration::from_secs(60);
/// How far an owner's clock may be ahead of the machine's time; as for reports about commands.
const CLOCK_AHEAD_MAX: Duration = Duration::from_secs(60);

/// What an owner says about one alarm's condition.
#[derive(Clone, Debug, PartialEq)]
pub struct ConditionWord {
    /// Which alarm: a tag's, or a device's communication fault.
    pub alarm: AlarmId,
    /// When it was so, by the owner's clock.
    pub at: Timestamp,
    /// What.
    pub word: Word,
}

impl Machine {
    pub(super) fn report_conditions(
        &mut self,
        node: NodeId,
        segment: &str,
        epoch: Epoch,
        words: Vec<ConditionWord>,
        effects: &mut Vec<Effect>,
    ) -> Result<Reply, Rejection> {
        if words.len() > WORDS_MAX {
            return Err(Rejection::new(ErrorCode::BadRequest, format!("{} words, more than {WORDS_MAX} in one report", words.len())));
        }
        let owned = self.owned_under(node, segment, epoch).is_ok();
        let mut refused: u32 = 0;
        for word in words {
            if owned && word.alarm.area() == segment && self.is_field_alarm(&word.alarm) {
                self.hear(segment, epoch, word, effects);
            } else {
                // At most as many as there are words.
                refused = refused.saturating_add(1);
            }
        }
        Ok(Reply::Reported { refused })
    }

    fn hear(&mut self, segment: &str, epoch: Epoch, told: ConditionWord, effects: &mut Vec<Effect>) {
        let ConditionWord { alarm, at, word } = told;
        let at = at.min(self.time.saturating_add(CLOCK_AHEAD_MAX));
        let begins = matches!(word, Word::Active { .. } | Word::Chattering { .. });
        if begins
            && self.faulty_device(&alarm).is_some()
            && let Some(until) = self.takeover_lasts_until(segment, epoch)
        {
            let _ = self.tell(&alarm, Event::TakeoverBegan { until }, effects);
        }
        // Words are not refused.
        let _ = self.tell(&alarm, Event::Word { at, word: bounded(word) }, effects);
    }

    /// Until when the takeover under an epoch excuses what cannot be reached; `None` if its owner has told that it is over.
    fn takeover_lasts_until(&self, segment: &str, epoch: Epoch) -> Option<Timestamp> {
        let record = self.takeovers.iter().rev().find(|record| record.segment == segment && record.epoch == epoch)?;
        record.report.is_none().then(|| record.assigned.saturating_add(TAKEOVER_EXCUSE))
    }

    /// A segment has been taken over: what cannot be reached is so for another reason.
    pub(crate) fn end_takeover_excuse(&mut self, segment: &str, effects: &mut Vec<Effect>) {
        for alarm in self.alarms.below(&format!("{segment}/")) {
            if self.alarms.get(&alarm).is_some_and(|alarm| alarm.overrides.takeover_until.is_some()) {
                let _ = self.tell(&alarm, Event::TakeoverEnded, effects);
            }
        }
    }

    /// After a change of the site: alarms that it does not declare any more are gone, and the others follow their present rules.
    pub(super) fn drop_undeclared_alarms(&mut self, effects: &mut Vec<Effect>) {
        for id in self.alarms.records().keys().cloned().collect::<Vec<_>>() {
            let Some(known) = self.alarms.get(&id).cloned() else { continue };
            let is_of_site = id.area() != "system";
            if is_of_site && !self.is_declared_alarm(&id) {
                self.remove_alarm(&id, &known, effects);
            } else if let Some(rules) = self.alarm_rules(&id) {
                let mut alarm = Alarm::clone(&known);
                alarm.review(&rules);
                if alarm != *known {
                    self.alarms.insert(id.clone(), Arc::new(alarm));
                    effects.push(Effect::AlarmChanged { alarm: id });
                }
            }
        }
    }

    fn remove_alarm(&mut self, id: &AlarmId, alarm: &Alarm, effects: &mut Vec<Effect>) {
        self.alarms.remove(id);
        if alarm.state() != State::Normal || alarm.condition != Condition::Normal {
            let entry = JournalEntry {
                number: self.alarms.journal.next_number(),
                log_index: self.applied,
                time: self.time,
                alarm: id.clone(),
                occurrence: alarm.occurrence,
                transition: Transition::Removed,
                state: State::Normal,
                priority: alarm.priority,
                severity: alarm.max_severity,
                value: alarm.value.clone(),
                announced: false,
                actor: String::new(),
                text: "the site does not declare it".to_owned(),
            };
            self.alarms.journal.push(entry);
        }
        effects.push(Effect::AlarmChanged { alarm: id.clone() });
    }
}

/// A word whose texts are not longer than what is kept.
fn bounded(word: Word) -> Word {
    let value = |value: Option<Value>| value.filter(|value| !matches!(value, Value::Text(text) if text.len() > VALUE_LEN_MAX));
    match word {
        Word::Active { severity, value: reading } => Word::Active { severity: severity.max(1), value: value(reading) },
        Word::Clear { value: reading } => Word::Clear { value: value(reading) },
        Word::Bad { cause } => Word::Bad { cause: cut(cause, MESSAGE_LEN_MAX) },
        Word::Chattering { cycles, active, severity, value: reading } => {
            Word::Chattering { cycles, active, severity: severity.max(1), value: value(reading) }
        }
        Word::Good | Word::Suppressed(_) => word,
    }
}
