//! The demonstration's nemesis: takes one node out at a time and brings it back, for as long as it is on. Pure: time, chance and who is
//! up come in, what to do comes out.
//!
//! ```text
//!   off <--toggle--> waiting --some 15 s, all well--> one node down, or frozen --some 6 s--> waiting
//! ```
//!
//! It strikes only when every node is up and answers, and only if a majority is left afterwards: the cluster must be able to go on.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::ops::Range;
use std::time::{Duration, Instant};

/// Seconds from one strike to the next: a takeover takes two, coming back another two, and a person wants to see it calm again.
const STRIKE_EVERY_S: Range<f64> = 12.0..18.0;
/// Seconds that a node is away: three times what a takeover takes.
const AWAY_FOR_S: Range<f64> = 5.0..7.0;

/// What to do to which node, by its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// End it as a power cut would.
    Kill(usize),
    /// Stop its clockwork without ending it.
    Freeze(usize),
    /// Start it again, or let it go on.
    Revive(usize),
}

/// The nemesis.
#[derive(Debug)]
pub(super) struct Nemesis {
    state: State,
    chance: StdRng,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Off,
    Waiting { until: Instant },
    Away { node: usize, until: Instant },
}

impl Nemesis {
    /// One that is off. The same seed makes the same choices.
    #[must_use]
    pub(super) fn new(seed: u64) -> Self {
        Self { state: State::Off, chance: StdRng::seed_from_u64(seed) }
    }

    /// Whether it is on.
    #[must_use]
    pub(super) fn is_on(&self) -> bool {
        self.state != State::Off
    }

    /// Turns it on or off. Turned off, it brings back whom it took out.
    pub(super) fn toggle(&mut self, now: Instant) -> Option<Deed> {
        match std::mem::replace(&mut self.state, State::Off) {
            State::Off => {
                self.wait(now);
                None
            }
            State::Waiting { .. } => None,
            State::Away { node, .. } => Some(Deed::Revive(node)),
        }
    }

    /// What is due. `up` says of each node whether it runs and answers.
    pub(super) fn turn(&mut self, now: Instant, up: &[bool]) -> Option<Deed> {
        match self.state {
            State::Waiting { until } if now >= until => self.strike(now, up),
            State::Away { node, until } if now >= until => {
                self.wait(now);
                Some(Deed::Revive(node))
            }
            _ => None,
        }
    }

    fn strike(&mut self, now: Instant, up: &[bool]) -> Option<Deed> {
        let majority = up.len() / 2 + 1;
        if !up.iter().all(|is_up| *is_up) || up.len() <= majority {
            return None;
        }
        let node = self.chance.random_range(0..up.len());
        let away = Duration::from_secs_f64(self.chance.random_range(AWAY_FOR_S));
        self.state = State::Away { node, until: now + away };
        Some(if self.chance.random() { Deed::Kill(node) } else { Deed::Freeze(node) })
    }

    fn wait(&mut self, now: Instant) {
        let pause = self.chance.random_range(STRIKE_EVERY_S) - AWAY_FOR_S.end;
        self.state = State::Waiting { until: now + Duration::from_secs_f64(pause) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets it rage over nodes that obey at once, for ten minutes; the deeds with their times in seconds.
    fn rage(seed: u64, nodes: usize) -> Vec<(f64, Deed)> {
        let start = Instant::now();
        let (mut nemesis, mut up, mut deeds) = (Nemesis::new(seed), vec![true; nodes], vec![]);
        assert_eq!(nemesis.toggle(start), None);
        for tick in 0..1_200 {
            let now = start + Duration::from_millis(500) * tick;
            let Some(deed) = nemesis.turn(now, &up) else { continue };
            match deed {
                Deed::Kill(node) | Deed::Freeze(node) => up[node] = false,
                Deed::Revive(node) => up[node] = true,
            }
            let left = up.iter().filter(|is_up| **is_up).count();
            assert!(left > nodes / 2, "seed {seed}: {left} of {nodes} are left");
            deeds.push(((now - start).as_secs_f64(), deed));
        }
        deeds
    }

    #[test]
    fn it_takes_one_node_at_a_time_in_every_way_and_brings_it_back() {
        for seed in 0..20 {
            let deeds = rage(seed, 3);
            assert!(deeds.len() >= 60, "seed {seed}: {} deeds in ten minutes", deeds.len());
            for pair in deeds.chunks_exact(2) {
                let [(struck, Deed::Kill(node) | Deed::Freeze(node)), (revived, Deed::Revive(back))] = pair else {
                    panic!("seed {seed}: {pair:?}")
                };
                assert_eq!(node, back, "seed {seed}");
                assert!((4.5..8.0).contains(&(revived - struck)), "seed {seed}: away for {} s", revived - struck);
            }
            let strikes: Vec<f64> = deeds.iter().step_by(2).map(|(at, _)| *at).collect();
            assert!(strikes.windows(2).all(|pair| pair[1] - pair[0] > 8.0), "seed {seed}: too soon after the last one came back");
            for node in 0..3 {
                assert!(deeds.iter().any(|(_, deed)| *deed == Deed::Kill(node)), "seed {seed}: never killed {node}");
                assert!(deeds.iter().any(|(_, deed)| *deed == Deed::Freeze(node)), "seed {seed}: never froze {node}");
            }
        }
    }

    #[test]
    fn it_never_takes_a_majority_away() {
        assert!(rage(1, 1).is_empty() && rage(1, 2).is_empty(), "one or two nodes cannot lose any");
        let (mut nemesis, now) = (Nemesis::new(1), Instant::now());
        nemesis.toggle(now);
        let later = now + Duration::from_secs(600);
        assert_eq!(nemesis.turn(later, &[true, false, true]), None, "somebody else took a node out");
        assert!(nemesis.turn(later, &[true, true, true]).is_some());
    }

    #[test]
    fn turned_off_it_brings_back_whom_it_took_out() {
        let (mut nemesis, now) = (Nemesis::new(1), Instant::now());
        nemesis.toggle(now);
        let later = now + Duration::from_secs(60);
        let Some(Deed::Kill(node) | Deed::Freeze(node)) = nemesis.turn(later, &[true; 3]) else { panic!("a strike") };
        assert_eq!(nemesis.toggle(later), Some(Deed::Revive(node)));
        assert!(!nemesis.is_on());
        assert_eq!(nemesis.turn(later + Duration::from_secs(600), &[true; 3]), None);
    }
}
