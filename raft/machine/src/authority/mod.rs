//! Who has taken control of what, so that two people do not drive one device against each other.
//!
//! ```text
//!          take                     not renewed until its time, or given back
//!   free ---------> held by ANN ------------------------------------------------> free
//!    ^               |      |  BOB asks              after ASK_GRACE, BOB takes
//!    |   broken      |      '----------> asked for --------------------------> held by BOB
//!    '---------------'                      |  broken: by anybody, at any time, with a reason, audited
//!    ^                                      |
//!    '--------------------------------------'
//! ```
//!
//! Control is had by a person or a program, by name, of a device, a segment or a group; two scopes that share a device contend. While it
//! lasts, nobody else's setpoints and actions are taken for those devices, but for their tags' safe values, which are never refused.
//! Devices that are declared `exclusive` are written by nobody without it.
//!
//! It survives whoever leads and owns, as it is replicated, and ends by itself when its holder has gone: the time until which it lasts is
//! the machine's, moved on by each renewal. What a former holder lost, and to whom, is kept for it to be told.
//!
//! Nothing here knows who may break or take: every name is believed.

mod contend;
mod hold;
mod view;

use crate::Machine;
use crate::reply::{Effect, Rejection, Reply};
use labkeeper_model::site::SiteSpec;
use labkeeper_model::{Scope, Timestamp};
use std::collections::BTreeMap;
use std::time::Duration;

/// Shortest time for which control is taken: five renewals a second apart, so that a failover of a second or two does not end it.
pub const HOLD_MIN: Duration = Duration::from_secs(5);
/// Longest time for which control is taken at once: as long as a person who has left may keep others waiting.
pub const HOLD_MAX: Duration = Duration::from_secs(600);
/// For how long control is taken where nobody says: three renewals ten seconds apart.
pub const HOLD_DEFAULT: Duration = Duration::from_secs(30);
/// How long a holder who was asked may still keep it: time to look up and finish a step.
pub const ASK_GRACE: Duration = Duration::from_secs(30);
/// Longest name of the program through which control is held, in bytes: a host, a program and a process.
pub const CLIENT_LEN_MAX: usize = 128;

/// What can be asked of this part of the state.
#[derive(Clone, Debug, PartialEq)]
pub enum AuthorityCommand {
    /// Takes control, or goes on having it under this client, reason and time.
    Take {
        /// Of what.
        scope: Scope,
        /// Who.
        actor: String,
        /// Through which program; only it renews.
        client: String,
        /// Why.
        reason: String,
        /// How long it lasts without a renewal: [`HOLD_MIN`] to [`HOLD_MAX`].
        hold: Duration,
    },
    /// The holder is still there.
    Renew {
        /// Of what.
        scope: Scope,
        /// Who.
        actor: String,
        /// Through which program.
        client: String,
    },
    /// The holder gives it back.
    Give {
        /// Of what.
        scope: Scope,
        /// Who.
        actor: String,
    },
    /// Asks whoever has control to give it back: [`ASK_GRACE`] later it may be taken.
    Ask {
        /// Of what.
        scope: Scope,
        /// Who.
        actor: String,
        /// Why.
        reason: String,
    },
    /// Takes control away from whoever has it.
    Break {
        /// Of what.
        scope: Scope,
        /// Who.
        actor: String,
        /// Why; must not be empty.
        reason: String,
    },
}

/// Control that somebody has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Who has it.
    pub holder: String,
    /// Through which program.
    pub client: String,
    /// Why.
    pub reason: String,
    /// Since when this holder has it, by the machine's time.
    pub since: Timestamp,
    /// How long it lasts after a renewal.
    pub hold: Duration,
    /// Until when, by the machine's time, unless it is renewed.
    pub until: Timestamp,
    /// Who asked for it first.
    pub asked: Option<Asked>,
}

impl Control {
    /// From when on others may take it; `None` if nobody has asked.
    #[must_use]
    pub fn yields_at(&self) -> Option<Timestamp> {
        self.asked.as_ref().map(|asked| asked.at.saturating_add(ASK_GRACE))
    }

    fn lasts(&self, now: Timestamp) -> bool {
        now < self.until
    }

    fn yields(&self, now: Timestamp) -> bool {
        self.yields_at().is_some_and(|at| at <= now)
    }
}

/// That somebody wants control that another has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// When, by the machine's time.
    pub at: Timestamp,
}

/// How somebody lost control without giving it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Who lost it.
    pub holder: String,
    /// Through which program it was held.
    pub client: String,
    /// When, by the machine's time.
    pub at: Timestamp,
    /// How.
    pub how: Lost,
}

/// Ways to lose control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// It was not renewed in time.
    Expired,
    /// Somebody took it who had asked, or after somebody had.
    Taken {
        /// Who.
        by: String,
    },
    /// Somebody broke it.
    Broken {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
}

impl Lost {
    /// How, in words that follow "it".
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::Expired => "was not renewed in time".to_owned(),
            Self::Taken { by } => format!("was taken by {by} after it had been asked for"),
            Self::Broken { by, reason } => format!("was broken by {by}: {reason}"),
        }
    }
}

/// This part of the state: at most one control and one loss for each scope that the site declares.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Authorities {
    /// Control that is had, or whose time has passed and that was not cleared away yet.
    pub held: BTreeMap<Scope, Control>,
    /// The latest loss of each scope.
    pub lost: BTreeMap<Scope, Loss>,
}

impl Authorities {
    /// When [`crate::Command::FireTimers`] is due for this part.
    pub(crate) fn next_timer(&self) -> Option<Timestamp> {
        self.held.values().map(|control| control.until).min()
    }

    /// The first scope that is remembered and that the site does not have.
    pub(crate) fn undeclared(&self, site: &SiteSpec) -> Option<&Scope> {
        self.held.keys().chain(self.lost.keys()).find(|scope| !scope.is_declared(site))
    }
}

impl Machine {
    pub(crate) fn authority_command(&mut self, command: AuthorityCommand, effects: &mut Vec<Effect>) -> Result<Reply, Rejection> {
        match command {
            AuthorityCommand::Take { scope, actor, client, reason, hold } => {
                let wish = hold::Wish { actor, client, reason, hold };
                self.take_control(scope, wish, effects)
            }
            AuthorityCommand::Renew { scope, actor, client } => self.renew_control(&scope, &actor, &client, effects),
            AuthorityCommand::Give { scope, actor } => self.give_control(&scope, &actor, effects),
            AuthorityCommand::Ask { scope, actor, reason } => self.ask_for_control(&scope, &actor, &reason, effects),
            AuthorityCommand::Break { scope, actor, reason } => self.break_control(&scope, &actor, &reason, effects),
        }
    }
}
