//! What detectors are shown of the replicated state, and how their words are put for it.

use crate::clock;
use crate::telemetry::inputs::TagInputs;
use labkeeper_detect::{Inputs, Level, Now, Recorded, SEVERITY_INNER, Spoken, Written};
use labkeeper_expression::Input;
use labkeeper_machine::Machine;
use labkeeper_machine::alarms::ConditionWord;
use labkeeper_model::{AlarmId, CommandState, TagPath, Timestamp, Value};
use labkeeper_raft::Cluster;

/// The present instant on both clocks.
#[must_use]
pub(super) fn now() -> Now {
    Now { time: clock::now(), moment: clock::boot() }
}

/// What the replicated state has of an alarm's condition.
#[must_use]
pub(super) fn recorded(machine: &Machine, alarm: &AlarmId) -> Recorded {
    let Some(alarm) = machine.alarm(alarm) else { return Recorded::default() };
    let told = alarm.told();
    Recorded {
        level: told.active.map_or(Level::Clear, |severity| Level::Active(severity.max(SEVERITY_INNER))),
        is_bad: told.bad,
        is_suppressed: told.suppressed,
        word_at: alarm.heard,
    }
}

/// A word as the replicated state takes it.
#[must_use]
pub(super) fn condition_word(spoken: Spoken) -> ConditionWord {
    ConditionWord { alarm: spoken.alarm, at: spoken.at, word: spoken.word }
}

/// What detectors may ask for.
pub(super) struct World {
    /// Tags.
    pub(super) tags: TagInputs,
    /// Setpoints.
    pub(super) cluster: Cluster,
}

impl labkeeper_expression::Inputs for World {
    fn input(&self, tag: &TagPath) -> Option<Input> {
        self.tags.input(tag)
    }
}

impl Inputs for World {
    fn setpoint(&self, tag: &TagPath) -> Option<Value> {
        self.cluster.read(|machine| machine.setpoint(tag).map(|setpoint| setpoint.value.clone()))
    }

    fn written(&self, tag: &TagPath) -> Option<Written> {
        self.cluster.read(|machine| written(machine, tag, clock::now()))
    }
}

/// What was last written to a tag. Unknown while a command is on its way, after one that failed, and where a takeover left another value.
fn written(machine: &Machine, tag: &TagPath, now: Timestamp) -> Option<Written> {
    let setpoint = machine.setpoint(tag).filter(|_| machine.drift(tag).is_none())?;
    let is_written = |state| matches!(state, CommandState::Written | CommandState::Verified | CommandState::VerifyFailed);
    is_written(setpoint.state).then_some(())?;
    // A command that has been forgotten was written long ago: the memory of commands outlasts any settling.
    let steps = machine.command(&setpoint.command_id).map(|command| command.steps.clone()).unwrap_or_default();
    let at = steps.iter().find(|(state, _)| is_written(*state)).map_or(Timestamp(0), |(_, at)| *at);
    Some(Written { value: setpoint.value.clone(), age: now.saturating_since(at) })
}
