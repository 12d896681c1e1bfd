//! Ramps in the replicated state: which setpoint is on its way step by step, from where, and what people want of it.
//!
//! ```text
//!              Started                      the command is written
//!   (none) ─────────────► ramping ─────────────────────────────────► done
//!      │                  │ ▲  │
//!      │             Hold │ │  │ Stop                 Stopped
//!      └── Hold ──────►   ▼ │Resume   ┌─────► stopping ─────────► stopped: where it stands is the setpoint
//!      └── Stop ──┐      held ────────┤
//!                 └───────────────────┘
//!   a newer setpoint, or an end short of the target: forgotten
//! ```
//!
//! What people want is decided here, and the owner looks before each step; so whoever owns the segment next keeps a held ramp held, and goes
//! on with another from what the device reads. The owner's words only say where it stands. To hold and to stop needs no control and is never
//! refused by an interlock; to go on drives the device, and is checked as a setpoint is.
//!
//! Knows no pace and no step: whoever drives the device does.

use crate::Machine;
use crate::audit::Deed;
use crate::reconcile::is_kept;
use crate::reply::{Effect, Rejection, Reply};
use crate::state::{CommandKind, CommandRecord, Setpoint};
use crate::text::{self, ACTOR_LEN_MAX, REASON_LEN_MAX};
use labkeeper_model::{CommandId, CommandState, Epoch, ErrorCode, NodeId, Revision, TagPath, Timestamp, Value};
use std::sync::Arc;
use std::time::Duration;

/// What somebody wants of a ramp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steer {
    /// To stay where it is, and to keep its target.
    Hold,
    /// To go on from what the device reads.
    Resume,
    /// To have where it stands as its target.
    Stop,
}

impl Steer {
    /// Its word in the audit.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Resume => "resume",
            Self::Stop => "stop",
        }
    }
}

/// What an owner says about a ramp.
#[derive(Clone, Debug, PartialEq)]
pub enum RampProgress {
    /// It was begun, or gone on with by another owner, at this value.
    Started(Value),
    /// It is held at this value.
    Held(Value),
    /// It goes on from this value.
    Resumed(Value),
    /// It was stopped at this value; `None` if the device could not be read.
    Stopped(Option<Value>),
}

/// How a ramp stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RampState {
    /// On its way.
    Ramping,
    /// Somebody holds it.
    Held,
    /// Somebody stops it, and its owner has not said where yet.
    Stopping,
    /// It was stopped.
    Stopped,
    /// The device has the target.
    Done,
}

impl RampState {
    /// Its word wherever it is shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ramping => "ramping",
            Self::Held => "held",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Done => "done",
        }
    }
}

/// The latest ramp of a tag.
#[derive(Clone, Debug, PartialEq)]
pub struct Ramp {
    /// The command whose setpoint is approached.
    pub command: CommandId,
    /// The revision that it made: an id may be forgotten and come back.
    pub revision: Revision,
    /// Where it goes.
    pub target: Value,
    /// In the tag's units per second.
    pub rate_per_s: f64,
    /// From what reading it was begun or last gone on with, and when; `None` before an owner has begun.
    pub start: Option<(Value, Timestamp)>,
    /// Where it is held or was stopped.
    pub at: Option<Value>,
    /// How it stands.
    pub state: RampState,
    /// Since when, by the machine's time.
    pub since: Timestamp,
    /// Who steered it last; empty if nobody has.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl Ramp {
    /// When it will be at its target if nobody steers it, as far as its owner has told; `None` where it is not on its way.
    #[must_use]
    pub fn arrival(&self) -> Option<Timestamp> {
        let (from, at) = self.start.as_ref().filter(|_| self.state == RampState::Ramping)?;
        let way = (self.target.as_f64()? - from.as_f64()?).abs();
        Some(at.saturating_add(Duration::try_from_secs_f64(way / self.rate_per_s).unwrap_or(Duration::MAX)))
    }

    fn is_of(&self, record: &CommandRecord) -> bool {
        self.command == record.id && self.revision == record.revision
    }
}

impl Machine {
    /// The latest ramp of a tag; `None` if its setpoint is approached in one step, or no owner has begun.
    #[must_use]
    pub fn ramp(&self, tag: &TagPath) -> Option<&Ramp> {
        self.operate.ramps.get(tag)
    }

    /// The ramp of a command.
    #[must_use]
    pub fn ramp_of(&self, record: &CommandRecord) -> Option<&Ramp> {
        self.ramp(&record.tag).filter(|ramp| ramp.is_of(record))
    }

