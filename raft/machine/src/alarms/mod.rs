//! What the site's alarms are, and what people did about them: the life of each is `labkeeper-alarm`'s, here is who may say what about
//! which, and what follows for everybody.
//!
//! ```text
//!   an owner's word (report) --+
//!   a person's deed (deed) ----+--> tell --> Alarm::step --> record, journal, flood, notices
//!   a deadline (FireTimers) ---+
//!   the machine itself (system)+
//! ```
//!
//! **Owners say what a condition is, the machine decides what it means.** A word counts only from the segment's owner under its epoch, and
//! is level-triggered: one that says what is known changes nothing. So a takeover raises nothing twice, and nothing is lost with an owner.
//!
//! **Bounded.** A record for each alarm that was ever more than normal, of those that the site declares and of what the machine finds by
//! itself; the journal and the list of floods have their bounds beside them.

mod deed;
mod flood;
mod journal;
mod keep;
mod report;
mod rules;
mod silence;
mod system;
mod view;

pub use flood::{FLOODS_MAX, Flood, FloodArea, Floods};
pub use journal::{JOURNAL_MAX, JournalEntry};
pub use keep::Alarms;
pub use report::{ConditionWord, TAKEOVER_EXCUSE, WORDS_MAX};
pub use rules::DeclaredAlarm;
pub use silence::SILENCE_MAX;
pub use system::OUTCOMES_MAX;

use crate::Machine;
use crate::notices::Notice;
use crate::reply::{Effect, Rejection, Reply};
use crate::text::{MESSAGE_LEN_MAX, cut};
use labkeeper_alarm::{Alarm, Event, Refusal, Row, Transition};
use labkeeper_model::{AlarmId, Epoch, Name, NodeId, SessionId, Timestamp};
use std::sync::Arc;

/// What can be asked of this part of the state.
#[derive(Clone, Debug, PartialEq)]
pub enum AlarmCommand {
    /// An owner says what the conditions in its segment are.
    Report {
        /// The owner.
        node: NodeId,
        /// Which segment.
        segment: String,
        /// The epoch under which it owns it.
        epoch: Epoch,
        /// In the order in which things happened; each is judged on its own.
        words: Vec<ConditionWord>,
    },
    /// A node says something about itself.
    ReportSystem {
        /// The node.
        node: NodeId,
        /// Its session.
        session: SessionId,
        /// Which alarm, whether it lasts, and in words; only of the kinds `clock` and `disk`, and about itself.
        words: Vec<(AlarmId, bool, String)>,
    },
    /// A person has seen an occurrence.
    Acknowledge {
        /// Which alarm.
        alarm: AlarmId,
        /// Which of its occurrences.
        occurrence: u64,
        /// Who.
        actor: String,
        /// What they remark.
        comment: String,
    },
    /// A person puts an alarm aside for a time.
    Shelve {
        /// Which alarm.
        alarm: AlarmId,
        /// Until when; `None`: until its condition ends.
        until: Option<Timestamp>,
        /// Who.
        actor: String,
        /// Why.
        reason: String,
    },
    /// A person takes an alarm from the shelf.
    Unshelve {
        /// Which alarm.
        alarm: AlarmId,
        /// Who.
        actor: String,
        /// Why.
        reason: String,
    },
    /// A person takes an alarm out of service.
    OutOfService {
        /// Which alarm.
        alarm: AlarmId,
        /// Who.
        actor: String,
        /// Why.
        reason: String,
    },
    /// A person returns an alarm to service.
    ReturnToService {
        /// Which alarm.
        alarm: AlarmId,
        /// Who.
        actor: String,
        /// Why.
        reason: String,
    },
    /// A person resets a latched alarm.
    Reset {
        /// Which alarm.
        alarm: AlarmId,
        /// Who.
        actor: String,
        /// Why.
        reason: String,
    },
    /// A person remarks something about an alarm.
    Comment {
        /// Which alarm.
        alarm: AlarmId,
        /// Who.
        actor: String,
        /// What.
        text: String,
    },
}

