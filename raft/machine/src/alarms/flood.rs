//! Floods: more alarms than a person can look at. While one lasts, what came first matters most.
//!
//! ```text
//!   more than 10 announced within 10 minutes --> flood --> fewer than 5 within the last 10 minutes --> over
//! ```
//! Each area, a segment mostly, floods by itself: it is what one operator looks after. Nothing is left out of the journal in a flood.
//! (The numbers are EEMUA 191's and Inductive Automation's.)

use labkeeper_model::{AlarmId, Timestamp};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How far back alarms are counted.
const WINDOW: Duration = Duration::from_secs(600);
/// As many announced within the window are a flood.
const BEGINS_AT: usize = 11;
/// Fewer than these within the window are none.
const ENDS_BELOW: usize = 5;
/// Most floods that are remembered: a bad month. One takes some 400 bytes.
pub const FLOODS_MAX: usize = 100;

/// A time in which an area had more alarms than a person can look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flood {
    /// The area: a segment, `system` or `interlock`.
    pub area: String,
    /// When the first of its alarms was announced.
    pub began: Timestamp,
    /// When it was over; `None` while it lasts.
    pub ended: Option<Timestamp>,
    /// The alarm that came first.
    pub first_out: AlarmId,
    /// How many were announced.
    pub alarms: u64,
}

/// What an area has had lately.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FloodArea {
    /// The latest alarms that were announced, oldest first; at most eleven, of the last ten minutes.
    pub recent: VecDeque<(Timestamp, AlarmId)>,
    /// The flood that lasts.
    pub flood: Option<Flood>,
}

/// The floods, and what may become one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Floods {
    /// By area.
    pub areas: BTreeMap<String, FloodArea>,
    /// Those that are over, oldest first.
    pub past: VecDeque<Flood>,
}

impl Floods {
    pub(super) fn count(&mut self, id: &AlarmId, now: Timestamp) {
        let name = id.area().to_owned();
        let area = self.areas.entry(name.clone()).or_default();
        area.recent.retain(|(at, _)| now.saturating_since(*at) < WINDOW);
        area.recent.push_back((now, id.clone()));
        if area.recent.len() > BEGINS_AT {
            area.recent.pop_front();
        }
        match &mut area.flood {
            Some(flood) => flood.alarms = flood.alarms.saturating_add(1),
            None if area.recent.len() < BEGINS_AT => {}
            None => {
                let first = area.recent.front().map(|(at, first)| (*at, first.clone()));
                let (began, first_out) = first.unwrap_or((now, id.clone()));
                area.flood = Some(Flood { area: name, began, ended: None, first_out, alarms: BEGINS_AT as u64 });
            }
        }
    }

    pub(super) fn end_by(&mut self, now: Timestamp) {
        for area in self.areas.values_mut() {
            if area.ends_at().is_some_and(|at| at <= now)
                && let Some(flood) = area.flood.take()
            {
                self.past.push_back(Flood { ended: Some(now), ..flood });
            }
        }
        while self.past.len() > FLOODS_MAX {
            self.past.pop_front();
        }
        self.areas.retain(|_, area| {
            area.recent.retain(|(at, _)| now.saturating_since(*at) < WINDOW);
            area.flood.is_some() || !area.recent.is_empty()
        });
    }

    pub(super) fn next_end(&self) -> Option<Timestamp> {
        self.areas.values().filter_map(FloodArea::ends_at).min()
    }
}

impl FloodArea {
    /// When its flood ends if nothing more is announced: when the fifth alarm from the end is out of the window.
    fn ends_at(&self) -> Option<Timestamp> {
        self.flood.as_ref()?;
        let fifth = self.recent.len().checked_sub(ENDS_BELOW).and_then(|at| self.recent.get(at));
        // With fewer than five, it is over.
        Some(fifth.map_or(Timestamp(i64::MIN), |(at, _)| at.saturating_add(WINDOW)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn id(n: usize) -> AlarmId {
        AlarmId::parse(&format!("cryo/chiller-{n}/comm-fault")).expect("an alarm")
    }

    #[test]
    fn the_eleventh_alarm_within_ten_minutes_is_a_flood_with_its_first() {
        let mut floods = Floods::default();
        (0..10).for_each(|n| floods.count(&id(n), at(n as i64)));
        assert_eq!((floods.areas["cryo"].flood.clone(), floods.next_end()), (None, None));
        floods.count(&id(10), at(10));
        let flood = floods.areas["cryo"].flood.clone().expect("a flood");
        assert_eq!((flood.first_out, flood.began, flood.alarms), (id(0), at(0), 11));
    }

    #[test]
    fn it_is_over_when_fewer_than_five_are_left_in_the_window() {
        let mut floods = Floods::default();
        (0..12).for_each(|n| floods.count(&id(n), at(n as i64)));
        assert_eq!(floods.next_end(), Some(at(607)), "the fifth from the end was at 7 s");
        floods.end_by(at(606));
        assert!(floods.areas["cryo"].flood.is_some());
        floods.end_by(at(607));
        assert_eq!(floods.next_end(), None);
        assert_eq!(floods.past.back().map(|flood| (flood.ended, flood.alarms)), Some((Some(at(607)), 12)));
    }

    #[test]
    fn slow_alarms_are_no_flood() {
        let mut floods = Floods::default();
        (0..50).for_each(|n| floods.count(&id(n), at(n as i64 * 61)));
        assert!(floods.areas["cryo"].flood.is_none());
    }
}
