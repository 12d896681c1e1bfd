//! What somebody is to be told, until they have been.

use crate::Machine;
use crate::reply::{Effect, Rejection, Reply};
use labkeeper_model::site::Priority;
use labkeeper_model::{AlarmId, Name, Timestamp};

/// What can be asked of this part of the state.
#[derive(Clone, Debug, PartialEq)]
pub enum NoticeCommand {}

/// Something that somebody may have to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Which alarm.
    pub alarm: AlarmId,
    /// Which of its occurrences.
    pub occurrence: u64,
    /// What happened to it, as its journal says.
    pub transition: &'static str,
    /// How urgent it is.
    pub priority: Priority,
    /// The segment that it is about, if any.
    pub segment: Option<Name>,
    /// In words.
    pub text: String,
}

/// This part of the state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outbox {}

impl Outbox {
    /// When [`crate::Command::FireTimers`] is due for this part.
    pub(crate) fn next_timer(&self) -> Option<Timestamp> {
        None
    }
}

impl Machine {
    pub(crate) fn notices_command(&mut self, command: NoticeCommand, _effects: &mut Vec<Effect>) -> Result<Reply, Rejection> {
        match command {}
    }

    /// Does what is due by the machine's time.
    #[expect(clippy::unused_self, reason = "nothing is due yet")]
    pub(crate) fn fire_notices_timers(&mut self, _effects: &mut Vec<Effect>) {}

    /// Puts a notice into the outbox, once for each route that wants it.
    #[expect(clippy::unused_self, reason = "nothing is kept yet")]
    pub(crate) fn notify(&mut self, _notice: &Notice) {}
}
