//! Who belongs to the site: founding it, admitting, updating and removing nodes.
//!
//! A node's number is the index of the entry that admitted it, so it is never used twice: indexes only grow. Where one
//! entry carries several commands, they share its index; there only the first admission gets it, and a node that was admitted
//! by an entry is not removed by the same one. Both are told to ask again.
//!
//! A node is the same node as long as its instance is the same, a random number of its data directory. A lost disk is therefore
//! another node, and needs another name until the old one is removed.
//!
//! Knows nothing of voters and learners: membership of the consensus is the shell's.

use crate::Machine;
use crate::audit::Deed;
use crate::command::NodeInfo;
use crate::reply::{Effect, Rejection, Reply};
use crate::text::{ACTOR_LEN_MAX, check_len, cut, quoted};
use labkeeper_model::{ErrorCode, Name, NodeId};

/// The number of the node that founds a site.
const FOUNDER: NodeId = 1;
/// Most nodes of a site: nine times the seven that the design has in mind, so that a machine that joins in a loop is noticed.
pub const NODES_MAX: usize = 64;
/// Longest address of a node, in bytes: a host name has at most 253, and a URL adds scheme and port.
const ADDRESS_LEN_MAX: usize = 300;
/// Most segments that a node lists: beyond, `*` is meant.
const REACH_MAX: usize = 1_000;

impl Machine {
    pub(crate) fn found_site(&mut self, site_id: [u8; 16], node: NodeInfo, effects: &mut Vec<Effect>) -> Result<Reply, Rejection> {
        if self.site_id.is_some() {
            return Err(Rejection::new(ErrorCode::AlreadyInitialised, "the site has been founded already"));
        }
        check_node(&node)?;
        self.site_id = Some(site_id);
        self.note_node(&node, node.name.as_str(), format!("founded the site as node {FOUNDER}"));
        self.put_node(FOUNDER, node, effects);
        Ok(Reply::Node(FOUNDER))
    }

    pub(crate) fn admit_node(&mut self, node: NodeInfo, effects: &mut Vec<Effect>) -> Result<Reply, Rejection> {
        check_node(&node)?;
        let known = self.nodes.iter().find(|(_, known)| known.instance == node.instance).map(|(id, _)| *id);
        self.check_name(&node, known)?;
        if let Some(id) = known {
            self.change_node(id, node, effects);
            return Ok(Reply::Node(id));
        }
        let id = self.applied;
        if id <= FOUNDER || self.nodes.contains_key(&id) {
            return Err(Rejection::new(ErrorCode::MembershipChanging, format!("entry {id} has admitted a node already; ask again")));
        }
        if self.nodes.len() >= NODES_MAX {
            return Err(Rejection::new(
                ErrorCode::BadRequest,
                format!("the site has {NODES_MAX} nodes, the most it can; remove one first"),
            ));
        }
        self.note_node(&node, node.name.as_str(), format!("admitted as node {id}"));
        self.put_node(id, node, effects);
        Ok(Reply::Node(id))
    }

    pub(crate) fn update_node(&mut self, id: NodeId, node: NodeInfo, effects: &mut Vec<Effect>) -> Result<Reply, Rejection> {
        check_node(&node)?;
        let known = self.nodes.get(&id).ok_or_else(|| unknown(id))?;
        if known.instance != node.instance {
            let message = format!("node {id} ({}) was admitted with another data directory; join again as another node", known.name);
            return Err(Rejection::new(ErrorCode::DuplicateNodeName, message));
        }
        self.check_name(&node, Some(id))?;
        self.change_node(id, node, effects);
        Ok(Reply::Done)
    }

