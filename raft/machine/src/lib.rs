//! The replicated state machine: pure, deterministic, total. Everything that the nodes of a site must agree on is decided here.
//!
//! ```text
//!   log entry: Stamp + Command --> Machine::apply --> Applied: reply to the proposer, effects as hints
//!                                      |
//!        site      the declaration in force        nodes      who belongs to the site
//!        ownership who drives a segment, epoch     setpoint   the desired values
//!        commands  what became of each command     audit      who did what
//! ```
//!
//! **Deterministic.** The same entries give the same state to the last bit, on every node, at every replay: there is no clock
//! (time comes in with the entry), no random number, no thread, no map whose order could differ (`clippy.toml` refuses them), and
//! nothing depends on how often a snapshot was taken or restored.
//!
//! **Total.** Any input has an answer: what cannot be done is a typed [`Rejection`] that changed nothing. A panic would come
//! back at every restart, on every replica. Arithmetic saturates where it could overflow; each place says why that is harmless.
//!
//! **Bounded.** The state's size is bounded by the site's declaration plus the constants of `commands` and `audit`. Applying a
//! command costs O(log n) in the remembered commands; changes of the site or its nodes may visit everything.
//!
//! What must hold at all times is listed with numbers in [`invariant`]. The machine knows nothing of bytes, disks, networks,
//! consensus or drivers; it is told that an entry is committed, and believes it.

mod audit;
pub mod command;
mod commands;
pub mod dump;
pub mod invariant;
mod lifecycle;
mod nodes;
mod ownership;
pub mod reply;
mod report;
mod setpoint;
mod site;
mod site_diff;
mod snapshot;
pub mod state;
pub mod text;
mod view;
mod violations;

pub use audit::AUDIT_MAX;
pub use command::{Command, CommandReport, NodeInfo, SetpointRequest, Stamp};
pub use commands::{COMMANDS_MAX, DEADLINE_AHEAD_MAX, RETENTION};
pub use dump::Dump;
pub use invariant::{Fault, Faults, Invariant};
pub use nodes::NODES_MAX;
pub use reply::{Applied, Effect, Rejection, Reply};
pub use site::SitePlan;
pub use site_diff::diff;
pub use state::{AuditEntry, CommandRecord, Ownership, Setpoint};

use labkeeper_model::site::SiteSpec;
use labkeeper_model::{ErrorCode, LogIndex, NodeId, TagPath, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The state of a site, and the only thing that changes it: [`Machine::apply`]. Records are shared by reference count, so a
/// copy or a dump costs a few words per record.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    applied: LogIndex,
    time: Timestamp,
    site_id: Option<[u8; 16]>,
    site: Arc<SiteSpec>,
    site_version: u64,
    nodes: BTreeMap<NodeId, NodeInfo>,
    /// Of every segment that the site has or had: an epoch that came back smaller would let a stale owner through.
    ownerships: BTreeMap<String, Ownership>,
    setpoints: BTreeMap<TagPath, Arc<Setpoint>>,
    commands: commands::Commands,
    audit: audit::Audit,
    faults: Faults,
}

impl Machine {
    /// The state before the first entry: no site, no nodes, time at 1970.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Applies one committed command. Never panics (in debug builds a broken invariant does); a [`Rejection`] changed nothing
    /// but index and time.
    pub fn apply(&mut self, at: Stamp, command: Command) -> Applied {
        self.advance(at);
        let passed = (self.applied, self.time);
        let mut effects = Vec::new();
        let reply = self.decide(command, &mut effects);
        self.commands.forget(self.time);
        self.faults.check(passed == (self.applied, self.time), Invariant::TimeForward, self.applied, || format!("{passed:?}"));
        Applied { reply, effects }
    }

    /// Passes an entry without a command (a blank one, a change of membership): only index and time move. Neither ever goes
    /// back, whatever the stamp says.
    pub fn advance(&mut self, at: Stamp) {
        self.applied = self.applied.max(at.index);
        self.time = self.time.max(at.time);
    }

    fn decide(&mut self, command: Command, effects: &mut Vec<Effect>) -> Result<Reply, Rejection> {
        if self.site_id.is_none() && !matches!(command, Command::FoundSite { .. }) {
            return Err(Rejection::new(ErrorCode::NotInitialised, "the site has not been founded"));
        }
        match command {
            Command::FoundSite { site_id, node } => self.found_site(site_id, node, effects),
            Command::AdmitNode { node } => self.admit_node(node, effects),
            Command::UpdateNode { id, node } => self.update_node(id, node, effects),
            Command::RemoveNode { id, actor } => self.remove_node(id, &actor, effects),
            Command::ApplySite { site, expected_version, actor, reason } => {
                self.apply_site(site, expected_version, &actor, &reason, effects)
            }
            Command::SubmitSetpoint(request) => self.submit_setpoint(request, effects),
            Command::ReportCommands { node, reports } => Ok(self.report_commands(node, &reports, effects)),
            Command::ExpireCommands => Ok(self.expire_commands(effects)),
        }
    }
}
