//! The replicated state machine: pure, deterministic, total. Everything that the nodes of a site must agree on is decided here.
//!
//! ```text
//!   log entry: Stamp + Command --> Machine::apply --> Applied: reply to the proposer, effects as hints
//!                                      |
//!        site      the declaration in force        nodes      who belongs to the site
//!        session   which nodes are alive           ownership  who drives a segment, under which epoch
//!        placement who should                      takeover   how it went, and what must be confirmed
//!        setpoint  the desired values              commands   what became of each command
//!        audit     who did what              alarms     what needs somebody's attention
//!        authority who has taken control     interlocks what must not be driven
//!        operate   actions, selections, ramps notices   who is to be told
//!        once      deeds that are sent again
//! ```
//!
//! **Deterministic.** The same entries give the same state to the last bit, on every node, at every replay: there is no clock
//! (time comes in with the entry), no random number, no thread, no map whose order could differ (`clippy.toml` refuses them), and
//! nothing depends on how often a snapshot was taken or restored.
//!
//! **Total.** Any input has an answer: what cannot be done is a typed [`Rejection`] that changed nothing. A panic would come
//! back at every restart, on every replica. Arithmetic saturates where it could overflow; each place says why that is harmless.
//!
//! **Bounded.** The state's size is bounded by the site's declaration plus the constants of `commands`, `audit` and `alarms`. Applying a
//! command costs O(log n) in the remembered commands; changes of the site, its nodes or their sessions may visit everything; a renewal does not.
//!
//! What must hold at all times is listed with numbers in [`invariant`]. The machine knows nothing of bytes, disks, networks,
//! consensus or drivers; it is told that an entry is committed, and believes it.

pub mod alarms;
mod audit;
pub mod authority;
pub mod command;
mod commands;
mod departures;
mod drain;
pub mod dump;
pub mod explain;
mod hold;
pub mod interlocks;
pub mod invariant;
mod lifecycle;
mod nodes;
pub mod notices;
pub mod once;
pub mod operate;
mod ownership;
pub mod placement;
mod quarantine;
mod reach;
mod reconcile;
pub mod reply;
mod report;
mod session;
mod sessionless;
mod setpoint;
mod site;
mod site_diff;
mod snapshot;
pub mod state;
mod takeover;
pub mod text;
mod timers;
mod view;
mod violations;

pub use alarms::{AlarmCommand, ConditionWord, DeclaredAlarm, Flood, JOURNAL_MAX, JournalEntry};
pub use audit::{AUDIT_MAX, chain};
pub use authority::AuthorityCommand;
pub use command::{Command, CommandReport, NodeInfo, SetpointRequest, Stamp};
pub use commands::{COMMANDS_MAX, DEADLINE_AHEAD_MAX, RETENTION};
pub use departures::Departures;
pub use dump::Dump;
pub use interlocks::InterlockCommand;
pub use invariant::{Fault, Faults, Invariant};
pub use nodes::NODES_MAX;
pub use notices::NoticeCommand;
pub use operate::{ACTIONS_MAX, ActionRequest, OperateCommand, Ramp, RampProgress, RampState, Selection, SelectionRequest, Steer};
pub use placement::{Candidate, Placement, Why};
pub use reply::{Applied, Effect, Rejection, Reply};
pub use site::SitePlan;
pub use site_diff::diff;
pub use state::{
    AuditEntry, Cause, CommandKind, CommandRecord, Cooldown, Drift, Hold, HoldReason, Ownership, Quarantine, ReachWord, Reconciled,
    Session, Setpoint, TakeoverRecord, TakeoverReport, Vacancy,
};
pub use takeover::TAKEOVERS_MAX;

