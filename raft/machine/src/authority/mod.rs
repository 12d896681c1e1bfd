//! Who has taken control of what.

use crate::Machine;
use crate::reply::{Effect, Rejection, Reply};
use labkeeper_model::{ErrorCode, TagPath, Timestamp};

/// What can be asked of this part of the state.
#[derive(Clone, Debug, PartialEq)]
pub enum AuthorityCommand {}

/// This part of the state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Authorities {}

impl Authorities {
    /// When [`crate::Command::FireTimers`] is due for this part.
    pub(crate) fn next_timer(&self) -> Option<Timestamp> {
        None
    }
}

impl Machine {
    pub(crate) fn authority_command(&mut self, command: AuthorityCommand, _effects: &mut Vec<Effect>) -> Result<Reply, Rejection> {
        match command {}
    }

    /// Does what is due by the machine's time.
    #[expect(clippy::unused_self, reason = "nothing is due yet")]
    pub(crate) fn fire_authority_timers(&mut self, _effects: &mut Vec<Effect>) {}

    /// Whether this actor may write to a tag now, as far as control goes.
    ///
    /// # Errors
    /// Code and message, if another has taken control or nobody has where somebody must.
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "nobody can take control yet")]
    pub(crate) fn check_authority(&self, _tag: &TagPath, _actor: &str) -> Result<(), (ErrorCode, String)> {
        Ok(())
    }
}
