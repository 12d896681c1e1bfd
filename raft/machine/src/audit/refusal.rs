//! What persons asked for and did not get, as entries of the audit: who tried what, and why not.
//!
//! A refusal is noted here, once for all kinds of commands, so that none can forget it. Not noted is what no person decides: reports of
//! owners, sessions, the renewal of control by a program. A setpoint that was refused for what it says is remembered as a command, and
//! noted with that.

use super::Deed;
use crate::alarms::AlarmCommand;
use crate::authority::AuthorityCommand;
use crate::command::Command;
use crate::interlocks::InterlockCommand;
use crate::notices::NoticeCommand;
use crate::operate::OperateCommand;
use crate::reply::Rejection;
use crate::text::{ACTOR_LEN_MAX, REASON_LEN_MAX, cut};
use crate::{Machine, SetpointRequest};

/// Longest name of what was asked about, in bytes, as a tag's path: what is refused may name anything.
const TARGET_LEN_MAX: usize = 194;

/// What a person asked for.
pub(crate) struct Wish {
    actor: String,
    action: &'static str,
    target: String,
    what: &'static str,
    reason: String,
}

impl Wish {
    fn new(actor: &str, action: &'static str, target: impl Into<String>, what: &'static str, reason: &str) -> Self {
        let (actor, reason) = (cut(actor.to_owned(), ACTOR_LEN_MAX), cut(reason.to_owned(), REASON_LEN_MAX));
        Self { actor, action, target: cut(target.into(), TARGET_LEN_MAX), what, reason }
    }

    /// What is asked for, if it is a person who asks.
    pub(crate) fn of(command: &Command) -> Option<Self> {
        match command {
            Command::RemoveNode { id, actor } => Some(Self::new(actor, "node", format!("node {id}"), "remove", "")),
            Command::ApplySite { actor, reason, .. } => Some(Self::new(actor, "site", "site", "apply", reason)),
            Command::SubmitSetpoint(SetpointRequest { tag, actor, reason, .. }) => {
                Some(Self::new(actor, "setpoint", tag.as_str(), "set", reason))
            }
            Command::SetDraining { node, draining, actor, reason } => {
                let what = if *draining { "drain" } else { "undrain" };
                Some(Self::new(actor, "drain", format!("node {node}"), what, reason))
            }
            Command::ReleaseHold { tag, actor, reason } => Some(Self::new(actor, "hold", tag.as_str(), "confirm", reason)),
            Command::Once { deed, .. } => Self::of(deed),
            Command::Alarm(command) => Self::of_alarm(command),
            Command::Authority(command) => Self::of_authority(command),
            Command::Interlock(command) => Self::of_interlock(command),
            Command::Operate(OperateCommand::SubmitAction(action)) => {
                Some(Self::new(&action.actor, "action", action.tag.as_str(), "run", &action.reason))
            }
            Command::Operate(OperateCommand::Cancel { id, actor, reason }) => {
                Some(Self::new(actor, "command", format!("command {id}"), "cancel", reason))
            }
            Command::Notice(NoticeCommand::Test { route, actor, reason }) => {
                Some(Self::new(actor, "notify", route.as_str(), "test", reason))
            }
            Command::Operate(OperateCommand::Steer { tag, how, actor, reason }) => {
                Some(Self::new(actor, "ramp", tag.as_str(), how.as_str(), reason))
            }
            Command::Operate(OperateCommand::Select(request)) => {
                Some(Self::new(&request.actor, "select", request.tag.as_str(), "select", ""))
            }
            Command::Operate(OperateCommand::Deselect { tag, actor, .. }) => Some(Self::new(actor, "select", tag.as_str(), "deselect", "")),
            _ => None,
        }
    }

    fn of_alarm(command: &AlarmCommand) -> Option<Self> {
        let (alarm, actor, what, reason) = match command {
            AlarmCommand::Report { .. } | AlarmCommand::ReportSystem { .. } => return None,
            AlarmCommand::Acknowledge { alarm, actor, comment, .. } => (alarm, actor, "acknowledge", comment),
            AlarmCommand::Shelve { alarm, actor, reason, .. } => (alarm, actor, "shelve", reason),
            AlarmCommand::Unshelve { alarm, actor, reason } => (alarm, actor, "unshelve", reason),
            AlarmCommand::OutOfService { alarm, actor, reason } => (alarm, actor, "take out of service", reason),
            AlarmCommand::ReturnToService { alarm, actor, reason } => (alarm, actor, "return to service", reason),
            AlarmCommand::Reset { alarm, actor, reason } => (alarm, actor, "reset", reason),
            AlarmCommand::Comment { alarm, actor, text } => (alarm, actor, "comment", text),
        };
        Some(Self::new(actor, "alarm", alarm.as_str(), what, reason))
    }

    fn of_interlock(command: &InterlockCommand) -> Option<Self> {
        let (interlock, actor, what, reason) = match command {
            InterlockCommand::Report { .. } => return None,
            InterlockCommand::Reset { interlock, actor, reason } => (interlock, actor, "reset", reason),
            InterlockCommand::Defeat { interlock, actor, reason, .. } => (interlock, actor, "defeat", reason),
            InterlockCommand::EndDefeat { interlock, actor, reason } => (interlock, actor, "end the defeat", reason),
        };
        Some(Self::new(actor, "interlock", interlock.as_str(), what, reason))
    }

    fn of_authority(command: &AuthorityCommand) -> Option<Self> {
        let (scope, actor, what, reason) = match command {
            AuthorityCommand::Renew { .. } => return None,
            AuthorityCommand::Take { scope, actor, reason, .. } => (scope, actor, "take", reason.as_str()),
            AuthorityCommand::Give { scope, actor } => (scope, actor, "give", ""),
            AuthorityCommand::Ask { scope, actor, reason } => (scope, actor, "ask", reason.as_str()),
            AuthorityCommand::Break { scope, actor, reason } => (scope, actor, "break", reason.as_str()),
        };
        Some(Self::new(actor, "control", scope.to_string(), what, reason))
    }
}

impl Machine {
    /// Notes that a wish was not granted, and why.
    pub(crate) fn note_wish(&mut self, wish: &Wish, rejection: &Rejection) {
        let detail = format!("{}: {}", wish.what, rejection.message);
        let deed = Deed { actor: &wish.actor, action: wish.action, target: &wish.target, detail, reason: &wish.reason };
        self.note_refusal(deed, rejection.code);
    }
}