use audit::Wish;
use labkeeper_model::site::SiteSpec;
use labkeeper_model::{ErrorCode, LogIndex, Name, NodeId, SessionId, TagPath, Timestamp};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
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
    /// The newest of each node; of a removed node only while it is alive.
    sessions: BTreeMap<NodeId, Session>,
    /// Number of the newest session of all; 0 before the first.
    last_session: SessionId,
    draining: BTreeSet<NodeId>,
    /// What nodes said about segments of the site, by segment and node.
    words: BTreeMap<String, BTreeMap<NodeId, ReachWord>>,
    /// Segments that moved for lack of reach.
    cooldowns: BTreeMap<String, Cooldown>,
    /// Oldest first.
    takeovers: VecDeque<Arc<TakeoverRecord>>,
    holds: BTreeMap<TagPath, Hold>,
    drifts: BTreeMap<TagPath, Drift>,
    quarantined: BTreeMap<Name, Quarantine>,
    departures: Departures,
    setpoints: BTreeMap<TagPath, Arc<Setpoint>>,
    commands: commands::Commands,
    audit: audit::Audit,
    alarms: alarms::Alarms,
    authority: authority::Authorities,
    interlocks: interlocks::Interlocks,
    operate: operate::Operation,
    notices: notices::Outbox,
    deeds: once::Deeds,
    /// The largest term of a leader that an entry was stamped with.
    term: u64,
    faults: Faults,
}

impl Machine {
    /// The state before the first entry: no site, no nodes, time at 1970.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Applies one committed command. Never panics (in debug builds a broken invariant does); a [`Rejection`] changed nothing
    /// but index and time, and the audit if a person had asked.
    pub fn apply(&mut self, at: Stamp, command: Command) -> Applied {
        self.advance(at);
        let passed = (self.applied, self.time);
        let mut effects = Vec::new();
        let wish = Wish::of(&command);
        let silence = self.silence_before(&command);
        let reply = self.decide(command, &mut effects);
        if let (Some(since), Ok(_)) = (silence, &reply) {
            self.tell_silence(since, &mut effects);
        }
        if let (Some(wish), Err(rejection), true) = (&wish, &reply, self.site_id.is_some()) {
            self.note_wish(wish, rejection);
        }
        self.watch_itself(&mut effects);
        self.watch_routes(&mut effects);
        self.commands.forget(self.time);
        self.faults.check(passed == (self.applied, self.time), Invariant::TimeForward, self.applied, || format!("{passed:?}"));
        Applied { reply, effects }
    }

    /// Passes an entry without a command (a blank one, a change of membership): only index and time move. Neither ever goes
    /// back, whatever the stamp says.
    pub fn advance(&mut self, at: Stamp) {
        self.applied = self.applied.max(at.index);
        self.term = self.term.max(at.term);
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
            Command::OpenSession { node, after, terms } => self.open_session(node, after, terms, effects),
            Command::RenewSession { node, session, seq } => self.renew_session(node, session, seq, effects),
            Command::ExpireSession { node, session, seq } => Ok(self.expire_session(node, session, seq, effects)),
            Command::EndSession { node, session } => self.end_session(node, session, effects),
            Command::ReleaseSegment { node, session, segment, epoch } => self.release_segment(node, session, &segment, epoch, effects),
            Command::SetDraining { node, draining, actor, reason } => self.set_draining(node, draining, &actor, &reason, effects),
            Command::PlaceSegments => Ok(self.place_segments(effects)),
            Command::ReportReach { node, session, segment, epoch, reached, of } => {
                self.report_reach(&reach::Word { node, session, segment: &segment, epoch, reached, of }, effects)
            }
            Command::ReportTakeover { node, segment, epoch, connected, read, enabled, devices_reached, devices } => {
                let told = TakeoverReport { connected, read, enabled, devices_reached, devices };
                self.report_takeover(node, &segment, epoch, told, effects)
            }
            Command::ReportReconciled { node, segment, epoch, outcomes } => {
                self.report_reconciled(node, &segment, epoch, outcomes, effects)
            }
            Command::ReleaseHold { tag, actor, reason } => self.release_hold(&tag, &actor, &reason, effects),
            Command::SetQuarantine { node, device, epoch, reason } => self.set_quarantine(node, device, epoch, reason, effects),
            Command::Alarm(command) => self.alarms_command(command, effects),
            Command::Authority(command) => self.authority_command(command, effects),
            Command::Interlock(command) => self.interlocks_command(command, effects),
            Command::Operate(command) => self.operate_command(command, effects),
            Command::Notice(command) => self.notices_command(command),
            Command::Once { id, deed } => self.once(id, *deed, effects),
            Command::FireTimers => Ok(self.fire_timers(effects)),
            Command::ConfirmSite { node, session, version } => self.confirm_site(node, session, version, effects),
        }
    }
}
