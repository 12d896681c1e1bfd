//! Bad days, drawn by chance: which fault, whom it befalls, how long it lasts, and whether a second one comes before it ends.

use crate::nemesis::{Step, Who};
use rand::rngs::StdRng;
use rand::{Rng, RngExt as _};
use std::time::Duration;

/// How long a fault lasts: from shorter than an election to longer than a lease, its guard and an election together, so that
/// some end before anybody has noticed, some in the middle of a takeover, and some long after.
const LASTS_MS: std::ops::Range<u64> = 100..4_000;
/// One bad day in so many has a second fault while the first one lasts: then a majority may be gone.
const SECOND_ONE_IN: u32 = 3;
/// How late slow devices answer. Eight tags, each written and read back, take one a second and a half: a lease.
const SLOW: Duration = Duration::from_millis(90);
/// The segments of the standard lab.
const SEGMENTS: [&str; 3] = ["cryo", "furnace", "vacuum"];

/// A bad day: faults, everything repaired, and the cluster settled.
#[must_use]
pub fn bad_day(chance: &mut StdRng) -> Vec<Step> {
    // Every other day commands queue up before the devices: then an owner that is lost has writes before it for longer than its
    // lease, which must not come beside its successor's.
    let mut steps = if chance.random_ratio(1, 2) { vec![Step::SlowDevices(SLOW), queueing_up()] } else { Vec::new() };
    steps.extend([fault(chance), lasting(chance)]);
    if chance.random_ratio(1, SECOND_ONE_IN) {
        steps.extend([fault(chance), lasting(chance)]);
    }
    steps.extend(repair());
    steps
}

/// Everything that repairs, and then the wait for health.
#[must_use]
pub fn repair() -> [Step; 6] {
    [Step::Heal, Step::Thaw, Step::MendDisks, Step::MendDevices, Step::Restart, Step::Settle]
}

/// The queue grows to its steady length, a command for each tag that is commanded.
const fn queueing_up() -> Step {
    Step::Wait(Duration::from_secs(1))
}

fn lasting(chance: &mut StdRng) -> Step {
    Step::Wait(Duration::from_millis(chance.random_range(LASTS_MS)))
}

fn fault(chance: &mut StdRng) -> Step {
    let who = who(chance);
    // Kills and freezes most, since they leave the others least to go by.
    match chance.random_range(0..12) {
        0..=3 => Step::Kill(who),
        4..=6 => Step::Freeze(who),
        7 | 8 => Step::Isolate(who),
        9 => Step::Deafen(who),
        10 => Step::Mute(who),
        _ => Step::CutField(who),
    }
}

fn who(chance: &mut impl Rng) -> Who {
    match chance.random_range(0..5) {
        0 | 1 => Who::Leader,
        2 | 3 => Who::Owner(SEGMENTS[chance.random_range(0..SEGMENTS.len())]),
        _ => Who::Node(chance.random_range(0..3)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;

    #[test]
    fn a_seed_repeats_its_days_and_many_seeds_bring_every_fault() {
        let days = |seed| -> Vec<Vec<Step>> {
            let mut chance = StdRng::seed_from_u64(seed);
            (0..200).map(|_| bad_day(&mut chance)).collect()
        };
        assert_eq!(days(7), days(7));
        assert_ne!(days(7), days(8));
        let all = format!("{:?}", days(7));
        for fault in ["Kill", "Freeze", "Isolate", "Deafen", "Mute", "CutField", "SlowDevices", "Leader", "Owner(\"vacuum\")", "Node(2)"] {
            assert!(all.contains(fault), "never {fault}");
        }
    }
}
