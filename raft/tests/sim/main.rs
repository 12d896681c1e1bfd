//! Three nodes on simulated disks and a simulated network, in virtual time, by seed. The log store, the writer's rounds, the
//! snapshots, the state machine, the codec and the configuration are the real ones; only disk, network and clock are not.
//!
//! `make sim SEEDS=1..5000` plays thousands of seeds. A seed that fails prints the command that plays it again.

#![expect(clippy::panic, clippy::print_stdout, reason = "tests state their expectations by panicking, and say which seed failed")]

mod disk;
mod network;
mod oracle;
mod site;
mod world;

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use world::{Outcome, Planted, play};

/// Seeds that `make test` plays: those on which the divergence of replicas under openraft's default, letting a restarted leader go on
/// without an election, was first found.
const SEEDS: [u64; 3] = [4, 145, 200];
/// More of them; nothing is special about these.
const MORE_SEEDS: Range<u64> = 1_000..1_020;

/// The seeds in `LABKEEPER_SIM_SEEDS=FROM..TO`.
fn asked_for() -> Option<Range<u64>> {
    let text = std::env::var("LABKEEPER_SIM_SEEDS").ok()?;
    let (from, to) = text.split_once("..").expect("LABKEEPER_SIM_SEEDS=FROM..TO");
    Some(from.parse().expect("a seed")..to.parse().expect("a seed"))
}

/// The fault in `LABKEEPER_SIM_PLANTED=leader-restore` or `acknowledge-before-sync`, to find seeds that notice it.
fn planted() -> Planted {
    match std::env::var("LABKEEPER_SIM_PLANTED").as_deref() {
        Ok("leader-restore") => Planted { leader_restore: true, ..Planted::default() },
        Ok("acknowledge-before-sync") => Planted { acknowledge_before_sync: true, ..Planted::default() },
        Ok(other) => panic!("LABKEEPER_SIM_PLANTED is {other:?}"),
        Err(_) => Planted::default(),
    }
}

fn show(seed: u64, outcome: &Outcome) -> String {
    format!(
        "seed {seed}: {}\nplay it again: LABKEEPER_SIM_SEEDS={seed}..{} cargo test -p labkeeper-raft --test sim -- --nocapture\n",
        outcome.violations.join("; "),
        seed + 1
    )
}

/// Plays seeds on all cores. Gives what failed.
fn play_all(seeds: &[u64]) -> Vec<String> {
    let next = AtomicU64::new(0);
    let failed = Mutex::new(vec![]);
    let acknowledged = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(seeds.len().max(1));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(seed) = seeds.get(usize::try_from(next.fetch_add(1, Ordering::Relaxed)).expect("few seeds")) {
                    let outcome = play(*seed, planted());
                    acknowledged.fetch_add(outcome.acknowledged as u64, Ordering::Relaxed);
                    if !outcome.violations.is_empty() {
                        let report = show(*seed, &outcome);
                        println!("{report}{}", outcome.history);
                        failed.lock().expect("no panic").push(report);
                    }
                }
            });
        }
    });
    println!("{} seeds, {} acknowledged commands", seeds.len(), acknowledged.into_inner());
    failed.into_inner().expect("no panic")
}

#[test]
fn promises_are_kept_whatever_happens() {
    let seeds: Vec<u64> = asked_for().map_or_else(|| SEEDS.into_iter().chain(MORE_SEEDS).collect(), Iterator::collect);
    let failed = play_all(&seeds);
    assert!(failed.is_empty(), "{} of {} seeds failed:\n{}", failed.len(), seeds.len(), failed.concat());
}

#[test]
fn the_same_seed_is_the_same_history() {
    for seed in [4, 1_001] {
        let (one, other) = (play(seed, Planted::default()), play(seed, Planted::default()));
        assert!(one.acknowledged > 100, "seed {seed} acknowledged only {}", one.acknowledged);
        assert_eq!(one.history, other.history, "seed {seed}");
    }
}

/// The violations that the first of these seeds to notice a planted fault shows.
fn noticed(seeds: &[u64], planted: Planted) -> Option<(u64, Vec<String>)> {
    seeds.iter().map(|seed| (*seed, play(*seed, planted).violations)).find(|(_, violations)| !violations.is_empty())
}

#[test]
fn a_disk_that_says_done_before_it_is_gets_noticed() {
    let planted = Planted { acknowledge_before_sync: true, ..Planted::default() };
    let (seed, violations) = noticed(&[4, 24, 42, 50, 53], planted).expect("an oracle that notices");
    println!("seed {seed} notices an acknowledgement before the sync: {}", violations[0]);
    assert!(violations.iter().any(|what| what.contains("lost")), "{violations:?}");
}

#[test]
fn a_leader_that_goes_on_after_a_restart_without_an_election_gets_noticed() {
    let planted = Planted { leader_restore: true, ..Planted::default() };
    let (seed, violations) = noticed(&[200, 1, 2, 6, 10], planted).expect("an oracle that notices");
    println!("seed {seed} notices a restored leader: {}", violations[0]);
    assert!(violations.iter().any(|what| what.contains("differs") || what.contains("lost")), "{violations:?}");
}
