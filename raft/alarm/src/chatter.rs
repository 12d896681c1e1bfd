//! An alarm that comes and goes.
//!
//! ```text
//!            three cycles in a minute                     no cycle for two minutes
//!   calm -----------------------------> an episode -------------------------------> calm
//! ```
//!
//! During an episode the alarm is shown as active throughout, nobody is told again, and the journal counts the cycles instead of listing
//! them: one row a minute on the average since the episode began, those of its first cycles included. So an hour of it is 60 rows,
//! however fast it chatters.
//!
//! A cycle is a condition that lasted and ended, after its delays. (Three in a minute: Inductive Automation's definition.)

use labkeeper_model::Timestamp;
use std::time::Duration;

/// How many cycles within a [`PERIOD`] make an episode.
pub const CYCLES: usize = 3;
/// The time in which they are counted, and which each row of the journal stands for.
pub const PERIOD: Duration = Duration::from_secs(60);
/// An episode ends after this long without a cycle: two periods, since an owner speaks of a chattering alarm once a period, and one late
/// word must not end it.
pub const CALM: Duration = Duration::from_secs(120);

/// How often an alarm comes and goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chatter {
    /// When the cycles of the last period ended, oldest first; at most [`CYCLES`].
    pub recent: Vec<Timestamp>,
    /// The present episode.
    pub episode: Option<Episode>,
    /// Cycles since ever, those that a delay hid included.
    pub total: u64,
    /// Conditions that ended within their on-delay, or within two seconds of it.
    pub fleeting: u64,
}

/// A time in which an alarm comes and goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Episode {
    /// When its first cycle ended.
    pub began: Timestamp,
    /// When its latest did.
    pub last: Timestamp,
    /// Cycles that no row of the journal has counted.
    pub cycles: u32,
    /// Rows of the journal that it took.
    pub rows: u32,
    /// What the owner said last.
    pub active: bool,
    /// How severe it was when it was last active.
    pub severity: u8,
}

impl Chatter {
    /// Notes the end of a cycle, and says whether it is one too many.
    pub(crate) fn cycle(&mut self, now: Timestamp) -> bool {
        self.total = self.total.saturating_add(1);
        self.recent.retain(|ended| now.saturating_since(*ended) < PERIOD);
        self.recent.push(now);
        let surplus = self.recent.len().saturating_sub(CYCLES);
        self.recent.drain(..surplus);
        self.recent.len() >= CYCLES
    }

    /// Whether a cycle ended within the last period.
    pub(crate) fn is_recent(&self, now: Timestamp) -> bool {
        self.recent.last().is_some_and(|ended| now.saturating_since(*ended) < PERIOD)
    }

    /// An episode that begins with these cycles.
    pub(crate) fn begin(&mut self, now: Timestamp, cycles: u32, active: bool, severity: u8) {
        // Each earlier cycle of the episode has taken two rows, and its present occurrence one: 2 x 2 + 1 = 5 at the third cycle.
        let earlier = u32::try_from(self.recent.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let began = self.recent.first().copied().unwrap_or(now);
        self.episode = Some(Episode { began, last: now, cycles, rows: earlier.saturating_mul(2).saturating_add(1), active, severity });
        self.recent.clear();
    }
}

impl Episode {
    /// When the next row of the journal may be written; `None` if there is nothing to count.
    #[must_use]
    pub fn row_due(&self) -> Option<Timestamp> {
        (self.cycles > 0).then(|| self.began.saturating_add(PERIOD.saturating_mul(self.rows)))
    }

    /// When it ends if nothing more happens.
    #[must_use]
    pub fn calm_at(&self) -> Timestamp {
        self.last.saturating_add(CALM)
    }

    pub(crate) fn count(&mut self, cycles: u32, now: Timestamp) {
        self.cycles = self.cycles.saturating_add(cycles);
        self.last = now;
    }
}
