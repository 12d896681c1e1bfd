//! What becomes due as time passes: absolute deadlines in the machine's time, kept with what they are about.
//!
//! ```text
//!   deadline stored by an entry --> the leader sees it pass --> FireTimers, replicated --> every part does what is due
//! ```
//!
//! The entry decides, not a leader's clock: a new leader neither forgets a deadline, as it is in the state, nor repeats one, as firing
//! takes it out of the state. Firing early or twice does nothing.

use crate::Machine;
use crate::reply::{Effect, Reply};
use labkeeper_model::Timestamp;

impl Machine {
    /// When [`crate::Command::FireTimers`] is due; `None` if nothing waits for time to pass.
    #[must_use]
    pub fn next_timer(&self) -> Option<Timestamp> {
        let parts = [self.alarms.next_timer(), self.authority.next_timer(), self.interlocks.next_timer(), self.operate.next_timer()];
        parts.into_iter().flatten().min()
    }

    pub(crate) fn fire_timers(&mut self, effects: &mut Vec<Effect>) -> Reply {
        self.fire_authority_timers(effects);
        self.fire_interlocks_timers(effects);
        self.fire_operate_timers(effects);
        // After what raises alarms.
        self.fire_alarms_timers(effects);
        Reply::Done
    }
}