impl Machine {
    pub(crate) fn alarms_command(&mut self, command: AlarmCommand, effects: &mut Vec<Effect>) -> Result<Reply, Rejection> {
        match command {
            AlarmCommand::Report { node, segment, epoch, words } => self.report_conditions(node, &segment, epoch, words, effects),
            AlarmCommand::ReportSystem { node, session, words } => self.report_system(node, session, words, effects),
            deed => self.alarm_deed(deed, effects),
        }
    }

    /// Does what is due by the machine's time.
    pub(crate) fn fire_alarms_timers(&mut self, effects: &mut Vec<Effect>) {
        for alarm in self.alarms.due_by(self.time) {
            // Time refuses nothing, and an alarm without rules is not kept.
            let _ = self.tell(&alarm, Event::Due, effects);
        }
        self.distrust_unkept(effects);
        self.alarms.end_floods(self.time);
    }

    /// Lets something happen to an alarm, and does what follows. Says whether anything changed.
    ///
    /// # Errors
    /// [`Refusal`], and then nothing has.
    fn tell(&mut self, id: &AlarmId, event: Event, effects: &mut Vec<Effect>) -> Result<bool, Refusal> {
        let Some(rules) = self.alarm_rules(id) else { return Ok(false) };
        let known = self.alarms.get(id);
        let mut alarm = known.map_or_else(|| Alarm::new(rules.priority), |known| Alarm::clone(known));
        let outcome = match event {
            Event::Word { at, word } if self.is_field_alarm(id) => alarm.hear(&rules, self.time, at, word),
            event => alarm.step(&rules, self.time, event)?,
        };
        let unchanged = known.map_or_else(|| alarm == Alarm::new(rules.priority), |known| **known == alarm);
        if unchanged {
            return Ok(false);
        }
        for row in outcome.rows {
            self.write_row(id, &alarm, row);
        }
        if alarm.is_at_rest() && !self.is_declared_alarm(id) {
            self.alarms.remove(id);
        } else {
            self.alarms.insert(id.clone(), Arc::new(alarm));
        }
        effects.push(Effect::AlarmChanged { alarm: id.clone() });
        Ok(true)
    }

    /// Puts a row into the journal, and tells those who are to be told.
    fn write_row(&mut self, id: &AlarmId, alarm: &Alarm, row: Row) {
        let is_news = matches!(row.transition, Transition::Raised | Transition::Escalated | Transition::ReAlarm);
        let text = if row.by.text.is_empty() && is_news { alarm.text.clone() } else { row.by.text };
        if row.announced {
            let in_words = self.alarm_in_words(id, alarm, &text);
            let segment = Name::new(id.area()).ok().filter(|area| self.has_segment(area.as_str()));
            let (transition, priority) = (row.transition.as_str(), alarm.priority);
            let (alarm, occurrence, state) = (id.clone(), row.occurrence, row.state.to_string());
            self.notify(&Notice { alarm, occurrence, transition, state, priority, segment, text: in_words });
            if row.transition == Transition::Raised {
                self.alarms.count_for_flood(id, self.time);
            }
        }
        let entry = JournalEntry {
            number: self.alarms.journal.next_number(),
            log_index: self.applied,
            time: self.time,
            alarm: id.clone(),
            occurrence: row.occurrence,
            transition: row.transition,
            state: row.state,
            priority: alarm.priority,
            severity: alarm.max_severity,
            value: alarm.value.clone(),
            announced: row.announced,
            actor: row.by.actor,
            text: cut(text, MESSAGE_LEN_MAX),
        };
        self.alarms.journal.push(entry);
    }

    /// What an alarm says to somebody who is told: what it is, the reading, and what is declared that should be done about it.
    fn alarm_in_words(&self, id: &AlarmId, alarm: &Alarm, text: &str) -> String {
        let declared = self.declared_alarm(id);
        let unit = declared.as_ref().map_or("", |declared| declared.tag.unit.as_str());
        let value = alarm.value.as_ref().map(|value| crate::text::with_unit(&crate::text::value(value), unit));
        let action = declared.map(|declared| declared.spec.guidance.action.clone()).filter(|action| !action.is_empty());
        let parts = [Some(id.to_string()), value, Some(text.to_owned()).filter(|text| !text.is_empty()), action];
        cut(parts.into_iter().flatten().collect::<Vec<_>>().join(": "), MESSAGE_LEN_MAX)
    }
}
