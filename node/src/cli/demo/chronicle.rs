//! What has happened in the demonstration, for people: deeds, and the takeovers that followed, each told once.

use crate::cli::status;
use crate::cli::value;
use labkeeper_model::Timestamp;
use labkeeper_proto::v1;
use std::collections::{BTreeSet, VecDeque};

/// Lines that are kept: what fits under the tables of a usual terminal.
const LINES_MAX: usize = 6;

/// The latest events, oldest first, and what was told already.
#[derive(Debug, Default)]
pub(super) struct Chronicle {
    lines: VecDeque<String>,
    /// Takeovers that were told, by log entry and segment; `None` before the first look, at which everything is old.
    told: Option<BTreeSet<(u64, String)>>,
}

impl Chronicle {
    /// Takes an event.
    pub(super) fn add(&mut self, now: Timestamp, event: &str) -> String {
        let line = format!("{} {event}", &value::time(now)[11..19]);
        self.lines.push_back(line.clone());
        if self.lines.len() > LINES_MAX {
            self.lines.pop_front();
        }
        line
    }

    /// Takes the takeovers that have ended since the last look; a line for each, oldest first.
    pub(super) fn look(&mut self, now: Timestamp, takeovers: &[v1::TakeoverStatus]) -> Vec<String> {
        let ended: Vec<_> = takeovers.iter().rev().filter(|one| one.enabled_ms.is_some()).collect();
        let keys = ended.iter().map(|one| (one.log_index, one.segment.clone())).collect();
        let Some(told) = self.told.replace(keys) else { return vec![] };
        let fresh: Vec<_> = ended.into_iter().filter(|one| !told.contains(&(one.log_index, one.segment.clone()))).collect();
        fresh.into_iter().map(|one| self.add(now, &status::took(one))).collect()
    }

    /// The latest events, oldest first.
    pub(super) fn lines(&self) -> impl Iterator<Item = &String> {
        self.lines.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::status::sample::{NOON_MS, takeover};

    const NOON: Timestamp = Timestamp::from_millis(NOON_MS);

    #[test]
    fn each_takeover_is_told_once_when_it_has_ended() {
        let mut chronicle = Chronicle::default();
        assert!(chronicle.look(NOON, &[takeover()]).is_empty(), "what happened before the demonstration was looked at is old");
        let under_way = v1::TakeoverStatus { log_index: 50, enabled_ms: None, ..takeover() };
        assert!(chronicle.look(NOON, &[under_way.clone(), takeover()]).is_empty());
        let ended = v1::TakeoverStatus { enabled_ms: Some(2_000), ..under_way };
        let told = chronicle.look(NOON, &[ended.clone(), takeover()]);
        assert_eq!(told, ["12:00:00 cryo: lab-b -> lab-a, nobody drove it for 2000 ms"]);
        assert!(chronicle.look(NOON, &[ended, takeover()]).is_empty());
    }

    #[test]
    fn only_the_latest_events_are_kept() {
        let mut chronicle = Chronicle::default();
        for i in 0..=LINES_MAX {
            chronicle.add(NOON, &i.to_string());
        }
        assert_eq!(chronicle.lines().next().map(String::as_str), Some("12:00:00 1"));
        assert_eq!(chronicle.lines().count(), LINES_MAX);
    }
}
