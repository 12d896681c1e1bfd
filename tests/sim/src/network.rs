//! The wires between nodes: which are cut, how long a message takes, and which are lost.
//!
//! Faults overlap, so a wire counts its cuts and is whole when all are healed.

use crate::dice::Dice;
use std::time::Duration;

/// The wires, by sender and receiver.
#[derive(Clone, Debug)]
pub struct Network {
    cuts: Vec<Vec<u8>>,
    /// While it is not zero, messages are lost and late far more often.
    pub storms: u8,
}

impl Network {
    /// Whole wires between so many nodes.
    #[must_use]
    pub fn new(nodes: usize) -> Self {
        Self { cuts: vec![vec![0; nodes]; nodes], storms: 0 }
    }

    /// Cuts a wire in one direction once more, or heals one cut.
    pub fn cut(&mut self, from: usize, to: usize, is_cut: bool) {
        let cuts = &mut self.cuts[from][to];
        *cuts = if is_cut { cuts.saturating_add(1) } else { cuts.saturating_sub(1) };
    }

    /// Whether messages pass from one node to another; a node always hears itself.
    #[must_use]
    pub fn passes(&self, from: usize, to: usize) -> bool {
        from == to || self.cuts[from][to] == 0
    }

    /// Whether messages pass to and fro.
    #[must_use]
    pub fn linked(&self, a: usize, b: usize) -> bool {
        self.passes(a, b) && self.passes(b, a)
    }

    /// How long a message takes; `None`: it is lost. Most take a fraction of a millisecond; one in twenty is held up, some for so
    /// long that its sender has given up.
    pub fn delay(&self, from: usize, to: usize, is_calm: bool, dice: &mut Dice) -> Option<Duration> {
        if !self.passes(from, to) {
            return None;
        }
        if from == to {
            return Some(dice.us(10, 200));
        }
        let (lost, slow) = match (is_calm, self.storms) {
            (true, _) => (0, 10),
            (false, 0) => (30, 50),
            (false, _) => (400, 300),
        };
        if dice.permille(lost) {
            return None;
        }
        Some(match dice.permille(slow) {
            false => dice.us(100, 3_000),
            true if is_calm => dice.ms(5, 50),
            true => dice.ms(20, 3_000),
        })
    }
}
