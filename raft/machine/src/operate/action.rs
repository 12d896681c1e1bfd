//! Actions: what must not be repeated. Judging a request, and committing or refusing it.
//!
//! An action is remembered as a command, so a repeated id gets the same outcome. It has no revision and leaves the tag's setpoint alone, as
//! there is none. Actions of a device wait for each other in the order of the log, and none takes another's place; so their number is
//! bounded, and whoever comes when there is no room learns so at once.
//!
//! What owners say about an action is in `report`; why it is driven at most once, in the owner's own core: it says that it begins, and
//! waits until that is here.

use crate::Machine;
use crate::commands::{DEADLINE_AHEAD_MAX, Standing};
use crate::reply::{Effect, Rejection, Reply};
use crate::setpoint::{Refusal, explain, is_same_value};
use crate::state::{CommandKind, CommandRecord};
use crate::text::{self, ACTOR_LEN_MAX, MESSAGE_LEN_MAX, REASON_LEN_MAX, VALUE_LEN_MAX};
use labkeeper_model::site::ValueType;
use labkeeper_model::{CommandId, CommandState, ErrorCode, TagPath, Timestamp, Value};
use std::sync::Arc;

/// Most actions of one device that may be outstanding: at the 50 ms that one takes with its commit, a second and a half of work. Whoever
/// queues more than that for one device does not know any more what it will do.
pub const ACTIONS_MAX: usize = 32;

/// An action as a client asks for it.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionRequest {
    /// The command's identity.
    pub id: CommandId,
    /// Which tag; checked against the site when applied.
    pub tag: TagPath,
    /// What to write; `None`: true, or one.
    pub value: Option<Value>,
    /// The owner never begins it later than this.
    pub deadline: Timestamp,
    /// Who asks.
    pub actor: String,
    /// Why.
    pub reason: String,
}

impl Machine {
    pub(crate) fn submit_action(&mut self, request: ActionRequest, effects: &mut Vec<Effect>) -> Result<Reply, Rejection> {
        if request.id == CommandId([0; 16]) {
            return Err(Rejection::new(ErrorCode::BadCommandId, "a command's id cannot be all zeros"));
        }
        text::check_len("the actor", &request.actor, ACTOR_LEN_MAX)?;
        text::check_len("the reason", &request.reason, REASON_LEN_MAX)?;
        if let Some(Value::Text(value)) = &request.value {
            text::check_len("the value", value, VALUE_LEN_MAX)?;
        }
        let asked = request.value.clone().unwrap_or_else(|| self.default_value(&request.tag));
        if let Some(known) = self.commands.get(&request.id) {
            let is_same = known.kind == CommandKind::Action && known.tag == request.tag && is_same_value(&known.asked, &asked);
            let other = || format!("command {} was the {} of {}", request.id, known.kind.as_str(), known.tag);
            return if is_same { Ok(Reply::Command(Arc::clone(known))) } else { Err(Rejection::new(ErrorCode::CommandIdReused, other())) };
        }
        let outcome = self.judge_action(&request, &asked);
        self.use_selection(&request.tag, &request.id);
        let record = self.remember_action(request, asked, outcome);
        self.commands.insert(Arc::clone(&record), if record.error.is_none() { Standing::Outstanding } else { Standing::Ended });
        effects.push(Effect::CommandChanged { id: record.id });
        let detail = match &record.error {
            None => format!("run with {}", text::value(&record.asked)),
            Some((_, message)) => message.clone(),
        };
        self.note_command(&record, None, detail);
        Ok(Reply::Command(record))
    }

