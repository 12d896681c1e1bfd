//! I9: the writes that a device gets have epochs that never go back, nor behind one that its fence has accepted.
//!
//! Source: what anybody can check afterwards from a device's record of its writes, without knowing who was right.

use super::{Invariant, ensure};
use crate::fact::Fact;
use crate::world::World;
use labkeeper_model::Epoch;
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct EpochsSorted {
    /// By device: the newest epoch of a write or a claim.
    newest: BTreeMap<usize, Epoch>,
}

impl Invariant for EpochsSorted {
    fn name(&self) -> &'static str {
        "i9_epochs_sorted"
    }

    fn observe(&mut self, fact: &Fact, _world: &World) -> Result<(), String> {
        match fact {
            Fact::Claimed { device, epoch } => self.check(*device, *epoch, || format!("a claim of epoch {epoch}")),
            Fact::Wrote(write) => {
                ensure(write.checked <= write.sent && write.sent <= write.effective, || format!("{write:?} is out of order"))?;
                self.check(write.device, write.epoch, || format!("{write:?}"))
            }
            _ => Ok(()),
        }
    }
}

impl EpochsSorted {
    fn check(&mut self, device: usize, epoch: Epoch, what: impl FnOnce() -> String) -> Result<(), String> {
        let newest = self.newest.entry(device).or_default();
        let before = *newest;
        *newest = before.max(epoch);
        ensure(epoch >= before, || format!("d{device} has seen epoch {before}, and then {}", what()))
    }
}
