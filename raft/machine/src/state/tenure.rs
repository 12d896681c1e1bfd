//! Sessions, ownerships and takeovers: who may drive what, since when, and how it came about.
//!
//! Times are the machine's, unless a field says that a node told it.

use labkeeper_model::{Epoch, LeaseTerms, LogIndex, NodeId, SessionId, Timestamp};
use std::fmt;
use std::time::Duration;

/// A node's word that it lives, kept up by renewals: the newest that it opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Site-wide, never used twice.
    pub id: SessionId,
    /// Number of the newest renewal; 0 at the opening.
    pub seq: u64,
    /// Whether it has not ended. Only a node with a session that is alive owns anything.
    pub alive: bool,
    /// When it was opened.
    pub opened: Timestamp,
    /// When it was renewed last; the opening counts as the first renewal.
    pub renewed: Timestamp,
    /// When it ended; `None` while it is alive.
    pub ended: Option<Timestamp>,
    /// What its holder counts by, and so what the leader waits for.
    pub terms: LeaseTerms,
}

/// Who owns a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ownership {
    /// The owner; `None` if nobody does.
    pub owner: Option<NodeId>,
    /// The session under which it was granted; 0 without an owner.
    pub session: SessionId,
    /// The fencing token; grows at each grant, to nobody too, and outlives the segment's removal from the site.
    pub epoch: Epoch,
    /// Since when it has been like this.
    pub since: Timestamp,
    /// Who gets the segment once the owner has let go of it: a planned move. The owner drives on until then.
    pub successor: Option<NodeId>,
    /// How the last owner left it, while nobody owns it.
    pub vacancy: Option<Vacancy>,
}

/// How a segment lost its owner before there was another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vacancy {
    /// The last owner.
    pub from: NodeId,
    /// Why it left.
    pub cause: Cause,
    /// When the last owner's session was renewed last.
    pub last_renewal: Timestamp,
    /// When it lost the segment.
    pub since: Timestamp,
}

/// Why a segment was given to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each variant's meaning is its row in Cause::TABLE")]
pub enum Cause {
    First,
    SessionExpired,
    SessionEnded,
    Restarted,
    Drained,
    HomeReturn,
    Reach,
    SiteChanged,
    NodeRemoved,
    Released,
}

impl Cause {
    /// Every cause with its words.
    pub const TABLE: &'static [(Self, &'static str)] = &[
        (Self::First, "nobody owned it before"),
        (Self::SessionExpired, "the owner's session ran out"),
        (Self::SessionEnded, "the owner stopped as planned"),
        (Self::Restarted, "the owner started again"),
        (Self::Drained, "the owner is being drained"),
        (Self::HomeReturn, "the home node is back"),
        (Self::Reach, "another node reaches more of its devices"),
        (Self::SiteChanged, "the declarations changed"),
        (Self::NodeRemoved, "the owner was removed from the site"),
        (Self::Released, "the owner let go of it"),
    ];

    /// What it means, in a few words.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        Self::TABLE.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// Whether the former owner did not say that it had let go, so that it may be a process that is frozen and will go on later.
    #[must_use]
    pub const fn is_unplanned(self) -> bool {
        matches!(self, Self::SessionExpired)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.in_words())
    }
}

/// One grant of a segment, from the loss of the former owner to the first reading under the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakeoverRecord {
    /// Which segment.
    pub segment: String,
    /// The former owner; `None` if nobody ever owned it.
    pub from: Option<NodeId>,
    /// To whom it was granted.
    pub to: NodeId,
    /// The epoch of the grant.
    pub epoch: Epoch,
    /// Why.
    pub cause: Cause,
    /// When the former owner's session was renewed last; `None` without a former owner.
    pub last_renewal: Option<Timestamp>,
    /// When the former owner lost the segment; `None` without one.
    pub ended: Option<Timestamp>,
    /// When it was granted.
    pub assigned: Timestamp,
    /// The log entry that granted it.
    pub log_index: LogIndex,
    /// What the owner says of how it went; `None` until it says so.
    pub report: Option<TakeoverReport>,
}

/// How an owner took a segment's devices over, by its own clock (never before the grant, nor one step before another).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakeoverReport {
    /// When the first device was connected.
    pub connected: Timestamp,
    /// When the devices that answer had been read.
    pub read: Timestamp,
    /// When control was enabled.
    pub enabled: Timestamp,
    /// How many devices answered.
    pub devices_reached: u32,
    /// Of how many.
    pub devices: u32,
}

impl TakeoverRecord {
    /// When the outage began: the last renewal if the former owner was lost or its process ended, else its letting go, else the grant.
    #[must_use]
    pub fn began(&self) -> Timestamp {
        let lost = self.last_renewal.filter(|_| matches!(self.cause, Cause::SessionExpired | Cause::Restarted));
        lost.or(self.ended).unwrap_or(self.assigned)
    }

    /// How long nobody drove the segment; `None` until the owner has told.
    #[must_use]
    pub fn gap(&self) -> Option<Duration> {
        self.report.map(|report| report.enabled.saturating_since(self.began()))
    }
}

/// How long a segment that moved for lack of reach stays where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cooldown {
    /// When it moved.
    pub moved: Timestamp,
    /// How long it stays.
    pub rest: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(cause: Cause) -> TakeoverRecord {
        let at = Timestamp::from_millis;
        TakeoverRecord {
            segment: "cryo".into(),
            from: Some(1),
            to: 2,
            epoch: 2,
            cause,
            last_renewal: Some(at(1_000)),
            ended: Some(at(2_600)),
            assigned: at(2_600),
            log_index: 9,
            report: Some(TakeoverReport { connected: at(2_650), read: at(2_700), enabled: at(2_750), devices_reached: 3, devices: 4 }),
        }
    }

    #[test]
    fn a_lost_owner_drove_nothing_that_counts_after_its_last_renewal_and_a_planned_one_until_it_let_go() {
        assert_eq!(record(Cause::SessionExpired).gap(), Some(Duration::from_millis(1_750)));
        assert_eq!(record(Cause::Drained).gap(), Some(Duration::from_millis(150)));
        assert_eq!(TakeoverRecord { report: None, ..record(Cause::Drained) }.gap(), None);
        assert_eq!(TakeoverRecord { ended: None, last_renewal: None, ..record(Cause::First) }.began(), Timestamp::from_millis(2_600));
    }

    #[test]
    fn every_cause_has_its_words() {
        assert_eq!(Cause::TABLE.len(), 10);
        assert!(Cause::TABLE.iter().all(|(cause, words)| cause.to_string() == *words));
    }
}
