//! Leaves out one rule at a time, and expects an invariant to notice: an invariant that nothing can break proves nothing (I10).
//!
//! How many seeds notice each is told in `docs/testing.md`; `LABKEEPER_ALL_FAILURES=1` counts them anew.

#![expect(clippy::print_stdout, reason = "says how many seeds noticed")]

use labkeeper_sim::mutation::Mutation;
use labkeeper_sim::{Play, runner};
use std::collections::BTreeMap;

/// What watches the holder's side and the leader's.
const LEASE: &[&str] = &["i3_lease_before_expiry", "i5_without_quorum", "i6_after_freeze"];
/// What watches only what becomes of it: two nodes that drive, or a device that is written under an older epoch.
const EFFECT: &[&str] = &["i1_fencing", "i2_one_owner", "i9_epochs_sorted"];

/// Plays seeds without a rule until one of these invariants notices.
fn is_noticed(mutation: Mutation, seeds_max: u64, watched: &'static [&'static str]) {
    let failures_max = if std::env::var_os("LABKEEPER_ALL_FAILURES").is_some() { usize::MAX } else { 1 };
    let how = Play { mutation: Some(mutation), watched, ..Play::default() };
    let summary = runner::run(0..seeds_max, how, failures_max);
    let mut found: BTreeMap<&str, u32> = BTreeMap::new();
    summary.failed.iter().for_each(|(_, violation)| *found.entry(violation.invariant).or_default() += 1);
    println!("{mutation:?}: {} of {} seeds, by {found:?}", summary.failed.len(), summary.played);
    summary.failed.iter().take(1).for_each(|(seed, violation)| println!("  seed {seed}: {violation}"));
    assert!(!summary.failed.is_empty(), "none of {watched:?} noticed {mutation:?} in {} seeds", summary.played);
}

/// A rule of the lease: noticed where it is broken, and by what becomes of it.
fn breaks_the_lease(mutation: Mutation) {
    is_noticed(mutation, 400, LEASE);
    is_noticed(mutation, 4_000, EFFECT);
}

#[test]
fn a_lease_that_counts_from_the_answer() {
    breaks_the_lease(Mutation::CountFromAck);
}

#[test]
fn an_expiry_without_compare_and_set() {
    breaks_the_lease(Mutation::NoCompareAndSet);
}

#[test]
fn a_leader_that_keeps_its_timers() {
    breaks_the_lease(Mutation::KeepTimers);
}

#[test]
fn a_leader_that_waits_no_guard() {
    breaks_the_lease(Mutation::NoGuard);
}

#[test]
fn a_leader_that_trusts_the_clocks() {
    breaks_the_lease(Mutation::NoDriftFactor);
}

#[test]
fn a_holder_that_does_not_fence_itself() {
    breaks_the_lease(Mutation::NoSelfFence);
}

#[test]
fn a_report_that_counts_under_any_epoch() {
    is_noticed(Mutation::AcceptStaleEpoch, 400, &["reports_in_epoch"]);
}

#[test]
fn a_command_that_is_accepted_again() {
    is_noticed(Mutation::NoDedup, 400, &["accepted_once"]);
}

#[test]
fn a_release_that_is_taken_back() {
    is_noticed(Mutation::TakeReleaseBack, 2_000, EFFECT);
}

#[test]
fn a_segment_that_is_let_go_with_writes_in_flight() {
    is_noticed(Mutation::ReleaseInFlight, 2_000, EFFECT);
}

#[test]
fn a_device_that_is_written_before_it_is_read() {
    is_noticed(Mutation::WriteUnread, 400, &["read_first"]);
}
