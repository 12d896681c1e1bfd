//! Setpoints: judging a request, and committing or refusing it.
//!
//! ```text
//!   request --> malformed? ------------------------> Rejection: nothing is remembered, the id stays free
//!           --> id known? --- same wish -----------> the remembered command as it stands; nothing is driven
//!           |              \- other wish ----------> Rejection: the id was reused
//!           --> judged --- fits -------------------> committed: revision + 1, an older outstanding command is superseded
//!                       \- does not ---------------> rejected or expired: remembered with its reason, so that a repeat hears the same
//! ```
//!
//! A *wish* is tag, value and expected revision. Deadline, actor and reason may differ from repeat to repeat: a client that
//! asks again may well say so, and does not wish for anything else.
//!
//! What becomes of a committed command is in `lifecycle`; what owners say about it, in `report`.

use crate::commands::{DEADLINE_AHEAD_MAX, Standing};
use crate::invariant::Invariant;
use crate::reply::{Effect, Rejection, Reply};
use crate::state::{CommandKind, CommandRecord, Setpoint};
use crate::text::{self, ACTOR_LEN_MAX, MESSAGE_LEN_MAX, REASON_LEN_MAX, VALUE_LEN_MAX};
use crate::{Machine, SetpointRequest};
use labkeeper_model::site::{TagSpec, UnfitValue};
use labkeeper_model::{CommandId, CommandState, ErrorCode, Revision, TagPath, Value};
use std::sync::Arc;

/// Why a request does not become a committed command.
pub(crate) struct Refusal {
    pub(crate) state: CommandState,
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
}

impl Machine {
    pub(crate) fn submit_setpoint(&mut self, request: SetpointRequest, effects: &mut Vec<Effect>) -> Result<Reply, Rejection> {
        if request.id == CommandId([0; 16]) {
            return Err(Rejection::new(ErrorCode::BadCommandId, "a command's id cannot be all zeros"));
        }
        if let Some(known) = self.commands.get(&request.id) {
            return repeated(known, &request).map(Reply::Command);
        }
        check_texts(&request)?;
        let judged = self.judge(&request);
        self.use_selection(&request.tag, &request.id);
        let record = match judged {
            Ok(accepted) => self.commit(request, accepted, effects),
            Err(refusal) => self.refuse(request, refusal, effects),
        };
        Ok(Reply::Command(record))
    }

    /// The value as the tag takes it, or why it does not.
    fn judge(&self, request: &SetpointRequest) -> Result<Value, Refusal> {
        let rejected = |code, message| Refusal { state: CommandState::Rejected, code, message };
        let tag = &request.tag;
        let (_, spec) = self.site.tag(tag).ok_or_else(|| rejected(ErrorCode::UnknownTag, format!("the site has no tag {tag}")))?;
        if spec.action.is_some() {
            return Err(rejected(ErrorCode::TagIsAction, format!("{tag} has no setpoint: writing it does something")));
        }
        if request.ramp_per_s.is_some_and(|rate| !rate.is_finite() || rate <= 0.0)
            || (request.ramp_per_s.is_some() && !spec.value_type.is_number())
        {
            return Err(rejected(ErrorCode::BadRamp, format!("{tag} cannot be approached at that rate")));
        }
        let accepted = spec.accept(&request.value).map_err(|unfit| {
            let (code, message) = explain(tag, spec, &request.value, &unfit);
            rejected(code, message)
        })?;
        if let Some(hold) = self.holds.get(tag) {
            let message = format!("{tag} is held since the takeover of epoch {}: it is {}", hold.epoch, hold.reason.in_words());
            return Err(rejected(ErrorCode::Held, message));
        }
        self.check_authority(tag, &accepted, &request.actor).map_err(|(code, message)| rejected(code, message))?;
        self.check_interlocks(tag, &accepted).map_err(|(code, message)| rejected(code, message))?;
        self.check_selection((tag, spec), &request.id, &accepted, &request.actor).map_err(|(code, message)| rejected(code, message))?;
        let revision = self.setpoints.get(tag).map_or(0, |setpoint| setpoint.revision);
        if let Some(expected) = request.expected_revision.filter(|expected| *expected != revision) {
            return Err(rejected(ErrorCode::RevisionConflict, format!("the setpoint of {tag} has revision {revision}, not {expected}")));
        }
        if request.deadline > self.time.saturating_add(DEADLINE_AHEAD_MAX) {
            let hours = DEADLINE_AHEAD_MAX.as_secs() / 3600;
            return Err(rejected(ErrorCode::BadDeadline, format!("{tag}: the deadline is more than {hours} hours ahead")));
        }
        if request.deadline <= self.time {
            let message = format!("{tag}: the deadline had passed when the command was committed");
            return Err(Refusal { state: CommandState::Expired, code: ErrorCode::Expired, message });
        }
        Ok(accepted)
    }

