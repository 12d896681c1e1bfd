//! How many words may be said about one alarm: a few at once, and over time less than one a minute.
//!
//! Each word costs [`WORD_EVERY`], of which [`WORDS_AT_ONCE`] may be had in advance. So within any hour at most 7 + 3600 / 68 = 59 words are
//! said about an alarm, whatever its tag does, and a replicated journal with one row for each word gets no more than sixty.

use labkeeper_model::Moment;
use std::time::Duration;

/// Most words in advance. Six say a condition come and gone three times, which within a minute is what is called chattering; one is kept to
/// say that it chatters.
pub const WORDS_AT_ONCE: u32 = 7;
/// How long it takes to earn one word.
pub const WORD_EVERY: Duration = Duration::from_secs(68);

/// The budget of one alarm.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Budget {
    /// Until when the words said so far are paid off.
    paid_until: Moment,
}

impl Budget {
    /// Whether so many words can be said and `kept` more after them.
    pub(crate) fn allows(&self, words: u32, kept: u32, now: Moment) -> bool {
        let in_advance = self.paid_until.saturating_since(now);
        in_advance.saturating_add(WORD_EVERY * (words + kept)) <= WORD_EVERY * WORDS_AT_ONCE
    }

    /// Pays for one.
    pub(crate) fn pay(&mut self, now: Moment) {
        self.paid_until = self.paid_until.max(now).saturating_add(WORD_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_at_once_and_then_one_at_a_time() {
        let mut budget = Budget::default();
        let start = Moment(1_000_000_000_000);
        let said = (0..20).filter(|_| budget.allows(1, 0, start).then(|| budget.pay(start)).is_some()).count();
        assert_eq!(said, 7);
        assert!(!budget.allows(1, 0, start.saturating_add(Duration::from_secs(67))));
        assert!(budget.allows(1, 0, start.saturating_add(WORD_EVERY)));
        assert!(!budget.allows(1, 1, start.saturating_add(WORD_EVERY)));
    }

    #[test]
    fn no_hour_has_more_than_sixty() {
        let (mut budget, mut said) = (Budget::default(), Vec::new());
        for s in 0..3 * 3600 {
            let now = Moment(s * 1_000_000_000);
            while budget.allows(1, 0, now) {
                budget.pay(now);
                said.push(s);
            }
        }
        let in_hour_from = |from: u64| said.iter().filter(|at| (from..=from + 3600).contains(*at)).count();
        let most = said.iter().map(|from| in_hour_from(*from)).max();
        assert_eq!(most, Some(59));
    }
}
