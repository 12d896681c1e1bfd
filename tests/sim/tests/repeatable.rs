//! The same seed is the same world, to the last line of its trace, in two processes.

use labkeeper_sim::mutation::Mutation;
use labkeeper_sim::{Play, play};
use std::process::Command;

/// What another process prints for a seed, and whether it was content.
fn printed(seed: u64, mutation: Option<Mutation>) -> (String, bool) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_labkeeper-sim"));
    program.arg(seed.to_string()).args(mutation.map(|mutation| format!("{mutation:?}")));
    let output = program.output().expect("the program runs");
    (String::from_utf8(output.stdout).expect("it prints text"), output.status.success())
}

#[test]
fn one_seed_is_one_history_in_two_processes() {
    for seed in 0..5 {
        let (first, second) = (printed(seed, None), printed(seed, None));
        assert!(first.0.lines().count() > 300, "seed {seed} is a long story");
        let differs = first.0.lines().zip(second.0.lines()).find(|(a, b)| a != b);
        assert!(first == second, "seed {seed}, first at {differs:?}");
    }
}

#[test]
fn another_seed_is_another_history() {
    assert_ne!(printed(1, None), printed(2, None));
}

#[test]
fn the_trace_changes_nothing_but_itself() {
    for seed in 5..10 {
        let [plain, traced] = [false, true].map(|is_traced| play(seed, Play { is_traced, ..Play::default() }));
        assert_eq!((plain.counts, plain.violation), (traced.counts, traced.violation));
        assert!(plain.trace.is_empty() && !traced.trace.is_empty());
    }
}

#[test]
fn a_failure_ends_the_trace_and_the_program_says_so() {
    let (trace, is_content) = printed(0, Some(Mutation::NoSelfFence));
    assert!(!is_content);
    assert!(trace.lines().rev().take(2).any(|line| line.contains("broken at")), "{:?}", trace.lines().last());
}