    /// The value as the tag takes it, or why the action is refused.
    fn judge_action(&self, request: &ActionRequest, asked: &Value) -> Result<Value, Refusal> {
        let rejected = |code, message| Refusal { state: CommandState::Rejected, code, message };
        let tag = &request.tag;
        let (_, spec) = self.site.tag(tag).ok_or_else(|| rejected(ErrorCode::UnknownTag, format!("the site has no tag {tag}")))?;
        if spec.action.is_none() {
            return Err(rejected(ErrorCode::TagIsNoAction, format!("{tag} is not declared as an action")));
        }
        let accepted = spec.accept(asked).map_err(|unfit| {
            let (code, message) = explain(tag, spec, asked, &unfit);
            rejected(code, message)
        })?;
        if let Some(hold) = self.holds.get(tag) {
            let message = format!("{tag} is held since the takeover of epoch {}: it is {}", hold.epoch, hold.reason.in_words());
            return Err(rejected(ErrorCode::Held, message));
        }
        self.check_authority(tag, &accepted, &request.actor).map_err(|(code, message)| rejected(code, message))?;
        self.check_interlocks(tag, &accepted).map_err(|(code, message)| rejected(code, message))?;
        self.check_selection((tag, spec), &request.id, &accepted, &request.actor).map_err(|(code, message)| rejected(code, message))?;
        if request.deadline > self.time.saturating_add(DEADLINE_AHEAD_MAX) {
            let hours = DEADLINE_AHEAD_MAX.as_secs() / 3600;
            return Err(rejected(ErrorCode::BadDeadline, format!("{tag}: the deadline is more than {hours} hours ahead")));
        }
        if request.deadline <= self.time {
            let message = format!("{tag}: the deadline had passed when the action was committed");
            return Err(Refusal { state: CommandState::Expired, code: ErrorCode::Expired, message });
        }
        let is_of_device = |record: &&Arc<CommandRecord>| record.kind == CommandKind::Action && record.tag.device() == tag.device();
        if self.outstanding(tag.segment()).filter(is_of_device).count() >= ACTIONS_MAX {
            let message = format!("{ACTIONS_MAX} actions of {} are outstanding", tag.device());
            return Err(rejected(ErrorCode::TooManyActions, message));
        }
        Ok(accepted)
    }

    fn remember_action(&self, request: ActionRequest, asked: Value, outcome: Result<Value, Refusal>) -> Arc<CommandRecord> {
        let (accepted, state, error) = match outcome {
            Ok(accepted) => (Some(accepted), CommandState::Committed, None),
            Err(refusal) => (None, refusal.state, Some((refusal.code, text::cut(refusal.message, MESSAGE_LEN_MAX)))),
        };
        Arc::new(CommandRecord {
            id: request.id,
            tag: request.tag,
            asked,
            accepted,
            revision: 0,
            expected_revision: None,
            deadline: request.deadline,
            actor: request.actor,
            reason: request.reason,
            log_index: self.applied,
            steps: vec![(state, self.time)],
            error,
            owner: None,
            kind: CommandKind::Action,
            ramp_per_s: None,
            mark: None,
            dispatched_epoch: None,
        })
    }

    /// What is written where nothing is said: a pulse.
    pub(super) fn default_value(&self, tag: &TagPath) -> Value {
        let is_bool = self.site.tag(tag).is_none_or(|(_, spec)| spec.value_type == ValueType::Bool);
        if is_bool { Value::Bool(true) } else { Value::U64(1) }
    }

    /// Ends the outstanding actions of tags that the site does not have. One that was begun may have been carried out.
    pub(crate) fn drop_removed_actions(&mut self, effects: &mut Vec<Effect>) {
        let is_gone = |record: &&Arc<CommandRecord>| record.kind == CommandKind::Action && self.site.tag(&record.tag).is_none();
        let gone: Vec<(CommandId, CommandState, TagPath)> = self
            .commands
            .iter()
            .filter(is_gone)
            .filter(|record| self.commands.is_outstanding(record))
            .map(|record| (record.id, record.state(), record.tag.clone()))
            .collect();
        for (id, state, tag) in gone {
            let (state, code) = match state {
                CommandState::Committed => (CommandState::Cancelled, ErrorCode::Cancelled),
                _ => (CommandState::Unknown, ErrorCode::OutcomeUnknown),
            };
            self.end(&id, state, (code, format!("{tag}: the tag was removed from the site")), effects);
        }
    }

    /// The actions whose standing depends on how their tag is declared to be verified.
    pub(crate) fn written_actions(&self) -> Vec<CommandId> {
        let is_written = |record: &&Arc<CommandRecord>| record.kind == CommandKind::Action && record.state() == CommandState::Written;
        self.commands.iter().filter(is_written).map(|record| record.id).collect()
    }
}
