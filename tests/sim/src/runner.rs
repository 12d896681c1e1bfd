//! Plays many seeds on all processors, and says of each that failed how to play it again.

use crate::env::Counts;
use crate::{Play, Violation, play};
use std::fmt::Write as _;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many lines of the trace of a seed that failed are shown.
const TAIL: usize = 60;

/// What became of many seeds.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// How many were played.
    pub played: u64,
    /// What they have seen together.
    pub counts: Counts,
    /// Those that failed, by seed.
    pub failed: Vec<(u64, Violation)>,
}

/// Plays all seeds, or until so many have failed.
#[must_use]
pub fn run(seeds: Range<u64>, how: Play, failures_max: usize) -> Summary {
    let next = AtomicU64::new(seeds.start);
    let summary = Mutex::new(Summary::default());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while has_room(&summary, failures_max) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    let (violation, counts) = play_safely(seed, how);
                    if let Ok(mut summary) = summary.lock() {
                        summary.played += 1;
                        summary.counts.add(&counts);
                        summary.failed.extend(violation.map(|violation| (seed, violation)));
                    }
                }
            });
        }
    });
    let mut summary = summary.into_inner().unwrap_or_default();
    summary.failed.sort_by_key(|(seed, _)| *seed);
    summary
}

fn has_room(summary: &Mutex<Summary>, failures_max: usize) -> bool {
    summary.lock().is_ok_and(|summary| summary.failed.len() < failures_max)
}

/// A panic (the machine's own invariants are debug assertions) is a violation like any other.
fn play_safely(seed: u64, how: Play) -> (Option<Violation>, Counts) {
    match catch_unwind(AssertUnwindSafe(|| play(seed, how))) {
        Ok(outcome) => (outcome.violation, outcome.counts),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            let detail = text.unwrap_or_else(|| "without a message".into());
            (Some(Violation { invariant: "panic", detail, at: crate::clock::SimTime::default() }), Counts::default())
        }
    }
}

/// Says what is wrong with a seed, how to play it again, and how its trace ends.
#[must_use]
pub fn explain(seed: u64, how: Play, violation: &Violation) -> String {
    let planted = how.mutation.map_or(String::new(), |mutation| format!(" {mutation:?}"));
    let mut text = format!("seed {seed}: {violation}\nplay it again: cargo run -p labkeeper-sim -- {seed}{planted}\n");
    let traced = || play(seed, Play { is_traced: true, ..how });
    let trace = catch_unwind(AssertUnwindSafe(traced)).map(|outcome| outcome.trace).unwrap_or_default();
    for line in trace.iter().skip(trace.len().saturating_sub(TAIL)) {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "  {line}");
    }
    text
}