    /// Takes what somebody wants of a tag's ramp. The same wish twice is one.
    pub(super) fn steer(&mut self, tag: &TagPath, how: Steer, who: (&str, &str), effects: &mut Vec<Effect>) -> Result<Reply, Rejection> {
        let (actor, reason) = who;
        text::check_len("the actor", actor, ACTOR_LEN_MAX)?;
        text::check_len("the reason", reason, REASON_LEN_MAX)?;
        let Some((record, mut ramp)) = self.ramp_under_way(tag) else { return self.steer_none(tag, how) };
        ramp.state = match (how, ramp.state) {
            (Steer::Hold, RampState::Ramping) => RampState::Held,
            (Steer::Resume, RampState::Held) => {
                self.check_resumed(&record, &ramp, actor)?;
                ramp.start = ramp.at.take().map(|at| (at, self.time));
                RampState::Ramping
            }
            (Steer::Stop, RampState::Ramping | RampState::Held) => RampState::Stopping,
            (Steer::Resume, RampState::Stopping) => {
                return Err(Rejection::new(ErrorCode::NoRamp, format!("the ramp of {tag} is being stopped by {}", ramp.by)));
            }
            _ => return Ok(Reply::Command(record)),
        };
        (ramp.since, ramp.by, ramp.reason) = (self.time, actor.to_owned(), reason.to_owned());
        let detail = format!("{} on its way to {}", how.as_str(), text::value(&ramp.target));
        self.note(Deed { actor, action: "ramp", target: tag.as_str(), detail, reason });
        let is_stopped = ramp.state == RampState::Stopping && self.recorded(tag.segment()).owner.is_none();
        self.operate.ramps.insert(tag.clone(), ramp);
        effects.push(Effect::TagChanged { tag: tag.clone() });
        if is_stopped {
            // Nobody drives it, so nobody will say where it stands.
            self.end_stopped(tag, None, effects);
        }
        Ok(Reply::Command(self.commands.get(&record.id).map_or(record, Arc::clone)))
    }

    /// The command of a tag that is approached step by step, with its ramp.
    fn ramp_under_way(&self, tag: &TagPath) -> Option<(Arc<CommandRecord>, Ramp)> {
        let (_, spec) = self.site.tag(tag)?;
        let record = self.commands.get(&self.outstanding_of(tag)?)?;
        let is_on_its_way = matches!(record.state(), CommandState::Committed | CommandState::Dispatched);
        let target = record.accepted.clone().filter(|target| is_on_its_way && target.as_f64().is_some_and(f64::is_finite))?;
        let known = self.ramp_of(record).cloned();
        let rate_per_s = spec.ramp_rate(record.ramp_per_s)?;
        let fresh = || Ramp {
            command: record.id,
            revision: record.revision,
            target,
            rate_per_s,
            start: None,
            at: None,
            state: RampState::Ramping,
            since: self.time,
            by: String::new(),
            reason: String::new(),
        };
        Some((Arc::clone(record), known.unwrap_or_else(fresh)))
    }

    /// Where there is nothing to steer: a stop that was heard twice has its answer.
    fn steer_none(&self, tag: &TagPath, how: Steer) -> Result<Reply, Rejection> {
        if self.site.tag(tag).is_none() {
            return Err(Rejection::new(ErrorCode::UnknownTag, format!("the site has no tag {tag}")));
        }
        let stopped = self.ramp(tag).filter(|ramp| how == Steer::Stop && ramp.state == RampState::Stopped);
        let record = stopped.and_then(|ramp| self.commands.get(&ramp.command).filter(|record| ramp.is_of(record)));
        let none = || Rejection::new(ErrorCode::NoRamp, format!("{tag} is not being approached step by step"));
        record.map(|record| Reply::Command(Arc::clone(record))).ok_or_else(none)
    }

    /// To go on is to drive: whoever may not set the target may not have it approached either.
    fn check_resumed(&self, record: &CommandRecord, ramp: &Ramp, actor: &str) -> Result<(), Rejection> {
        let refused = |(code, message)| Rejection::new(code, message);
        self.check_authority(&record.tag, &ramp.target, actor).map_err(refused)?;
        self.check_interlocks(&record.tag, &ramp.target).map_err(refused)
    }

