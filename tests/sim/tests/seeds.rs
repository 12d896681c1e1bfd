//! Plays thousands of seeds of the world as it should be: no invariant may break, and the worlds must have seen enough to say so.
//!
//! `LABKEEPER_SEEDS=0..100000` plays others.

use labkeeper_sim::Play;
use labkeeper_sim::runner::{self, Summary};
use std::ops::Range;

/// What `make test` plays: some ten milliseconds each.
const SEEDS: Range<u64> = 0..10_000;
/// So many failures are enough to look at.
const FAILURES_MAX: usize = 3;

fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("LABKEEPER_SEEDS") else { return SEEDS };
    let (from, to) = text.split_once("..").expect("LABKEEPER_SEEDS=FROM..TO");
    from.parse().expect("a seed")..to.parse().expect("a seed")
}

#[test]
fn no_seed_breaks_an_invariant() {
    let seeds = seeds();
    let summary = runner::run(seeds.clone(), Play::default(), FAILURES_MAX);
    println!("{} seeds of {seeds:?}: {:?}", summary.played, summary.counts);
    let explained: Vec<String> =
        summary.failed.iter().map(|(seed, violation)| runner::explain(*seed, Play::default(), violation)).collect();
    assert!(explained.is_empty(), "{}", explained.join("\n"));
    if summary.played >= 1_000 {
        assert_eq!(seen_too_little(&summary), [""; 0]);
    }
}

/// What the worlds have seen too little of to prove anything: of most things several in each world, of a fence that has something to
/// refuse (a process that is frozen between looking and sending) one in a hundred.
fn seen_too_little(summary: &Summary) -> Vec<&'static str> {
    let (seen, worlds) = (&summary.counts, summary.played);
    let enough = [
        ("entries", seen.entries >= 300 * worlds),
        ("takeovers", seen.takeovers >= 5 * worlds),
        ("expiries", seen.expiries >= 2 * worlds),
        ("writes", seen.writes >= 1_000 * worlds),
        ("setpoints", seen.acknowledged >= 30 * worlds),
        ("elections", seen.elections >= 2 * worlds),
        ("deaths", seen.deaths >= 2 * worlds),
        ("freezes", seen.freezes >= worlds),
        ("fences", seen.fences >= 2 * worlds),
        ("stale reports", seen.stale_reports >= worlds),
        ("writes of policies", seen.policy_writes >= worlds),
        ("refused writes", seen.refused * 100 >= worlds),
    ];
    enough.into_iter().filter(|(_, is_enough)| !is_enough).map(|(what, _)| what).collect()
}
