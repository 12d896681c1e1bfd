//! Which interlocks have tripped, are latched or defeated: what the site remembers of what owners find, and what people did about it.
//!
//! ```text
//!               the owner's first word under its epoch
//!   unknown ────────────────────────────┬─────────────► healthy ◄──────────┐
//!      ▲                                └─────────────► tripped            │ reset, by an operator
//!      │  another owner, another declaration               │               │
//!      └────────────── (from anywhere) ◄──────             ▼               │
//!                                        healthy again:  permit, interlock: healthy
//!                                                        protect: latched ─┘
//!   beside it:   in force ── defeat, until a time at most a day ahead ──► defeated ── its time, or ended ──► in force
//! ```
//!
//! An interlock is evaluated by the owner of its tags, which also drives them to their safe values and guards each write; so it holds
//! while nobody leads. Here is what outlives the owner: the last verdict, the latch, and the defeat; and the check at commit, so that a
//! command that cannot be carried out is refused at once. What is unknown counts as tripped, but latches and alarms nothing: a takeover is
//! no trip.
//!
//! An interlock protects equipment from mistakes. It is not a safety system. Nothing here evaluates an expression.

mod defeat;
mod report;
mod view;

pub use view::{Standing, Word};

use crate::Machine;
use crate::reply::{Effect, Rejection, Reply};
use labkeeper_model::site::SiteSpec;
use labkeeper_model::{Epoch, Name, NodeId, TagPath, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Longest time for which an interlock is defeated: a day's work; whoever needs longer says so again each day.
pub const DEFEAT_MAX: Duration = Duration::from_secs(24 * 3_600);

/// What can be asked of this part of the state.
#[derive(Clone, Debug, PartialEq)]
pub enum InterlockCommand {
    /// What an owner finds and does. Saying the same twice changes nothing.
    Report {
        /// The owner.
        node: NodeId,
        /// Which segment.
        segment: String,
        /// The epoch under which it owns the segment.
        epoch: Epoch,
        /// Its verdicts.
        states: Vec<(Name, Verdict)>,
        /// Tags that it has driven to their safe values, and for which interlock.
        forced: Vec<(Name, TagPath)>,
    },
    /// Releases the latch of an interlock whose requirement holds again.
    Reset {
        /// Which.
        interlock: Name,
        /// Who.
        actor: String,
        /// Why.
        reason: String,
    },
    /// Takes an interlock out of force for a time.
    Defeat {
        /// Which.
        interlock: Name,
        /// Until when: within [`DEFEAT_MAX`] from the machine's time.
        until: Timestamp,
        /// Who.
        actor: String,
        /// Why; must not be empty.
        reason: String,
    },
    /// Puts it back in force.
    EndDefeat {
        /// Which.
        interlock: Name,
        /// Who.
        actor: String,
        /// Why.
        reason: String,
    },
}

/// What an owner finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// What the interlock requires holds.
    Healthy,
    /// It does not hold, or cannot be told.
    Tripped {
        /// Why, in words.
        why: String,
    },
}

/// That an interlock is out of force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defeat {
    /// Since when, by the machine's time.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Who did it.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What is remembered of one interlock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterlockState {
    /// The last verdict; `None` before the first.
    pub verdict: Option<Verdict>,
    /// Since when the verdict has been of its kind, by the machine's time.
    pub since: Timestamp,
    /// The epoch under which it was given; 0 if it is about another declaration.
    pub epoch: Epoch,
    /// Whether it waits for a reset.
    pub latched: bool,
    /// Why it latched; empty if it did not.
    pub latched_by: String,
    /// The tags that were driven to their safe values since it tripped.
    pub forced: BTreeSet<TagPath>,
    /// Whether it is out of force.
    pub defeat: Option<Defeat>,
}

/// This part of the state: one record at most for each interlock that the site declares.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interlocks {
    /// Those of which anything was said.
    pub states: BTreeMap<Name, InterlockState>,
}

impl Interlocks {
    /// When [`crate::Command::FireTimers`] is due for this part.
    pub(crate) fn next_timer(&self) -> Option<Timestamp> {
        self.states.values().filter_map(|state| Some(state.defeat.as_ref()?.until)).min()
    }

    /// The first interlock that is remembered and that the site does not have.
    pub(crate) fn undeclared(&self, site: &SiteSpec) -> Option<&Name> {
        self.states.keys().find(|name| !site.interlocks.contains_key(*name))
    }
}

impl Machine {
    pub(crate) fn interlocks_command(&mut self, command: InterlockCommand, effects: &mut Vec<Effect>) -> Result<Reply, Rejection> {
        match command {
            InterlockCommand::Report { node, segment, epoch, states, forced } => {
                self.report_interlocks(node, &segment, epoch, report::Words { states, forced }, effects)
            }
            InterlockCommand::Reset { interlock, actor, reason } => self.reset_interlock(&interlock, &actor, &reason, effects),
            InterlockCommand::Defeat { interlock, until, actor, reason } => {
                self.defeat_interlock(&interlock, until, &actor, &reason, effects)
            }
            InterlockCommand::EndDefeat { interlock, actor, reason } => self.end_defeat(&interlock, &actor, &reason, effects),
        }
    }
}
