//! I8: once the faults are over, every device is driven again within the leader's wait and two elections, and stays so.
//!
//! Source: a lease that keeps two owners apart is easy if nobody ever owns anything. The bound is that of the protocol, plus what the
//! shells take: a process that has just been started waits `T_io`, an opening may be tried twice, a device is connected, claimed and read.
//! Every device is written about ten times a second by whoever drives it, so the devices themselves tell.

use super::{Invariant, ensure};
use crate::clock::SimTime;
use crate::fact::Fact;
use crate::world::World;
use std::time::Duration;

/// What the shells take: two attempts at an opening (2 s and a pause), a connection that is tried again, the first readings.
const SHELLS: Duration = Duration::from_millis(3_500);
/// The longest pause between two writes to a device in the calm: a planned move waits for what is in flight and connects anew.
const PAUSE_MAX: Duration = Duration::from_millis(1_500);

#[derive(Default)]
pub(super) struct KeptAgain {
    /// When each device was written last.
    last: Vec<SimTime>,
    calm: Option<SimTime>,
}

impl Invariant for KeptAgain {
    fn name(&self) -> &'static str {
        "i8_kept_again"
    }

    fn observe(&mut self, fact: &Fact, world: &World) -> Result<(), String> {
        match fact {
            Fact::Calm => {
                self.calm = Some(world.env.now);
                self.last = vec![world.env.now; world.plant.devices.len()];
                Ok(())
            }
            Fact::Wrote(write) => self.check(write.device, world),
            Fact::End => (0..self.last.len()).try_for_each(|device| self.check(device, world)),
            _ => Ok(()),
        }
    }
}

impl KeptAgain {
    fn check(&mut self, device: usize, world: &World) -> Result<(), String> {
        let Some(calm) = self.calm else { return Ok(()) };
        let kept_from = calm.after(world.env.setting.takeover_max()).after(SHELLS);
        let now = world.env.now;
        let last = std::mem::replace(&mut self.last[device], now);
        let most = if last < kept_from { kept_from.after(PAUSE_MAX) } else { last.after(PAUSE_MAX) };
        ensure(now <= most, || format!("d{device} was written at {last} and then not until {now}; the calm began at {calm}"))
    }
}