    /// Takes an owner's word about a ramp; one about a command that is not on its way is only counted.
    pub(super) fn report_ramp(
        &mut self,
        from: (NodeId, &str, Epoch),
        about: (&TagPath, &CommandId),
        progress: RampProgress,
        effects: &mut Vec<Effect>,
    ) -> Result<Reply, Rejection> {
        let (node, segment, epoch) = from;
        let (tag, command) = about;
        self.owned_under(node, segment, epoch)?;
        let under_way = self.ramp_under_way(tag).filter(|(record, _)| record.id == *command && tag.segment() == segment);
        let Some((_, ramp)) = under_way.filter(|(_, ramp)| is_credible(ramp, &progress)) else {
            return Ok(Reply::Reported { refused: 1 });
        };
        if let RampProgress::Stopped(at) = progress {
            self.end_stopped(tag, at, effects);
        } else {
            self.operate.ramps.insert(tag.clone(), told(ramp, progress, self.time));
            effects.push(Effect::TagChanged { tag: tag.clone() });
        }
        Ok(Reply::Reported { refused: 0 })
    }

    /// Ends a ramp where it stands, as if that had been asked: the setpoint gets that value under a revision of its own, so that no later
    /// owner drives on. A value that may not be asked for, and none, leave the setpoint as one that was cancelled, which nobody drives either.
    fn end_stopped(&mut self, tag: &TagPath, at: Option<Value>, effects: &mut Vec<Effect>) {
        let Some(ramp) = self.operate.ramps.get(tag).cloned() else { return };
        let place = at.as_ref().map_or_else(|| "; where it stands is not known".to_owned(), |at| format!(" at {}", text::value(at)));
        self.end(&ramp.command, CommandState::Cancelled, (ErrorCode::Cancelled, format!("stopped by {}{place}", ramp.by)), effects);
        let accepted = at.as_ref().and_then(|at| self.site.tag(tag)?.1.accept(at).ok());
        if let (Some(value), Some(former)) = (accepted, self.setpoints.get(tag).cloned()) {
            let deed =
                Deed { actor: &ramp.by, action: "ramp", target: tag.as_str(), detail: format!("stopped{place}"), reason: &ramp.reason };
            self.note_change(deed, &text::value(&former.value), &text::value(&value));
            // It is what the device was seen to have. The revision saturates after 2^64 changes of one tag.
            let (revision, state) = (former.revision.saturating_add(1), CommandState::Verified);
            let (actor, reason) = (ramp.by.clone(), ramp.reason.clone());
            let setpoint = Setpoint { value, revision, command_id: ramp.command, actor, reason, state };
            self.setpoints.insert(tag.clone(), Arc::new(setpoint));
        }
        self.operate.ramps.insert(tag.clone(), Ramp { at, state: RampState::Stopped, since: self.time, ..ramp });
        effects.push(Effect::TagChanged { tag: tag.clone() });
    }

    /// Follows a command that reached a state.
    pub(crate) fn follow_ramp(&mut self, id: &CommandId) {
        let Some(record) = self.commands.get(id).filter(|record| record.kind == CommandKind::Setpoint) else { return };
        let Some(ramp) = self.operate.ramps.get_mut(&record.tag).filter(|ramp| ramp.is_of(record)) else { return };
        match record.state() {
            CommandState::Committed | CommandState::Dispatched => {}
            CommandState::Written | CommandState::Verified | CommandState::VerifyFailed => {
                if ramp.state != RampState::Done {
                    (ramp.state, ramp.since, ramp.at) = (RampState::Done, self.time, None);
                }
            }
            _ => drop(self.operate.ramps.remove(&record.tag)),
        }
    }
}

/// Whether an owner may say so: a number that can be kept, and a stop only if somebody asked for one.
fn is_credible(ramp: &Ramp, progress: &RampProgress) -> bool {
    let is_number = |value: &Value| is_kept(value) && value.as_f64().is_some_and(f64::is_finite);
    match progress {
        RampProgress::Started(value) | RampProgress::Held(value) | RampProgress::Resumed(value) => is_number(value),
        RampProgress::Stopped(at) => ramp.state == RampState::Stopping && at.as_ref().is_none_or(is_number),
    }
}

/// The ramp with what was told. How it stands is not the owner's to say.
fn told(ramp: Ramp, progress: RampProgress, now: Timestamp) -> Ramp {
    match progress {
        RampProgress::Started(value) | RampProgress::Resumed(value) => Ramp { start: Some((value, now)), ..ramp },
        RampProgress::Held(value) => Ramp { at: Some(value), ..ramp },
        RampProgress::Stopped(at) => Ramp { at, ..ramp },
    }
}
