//! A device is read before it is written, under every ownership.
//!
//! Source: after a takeover the hardware is read first, and nothing is written until its state is known.

use super::{Invariant, ensure};
use crate::event::Life;
use crate::fact::Fact;
use crate::world::World;
use labkeeper_model::Epoch;
use std::collections::BTreeSet;

#[derive(Default)]
pub(super) struct ReadFirst {
    /// Device, node, life, epoch.
    read: BTreeSet<(usize, usize, Life, Epoch)>,
}

impl Invariant for ReadFirst {
    fn name(&self) -> &'static str {
        "read_first"
    }

    fn observe(&mut self, fact: &Fact, _world: &World) -> Result<(), String> {
        match fact {
            Fact::Read { device, node, life, epoch } => {
                self.read.insert((*device, *node, *life, *epoch));
                Ok(())
            }
            Fact::Wrote(write) => {
                let is_read = self.read.contains(&(write.device, write.node, write.life, write.epoch));
                ensure(is_read, || format!("{write:?}, and the device was not read under this epoch"))
            }
            _ => Ok(()),
        }
    }
}
