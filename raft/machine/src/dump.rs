//! The whole state as plain data, out and in: what a snapshot is made of. Knows no bytes.

use crate::command::NodeInfo;
use crate::state::{AuditEntry, CommandRecord, Ownership, Setpoint};
use labkeeper_model::site::SiteSpec;
use labkeeper_model::{LogIndex, NodeId, TagPath, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The whole state. Records are shared with the machine, so making a dump costs a few reference counts per record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dump {
    /// Last applied index.
    pub applied: LogIndex,
    /// The machine's time.
    pub time: Timestamp,
    /// The site's identity; `None` before it is founded.
    pub site_id: Option<[u8; 16]>,
    /// The declaration in force.
    pub site: Arc<SiteSpec>,
    /// Its version; 0 before the first.
    pub site_version: u64,
    /// The nodes.
    pub nodes: BTreeMap<NodeId, NodeInfo>,
    /// The ownership of every segment that the site has or had.
    pub ownerships: BTreeMap<String, Ownership>,
    /// The setpoints.
    pub setpoints: BTreeMap<TagPath, Arc<Setpoint>>,
    /// The remembered commands, in no particular order.
    pub commands: Vec<Arc<CommandRecord>>,
    /// The audit, oldest first.
    pub audit: Vec<Arc<AuditEntry>>,
    /// Number of the next audit entry.
    pub audit_next: u64,
}