    fn commit(&mut self, request: SetpointRequest, accepted: Value, effects: &mut Vec<Effect>) -> Arc<CommandRecord> {
        if let Some(id) = self.outstanding_of(&request.tag) {
            let error = (ErrorCode::Superseded, format!("command {} took its place", request.id));
            self.end(&id, CommandState::Superseded, error, effects);
        }
        let older = self.setpoints.get(&request.tag).map(Arc::clone);
        // Saturates after 2^64 changes of one tag: half a million years at one per microsecond.
        let revision = older.as_ref().map_or(1, |older| older.revision.saturating_add(1));
        let setpoint = Setpoint {
            value: accepted.clone(),
            revision,
            command_id: request.id,
            actor: request.actor.clone(),
            reason: request.reason.clone(),
            state: CommandState::Committed,
        };
        let detail = self.change_in_words(&request.tag, older.as_deref(), &accepted);
        let replaced = self.setpoints.insert(request.tag.clone(), Arc::new(setpoint)).map_or(0, |replaced| replaced.revision);
        self.faults.check(revision == replaced.saturating_add(1), Invariant::RevisionGrows, self.applied, || {
            format!("{}: {revision} after {replaced}", request.tag)
        });
        self.end_drift(&request.tag, effects);
        self.operate.ramps.remove(&request.tag);
        let record = self.remember(request, Ok((accepted, revision)), effects);
        self.note_command(&record, older.as_ref().map(|older| &older.value), detail);
        record
    }

    fn refuse(&mut self, request: SetpointRequest, refusal: Refusal, effects: &mut Vec<Effect>) -> Arc<CommandRecord> {
        let refusal = Refusal { message: text::cut(refusal.message, MESSAGE_LEN_MAX), ..refusal };
        let message = refusal.message.clone();
        let record = self.remember(request, Err(refusal), effects);
        self.note_command(&record, None, message);
        record
    }

    /// Puts the outcome of a request into the memory.
    fn remember(
        &mut self,
        request: SetpointRequest,
        outcome: Result<(Value, Revision), Refusal>,
        effects: &mut Vec<Effect>,
    ) -> Arc<CommandRecord> {
        let standing = if outcome.is_ok() { Standing::Outstanding } else { Standing::Ended };
        let (accepted, revision, state, error) = match outcome {
            Ok((accepted, revision)) => (Some(accepted), revision, CommandState::Committed, None),
            Err(refusal) => (None, 0, refusal.state, Some((refusal.code, refusal.message))),
        };
        let record = Arc::new(CommandRecord {
            id: request.id,
            tag: request.tag,
            asked: request.value,
            accepted,
            revision,
            expected_revision: request.expected_revision,
            deadline: request.deadline,
            actor: request.actor,
            reason: request.reason,
            log_index: self.applied,
            steps: vec![(state, self.time)],
            error,
            owner: None,
            kind: CommandKind::Setpoint,
            ramp_per_s: request.ramp_per_s,
            mark: None,
            dispatched_epoch: None,
        });
        self.commands.insert(Arc::clone(&record), standing);
        effects.push(Effect::CommandChanged { id: record.id });
        record
    }

    fn change_in_words(&self, tag: &TagPath, older: Option<&Setpoint>, accepted: &Value) -> String {
        let unit = self.site.tag(tag).map_or("", |(_, spec)| spec.unit.as_str());
        let before = older.map_or("unset".to_owned(), |older| text::value(&older.value));
        text::with_unit(&format!("{before} -> {}", text::value(accepted)), unit)
    }
}

/// Refuses what is too long to keep; the id stays free.
fn check_texts(request: &SetpointRequest) -> Result<(), Rejection> {
    text::check_len("the actor", &request.actor, ACTOR_LEN_MAX)?;
    text::check_len("the reason", &request.reason, REASON_LEN_MAX)?;
    match &request.value {
        Value::Text(value) => text::check_len("the value", value, VALUE_LEN_MAX),
        _ => Ok(()),
    }
}

/// The remembered outcome for a repeat; a refusal if the id is used for another wish.
fn repeated(known: &Arc<CommandRecord>, request: &SetpointRequest) -> Result<Arc<CommandRecord>, Rejection> {
    let same = known.kind == CommandKind::Setpoint
        && known.tag == request.tag
        && is_same_value(&known.asked, &request.value)
        && known.expected_revision == request.expected_revision;
    if same {
        return Ok(Arc::clone(known));
    }
    let wish = |tag: &TagPath, value: &Value, expected: Option<Revision>| {
        let condition = expected.map_or(String::new(), |revision| format!(" if at revision {revision}"));
        format!("{tag} = {} ({}){condition}", text::cut(text::value(value), 100), value.kind())
    };
    let was = wish(&known.tag, &known.asked, known.expected_revision);
    let is = wish(&request.tag, &request.value, request.expected_revision);
    Err(Rejection::new(ErrorCode::CommandIdReused, format!("command {} was {was}, not {is}", request.id)))
}

/// Equality as a client means it who sends the same bytes again: bit by bit, except that one NaN is as good as another.
pub(crate) fn is_same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::F64(a), Value::F64(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
        _ => a == b,
    }
}

/// Code and message for a value that a tag does not take.
pub(crate) fn explain(tag: &TagPath, spec: &TagSpec, value: &Value, unfit: &UnfitValue) -> (ErrorCode, String) {
    let code = match unfit {
        UnfitValue::ReadOnly => ErrorCode::ReadOnlyTag,
        UnfitValue::WrongType { .. } | UnfitValue::NotWhole => ErrorCode::WrongType,
        UnfitValue::NotFinite => ErrorCode::NotFinite,
        UnfitValue::OutOfLimits { .. } => ErrorCode::OutOfLimits,
        UnfitValue::OutOfRange { .. } | UnfitValue::TooLong { .. } => ErrorCode::OutOfRange,
    };
    let unit = match unfit {
        UnfitValue::OutOfLimits { .. } | UnfitValue::OutOfRange { .. } => spec.unit.as_str(),
        _ => "",
    };
    let value = text::cut(text::value(value), 100);
    (code, format!("{tag} cannot be set to {value}: {}", text::with_unit(&unfit.to_string(), unit)))
}
