//! What is said about one alarm: the difference between what is found and what the machine has, in few words.
//!
//! ```text
//!              an edge that the budget allows
//!               +------+
//!               v      |     an edge that it does not
//!   plainly ----+------+------------------------------> chattering -+ one summary as often as the budget allows
//!      ^                                                  |   ^     |
//!      +------ CALM_AFTER without an edge ----------------+   +-----+
//! ```
//!
//! Words wait in a queue until the log has them, so that a condition that came and went while there was no leader is still said. A word that
//! may or may not have been taken is said again with the same time, and the machine takes it once.
//!
//! It knows nothing of readings and limits.

use crate::Now;
use crate::Word;
use crate::budget::Budget;
use crate::word::{Level, Recorded};
use labkeeper_model::{Moment, Timestamp, Value};
use std::collections::VecDeque;
use std::time::Duration;

/// How long a condition must keep still before it counts as chattering no more: the minute within which chattering is counted.
pub const CALM_AFTER: Duration = Duration::from_secs(60);
/// Most words of one alarm that wait: what ten minutes without a leader can bring (7 at once, and 9 more at one each 68 s). From then on
/// edges are counted, not said.
const QUEUE_MAX: usize = 16;

/// A time in which a condition comes and goes too often to be said each time.
#[derive(Clone, Debug)]
struct Episode {
    /// How often it came since the last word.
    cycles: u32,
    /// The worst since the last word.
    peak: Level,
    /// When something changed last.
    edge_at: Moment,
}

/// What is said about one alarm.
#[derive(Clone, Debug, Default)]
pub(crate) struct Speech {
    /// What is found; `None` until something is.
    level: Option<Level>,
    value: Option<Value>,
    /// Why it cannot be told, if it cannot.
    quality: Option<Result<(), String>>,
    is_suppressed: Option<bool>,
    /// What the machine has once it has taken the queue. The time is the latest that a word has had.
    said: Recorded,
    episode: Option<Episode>,
    budget: Budget,
    queue: VecDeque<(Timestamp, Word)>,
}

impl Speech {
    /// An alarm of which the machine has this.
    pub(crate) fn new(recorded: Recorded) -> Self {
        Self { said: recorded, ..Self::default() }
    }

    /// The condition was judged.
    pub(crate) fn found(&mut self, level: Level, value: Option<&Value>, now: Now) {
        let before = self.level.replace(level);
        if before == Some(level) {
            return;
        }
        self.value = value.cloned();
        if let Some(episode) = &mut self.episode {
            let came = level.is_active() && !before.is_some_and(Level::is_active);
            episode.count(came, level, now.moment);
        }
    }

    /// The condition came and went in one moment.
    pub(crate) fn pulsed(&mut self, value: &Value, now: Now) {
        (self.level, self.value) = (Some(Level::Clear), Some(value.clone()));
        let peak = Level::Active(crate::SEVERITY_INNER);
        if let Some(episode) = &mut self.episode {
            return episode.count(true, peak, now.moment);
        }
        if self.may_say(2, 1, now.moment) {
            self.push(Word::Active { severity: peak.severity(), value: self.value.clone() }, now);
            self.push(Word::Clear { value: self.value.clone() }, now);
            self.said.level = Level::Clear;
        } else {
            self.episode = Some(Episode { cycles: 1, peak, edge_at: now.moment });
        }
    }

    /// Whether the condition can be told.
    pub(crate) fn can_tell(&mut self, quality: Result<(), &str>, now: Now) {
        if self.quality.as_ref().is_some_and(|known| known.is_ok() == quality.is_ok()) {
            return;
        }
        self.quality = Some(quality.map_err(str::to_owned));
        if let Some(episode) = &mut self.episode {
            episode.edge_at = now.moment;
        }
    }

    /// Whether what suppresses the alarm by design holds.
    pub(crate) const fn found_suppressed(&mut self, is_suppressed: bool) {
        self.is_suppressed = Some(is_suppressed);
    }

    /// Puts what there is to say into the queue, as far as the budget allows.
    pub(crate) fn speak(&mut self, now: Now) {
        if self.episode.is_none() {
            let news = self.news();
            if news.is_empty() {
                return;
            }
            if self.may_say(news.len(), 1, now.moment) {
                return self.say(news, now);
            }
            let came = news.iter().any(|word| matches!(word, Word::Active { .. }));
            self.episode = Some(Episode { cycles: u32::from(came), peak: self.level.unwrap_or_default(), edge_at: now.moment });
        }
        self.summarise(now);
    }

