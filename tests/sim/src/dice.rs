//! Chance, from the seed.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};
use std::time::Duration;

/// A stream of chance. The generator is named, so that a seed means the same with another version of the library.
#[derive(Clone, Debug)]
pub struct Dice(Xoshiro256PlusPlus);

impl Dice {
    /// The stream of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// A number below `n`, which is not zero.
    pub fn below(&mut self, n: usize) -> usize {
        self.0.random_range(0..n)
    }

    /// A number from `from` to `to`, both of which may come up.
    pub fn number(&mut self, from: i64, to: i64) -> i64 {
        self.0.random_range(from..=to)
    }

    /// A time from `from` to `to` microseconds.
    pub fn us(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_nanos(self.0.random_range(from * 1_000..=to * 1_000))
    }

    /// A time from `from` to `to` milliseconds.
    pub fn ms(&mut self, from: u64, to: u64) -> Duration {
        self.us(from * 1_000, to * 1_000)
    }

    /// True so often in a thousand.
    pub fn permille(&mut self, often: u32) -> bool {
        self.0.random_range(0..1_000) < often
    }

    /// One of several, of which there is at least one.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
