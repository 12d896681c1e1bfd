//! I4: epochs, sessions and the numbers of renewals only grow, in the agreed order of entries.
//!
//! Source: a number that came back smaller would let through what was fenced off.

use super::{Invariant, ensure};
use crate::fact::Fact;
use crate::world::World;
use labkeeper_model::{Epoch, NodeId, SessionId};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct OnlyGrowing {
    epochs: BTreeMap<String, (Option<NodeId>, SessionId, Epoch)>,
    sessions: BTreeMap<NodeId, (SessionId, u64)>,
}

impl Invariant for OnlyGrowing {
    fn name(&self) -> &'static str {
        "i4_only_growing"
    }

    fn observe(&mut self, fact: &Fact, world: &World) -> Result<(), String> {
        if !matches!(fact, Fact::Committed) {
            return Ok(());
        }
        let agreed = world.log.agreed();
        for (segment, now) in agreed.ownerships() {
            let (owner, session, epoch) = self.epochs.get(segment).copied().unwrap_or_default();
            let is_same = (owner, session) == (now.owner, now.session);
            let grows = now.epoch > epoch || (is_same && now.epoch == epoch);
            ensure(grows, || format!("{segment} was owned by {owner:?} under {session} and {epoch}, then {now:?}"))?;
            if now.epoch != epoch {
                self.epochs.insert(segment.to_owned(), (now.owner, now.session, now.epoch));
            }
        }
        for (node, session) in agreed.sessions() {
            let newest = (session.id, session.seq);
            let before = self.sessions.insert(*node, newest).unwrap_or_default();
            ensure(newest >= before, || format!("the session of node {node} was {before:?}, then {newest:?}"))?;
        }
        Ok(())
    }
}
