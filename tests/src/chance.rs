//! Chance in tests: drawn from a seed that is printed, and taken from `LABKEEPER_SEED` when a run is to be repeated. The
//! seed repeats the faults and their times, not the processes' reactions.

use rand::SeedableRng as _;
use rand::rngs::StdRng;

/// A seed with its generator.
#[must_use]
#[expect(clippy::print_stdout, reason = "the test runner shows it when the test fails")]
pub fn from_environment() -> (u64, StdRng) {
    let given = std::env::var("LABKEEPER_SEED").ok().and_then(|text| text.parse().ok());
    let seed = given.unwrap_or_else(rand::random);
    println!("LABKEEPER_SEED={seed}");
    (seed, StdRng::seed_from_u64(seed))
}

/// How many rounds to run: `LABKEEPER_ROUNDS`, else `usual`.
#[must_use]
pub fn rounds(usual: u32) -> u32 {
    std::env::var("LABKEEPER_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}
