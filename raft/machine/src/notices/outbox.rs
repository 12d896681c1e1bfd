//! What waits to be told, when it is tried next, what was given up, and how each route has done.

use super::Notice;
use labkeeper_model::site::Priority;
use labkeeper_model::{AlarmId, LogIndex, Name, Timestamp};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Most notices that wait: a flood of 300 alarms on three routes. One takes 1.5 KB at most (259 alarm, two texts of 500), all of them 1.5 MB.
pub const OUTBOX_MAX: usize = 1_000;
/// Most attempts for one notice. With the pauses below, the last is made half an hour after the first: longer than a mail server takes to
/// restart, shorter than anybody would wait to learn that nobody was told.
pub const ATTEMPTS_MAX: u32 = 10;
/// Most notices that are remembered after they were given up: what a person would read of a bad night. 150 KB at most.
pub const GIVEN_UP_MAX: usize = 100;
/// Pause after the first failed attempt; each further one is twice as long: 5, 10, 20, 40, 80, 160, 320 s.
const PAUSE_MIN: Duration = Duration::from_secs(5);
/// Longest pause: 640 s and more are cut to it.
const PAUSE_MAX: Duration = Duration::from_secs(600);

/// A notice for one route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// From 1, over all notices that the site ever had.
    pub number: u64,
    /// By which route.
    pub route: Name,
    /// Which alarm.
    pub alarm: AlarmId,
    /// Which of its occurrences.
    pub occurrence: u64,
    /// What happened to it, as its journal says; [`super::TEST`] if nothing did.
    pub transition: String,
    /// The alarm's state after that.
    pub state: String,
    /// How urgent it is.
    pub priority: Priority,
    /// The segment that it is about, if any.
    pub segment: Option<Name>,
    /// In words.
    pub text: String,
    /// The entry in which it happened.
    pub log_index: LogIndex,
    /// When, by the machine's time.
    pub at: Timestamp,
    /// How many attempts have failed.
    pub attempts: u32,
    /// When it is to be sent.
    pub next: Timestamp,
    /// Why the last attempt failed, or why it was given up; empty before.
    pub why: String,
}

impl Pending {
    /// The same for every attempt on every node, and for nothing else: by it, whoever is told twice knows. With the entry in it, as an
    /// occurrence may be announced again.
    #[must_use]
    pub fn key(&self) -> String {
        Self::key_of(&self.alarm, self.occurrence, &self.transition, &self.route, self.log_index)
    }

    /// The key of a notice, from what makes it.
    #[must_use]
    pub fn key_of(alarm: &AlarmId, occurrence: u64, transition: &str, route: &Name, log_index: LogIndex) -> String {
        format!("{alarm}#{occurrence}#{transition}#{route}#{log_index}")
    }
}

/// How a route has done since it was declared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteRecord {
    /// How many notices were sent.
    pub told: u64,
    /// When the last was known to be sent.
    pub told_at: Option<Timestamp>,
    /// How many were given up.
    pub given_up: u64,
    /// Why the last was given up, if none was sent since.
    pub failing: Option<String>,
}

/// This part of the state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outbox {
    /// By number, so oldest first.
    pending: BTreeMap<u64, Arc<Pending>>,
    /// Number of the last notice, 0 before the first.
    last: u64,
    /// Oldest first.
    given_up: VecDeque<Arc<Pending>>,
    /// Of routes that were ever used.
    routes: BTreeMap<Name, RouteRecord>,
    /// The routes whose alarm is to be looked at; none between entries.
    unshown: BTreeSet<Name>,
}

impl Outbox {
    /// From the parts of a dump. Of too many, the newest are kept.
    #[must_use]
    pub fn restore(pending: Vec<Pending>, last: u64, given_up: Vec<Pending>, routes: BTreeMap<Name, RouteRecord>) -> Self {
        let mut pending: BTreeMap<_, _> = pending.into_iter().map(|pending| (pending.number, Arc::new(pending))).collect();
        while pending.len() > OUTBOX_MAX {
            pending.pop_first();
        }
        let last = pending.keys().next_back().copied().unwrap_or(0).max(last);
        let beyond = given_up.len().saturating_sub(GIVEN_UP_MAX);
        let given_up = given_up.into_iter().skip(beyond).map(Arc::new).collect();
        Self { pending, last, given_up, routes, unshown: BTreeSet::new() }
    }