    pub(crate) fn remove_node(&mut self, id: NodeId, actor: &str, effects: &mut Vec<Effect>) -> Result<Reply, Rejection> {
        check_len("the actor", actor, ACTOR_LEN_MAX)?;
        let node = self.nodes.get(&id).ok_or_else(|| unknown(id))?;
        if self.nodes.len() == 1 {
            return Err(Rejection::new(ErrorCode::LastVoter, format!("{} is the site's only node", node.name)));
        }
        if id == self.applied {
            let message = format!("{} was admitted by this very entry; ask again", node.name);
            return Err(Rejection::new(ErrorCode::MembershipChanging, message));
        }
        let node = node.clone();
        self.note_node(&node, actor, format!("removed node {id}"));
        self.nodes.remove(&id);
        self.draining.remove(&id);
        for words in self.words.values_mut() {
            words.remove(&id);
        }
        // A session that is alive stays until it ends or runs out: the process may still be driving what it owns.
        if self.sessions.get(&id).is_some_and(|session| !session.alive) {
            self.sessions.remove(&id);
        }
        effects.push(Effect::NodesChanged);
        self.review(effects);
        Ok(Reply::Done)
    }

    /// Takes over what a node says about itself; a node that says the same again changes nothing.
    fn change_node(&mut self, id: NodeId, node: NodeInfo, effects: &mut Vec<Effect>) {
        let Some(known) = self.nodes.get(&id).filter(|known| **known != node) else { return };
        let detail = changes(known, &node);
        self.note_node(&node, node.name.as_str(), detail);
        self.put_node(id, node, effects);
    }

    fn put_node(&mut self, id: NodeId, node: NodeInfo, effects: &mut Vec<Effect>) {
        self.nodes.insert(id, node);
        effects.push(Effect::NodesChanged);
        self.review(effects);
    }

    fn note_node(&mut self, node: &NodeInfo, actor: &str, detail: String) {
        self.note(Deed { actor, action: "node", target: node.name.as_str(), detail, reason: "" });
    }

    /// Refuses a name that a node other than `own` has.
    fn check_name(&self, node: &NodeInfo, own: Option<NodeId>) -> Result<(), Rejection> {
        match self.node_by_name(node.name.as_str()).filter(|(id, _)| Some(*id) != own) {
            None => Ok(()),
            Some((id, _)) => Err(Rejection::new(ErrorCode::DuplicateNodeName, format!("node {id} has the name {}", node.name))),
        }
    }
}

pub(crate) fn unknown(id: NodeId) -> Rejection {
    Rejection::new(ErrorCode::UnknownNode, format!("the site has no node {id}"))
}

/// Refuses what cannot be a node.
fn check_node(node: &NodeInfo) -> Result<(), Rejection> {
    for (what, address) in [("the gRPC address", &node.grpc), ("the URL", &node.http)] {
        if address.is_empty() {
            return Err(Rejection::new(ErrorCode::BadRequest, format!("{what} of {} is empty", node.name)));
        }
        check_len(what, address, ADDRESS_LEN_MAX)?;
    }
    if node.reach.len() > REACH_MAX {
        return Err(Rejection::new(ErrorCode::BadRequest, format!("{} lists more than {REACH_MAX} segments; \"*\" means all", node.name)));
    }
    match node.reach.iter().find(|segment| *segment != "*" && Name::new(segment).is_err()) {
        None => Ok(()),
        Some(segment) => {
            let segment = quoted(&cut(segment.clone(), 100));
            Err(Rejection::new(ErrorCode::BadRequest, format!("{} reaches {segment}, which is no segment's name", node.name)))
        }
    }
}

/// What differs, in words.
fn changes(old: &NodeInfo, new: &NodeInfo) -> String {
    let (old_reach, new_reach) = (old.reach.join(" "), new.reach.join(" "));
    let fields = [
        ("name", old.name.as_str(), new.name.as_str()),
        ("grpc", &old.grpc, &new.grpc),
        ("http", &old.http, &new.http),
        ("reach", &old_reach, &new_reach),
    ];
    let changed = fields.into_iter().filter(|(_, old, new)| old != new);
    changed.map(|(what, old, new)| format!("{what}: {old} -> {new}")).collect::<Vec<_>>().join("; ")
}
