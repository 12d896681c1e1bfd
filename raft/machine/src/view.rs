//! Reading the state. Nothing here changes anything, and nothing here is a copy of more than a few words.

use crate::Machine;
use crate::command::NodeInfo;
use crate::invariant::Faults;
use crate::state::{AuditEntry, CommandRecord, Ownership, Setpoint};
use labkeeper_model::site::SiteSpec;
use labkeeper_model::{CommandId, LogIndex, NodeId, TagPath, Timestamp};
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

    /// Who owns a segment. Nobody owns a segment that the site does not have; its epoch is the last that it had.
    #[must_use]
    pub fn ownership(&self, segment: &str) -> Ownership {
        self.ownerships.get(segment).copied().unwrap_or_default()
    }

    /// Who owns each segment of the site in force, ordered by the segment's name.
    pub fn ownerships(&self) -> impl Iterator<Item = (&str, Ownership)> {
        self.site.segments.keys().map(|segment| (segment.as_str(), self.ownership(segment.as_str())))
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
        let is_unowned = |id: &CommandId| self.commands.get(id).is_some_and(|record| self.ownership(record.tag.segment()).owner.is_none());
        self.commands.waiting().find(|(_, id)| is_unowned(id)).map(|(deadline, _)| deadline)
    }

    /// The audit, oldest first.
    pub fn audit(&self) -> impl DoubleEndedIterator<Item = &Arc<AuditEntry>> {
        self.audit.entries()
    }

    /// Broken invariants that this replica has noticed; empty unless there is a fault in this crate. Not replicated.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }
}
