//! What people do about alarms: each deed is answered at once, and one that did something is in the audit.

use super::AlarmCommand;
use crate::Machine;
use crate::audit::Deed;
use crate::reply::{Effect, Rejection, Reply};
use crate::text::{ACTOR_LEN_MAX, REASON_LEN_MAX, check_len};
use labkeeper_alarm::{By, Event, Refusal};
use labkeeper_model::{AlarmId, ErrorCode};

impl Machine {
    pub(super) fn alarm_deed(&mut self, command: AlarmCommand, effects: &mut Vec<Effect>) -> Result<Reply, Rejection> {
        let Some((alarm, event, by, what)) = as_event(command) else {
            return Err(Rejection::new(ErrorCode::BadRequest, "not a person's deed"));
        };
        check_len("the actor", &by.actor, ACTOR_LEN_MAX)?;
        check_len("the reason", &by.text, REASON_LEN_MAX)?;
        if self.alarm_rules(&alarm).is_none() {
            return Err(Rejection::new(ErrorCode::UnknownAlarm, format!("the site has no alarm {alarm}")));
        }
        let before = self.alarm_state_in_words(&alarm);
        let changed = self.tell(&alarm, event, effects).map_err(|refusal| refused(&alarm, &refusal))?;
        if changed {
            let after = self.alarm_state_in_words(&alarm);
            let detail = format!("{what}: {before} -> {after}");
            let deed = Deed { actor: &by.actor, action: "alarm", target: alarm.as_str(), detail, reason: &by.text };
            self.note_change(deed, &before, &after);
        }
        Ok(Reply::Done)
    }

    fn alarm_state_in_words(&self, alarm: &AlarmId) -> String {
        self.alarms.get(alarm).map_or_else(|| "normal".to_owned(), |alarm| alarm.state().to_string())
    }
}

/// A person's deed as an event, with who did it and what it is in words.
fn as_event(command: AlarmCommand) -> Option<(AlarmId, Event, By, String)> {
    let deed = |alarm, actor, text, what: &str, event: fn(By) -> Event| {
        let by = By { actor, text };
        Some((alarm, event(by.clone()), by, what.to_owned()))
    };
    match command {
        AlarmCommand::Report { .. } | AlarmCommand::ReportSystem { .. } => None,
        AlarmCommand::Acknowledge { alarm, occurrence, actor, comment } => {
            let by = By { actor, text: comment };
            Some((alarm, Event::Acknowledge { occurrence, by: by.clone() }, by, format!("acknowledged occurrence {occurrence}")))
        }
        AlarmCommand::Shelve { alarm, until, actor, reason } => {
            let by = By { actor, text: reason };
            let what = if until.is_none() { "shelved for one occurrence" } else { "shelved for a time" };
            Some((alarm, Event::Shelve { until, by: by.clone() }, by, what.to_owned()))
        }
        AlarmCommand::Unshelve { alarm, actor, reason } => deed(alarm, actor, reason, "taken from the shelf", |by| Event::Unshelve { by }),
        AlarmCommand::OutOfService { alarm, actor, reason } => {
            deed(alarm, actor, reason, "taken out of service", |by| Event::OutOfService { by })
        }
        AlarmCommand::ReturnToService { alarm, actor, reason } => {
            deed(alarm, actor, reason, "returned to service", |by| Event::ReturnToService { by })
        }
        AlarmCommand::Reset { alarm, actor, reason } => deed(alarm, actor, reason, "reset", |by| Event::Reset { by }),
        AlarmCommand::Comment { alarm, actor, text } => deed(alarm, actor, text, "commented on", |by| Event::Comment { by }),
    }
}

fn refused(alarm: &AlarmId, refusal: &Refusal) -> Rejection {
    let code = match refusal {
        Refusal::StaleOccurrence { .. } => ErrorCode::StaleOccurrence,
        Refusal::CommentNeeded | Refusal::ReasonNeeded => ErrorCode::ReasonNeeded,
        Refusal::NotShelvable => ErrorCode::NotShelvable,
        Refusal::ShelfTooLong { .. } => ErrorCode::ShelfTooLong,
        Refusal::Overridden { .. } => ErrorCode::AlarmOverridden,
        Refusal::ResetWhileActive => ErrorCode::ResetWhileActive,
        Refusal::ResetUnacknowledged => ErrorCode::ResetUnacknowledged,
        Refusal::SecondPersonNeeded => ErrorCode::SecondPersonNeeded,
    };
    Rejection::new(code, format!("{alarm}: {refusal}"))
}
