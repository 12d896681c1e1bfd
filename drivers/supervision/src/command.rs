//! What can be asked of a running supervisor, and why it may refuse.

use crate::check::SpecError;
use crate::spec::ChildSpec;
use std::fmt;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Most commands that wait for one supervisor. It takes each within microseconds and never waits for a child in between, so
/// 16 are more than a reconciler and some operators have under way at once; whoever comes behind them waits.
pub(crate) const COMMANDS_MAX: usize = 16;

/// Where the answer goes. Nobody waiting for it is no fault.
pub(crate) type Reply = oneshot::Sender<Result<(), CommandError>>;

/// A question to a supervisor.
pub(crate) struct Command {
    pub(crate) order: Order,
    pub(crate) reply: Reply,
}

/// What is asked for; children by their ids.
pub(crate) enum Order {
    Start(ChildSpec),
    Stop(String),
    Restart(String),
    Quarantine(String, Arc<str>),
    Release(String),
}

/// Why a supervisor did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// No supervisor runs at this path: it is not there, is being restarted, or has ended. Look at the tree again.
    NoSuchSupervisor(String),
    /// The supervisor has no such child, or the child is leaving. Look at the tree again.
    NoSuchChild(String),
    /// A child with this id is there, or is still leaving. Stop it, and wait for the answer.
    AlreadyThere(String),
    /// The child is not quarantined: there is nothing to release.
    NotQuarantined(String),
    /// The specification contradicts itself.
    Refused(SpecError),
    /// The child was aborted and is not gone: it blocks its thread. Only the end of the process ends it for sure.
    Stuck(String),
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchSupervisor(path) => write!(f, "no supervisor runs at {path}"),
            Self::NoSuchChild(path) => write!(f, "there is no {path}"),
            Self::AlreadyThere(path) => write!(f, "{path} is there already"),
            Self::NotQuarantined(path) => write!(f, "{path} is not quarantined"),
            Self::Refused(error) => error.fmt(f),
            Self::Stuck(path) => write!(f, "{path} blocks its thread and cannot be ended"),
        }
    }
}

impl std::error::Error for CommandError {}
