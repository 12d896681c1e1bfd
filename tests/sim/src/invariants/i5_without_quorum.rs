//! I5: without a quorum a node writes nothing for longer than a lease: every write is begun within a lease of the sending of a renewal or an
//! opening that was committed.
//!
//! Source: the lease counts from sending, and only a quorum can confirm it. In true time a lease lasts `lease / (1 - rho)` on the slowest
//! clock; its last writes are begun `T_io` before its end and take effect within a stall and `T_io`.

use super::{Invariant, ensure};
use crate::clock::SimTime;
use crate::fact::Fact;
use crate::world::World;
use labkeeper_machine::Command;
use std::collections::BTreeMap;
use std::time::Duration;

/// Clocks count whole nanoseconds, and the slowest clock is reckoned in real numbers.
const ROUNDING: Duration = Duration::from_micros(1);

#[derive(Default)]
pub(super) struct WithoutQuorum {
    /// By node: when it sent the newest of what a quorum has confirmed.
    confirmed: BTreeMap<usize, SimTime>,
}

impl Invariant for WithoutQuorum {
    fn name(&self) -> &'static str {
        "i5_without_quorum"
    }

    fn observe(&mut self, fact: &Fact, world: &World) -> Result<(), String> {
        match fact {
            Fact::Committed => {
                let Some(entry) = world.log.newest() else { return Ok(()) };
                let is_own = matches!(entry.asked, Command::OpenSession { .. } | Command::RenewSession { .. });
                if is_own && entry.applied.reply.is_ok() {
                    let newest = self.confirmed.entry(entry.from).or_default();
                    *newest = entry.sent.max(*newest);
                }
                Ok(())
            }
            Fact::Wrote(write) => {
                let setting = &world.env.setting;
                let sent = self.confirmed.get(&write.node).copied().unwrap_or_default();
                let begun_at_last = sent.after(setting.slowest(setting.terms.lease - setting.t_io)).after(ROUNDING);
                let effective_at_last = begun_at_last.after(setting.stall).after(setting.t_io);
                // A fenced device is also exposed to longer stalls: there only the look at the lease counts.
                let has_fence = world.plant.devices[write.device].has_fence;
                let is_in_time = write.checked <= begun_at_last && (has_fence || write.effective <= effective_at_last);
                ensure(is_in_time, || {
                    format!("what n{} sent at {sent} is the newest that was confirmed, and then {write:?} takes effect", write.node)
                })
            }
            _ => Ok(()),
        }
    }
}
