//! What a seed decides before the world begins: how many nodes, how wrong their clocks run, and under which terms they hold their leases.

use crate::clock::{Clock, SimTime};
use crate::dice::Dice;
use crate::mutation::Mutation;
use labkeeper_model::LeaseTerms;
use std::time::Duration;

/// The constants of one world.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The seed.
    pub seed: u64,
    /// The rule that is left out.
    pub mutation: Option<Mutation>,
    /// The lease's terms, the same for every node.
    pub terms: LeaseTerms,
    /// How wrong a clock may really be, in millionths; the terms declare as much, unless that is the rule that is left out.
    pub drift_ppm: u32,
    /// Longest effect of a write after it was sent.
    pub t_io: Duration,
    /// Longest stall between a look at the lease and the sending, for devices that only the lease protects.
    pub stall: Duration,
    /// The clocks, one for each node.
    pub clocks: Vec<Clock>,
    /// After how long a segment returns to its home.
    pub failback: Duration,
    /// Faults begin before this, and are over at it.
    pub calm_from: SimTime,
    /// The world ends.
    pub end: SimTime,
}

/// A world lasts a minute: with a fault every two seconds some twenty of them before the calm, which is long enough for the
/// slowest recovery (a lease of 6 s at 10 % drift takes 8 s) and a device to be asked for the rest.
const END: SimTime = SimTime::ms(60_000);
const CALM_FROM: SimTime = SimTime::ms(42_000);

impl Setting {
    /// The setting of a seed.
    #[must_use]
    pub fn draw(seed: u64, mutation: Option<Mutation>, dice: &mut Dice) -> Self {
        let has_bad_clocks = dice.permille(150) || mutation == Some(Mutation::NoDriftFactor);
        let drift_ppm = if has_bad_clocks { LeaseTerms::DRIFT_PPM_MAX } else { LeaseTerms::default().drift_ppm };
        let nodes = if dice.permille(800) { 3 } else { 5 };
        Self {
            seed,
            mutation,
            terms: terms(drift_ppm, has_bad_clocks, mutation),
            drift_ppm,
            t_io: Duration::from_millis(200),
            stall: Duration::from_millis(200),
            clocks: (0..nodes).map(|_| clock(drift_ppm, dice)).collect(),
            failback: dice.ms(3_000, 15_000),
            calm_from: CALM_FROM,
            end: END,
        }
    }

    /// How many nodes there are.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.clocks.len()
    }

    /// How much true time may pass while a clock that is as slow as it may be counts `duration`.
    #[must_use]
    pub fn slowest(&self, duration: Duration) -> Duration {
        duration.mul_f64(1.0 / (1.0 - f64::from(self.drift_ppm) / 1e6))
    }

    /// Within what true time a segment whose owner was lost is granted to another: the leader's wait by the slowest clock and two elections.
    #[must_use]
    pub fn takeover_max(&self) -> Duration {
        self.slowest(self.terms.leader_waits()) + 2 * ELECTION_MAX
    }
}

/// The longest time from the loss of a leader to the next one.
pub const ELECTION_MAX: Duration = Duration::from_millis(650);

fn terms(drift_ppm: u32, is_long: bool, mutation: Option<Mutation>) -> LeaseTerms {
    let usual = LeaseTerms { drift_ppm, ..LeaseTerms::default() };
    // With clocks that bad a longer lease makes the drift the largest part of the leader's wait.
    let long = LeaseTerms { renew: Duration::from_secs(1), lease: Duration::from_secs(6), ..usual };
    let terms = if is_long { long } else { usual };
    match mutation {
        Some(Mutation::NoGuard) => LeaseTerms { guard: Duration::ZERO, ..terms },
        Some(Mutation::NoDriftFactor) => LeaseTerms { drift_ppm: 0, ..terms },
        _ => terms,
    }
}

/// A clock that is wrong within bounds, often as wrong as it may be.
fn clock(drift_ppm: u32, dice: &mut Dice) -> Clock {
    let most = i64::from(drift_ppm);
    let drift = match dice.below(4) {
        0 => most,
        1 => -most,
        _ => dice.number(-most, most),
    };
    let boot_begin = dice.us(0, 1_000_000_000);
    Clock::new(crate::clock::nanos(boot_begin), drift)
}
