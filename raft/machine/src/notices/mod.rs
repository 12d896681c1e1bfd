//! What somebody is to be told, until they have been.
//!
//! ```text
//!   alarm --change that is announced--> one notice for each route that wants it --the leader sends--> told: forgotten
//!                                           ^   \__ failed: again at `next`, later each time --ATTEMPTS_MAX--> given up:
//!                                           +________________________________________|          system/notify-failed/ROUTE
//! ```
//!
//! A notice is in the state from the entry in which its alarm changed, so none is lost with a leader. A leader that dies after sending and
//! before the entry that says so leaves it to be sent again: each carries a key that is the same on every node, by which whoever gets it
//! twice knows. What is not announced (shelved, suppressed, out of service, diagnostic, another cycle of one that chatters) makes no notice.
//! Knows nothing of web servers and mail.

mod outbox;
mod route;

pub use outbox::{ATTEMPTS_MAX, GIVEN_UP_MAX, OUTBOX_MAX, Outbox, Pending, RouteRecord};

use crate::Machine;
use crate::audit::{Deed, SELF};
use crate::reply::{Effect, Rejection, Reply};
use crate::text::{ACTOR_LEN_MAX, MESSAGE_LEN_MAX, REASON_LEN_MAX, check_len, cut};
use labkeeper_model::site::Priority;
use labkeeper_model::{AlarmId, ErrorCode, Name, Timestamp};
use std::sync::Arc;

/// What can be asked of this part of the state. What is said of a notice that is not in the outbox any more is passed over: the same word
/// twice is one.
#[derive(Clone, Debug, PartialEq)]
pub enum NoticeCommand {
    /// The leader says that somebody has been told.
    Sent {
        /// The notices' numbers.
        numbers: Vec<u64>,
    },
    /// The leader says that an attempt failed.
    Failed {
        /// The notice's number.
        number: u64,
        /// Which attempt it was, counted from one; a word about an earlier one is passed over.
        attempt: u32,
        /// Why.
        why: String,
    },
    /// A person wants to know whether a route reaches anybody.
    Test {
        /// Which route.
        route: Name,
        /// Who.
        actor: String,
        /// Why.
        reason: String,
    },
}

/// Something that somebody may have to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Which alarm.
    pub alarm: AlarmId,
    /// Which of its occurrences.
    pub occurrence: u64,
    /// What happened to it, as its journal says.
    pub transition: &'static str,
    /// Its state after that.
    pub state: String,
    /// How urgent it is.
    pub priority: Priority,
    /// The segment that it is about, if any.
    pub segment: Option<Name>,
    /// In words.
    pub text: String,
}

/// The change by which a notice says that it is a test.
pub const TEST: &str = "TEST";
/// Priority of the alarm that a route does not reach anybody.
const FAILED_PRIORITY: Priority = Priority::High;

impl Machine {
    /// What waits to be told, oldest first.
    pub fn notices(&self) -> impl Iterator<Item = &Arc<Pending>> {
        self.notices.pending().values()
    }

    /// What was given up, oldest first.
    pub fn notices_given_up(&self) -> impl Iterator<Item = &Arc<Pending>> {
        self.notices.given_up().iter()
    }

    /// How the routes of the site have done, by name.
    pub fn notice_routes(&self) -> impl Iterator<Item = (&Name, RouteRecord)> {
        let record = |route: &Name| self.notices.routes().get(route).cloned().unwrap_or_default();
        self.site.routes.keys().map(move |route| (route, record(route)))
    }

    /// When a notice is to be sent next, or again; `None` if none waits.
    #[must_use]
    pub fn next_notice(&self) -> Option<Timestamp> {
        self.notices().map(|pending| pending.next).min()
    }

    pub(crate) fn notices_command(&mut self, command: NoticeCommand) -> Result<Reply, Rejection> {
        match command {
            NoticeCommand::Sent { numbers } => numbers.iter().for_each(|number| self.notices.sent(*number, self.time)),
            NoticeCommand::Failed { number, attempt, why } => {
                self.notices.failed(number, attempt, &cut(why, MESSAGE_LEN_MAX), self.time);
            }
            NoticeCommand::Test { route, actor, reason } => return self.test_route(&route, &actor, &reason),
        }
        Ok(Reply::Done)
    }

    /// Puts a notice into the outbox for one route, whatever it wants: what is tested is the way, not the choice.
    fn test_route(&mut self, route: &Name, actor: &str, reason: &str) -> Result<Reply, Rejection> {
        check_len("the actor", actor, ACTOR_LEN_MAX)?;
        check_len("the reason", reason, REASON_LEN_MAX)?;
        if !self.site.routes.contains_key(route) {
            return Err(Rejection::new(ErrorCode::UnknownRoute, format!("the site has no route {route}")));
        }
        let alarm = AlarmId::notify_test(route);
        let text = cut(format!("{actor} tests route {route}: {reason}"), MESSAGE_LEN_MAX);
        let notice =
            Notice { alarm, occurrence: 0, transition: TEST, state: String::new(), priority: Priority::Diagnostic, segment: None, text };
        self.notices.push(route, &notice, self.applied, self.time);
        self.note(Deed { actor, action: "notify", target: route.as_str(), detail: "test".to_owned(), reason });
        Ok(Reply::Done)
    }

    /// Puts a notice into the outbox, once for each route that wants it.
    pub(crate) fn notify(&mut self, notice: &Notice) {
        let site = Arc::clone(&self.site);
        for (route, _) in site.routes.iter().filter(|(_, spec)| route::wants(spec, notice, self.time)) {
            self.notices.push(route, notice, self.applied, self.time);
        }
    }

    /// At the end of each entry: raises and clears the alarms about routes, and forgets routes that the site does not have. Raising one is
    /// itself told by the routes that work; it ends, as a route's alarm is raised once.
    pub(crate) fn watch_routes(&mut self, effects: &mut Vec<Effect>) {
        if effects.contains(&Effect::SiteChanged) {
            let site = Arc::clone(&self.site);
            self.notices.forget(|route| site.routes.contains_key(route));
        }
        while let Some(route) = self.notices.take_unshown() {
            self.show_route(&route, effects);
        }
    }

    fn show_route(&mut self, route: &Name, effects: &mut Vec<Effect>) {
        let alarm = AlarmId::notify_failed(route);
        let why = self.notices.routes().get(route).and_then(|record| record.failing.clone());
        let was_shown = self.alarm(&alarm).is_some_and(|known| known.told().active.is_some());
        if was_shown == why.is_some() {
            return;
        }
        let text = why.as_ref().map_or(String::new(), |why| format!("route {route} reaches nobody: {why}"));
        let detail = if why.is_some() { text.clone() } else { "reaches somebody again, or is gone".to_owned() };
        self.note(Deed { actor: SELF, action: "notify", target: route.as_str(), detail, reason: "" });
        self.raise_internal(&alarm, why.is_some(), FAILED_PRIORITY, &text, effects);
    }
}
