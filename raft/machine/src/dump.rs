//! The whole state as plain data, out and in: what a snapshot is made of. Knows no bytes.

use crate::command::NodeInfo;
use crate::state::{AuditEntry, CommandRecord, Cooldown, Drift, Hold, Ownership, Quarantine, ReachWord, Session, Setpoint, TakeoverRecord};
use labkeeper_model::site::SiteSpec;
use labkeeper_model::{LogIndex, Name, NodeId, SessionId, TagPath, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
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
    /// The newest session of each node; of a removed node only while it is alive.
    pub sessions: BTreeMap<NodeId, Session>,
    /// Number of the newest session of all; 0 before the first.
    pub last_session: SessionId,
    /// The nodes that are being drained.
    pub draining: BTreeSet<NodeId>,
    /// What nodes said about how much of a segment they reach, by segment and node.
    pub words: BTreeMap<String, BTreeMap<NodeId, ReachWord>>,
    /// The segments that moved for lack of reach.
    pub cooldowns: BTreeMap<String, Cooldown>,
    /// The latest takeovers, oldest first.
    pub takeovers: Vec<Arc<TakeoverRecord>>,
    /// The held tags.
    pub holds: BTreeMap<TagPath, Hold>,
    /// The setpoints that a takeover left different from their devices.
    pub drifts: BTreeMap<TagPath, Drift>,
    /// The devices that their owners leave alone.
    pub quarantined: BTreeMap<Name, Quarantine>,
    /// The devices that have left a segment whose owner may still drive them.
    pub departures: crate::departures::Departures,
    /// The setpoints.
    pub setpoints: BTreeMap<TagPath, Arc<Setpoint>>,
    /// The remembered commands, in no particular order.
    pub commands: Vec<Arc<CommandRecord>>,
    /// The audit, oldest first.
    pub audit: Vec<Arc<AuditEntry>>,
    /// Number of the next audit entry.
    pub audit_next: u64,
    /// The hash before the oldest entry of the audit.
    pub audit_anchor: crate::chain::Hash,
    /// The alarms.
    pub alarms: crate::alarms::Alarms,
    /// Who has taken control of what.
    pub authority: crate::authority::Authorities,
    /// The interlocks.
    pub interlocks: crate::interlocks::Interlocks,
    /// Selections and ramps.
    pub operate: crate::operate::Operation,
    /// What somebody is to be told.
    pub notices: crate::notices::Outbox,
    /// The deeds that were done, by their ids.
    pub deeds: crate::once::Deeds,
    /// The largest term of a leader that an entry was stamped with.
    pub term: u64,
}