    /// The words that wait, oldest first.
    pub(crate) const fn queue(&self) -> &VecDeque<(Timestamp, Word)> {
        &self.queue
    }

    /// The log has the words up to this time.
    pub(crate) fn delivered(&mut self, up_to: Timestamp) {
        while self.queue.front().is_some_and(|(at, _)| *at <= up_to) {
            self.queue.pop_front();
        }
    }

    /// Compares with what the machine has, which must not be older than the last word that was delivered.
    pub(crate) fn settle(&mut self, recorded: Recorded) {
        self.delivered(recorded.word_at);
        self.said.word_at = self.said.word_at.max(recorded.word_at);
        if !self.queue.is_empty() {
            return;
        }
        (self.said.is_bad, self.said.is_suppressed) = (recorded.is_bad, recorded.is_suppressed);
        // While it chatters, the word that ends it will set it right.
        if self.episode.is_none() {
            self.said.level = recorded.level;
        }
    }

    /// The words that make what was said into what is found.
    fn news(&self) -> Vec<Word> {
        let mut news = Vec::new();
        if let Some(is_suppressed) = self.is_suppressed.filter(|found| *found != self.said.is_suppressed) {
            news.push(Word::Suppressed(is_suppressed));
        }
        if self.said.is_bad && self.quality == Some(Ok(())) {
            news.push(Word::Good);
        }
        if let Some(level) = self.level.filter(|found| *found != self.said.level) {
            news.push(self.level_word(level));
        }
        if let Some(Err(cause)) = self.quality.as_ref().filter(|_| !self.said.is_bad) {
            news.push(Word::Bad { cause: cause.clone() });
        }
        news
    }

    fn level_word(&self, level: Level) -> Word {
        let value = self.value.clone();
        match level {
            Level::Active(severity) => Word::Active { severity, value },
            Level::Clear => Word::Clear { value },
        }
    }

    /// Ends the episode if it has become calm, or says what there was since the last word.
    fn summarise(&mut self, now: Now) {
        let level = self.level.unwrap_or(self.said.level);
        let Some(episode) = self.episode.clone() else { return };
        if now.moment.saturating_since(episode.edge_at) >= CALM_AFTER {
            let mut news = self.news();
            // Said in any case: it tells the machine that plain words count again.
            if level == self.said.level {
                news.push(self.level_word(level));
            }
            if self.may_say(news.len(), 1, now.moment) {
                self.episode = None;
                return self.say(news, now);
            }
        }
        // That it ended is said when it is calm.
        let has_news = episode.cycles > 0 || episode.peak > self.said.level;
        if has_news && self.may_say(1, 0, now.moment) {
            let (active, severity) = (episode.peak.is_active(), episode.peak.severity());
            self.push(Word::Chattering { cycles: episode.cycles, active, severity, value: self.value.clone() }, now);
            self.said.level = episode.peak;
            self.episode = Some(Episode { cycles: 0, peak: level, edge_at: episode.edge_at });
        }
    }

    fn may_say(&self, words: usize, kept: u32, now: Moment) -> bool {
        let count = u32::try_from(words).unwrap_or(u32::MAX);
        self.queue.len() + words <= QUEUE_MAX && self.budget.allows(count, kept, now)
    }

    fn say(&mut self, words: Vec<Word>, now: Now) {
        for word in words {
            match &word {
                Word::Active { severity, .. } => self.said.level = Level::Active(*severity),
                Word::Clear { .. } => self.said.level = Level::Clear,
                Word::Bad { .. } => self.said.is_bad = true,
                Word::Good => self.said.is_bad = false,
                Word::Suppressed(is_suppressed) => self.said.is_suppressed = *is_suppressed,
                Word::Chattering { .. } => {}
            }
            self.push(word, now);
        }
    }

    /// Puts a word into the queue, later than any before it.
    fn push(&mut self, word: Word, now: Now) {
        self.budget.pay(now.moment);
        self.said.word_at = now.time.max(Timestamp(self.said.word_at.0.saturating_add(1)));
        self.queue.push_back((self.said.word_at, word));
    }
}

impl Episode {
    fn count(&mut self, came: bool, level: Level, now: Moment) {
        self.cycles = self.cycles.saturating_add(u32::from(came));
        self.peak = self.peak.max(level);
        self.edge_at = now;
    }
}

#[cfg(test)]
#[path = "speech_tests.rs"]
mod tests;
