//! Draining: a node hands its segments over as planned, and gets no others, until that is ended.
//!
//! For maintenance: once a drained node owns nothing, it can be stopped and nobody notices. What nobody else can take, it keeps. The order
//! outlives restarts of the node, as maintenance does.

use crate::Machine;
use crate::audit::Deed;
use crate::nodes::unknown;
use crate::reply::{Effect, Rejection, Reply};
use crate::text::{ACTOR_LEN_MAX, REASON_LEN_MAX, check_len};
use labkeeper_model::NodeId;

impl Machine {
    pub(crate) fn set_draining(
        &mut self,
        node: NodeId,
        draining: bool,
        actor: &str,
        reason: &str,
        effects: &mut Vec<Effect>,
    ) -> Result<Reply, Rejection> {
        check_len("the actor", actor, ACTOR_LEN_MAX)?;
        check_len("the reason", reason, REASON_LEN_MAX)?;
        let name = self.nodes.get(&node).ok_or_else(|| unknown(node))?.name.to_string();
        let changed = if draining { self.draining.insert(node) } else { self.draining.remove(&node) };
        if changed {
            let detail = if draining { "hands its segments over" } else { "takes segments again" };
            self.note(Deed { actor, action: "drain", target: &name, detail: detail.to_owned(), reason });
            effects.push(Effect::NodesChanged);
            self.review(effects);
        }
        Ok(Reply::Done)
    }
}
