//! What the replicated state makes a node's duty: which segments to keep, under which epoch, which to hand over, and which commands to
//! carry out. Pure, and level-triggered: the state against what runs, so that a missed hint costs latency only.
//!
//! ```text
//!  granted to my session ----------> keep ---- successor named ----> hand over: let go, then release
//!  granted to another, or another session of mine, or nobody ------> no duty: let go at once
//! ```
//!
//! A release cannot be taken back. One without an answer may be committed much later, and the successor drives from then on; so whoever
//! has proposed to release a segment does not drive it again under that epoch, even if the successor is withdrawn, but goes on
//! proposing until the state has the release. The machine then grants anew, perhaps to the same node.
//!
//! A duty is not a right: the replica may lag behind a grant to somebody else. The right is the lease, asked before each write.

use crate::takeover::Takeover;
use labkeeper_machine::{CommandKind, CommandRecord, Machine};
use labkeeper_model::site::Verify;
use labkeeper_model::{CommandState, Epoch, Name, NodeId, SessionId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is to be done with a segment that is granted to this node's session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stance {
    /// Drive its devices.
    Keep,
    /// Finish what is in flight, close the connections, and say so with a `ReleaseSegment`: a successor is waiting.
    HandOver,
}

/// A segment's duty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duty {
    /// The epoch of the grant.
    pub epoch: Epoch,
    /// What is to be done.
    pub stance: Stance,
}

/// The duties of `me` under `session`, which is the session of its [`crate::lease::Lease`].
#[must_use]
pub fn duties(machine: &Machine, me: NodeId, session: Option<SessionId>) -> BTreeMap<String, Duty> {
    let Some(session) = session else { return BTreeMap::new() };
    let mine = machine.ownerships().filter(|(_, ownership)| ownership.owner == Some(me) && ownership.session == session);
    let keep = mine.map(|(segment, ownership)| (segment.to_owned(), Duty { epoch: ownership.epoch, stance: Stance::Keep }));
    // Also what has left the site: it is this node's until it says that it has let go.
    let over = machine.releases_wanted(me).into_iter().filter(|(segment, _)| machine.ownership(segment).session == session);
    let over = over.map(|(segment, epoch)| (segment, Duty { epoch, stance: Stance::HandOver }));
    keep.chain(over).collect()
}

/// A step towards what should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Close the segment's connections at once.
    LetGo {
        /// Which segment.
        segment: String,
        /// Under which epoch it was kept.
        epoch: Epoch,
    },
    /// Let what is in flight end, close the segment's connections, then propose a `ReleaseSegment`. Comes back until the state
    /// has the release, so that one that is lost is proposed again.
    Release {
        /// Which segment.
        segment: String,
        /// Under which epoch it is owned.
        epoch: Epoch,
    },
    /// Begin to take the segment over.
    Take {
        /// Which segment.
        segment: String,
        /// Under which epoch.
        epoch: Epoch,
    },
}

/// The steps from what is kept (segment and epoch) to the duties: what is to be let go of first. `was_released` says whether this process
/// has ever proposed to release a segment under an epoch.
#[must_use]
pub fn steps(duties: &BTreeMap<String, Duty>, kept: &BTreeMap<String, Epoch>, was_released: impl Fn(&str, Epoch) -> bool) -> Vec<Step> {
    let is_kept = |segment: &String, epoch: Epoch| kept.get(segment) == Some(&epoch);
    let over = kept.iter().filter(|(segment, epoch)| duties.get(*segment).is_none_or(|duty| duty.epoch != **epoch));
    let gone = over.map(|(segment, epoch)| Step::LetGo { segment: segment.clone(), epoch: *epoch });
    let rest = duties.iter().filter_map(|(segment, duty)| match duty.stance {
        _ if was_released(segment, duty.epoch) => Some(Step::Release { segment: segment.clone(), epoch: duty.epoch }),
        Stance::HandOver => Some(Step::Release { segment: segment.clone(), epoch: duty.epoch }),
        Stance::Keep if is_kept(segment, duty.epoch) => None,
        Stance::Keep => Some(Step::Take { segment: segment.clone(), epoch: duty.epoch }),
    });
    gone.chain(rest).collect()
}

/// The commands of a segment that may be carried out, each with how it is verified: those that are outstanding, whose device is
/// enabled, whose tag is not held, and whose turn it is.
#[must_use]
pub fn commands(machine: &Machine, segment: &str, takeover: &Takeover) -> Vec<(Arc<CommandRecord>, Option<Verify>)> {
    let may = |record: &&Arc<CommandRecord>| takeover.is_enabled(record.tag.device()) && machine.hold(&record.tag).is_none();
    let open: Vec<&Arc<CommandRecord>> = machine.outstanding(segment).filter(may).collect();
    let in_turn = open.iter().enumerate().filter(|(n, record)| !open[..*n].iter().any(|earlier| is_before(machine, earlier, record)));
    in_turn
        .filter_map(|(_, record)| {
            let (_, spec) = machine.site().tag(&record.tag)?;
            let name = Name::new(record.tag.tag()).ok()?;
            Some((Arc::clone(record), spec.verification(&name, record.accepted.as_ref()?)))
        })
        .collect()
}

/// Whether a command waits for an earlier one: nothing overtakes an action of the same device, and no action a setpoint that is not with the
/// device yet. Setpoints of different tags do not wait for each other, nor does anything for a ramp that has begun.
fn is_before(machine: &Machine, earlier: &CommandRecord, later: &CommandRecord) -> bool {
    let ramps = || earlier.ramp_per_s.is_some() || machine.site().tag(&earlier.tag).is_some_and(|(_, tag)| tag.ramp_per_s.is_some());
    let is_under_way = match (earlier.kind, earlier.state()) {
        (_, CommandState::Committed) | (CommandKind::Action, CommandState::Dispatched) => true,
        (CommandKind::Setpoint, CommandState::Dispatched) => !ramps(),
        _ => false,
    };
    let is_ordered = CommandKind::Action == earlier.kind || CommandKind::Action == later.kind;
    is_ordered && is_under_way && earlier.tag.device() == later.tag.device()
}

#[cfg(test)]
#[path = "duty_tests.rs"]
mod tests;
