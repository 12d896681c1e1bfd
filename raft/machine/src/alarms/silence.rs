//! Whether the site was without a majority: nothing can be agreed on then, not even that it is so. It shows in what was agreed on before and
//! after.
//!
//! ```text
//!   renewed ── 0.3 s ── renewed ── 0.3 s ── renewed ─────────── 40 s ─────────── opened or renewed
//!                                                    nothing was committed: no majority
//! ```
//!
//! As long as any node has a session, it is renewed through the log or ended through it; so if the newest renewal of all is old, nobody
//! could commit anything. The first sign of life after a silence, a session that is opened or renewed, raises and clears the alarm, with the
//! silence in its text. (A leader without a majority goes on to end sessions in its log; those entries are of the silence.) A site whose
//! last session was ended on purpose is not silent, but at rest. While it lasts, each node sees it for itself ([`Machine::silent_since`]), and cannot tell whether all are silent or it is alone.
//!
//! A leader whose clock is ahead of its predecessor's makes a silence of that; clocks that are apart have an alarm of their own.

use super::system;
use crate::reply::Effect;
use crate::state::Session;
use crate::text::{duration, time_of_day};
use crate::{Command, Machine};
use labkeeper_model::{AlarmId, Name, Timestamp};
use std::time::Duration;

/// How long nothing may be committed until that is an alarm. A lost leader costs 3 s at most (its lease of 1.5 s, and an election or two), so
/// no failover is one.
pub const SILENCE_MAX: Duration = Duration::from_secs(5);

const SUBJECT: &str = "site";

impl Machine {
    /// The alarm of a site without a majority; there is one, as there is one majority.
    #[must_use]
    pub fn no_quorum_alarm() -> Option<AlarmId> {
        Some(AlarmId::system(&Name::new(system::NO_QUORUM).ok()?, &Name::new(SUBJECT).ok()?))
    }

    /// Since when nobody could renew a session, as of `now`; `None` if that is not long enough to say anything, or the site is at rest.
    #[must_use]
    pub fn silent_since(&self, now: Timestamp) -> Option<Timestamp> {
        let (newest, at_rest) = self.sessions.values().map(last_sign).max()?;
        (!at_rest && now > newest.saturating_add(SILENCE_MAX)).then_some(newest)
    }

    /// The silence that a command breaks, if it is a sign of life.
    pub(crate) fn silence_before(&self, command: &Command) -> Option<Timestamp> {
        let is_sign = matches!(command, Command::OpenSession { .. } | Command::RenewSession { .. });
        is_sign.then(|| self.silent_since(self.time)).flatten()
    }

    /// Tells of a silence that is over.
    pub(crate) fn tell_silence(&mut self, since: Timestamp, effects: &mut Vec<Effect>) {
        let Some(alarm) = Self::no_quorum_alarm() else { return };
        let (from, to) = (time_of_day(since), time_of_day(self.time));
        let lasted = Duration::from_secs(self.time.saturating_since(since).as_secs());
        let text = format!("nothing could be committed for {}, from {from} to {to}", duration(lasted));
        self.raise_internal(&alarm, true, system::priority(&alarm), &text, effects);
        self.raise_internal(&alarm, false, system::priority(&alarm), "", effects);
    }
}

/// The last sign of life of a session, and whether it was its end: one that was ended sooner than its lease runs out did it itself.
fn last_sign(session: &Session) -> (Timestamp, bool) {
    match session.ended {
        Some(ended) if ended < session.renewed.saturating_add(session.terms.lease) => (ended, true),
        _ => (session.renewed, false),
    }
}
