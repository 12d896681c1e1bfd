//! Reading the state. Nothing here changes anything, and nothing here is a copy of more than a few words.

use crate::Machine;
use crate::command::NodeInfo;
use crate::invariant::Faults;
use crate::ownership::Loads;
use crate::placement::{Placement, candidates};
use crate::state::{AuditEntry, CommandRecord, Drift, Hold, Ownership, Quarantine, Session, Setpoint, TakeoverRecord};
use labkeeper_model::site::SiteSpec;
use labkeeper_model::{CommandId, Epoch, LogIndex, Name, NodeId, SessionId, TagPath, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Machine {
    /// Index of the last entry that was applied.
    #[must_use]
    pub fn applied(&self) -> LogIndex {
        self.applied
    }

    /// The largest time that an entry was stamped with.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// The site's identity; `None` before it is founded.
    #[must_use]
    pub fn site_id(&self) -> Option<[u8; 16]> {
        self.site_id
    }

    /// The declaration in force; empty before the first.
    #[must_use]
    pub fn site(&self) -> &Arc<SiteSpec> {
        &self.site
    }

    /// The declaration's version; 0 before the first.
    #[must_use]
    pub fn site_version(&self) -> u64 {
        self.site_version
    }

    /// The site's nodes by number.
    #[must_use]
    pub fn nodes(&self) -> &BTreeMap<NodeId, NodeInfo> {
        &self.nodes
    }

    /// The node of that name.
    #[must_use]
    pub fn node_by_name(&self, name: &str) -> Option<(NodeId, &NodeInfo)> {
        self.nodes.iter().find(|(_, node)| node.name.as_str() == name).map(|(id, node)| (*id, node))
    }

    /// Who owns a segment. A segment that left the site keeps its owner until that one has let go of it, and its epoch for ever.
    /// Only a node with a session owns anything.
    #[must_use]
    pub fn ownership(&self, segment: &str) -> Ownership {
        let recorded = self.recorded(segment);
        if recorded.session == 0 { Ownership { owner: None, ..recorded } } else { recorded }
    }

    /// Whether a node owns a segment of the site under this session and this epoch: whether it may drive its devices, as far as the log
    /// goes. Whether its lease lasts, only its own clock knows.
    #[must_use]
    pub fn holds(&self, node: NodeId, session: SessionId, segment: &str, epoch: Epoch) -> bool {
        let ownership = self.recorded(segment);
        session != 0
            && (ownership.owner, ownership.session, ownership.epoch) == (Some(node), session, epoch)
            && self.held_session(node, session).is_ok()
            && self.has_segment(segment)
    }

    /// The segments that a node owns and should let go of, with their epochs: because another is to have them, or because they left
    /// the site.
    #[must_use]
    pub fn releases_wanted(&self, node: NodeId) -> Vec<(String, Epoch)> {
        let owned = self.ownerships.iter().filter(|(_, ownership)| ownership.owner == Some(node) && ownership.session != 0);
        let wanted = owned.filter(|(segment, ownership)| ownership.successor.is_some() || !self.has_segment(segment));
        wanted.map(|(segment, ownership)| (segment.clone(), ownership.epoch)).collect()
    }

    /// Who owns each segment of the site in force, ordered by the segment's name.
    pub fn ownerships(&self) -> impl Iterator<Item = (&str, Ownership)> {
        self.site.segments.keys().map(|segment| (segment.as_str(), self.ownership(segment.as_str())))
    }

    /// The newest session of each node, by node; of a removed node only while it is alive.
    #[must_use]
    pub fn sessions(&self) -> &BTreeMap<NodeId, Session> {
        &self.sessions
    }

    /// A node's newest session, alive or ended.
    #[must_use]
    pub fn session(&self, node: NodeId) -> Option<&Session> {
        self.sessions.get(&node)
    }

    /// Whether a node hands its segments over and gets no others.
    #[must_use]
    pub fn draining(&self, node: NodeId) -> bool {
        self.draining.contains(&node)
    }

    /// Where a segment should be and why; `None` if the site has no such segment.
    #[must_use]
    pub fn placement(&self, segment: &str) -> Option<Placement> {
        let (name, _) = self.site.segments.get_key_value(segment)?;
        let ownership = self.ownership(segment);
        let loads = Loads::of(self);
        let decision = self.decision(name, ownership, &loads);
        let candidates = candidates(&self.view_of(name, ownership, &loads));
        let choice = self.in_words(decision.choice);
        let in_words = match (ownership.owner, decision.choice, decision.cause) {
            (None, None, _) => format!("nobody can have {segment}"),
            (None, Some(_), _) => format!("{segment} has no owner and goes to {choice}"),
            (Some(owner), _, Some(cause)) => format!("{segment} goes from {} to {choice}: {cause}", self.in_words(Some(owner))),
            (Some(_), ..) => format!("{segment} stays with {choice}"),
        };
        Some(Placement { choice: decision.choice, candidates, in_words })
    }

    /// When [`crate::Command::PlaceSegments`] is due, because time alone changes where a segment should be; `None` if it does not.
    /// Looks at every segment and every node.
    #[must_use]
    pub fn next_review(&self) -> Option<Timestamp> {
        if self.is_sessionless() {
            return None;
        }
        let loads = Loads::of(self);
        let due = self.site.segments.keys().filter_map(|segment| {
            let ownership = self.recorded(segment.as_str());
            let decision = self.decision(segment, ownership, &loads);
            let is_settled = decision.choice == ownership.successor.or(ownership.owner);
            if is_settled { decision.due } else { Some(self.time) }
        });
        due.min()
    }

    /// The latest takeovers, oldest first.
    pub fn takeovers(&self) -> impl DoubleEndedIterator<Item = &Arc<TakeoverRecord>> {
        self.takeovers.iter()
    }

    /// Why a tag takes no setpoints and must not be written; `None` if it may be.
    #[must_use]
    pub fn hold(&self, tag: &TagPath) -> Option<&Hold> {
        self.holds.get(tag)
    }

    /// Every tag that waits for an operator to confirm, ordered by tag.
    pub fn holds_waiting(&self) -> impl Iterator<Item = (&TagPath, &Hold)> {
        self.holds.iter()
    }

    /// What a takeover left different from a tag's setpoint; `None` if nothing is known to differ.
    #[must_use]
    pub fn drift(&self, tag: &TagPath) -> Option<&Drift> {
        self.drifts.get(tag)
    }

    /// Every setpoint that a takeover left different from its device, ordered by tag.
    pub fn drifts(&self) -> impl Iterator<Item = (&TagPath, &Drift)> {
        self.drifts.iter()
    }

    /// Why a device's owner leaves it alone; `None` if it does not.
    #[must_use]
    pub fn quarantine(&self, device: &str) -> Option<&Quarantine> {
        self.quarantined.get(device)
    }

    /// Every device that its owner leaves alone, ordered by name.
    pub fn quarantined(&self) -> impl Iterator<Item = (&Name, &Quarantine)> {
        self.quarantined.iter()
    }

    /// A tag's setpoint; `None` if it was never set or the site has no such tag.
    #[must_use]
    pub fn setpoint(&self, tag: &TagPath) -> Option<&Arc<Setpoint>> {
        self.setpoints.get(tag)
    }

    /// Every setpoint, ordered by tag.
    pub fn setpoints(&self) -> impl Iterator<Item = (&TagPath, &Arc<Setpoint>)> {
        self.setpoints.iter()
    }

    /// A remembered command.
    #[must_use]
    pub fn command(&self, id: &CommandId) -> Option<&Arc<CommandRecord>> {
        self.commands.get(id)
    }

    /// Every remembered command, newest first by log index; those of one entry by falling id, which falls with the time in
    /// UUIDs of version 7.
    pub fn recent_commands(&self) -> impl Iterator<Item = &Arc<CommandRecord>> {
        self.commands.newest_first()
    }

    /// The commands for which the owner of a segment still has something to do, in log order (those of one entry by id):
    /// in `committed`, in `dispatched`, or in `written` where the tag has a verification. At most one per tag.
    pub fn outstanding<'a>(&'a self, segment: &str) -> impl Iterator<Item = &'a Arc<CommandRecord>> + use<'a> {
        self.commands.outstanding(segment)
    }

    /// The earliest deadline of a command in a segment that nobody owns: when [`crate::Command::ExpireCommands`] is due. Looks at the
    /// commands in `committed` in the order of their deadlines; there is at most one for each tag.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let is_unowned = |id: &CommandId| self.commands.get(id).is_some_and(|record| self.recorded(record.tag.segment()).owner.is_none());
        self.commands.waiting().find(|(_, id)| is_unowned(id)).map(|(deadline, _)| deadline)
    }

    /// The audit, oldest first.
    pub fn audit(&self) -> impl DoubleEndedIterator<Item = &Arc<AuditEntry>> {
        self.audit.entries()
    }

    /// The hash before the oldest entry of the audit.
    #[must_use]
    pub fn audit_anchor(&self) -> crate::chain::Hash {
        self.audit.anchor()
    }

    /// Broken invariants that this replica has noticed; empty unless there is a fault in this crate. Not replicated.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }
}
