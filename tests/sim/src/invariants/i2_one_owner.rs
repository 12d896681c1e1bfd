//! I2: at any instant of true time at most one node believes that it may drive a segment.
//!
//! Source: the lease and the order of grants. Looked at whenever a node begins to believe it and whenever it acts on it.

use super::{Invariant, ensure};
use crate::fact::Fact;
use crate::world::World;

pub(super) struct OneOwner;

impl Invariant for OneOwner {
    fn name(&self) -> &'static str {
        "i2_one_owner"
    }

    fn observe(&mut self, fact: &Fact, world: &World) -> Result<(), String> {
        let (Fact::Took { node, segment } | Fact::Checked { node, segment, .. }) = fact else { return Ok(()) };
        let other = world.nodes.iter().find(|other| other.at != *node && other.believes(*segment, world.env.now));
        ensure(other.is_none(), || {
            format!("n{node} drives s{segment}, and n{} believes that it may too", other.map_or(0, |other| other.at))
        })
    }
}
