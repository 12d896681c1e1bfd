//! I3: a session is ended for lack of renewals only when its holder's lease has been over for `T_io`, in true time.
//!
//! Source: the leader waits `lease (1+rho)/(1-rho) + guard` from applying what the holder counts from sending. Half of the guard is
//! for the write in flight, which is `T_io`; the other half is for the stall, which is part of no clock.

use super::{Invariant, ensure};
use crate::fact::Fact;
use crate::world::World;
use labkeeper_machine::{Command, Reply};

pub(super) struct LeaseBeforeExpiry;

impl Invariant for LeaseBeforeExpiry {
    fn name(&self) -> &'static str {
        "i3_lease_before_expiry"
    }

    fn observe(&mut self, fact: &Fact, world: &World) -> Result<(), String> {
        let (Fact::Committed, Some(entry)) = (fact, world.log.newest()) else { return Ok(()) };
        let Command::ExpireSession { node: id, session, .. } = &entry.command else { return Ok(()) };
        let Some(node) = world.nodes.iter().find(|node| node.id == *id && !node.is_dead()) else { return Ok(()) };
        let rights = &node.process.rights;
        let (Some(held), Some(until)) = (rights.session(), rights.valid_until()) else { return Ok(()) };
        if entry.applied.reply != Ok(Reply::Expired { ended: true }) || held != *session {
            return Ok(());
        }
        let over = node.clock.when(until);
        ensure(over.after(world.env.setting.t_io) <= world.env.now, || {
            format!("session {session} of n{} is ended, and its lease lasts until {over}", node.at)
        })
    }
}