    /// What waits, by number.
    #[must_use]
    pub fn pending(&self) -> &BTreeMap<u64, Arc<Pending>> {
        &self.pending
    }

    /// Number of the last notice, 0 before the first.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.last
    }

    /// What was given up, oldest first.
    #[must_use]
    pub fn given_up(&self) -> &VecDeque<Arc<Pending>> {
        &self.given_up
    }

    /// How the routes that were ever used have done.
    #[must_use]
    pub fn routes(&self) -> &BTreeMap<Name, RouteRecord> {
        &self.routes
    }

    /// Keeps a notice for a route. If there is no room, the oldest is given up.
    pub(super) fn push(&mut self, route: &Name, notice: &Notice, log_index: LogIndex, now: Timestamp) {
        if self.pending.len() >= OUTBOX_MAX
            && let Some((_, oldest)) = self.pending.pop_first()
        {
            self.give_up(&oldest, format!("more than {OUTBOX_MAX} notices wait"));
        }
        // Saturates after 2^64 notices: half a million years at one per microsecond.
        self.last = self.last.saturating_add(1);
        let pending = Pending {
            number: self.last,
            route: route.clone(),
            alarm: notice.alarm.clone(),
            occurrence: notice.occurrence,
            transition: notice.transition.to_owned(),
            state: notice.state.clone(),
            priority: notice.priority,
            segment: notice.segment.clone(),
            text: notice.text.clone(),
            log_index,
            at: now,
            attempts: 0,
            next: now,
            why: String::new(),
        };
        self.pending.insert(self.last, Arc::new(pending));
    }

    /// Forgets a notice that was sent.
    pub(super) fn sent(&mut self, number: u64, now: Timestamp) {
        let Some(pending) = self.pending.remove(&number) else { return };
        let record = self.routes.entry(pending.route.clone()).or_default();
        (record.told, record.told_at, record.failing) = (record.told.saturating_add(1), Some(now), None);
        self.unshown.insert(pending.route.clone());
    }

    /// Puts a notice off after an attempt, or gives it up.
    pub(super) fn failed(&mut self, number: u64, attempt: u32, why: &str, now: Timestamp) {
        let is_next = |pending: &&mut Arc<Pending>| pending.attempts.saturating_add(1) == attempt;
        let Some(pending) = self.pending.get_mut(&number).filter(is_next) else { return };
        let pause = PAUSE_MIN.saturating_mul(1 << attempt.saturating_sub(1).min(31)).min(PAUSE_MAX);
        let later = Pending { attempts: attempt, next: now.saturating_add(pause), why: why.to_owned(), ..Pending::clone(pending) };
        *pending = Arc::new(later);
        if attempt >= ATTEMPTS_MAX
            && let Some(last) = self.pending.remove(&number)
        {
            self.give_up(&last, format!("{why} (attempt {attempt} of {ATTEMPTS_MAX})"));
        }
    }

    fn give_up(&mut self, pending: &Pending, why: String) {
        let record = self.routes.entry(pending.route.clone()).or_default();
        (record.given_up, record.failing) = (record.given_up.saturating_add(1), Some(why.clone()));
        self.given_up.push_back(Arc::new(Pending { why, ..pending.clone() }));
        if self.given_up.len() > GIVEN_UP_MAX {
            self.given_up.pop_front();
        }
        self.unshown.insert(pending.route.clone());
    }

    /// A route whose alarm is to be looked at, once.
    pub(super) fn take_unshown(&mut self) -> Option<Name> {
        self.unshown.pop_first()
    }

    /// Forgets whatever is for routes that are not kept.
    pub(super) fn forget(&mut self, is_kept: impl Fn(&Name) -> bool) {
        self.pending.retain(|_, pending| is_kept(&pending.route));
        self.given_up.retain(|pending| is_kept(&pending.route));
        self.unshown.extend(self.routes.keys().filter(|route| !is_kept(route)).cloned());
        self.routes.retain(|route, _| is_kept(route));
    }
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
